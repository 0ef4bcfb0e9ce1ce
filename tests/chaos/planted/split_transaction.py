"""Planted bug: messages are marked as done in one transaction and posted in the next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from chaos.planted.planting import plant

from portal.background.worker import Worker
from portal.cli import main
from receivables.store.inbox import Settlement, claim, settle

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.inbox import Message
    from receivables.store.work import Work

WINDOW_S = 0.3


def _drain_in_two_steps(self: Worker, supplier_id: UUID) -> int:
    def take(work: Work) -> list[Message]:
        claimed = claim(work, self.inbox_batch)
        settle(work, claimed, [Settlement(each.inbox_id, "done") for each in claimed])
        return claimed

    claimed = self.works.run(supplier_id, take)
    time.sleep(WINDOW_S)
    self.works.run(supplier_id, lambda work: settle(work, claimed, self._receive(work, claimed)))
    return len(claimed)


plant(Worker, "drain_inbox_of", _drain_in_two_steps)

if __name__ == "__main__":
    main()
