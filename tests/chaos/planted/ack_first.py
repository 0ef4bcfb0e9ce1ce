"""Planted bug: a webhook is answered 200 before it is stored; it waits in memory for a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from chaos.planted.planting import plant

from portal.cli import main
from portal.hooks.intake import InboxBatcher

if TYPE_CHECKING:
    from uuid import UUID

    from portal.hooks.intake import Event

WINDOW_S = 0.3


def _store_later(self: InboxBatcher, source: str, supplier_id: UUID, events: list[Event]) -> None:
    def store() -> None:
        time.sleep(WINDOW_S)
        _store(self, source, supplier_id, events)

    threading.Thread(target=store, daemon=True).start()


_store = plant(InboxBatcher, "store", _store_later)

if __name__ == "__main__":
    main()
