"""The worker posts each message once, holds no message up for a bad one, and gives every fact to every subscriber."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from ledger_builders import issue

from config.clock import now
from portal.background import worker as worker_module
from portal.background.worker import NotYetError, Worker
from receivables.domain.events import Event
from receivables.store.inbox import LONGEST_WAIT_S, Settlement, accept
from receivables.store.register import suppliers_with_messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from receivables.store.inbox import Message
    from receivables.store.outbox import Announcement
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


def worker(works: Works, receive: Any = None, subscribers: Mapping[str, Any] | None = None, **more: Any) -> Worker:
    return Worker(works, {"tests": receive} if receive else {}, subscribers or {}, **more)


def put(works: Works, supplier: Supplier, *bodies: str, source: str = "tests") -> int:
    with works.begin(supplier.supplier_id) as work:
        return accept(work, source, [(body, body.encode()) for body in bodies])


def emit(works: Works, supplier: Supplier, *keys: str) -> None:
    with works.begin(supplier.supplier_id) as work:
        work.emit([Event("tests.happened", key, {"key": key}) for key in keys])


def states(works: Works, supplier: Supplier, table: str = "inbox") -> dict[str, tuple[str, str | None, int]]:
    key = "external_id" if table == "inbox" else "event_key"
    with works.begin(supplier.supplier_id) as work:
        rows = work.rows(f"SELECT {key} AS key, state, reason, tries FROM {table} WHERE supplier_id = :supplier")  # noqa: S608 -- names of tables and columns come from the test
    return {row["key"]: (row["state"], row["reason"], row["tries"]) for row in rows}


def due_again(works: Works, supplier: Supplier, table: str = "inbox") -> None:
    with works.begin(supplier.supplier_id) as work:
        work.execute(f"UPDATE {table} SET next_try_at = now() WHERE supplier_id = :supplier")  # noqa: S608 -- names of tables and columns come from the test


def note(work: Work, messages: Sequence[Message]) -> list[Settlement]:
    """Write down what was received, as an effect in the books would be."""
    for message in messages:
        work.audit("tester", "received", message.body.decode())
    return [Settlement(message.inbox_id, "done") for message in messages]


def noted(works: Works, supplier: Supplier) -> list[str]:
    with works.begin(supplier.supplier_id) as work:
        rows = work.rows(
            "SELECT object FROM audit_rows WHERE supplier_id = :supplier AND act = 'received' ORDER BY object"
        )
    return [row["object"] for row in rows]


def test_a_message_that_comes_twice_is_stored_and_posted_once(works: Works, supplier: Supplier) -> None:
    assert put(works, supplier, "a", "b") == 2
    assert put(works, supplier, "b", "c") == 1
    assert put(works, supplier, "a", source="others") == 1
    worker(works, note).drain_inbox_of(supplier.supplier_id)
    put(works, supplier, "a")
    worker(works, note).drain_inbox_of(supplier.supplier_id)
    assert noted(works, supplier) == ["a", "b", "c"]


def test_eight_workers_at_once_post_each_message_once(works: Works, supplier: Supplier) -> None:
    names = [f"{number:03d}" for number in range(120)]
    put(works, supplier, *names)
    busy = worker(works, note, inbox_batch=7)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: busy.drain_inbox_of(supplier.supplier_id), range(40)))
    assert noted(works, supplier) == names
    assert {state for state, _, _ in states(works, supplier).values()} == {"done"}


def test_one_bad_message_holds_up_no_other_and_leaves_nothing_half_done(works: Works, supplier: Supplier) -> None:
    def fragile(work: Work, messages: Sequence[Message]) -> list[Settlement]:
        settled = note(work, messages)
        if any(message.body == b"bad" for message in messages):
            raise RuntimeError("this one cannot be posted")
        return settled

    put(works, supplier, "a", "bad", "c")
    broken = worker(works, fragile)
    broken.drain_inbox_of(supplier.supplier_id)
    assert noted(works, supplier) == ["a", "c"]
    assert states(works, supplier)["bad"] == ("waiting", "RuntimeError: this one cannot be posted", 1)
    assert suppliers_with_messages(works.database).count(supplier.supplier_id) in {0, 1}
    due_again(works, supplier)
    worker(works, note).drain_inbox_of(supplier.supplier_id)
    assert noted(works, supplier) == ["a", "bad", "c"]


def test_what_waits_comes_again_later_and_later_and_is_buried_with_its_reason(works: Works, supplier: Supplier) -> None:
    def wait(_: Work, messages: Sequence[Message]) -> list[Settlement]:
        return [Settlement(message.inbox_id, "waiting", "tests.not_yet") for message in messages]

    put(works, supplier, "a")
    patient = worker(works, wait)
    waits = []
    for _ in range(16):
        due_again(works, supplier)
        patient.drain_inbox_of(supplier.supplier_id)
        with works.begin(supplier.supplier_id) as work:
            waits.append(work.scalar("SELECT next_try_at FROM inbox WHERE supplier_id = :supplier") - now())
    assert waits[0] < timedelta(seconds=0.06)
    assert all(later > earlier - timedelta(seconds=0.1) for earlier, later in pairwise(waits))
    assert timedelta(seconds=LONGEST_WAIT_S - 5) < waits[-1] < timedelta(seconds=LONGEST_WAIT_S)
    assert states(works, supplier)["a"] == ("waiting", "tests.not_yet", 16)
    with works.begin(supplier.supplier_id) as work:
        message = work.row("SELECT inbox_id FROM inbox WHERE supplier_id = :supplier")
        assert message is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("receivables.store.inbox.PATIENCE", timedelta(0))
        due_again(works, supplier)
        patient.drain_inbox_of(supplier.supplier_id)
    assert states(works, supplier)["a"][:2] == ("buried", "tests.not_yet")


def test_a_message_that_nobody_receives_is_buried_with_its_source(works: Works, supplier: Supplier) -> None:
    put(works, supplier, "a", source="strangers")
    worker(works).drain_inbox_of(supplier.supplier_id)
    assert states(works, supplier)["a"][:2] == ("buried", "inbox.no_receiver: strangers")


def test_every_subscriber_does_its_part_once_though_another_fails(works: Works, supplier: Supplier) -> None:
    seen: list[str] = []

    def quick(_: UUID, fact: Announcement) -> None:
        seen.append(f"quick {fact.event_key}")

    def moody(_: UUID, fact: Announcement) -> None:
        seen.append(f"moody {fact.event_key}")
        if seen.count(f"moody {fact.event_key}") < 3:
            raise RuntimeError("not today")

    emit(works, supplier, "1")
    both = worker(works, subscribers={"tests.happened": {"quick": quick, "moody": moody}})
    for _ in range(4):
        both.drain_outbox_of(supplier.supplier_id)
        due_again(works, supplier, "outbox")
    assert seen == ["quick 1", "moody 1", "moody 1", "moody 1"]
    assert states(works, supplier, "outbox")["1"][:2] == ("done", None)


def test_what_only_needs_time_waits_as_long_as_it_says(works: Works, supplier: Supplier) -> None:
    def later(_: UUID, __: Announcement) -> None:
        raise NotYetError("the platform has not answered", 42.0)

    emit(works, supplier, "1")
    worker(works, subscribers={"tests.happened": {"later": later}}).drain_outbox_of(supplier.supplier_id)
    assert states(works, supplier, "outbox")["1"] == ("new", "the platform has not answered", 1)
    with works.begin(supplier.supplier_id) as work:
        wait = work.scalar("SELECT next_try_at FROM outbox WHERE supplier_id = :supplier") - now()
    assert timedelta(seconds=40) < wait < timedelta(seconds=42)


def test_a_fact_is_told_once_however_often_it_is_emitted(works: Works, supplier: Supplier) -> None:
    emit(works, supplier, "1")
    emit(works, supplier, "1", "2")
    assert len(states(works, supplier, "outbox")) == 2


def test_a_worker_that_dies_with_a_fact_loses_it_to_the_next(works: Works, supplier: Supplier) -> None:
    seen: list[str] = []

    class KilledError(BaseException):
        """The process ends here."""

    def deadly(_: UUID, fact: Announcement) -> None:
        seen.append(fact.event_key)
        if len(seen) == 1:
            raise KilledError

    emit(works, supplier, "1")
    mortal = worker(works, subscribers={"tests.happened": {"deadly": deadly}})
    with pytest.raises(KilledError):
        mortal.drain_outbox_of(supplier.supplier_id)
    assert mortal.drain_outbox_of(supplier.supplier_id) == 0, "leased to the dead until the lease is over"
    due_again(works, supplier, "outbox")
    mortal.drain_outbox_of(supplier.supplier_id)
    assert seen == ["1", "1"]
    assert states(works, supplier, "outbox")["1"][0] == "done"


def test_a_slow_batch_is_not_delivered_twice_by_a_second_worker(
    works: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of the last fact of a batch runs out while the first ones go out slowly."""
    monkeypatch.setattr(worker_module, "LEASE", timedelta(seconds=3))
    seen: list[str] = []
    first_out, second_done = threading.Event(), threading.Event()

    def slow(_: UUID, fact: Announcement) -> None:
        seen.append(fact.event_key)
        if len(seen) == 1:
            due_again(works, supplier, "outbox")  # time passes: every lease is over
            first_out.set()
            second_done.wait(10)
            time.sleep(1.6)

    emit(works, supplier, "1", "2", "3")
    one, two = (worker(works, subscribers={"tests.happened": {"slow": slow}}) for _ in range(2))
    thread = threading.Thread(target=one.drain_outbox_of, args=(supplier.supplier_id,))
    thread.start()
    assert first_out.wait(10)
    two.drain_outbox_of(supplier.supplier_id)
    second_done.set()
    thread.join()
    assert seen.count("2") == seen.count("3") == 1


def test_an_announcement_and_its_cause_stand_or_fall_together(works: Works, supplier: Supplier) -> None:
    with pytest.raises(RuntimeError), works.begin(supplier.supplier_id) as work:  # noqa: PT012 -- the fault shows at the commit that ends the block
        issue(work)
        raise RuntimeError
    assert states(works, supplier, "outbox") == {}


def test_the_loop_goes_on_after_an_error_and_stops_when_told(works: Works) -> None:
    calls: list[int] = []

    def chore() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("once")
        stubborn.stop.set()
        return 1

    stubborn = worker(works)
    thread = threading.Thread(target=stubborn._loop, args=(chore, 0.01))
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert len(calls) == 2
