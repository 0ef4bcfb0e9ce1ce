"""Writing to the supplier from a pay link: said only once the customer's own mailbox has confirmed it.

Links are printed in documents that travel. So whoever holds one may write, and read nothing: neither the conversation,
nor the address that is asked. The mail that asks does not repeat what was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import new_id
from config.secrets import fingerprint, new_token, token_bytes, token_text
from portal.access.context import services
from portal.access.roles import public
from portal.customer.desk import greet
from portal.customer.links import linked_invoice, read_address, revoked_page
from portal.mail.message_mails import tell_collector, write_held_mail
from portal.words import gettext, told_by
from receivables.domain.conversations.messages import MAX_SAID, Channel, Side, Subject, readable
from receivables.errors import ReceivablesError
from receivables.services.conversations.messaging import Say, say
from receivables.store.conversations.holding import Held, find_held, hold_message, settle_held
from receivables.store.customer_file.contacts import recipient_for
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from werkzeug import Response

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.customer_file.contacts import Contact
    from receivables.store.work import Work

blueprint = Blueprint("link_messages", __name__)

SUPPLIER_BYTES = 16
MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class Typed:
    """What was written, shown again where something is missing."""

    name: str = ""
    said: str = ""
    wrong: str = ""


@blueprint.get("/p/<token>/message")
@public
def ask(token: str) -> Response:
    """The form behind a pay link; after it was sent, what to do next."""
    supplier_id, link_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        invoice = linked_invoice(work, link_hash)
        return revoked_page(work) if invoice is None else _form(work, invoice, token)


@blueprint.post("/p/<token>/message")
@public
def send(token: str) -> Response:
    """Hold the message, and ask the customer's mailbox."""
    supplier_id, link_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        invoice = linked_invoice(work, link_hash)
        if invoice is None:
            return revoked_page(work)
        typed = Typed(readable(request.form.get("name", ""))[:MAX_NAME], readable(request.form.get("said", "")))
        contact = recipient_for(work, invoice.customer_id, "billing")
        wrong = _missing(work, invoice, typed)
        if contact is None or wrong:
            return _form(work, invoice, token, Typed(typed.name, typed.said, wrong))
        try:
            _hold(work, invoice, contact, typed)
        except ReceivablesError as error:
            return _form(work, invoice, token, Typed(typed.name, typed.said, told_by(error)))
    return redirect(url_for("link_messages.ask", token=token, sent=1), 303)


@blueprint.get("/m/<token>")
@public
def confirm(token: str) -> Response:
    """What was written, to be confirmed; looking changes nothing: mail programs look at links too."""
    supplier_id, token_hash = _read_confirmation(token)
    with services().works.begin(supplier_id) as work:
        held = find_held(work, token_hash)
        if held is None:
            return _page("messages/confirm.html", 410, held=None)
        greet(work, held.customer_id)
        return _confirmation(work, held)


@blueprint.post("/m/<token>")
@public
def settle(token: str) -> Response:
    """Say it now, or never."""
    supplier_id, token_hash = _read_confirmation(token)
    outcome = "refused" if request.form.get("do") == "refuse" else "said"
    with services().works.begin(supplier_id) as work:
        held = find_held(work, token_hash, lock=True)
        if held is None:
            return _page("messages/confirm.html", 410, held=None)
        greet(work, held.customer_id)
        try:
            if outcome == "said":
                _say(work, held)
        except ReceivablesError as error:
            return _confirmation(work, held, told_by(error))
        settle_held(work, held.held_id, outcome)
        return _confirmation(work, held, outcome=outcome)


def _hold(work: Work, invoice: Invoice, contact: Contact, typed: Typed) -> None:
    raw = work.supplier_id.bytes + new_token()
    given = Held(
        new_id(), invoice.customer_id, invoice.invoice_id, typed.name, contact.email or "", typed.said, contact.language
    )
    held = hold_message(work, given, fingerprint(raw))
    write_held_mail(services(), work, held, token_text(raw))
    work.audit("pay link", "message.held", str(held.held_id), invoice=invoice.number)


def _say(work: Work, held: Held) -> None:
    command = Say(
        Subject(held.customer_id, held.invoice_id),
        Side.CUSTOMER,
        Channel.LINK,
        "pay link",
        held.author,
        held.said,
        f"held {held.held_id}",
        address=held.recipient,
    )
    tell_collector(services(), work, say(work, command))


def _missing(work: Work, invoice: Invoice, typed: Typed) -> str:
    """What is missing, in the language of the page; empty where nothing is."""
    greet(work, invoice.customer_id)
    if not typed.name:
        return gettext("Dites qui vous êtes.")
    if not typed.said:
        return gettext("Écrivez votre message.")
    if len(typed.said) > MAX_SAID:
        return gettext("Le texte est trop long : raccourcissez-le.")
    return ""


def _form(work: Work, invoice: Invoice, token: str, typed: Typed | None = None) -> Response:
    greet(work, invoice.customer_id)
    return _page(
        "messages/by_link.html",
        422 if typed else 200,
        invoice=invoice,
        seller=supplier_name(work),
        reachable=recipient_for(work, invoice.customer_id, "billing") is not None,
        typed=typed or Typed(),
        sent=request.args.get("sent") == "1",
        back=url_for("pay.show", token=token),
        most_said=MAX_SAID,
        max_name=MAX_NAME,
    )


def _confirmation(work: Work, held: Held, wrong: str = "", *, outcome: str = "") -> Response:
    return _page(
        "messages/confirm.html",
        422 if wrong else 200,
        held=held,
        seller=supplier_name(work),
        number=get_invoice(work, held.invoice_id).number,
        outcome=outcome,
        wrong=wrong,
    )


def _page(template: str, status: int, **values: object) -> Response:
    return make_response(render_template(template, **values), status)


def _read_confirmation(token: str) -> tuple[UUID, bytes]:
    raw = token_bytes(token)
    if raw is None or len(raw) != SUPPLIER_BYTES + len(new_token()):
        abort(404)
    return UUID(bytes=raw[:SUPPLIER_BYTES]), fingerprint(raw)
