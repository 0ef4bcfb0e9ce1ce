"""What the address of a page of indicators asks for: read with care, written back for links."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text

from portal.access.roles import STAFF
from portal.fields import id_in
from portal.staff.indicators.words import PERIODS
from receivables.domain.measuring.indicators import AGES
from receivables.store.measuring.scopes import NO_SEGMENT, PERIOD_DAYS, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.database import Database
    from receivables.store.work import Work

EARLIEST = date(2010, 1, 1)
MOST_TEXT = 60
MOST_PAGE_DIGITS = 4
DEFAULT_CURRENCY = "EUR"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a scope can be narrowed to here."""

    collectors: dict[str, str]
    """Names of the staff by id."""
    segments: list[str]
    currencies: list[str]


def choices(work: Work, database: Database) -> Choices:
    """Collectors, segments and currencies of the supplier."""
    segments = work.rows("SELECT DISTINCT segment FROM customer_files WHERE supplier_id = :supplier")
    currencies = work.rows("SELECT DISTINCT currency FROM receivable_items WHERE supplier_id = :supplier")
    with database.register() as connection:
        people = connection.execute(
            text(
                "SELECT DISTINCT person_id, name FROM memberships JOIN people USING (person_id) "
                "WHERE member_of = :supplier AND ended_at IS NULL AND role = ANY(:roles) ORDER BY name"
            ),
            {"supplier": work.supplier_id, "roles": [role.value for role in STAFF]},
        ).all()
    return Choices(
        {str(person_id): name for person_id, name in people},
        sorted({NO_SEGMENT, *(row["segment"] for row in segments)}),
        sorted({DEFAULT_CURRENCY, *(row["currency"] for row in currencies)}),
    )


def read_scope(given: Mapping[str, str], known: Choices, today: date) -> Scope:
    """The scope in an address; what makes no sense there is left out."""
    segment, reason = _plain(given.get("segment", "")), _plain(given.get("reason", ""))
    currency = given.get("currency", "")
    return Scope(
        on=_day(given.get("on", ""), today),
        days=int(days) if (days := given.get("days", "")) in {str(each) for each in PERIODS} else PERIOD_DAYS,
        currency=currency if currency in known.currencies else DEFAULT_CURRENCY,
        collector_id=UUID(collector) if (collector := given.get("collector", "")) in known.collectors else None,
        segment=segment if segment in known.segments else None,
        customer_id=id_in(given.get("customer", "")),
        age=int(age) if (age := given.get("age", "")) in {str(each) for each in range(len(AGES))} else None,
        reason=reason or None,
    )


def query_of(scope: Scope, today: date, **changes: Any) -> dict[str, str]:
    """The address that asks for ``scope`` with ``changes``, without what goes without saying."""
    changed = replace(scope, **changes)
    said: dict[str, object] = {
        "on": None if changed.on == today else changed.on.isoformat(),
        "days": None if changed.days == PERIOD_DAYS else changed.days,
        "currency": None if changed.currency == DEFAULT_CURRENCY else changed.currency,
        "collector": changed.collector_id,
        "segment": changed.segment,
        "customer": changed.customer_id,
        "age": changed.age,
        "reason": changed.reason,
    }
    return {name: str(value) for name, value in said.items() if value is not None}


def page_of(given: Mapping[str, str]) -> int:
    """The page of a list that is asked for, from 0."""
    asked = given.get("page", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= MOST_PAGE_DIGITS else 0


def _day(given: str, today: date) -> date:
    try:
        asked = date.fromisoformat(given)
    except ValueError:
        return today
    return min(max(asked, EARLIEST), today)


def _plain(given: str) -> str:
    return given.strip()[:MOST_TEXT] if given.isprintable() else ""
