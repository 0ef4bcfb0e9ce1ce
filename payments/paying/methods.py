"""Which ways of paying a payer is offered, by rule; whatever is refused carries its reason.

No way of paying ever costs the payer more (C. mon. fin. art. L112-12): what is asked for is the sum of the invoices'
parts and nothing else, see `payments.checkout`, whose orders have no place for a fee.

What a supplier decides stands in ``gateway_accounts.settings``: ``methods`` (in the order of the page), ``from_minor``
and ``up_to_minor`` (minor units by method), ``kinds`` (customers' kinds by method).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

CARD, SEPA_DEBIT, TRANSFER, PAYPAL, INSTANT = "card", "sepa_debit", "transfer", "paypal", "instant"
DEFAULTS = {"stripe": (CARD,), "gocardless": (INSTANT, SEPA_DEBIT)}
"""What an account offers whose settings do not say: what needs no activation at the provider."""
CAPABLE = {
    "stripe": frozenset({CARD, SEPA_DEBIT, TRANSFER, PAYPAL}),
    "gocardless": frozenset({INSTANT, SEPA_DEBIT}),
}
KEPT_FOR_LATER = {"stripe": frozenset({CARD, SEPA_DEBIT}), "gocardless": frozenset({SEPA_DEBIT})}
"""What a provider with `Capability.SAVED_METHODS` can charge again with nobody there."""
IMMEDIATE = frozenset({CARD, PAYPAL, INSTANT})
"""Methods whose money is there at once, so that an early-payment discount can be promised with them."""
EURO_ONLY = frozenset({SEPA_DEBIT, TRANSFER, INSTANT})
MOST_MINOR = {("stripe", SEPA_DEBIT): 10_000_00, ("stripe", CARD): 999_999_99}
"""The provider's own limits for one payment, in euro cents."""
LEAST_MINOR = 50
"""No provider takes less, in cents."""
PUBLIC_METHODS = frozenset({CARD, TRANSFER})
"""A public accountant pays by transfer or by purchasing card (décret 2004-1144), and signs no mandate here."""
RETURNS_LOOKED_BACK = timedelta(days=183)
MOST_RETURNS = 2
"""As many returned debits in six months end the debits."""
_SEPA = (
    "AD AL AT BE BG BL CH CY CZ DE DK EE ES FI FR GB GF GG GI GP GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MF MK MQ "
    "MT NL NO PL PM PT RE RO RS SE SI SK SM VA YT"
)
SEPA_COUNTRIES = frozenset(_SEPA.split())
"""Where accounts that a SEPA debit reaches are kept (EPC409-09)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a method is not offered: a stable code, and a sentence for staff in both languages."""

    code: str
    sentence: str
    sentence_fr: str


@dataclass(frozen=True, slots=True)
class OfferedMethod:
    """A way of paying, or why it is not one here."""

    method: str
    refusal: Refusal | None = None
    can_be_kept: bool = False
    """The provider can keep it for later payments that the payer agrees to."""

    @property
    def allowed(self) -> bool:
        """Whether the payer may choose it."""
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class _Case:
    """What the rules look at."""

    provider: str
    settings: Mapping[str, Any]
    amount: Money
    kind: str
    country: str
    returns: int


def methods_for(work: Work, customer_id: UUID, amount: Money, on: date) -> tuple[OfferedMethod, ...]:
    """The online methods of the supplier's account for this customer and amount, allowed or not, in their order.

    None where the supplier takes no online payments; the supplier's own account number is always there beside them.
    """
    account = work.row(
        "SELECT provider, settings, customer.kind, customer.party FROM gateway_accounts JOIN customers AS customer "
        "USING (supplier_id) WHERE supplier_id = :supplier AND active AND customer_id = :customer",
        customer=customer_id,
    )
    if account is None:
        return ()
    party: dict[str, Any] = account["party"] or {}
    settings: dict[str, Any] = account["settings"] or {}
    wanted = settings.get("methods") or DEFAULTS.get(account["provider"], (CARD,))
    case = _Case(
        account["provider"],
        settings,
        amount,
        account["kind"],
        str(party.get("country") or "FR"),
        _returns(work, customer_id, on) if SEPA_DEBIT in wanted else 0,
    )
    kept = KEPT_FOR_LATER.get(account["provider"], frozenset())
    return tuple(OfferedMethod(method, _refusal(case, method), method in kept) for method in wanted)


