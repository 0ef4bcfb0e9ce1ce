"""``/s/mails/sender``: mails to customers leave from the supplier's own address, proven by its DNS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, url_for

from portal.access.context import actor, place, services, work_here
from portal.access.roles import OWNERS, allow
from portal.access.step_up import fresh_proof
from portal.mail.senders import (
    ANSWERED_FOR,
    NO_RECORD,
    OTHER_KEY,
    SILENT,
    answers_to,
    ask_sender,
    check_sender,
    give_up_sender,
    record_of,
)
from portal.staff.settings.typed import UNPROCESSABLE, Typed
from portal.words import gettext, note_text, told_by
from receivables.errors import ReceivablesError
from receivables.store.mail.senders import PROVEN, sender_of

if TYPE_CHECKING:
    from werkzeug import Response

    from receivables.store.mail.senders import Sender

blueprint = Blueprint("mail_sender", __name__, url_prefix="/s/mails/sender")

LONGEST_ADDRESS = 254
FAULTS = {
    NO_RECORD: note_text("L'entrée TXT n'est pas visible. Un DNS met parfois quelques heures à la montrer."),
    OTHER_KEY: note_text("Une entrée existe à ce nom, mais elle porte une autre clé : recopiez la valeur entière."),
    SILENT: note_text("Le DNS de ce domaine ne répond pas maintenant. Nous regarderons de nouveau dans une heure."),
}


@blueprint.get("")
@allow(*OWNERS)
def show() -> str:
    """The address, the entry to publish, and what was found."""
    return _page(Typed({}))


@blueprint.post("")
@allow(*OWNERS)
@fresh_proof
def ask() -> Response | tuple[str, int]:
    """Take an address and make its key; it serves once the DNS shows it."""
    typed = Typed.read()
    address = typed.need("address", LONGEST_ADDRESS)
    if address and not typed.faults:
        try:
            with work_here() as work:
                ask_sender(services(), work, address, actor())
        except ReceivablesError as error:
            typed.faults["address"] = told_by(error)
    return (_page(typed), UNPROCESSABLE) if typed.faults else redirect(url_for("mail_sender.show"), 303)


@blueprint.post("/check")
@allow(*OWNERS)
def check() -> Response:
    """Look at the DNS now."""
    check_sender(services(), place().supplier_id)
    return redirect(url_for("mail_sender.show", checked=1), 303)


@blueprint.post("/end")
@allow(*OWNERS)
def end() -> Response:
    """Write from the house's address again."""
    with work_here() as work:
        give_up_sender(work, actor())
    return redirect(url_for("mail_sender.show"), 303)


def _page(typed: Typed) -> str:
    with work_here() as work:
        known = sender_of(work)
    return render_template(
        "mails/sender.html",
        typed=typed,
        sender=known,
        record=record_of(known) if known else None,
        fault=gettext(FAULTS[known.fault]) if known and known.fault in FAULTS else "",
        hints=_hints(known) if known and known.checked_at else [],
        answered=answers_to(known),
        answered_days=ANSWERED_FOR.days,
        house=services().settings.mail_from,
        checked="checked" in request.args,
    )


def _hints(sender: Sender) -> list[tuple[str, str]]:
    """What the domain says of itself, and what that means for these mails: name and sentence."""
    policy = _policy(sender.dmarc)
    if sender.dmarc is None:
        dmarc = gettext("Aucune règle publiée. Conseil : ajoutez « v=DMARC1; p=none » à _dmarc.%(domain)s.")
    elif policy in {"reject", "quarantine"} and sender.state != PROVEN:
        dmarc = gettext("Règle « %(policy)s » : sans notre clé, vos courriels seraient refusés. Publiez-la d'abord.")
    else:
        dmarc = gettext("Règle « %(policy)s » : notre signature y répond, elle porte votre domaine exact.")
    spf = (
        gettext("Publié. Rien à y ajouter : les retours arrivent chez nous, sous notre nom.")
        if sender.spf
        else gettext("Rien de publié, et rien à ajouter pour nous : les retours arrivent sous notre nom.")
    )
    return [("DMARC", dmarc % {"domain": sender.domain, "policy": policy}), ("SPF", spf)]


def _policy(dmarc: str | None) -> str:
    """What a DMARC record asks receivers to do with mails that prove nothing (RFC 7489, 6.3)."""
    for each in (dmarc or "").split(";"):
        name, _, value = each.partition("=")
        if name.strip().lower() == "p":
            return value.strip().lower()
    return "none"
