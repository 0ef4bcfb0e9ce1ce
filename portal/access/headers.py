"""Security headers of every response: nothing foreign is loaded, framed, sniffed, remembered or told on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, request

from portal.access.context import services

if TYPE_CHECKING:
    from flask import Response

_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
    "payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
}
_YEAR_S = 365 * 24 * 3600
FILE_POLICY = "sandbox; default-src 'none'"
"""For files that a person downloads: even opened in the browser they can do nothing."""


def let_forms_reach(*origins: str) -> None:
    """Let the forms of this page lead to a payment provider's page: browsers follow no other redirect of a form."""
    g.form_targets = origins


def let_script_run() -> None:
    """Let this page run our own script files: shortcuts of the keyboard, without which everything works as well."""
    g.script = True


def let_script_ask() -> None:
    """Let this page run our own script files, and let those ask this house: pages that answer while one writes."""
    g.script = True
    g.script_asks = True


def let_own_frames_show() -> None:
    """Let this page show a page of ours in a frame: a mail as its reader sees it."""
    g.frames = True


def set_headers(response: Response) -> Response:
    """Give ``response`` every header that it does not set by itself."""
    for name, value in _FIXED.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _page_policy())
    response.headers.setdefault("Cache-Control", "no-store")
    if services().settings.public_url.startswith("https://"):
        response.headers.setdefault("Strict-Transport-Security", f"max-age={2 * _YEAR_S}; includeSubDomains")
    if request.endpoint == "sign_in.leave":
        response.headers.setdefault("Clear-Site-Data", '"cache"')
    return response


def _page_policy() -> str:
    targets = " ".join(["'self'", *g.get("form_targets", ())])
    scripts = "script-src 'self'; " if g.get("script") else ""
    frames = "frame-src 'self'; " if g.get("frames") else ""
    asking = "connect-src 'self'; " if g.get("script_asks") else ""
    return (
        f"default-src 'none'; {scripts}{asking}{frames}style-src 'self'; img-src 'self'; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )
