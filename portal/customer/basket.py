"""The basket of a signed-in customer: invoices with an amount each, credits to deduct, a preview, then one payment.

Nothing here needs a script: every step is an address or a form. What is previewed is what is sent, and what is sent is
held against the books again; where they moved, the page says so instead of paying something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for

from config.clock import new_id, today
from payments.checkout import press_key
from payments.errors import PaymentError
from payments.paying.basket import deduct
from payments.paying.plans import AimsPlan, CreditChoice, check_plan, customer_of
from payments.paying.told import find_payment
from payments.refunds.holdings import OPEN_STATES, held_by
from payments.refunds.orders import NewRefund, ask_refund, refunds_of
from portal.access.context import actor, caller, customer_here, place, work_here
from portal.access.roles import Right, Role, allow
from portal.customer.pay_link import receipt_facts
from portal.customer.paying import Pressed, allow_provider_page, begin_payment, shown_methods
from portal.customer.payment_words import bad_amount, read_amount, read_minor
from portal.customer.terms import note_terms
from portal.fields import id_in
from portal.problems import problem_of
from portal.words import language
from receivables.domain.money import Money
from receivables.services.invoicing.dues import due_on_invoices
from receivables.services.settlement.credits import available_credits
from receivables.store.customer_file.overviews import PAGE, sum_open
from receivables.store.invoicing.lists import list_invoices

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from payments.paying.basket import Deduction
    from payments.paying.plans import CheckedPlan
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.services.settlement.credits import Credit
    from receivables.store.work import Work

blueprint = Blueprint("basket", __name__, url_prefix="/c")

MAX_LOOKS = 8
LOOK_EVERY_S = 3
ALL_DUE, ALL = "due", "total"
NOTE, PAID = "note", "paid"
"""How the page names a credit: a credit note, or money that no invoice took."""
KEEP = "keep"
"""The box by which a customer lets the provider keep the method."""
TYPED = "a."
"""Before the id of an invoice: the field with its amount."""


@dataclass(frozen=True, slots=True)
class BasketLine:
    """An invoice to choose, with what is typed for it."""

    due: InvoiceDue
    chosen: bool
    typed: str


@blueprint.get("/pay")
@allow(Role.CUSTOMER, right=Right.PAY)
def choose() -> str:
    """Invoices, credits and amounts to choose from."""
    with work_here() as work:
        return _page(work, None)


@blueprint.get("/pay/review")
@allow(Role.CUSTOMER, right=Right.PAY)
def review() -> str | tuple[str, int]:
    """What would be paid, line by line, before anything is."""
    with work_here() as work:
        try:
            plan = _read_choice(work)
            checked = check_plan(work, plan, customer_of(work, plan))
            deduction = deduct(work, checked, plan.credits)
        except PaymentError as error:
            return _page(work, error), 409
        asked = Money(deduction.to_pay_minor, checked.currency)
        online = allow_provider_page(work)
        note_terms(work)
        return render_template(
            "customer/review.html",
            checked=checked,
            deduction=deduction,
            lines=_sent_lines(checked),
            credits=_sent_credits(deduction),
            offered_methods=shown_methods(work, checked.customer_id, asked, today()) if online else [],
            to_pay_minor=asked.minor,
            flying_minor=sum(due.in_flight_minor for due in checked.dues.values()),
            how=plan.how,
            key=press_key(),
        )


@blueprint.post("/pay")
@allow(Role.CUSTOMER, right=Right.PAY)
def pay() -> Response:
    """Use the chosen credits and go to the provider's page for the rest."""
    names = ("lines", "credits", "currency", "how", "key", KEEP)
    given = {name: request.form[name] for name in names if name in request.form}
    plan = AimsPlan(
        wishes=_read_lines(given.get("lines", "")),
        currency=given.get("currency") or None,
        customer_id=customer_here(),
        credits=_read_credits(given.get("credits", "").split(",")),
        how=given["how"] if given.get("how") in {"oldest_first", "all_due", "all"} else "by_invoice",
    )
    done = url_for("basket.done")
    return begin_payment(
        Pressed(
            place().supplier_id,
            plan,
            return_path=done,
            back=url_for("basket.choose"),
            settled=f"{done}?attempt={{attempt}}",
            actor=str(caller().person.person_id),
            press_key=given.get("key", "")[:64] or None,
            save_method=given.get(KEEP) == "yes",
            fields=given,
        )
    )


