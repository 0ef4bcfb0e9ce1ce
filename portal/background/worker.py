"""The worker: posts what came in, sends what must go out, keeps the schedule. Stops cleanly on SIGTERM.

Everything is at least once: a crash at any point loses the transaction it was in, never a fact. A batch that fails is
replayed one by one, so that one bad message cannot hold up the others.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from config.database import run_again
from portal.background.turns import Lookout, Turns
from receivables.store.inbox import Message, Settlement, claim, claim_one, settle
from receivables.store.outbox import LEASE, Announcement, finish, finish_due, mark_done_by, postpone, take
from receivables.store.register import suppliers_with_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from receivables.store.work import Work, Works

log = logging.getLogger("quittance.worker")

OUTBOX_BATCH = 20
HANDS_PER_SUPPLIER = 0.5
"""Share of the threads of one kind of fact that may serve one supplier."""
IDLE_AFTER_S = 5.0
IDLE_PAUSES = 5
"""After this long without anything to do a loop looks a fifth as often."""
LONGEST_PAUSE_S = 2.0
"""A loop that keeps failing (a database that restarts) waits twice as long each time, up to this."""


class NotYetError(Exception):
    """A subscriber cannot do its part yet; ``wait_s`` says when to come back, in seconds."""

    def __init__(self, sentence: str, wait_s: float | None = None) -> None:
        super().__init__(sentence)
        self.wait_s = wait_s


@dataclass(slots=True)
class Worker:
    """Drains inbox and outbox of every supplier and runs the chores, each in a thread of its own."""

    works: Works
    receivers: Mapping[str, Callable[[Work, Sequence[Message]], list[Settlement]]]
    subscribers: Mapping[str, Mapping[str, Callable[[UUID, Announcement], None]]]
    together: Mapping[str, Callable[[UUID, Sequence[Announcement]], Mapping[int, Exception]]] = field(
        default_factory=dict
    )
    """Kinds of facts that one subscriber takes as a set; it returns why some must come again, by outbox id."""
    hands: Mapping[str, int] = field(default_factory=dict)
    """Threads for kinds of facts that wait for others most of their time; one where it is not said."""
    unheard: Mapping[str, Callable[[Work], bool]] = field(default_factory=dict)
    """Kinds of facts that may concern nobody at a supplier: then they are finished as a set."""
    chores: Sequence[tuple[float, Callable[[], None]]] = ()
    inbox_batch: int = 200
    pause_s: float = 0.05
    stop: threading.Event = field(default_factory=threading.Event)
    _lookout: Lookout = field(init=False)
    _turns: dict[str | None, Turns] = field(init=False)

    def __post_init__(self) -> None:
        """Threads look for work together, and share the suppliers of each kind of fact."""
        self._lookout = Lookout(self.works.database, self.pause_s / 2)
        self._turns = {
            kind: Turns(max(1, int(self.hands.get(kind or "", 1) * HANDS_PER_SUPPLIER)))
            for kind in (None, *self._kinds())
        }

    def _kinds(self) -> list[str]:
        return [*self.subscribers, *self.together]

    def run(self) -> None:
        """Work until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())
        threads = [
            threading.Thread(target=self._loop, args=(self.drain_inbox, self.pause_s, self.inbox_batch), name="inbox"),
            *(
                threading.Thread(
                    target=self._loop, args=(partial(self.drain_outbox, kind), self.pause_s, OUTBOX_BATCH), name=kind
                )
                for kind in self._kinds()
                for _ in range(self.hands.get(kind, 1))
            ),
        ]
        for every_s, chore in self.chores:
            threads.append(threading.Thread(target=self._loop, args=(chore, every_s), name="chore"))
        for thread in threads:
            thread.start()
        while not self.stop.wait(0.5):
            continue
        for thread in threads:
            thread.join()

    def drain_inbox(self) -> int:
        """Post everything that waits in the inbox; returns how many messages were looked at."""
        return sum(self.drain_inbox_of(supplier_id) for supplier_id in suppliers_with_messages(self.works.database))

    def drain_inbox_of(self, supplier_id: UUID) -> int:
        """Post one batch of a supplier's inbox."""
        claimed: list[Message] = []

        def batch(work: Work) -> None:
            claimed[:] = claim(work, self.inbox_batch)
            settle(work, claimed, self._receive(work, claimed))

        try:
            self.works.run(supplier_id, batch)
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise  # the database went away: no message is to blame, and none could be replayed
            log.exception("A batch failed and is replayed one by one", extra={"supplier": str(supplier_id)})
            for message in claimed:
                self._replay(supplier_id, message)
        return len(claimed)

    def drain_outbox(self, kind: str | None = None) -> int:
        """Send what waits in the outbox; returns how many facts were looked at.

        Each kind of fact has its own thread, so that a sign-in mail never waits behind a thousand invoices.
        """
        waiting = self._lookout.suppliers(kind)
        found = 0
        for _ in waiting:
            with self._turns[kind].next_of(waiting) as supplier_id:
                if supplier_id is None:
                    break
                found += self.drain_outbox_of(supplier_id, kind)
        return found

    def drain_outbox_of(self, supplier_id: UUID, kind: str | None = None) -> int:
        """Give one batch of a supplier's facts, of one kind or of any, to their subscribers."""
        finished = self._finish_unheard(supplier_id, kind)
        if finished:
            return finished
        taken = self.works.run(supplier_id, lambda work: take(work, OUTBOX_BATCH, kind))
        stale = time.monotonic() + LEASE.total_seconds() / 2
        delivered = self._deliver_together(supplier_id, taken)
        for announcement in taken:
            if announcement.kind in self.together:
                continue
            if time.monotonic() > stale:
                break  # the rest could be another worker's before it is done: it is taken again after its lease
            if self._deliver(supplier_id, announcement):
                delivered.append(announcement.outbox_id)
        if delivered:
            self.works.run(supplier_id, lambda work: finish(work, delivered))
        return len(taken)

    def _finish_unheard(self, supplier_id: UUID, kind: str | None) -> int:
        """Finish what is due of a kind that concerns nobody at this supplier; returns how much that was."""
        is_unheard = self.unheard.get(kind or "")
        if is_unheard is None:
            return 0
        return self.works.run(supplier_id, lambda work: finish_due(work, str(kind)) if is_unheard(work) else 0)

    def _receive(self, work: Work, messages: Sequence[Message]) -> list[Settlement]:
        by_source: dict[str, list[Message]] = {}
        for message in messages:
            by_source.setdefault(message.source, []).append(message)
        settled: list[Settlement] = []
        for source, group in by_source.items():
            receiver = self.receivers.get(source)
            if receiver is None:
                settled += [Settlement(m.inbox_id, "buried", f"inbox.no_receiver: {source}") for m in group]
            else:
                settled += receiver(work, group)
        return settled

    def _replay(self, supplier_id: UUID, message: Message) -> None:
        def alone(work: Work) -> None:
            claimed = claim_one(work, message.inbox_id)
            if claimed:
                settle(work, [claimed], self._receive(work, [claimed]))

        try:
            self.works.run(supplier_id, alone)
        except Exception as error:
            log.exception("A message failed", extra={"supplier": str(supplier_id), "inbox_id": message.inbox_id})
            reason = _reason(error)
            try:
                self.works.run(
                    supplier_id,
                    lambda work: settle(work, [message], [Settlement(message.inbox_id, "waiting", reason)]),
                )
            except Exception:  # the message stays as it was and is claimed again
                log.exception("A failed message could not be postponed")

    def _deliver(self, supplier_id: UUID, announcement: Announcement) -> bool:
        """Give a fact to the subscribers that still need it; whether all have done their part."""
        subscribers = self.subscribers.get(announcement.kind, {})
        left = [name for name in subscribers if name not in announcement.done_by]
        try:
            for number, name in enumerate(left, start=1):
                subscribers[name](supplier_id, announcement)
                if number < len(left):
                    self._note(supplier_id, announcement, name)
        except NotYetError as error:
            self._postpone(supplier_id, announcement, str(error), error.wait_s)
        except Exception as error:
            log.exception("A fact could not be delivered", extra={"supplier": str(supplier_id)})
            self._postpone(supplier_id, announcement, _reason(error))
        else:
            return True
        return False

    def _deliver_together(self, supplier_id: UUID, taken: Sequence[Announcement]) -> list[int]:
        """Give sets of facts to those who take sets; the outbox ids of those that are done."""
        sets: dict[str, list[Announcement]] = {}
        for announcement in taken:
            if announcement.kind in self.together:
                sets.setdefault(announcement.kind, []).append(announcement)
        failures: dict[int, Exception] = {}
        for kind, facts in sets.items():
            try:
                failures |= self.together[kind](supplier_id, facts)
            except Exception as error:
                log.exception("Facts could not be delivered", extra={"supplier": str(supplier_id)})
                failures |= {each.outbox_id: NotYetError(_reason(error)) for each in facts}
        late = [each for facts in sets.values() for each in facts if each.outbox_id in failures]
        if late:
            self.works.run(supplier_id, lambda work: _postpone_all(work, late, failures))
        return [each.outbox_id for facts in sets.values() for each in facts if each.outbox_id not in failures]

    def _note(self, supplier_id: UUID, announcement: Announcement, name: str) -> None:
        self.works.run(supplier_id, lambda work: mark_done_by(work, announcement.outbox_id, name))

    def _postpone(
        self, supplier_id: UUID, announcement: Announcement, reason: str, wait_s: float | None = None
    ) -> None:
        self.works.run(supplier_id, lambda work: postpone(work, announcement, reason, wait_s=wait_s))

    def _loop(self, once: Callable[[], int | None], pause_s: float, full: int = 1) -> None:
        """Run ``once`` again at once while it finds ``full`` batches, after a pause otherwise; no error ends the loop.

        What trickles in is gathered during the pause: a batch of thirty costs hardly more than one message.
        """
        failures = 0
        busy_at_s = time.monotonic()
        while not self.stop.is_set():
            try:
                found = run_again(once) or 0
                failures = 0
                busy_at_s = time.monotonic() if found else busy_at_s
            except Exception:
                log.exception("The worker's loop failed and goes on")
                found, failures = 0, failures + 1
            if found < full:
                is_idle = full > 1 and time.monotonic() - busy_at_s > IDLE_AFTER_S
                wait_s = pause_s * IDLE_PAUSES if is_idle else pause_s
                self.stop.wait(max(wait_s, min(pause_s * 2**failures, LONGEST_PAUSE_S)))


def _reason(error: Exception) -> str:
    """Why something failed, for people: of an error of the database its first line, the next ones quote the row."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return f"{type(error.orig).__name__}: {error.orig}".splitlines()[0][:500]
    return f"{type(error).__name__}: {error}"[:500]


def _postpone_all(work: Work, facts: Sequence[Announcement], failures: Mapping[int, Exception]) -> None:
    for fact in facts:
        error = failures[fact.outbox_id]
        if isinstance(error, NotYetError):
            postpone(work, fact, str(error), wait_s=error.wait_s)
        else:
            postpone(work, fact, _reason(error))
