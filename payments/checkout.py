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

    from payments.gateways.port import Gateway
    from receivables.services.dues import InvoiceDue
    from receivables.store.work import Work, Works

MIN_LEFT = timedelta(minutes=5)
"""A checkout about to expire is not offered again."""


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
    superseded: tuple[str, ...]


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
    for session in begun.superseded:
        _expire(gateway, session)
    if begun.url:
        return begun.url
    opened = gateway.open_checkout(begun.order)
    with works.begin(request.supplier_id) as work:
        work.execute(
            "UPDATE payment_attempts SET state = CASE state WHEN 'created' THEN 'open' ELSE state END, "
            "session_ref = :session, checkout_url = :url, changed_at = :at "
            "WHERE supplier_id = :supplier AND attempt_id = :id",
            id=begun.attempt_id,
            session=opened.session_id,
            url=opened.url,
            at=now(),
        )
    return opened.url


def _begin(work: Work, request: CheckoutRequest, account_id: UUID) -> _Begun:
    """Lock the customer, look at what is due, and either go on with the open attempt or make a new one."""
    invoice = get_invoice(work, request.invoice_id)
    lock_customers(work, [invoice.customer_id])
    due = due_on_invoice(work, request.invoice_id)
    _check_payable(due, request)
    at = now()
    superseded = []
    for row in _open_attempts(work, request.invoice_id):
        same = row["amount_minor"] == due.payable_minor and row["account_id"] == account_id
        if same and row["expires_at"] - at > MIN_LEFT:
            order = _order(work, request, due, row["attempt_id"], row["expires_at"])
            return _Begun(row["attempt_id"], order, row["checkout_url"], ())
        move_attempts(work, [AttemptMoved(row["attempt_id"], AttemptState.SUPERSEDED)], at)
        if row["session_ref"]:
            superseded.append(row["session_ref"])
    attempt_id, expires_at = new_id(), (at + request.lifetime).replace(microsecond=0)
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
    return _Begun(attempt_id, _order(work, request, due, attempt_id, expires_at), None, tuple(superseded))


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
            "Nothing is due on this invoice: it is settled. No payment was started.",
            "Rien n'est dû sur cette facture : elle est soldée. Aucun paiement n'a été lancé.",
        )


def _open_attempts(work: Work, invoice_id: UUID) -> Sequence[RowMapping]:
    return work.rows(
        "SELECT attempt_id, account_id, attempt.amount_minor, session_ref, checkout_url, expires_at "
        "FROM payment_attempts AS attempt JOIN reservations AS reservation USING (supplier_id, attempt_id) "
        "WHERE supplier_id = :supplier AND reservation.invoice_id = :invoice AND reservation.state = 'open'",
        invoice=invoice_id,
    )


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


def _expire(gateway: Gateway, session_ref: str) -> None:
    """Close a checkout whose amount is no longer due; where the payer was faster, the webhook will tell."""
    try:
        gateway.expire_checkout(session_ref)
    except GatewayRefusedError as error:
        if error.code != "gateway.checkout_complete":
            raise
