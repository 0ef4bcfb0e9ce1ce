"""``/s/indicators``: every figure as of a day, the list that each is made of, and open amounts from other sides."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template, request

from config.clock import today
from portal.access.context import actor, services, work_here
from portal.access.roles import READERS, allow
from portal.staff.charts import NAMES as AGE_NAMES
from portal.staff.indicators.asking import choices, page_of, query_of, read_scope
from portal.staff.indicators.pictures import picture_of_ages, picture_of_groups, picture_of_speed
from portal.staff.indicators.words import (
    BY_NAMES,
    GROUPS,
    NAMES,
    NONE,
    PERIODS,
    amount_of,
    days_heading,
    figure,
    group_name,
    measure_name,
)
from portal.tables import Column, Form, send_table
from portal.words import gettext
from receivables.domain.measuring.indicators import rounded
from receivables.domain.money import Money, exponent
from receivables.services.measuring.indicator_views import BY, break_down, trend
from receivables.services.measuring.indicators import Unit, indicators
from receivables.store.measuring.measures import MEASURES, PAGE, lines_of

if TYPE_CHECKING:
    from datetime import date

    from flask import Response

    from portal.staff.indicators.asking import Choices
    from receivables.services.measuring.indicators import Indicator
    from receivables.store.measuring.measures import Line
    from receivables.store.measuring.scopes import Scope
    from receivables.store.work import Work

blueprint = Blueprint("indicators", __name__, url_prefix="/s/indicators")

MOST_EXPORTED = 200_000
MOST_COLUMNS = 12
"""Columns of a chart; the table below it has every row."""
LINE_COLUMNS: list[Column[tuple[Line, str]]] = [
    Column("customer", "client", "customer", lambda row: row[0].customer_name),
    Column("reference", "pièce", "reference", lambda row: row[0].reference),
    Column("kind", "genre", "kind", lambda row: row[0].kind),
    Column("day", "jour", "day", lambda row: row[0].day),
    Column("due_on", "échéance", "due", lambda row: row[0].due_on),
    Column("amount", "montant", "amount", lambda row: Money(row[0].amount_minor, row[1])),
    Column("currency", "monnaie", "currency", lambda row: row[1]),
    Column("days", "jours", "days", lambda row: row[0].days),
]
BOARD_COLUMNS: list[Column[tuple[Indicator, Scope]]] = [
    Column("key", "indicateur", "indicator", lambda row: row[0].key),
    Column("name", "nom", "name", lambda row: gettext(NAMES[row[0].key].name)),
    Column("on", "au", "on", lambda row: row[1].on),
    Column("days", "période en jours", "period in days", lambda row: row[1].days),
    Column("value", "valeur", "value", lambda row: _exact(row[0], row[1].currency)),
    Column("unit", "unité", "unit", lambda row: row[1].currency if row[0].unit is Unit.MONEY else row[0].unit.value),
]


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "indicator_names": NAMES,
        "indicator_figure": figure,
        "measure_name": measure_name,
        "days_words": lambda value: NONE if value is None else amount_of(value, Unit.DAYS, ""),
    }


@blueprint.get("")
@allow(*READERS)
def index() -> str:
    """The board."""
    with work_here() as work:
        known, scope = _asked(work)
        board = indicators(work, scope)
        months = trend(work, scope)
    return render_template(
        "indicators/board.html",
        board=board,
        groups=GROUPS,
        months=months,
        pictures=[picture_of_ages(months, scope.currency), picture_of_speed(months)],
        **_frame(scope, known),
    )


@blueprint.get("/table.<form>")
@allow(*READERS)
def table(form: str) -> Response:
    """Every figure of the board as a file."""
    wanted = _form(form)
    with work_here() as work:
        _, scope = _asked(work)
        rows = [(each, scope) for each in indicators(work, scope).indicators.values()]
        work.audit(actor(), "indicators.exported", "board", on=scope.on)
    return send_table(BOARD_COLUMNS, rows, wanted, f"indicators-{scope.on}")


@blueprint.get("/figures/<key>")
@allow(*READERS)
def show(key: str) -> str:
    """What one figure is made of: its sums, and the lines of one of them."""
    with work_here() as work:
        known, scope = _asked(work)
        found = indicators(work, scope).indicators.get(key) or abort(404)
        part = found.components[min(_part(), len(found.components) - 1)]
        page = page_of(request.args)
        lines = lines_of(work, part.measure, part.scope, page=page)
    return render_template(
        "indicators/figure.html",
        indicator=found,
        part=part,
        part_number=found.components.index(part),
        lines=lines[:PAGE],
        more=len(lines) > PAGE,
        page=page,
        days_heading=days_heading(part.measure),
        words=NAMES[key],
        **_frame(scope, known),
    )


@blueprint.get("/lines/<measure>.<form>")
@allow(*READERS)
def lines(measure: str, form: str) -> Response:
    """The lines of a measure as a file: they add up to the figure that led here."""
    wanted = _form(form)
    if measure not in MEASURES:
        abort(404)
    with work_here() as work:
        _, scope = _asked(work)
        since = request.args.get("since", "")
        if since:
            scope = scope.reaching(_since(since, scope))
        rows = lines_of(work, measure, scope, limit=MOST_EXPORTED)[:MOST_EXPORTED]
        work.audit(actor(), "indicators.exported", measure, rows=len(rows), on=scope.on)
    return send_table(LINE_COLUMNS, ((row, scope.currency) for row in rows), wanted, f"{measure}-{scope.on}")


@blueprint.get("/by/<by>")
@allow(*READERS)
def breakdown(by: str) -> str:
    """What is open by collector, segment, age or reason of dispute."""
    if by not in BY:
        abort(404)
    with work_here() as work:
        known, scope = _asked(work)
        found = break_down(work, scope, by)
    named = [(group_name(by, each.key, AGE_NAMES, known.collectors), each) for each in found]
    title = gettext(BY_NAMES[by])
    return render_template(
        "indicators/breakdown.html",
        by=by,
        title=title,
        groups=named,
        pictures=[picture_of_groups(named[:MOST_COLUMNS], title, scope.currency)] if named else [],
        narrow={"collector": "collector_id", "segment": "segment", "age": "age", "reason": "reason"}[by],
        **_frame(scope, known),
    )


def _asked(work: Work) -> tuple[Choices, Scope]:
    known = choices(work, services().database)
    return known, read_scope(request.args, known, today())


def _frame(scope: Scope, known: Choices) -> dict[str, object]:
    """What every page of indicators needs."""
    return {
        "scope": scope,
        "choices": known,
        "periods": PERIODS,
        "by_names": BY_NAMES,
        "age_names": AGE_NAMES,
        "today": today(),
        "query": lambda at=scope, **changes: query_of(at, today(), **changes),
    }


def _part() -> int:
    asked = request.args.get("part", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 1 else 0


def _since(given: str, scope: Scope) -> date:
    try:
        return min(type(scope.on).fromisoformat(given), scope.on)
    except ValueError:
        abort(404)


def _form(given: str) -> Form:
    try:
        return Form(given)
    except ValueError:
        abort(404)


def _exact(indicator: Indicator, currency: str) -> Decimal | None:
    """The value as a number: money in major units, days and shares to four decimals."""
    if indicator.value is None:
        return None
    if indicator.unit is Unit.MONEY:
        return Money(int(indicator.value), currency).decimal
    if indicator.unit is Unit.PER_THOUSAND:
        return Decimal(int(rounded(indicator.value * 10 ** exponent(currency), 0))).scaleb(-exponent(currency))
    return Decimal(int(rounded(indicator.value, 4) * 10**4)).scaleb(-4)