@blueprint.get("/pay/done")
@allow(Role.CUSTOMER)
def done() -> str | Response:
    """Where a payer comes back to: the payment that was begun last, or the word that credits settled all of it."""
    if request.args.get("attempt") == "":
        return render_template("customer/settled.html")
    with work_here() as work:
        latest = work.scalar(
            "SELECT attempt_id FROM payment_attempts WHERE supplier_id = :supplier AND customer_id = :customer "
            "ORDER BY created_at DESC, attempt_id DESC LIMIT 1",
            customer=customer_here(),
        )
    return redirect(url_for("basket.payment", attempt_id=latest, back=1) if latest else url_for("customer.home"), 303)


@blueprint.get("/payments/<uuid:attempt_id>")
@allow(Role.CUSTOMER)
def payment(attempt_id: UUID) -> str:
    """What became of one payment, to print or to keep."""
    with work_here() as work:
        found = find_payment(work, attempt_id)
        if found is None or found.customer_id != customer_here():
            abort(404)
        waits = any(each.state in OPEN_STATES for each in refunds_of(work, attempt_id))
    look = request.args.get("back", "")
    return render_template(
        "customer/payment.html",
        back=url_for("customer.receipts"),
        look=min(int(look), MAX_LOOKS) if look.isascii() and look.isdigit() and len(look) == 1 else 0,
        every_s=LOOK_EVERY_S,
        most_looks=MAX_LOOKS,
        refund_waits=waits,
        **receipt_facts(found, place().supplier_name),
    )


@blueprint.post("/payments/<uuid:attempt_id>/refund")
@allow(Role.CUSTOMER, right=Right.PAY)
def refund(attempt_id: UUID) -> Response:
    """Ask for money back that no invoice took; somebody of the supplier has to agree."""
    with work_here() as work:
        held = held_by(work, attempt_id)
        if held is None or held.customer_id != customer_here():
            abort(404)
        ask_refund(
            work,
            NewRefund(
                order_id=new_id(),
                attempt_id=attempt_id,
                amount_minor=min(held.credit_minor - held.ordered_minor, held.left_minor),
                road="provider" if held.account_id else "transfer",
                reason="Demande du client",
                actor=actor(),
                transfer_iban=None if held.account_id else request.form.get("iban", "")[:40] or held.payer_iban,
                of_customer=customer_here(),
            ),
        )
    return redirect(url_for("customer.receipts", asked=1), 303)


def _page(work: Work, error: PaymentError | None) -> str:
    """The basket, with what is typed in the address and why it could not be taken."""
    customer_id = customer_here()
    totals = sum_open(work, today(), customer_id)
    known = [each.currency for each in totals if each.due_minor]
    currency = request.args.get("currency", "")
    currency = currency if currency in known else next(iter(known), "EUR")
    rows = list_invoices(work, today(), customer_id=customer_id, narrowed="to_pay", most_urgent=True)
    dues = [
        due
        for due in due_on_invoices(work, [row.invoice_id for row in rows[:PAGE]])
        if due.currency == currency and due.payable_minor > 0
    ]
    allow_provider_page(work)
    picked = set(request.args.getlist("pick"))
    return render_template(
        "customer/basket.html",
        lines=[_line(due, picked) for due in dues],
        more=len(rows) > PAGE,
        credits=[each for each in available_credits(work, customer_id) if each.currency == currency],
        used=set(request.args.getlist("credit")),
        credit_key=_credit_key,
        currency=currency,
        currencies=known,
        due_now_minor=sum(due.due_now_minor for due in dues),
        all_minor=sum(due.payable_minor for due in dues),
        oldest=request.args.get("oldest", "")[:20],
        problem=problem_of(error) if error else None,
    )


