"""``/c/all``: what somebody owes everywhere: one line per supplier at which they are a customer's person, and sums.

Each line is asked in a transaction of its own supplier, through a membership of the reader: no query sees two of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from config.clock import today
from portal.access.context import caller, services
from portal.access.roles import Role, allow
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import sum_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from portal.access.people import Membership
    from receivables.store.customer_file.overviews import Totals

blueprint = Blueprint("everywhere", __name__, url_prefix="/c/all")

AT_ONCE = 25
"""Suppliers on one page: each costs a query."""


@dataclass(frozen=True, slots=True)
class Place:
    """One of the reader's customers, with what is open there."""

    membership: Membership
    customer_name: str
    totals: Sequence[Totals]


@blueprint.get("")
@allow(Role.CUSTOMER)
def show() -> str:
    """What is due, late and in flight at every supplier."""
    mine = [each for each in caller().memberships if not each.is_staff]
    page = _page(len(mine))
    places = [_place(each) for each in mine[page * AT_ONCE : (page + 1) * AT_ONCE]]
    return render_template(
        "customer/everywhere.html",
        places=places,
        sums=_sums(places),
        page=page,
        more=len(mine) > (page + 1) * AT_ONCE,
        count=len(mine),
    )


def _place(membership: Membership) -> Place:
    assert membership.customer_id is not None  # noqa: S101 -- the tables give every customer's membership one
    with services().works.begin(membership.supplier_id) as work:
        return Place(
            membership,
            get_customer(work, membership.customer_id).name,
            sum_open(work, today(), membership.customer_id),
        )


def _sums(places: Sequence[Place]) -> dict[str, tuple[int, int, int, int]]:
    """By currency: due, late, in flight, credits, of all that this page shows."""
    sums: dict[str, tuple[int, int, int, int]] = {}
    for place in places:
        for each in place.totals:
            due, late, flying, credit = sums.get(each.currency, (0, 0, 0, 0))
            sums[each.currency] = (
                due + each.due_minor,
                late + each.late_minor,
                flying + each.in_flight_minor,
                credit + each.credits_minor,
            )
    return sums


def _page(count: int) -> int:
    given = request.args.get("page", "")
    wished = int(given) if given.isascii() and given.isdigit() and len(given) < 4 else 0  # noqa: PLR2004 -- three digits
    return min(wished, max(count - 1, 0) // AT_ONCE)
