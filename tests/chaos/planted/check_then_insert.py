"""Planted bug: a payment is looked up and then inserted, with no lock before the look and no unique key behind it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from chaos.planted.planting import plant

from portal.cli import main
from receivables.services.settlement import receipts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from receivables.store.work import Work

WINDOW_S = 0.06


def _look_and_dawdle(work: Work, kind: str, refs: Sequence[str]) -> set[str]:
    known: set[str] = _look(work, kind, refs)
    time.sleep(WINDOW_S)
    return known


def _lock_nobody(*_: Any) -> None:
    return None


_look = plant(receipts, "known_sources", _look_and_dawdle)
plant(receipts, "lock_customers", _lock_nobody)

if __name__ == "__main__":
    main()