def may_keep(work: Work) -> bool:
    """Whether the supplier's account offers a way of paying that its provider can keep for later."""
    account = work.row("SELECT provider, settings FROM gateway_accounts WHERE supplier_id = :supplier AND active")
    if account is None:
        return False
    wanted = (account["settings"] or {}).get("methods") or DEFAULTS.get(account["provider"], (CARD,))
    return not KEPT_FOR_LATER.get(account["provider"], frozenset()).isdisjoint(wanted)


def _refusal(case: _Case, method: str) -> Refusal | None:
    rules = (_by_provider, _by_currency, _by_amount, _by_customer, _by_returns)
    return next((found for rule in rules if (found := rule(case, method))), None)


def _by_provider(case: _Case, method: str) -> Refusal | None:
    if method in CAPABLE.get(case.provider, frozenset({method})):
        return None
    return Refusal(
        "method.not_capable",
        f"{case.provider} does not offer {method}.",
        f"{case.provider} ne propose pas {method}.",
    )


def _by_currency(case: _Case, method: str) -> Refusal | None:
    if case.amount.currency == "EUR" or method not in EURO_ONLY:
        return None
    return Refusal("method.euro_only", "This method moves euros only.", "Ce moyen de paiement ne prend que des euros.")


def _by_amount(case: _Case, method: str) -> Refusal | None:
    least = max(LEAST_MINOR, _limit(case.settings, "from_minor", method) or 0)
    own = _limit(case.settings, "up_to_minor", method)
    limits = [each for each in (own, MOST_MINOR.get((case.provider, method))) if each is not None]
    most = min(limits, default=None)
    if case.amount.minor < least:
        floor = Money(least, case.amount.currency)
        return Refusal("method.too_little", f"It starts at {floor}.", f"Il commence à {floor}.")
    if most is not None and case.amount.minor > most:
        ceiling = Money(most, case.amount.currency)
        return Refusal("method.too_much", f"It takes at most {ceiling}.", f"Il est limité à {ceiling}.")
    return None


def _limit(settings: Mapping[str, Any], name: str, method: str) -> int | None:
    told = (settings.get(name) or {}).get(method)
    return int(told) if told is not None else None


def _by_customer(case: _Case, method: str) -> Refusal | None:
    kinds = (case.settings.get("kinds") or {}).get(method)
    if kinds and case.kind not in kinds:
        return Refusal(
            "method.not_for_kind",
            f"The supplier does not offer it to this kind of customer ({case.kind}).",
            f"Le fournisseur ne le propose pas à ce type de client ({case.kind}).",
        )
    if case.kind == "public" and method not in PUBLIC_METHODS:
        return Refusal(
            "method.not_for_public",
            "A public accountant pays by transfer or purchasing card.",
            "Le comptable public paie par virement ou par carte d'achat.",
        )
    if method in {SEPA_DEBIT, INSTANT} and case.country not in SEPA_COUNTRIES:
        return Refusal(
            "method.outside_sepa",
            f"The customer's country ({case.country}) is outside SEPA.",
            f"Le pays du client ({case.country}) est hors de l'espace SEPA.",
        )
    return None


def _by_returns(case: _Case, method: str) -> Refusal | None:
    if method != SEPA_DEBIT or case.returns < MOST_RETURNS:
        return None
    return Refusal(
        "method.returned_debits",
        f"{case.returns} debits came back in the last six months.",
        f"{case.returns} prélèvements sont revenus impayés ces six derniers mois.",
    )


def _returns(work: Work, customer_id: UUID, on: date) -> int:
    """How many debits of a customer failed or came back lately."""
    count: int = work.scalar(
        "SELECT count(*) FROM payment_attempts AS attempt WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND method = :method AND created_at >= :since AND (state = 'failed' OR EXISTS ("
        "SELECT 1 FROM receivable_items AS line JOIN postings USING (supplier_id, posting_id) "
        "JOIN collections AS moved USING (supplier_id, entry_id) WHERE line.supplier_id = :supplier "
        "AND line.attempt_id = attempt.attempt_id AND line.kind = 'refund' "
        "AND moved.reason IN ('return', 'chargeback')))",
        customer=customer_id,
        method=SEPA_DEBIT,
        since=on - RETURNS_LOOKED_BACK,
    )
    return count
