"""Lines of the bank: kept once and for good; what each turned out to be moves."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from config.clock import now
from payments.errors import PaymentError
from receivables.store.work import literally, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAGE = 50
"""Lines on one page of the list."""
STATES = (
    "new",
    "matched",
    "proposed",
    "unidentified",
    "payout",
    "debits",
    "returned",
    "refunded",
    "not_ours",
    "split",
)
"""What a line may be. ``new``: not looked at yet; ``split``: the bank told its parts later, and they count instead."""
IN_BOOKS = frozenset({"matched", "proposed", "unidentified", "payout", "debits", "returned", "refunded"})
"""States of lines that stand on account 512."""
IN_SUSPENSE = frozenset({"proposed", "unidentified"})
"""States of lines whose money waits on account 471 until somebody knows whose it is."""


@dataclass(frozen=True, slots=True)
class BankLine:
    """One line of one of our accounts, as the bank told it, and what it turned out to be.

    ``amount_minor`` above zero came in, below went out. ``line_key`` is the same for the same movement whichever file
    tells it; ``entry_key`` is shared by the parts of a movement that the bank booked as one sum. ``round`` counts how
    often the line was taken for something and taken back.
    """

    line_id: UUID
    line_key: str
    entry_key: str
    statement_id: UUID
    account: str
    booked_on: date
    value_on: date
    amount_minor: int
    currency: str
    counterparty: str
    counterparty_iban: str | None
    remittance: str
    structured_reference: str | None
    end_to_end_id: str | None
    mandate_ref: str | None
    batch_ref: str | None
    bank_code: str | None
    return_code: str | None
    charges_minor: int | None
    details: Mapping[str, Any]
    state: str = "new"
    reason: str | None = None
    score: int | None = None
    customer_id: UUID | None = None
    attempt_id: UUID | None = None
    settled_by: str | None = None
    round: int = 1
    created_at: datetime = field(default_factory=now)
    changed_at: datetime = field(default_factory=now)

    @property
    def payment_ref(self) -> str:
        """Key of the receipt that this line is: a new one after it was taken back, because a key books once."""
        return f"line:{self.line_id}" if self.round == 1 else f"line:{self.line_id}:{self.round}"

    @property
    def counter(self) -> str:
        """The account of the chart on which this line's money lies until it is a customer's (``bank``, ``suspense``).

        For ``record_payment(counter=...)``: money that waited on 471 is taken from there.
        """
        return "suspense" if self.state in IN_SUSPENSE else "bank"


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines a list shows, newest first. ``wanted`` is looked for in names, texts, references and amounts."""

    states: tuple[str, ...] = ()
    wanted: str = ""
    account: str = ""
    statement_id: UUID | None = None
    customer_id: UUID | None = None
    after: UUID | None = None
    """The last line of the page before."""
    size: int = PAGE


_TYPES = {
    "line_id": "uuid",
    "line_key": "text",
    "entry_key": "text",
    "statement_id": "uuid",
    "account": "text",
    "booked_on": "date",
    "value_on": "date",
    "amount_minor": "bigint",
    "currency": "text",
    "counterparty": "text",
    "counterparty_iban": "text",
    "remittance": "text",
    "structured_reference": "text",
    "end_to_end_id": "text",
    "mandate_ref": "text",
    "batch_ref": "text",
    "bank_code": "text",
    "return_code": "text",
    "charges_minor": "bigint",
    "details": "jsonb",
    "state": "text",
    "reason": "text",
    "score": "integer",
    "customer_id": "uuid",
    "attempt_id": "uuid",
    "settled_by": "text",
    "round": "integer",
    "created_at": "timestamptz",
    "changed_at": "timestamptz",
}
_NAMES = ", ".join(_TYPES)
_TYPED = ", ".join(f"{name} {kind}" for name, kind in _TYPES.items())


def get_line(work: Work, line_id: UUID) -> BankLine:
    """One line.

    Raises:
        PaymentError: ``bank.unknown_line``.
    """
    found = lines_by_ids(work, [line_id])
    if not found:
        raise PaymentError(
            "bank.unknown_line",
            f"There is no bank line {line_id}. Look for it in the list of lines.",
            f"Il n'y a pas de ligne bancaire {line_id}. Cherchez-la dans la liste des lignes.",
        )
    return found[0]


def lines_by_ids(work: Work, line_ids: Sequence[UUID], *, lock: bool = False) -> list[BankLine]:
    """The lines of these ids, in order of id; locked against other sessions where asked."""
    rows = work.rows(
        f"SELECT {_NAMES} FROM bank_lines WHERE supplier_id = :supplier AND line_id = ANY(:ids) "
        f"ORDER BY line_id{' FOR UPDATE' if lock else ''}",
        ids=list(line_ids),
    )
    return [_line(row) for row in rows]