def _line(due: InvoiceDue, picked: set[str]) -> BasketLine:
    typed = request.args.get(f"{TYPED}{due.invoice_id}", "")[:20]
    chosen = str(due.invoice_id) in picked if picked else due.due_now_minor > 0
    return BasketLine(due, chosen, typed or plain_amount(due.asked_minor, due.currency))


def plain_amount(minor: int, currency: str) -> str:
    """An amount as it stands in a field: ``1200,50``, for English readers ``1200.50``; both are read."""
    written = f"{Money(minor, currency).decimal:f}"
    return written.replace(".", ",") if language() == "fr" else written


def _read_choice(work: Work) -> AimsPlan:
    """The plan in the address of the preview.

    Raises:
        PaymentError: ``payment.bad_amount``, ``payment.nothing_chosen`` (by `customer_of`).
    """
    asked = request.args
    currency = asked.get("currency") or "EUR"
    credits_ = _read_credits(asked.getlist("credit"))
    customer_id = customer_here()
    if asked.get("all") in {ALL_DUE, ALL}:
        wishes = _everything(work, currency, only_due=asked["all"] == ALL_DUE)
        how = "all_due" if asked["all"] == ALL_DUE else "all"
        return AimsPlan(wishes, currency=currency, customer_id=customer_id, credits=credits_, how=how)
    if asked.get("oldest", "").strip():
        amount = read_amount(asked["oldest"], currency)
        return AimsPlan({}, amount, currency, customer_id, credits_, how="oldest_first")
    wishes = {
        invoice_id: read_amount(asked.get(f"{TYPED}{invoice_id}", ""), currency)
        for picked in asked.getlist("pick")
        if (invoice_id := id_in(picked))
    }
    return AimsPlan(wishes, currency=currency, customer_id=customer_id, credits=credits_)


def _everything(work: Work, currency: str, *, only_due: bool) -> dict[UUID, int | None]:
    rows = list_invoices(
        work, today(), customer_id=customer_here(), narrowed="to_pay", most_urgent=True, limit=2 * PAGE
    )
    dues = due_on_invoices(work, [row.invoice_id for row in rows[: 2 * PAGE]])
    amounts = {due.invoice_id: due.due_now_minor if only_due else due.payable_minor for due in dues}
    return {due.invoice_id: minor for due in dues if due.currency == currency and (minor := amounts[due.invoice_id])}


def _read_lines(text: str) -> dict[UUID, int | None]:
    """The lines that our own preview carries: ``invoice:minor,invoice:minor``.

    Raises:
        PaymentError: ``payment.bad_amount``.
    """
    found: dict[UUID, int | None] = {}
    for each in text.split(",") if text else ():
        invoice, _, minor = each.partition(":")
        invoice_id, amount = id_in(invoice), read_minor(minor)
        if invoice_id is None or amount is None or invoice_id in found:
            raise bad_amount()
        found[invoice_id] = amount
    return found


def _read_credits(keys: list[str]) -> tuple[CreditChoice, ...]:
    found = []
    for key in keys:
        kind, _, text = key.partition(":")
        credit_id = id_in(text)
        if credit_id and kind in {NOTE, PAID}:
            found.append(CreditChoice(invoice_id=credit_id) if kind == NOTE else CreditChoice(attempt_id=credit_id))
    return tuple(dict.fromkeys(found))


def _credit_key(credit: Credit) -> str:
    return f"{NOTE}:{credit.invoice_id}" if credit.kind == "credit_note" else f"{PAID}:{credit.attempt_id}"


def _sent_lines(checked: CheckedPlan) -> str:
    return ",".join(f"{invoice_id}:{minor}" for invoice_id, minor in checked.aims.items())


def _sent_credits(deduction: Deduction) -> str:
    return ",".join(dict.fromkeys(_credit_key(use.credit) for use in deduction.uses))
