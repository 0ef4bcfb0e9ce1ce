"""What rows that are written as sets are made of: one statement and one parameter, however many they are."""

from __future__ import annotations

from receivables.store.columns.accounting import ACCOUNTING
from receivables.store.columns.collecting import COLLECTING
from receivables.store.columns.invoicing import INVOICING
from receivables.store.columns.risk import RISK
from receivables.store.columns.settlement import SETTLEMENT
from receivables.store.columns.telling import TELLING

COLUMNS: dict[str, dict[str, str]] = {
    **INVOICING,
    **SETTLEMENT,
    **RISK,
    **COLLECTING,
    **ACCOUNTING,
    **TELLING,
}
