"""Which adapter speaks to which provider: the one place that knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.gateways import gocardless, stripe
from payments.gateways.port import GatewayRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from payments.accounts import GatewayAccount
    from payments.gateways.port import Gateway

STRIPE, GOCARDLESS = "stripe", "gocardless"
FINAL_AT = "final_at"
"""The setting that says when money counts as received; GoCardless': ``confirmed`` (its own word) or ``paid_out``."""


def open_gateway(account: GatewayAccount, **options: float) -> Gateway:
    """The provider behind an account; ``options`` are the adapter's time-outs and retries.

    Raises:
        GatewayRefusedError: ``gateway.unknown_provider``, or the key does not fit (see the adapters).
    """
    opener = _OPENERS.get(account.provider)
    if opener is None:
        raise GatewayRefusedError(
            f"No adapter is called {account.provider!r}: use one of {', '.join(sorted(_OPENERS))}.",
            "gateway.unknown_provider",
        )
    return opener(account, options)


def _open_stripe(account: GatewayAccount, options: dict[str, float]) -> Gateway:
    return stripe.StripeGateway(
        account.key,
        api_url=account.base_url,
        account=account.connect_account,
        **options,  # type: ignore[arg-type]  # a count is one of them
    )


def _open_gocardless(account: GatewayAccount, options: dict[str, float]) -> Gateway:
    final_at = str(account.settings.get(FINAL_AT) or "confirmed")
    return gocardless.GoCardlessGateway(account.key, api_url=account.base_url, final_at=final_at, **options)


_OPENERS: dict[str, Callable[[GatewayAccount, dict[str, float]], Gateway]] = {
    STRIPE: _open_stripe,
    GOCARDLESS: _open_gocardless,
}
PROVIDERS = frozenset(_OPENERS)
"""The providers that a supplier can choose."""
