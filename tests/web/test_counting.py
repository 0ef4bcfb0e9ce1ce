"""Limits that all processes share: counted in PostgreSQL, one statement a hit; and what happens where nobody can be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from catalogue import superuser
from flask_limiter import Limiter
from limits import RateLimitItemPerHour
from limits.strategies import FixedWindowRateLimiter, SlidingWindowCounterRateLimiter
from portal_house import form_token
from sqlalchemy import text

from config.database import Database
from portal.access import limits
from portal.access.count_storage import OpenCounts
from portal.access.counting import SharedCounts
from portal.access.limits import LIMITS, is_guarded
from portal.api.answers import CallRefusedError
from portal.api.rates import Rates
from portal.app import create_app
from portal.wiring import build_services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from config.embedded import EmbeddedPostgres
    from portal.wiring import Services

MOST = 20
"""Links by mail that one address may ask for in an hour."""


@pytest.fixture
def counts(services: Services) -> SharedCounts:
    return services.counts


@pytest.fixture
def broken(services: Services, database: Database) -> Iterator[SharedCounts]:
    """Counters in a database that is not there."""
    gone = Database(database.url.replace("/tests?", "/nowhere?"), services.settings)
    yield SharedCounts(gone, services.keyring)
    gone.dispose()


def fresh_key() -> str:
    return uuid4().hex


def answers_of(services: Services, database: Database) -> list[int]:
    """What two processes of one house answer in turn to one caller who asks for links."""
    other = build_services(services.settings, database_of=lambda _: Database(database.url, services.settings))
    browsers = [create_app(each).test_client() for each in (services, other)]
    tokens = [form_token(each) for each in browsers]
    found = []
    for number in range(2 * MOST + 2):
        which = number % 2
        data = {"form_token": tokens[which], "email": f"no address {number}"}
        found.append(browsers[which].post("/sign-in", data=data).status_code)
    other.close()
    return found


def in_memory(app: Flask, _counts: SharedCounts, *, guarded: bool) -> Limiter:
    """What was there before: counters of one process, whichever view it is."""
    del guarded
    return Limiter(limits.caller_address, app=app, storage_uri="memory://", strategy="sliding-window-counter")


def test_two_processes_share_one_limit(services: Services, database: Database) -> None:
    assert answers_of(services, database) == [422] * MOST + [429] * (MOST + 2)


def test_counters_in_memory_would_be_caught(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_limiter", in_memory)
    assert answers_of(services, database) == [422] * (2 * MOST) + [429] * 2


def test_many_hits_at_once_let_through_exactly_as_many_as_may(counts: SharedCounts) -> None:
    key = fresh_key()
    with ThreadPoolExecutor(6) as hands:
        standings = list(hands.map(lambda _: counts.hit(key, 7, 3600), range(30)))
    assert sum(each.within for each in standings) == 7
    assert min(each.left for each in standings) == 0
    assert counts.look(key).hits == 7, "what was refused is not counted"


def test_the_window_slides(counts: SharedCounts, postgres: EmbeddedPostgres) -> None:
    key = fresh_key()
    assert [counts.hit(key, 2, 3600).within for _ in range(3)] == [True, True, False]
    with superuser(postgres) as connection:
        connection.execute(
            "UPDATE rate_counts SET span = span - 1 WHERE count_key = %s",
            (counts._hashed(key),),
        )
    rest = counts.look(key).rest_s / 3600
    assert counts.look(key).before == 2
    assert counts.hit(key, 2, 3600).within == (rest < 1), "two hits of the hour before count for its part that is left"
    with superuser(postgres) as connection:
        connection.execute(
            "UPDATE rate_counts SET span = span - 2 WHERE count_key = %s",
            (counts._hashed(key),),
        )
    assert [counts.hit(key, 2, 3600).within for _ in range(3)] == [True, True, False]


def test_who_waits_as_long_as_told_gets_through(counts: SharedCounts) -> None:
    key = fresh_key()
    first = counts.hit(key, 1, 3600)
    told = counts.hit(key, 1, 3600)
    assert (first.within, told.within) == (True, False)
    assert 0 < told.wait_s <= 3600
    assert abs(told.wait_s - counts.look(key).rest_s) <= 2


def test_no_address_stands_in_the_table_and_what_is_over_is_swept(
    counts: SharedCounts, postgres: EmbeddedPostgres
) -> None:
    key = f"203.0.113.9/{fresh_key()}"
    counts.hit(key, 5, 60)
    with counts.database.register() as connection:
        kept = connection.execute(text("SELECT count_key FROM rate_counts")).scalars().all()
        assert counts._hashed(key) in [bytes(each) for each in kept]
        persistence = connection.execute(text("SELECT relpersistence FROM pg_class WHERE relname = 'rate_counts'"))
        assert persistence.scalar() == "u"
    assert b"203.0.113.9" not in b"".join(bytes(each) for each in kept)
    with superuser(postgres) as connection:
        connection.execute("UPDATE rate_counts SET until = now() - interval '1 second'")
    assert counts.sweep() >= 1
    assert (counts.sweep(), counts.look(key).hits) == (0, 0)


def test_it_is_a_storage_as_limits_wants_one(counts: SharedCounts) -> None:
    storage, item, key = OpenCounts(counts=counts), RateLimitItemPerHour(2), fresh_key()
    sliding, fixed = SlidingWindowCounterRateLimiter(storage), FixedWindowRateLimiter(storage)
    assert [sliding.hit(item, key) for _ in range(3)] == [True, True, False]
    assert not sliding.test(item, key)
    assert sliding.get_window_stats(item, key).remaining == 0
    sliding.clear(item, key)
    assert sliding.test(item, key)
    assert [fixed.hit(item, key, "fixed") for _ in range(3)] == [True, True, False]
    assert storage.check()
    assert storage.reset() >= 2


def test_where_nobody_can_be_counted_guessers_stay_outside_and_payers_get_through(
    services: Services, broken: SharedCounts
) -> None:
    assert OpenCounts(counts=broken).acquire_sliding_window_entry("key", 1, 60)
    assert not OpenCounts(counts=broken).check()
    fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
    half = type(services)(**fields)
    half._counts = broken
    client = create_app(half).test_client()
    closed = client.post("/sign-in", data={"form_token": form_token(client), "email": "lou@client.example"})
    assert (closed.status_code, closed.headers["Retry-After"]) == (503, "5")
    assert client.get("/validate").status_code == 200
    rates = Rates(broken, 5)
    assert rates.count("a known caller").left == 5
    for guess in (rates.count_failure, rates.count_proof):
        with pytest.raises(CallRefusedError, match="Nobody can be counted"):
            guess("203.0.113.9")


def test_whatever_proves_who_somebody_is_fails_closed() -> None:
    proving = {each for each in LIMITS if each.startswith(("sign_in", "proof.", "me.", "staff_joining."))}
    assert len(proving) >= 12
    assert all(is_guarded(each) for each in proving)
    assert not any(is_guarded(each) for each in ("pay.show", "pay.begin", "customer.pay", "basket.pay"))
