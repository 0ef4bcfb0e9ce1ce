"""Instants are UTC, legal days are French, ids grow with time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from config.clock import legal_day, new_id, now, today


def test_now_is_an_aware_instant_in_utc() -> None:
    assert now().utcoffset() == timedelta(0)
    assert abs((now() - datetime.now(UTC)).total_seconds()) < 1
    assert today() in {legal_day(now()), legal_day(now() - timedelta(seconds=1))}


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 6, 30, 21, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 6, 30, 22, 0, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 1, 1, 3, 0, tzinfo=timezone(timedelta(hours=9))), date(2025, 12, 31)),
    ],
)
def test_a_legal_day_ends_at_midnight_in_paris(instant: datetime, day: date) -> None:
    assert legal_day(instant) == day


def test_ids_are_uuids_of_version_7_that_sort_by_time() -> None:
    first = new_id()
    time.sleep(0.002)
    second = new_id()
    assert first < second
    for each in (first, second):
        assert (each.version, each.variant) == (7, "specified in RFC 4122")
        born = datetime.fromtimestamp((each.int >> 80) / 1000, UTC)
        assert abs((born - now()).total_seconds()) < 5


def test_ids_made_at_once_are_all_different() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id(), range(5_000)))
    assert len(set(made)) == 5_000
