"""What every view may ask of its request: the house's services, the caller, the supplier's transaction."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from flask import current_app, g, has_request_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from flask import Flask

    from portal.access.people import Membership
    from portal.access.principals import Principal
    from portal.wiring import Services
    from receivables.store.work import Work

SERVICES = "quittance.services"


def bind_services(app: Flask, services: Services) -> None:
    """Give ``app`` the services that its views work with."""
    app.extensions[SERVICES] = services


def services() -> Services:
    """The services of the running app."""
    return cast("Services", current_app.extensions[SERVICES])


def caller() -> Principal:
    """The signed-in person: in views that ``@allow`` guards there always is one."""
    return cast("Principal", g.principal)


def place() -> Membership:
    """The membership under which the caller is let in here."""
    return cast("Membership", g.place)


def actor() -> str:
    """The caller as the audit trail and the books name them: ``person`` and their id."""
    return f"person {caller().person.person_id}"


def customer_here() -> UUID:
    """The customer as whose member the caller is let in here: in views for customers there always is one."""
    customer_id = place().customer_id
    assert customer_id is not None  # noqa: S101 -- the tables give every customer's membership one
    return customer_id


def portfolio_here() -> UUID | None:
    """Whose customers alone this request may read; ``None`` where it may read all, and outside of requests."""
    if not has_request_context() or "place" not in g:
        return None
    return caller().person.person_id if place().portfolio else None


@contextmanager
def work_here() -> Iterator[Work]:
    """One transaction of the supplier at which the caller is."""
    with services().works.begin(place().supplier_id) as work:
        yield work
