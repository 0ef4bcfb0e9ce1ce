"""Sandboxes listen on this machine, where a page from anywhere could call them through somebody's browser."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING

from flask import abort, request

if TYPE_CHECKING:
    from flask import Blueprint, Flask


def refuse_strangers(app: Flask | Blueprint) -> None:
    """Have ``app`` (or one part of it) refuse what a browser sends for a page that is not its own."""
    app.before_request(_refuse)


def _refuse() -> None:
    foreign = request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}
    if (foreign and request.method not in {"GET", "HEAD"}) or (_is_browser() and _is_rebound()):
        abort(HTTPStatus.FORBIDDEN)


def _is_browser() -> bool:
    return "Origin" in request.headers or "Mozilla/" in request.headers.get("User-Agent", "")


def _is_rebound() -> bool:
    """Whether a call from this machine names it by a name of the Internet (DNS rebinding): then it is a foreign page's.

    A browser asks for ``localhost``, an address, or a name without dots.
    """
    name = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
    name = name.strip("[]").rstrip(".").lower()
    here = _is_loopback(request.remote_addr or "")
    return here and "." in name and not name.endswith(".localhost") and not _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(address: str) -> bool:
    return _is_address(address) and ip_address(address).is_loopback
