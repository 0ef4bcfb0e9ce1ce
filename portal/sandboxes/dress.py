"""What every page of a payment sandbox needs: a strict policy for browsers, and amounts as people read them."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from babel.numbers import format_currency
from flask import g

from receivables.domain.money import Money

if TYPE_CHECKING:
    from flask import Blueprint, Response


def secure(page: Blueprint) -> None:
    """Have every answer of ``page`` forbid scripts, frames and caches."""

    @page.before_request
    def make_nonce() -> None:
        g.nonce = base64.b64encode(os.urandom(16)).decode()

    @page.after_request
    def add_headers(response: Response) -> Response:
        policy = f"default-src 'none'; style-src 'nonce-{g.nonce}'; base-uri 'none'; frame-ancestors 'none'"
        response.headers["Content-Security-Policy"] = policy
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["Cache-Control"] = "no-store"
        return response


def format_money(minor: int, currency: str, language: str) -> str:
    """An amount in minor units, in the words of a language."""
    money = Money(minor, currency.upper())
    return format_currency(money.decimal, money.currency, locale=language)
