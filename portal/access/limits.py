"""Rate limits by route, counted in this process: per address of the network, and per e-mail address at sign-in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from flask import request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


def asked_address() -> str:
    """The e-mail address that a sign-in form names, hashed: counters keep no personal data."""
    return hashlib.sha256(request.form.get("email", "").strip().lower().encode()).hexdigest()


LIMITS: dict[str, tuple[tuple[str, Callable[[], str]], ...]] = {
    "sign_in.send": (("20 per hour", get_remote_address), ("5 per hour", asked_address)),
    "sign_in.by_code": (("30 per hour", get_remote_address),),
    "sign_in.by_link": (("30 per hour", get_remote_address),),
    "pay.show": (("120 per minute", get_remote_address),),
    "pay.begin": (("20 per minute", get_remote_address),),
    "validation.show_form": (("60 per minute", get_remote_address),),
    "validation.check": (("20 per minute", get_remote_address), ("200 per hour", get_remote_address)),
    "customer.pay": (("20 per minute", get_remote_address),),
}
"""Endpoint: the limits of its calls, each with what is counted. A person never meets them; a guesser does."""


def limit_rates(app: Flask) -> None:
    """Put the limits on the views that have some."""
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", headers_enabled=False)
    for endpoint, limits in LIMITS.items():
        view: Callable[..., Any] = app.view_functions[endpoint]
        for limit, key in limits:
            view = limiter.limit(limit, key_func=key)(view)
        app.view_functions[endpoint] = view
