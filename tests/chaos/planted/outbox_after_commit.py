"""Planted bug: what happened is announced after its transaction, in another one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from portal.cli import main
from portal.worker import Worker
from receivables.store.work import Work

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.domain.events import Event

WINDOW_S = 0.3
_emit = Work.emit
_drain = Worker.drain_inbox_of
_held: list[Event] = []


def _hold(_self: Work, events: Sequence[Event]) -> None:
    _held.extend(events)


def _drain_then_announce(self: Worker, supplier_id: UUID) -> int:
    count = _drain(self, supplier_id)
    if _held:
        time.sleep(WINDOW_S)
        self.works.run(supplier_id, lambda work: _emit(work, _held))
        _held.clear()
    return count


Work.emit = _hold  # type: ignore[method-assign]
Worker.drain_inbox_of = _drain_then_announce  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
