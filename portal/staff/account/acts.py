"""Acts of other areas on a customer's page: a promise, a message, a dispute, reminders; answered on the same page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, redirect, request, url_for

from config.clock import today
from portal.access.context import actor, caller, place, services, work_here
from portal.access.roles import COLLECTING, allow
from portal.dunning.running import send_reminders
from portal.fields import day_in, id_in, read_once
from portal.mail.dispute_mails import RECEIVED, write_dispute_mail
from portal.mail.message_mails import write_message_mail
from portal.mail.plan_mails import write_promise_mail
from portal.plan_forms import choices_of, read_day, read_ids, wishes_of
from portal.staff.account.dealings import leave_out
from portal.staff.account.pages import act_on, refuse
from portal.staff.disputes.noting import Typed, command_of
from portal.words import gettext, told_by
from receivables.domain.collecting.promises import Source
from receivables.domain.conversations.messages import MAX_SAID, Channel, Side, Subject
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.collecting.dunning import plan_for, rules_of
from receivables.services.collecting.promising import NewPromise, make_promise
from receivables.services.conversations.messaging import Say, say
from receivables.services.settlement.short_paying import note_dispute
from receivables.store.collecting.dunning import resume_customer, stop_customer
from receivables.store.customer_file.customers import get_customer
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.domain.collecting.reminders import Plan
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

blueprint = Blueprint("account_acts", __name__, url_prefix="/s/customers/<uuid:customer_id>")

LONGEST_STOP = timedelta(days=366)


@blueprint.post("/promise")
@allow(*COLLECTING)
def promise(customer_id: UUID) -> Response | tuple[str, int]:
    """Note what was promised, and tell the customer what was noted."""

    def act(work: Work, actor: str) -> None:
        picks = read_ids(request.form.getlist("pick"))
        command = NewPromise(
            customer_id,
            wishes_of(request.form, picks, choices_of(work, customer_id)),
            read_day(request.form.get("promised_on", "")),
            Source.COLLECTOR,
            request.form.get("said_by", "")[:200],
            actor,
        )
        write_promise_mail(services(), work, make_promise(work, command))

    return act_on(customer_id, "promise", act, "promises")


@blueprint.post("/message")
@allow(*COLLECTING)
def message(customer_id: UUID) -> Response | tuple[str, int]:
    """Write to the customer, about the account or one of its invoices."""

    def act(work: Work, actor: str) -> None:
        about = id_in(request.form.get("about", ""))
        subject = Subject(customer_id, _own_invoice(work, customer_id, about).invoice_id if about else None)
        said, once = request.form.get("said", "")[: MAX_SAID + 1], f"form {read_once(request.form)}"
        done = say(work, Say(subject, Side.SUPPLIER, Channel.PAGE, actor, caller().person.name, said, once))
        write_message_mail(services(), work, done.thread, done.message_id)

    return act_on(customer_id, "message", act, "messages")


@blueprint.post("/dispute")
@allow(*COLLECTING)
def dispute(customer_id: UUID) -> Response | tuple[str, int]:
    """Note what the customer contests of an invoice."""

    def act(work: Work, _actor: str) -> None:
        form = request.form
        about = id_in(form.get("about", ""))
        if about is None:
            raise ReceivablesError("dispute.no_invoice", "Choose an invoice.", "Choisissez une facture.")
        invoice = _own_invoice(work, customer_id, about)
        said = "".join(c for c in form.get("said", "") if c.isprintable() or c in "\r\n\t")[:MAX_SAID]
        typed = Typed(form.get("reason", "")[:40], form.get("amount", "")[:20].strip(), said, read_once(request.form))
        opened = note_dispute(work, command_of(work, invoice.invoice_id, typed), today())
        write_dispute_mail(services(), work, opened, RECEIVED, "")

    return act_on(customer_id, "dispute", act, "disputes")


@blueprint.post("/remind")
@allow(*COLLECTING)
def remind(customer_id: UUID) -> Response | tuple[str, int]:
    """Send the next reminder now, where one is due and nobody has to look at it first."""
    with work_here() as work:
        get_customer(work, customer_id)
        plan = plan_for(work, rules_of(work), [customer_id], today())
    try:
        tally = send_reminders(services(), place().supplier_id, actor(), today(), [customer_id])
    except ReceivablesError as error:
        return refuse(customer_id, "dunning", told_by(error))
    if not tally.written:
        return refuse(customer_id, "dunning", why_nothing(plan))
    return redirect(f"{url_for('account.show', customer_id=customer_id, told='reminded')}#dunning", 303)


@blueprint.post("/stop")
@allow(*COLLECTING)
def stop(customer_id: UUID) -> Response | tuple[str, int]:
    """Remind this customer of nothing until a day."""

    def act(work: Work, actor: str) -> None:
        until_on = day_in(request.form.get("until", ""))
        if until_on is None or not today() < until_on <= today() + LONGEST_STOP:
            raise ReceivablesError(
                "dunning.bad_day", "Choose a day to come, within a year.", "Choisissez un jour à venir, dans l'année."
            )
        stop_customer(work, customer_id, request.form.get("why", ""), until_on, actor)

    return act_on(customer_id, "dunning", act)


@blueprint.post("/resume")
@allow(*COLLECTING)
def resume(customer_id: UUID) -> Response | tuple[str, int]:
    """Remind this customer again."""
    return act_on(customer_id, "dunning", lambda work, actor: resume_customer(work, customer_id, actor))


def why_nothing(plan: Plan) -> str:
    """Why no reminder went out, in one sentence."""
    if plan.reminders:
        return gettext("La prochaine relance doit être relue avant de partir.")
    reasons = "; ".join(dict.fromkeys(each.words for each in leave_out(plan.silences)))
    if not reasons:
        return gettext("Rien n'est parti : rien n'est échu chez ce client.")
    return gettext("Rien n'est parti : %(reasons)s.") % {"reasons": reasons}


def _own_invoice(work: Work, customer_id: UUID, invoice_id: UUID) -> Invoice:
    """An invoice of this customer.

    Raises:
        NotFoundError: ``invoice.not_found``.
    """
    invoice = get_invoice(work, invoice_id)
    if invoice.customer_id != customer_id:
        raise NotFoundError(
            "invoice.not_found", "This customer has no such invoice.", "Ce client n'a pas cette facture."
        )
    return invoice
