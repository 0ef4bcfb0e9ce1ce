"""``/s/indicators/forecast``: what the next weeks bring by customers' habits, and how right that was before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template, request

from config.clock import today
from portal.access.context import actor, services, work_here
from portal.access.roles import READERS, allow
from portal.staff.charts import NAMES as AGE_NAMES
from portal.staff.indicators.asking import choices, page_of, query_of, read_scope
from portal.staff.indicators.pictures import picture_of_forecast, picture_of_test, weeks_after
from portal.staff.indicators.words import BY_NAMES, EXPECTED_BY, PERIODS
from portal.tables import Column, Form, send_table
from receivables.domain.measuring.forecasts import WEEKS, Expected
from receivables.domain.money import Money
from receivables.services.measuring.forecasting import back_test, forecast_cash
from receivables.store.measuring.measures import PAGE

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from receivables.store.work import Work

blueprint = Blueprint("indicator_forecast", __name__, url_prefix="/s/indicators/forecast")

REST = "rest"
"""The week of what comes later, or on no known day."""
COLUMNS: list[Column[tuple[Expected, str, str]]] = [
    Column("customer", "client", "customer", lambda row: row[1]),
    Column("reference", "pièce", "reference", lambda row: row[0].claim.reference),
    Column("due_on", "échéance", "due", lambda row: row[0].claim.due_on),
    Column("expected_on", "attendu le", "expected on", lambda row: row[0].day),
    Column("by", "d'après", "by", lambda row: row[0].by),
    Column("amount", "montant", "amount", lambda row: Money(row[0].claim.open_minor, row[2])),
    Column("currency", "monnaie", "currency", lambda row: row[2]),
]


@blueprint.get("")
@allow(*READERS)
def index() -> str:
    """The weeks, the claims of one of them, and the back-test."""
    chosen, page = request.args.get("week", ""), page_of(request.args)
    with work_here() as work:
        known = choices(work, services().database)
        scope = read_scope(request.args, known, today())
        told = forecast_cash(work, scope)
        tested = back_test(work, scope)
        rows = told.of_week(_week(chosen)) if chosen else []
        names = _customers(work, [each.claim.customer_id for each in rows[page * PAGE : (page + 1) * PAGE]])
    weeks, past = weeks_after(scope.on, WEEKS), weeks_after(tested.on, len(tested.came_minor))
    return render_template(
        "indicators/forecast.html",
        forecast=told,
        test=tested,
        weeks=weeks,
        past=past,
        pictures=[picture_of_forecast(told, scope.currency, weeks), picture_of_test(tested, scope.currency, past)],
        chosen=chosen,
        rest=REST,
        rows=rows[page * PAGE : (page + 1) * PAGE],
        whole_minor=sum(each.claim.open_minor for each in rows),
        more=len(rows) > (page + 1) * PAGE,
        page=page,
        names=names,
        expected_by=EXPECTED_BY,
        scope=scope,
        choices=known,
        periods=PERIODS,
        by_names=BY_NAMES,
        age_names=AGE_NAMES,
        today=today(),
        query=lambda at=scope, **changes: query_of(at, today(), **changes),
    )


@blueprint.get("/table.<form>")
@allow(*READERS)
def table(form: str) -> Response:
    """Every claim with the day on which it is expected, as a file."""
    if form not in set(Form):
        abort(404)
    with work_here() as work:
        scope = read_scope(request.args, choices(work, services().database), today())
        told = forecast_cash(work, scope)
        names = _customers(work, [each.claim.customer_id for each in told.expected])
        work.audit(actor(), "indicators.exported", "forecast", rows=len(told.expected), on=scope.on)
    rows = ((each, names[each.claim.customer_id], scope.currency) for each in told.expected)
    return send_table(COLUMNS, rows, Form(form), f"forecast-{scope.on}")


def _week(given: str) -> int | None:
    """A week of the address; ``None`` for what comes later."""
    if given == REST:
        return None
    return int(given) if given in {str(week) for week in range(WEEKS)} else abort(404)


def _customers(work: Work, ids: list[UUID]) -> dict[UUID, str]:
    rows = work.rows(
        "SELECT customer_id, name FROM customers WHERE supplier_id = :supplier AND customer_id = ANY(:ids)", ids=ids
    )
    return {row["customer_id"]: row["name"] for row in rows}
