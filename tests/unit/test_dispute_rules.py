"""Working days, and where a dispute stands by everything that was said and done about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dateutil.easter import easter as reference_easter
from hypothesis import given
from hypothesis import strategies as st

from config.law import LawUnknownError
from config.law.days import BANKING, PUBLIC, add_days, closing_days, easter, is_open
from einvoice.errors import BuildError
from einvoice.lifecycle.reasons import ALLOWED
from einvoice.reactions import read_pause_days
from portal.telling.dispute_words import GROUPS, PLAIN, TEAMS
from receivables.domain.conversations.disputes import (
    CLAIMING,
    TEAM_OF,
    DisputeEvent,
    EventKind,
    Origin,
    Scope,
    State,
    Team,
    Turn,
    belongs,
    stand,
    team_of,
)

NOON = datetime(2026, 10, 20, 10, tzinfo=UTC)


def event(kind: EventKind, hours: float = 0, code: str | None = None, **facts: Any) -> DisputeEvent:
    if kind is EventKind.CLAIMED:
        facts = {"origin": "portal", "scope": "whole", **facts}
    return DisputeEvent(kind, NOON + timedelta(hours=hours), "x", None, code, f"{code}-{hours}", facts)


def status(code: str, hours: float = 0, **facts: Any) -> DisputeEvent:
    return event(EventKind.STATUS, hours, code, **facts)


@pytest.mark.parametrize("year", range(1900, 2200))
def test_easter_is_where_the_calendar_has_it(year: int) -> None:
    assert easter(year) == reference_easter(year)


def test_the_public_holidays_of_2026_are_the_eleven_of_the_code_du_travail() -> None:
    days = "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25"
    assert closing_days(PUBLIC, 2026) == {date.fromisoformat(f"2026-{each}") for each in days.split()}


def test_banks_close_on_six_days_beside_weekends() -> None:
    days = "01-01 04-03 04-06 05-01 12-25 12-26"
    assert closing_days(BANKING, 2026) == {date.fromisoformat(f"2026-{each}") for each in days.split()}


@pytest.mark.parametrize(
    ("day", "count", "calendar", "wanted"),
    [
        ("2026-10-23", 2, PUBLIC, "2026-10-27"),
        ("2026-11-10", 2, PUBLIC, "2026-11-13"),
        ("2026-12-24", 1, PUBLIC, "2026-12-28"),
        ("2026-04-02", 1, BANKING, "2026-04-07"),
        ("2026-04-02", 1, PUBLIC, "2026-04-03"),
        ("2026-10-24", 0, PUBLIC, "2026-10-24"),
    ],
)
def test_days_are_counted_without_weekends_and_holidays(day: str, count: int, calendar: str, wanted: str) -> None:
    assert add_days(date.fromisoformat(day), count, calendar) == date.fromisoformat(wanted)


@given(day=st.dates(date(1990, 1, 1), date(2100, 1, 1)), count=st.integers(1, 30))
def test_a_counted_day_is_open_and_exactly_so_many_are_open_until_it(day: date, count: int) -> None:
    reached = add_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (reached - day).days + 1)]
    assert is_open(reached)
    assert sum(is_open(each) for each in between) == count


def test_a_year_before_the_first_row_is_refused() -> None:
    with pytest.raises(LawUnknownError, match="banking"):
        closing_days(BANKING, 1999)


def test_every_reason_of_the_statuses_has_a_team_and_no_code_is_invented() -> None:
    claiming = frozenset().union(*(ALLOWED[code] for code in (*CLAIMING, "210", "213")))
    assert claiming <= TEAM_OF.keys()
    assert team_of("OF_TOMORROW") is Team.COLLECTOR
    assert {code for _, codes in GROUPS for code in codes} == PLAIN.keys()
    assert PLAIN.keys() <= ALLOWED["207"] | ALLOWED["208"]
    assert TEAMS.keys() == set(Team)


@pytest.mark.parametrize(
    ("events", "turns", "state"),
    [
        ([status("207")], [], State.OPEN),
        ([status("208")], [], State.INFO_NEEDED),
        ([status("208"), event(EventKind.DOCUMENTS_SENT, 1)], [], State.OPEN),
        ([event(EventKind.DOCUMENTS_SENT, 1), status("208", 2)], [], State.INFO_NEEDED),
        ([status("207")], [("205", 1)], State.WITHDRAWN),
        ([status("207", 2)], [("205", 1)], State.OPEN),
        ([status("207", 2), status("207")], [("205", 1)], State.OPEN),
        ([status("207")], [("210", 1)], State.REFUSED),
        ([status("210")], [], State.REFUSED),
        ([status("207"), event(EventKind.REJECTED, 1)], [("205", 2)], State.REJECTED),
        ([status("207"), event(EventKind.REJECTED, 1), event(EventKind.ACCEPTED, 2)], [], State.REJECTED),
        ([status("207"), event(EventKind.PARTLY, 1), status("210", 2)], [], State.REFUSED),
    ],
)
def test_a_dispute_stands_where_its_facts_put_it(
    events: list[DisputeEvent], turns: list[tuple[str, float]], state: State
) -> None:
    told = [Turn(code, NOON + timedelta(hours=hours), code) for code, hours in turns]
    assert stand("QTE_ERR", events, told).state is state


def test_a_document_that_is_missing_is_asked_for_whoever_says_so() -> None:
    assert stand("JUSTIF_ABS", [event(EventKind.CLAIMED)], []).state is State.INFO_NEEDED


def test_the_last_claim_that_says_how_much_counts() -> None:
    events = [
        event(EventKind.CLAIMED, 0, scope="amount", amount_minor=100),
        event(EventKind.CLAIMED, 2, scope="lines", amount_minor=300, line_ids=["1"]),
        event(EventKind.CLAIMED, 1, scope="amount", amount_minor=200),
        status("207", 3),
    ]
    standing = stand("QTE_ERR", events, [])
    assert (standing.scope, standing.amount_minor, standing.line_ids) == (Scope.LINES, 300, ("1",))
    assert (standing.origin, standing.opened_at) == (Origin.PORTAL, NOON)


@pytest.mark.parametrize(
    ("claim", "events", "joined"),
    [
        (status("207", 72), [event(EventKind.CLAIMED)], True),
        (status("207", 72.01), [event(EventKind.CLAIMED)], False),
        (event(EventKind.CLAIMED, -72), [status("207")], True),
        (status("207", 500), [status("207")], True),
        (status("207", 500), [status("207"), event(EventKind.REJECTED, 100)], False),
        (status("207", 60), [status("207"), event(EventKind.REJECTED, 1)], True),
        (event(EventKind.CLAIMED, 500), [event(EventKind.CLAIMED)], True),
        (event(EventKind.CLAIMED, 500, origin="staff"), [event(EventKind.CLAIMED)], True),
    ],
)
def test_what_belongs_together(claim: DisputeEvent, events: list[DisputeEvent], *, joined: bool) -> None:
    assert belongs(claim, events) is joined


@pytest.mark.parametrize("told", [-1, 31, "3", 2.5, True, None])
def test_a_pause_that_is_no_number_of_days_is_refused(told: object) -> None:
    with pytest.raises(BuildError, match="0 to 30"):
        read_pause_days({"dunning_pause_days": told})


def test_a_supplier_may_wait_longer_or_not_at_all() -> None:
    assert [read_pause_days(each) for each in ({}, {"dunning_pause_days": 0}, {"dunning_pause_days": 10})] == [3, 0, 10]
