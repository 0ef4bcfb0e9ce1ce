"""Planted bug: what happened is announced after its transaction, in another one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from chaos.planted.planting import plant

from portal.background.worker import Worker
from portal.cli import main
from receivables.store.work import Work

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.domain.events import Event

WINDOW_S = 0.3
_held: list[Event] = []


def _hold(_self: Work, events: Sequence[Event]) -> None:
    _held.extend(events)


def _drain_then_announce(self: Worker, supplier_id: UUID) -> int:
    count: int = _drain(self, supplier_id)
    if _held:
        time.sleep(WINDOW_S)
        self.works.run(supplier_id, lambda work: _emit(work, _held))
        _held.clear()
    return count


_emit = plant(Work, "emit", _hold)
_drain = plant(Worker, "drain_inbox_of", _drain_then_announce)

if __name__ == "__main__":
    main()
