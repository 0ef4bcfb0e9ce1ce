"""The terms and conditions beside a button that pays, and the page on which they can be read or fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, g, make_response, render_template, request

from config.clock import today
from portal.access.context import services
from portal.access.roles import public
from portal.customer.desk import note_desk
from portal.customer.downloads import send_bytes
from portal.words import language
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.settlement.terms_shown import shown_version
from receivables.store.settlement.terms_versions import current_terms, terms_version

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response
    from werkzeug import Response as AnyResponse

    from receivables.store.settlement.terms_versions import TermsVersion
    from receivables.store.work import Work

blueprint = Blueprint("terms", __name__, url_prefix="/terms")


@blueprint.app_context_processor
def _for_pages() -> dict[str, object]:
    """``pay/terms.html`` stands beside every button that pays."""
    return {"terms_here": terms_here}


@blueprint.get("/<uuid:supplier_id>/<uuid:version_id>")
@public
def show(supplier_id: UUID, version_id: UUID) -> AnyResponse:
    """One version: whoever buys may ask for them (C. com. art. L441-1, II), so they are nobody's secret."""
    with services().works.begin(supplier_id) as work:
        version = terms_version(work, version_id)
        note_desk(work, None)
        page = render_template(
            "pay/terms_page.html",
            version=version,
            seller=supplier_name(work),
            supplier_id=supplier_id,
            wording=(version.wording_en if language() == "en" else None) or version.wording,
        )
    return make_response(page)


@blueprint.get("/<uuid:supplier_id>/<uuid:version_id>/file")
@public
def file(supplier_id: UUID, version_id: UUID) -> Response:
    """The file of a version; of one in words the words, as the text that its hash is of."""
    with services().works.begin(supplier_id) as work:
        version = terms_version(work, version_id)
    if version.filename and version.media_type:
        return send_bytes(services().archive.get(version.sha256), version.media_type, version.filename)
    text = "\n\n".join(each for each in (version.wording, version.wording_en) if each)
    return send_bytes(text.encode(), "text/plain; charset=utf-8", f"CGV-{version.version}.txt")


def note_terms(work: Work) -> None:
    """Remember which version this page shows."""
    version = current_terms(work, today())
    g.terms = (work.supplier_id, version) if version else None


def terms_agreed(work: Work) -> dict[str, Any]:
    """For the evidence of an agreement to pay again and again: which version stood beside its button.

    Every payment that follows from it carries this version (`receivables.store.settlement.terms_shown.carry_terms`).
    """
    version = shown_version(work, request.form.get("terms", "")[:40])
    if version is None:
        return {}
    return {"terms": {"version_id": str(version.version_id), "version": version.version, "sha256": version.sha256}}


def terms_here() -> tuple[UUID, TermsVersion] | None:
    """The supplier and the version that this page shows, where it noted one."""
    found: tuple[UUID, TermsVersion] | None = g.get("terms")
    return found
