"""Turns are shared: a slow supplier holds up no other; what seldom comes is asked for less and less."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from config.clock import new_id
from portal.background import turns
from portal.background.turns import LONGEST_QUIET_S, Pace, Turns

if TYPE_CHECKING:
    from uuid import UUID

A, B, C = sorted(new_id() for _ in range(3))


def served(shared: Turns, waiting: list[UUID], times: int) -> list[UUID | None]:
    """Who is served when each turn ends before the next begins."""
    found = []
    for _ in range(times):
        with shared.next_of(waiting) as chosen:
            found.append(chosen)
    return found


def test_everybody_who_waits_is_served_in_turn() -> None:
    assert served(Turns(1), [A, B, C], 6) == [A, B, C, A, B, C]


def test_a_slow_supplier_has_only_its_share_of_the_threads() -> None:
    shared = Turns(2)
    with ExitStack() as slow:
        assert [slow.enter_context(shared.next_of([A])) for _ in range(3)] == [A, A, None]
        assert served(shared, [A, B], 3) == [B, B, B]
    assert served(shared, [A, B], 2) == [A, B]


def test_who_has_the_fewest_threads_is_next() -> None:
    shared = Turns(2)
    with shared.next_of([A]) as first, shared.next_of([A, B]) as second, shared.next_of([A, B]) as third:
        assert (first, second, third) == (A, B, A)


def test_a_turn_ends_also_where_it_fails() -> None:
    shared = Turns(1)
    with pytest.raises(RuntimeError), shared.next_of([A]):
        raise RuntimeError
    assert served(shared, [A], 1) == [A]


def test_what_seldom_comes_is_asked_for_less_and_less_until_something_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    at_s = 1000.0
    monkeypatch.setattr(turns.time, "monotonic", lambda: at_s)
    pace = Pace(2.0)

    def asked(for_s: int) -> int:
        nonlocal at_s
        times = 0
        for _ in range(for_s // 2):
            times += pace.is_due(A)
            at_s += 2
        return times

    assert asked(20) == 10
    asked(580)
    assert 8 <= asked(600) <= 10 == 600 / LONGEST_QUIET_S
    pace.hear(A)
    assert asked(20) == 10
