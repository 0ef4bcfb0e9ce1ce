"""The cookies of the portal: ``__Host-`` names over https, HttpOnly, SameSite=Lax, none of them needed to look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from portal.access.context import services

if TYPE_CHECKING:
    from flask import Response

SESSION = "session"
"""The id of the session."""
SIGN_IN = "sign-in"
"""The browser that asked for a sign-in link."""
VISIT = "visit"
"""What form tokens of anonymous pages hang on."""
PLACE = "place"
"""Which of their memberships a person looks at: a preference, checked against the memberships each time."""
LANGUAGE = "lang"
DESTINATION = "destination"
"""The page that a person was sent to sign in from."""
JOURNEY = "journey"
"""What a browser must bring back from the sign-in provider, sealed."""
AWAY = "away"
"""At which provider somebody signed in, and what it wants to hear when they sign out, sealed."""
PROVE_FOR = "prove-for"
"""The page that a person was asked for a fresh proof on."""


def read_cookie(name: str) -> str:
    """The value that the browser sent, or an empty text."""
    return request.cookies.get(_full(name), "")


def set_cookie(response: Response, name: str, value: str, *, max_age_s: int | None = None) -> None:
    """Give the browser a cookie: for the browser session, or for ``max_age_s`` seconds."""
    response.set_cookie(
        _full(name),
        value,
        max_age=max_age_s,
        path="/",
        secure=services().settings.cookies_are_secure,
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(response: Response, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        _full(name), path="/", secure=services().settings.cookies_are_secure, httponly=True, samesite="Lax"
    )


def _full(name: str) -> str:
    """``__Host-`` binds a cookie to this very host, but browsers take it over https only."""
    return f"__Host-{name}" if services().settings.cookies_are_secure else name
