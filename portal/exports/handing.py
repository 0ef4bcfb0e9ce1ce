"""Exports for whoever is here: made at once or asked for, watched, and fetched by the same person alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Response, abort, make_response, render_template, request

from portal.access.context import actor, caller, place, services, work_here
from portal.access.headers import FILE_POLICY
from portal.access.principals import lets_in
from portal.exports.kept import Export, Wish, ask_export, get_export, pieces_of
from portal.exports.kinds import ABOUT_A_CUSTOMER, KINDS
from portal.jobs.jobs import job_of, lines_of
from portal.tables import plain_name
from portal.words import gettext, language
from receivables.errors import NotFoundError, ReceivablesError
from receivables.store.customer_file.customers import get_customer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from werkzeug import Response as AnyResponse

    from portal.exports.kinds import ExportKind, Size
    from portal.jobs.jobs import JobLine, JobView
    from receivables.store.work import Work

OPTION = "o."
"""Before the name of an option: the field that carries it."""
MOST_TYPED = 200
FOLLOW_EVERY_S = "3"


@dataclass(frozen=True, slots=True)
class Shown:
    """An export as its page shows it; ``refused`` is why it could not be made."""

    export: Export
    kind: ExportKind
    job: JobView
    refused: JobLine | None


def wish_here(kind: str, options: Mapping[str, str], customer_id: UUID | None = None) -> Wish:
    """What the caller asks for, in their language; only options that the kind knows, and no control signs."""
    kept = {
        name: "".join(filter(str.isprintable, options[name]))[:MOST_TYPED]
        for name in KINDS[kind].options
        if options.get(name)
    }
    return Wish(kind, kept, language(), caller().person.person_id, customer_id)


def offer(wish: Wish, action: str) -> AnyResponse | None:
    """The page that offers to make a large export apart; ``None`` where it is small enough to be made now.

    Raises:
        NotFoundError: there is no such thing to export.
    """
    with work_here() as work:
        size = KINDS[wish.kind].size(work, wish)
    return None if size.is_small else _offer_page(wish, size, action)


def ask(wish: Wish) -> UUID:
    """Ask for an export that the caller may have; 404 where they may not, or there is no such thing.

    Raises:
        ReceivablesError: ``export.too_many``.
    """
    kind = KINDS[wish.kind]
    if not lets_in(kind.access, place()):
        abort(404)
    try:
        with work_here() as work:
            if wish.customer_id is not None:
                get_customer(work, wish.customer_id)
            kind.size(work, wish)
            return ask_export(work, wish, kind.title(wish))
    except NotFoundError:
        abort(404)


def typed_wish(customer_id: UUID | None) -> Wish:
    """The wish that a form of ours carries.

    Raises:
        ReceivablesError: ``export.unknown_kind``.
    """
    kind = request.form.get("kind", "")
    if kind not in KINDS or (customer_id is None) == (kind in ABOUT_A_CUSTOMER):
        raise ReceivablesError(
            "export.unknown_kind",
            "This form does not say what to export. Begin again from the page of the list.",
            "Ce formulaire ne dit pas quoi exporter. Recommencez depuis la page de la liste.",
        )
    options = {name: request.form.get(f"{OPTION}{name}", "") for name in KINDS[kind].options}
    return wish_here(kind, options, customer_id)


def own_export(work: Work, export_id: UUID) -> Shown:
    """An export of the caller's that they may still have; 404 for anybody else, as for one that is not there."""
    try:
        export = get_export(work, export_id)
    except NotFoundError:
        abort(404)
    kind = KINDS.get(export.kind)
    if kind is None or export.asked_by != caller().person.person_id or not lets_in(kind.access, place()):
        abort(404)
    if not place().is_staff and export.customer_id != place().customer_id:
        abort(404)
    if export.customer_id is not None:
        try:
            get_customer(work, export.customer_id)  # staff with a portfolio see their own customers' alone
        except NotFoundError:
            abort(404)
    refused, _ = lines_of(work, export.job_id, state="refused", most=1)
    return Shown(export, kind, job_of(work, export.job_id), refused[0] if refused else None)


def progress_page(export_id: UUID, crumb: tuple[str, str]) -> AnyResponse:
    """How far an export is, and the way to its file; it comes again by itself where its reader wants that."""
    with work_here() as work:
        shown = own_export(work, export_id)
    waits = shown.export.state == "waiting" and shown.job.is_running
    follows = waits and request.args.get("follow") == "yes"
    page = make_response(
        render_template(
            "exports/made.html",
            shown=shown,
            export=shown.export,
            title=gettext(shown.kind.name),
            waits=waits,
            follows=follows,
            crumb=crumb,
            told=language(),
        )
    )
    if follows:
        page.headers["Refresh"] = FOLLOW_EVERY_S
    return page


def send_export(export_id: UUID) -> Response:
    """The file, piece by piece, noted in the trail."""
    with work_here() as work:
        export = own_export(work, export_id).export
        if not export.can_be_fetched or export.filename is None:
            abort(404)
        work.audit(actor(), "export.fetched", str(export_id), kind=export.kind, sha256=export.sha256)
    works, supplier_id = services().works, place().supplier_id

    def pieces() -> Iterator[bytes]:
        yield from pieces_of(works, supplier_id, export_id)

    response = Response(pieces(), content_type=export.mime)
    response.content_length = export.size_bytes or 0
    response.headers.set("Content-Disposition", "attachment", filename=plain_name(export.filename))
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


def _offer_page(wish: Wish, size: Size, action: str) -> AnyResponse:
    kind = KINDS[wish.kind]
    return make_response(
        render_template(
            "exports/large.html",
            title=gettext(kind.name),
            wish=wish,
            size=size,
            action=action,
            prefix=OPTION,
        )
    )
