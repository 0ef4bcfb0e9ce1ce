"""Who writes a statement to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.statements.pdf import Heading
from portal.wiring import branding_of
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work


def heading_of(work: Work, customer_id: UUID) -> Heading:
    """The heading of a customer's statement.

    Raises:
        NotFoundError: ``customer.not_found``.
    """
    customer = get_customer(work, customer_id)
    profile: dict[str, Any] = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    party: dict[str, Any] = (
        work.scalar("SELECT party FROM customers WHERE supplier_id = :supplier AND customer_id = :id", id=customer_id)
        or {}
    )
    place = " ".join(str(party[name]) for name in ("postcode", "city") if party.get(name))
    seller = supplier_name(work)
    legal = (seller, profile.get("legal_form"), profile.get("registration"), profile.get("vat_id"))
    return Heading(
        seller=seller,
        seller_line=" · ".join(str(each) for each in legal if each),
        customer=customer.name,
        account=customer.account_code,
        address=tuple(line for line in (place, f"SIREN {customer.siren}" if customer.siren else "") if line),
        colour=branding_of(work).colour,
    )
