"""Who owes and who is owed: customers as the books know them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID


class CustomerKind(StrEnum):
    """Which law a customer stands under: consumers are guarded, public bodies pay by other rules."""

    BUSINESS = "business"
    PUBLIC = "public"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What an invoice says of its buyer (acheteur). ``party`` is the buyer as the document words it."""

    name: str
    kind: CustomerKind
    siren: str | None = None
    vat_id: str | None = None
    email: str | None = None
    language: str = "fr"
    party: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer (client) with its auxiliary account (compte auxiliaire), e.g. ``C00012``."""

    customer_id: UUID
    account_code: str
    name: str
    kind: CustomerKind
    siren: str | None
    vat_id: str | None
    email: str | None
    language: str
