"""The HTML of a mail in a frame of our own pages: it may look like itself, and do nothing.

Its links lead out of the frame when they are clicked. Scripts, forms and loads are forbidden to it: what a supplier's
customers are called stands in it.
"""

from __future__ import annotations

from flask import Response

POLICY = (
    "sandbox allow-top-navigation-by-user-activation; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEAD, _OUT = "<head>", '<head><base target="_top">'


def framed(html_body: str) -> Response:
    """A mail as the answer to a frame; one of before there was a page for it gets its head."""
    page = html_body.replace(_HEAD, _OUT, 1) if _HEAD in html_body else f"<!doctype html>{_OUT}</head>{html_body}"
    response = Response(page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response
