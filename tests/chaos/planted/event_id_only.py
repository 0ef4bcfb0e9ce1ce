"""Planted bug: only the event's id is deduplicated, though several events tell of one payment."""

from __future__ import annotations

from typing import Any

from chaos.planted.planting import plant

from portal.cli import main
from receivables.services.settlement import receipts


def _know_nothing(*_: Any) -> set[str]:
    return set()


plant(receipts, "known_sources", _know_nothing)

if __name__ == "__main__":
    main()
