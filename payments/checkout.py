"""Begin a payment: the amount comes from the books, the attempt is committed before the provider is called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now
from payments.errors import PaymentError
from payments.gateways.port import CheckoutOrder, GatewayRefusedError
from receivables.domain.money import Money
from receivables.domain.receipts import AttemptMoved, AttemptState
from receivables.services.dues import due_on_invoice
from receivables.store.attempts import move_attempts
from receivables.store.customers import lock_customers
from receivables.store.invoices import get_invoice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.gateways.port import Gateway, OpenCheckout
    from receivables.services.dues import InvoiceDue
    from receivables.store.work import Work, Works

MIN_LEFT = timedelta(minutes=5)
"""A checkout about to expire is not offered again."""
MIN_TO_OPEN = timedelta(minutes=30, seconds=30)
"""Providers open no checkout that ends in less than half an hour."""
MIN_LIFETIME = timedelta(minutes=35)
"""So an attempt that could not be opened may be repeated for some minutes before it gives way to a new one."""


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """A payer pressed the button: which invoice, where to come back to, in which language."""

    supplier_id: UUID
    supplier_name: str
    invoice_id: UUID
    return_url: str
    language: str
    lifetime: timedelta
    second_payment_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class _Begun:
    attempt_id: UUID
    order: CheckoutOrder
    url: str | None
    stale: Sequence[RowMapping]
    """Superseded attempts whose checkout may still be open at the provider."""


def start_checkout(
    works: Works, request: CheckoutRequest, account_id: UUID, gateway_for: Callable[[Work], Gateway]
) -> str:
    """The provider's page for what is due on an invoice now; a second press gets the same page.

    Raises:
        PaymentError: ``payment.nothing_due``, ``payment.in_flight`` (confirm to pay in addition).
        GatewayError: the provider did not answer; pressing again is safe.
    """
    begun = works.run(request.supplier_id, lambda work: _begin(work, request, account_id))
    with works.begin(request.supplier_id) as work:
        gateway = gateway_for(work)
    for row in begun.stale:
        _close(works, request.supplier_id, gateway, row)
    if begun.url:
        return begun.url
    opened = _open(gateway, begun.order)
    with works.begin(request.supplier_id) as work:
        state = work.scalar(
            "UPDATE payment_attempts SET state = CASE state WHEN 'created' THEN 'open' ELSE state END, "
            "session_ref = :session, checkout_url = :url, changed_at = :at "
            "WHERE supplier_id = :supplier AND attempt_id = :id RETURNING state",
            id=begun.attempt_id,
            session=opened.session_id,
            url=opened.url,
            at=now(),
        )
    if state == AttemptState.SUPERSEDED:  # what is due changed while the provider was asked
        _expire(gateway, opened.session_id)
        return start_checkout(works, request, account_id, gateway_for)
    return opened.url


def _begin(work: Work, request: CheckoutRequest, account_id: UUID) -> _Begun:
    """Lock the customer, look at what is due, and either go on with the open attempt or make a new one."""
    invoice = get_invoice(work, request.invoice_id)
    if invoice.is_assigned:
        raise PaymentError(
            "payment.assigned",
            "This invoice is payable to the factor that it names: paying here would not settle it.",
            "Cette facture est à régler à l'affactureur qu'elle nomme : un paiement ici ne l'éteindrait pas.",
        )
    lock_customers(work, [invoice.customer_id])
    due = due_on_invoice(work, request.invoice_id)
    _check_payable(due, request)
    at = now()
    for row in _attempts(work, request.invoice_id, "reservation.state = 'open'"):
        same = row["amount_minor"] == due.payable_minor and row["account_id"] == account_id
        if same and row["expires_at"] - at > (MIN_LEFT if row["checkout_url"] else MIN_TO_OPEN):
            order = _order(work, request, due, row["attempt_id"], row["expires_at"])
            return _Begun(row["attempt_id"], order, row["checkout_url"], _stale(work, request, account_id, at))
        move_attempts(work, [AttemptMoved(row["attempt_id"], AttemptState.SUPERSEDED)], at)
    attempt_id, expires_at = new_id(), (at + max(request.lifetime, MIN_LIFETIME)).replace(microsecond=0)
    work.execute(
        "INSERT INTO payment_attempts (supplier_id, attempt_id, customer_id, account_id, amount_minor, currency, "
        "state, expires_at, created_at, changed_at) "
        "VALUES (:supplier, :id, :customer, :account, :amount, :currency, 'created', :expires, :at, :at)",
        id=attempt_id,
        customer=invoice.customer_id,
        account=account_id,
        amount=due.payable_minor,
        currency=invoice.currency,
        expires=expires_at,
        at=at,
    )
    work.execute(
        "INSERT INTO reservations (supplier_id, attempt_id, invoice_id, amount_minor, state) "
        "VALUES (:supplier, :attempt, :invoice, :amount, 'open')",
        attempt=attempt_id,
        invoice=request.invoice_id,
        amount=due.payable_minor,
    )
    work.audit("payer", "payment.begun", str(attempt_id), invoice=invoice.number, amount_minor=due.payable_minor)
    order = _order(work, request, due, attempt_id, expires_at)
    return _Begun(attempt_id, order, None, _stale(work, request, account_id, at))


def _check_payable(due: InvoiceDue, request: CheckoutRequest) -> None:
    if due.in_flight_minor and not request.second_payment_confirmed:
        amount = Money(due.in_flight_minor, due.currency)
        raise PaymentError(
            "payment.in_flight",
            f"A payment of {amount} is already on its way. Confirm that you want to pay the rest as well.",
            f"Un paiement de {amount} est déjà en cours. Confirmez que vous voulez payer le reste en plus.",
        )
    if due.payable_minor <= 0:
        raise PaymentError(
            "payment.nothing_due",
            "Nothing is to be paid on this invoice. No payment was started.",
            "Rien n'est à payer sur cette facture. Aucun paiement n'a été lancé.",
        )


def _attempts(work: Work, invoice_id: UUID, condition: str, **values: object) -> Sequence[RowMapping]:
    return work.rows(
        "SELECT attempt_id, account_id, attempt.amount_minor, session_ref, checkout_url, expires_at "
        "FROM payment_attempts AS attempt JOIN reservations AS reservation USING (supplier_id, attempt_id) "
        f"WHERE supplier_id = :supplier AND reservation.invoice_id = :invoice AND {condition}",
        invoice=invoice_id,
        **values,
    )


def _stale(work: Work, request: CheckoutRequest, account_id: UUID, at: datetime) -> Sequence[RowMapping]:
    """What is still to be closed, also where the provider did not answer when it was superseded."""
    condition = "attempt.state = 'superseded' AND attempt.account_id = :account AND attempt.expires_at > :at"
    return _attempts(work, request.invoice_id, condition, account=account_id, at=at)


def _order(
    work: Work, request: CheckoutRequest, due: InvoiceDue, attempt_id: UUID, expires_at: datetime
) -> CheckoutOrder:
    return CheckoutOrder(
        supplier_id=work.supplier_id,
        attempt_id=attempt_id,
        invoice_number=due.number,
        description=f"{request.supplier_name}, {due.number}",
        amount=Money(due.payable_minor, due.currency),
        payer_email=due.customer_email,
        success_url=request.return_url,
        cancel_url=request.return_url,
        expires_at=expires_at,
        locale=request.language,
    )


def _open(gateway: Gateway, order: CheckoutOrder) -> OpenCheckout:
    """Open the attempt's checkout, or find the one opened in another language or from another page."""
    try:
        return gateway.open_checkout(order)
    except GatewayRefusedError as error:
        found = gateway.find_checkout(order.attempt_id) if error.code == "gateway.key_reused" else None
        if found is None or not found.url:
            raise
        return found


def _close(works: Works, supplier_id: UUID, gateway: Gateway, row: RowMapping) -> None:
    """Close the checkout of a superseded attempt, also one whose opening was never heard of again, and note it."""
    session_ref = row["session_ref"]
    if session_ref is None:
        found = gateway.find_checkout(row["attempt_id"])
        session_ref = found.session_id if found else None
    if session_ref is not None:
        _expire(gateway, session_ref)
    with works.begin(supplier_id) as work:
        work.execute(
            "UPDATE payment_attempts SET expires_at = least(expires_at, :at) "
            "WHERE supplier_id = :supplier AND attempt_id = :id",
            id=row["attempt_id"],
            at=now(),
        )


def _expire(gateway: Gateway, session_ref: str) -> None:
    """Close a checkout whose amount is no longer due; where the payer was faster, the webhook will tell."""
    try:
        gateway.expire_checkout(session_ref)
    except GatewayRefusedError as error:
        if error.code != "gateway.checkout_complete":
            raise
