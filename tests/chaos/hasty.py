"""``quittance`` with a short lease in the outbox: a test of a minute cannot wait for what a killed worker had taken."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from portal.background import worker
from portal.cli import main
from receivables.store import outbox

if TYPE_CHECKING:
    from types import ModuleType

LEASE = timedelta(seconds=4)


def hasten(*modules: ModuleType) -> None:
    """Put the short lease wherever the long one was imported."""
    for module in modules:
        vars(module)["LEASE"] = LEASE


hasten(outbox, worker)

if __name__ == "__main__":
    main()
