"""Who may call a route: every route says so, and the app refuses to start with one that does not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

View = TypeVar("View", bound="Callable[..., Any]")

MARK = "access"
"""Where a view carries its statement; ``functools.wraps`` takes it along."""


class Role(StrEnum):
    """What a person is at a supplier."""

    OWNER = "owner"
    ACCOUNTANT = "accountant"
    COLLECTOR = "collector"
    AUDITOR = "auditor"
    CUSTOMER = "customer"


STAFF = (Role.OWNER, Role.ACCOUNTANT, Role.COLLECTOR, Role.AUDITOR)


class Door(StrEnum):
    """By what a caller is known."""

    NOBODY = "nobody"
    """Anybody may call; what it shows is in the address itself (a pay link) or for all (a health check)."""
    SESSION = "session"
    """A person who signed in, with one of the stated roles."""
    API_TOKEN = "api_token"  # noqa: S105 -- the name of a door, no secret
    """A program with a bearer token: the blueprint of the API checks it before any of its views."""


@dataclass(frozen=True, slots=True)
class Access:
    """The statement of one route."""

    door: Door
    roles: frozenset[Role] = frozenset()


class UnstatedAccessError(Exception):
    """A route does not say who may call it; ``code`` is ``access.unstated``."""

    code = "access.unstated"


def public(view: View) -> View:
    """Anybody may call this view."""
    return _state(view, Access(Door.NOBODY))


def allow(*roles: Role) -> Callable[[View], View]:
    """Only people who have one of ``roles`` at a supplier may call this view."""
    if not roles:
        raise ValueError("Name the roles that may call this view, or mark it @public.")
    return lambda view: _state(view, Access(Door.SESSION, frozenset(roles)))


def api_clients(view: View) -> View:
    """Only programs with an API token may call this view; form tokens are not asked of them."""
    return _state(view, Access(Door.API_TOKEN))


def access_of(view: Callable[..., Any] | None) -> Access | None:
    """What a view states, or ``None``."""
    return getattr(view, MARK, None)


def refuse_unstated_routes(app: Flask) -> None:
    """Stop the start of an app with a route that anybody could reach by oversight.

    Raises:
        UnstatedAccessError: with every such route.
    """
    unstated = sorted(
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if access_of(app.view_functions.get(rule.endpoint)) is None
    )
    if unstated:
        raise UnstatedAccessError(
            f"These routes do not say who may call them: {', '.join(unstated)}. "
            "Mark each view with @allow(Role...), @api_clients or @public."
        )


def _state(view: View, access: Access) -> View:
    view.__dict__[MARK] = access
    return view
