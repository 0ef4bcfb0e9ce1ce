"""``quittance`` with a short lease in the outbox: a test of a minute cannot wait for what a killed worker had taken."""

from __future__ import annotations

from datetime import timedelta

from portal import worker
from portal.cli import main
from receivables.store import outbox

outbox.LEASE = worker.LEASE = timedelta(seconds=4)

if __name__ == "__main__":
    main()
