"""Rate limits by route, counted for all processes: per address or network of the caller, and per e-mail at sign-in."""

from __future__ import annotations

import hashlib
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, cast

from flask import request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from portal.access.count_storage import GuardingCounts, OpenCounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from portal.access.counting import SharedCounts


_SUBSCRIBER_BITS = 64
"""What one subscriber of IPv6 has: to count single addresses would be to count nothing."""


def caller_address() -> str:
    """The caller's address; of IPv6 the network that it is in."""
    written = get_remote_address()
    try:
        address = ip_address(written)
    except ValueError:  # a test, or a socket without address
        return written
    mapped = getattr(address, "ipv4_mapped", None)
    if address.version == 4 or mapped:  # noqa: PLR2004 -- of the protocol
        return str(mapped or address)
    return str(ip_network((address, _SUBSCRIBER_BITS), strict=False))


def asked_address() -> str:
    """The e-mail address that a sign-in form names, hashed: counters keep no personal data."""
    return hashlib.sha256(request.form.get("email", "").strip().lower().encode()).hexdigest()


LIMITS: dict[str, tuple[tuple[str, Callable[[], str]], ...]] = {
    "sign_in.send": (("20 per hour", caller_address), ("5 per hour", asked_address)),
    "sign_in.by_code": (("30 per hour", caller_address),),
    "sign_in.by_link": (("30 per hour", caller_address),),
    "sign_in_provider.begin": (("30 per hour", caller_address),),
    "sign_in_provider.back": (("30 per hour", caller_address),),
    "sign_in_provider.begin_at": (("30 per hour", caller_address),),
    "sign_in_provider.back_from": (("30 per hour", caller_address),),
    "sign_in_passkey.enter": (("30 per hour", caller_address),),
    "proof.by_passkey": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "proof.by_authenticator": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "proof.by_recovery_code": (("5 per minute", caller_address), ("20 per hour", caller_address)),
    "proof.by_code": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "proof.send": (("3 per minute", caller_address), ("10 per hour", caller_address)),
    "me.keep_authenticator": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "staff_people.send": (
        ("10 per minute", caller_address),
        ("60 per hour", caller_address),
        ("5 per hour", asked_address),
    ),
    "mail_sender.check": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "staff_joining.confirm": (("30 per minute", caller_address),),
    "staff_joining.accept": (("10 per minute", caller_address),),
    "pay.show": (("120 per minute", caller_address),),
    "pay.begin": (("20 per minute", caller_address),),
    "reference.schema": (("60 per minute", caller_address),),
    "reference.index": (("60 per minute", caller_address),),
    "reference.section": (("120 per minute", caller_address),),
    "validation.show_form": (("60 per minute", caller_address),),
    "validation.check": (("20 per minute", caller_address), ("200 per hour", caller_address)),
    "pay.announce": (("5 per minute", caller_address), ("20 per hour", caller_address)),
    "pay.receipt": (("60 per minute", caller_address),),
    "customer_iban.show_by_link": (("60 per minute", caller_address),),
    "customer_iban.check_by_link": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "customer_iban.check": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "customer.pay": (("20 per minute", caller_address),),
    "basket.pay": (("20 per minute", caller_address),),
    "basket.refund": (("5 per minute", caller_address),),
    "mandates.draft": (("5 per minute", caller_address), ("20 per hour", caller_address)),
    "mandates.change": (("5 per minute", caller_address), ("20 per hour", caller_address)),
    "mandates.send_again": (("5 per minute", caller_address), ("20 per hour", caller_address)),
    "mandates.sign": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "mandates.take_change": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "dispute.ask_by_link": (("60 per minute", caller_address),),
    "dispute.fetch_by_link": (("60 per minute", caller_address),),
    "dispute.send_by_link": (("5 per minute", caller_address), ("20 per hour", caller_address)),
    "platform.connect": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "platform.change_access": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "platform.test": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "dispute.send": (("10 per minute", caller_address), ("40 per hour", caller_address)),
    "link_messages.ask": (("60 per minute", caller_address),),
    "link_messages.send": (("5 per minute", caller_address), ("10 per hour", caller_address)),
    "link_messages.confirm": (("30 per minute", caller_address),),
    "link_messages.settle": (("10 per minute", caller_address),),
    "people.send": (("10 per minute", caller_address), ("40 per hour", caller_address), ("5 per hour", asked_address)),
    "people.confirm": (("30 per minute", caller_address),),
    "people.accept": (("10 per minute", caller_address),),
    "account_opening.ask": (("60 per minute", caller_address),),
    "account_opening.send": (
        ("5 per minute", caller_address),
        ("10 per hour", caller_address),
        ("5 per hour", asked_address),
    ),
    "account_opening.confirm": (("30 per minute", caller_address),),
    "account_opening.settle": (("10 per minute", caller_address),),
    "terms.show": (("60 per minute", caller_address),),
    "terms.file": (("60 per minute", caller_address),),
    "looks.sheet": (("120 per minute", caller_address),),
    "looks.logo": (("120 per minute", caller_address),),
    "pay.read": (("60 per minute", caller_address),),
    "advices.send": (("10 per minute", caller_address), ("40 per hour", caller_address)),
    "customer_export.file": (("3 per minute", caller_address), ("20 per hour", caller_address)),
    "messages.say_on_account": (("10 per minute", caller_address), ("60 per hour", caller_address)),
    "messages.say_on_invoice": (("10 per minute", caller_address), ("60 per hour", caller_address)),
}
"""Endpoint: the limits of its calls, each with what is counted. A person never meets them; a guesser does."""


GUARDED = frozenset({"sign_in", "sign_in_provider", "sign_in_passkey", "proof", "me", "staff_people", "staff_joining"})
"""Blueprints of which a limit keeps guessers out: where nobody can be counted, nobody is let through."""
GUARDED_VIEWS = frozenset({"people.send", "people.accept", "account_opening.send", "link_messages.send"})
"""Views by which strangers make us write to an address: the same."""


def limit_rates(app: Flask, counts: SharedCounts) -> None:
    """Put the limits on the views that have some."""
    limiters = {guarded: _limiter(app, counts, guarded=guarded) for guarded in (False, True)}
    for endpoint, limits in LIMITS.items():
        view: Callable[..., Any] = app.view_functions[endpoint]
        for limit, key in limits:
            view = limiters[is_guarded(endpoint)].limit(limit, key_func=key)(view)
        app.view_functions[endpoint] = view


def is_guarded(endpoint: str) -> bool:
    """Whether a view is closed while nobody can be counted."""
    return endpoint.partition(".")[0] in GUARDED or endpoint in GUARDED_VIEWS


def _limiter(app: Flask, counts: SharedCounts, *, guarded: bool) -> Limiter:
    kind = GuardingCounts if guarded else OpenCounts
    return Limiter(
        caller_address,
        app=app,
        storage_uri=f"{kind.SCHEME}://",
        storage_options=cast("dict[str, str | int]", {"counts": counts}),
        strategy="sliding-window-counter",
        headers_enabled=False,
    )
