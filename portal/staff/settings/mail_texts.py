"""``/s/settings/mail-texts``: what mails say in the supplier's own words, and what stands under every one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for

from portal.access.context import actor, place, work_here
from portal.access.roles import BOOKKEEPING, STAFF, allow
from portal.mail.kinds import KINDS, worded_kinds
from portal.staff.settings.typed import UNPROCESSABLE, Typed
from portal.words import LANGUAGES, gettext, note_text
from receivables.store.mail.texts import EVERY_MAIL, MailText, keep_mail_text, mail_texts_of

if TYPE_CHECKING:
    from werkzeug import Response

blueprint = Blueprint("mail_texts", __name__, url_prefix="/s/settings/mail-texts")

MOST_SUBJECT, MOST_WORDS = 150, 2000
EVERY_NAME = note_text("Signature de tous les courriels")
_PLACE = re.compile(r"\{([^{}]*)\}")


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """Every kind of mail that may be worded, and which is."""
    with work_here() as work:
        texts = mail_texts_of(work)
    rows = [(EVERY_MAIL, gettext(EVERY_NAME)), *((key, gettext(kind.name)) for key, kind in worded_kinds())]
    return render_template(
        "settings/mail_texts.html",
        rows=rows,
        own={key: [each for each in LANGUAGES if not texts.of(key, each).is_empty] for key, _ in rows},
        may_change=place().role in BOOKKEEPING,
    )


@blueprint.get("/<kind>")
@allow(*STAFF)
def show(kind: str) -> str:
    """The words of one kind, in both languages."""
    _demand(kind)
    with work_here() as work:
        texts = mail_texts_of(work)
    values: dict[str, str] = {}
    for spoken in LANGUAGES:
        own = texts.of(kind, spoken)
        values |= {f"subject_{spoken}": own.subject, f"opening_{spoken}": own.opening, f"closing_{spoken}": own.closing}
    return _page(kind, Typed(values))


@blueprint.post("/<kind>")
@allow(*BOOKKEEPING)
def save(kind: str) -> Response | tuple[str, int]:
    """Keep the words of one kind; empty fields give the word back to the house."""
    _demand(kind)
    typed = Typed.read()
    texts = [_read(typed, kind, spoken) for spoken in LANGUAGES]
    if typed.faults:
        return _page(kind, typed), UNPROCESSABLE
    with work_here() as work:
        known = mail_texts_of(work)
        for text in texts:
            if text != known.of(kind, text.language):
                keep_mail_text(work, text, actor())
    return redirect(url_for("mail_texts.show", kind=kind, saved=1), 303)


def _demand(kind: str) -> None:
    if kind != EVERY_MAIL and not (kind in KINDS and KINDS[kind].is_worded):
        abort(404)


def _read(typed: Typed, kind: str, spoken: str) -> MailText:
    if kind == EVERY_MAIL:
        return MailText(kind, spoken, closing=typed.text(f"closing_{spoken}", MOST_WORDS) or "")
    found = {
        part: typed.text(f"{part}_{spoken}", most) or ""
        for part, most in (("subject", MOST_SUBJECT), ("opening", MOST_WORDS), ("closing", MOST_WORDS))
    }
    for part, words in found.items():
        unknown = sorted(set(_PLACE.findall(words)) - set(KINDS[kind].places))
        if unknown:
            told = {"places": ", ".join(f"{{{each}}}" for each in unknown)}
            typed.faults[f"{part}_{spoken}"] = gettext("Ce courriel ne connaît pas %(places)s.") % told
    if "\n" in found["subject"]:
        typed.faults[f"subject_{spoken}"] = gettext("Un objet tient sur une ligne.")
    return MailText(kind, spoken, **found)


def _page(kind: str, typed: Typed) -> str:
    return render_template(
        "settings/mail_text.html",
        typed=typed,
        kind=kind,
        name=gettext(EVERY_NAME if kind == EVERY_MAIL else KINDS[kind].name),
        places=() if kind == EVERY_MAIL else tuple(f"{{{each}}}" for each in KINDS[kind].places),
        is_signature=kind == EVERY_MAIL,
        saved="saved" in request.args,
        may_change=place().role in BOOKKEEPING,
    )
