"""Who may call a route: every route says so, and the app refuses to start with one that does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    CREDIT_MANAGER = "credit_manager"
    SALES = "sales"
    AUDITOR = "auditor"
    CUSTOMER = "customer"


STAFF = (Role.OWNER, Role.ACCOUNTANT, Role.COLLECTOR, Role.CREDIT_MANAGER, Role.AUDITOR)
"""Who reads the supplier's pages."""
READERS = (*STAFF, Role.SALES)
"""Who reads about customers and their invoices: sales as well, who change nothing."""
COLLECTING = (Role.OWNER, Role.ACCOUNTANT, Role.COLLECTOR, Role.CREDIT_MANAGER)
"""Who deals with customers."""
CREDIT = (Role.OWNER, Role.ACCOUNTANT, Role.CREDIT_MANAGER)
"""Who decides on credit: limits, exceptions, insolvency."""
BOOKKEEPING = (Role.OWNER, Role.ACCOUNTANT)
"""Who keeps the books, the bank and the invoices."""
LEDGERS = (*BOOKKEEPING, Role.AUDITOR)
"""Who takes the books away whole: files for the tax office, journals."""
OWNERS = (Role.OWNER,)
"""Who says how the house is run."""
EVERYBODY = tuple(Role)
"""Whoever is signed in."""


class Right(StrEnum):
    """What a person of a customer may do there; looking goes without saying."""

    PAY = "pay"
    DISPUTE = "dispute"
    """Dispute, write messages, promise and propose."""
    ADMINISTER = "administer"
    """Invite and change the other people of the customer, and its contacts and data."""


EVERY_RIGHT = frozenset(Right)


class Door(StrEnum):
    """By what a caller is known."""

    NOBODY = "nobody"
    """Anybody may call; what it shows is in the address itself (a pay link) or for all (a health check)."""
    SESSION = "session"
    """A person who signed in, with one of the stated roles."""
    API_TOKEN = "api_token"  # noqa: S105 -- the name of a door, no secret
    """A program with a bearer token: the blueprint of the API checks it before any of its views."""


class Early(StrEnum):
    """What is open to somebody of whom a second proof is still wanted."""

    PROVING = "proving"
    """Always: here they give it, or leave."""
    FIRST_KEY = "first_key"
    """Only while they have nothing to give it with: here they make themselves a key."""


@dataclass(frozen=True, slots=True)
class Access:
    """The statement of one route."""

    door: Door
    roles: frozenset[Role] = frozenset()
    right: Right | None = None
    """What a customer's person needs besides."""
    early: Early | None = None
    """Whether it is open before a second proof that is wanted was given."""
    whole: bool = False
    """Whether it tells of the house as a whole: closed to staff who see their own customers only."""


class UnstatedAccessError(Exception):
    """A route does not say who may call it; ``code`` is ``access.unstated``."""

    code = "access.unstated"


def public(view: View) -> View:
    """Anybody may call this view."""
    return _state(view, Access(Door.NOBODY))


def allow(*roles: Role, right: Right | None = None, early: Early | None = None) -> Callable[[View], View]:
    """Only people who have one of ``roles`` at a supplier may call this view; a customer's only with ``right``.

    ``early`` opens it to those as well who still owe a second proof.
    """
    if not roles:
        raise ValueError("Name the roles that may call this view, or mark it @public.")
    return lambda view: _state(view, Access(Door.SESSION, frozenset(roles), right, early))


def api_clients(view: View) -> View:
    """Only programs with an API token may call this view; form tokens are not asked of them."""
    return _state(view, Access(Door.API_TOKEN))


def access_of(view: Callable[..., Any] | None) -> Access | None:
    """What a view states, or ``None``."""
    return getattr(view, MARK, None)


WHOLE_HOUSE = frozenset(
    {
        "bank",
        "bank_lines",
        "matching",
        "matching_choice",
        "receipts",
        "treasury",
        "contests",
        "refunds",
        "provider_accounts",
        "exports",
        "reports",
        "purchases",
        "platform",
        "flows",
        "directory",
        "factoring",
        "insurance",
        "indicator_mailings",
        "mails",
        "requests",
        "programs",
    }
)
"""Blueprints whose pages tell of the house as a whole, or make keys to all of it (tokens of the API)."""
WHOLE_PAGES = frozenset({"staff.problems", "staff.settle_problem", "debits.index"})


def close_to_portfolios(app: Flask) -> None:
    """Close the pages of the whole house to staff who see their own customers only."""
    for endpoint, view in app.view_functions.items():
        access = access_of(view)
        if access and (endpoint in WHOLE_PAGES or endpoint.partition(".")[0] in WHOLE_HOUSE):
            _state(view, replace(access, whole=True))


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
