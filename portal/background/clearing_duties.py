"""The worker's duties about money that lies with providers: hints followed up, payouts, the comparison by the hour."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import now
from payments.clearing.cash import Funded, claim_cash
from payments.clearing.comparison import compare_providers
from payments.clearing.payouts import follow_payouts
from payments.gateways.port import GatewayError
from payments.providers.coming_back import DEBIT_CAME_BACK, follow_return
from payments.providers.hints import CASH_FUNDED, PAYOUT_TOLD
from portal.background.worker import NotYetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.wiring import Services
    from receivables.store.outbox import Announcement

    Subscriber = Callable[[UUID, Announcement], None]

COMPARE_EVERY_S = 3600.0
"""The last days are compared again each hour: a day's figures are final once its late movements are told."""
AGAIN_S = 60.0
"""How soon to ask a provider again that did not answer."""
MATCHING_S = 30.0
"""What a provider needs to match a transfer to a payment that waits for it; only what is left then is taken."""


def follow_hints(services: Services, matching_s: float = MATCHING_S) -> dict[str, dict[str, Subscriber]]:
    """Who asks the provider in full, by the hint that its webhook gave."""
    return {
        PAYOUT_TOLD: {"clearing": _follow(services)},
        CASH_FUNDED: {"clearing": _claim(services, matching_s)},
        DEBIT_CAME_BACK: {"debits": _react(services)},
    }


def compare(services: Services) -> Callable[[UUID], object]:
    """Compare a supplier's providers with its books."""
    return lambda supplier_id: compare_providers(services.works, supplier_id, services.gateway_for)


def _follow(services: Services) -> Subscriber:
    def follow(supplier_id: UUID, hint: Announcement) -> None:
        try:
            follow_payouts(services.works, supplier_id, services.gateway_for, UUID(hint.payload["account_id"]))
        except GatewayError as error:
            raise NotYetError(f"{error.code}: {error}", AGAIN_S) from error

    return follow


def _claim(services: Services, matching_s: float) -> Subscriber:
    def claim(supplier_id: UUID, hint: Announcement) -> None:
        too_soon_s = matching_s - (now() - hint.created_at).total_seconds()
        if too_soon_s > 0:
            raise NotYetError("payment.matching: the provider may match this transfer by itself.", too_soon_s)
        try:
            claim_cash(services.works, supplier_id, Funded.of(hint.event_key, hint.payload), services.gateway_for)
        except GatewayError as error:
            raise NotYetError(f"{error.code}: {error}", AGAIN_S) from error

    return claim


def _react(services: Services) -> Subscriber:
    def react(supplier_id: UUID, hint: Announcement) -> None:
        try:
            follow_return(services.works, supplier_id, services.gateway_for, hint.payload)
        except GatewayError as error:
            raise NotYetError(f"{error.code}: {error}", AGAIN_S) from error

    return react
