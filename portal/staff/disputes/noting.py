"""``/s/disputes/new/...``: a collector notes what a customer contests: told by phone, or shown by a short payment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import today
from portal.access.context import actor, services, work_here
from portal.access.roles import COLLECTING, allow
from portal.customer.disputing import read_amount
from portal.fields import new_once, read_once
from portal.mail.dispute_mails import RECEIVED, write_dispute_mail
from portal.telling.dispute_words import PLAIN, choices
from portal.words import gettext, note_text, told_by
from receivables.errors import ReceivablesError
from receivables.services.conversations.contesting import MAX_SAID
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.short_paying import NotedDispute, note_dispute, short_payments
from receivables.store.customer_file.customers import get_customer
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("disputes_noted", __name__, url_prefix="/s/disputes/new")

_REFUSED = {
    "dispute.no_words": note_text("Dites en quelques mots ce qui ne va pas."),
    "dispute.bad_amount": note_text("Indiquez un montant plus grand que zéro et au plus égal à la facture."),
    "dispute.too_much": note_text("Indiquez un montant plus grand que zéro et au plus égal à la facture."),
    "dispute.credit_note": note_text("Un avoir est en faveur du client : contestez sa facture."),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed; ``wrong`` says what is wrong with it."""

    reason: str = ""
    amount: str = ""
    said: str = ""
    once: str = ""
    wrong: str = ""


@blueprint.get("/<uuid:invoice_id>")
@allow(*COLLECTING)
def ask(invoice_id: UUID) -> Response:
    """Which invoice, which amount, why."""
    with work_here() as work:
        return _page(work, invoice_id, Typed(once=new_once()))


@blueprint.post("/<uuid:invoice_id>")
@allow(*COLLECTING)
def note(invoice_id: UUID) -> Response:
    """Open the dispute and tell the customer that it is looked at."""
    form = request.form
    typed = Typed(
        form.get("reason", "")[:40],
        form.get("amount", "")[:20].strip(),
        "".join(c for c in form.get("said", "") if c.isprintable() or c in "\r\n\t")[:MAX_SAID],
        read_once(form),
    )
    try:
        with work_here() as work:
            dispute = note_dispute(work, command_of(work, invoice_id, typed), today())
            write_dispute_mail(services(), work, dispute, RECEIVED, "")
    except ReceivablesError as error:
        wrong = gettext(_REFUSED[error.code]) if error.code in _REFUSED else told_by(error)
        with work_here() as work:
            return _page(work, invoice_id, Typed(typed.reason, typed.amount, typed.said, typed.once, wrong))
    return redirect(url_for("disputes.show", dispute_id=dispute.dispute_id), 303)


def command_of(work: Work, invoice_id: UUID, typed: Typed) -> NotedDispute:
    """What the form says about an invoice.

    Raises:
        NotFoundError: ``invoice.not_found``.
        ReceivablesError: ``dispute.no_reason``, ``dispute.bad_amount``.
    """
    if typed.reason not in PLAIN:
        raise ReceivablesError("dispute.no_reason", "Choose a reason.", "Choisissez ce qui ne va pas.")
    invoice = get_invoice(work, invoice_id)
    minor = read_amount(typed.amount, invoice.currency) if typed.amount else None
    if typed.amount and not minor:
        raise ReceivablesError(
            "dispute.bad_amount", f"{typed.amount!r} is no amount.", f"« {typed.amount} » n'est pas un montant."
        )
    short = short_payments(work, today(), invoice_id=invoice_id)
    return NotedDispute(
        invoice_id,
        typed.reason,
        typed.said,
        actor(),
        f"form {typed.once}",
        amount_minor=minor,
        short=bool(short) and minor in (None, short[0].missing_minor),
    )


def _page(work: Work, invoice_id: UUID, typed: Typed) -> Response:
    invoice = get_invoice(work, invoice_id)
    customer = get_customer(work, invoice.customer_id)
    short = next(iter(short_payments(work, today(), invoice_id=invoice_id)), None)
    page = render_template(
        "disputes/new.html",
        invoice=invoice,
        customer=customer,
        due=due_on_invoice(work, invoice_id),
        short=short,
        groups=choices(customer.kind),
        typed=typed,
        most_said=MAX_SAID,
    )
    return make_response(page, 422 if typed.wrong else 200)
