"""How we call Stripe: the client, our idempotency keys, and the library's errors in the words of the port."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import stripe

from payments.gateways.port import (
    GatewayDeclinedError,
    GatewayError,
    GatewayInDoubtError,
    GatewayRefusedError,
    GatewayUnreachableError,
)
from payments.gateways.trying import try_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from stripe import RequestOptions

Changed = TypeVar("Changed")

PAGE = 100
"""Objects per list request: Stripe's most."""


class StripeCalls:
    """A client for one Stripe account, with its mode.

    Args:
        key: A secret (``sk_``) or restricted (``rk_``) key; its prefix says test or live.
        api_url: Another address that speaks Stripe's API, such as the sandbox; None for Stripe itself.
        account: The connected account (``acct_...``) that the key's owner, a platform, acts for.
        timeout_s: Longest wait for an answer, in seconds.
        connect_timeout_s: Longest wait for a connection, in seconds.
        network_retries: How often a request is repeated after a lost answer, with the same idempotency key.

    Raises:
        GatewayRefusedError: The key names no mode, or a live key would travel to another address in the clear.
    """

    def __init__(
        self,
        key: str,
        *,
        api_url: str | None = None,
        account: str | None = None,
        timeout_s: float = 10.0,
        connect_timeout_s: float = 3.0,
        network_retries: int = 1,
    ) -> None:
        self.livemode = mode_of(key)
        if self.livemode and api_url is not None and not api_url.startswith("https://"):
            raise GatewayRefusedError("A live key is only sent over https.", "gateway.mode_mixed")
        self._account = account
        self._retries = network_retries
        self._client = stripe.StripeClient(
            key,
            stripe_account=account,
            base_addresses={"api": api_url, "files": api_url} if api_url else {},
            max_network_retries=network_retries,
            http_client=stripe.HTTPXClient(
                timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s), allow_sync_methods=True
            ),
        )

    def _change(self, what: str, call: Callable[[], Changed]) -> Changed:
        """Make a change, again after a lost answer; once one try is in doubt, the whole is until one succeeds."""

        def attempt() -> Changed:
            with asking(what, changes=True):
                return call()

        return try_change(attempt, self._retries)

    def _own_mode(self, livemode: Any, what: str) -> None:
        if livemode is not self.livemode:
            ours, theirs = ("live", "test") if self.livemode else ("test", "live")
            raise GatewayRefusedError(
                f"{what} is {theirs} money, but our key is for {ours} money: check which keys are set.",
                "gateway.mode_mixed",
            )


def keyed(key: str) -> RequestOptions:
    """Options of a change: our key, and no repetition by the library, which hides that an earlier try may count."""
    return {"idempotency_key": key, "max_network_retries": 0}


def our_metadata(supplier_id: UUID, attempt_id: UUID, **more: str) -> dict[str, str]:
    """What we write on every payment, so that whoever finds it knows whose it is."""
    return {"supplier_id": str(supplier_id), "attempt_id": str(attempt_id), **more}


def mode_of(key: str) -> bool:
    """True for live money, by the prefix of the key.

    Raises:
        GatewayRefusedError: It is no secret or restricted key of Stripe.
    """
    for prefix, live in (("sk_test_", False), ("rk_test_", False), ("sk_live_", True), ("rk_live_", True)):
        if key.startswith(prefix):
            return live
    raise GatewayRefusedError("The Stripe key must begin with sk_test_, rk_test_, sk_live_ or rk_live_.")


@contextmanager
def asking(what: str, *, changes: bool) -> Iterator[None]:
    """Turn the library's errors into ours; ``changes`` says that a lost answer leaves us in doubt."""
    try:
        yield
    except stripe.StripeError as error:
        raise _translated(error, what, changes=changes) from error


def is_forbidden(error: GatewayError) -> bool:
    """Whether the key has not the right for what was asked (HTTP 403)."""
    return isinstance(error.__cause__, stripe.PermissionError)


def payment_behind(error: GatewayError) -> str | None:
    """The payment that a decline left behind, where the provider names it."""
    told = error.__cause__.error if isinstance(error.__cause__, stripe.StripeError) else None
    payment = getattr(told, "payment_intent", None)
    return str(payment.id) if payment is not None else None


def _translated(error: stripe.StripeError, what: str, *, changes: bool) -> GatewayError:
    reason = (error.user_message or type(error).__name__).splitlines()[0]
    sentence = f"Stripe was asked to {what}: {reason} ({error.request_id or 'no request id'})."
    if isinstance(error, stripe.CardError):
        return GatewayDeclinedError(sentence)
    if isinstance(error, stripe.RateLimitError) or _never_sent(error):
        return GatewayUnreachableError(f"{sentence} Try again later.")
    conflict = error.http_status == httpx.codes.CONFLICT
    if isinstance(error, stripe.IdempotencyError) and not conflict:
        return GatewayRefusedError(sentence, "gateway.key_reused")
    if isinstance(error, stripe.InvalidRequestError | stripe.AuthenticationError | stripe.PermissionError):
        return GatewayRefusedError(sentence)
    if changes:
        return GatewayInDoubtError(f"{sentence} Repeat it with the same key, or look for its effect.")
    return GatewayUnreachableError(f"{sentence} Try again later.")


def _never_sent(error: stripe.StripeError) -> bool:
    """Whether no connection was made, so that nothing can have happened."""
    return isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
