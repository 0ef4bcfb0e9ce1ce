"""Mandates taken over from another program or from paper, as a table (CSV): all rows or none, every fault told."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from config.clock import now, today
from payments.debits.mandates import NewMandate, take_over
from payments.errors import PaymentError
from receivables.services.settlement.paying import noon

if TYPE_CHECKING:
    from uuid import UUID

    from config.secrets import Keyring
    from receivables.store.work import Work

COLUMNS = ("customer", "rum", "signed_on", "iban", "holder", "scheme", "once", "last_used_on")
"""``customer`` is an account code (C00012) or a SIREN; the last three may be empty."""
REQUIRED = COLUMNS[:5]
MOST_ROWS = 2000
MOST_BYTES = 1024 * 1024
_YES = frozenset({"1", "oui", "yes", "true", "x"})


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a row, counted with the heading: row 2 is the first mandate."""

    row: int
    code: str
    sentence: str
    sentence_fr: str


def import_mandates(work: Work, keyring: Keyring, data: bytes, actor: str) -> tuple[list[UUID], list[RowFault]]:
    """Take over every mandate of a table, or none: the ids of the new ones, or what is wrong row by row.

    Raises:
        PaymentError: ``debit.bad_table``: no table, without its columns, or too long.
    """
    rows, faults = _read(data), list[RowFault]()
    made: list[UUID] = []
    with work.connection.begin_nested() as whole:
        for number, row in enumerate(rows, 2):
            try:
                made.append(_take(work, keyring, row, actor))
            except PaymentError as error:
                faults.append(RowFault(number, error.code, str(error), error.sentence_fr))
        if faults:
            whole.rollback()
    return ([], faults) if faults else (made, [])


def _read(data: bytes) -> list[dict[str, str]]:
    """The rows of a table in UTF-8 or Windows-1252, its fields apart by semicolons, commas or tabs."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    head = text.partition("\n")[0]
    delimiter = max(";,\t", key=head.count)
    read = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip().lower() for name in read.fieldnames or ()]
    missing = [name for name in REQUIRED if name not in names]
    rows = []
    for row in read:
        rows.append({(name or "").strip().lower(): str(value or "").strip() for name, value in row.items()})
        if len(rows) > MOST_ROWS:
            break
    if len(data) > MOST_BYTES or missing or not rows or len(rows) > MOST_ROWS:
        raise PaymentError(
            "debit.bad_table",
            f"Give a CSV table of at most {MOST_ROWS} rows with the columns {', '.join(COLUMNS)}.",
            f"Donnez un tableau CSV d'au plus {MOST_ROWS} lignes avec les colonnes {', '.join(COLUMNS)}.",
        )
    return [row for row in rows if any(row.values())]


def _take(work: Work, keyring: Keyring, row: dict[str, str], actor: str) -> UUID:
    customer_id = work.scalar(
        "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND (account_code = :key OR siren = :key)",
        key=row["customer"],
    )
    if customer_id is None:
        raise PaymentError(
            "debit.unknown_customer",
            f"No customer has the account or SIREN {row['customer'][:40]!r}.",
            f"Aucun client n'a le compte ou le SIREN « {row['customer'][:40]} ».",
        )
    signed_on, used = _day(row["signed_on"]), row.get("last_used_on", "")
    asked = NewMandate(
        customer_id=customer_id,
        scheme=(row.get("scheme") or "core").lower(),
        once=row.get("once", "").lower() in _YES,
        debtor_name=row["holder"],
        iban=row["iban"],
        rum=row["rum"],
    )
    last_used_on, at = _day(used) if used else None, min(noon(signed_on), now())
    return take_over(work, keyring, asked, signed_at=at, last_used_on=last_used_on, actor=actor).mandate_id


def _day(text: str) -> date:
    """A day as ``2025-03-31`` or ``31/03/2025``, not in the future."""
    try:
        day = date(*(int(part) for part in reversed(text.split("/")))) if "/" in text else date.fromisoformat(text)
    except (ValueError, TypeError):
        day = None
    if day is None or day > today():
        raise PaymentError(
            "debit.bad_day",
            f"{text[:20]!r} is no day up to today: write 2025-03-31 or 31/03/2025.",
            f"« {text[:20]} » n'est pas un jour jusqu'à aujourd'hui : écrivez 2025-03-31 ou 31/03/2025.",
        )
    return day
