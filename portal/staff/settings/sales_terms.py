"""``/s/settings/terms``: the general terms and conditions of sale (CGV), version by version."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, url_for

from config.clock import today
from einvoice.archive.retention import retain_until
from portal.access.context import actor, place, services, work_here
from portal.access.people import staff_of
from portal.access.roles import BOOKKEEPING, STAFF, allow
from portal.staff.settings.typed import UNPROCESSABLE, Typed
from portal.validation.uploads import clean_name
from portal.words import gettext
from receivables.store.settlement.terms_versions import TermsFile, current_terms, publish_terms, terms_versions

if TYPE_CHECKING:
    from werkzeug import Response

    from receivables.store.settlement.terms_versions import TermsVersion
    from receivables.store.work import Work

blueprint = Blueprint("sales_terms", __name__, url_prefix="/s/settings/terms")

MOST_WORDS = 25_000
"""Characters of a version in words, in each language; longer terms come as a file."""
MOST_BYTES = 5 * 1024 * 1024
MAX_FORM_BYTES = MOST_BYTES + 256 * 1024
"""Of the form: the words in both languages, and a file that is a little too large, to be told so."""
LAST_YEAR = 2999
_PDF = b"%PDF-"


@blueprint.get("")
@allow(*STAFF)
def show() -> str:
    """The versions, and which one holds now."""
    with work_here() as work:
        return _page(work, Typed({"effective_on": today().isoformat()}))


@blueprint.post("")
@allow(*BOOKKEEPING)
def publish() -> Response | tuple[str, int]:
    """Publish a version; it cannot be changed afterwards."""
    typed = Typed.read()
    wording, english = typed.text("wording", MOST_WORDS), typed.text("wording_en", MOST_WORDS)
    day = _day(typed)
    content, name = _file(typed)
    if bool(wording) == bool(content) and not typed.faults:
        typed.faults["wording"] = gettext("Donnez soit un texte, soit un fichier PDF.")
    if english and not wording:
        typed.faults["wording_en"] = gettext("Un texte anglais accompagne un texte français.")
    with work_here() as work:
        if typed.faults or day is None:
            return _page(work, typed), UNPROCESSABLE
        file = None
        if content:
            sha = services().archive.put(content, retain_until(work, today()))
            file = TermsFile(name, "application/pdf", len(content), sha)
        publish_terms(work, day, actor(), wording=wording or "", wording_en=english or "", file=file)
    return redirect(url_for("sales_terms.show", saved=1), 303)


def _day(typed: Typed) -> date | None:
    """From when the version holds: today at the earliest, for nobody agreed to it before it was there."""
    try:
        day = date.fromisoformat(typed.get("effective_on"))
    except ValueError:
        typed.faults["effective_on"] = gettext("Donnez un jour, par exemple 2027-01-01.")
        return None
    if not today() <= day <= date(LAST_YEAR, 12, 31):
        typed.faults["effective_on"] = gettext("Une version vaut aujourd'hui au plus tôt.")
    return day


def _file(typed: Typed) -> tuple[bytes, str]:
    given = request.files.get("file")
    content = given.read(MOST_BYTES + 1) if given and given.filename else b""
    if content and not content.startswith(_PDF):
        typed.faults["file"] = gettext("Ce fichier n'est pas un PDF.")
    elif len(content) > MOST_BYTES:
        typed.faults["file"] = gettext("Ce fichier dépasse %(most)s Mo.") % {"most": MOST_BYTES // 2**20}
    return content, clean_name(given.filename if given else "") or "CGV.pdf"


def _page(work: Work, typed: Typed) -> str:
    versions, holding = terms_versions(work), current_terms(work, today())
    people = {f"person {each.person_id}": each.name for each in staff_of(services().database, work.supplier_id)}
    return render_template(
        "settings/sales_terms.html",
        typed=typed,
        versions=versions,
        state_of=lambda version: _state(version, holding),
        holding=holding,
        people=people,
        supplier_id=work.supplier_id,
        saved="saved" in request.args,
        may_change=place().role in BOOKKEEPING,
    )


def _state(version: TermsVersion, holding: TermsVersion | None) -> tuple[str, str, str]:
    if holding and version.version_id == holding.version_id:
        return "paid", "check", gettext("En vigueur")
    if version.effective_on > today():
        return "flight", "clock", gettext("À venir")
    return "plain", "archive", gettext("Remplacée")
