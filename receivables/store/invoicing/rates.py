"""Rates of other currencies as a supplier was given them, in PostgreSQL: units of a currency for one euro."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING

from config.clock import now
from receivables.errors import ConflictError, ReceivablesError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from receivables.store.work import Work

STALE_DAYS = 7
"""A rate of a Friday serves over the longest closing of the central bank, and not for longer."""
MOST_RATES = 500_000
"""Rates in one file: all of the central bank's currencies since 1999 are some 250,000."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One euro is ``per_euro`` units of ``currency`` on a day."""

    currency: str
    quoted_on: date
    per_euro: Decimal


def read_rates(text: str) -> list[Rate]:
    """Rates of a table whose first column is the day and whose others are currencies, as the ECB publishes it (CSV).

    Raises:
        ReceivablesError: ``rates.not_a_table`` names the line.
    """
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")))
    heads = [each.strip() for each in rows[0]] if rows else []
    if len(heads) < 2 or heads[0].lower() != "date":  # noqa: PLR2004 -- a day and one currency at least
        raise _refusal(1, "its first column is not called Date")
    found = []
    for number, row in enumerate(rows[1:], start=2):
        for currency, cell in zip(heads[1:], row[1:], strict=False):
            value = cell.strip()
            if not currency or value in {"", "N/A"}:
                continue
            found.append(_rate(number, currency, row[0].strip(), value))
            if len(found) > MOST_RATES:
                raise _refusal(number, f"it holds more than {MOST_RATES} rates")
    return found


def keep_rates(work: Work, rates: Iterable[Rate], source: str, actor: str) -> int:
    """Keep rates that are not known yet; returns how many.

    Raises:
        ConflictError: ``rates.differ``: a known rate is another one: what was converted by it stays as it is.
    """
    given = to_json(
        [{"currency": each.currency, "quoted_on": each.quoted_on, "per_euro": str(each.per_euro)} for each in rates]
    )
    other = work.row(
        "SELECT known.currency, known.quoted_on, known.per_euro, given.per_euro AS other FROM exchange_rates AS known "
        "JOIN jsonb_to_recordset(CAST(:given AS jsonb)) AS given (currency text, quoted_on date, per_euro numeric) "
        "ON given.currency = known.currency AND given.quoted_on = known.quoted_on "
        "WHERE supplier_id = :supplier AND known.per_euro <> given.per_euro LIMIT 1",
        given=given,
    )
    if other is not None:
        told = f"{other['per_euro']} {other['currency']}", f"{other['quoted_on']}", f"{other['other']}"
        raise ConflictError(
            "rates.differ",
            f"The rate of {told[1]} is {told[0]} here and {told[2]} in this table: nothing was kept.",
            f"Le taux du {told[1]} est ici {told[0]} et {told[2]} dans cette table : rien n'a été gardé.",
        )
    count = work.execute(
        "INSERT INTO exchange_rates (supplier_id, currency, quoted_on, per_euro, source, kept_at) "
        "SELECT :supplier, currency, quoted_on, per_euro, :source, :at FROM jsonb_to_recordset(CAST(:given AS jsonb)) "
        "AS given (currency text, quoted_on date, per_euro numeric) ON CONFLICT DO NOTHING",
        given=given,
        source=source,
        at=now(),
    )
    work.audit(actor, "rates.kept", source, count=count)
    return count


def rates_for(work: Work, wanted: Sequence[tuple[str, date]]) -> dict[tuple[str, date], Decimal]:
    """Units per euro of each currency and day: the last rate of the week before where the day itself has none."""
    if not wanted:
        return {}
    rows = work.rows(
        "SELECT wanted.currency, wanted.day, found.per_euro FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) "
        "AS wanted (currency text, day date) CROSS JOIN LATERAL (SELECT per_euro FROM exchange_rates AS rate "
        "WHERE rate.supplier_id = :supplier AND rate.currency = wanted.currency "
        "AND rate.quoted_on BETWEEN wanted.day - :stale AND wanted.day ORDER BY quoted_on DESC LIMIT 1) AS found",
        wanted=to_json([{"currency": currency, "day": day} for currency, day in wanted]),
        stale=STALE_DAYS,
    )
    return {(row["currency"], row["day"]): row["per_euro"] for row in rows}


def _rate(number: int, currency: str, day: str, value: str) -> Rate:
    try:
        rate = Rate(currency, date.fromisoformat(day), Decimal(value))
    except (ValueError, DecimalException) as error:
        raise _refusal(number, f"{day!r} or {value!r} is no day or rate") from error
    if not rate.per_euro.is_finite() or rate.per_euro <= 0 or len(currency) != 3:  # noqa: PLR2004 -- ISO 4217
        raise _refusal(number, f"{value!r} {currency!r} is no rate of a currency")
    return rate


def _refusal(number: int, why: str) -> ReceivablesError:
    return ReceivablesError(
        "rates.not_a_table",
        f"Line {number} of the table cannot be read: {why}. It is a CSV table like the central bank's: Date,USD,GBP.",
        f"La ligne {number} de la table est illisible : il faut un CSV comme celui de la BCE : Date,USD,GBP.",
    )