def insert_lines(work: Work, lines: Sequence[BankLine]) -> list[UUID]:
    """Keep lines as one set; those whose key is known are left alone. Returns the ids of the new ones."""
    if not lines:
        return []
    rows = work.rows(
        f"INSERT INTO bank_lines (supplier_id, {_NAMES}) SELECT :supplier, {_NAMES} "
        f"FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given ({_TYPED}) "
        "ON CONFLICT (supplier_id, line_key) DO NOTHING RETURNING line_id",
        given=to_json([{each.name: getattr(line, each.name) for each in fields(BankLine)} for line in lines]),
    )
    return sorted(row["line_id"] for row in rows)


def settle_line(
    work: Work,
    line_id: UUID,
    state: str,
    *,
    reason: str | None = None,
    score: int | None = None,
    customer_id: UUID | None = None,
    attempt_id: UUID | None = None,
    settled_by: str,
) -> None:
    """Say what a line turned out to be; what is not given is emptied."""
    settle_lines(
        work,
        [
            {
                "line_id": line_id,
                "state": state,
                "reason": reason,
                "score": score,
                "customer_id": customer_id,
                "attempt_id": attempt_id,
                "settled_by": settled_by,
            }
        ],
    )


def settle_lines(work: Work, settled: Iterable[Mapping[str, object]]) -> None:
    """`settle_line` for many lines as one set: rows of its parameters by name."""
    rows = list(settled)
    if not rows:
        return
    work.execute(
        "UPDATE bank_lines AS line SET state = given.state, reason = given.reason, score = given.score, "
        "customer_id = given.customer_id, attempt_id = given.attempt_id, settled_by = given.settled_by, "
        "changed_at = :at FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (line_id uuid, state text, "
        "reason text, score integer, customer_id uuid, attempt_id uuid, settled_by text) "
        "WHERE line.supplier_id = :supplier AND line.line_id = given.line_id",
        given=to_json(rows),
        at=now(),
    )


def list_lines(work: Work, narrowed: LineFilter) -> tuple[list[BankLine], bool]:
    """A page of lines, newest first, and whether there are more after it."""
    conditions, values = _conditions(narrowed)
    rows = work.rows(
        f"SELECT {_NAMES} FROM bank_lines AS line WHERE {' AND '.join(conditions)} "
        "ORDER BY booked_on DESC, line_id DESC LIMIT :limit",
        limit=narrowed.size + 1,
        **values,
    )
    return [_line(row) for row in rows[: narrowed.size]], len(rows) > narrowed.size


def _conditions(narrowed: LineFilter) -> tuple[list[str], dict[str, object]]:
    conditions, values = ["line.supplier_id = :supplier"], dict[str, object]()
    if narrowed.states:
        conditions.append("state = ANY(:states)")
        values["states"] = list(narrowed.states)
    for name in ("account", "statement_id", "customer_id"):
        if value := getattr(narrowed, name):
            conditions.append(f"{name} = :{name}")
            values[name] = value
    if narrowed.after:
        conditions.append(
            "(booked_on, line_id) < (SELECT booked_on, line_id FROM bank_lines "
            "WHERE supplier_id = :supplier AND line_id = :after)"
        )
        values["after"] = narrowed.after
    if narrowed.wanted:
        conditions.append(
            "(concat_ws(' ', counterparty, counterparty_iban, remittance, structured_reference, end_to_end_id, "
            "mandate_ref, batch_ref, return_code) ILIKE :wanted OR abs(amount_minor) = :minor)"
        )
        values["wanted"] = f"%{literally(narrowed.wanted)}%"
        values["minor"] = _minor(narrowed.wanted)
    return conditions, values


def _minor(wanted: str) -> int | None:
    """The cents of an amount as people type it (``1 234,5``), or ``None`` where it is none."""
    text = wanted.replace(" ", "").replace("\u00a0", "").replace("\u202f", "").replace(",", ".").removesuffix("€")
    whole, _, cents = text.partition(".")
    if not (whole.isdecimal() and whole.isascii()) or len(whole) > 12 or len(cents) > 2:  # noqa: PLR2004 -- cents
        return None
    if cents and not (cents.isdecimal() and cents.isascii()):
        return None
    return int(whole) * 100 + int(cents.ljust(2, "0"))


def _line(row: RowMapping) -> BankLine:
    return BankLine(**{each.name: row[each.name] for each in fields(BankLine)})
