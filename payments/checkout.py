"""Begin a payment: the amount comes from the books, the attempt is committed before the provider is called.

What is asked for is the sum of what the invoices get, to the cent: a fee for the way of paying has no place here
(C. mon. fin. art. L112-12).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from config.clock import new_id, now
from payments.errors import PaymentError
from payments.gateways.port import GatewayRefusedError
from payments.paying.beginning import Begun, begin
from payments.paying.methods import TRANSFER
from payments.providers.customers import customer_there
from receivables.domain.settlement.receipts import AttemptState

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.gateways.port import CheckoutOrder, Gateway, OpenCheckout
    from payments.paying.plans import CheckoutRequest
    from receivables.store.work import Work, Works


@dataclass(frozen=True, slots=True)
class Started:
    """Where the payer goes on: the provider's page, or nowhere (``url`` is None) where credits paid all of it.

    ``attempt_id`` is the payment, None where no money is asked for.
    """

    attempt_id: UUID | None
    url: str | None


def start_checkout(
    works: Works, request: CheckoutRequest, account_id: UUID | None, gateway_for: Callable[[Work], Gateway]
) -> Started:
    """The provider's page for what the plan comes to now; a second press gets the same page.

    Raises:
        PaymentError: ``payment.nothing_due``, ``payment.less_due``, ``payment.in_flight`` (confirm to pay in addition),
            ``payment.method_refused``, ``payment.no_provider``; see also ``plans``, ``basket``, ``discounts``.
        NotFoundError: ``invoice.not_found``.
        GatewayError: the provider did not answer; pressing again is safe.
    """
    begun = works.run(request.supplier_id, lambda work: begin(work, request, account_id))
    if begun.order is None and not begun.stale:
        return Started(begun.attempt_id, begun.url)
    with works.begin(request.supplier_id) as work:
        gateway = gateway_for(work)
    for row in begun.stale:
        _close(works, request.supplier_id, gateway, row)
    if begun.url or begun.order is None:
        return Started(begun.attempt_id, begun.url)
    opened = _open(gateway, _for_customer(works, gateway, begun, account_id))
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
        if request.press_key:
            raise PaymentError(
                "payment.superseded",
                "Another payment of the same invoices was begun meanwhile. Look again, then pay.",
                "Un autre paiement des mêmes factures a commencé entre-temps. Vérifiez, puis payez.",
            )
        return start_checkout(works, request, account_id, gateway_for)
    return Started(begun.attempt_id, opened.url)


def press_key() -> str:
    """A key for a form that is about to be shown."""
    return new_id().hex


def _for_customer(works: Works, gateway: Gateway, begun: Begun, account_id: UUID | None) -> CheckoutOrder:
    """The order, in the name of our customer at the provider where the method needs one."""
    assert begun.order is not None  # noqa: S101 -- asked before
    needed = TRANSFER in begun.order.methods or begun.order.save_method
    if not needed or begun.customer_id is None or account_id is None:
        return begun.order
    customer_ref = customer_there(works, begun.order.supplier_id, account_id, begun.customer_id, gateway)
    return replace(begun.order, customer_ref=customer_ref)


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
