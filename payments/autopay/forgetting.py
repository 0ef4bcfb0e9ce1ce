"""A customer forgets a kept method: the agreement by it ends first, then the method itself, here and there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.autopay.agreements import autopay_of, end_autopay
from payments.providers.saved import end_method, find_method

if TYPE_CHECKING:
    from uuid import UUID

    from payments.reconcile import GatewayOf
    from receivables.store.work import Works


def forget_method(
    works: Works, supplier_id: UUID, customer_id: UUID, method: tuple[UUID, str], *, actor: str, gateway_of: GatewayOf
) -> None:
    """Forget ``method`` (provider account, reference) of this customer, with what was announced by it.

    Raises:
        GatewayError: the provider did not answer; it is not charged from here any more, and asking again is safe.
        PaymentError: ``method.unknown``: there is none, or it is another customer's.
    """
    with works.begin(supplier_id) as work:
        found = find_method(work, customer_id, *method)
        agreed = autopay_of(work, customer_id)
        if agreed is not None and (agreed.account_id, agreed.method_ref) == method:
            end_autopay(work, customer_id, actor)
    end_method(works, supplier_id, found, actor, gateway_of)
