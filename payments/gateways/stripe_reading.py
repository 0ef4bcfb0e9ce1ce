"""How Stripe's objects are read, whatever they say: amounts, instants, references, and the fact they become.

Shapes: API version 2026-10-28 (the one the pinned library speaks). No network, no library.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from config.clock import legal_day
from payments.gateways.port import FactKind, GatewayRefusedError, PaymentFact
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    Facts = tuple[PaymentFact, ...]
    StripeJson = Mapping[str, Any]

PROVIDER = "stripe"

SAME_UNITS = frozenset(
    ("EUR", "USD", "GBP", "CHF", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "MAD", "JPY", "XPF")
)
"""Currencies whose minor unit is the same for Stripe and ISO 4217. Others differ (ISK, UGX, TND): refused."""

NAMES_AT_STRIPE = {"transfer": "customer_balance"}
"""Methods that the port names otherwise than Stripe."""

OUR_NAMES = {theirs: ours for ours, theirs in NAMES_AT_STRIPE.items()}

ONE_TRY = "one"
"""Metadata ``tries`` of a payment that nobody can try again: its first failure is its end."""

NO_MONEY = Money(0, "EUR")
"""The amount of a fact that moves nothing."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How we came to know of an object: when it was told (aware), and in which mode."""

    at: datetime
    livemode: bool


@dataclass(frozen=True, slots=True)
class Whose:
    """Whom an object is about: our customer at the provider, the method and mandate used."""

    customer_ref: str | None = None
    method_ref: str | None = None
    method_label: str | None = None
    mandate_ref: str | None = None


NOBODY_NAMED = Whose()


def money_of(minor: int, currency: str) -> Money:
    """Stripe's amount as money.

    Raises:
        GatewayRefusedError: ``gateway.currency_unknown`` where the minor units are not known to agree.
    """
    code = currency.upper()
    if code not in SAME_UNITS:
        raise GatewayRefusedError(
            f"The minor unit of {code} is not known to agree with Stripe's; add it after checking.",
            "gateway.currency_unknown",
        )
    return Money(minor, code)


def instant(seconds: int) -> datetime:
    """Stripe's Unix seconds as an aware UTC instant."""
    return datetime.fromtimestamp(seconds, UTC)


def legal_day_of(seconds: int) -> date:
    """The day in Paris of Stripe's Unix seconds; its days (of arrival, of availability) begin at midnight UTC."""
    return legal_day(instant(seconds))


def ref_of(reference: Any) -> str:
    """The id of a reference, which Stripe sends as an id, as the whole object when expanded, or as null."""
    if isinstance(reference, dict):
        return str(reference["id"])
    return str(reference) if reference else ""


def uuid_of(text: Any) -> UUID | None:
    """Our id in the metadata; None where another program wrote something else there."""
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None


def fact(
    telling: Telling,
    *,
    kind: FactKind,
    payment_ref: str,
    object_ref: str,
    metadata: StripeJson | None,
    amount: Money,
    occurred_at: datetime,
    method: str,
    failure_code: str | None = None,
    fee: Money | None = None,
    whose: Whose = NOBODY_NAMED,
    answer_until: datetime | None = None,
) -> PaymentFact:
    """A fact with what its object's metadata says of us."""
    return PaymentFact(
        provider=PROVIDER,
        kind=kind,
        payment_ref=payment_ref,
        object_ref=object_ref,
        supplier_id=uuid_of((metadata or {}).get("supplier_id")),
        attempt_id=uuid_of((metadata or {}).get("attempt_id")),
        amount=amount,
        occurred_at=occurred_at,
        method=OUR_NAMES.get(method, method),
        failure_code=failure_code,
        fee=fee,
        livemode=telling.livemode,
        customer_ref=whose.customer_ref,
        method_ref=whose.method_ref,
        method_label=whose.method_label,
        mandate_ref=whose.mandate_ref,
        answer_until=answer_until,
    )
