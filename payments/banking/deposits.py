"""Cheques and bills at the bank (remise): a slip gathers them, and the bank's line with its sum clears it.

Entries: 5112 against 411 when a cheque comes in, 512 against 5112 when the bank says so; a bill is money on that day
alone, 512 against 411.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now
from payments.banking.lines import settle_line
from payments.errors import PaymentError
from receivables.domain.settlement.receipts import MoneyReceived, Transferred
from receivables.services.settlement.paying import noon
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.banking.lines import BankLine
    from receivables.store.work import Work

COUNTERS = {"cheque": "cheques", "bill": "bills"}
"""Accounts of the chart on which they wait (5112), or that their kind has (5113)."""
MOST_DAYS = timedelta(days=45)
"""A bank's line that comes later than this after the slip is not taken for it without somebody's word."""
PAGE = 50


@dataclass(frozen=True, slots=True)
class Deposit:
    """A slip, in minor units: ``at_the_bank`` until the bank's line came, then ``banked``.

    While it is at the bank it is worth what its papers are: a bill that nobody paid is not in the bank's line.
    """

    deposit_id: UUID
    kind: str
    reference: str
    deposited_on: date
    amount_minor: int
    currency: str
    state: str
    line_id: UUID | None
    papers: int


_SELECT = (
    "SELECT deposit_id, kind, reference, deposited_on, CASE state WHEN 'at_the_bank' THEN coalesce((SELECT "
    "sum(paper.amount_minor) FROM hand_receipts AS paper WHERE paper.supplier_id = :supplier "
    "AND paper.deposit_id = deposits.deposit_id AND paper.state = 'deposited'), 0)::bigint ELSE amount_minor END "
    "AS amount_minor, currency, state, line_id, (SELECT count(*) "
    "FROM hand_receipts WHERE supplier_id = :supplier AND hand_receipts.deposit_id = deposits.deposit_id) AS papers "
    "FROM deposits WHERE supplier_id = :supplier"
)


def make_deposit(
    work: Work, kind: str, receipt_ids: Sequence[UUID], *, reference: str, deposited_on: date, actor: str
) -> Deposit:
    """Bring held cheques (or bills) to the bank together.

    Raises:
        PaymentError: ``deposit.nothing``, ``deposit.not_held``, ``deposit.currencies``, ``deposit.reference_used``.
    """
    rows = work.rows(
        "SELECT receipt_id, amount_minor, currency FROM hand_receipts WHERE supplier_id = :supplier "
        "AND kind = :kind AND state = 'held' AND receipt_id = ANY(:ids) ORDER BY receipt_id FOR UPDATE",
        kind=kind,
        ids=list(receipt_ids),
    )
    _check(work, kind, reference, rows, receipt_ids)
    deposit_id, at = new_id(), now()
    work.execute(
        "INSERT INTO deposits (supplier_id, deposit_id, kind, reference, deposited_on, amount_minor, currency, state, "
        "made_by, created_at, changed_at) VALUES (:supplier, :id, :kind, :reference, :day, :amount, :currency, "
        "'at_the_bank', :actor, :at, :at)",
        id=deposit_id,
        kind=kind,
        reference=reference.strip(),
        day=deposited_on,
        amount=sum(row["amount_minor"] for row in rows),
        currency=rows[0]["currency"],
        actor=actor,
        at=at,
    )
    work.execute(
        "UPDATE hand_receipts SET state = 'deposited', deposit_id = :deposit, changed_at = :at "
        "WHERE supplier_id = :supplier AND receipt_id = ANY(:ids)",
        deposit=deposit_id,
        ids=[row["receipt_id"] for row in rows],
        at=at,
    )
    work.audit(actor, "deposit.made", str(deposit_id), reference=reference, papers=len(rows))
    return get_deposit(work, deposit_id)


def get_deposit(work: Work, deposit_id: UUID) -> Deposit:
    """One slip.

    Raises:
        PaymentError: ``deposit.unknown``.
    """
    row = work.row(f"{_SELECT} AND deposit_id = :id", id=deposit_id)
    if row is None:
        raise PaymentError(
            "deposit.unknown", f"There is no slip {deposit_id}.", f"Il n'y a pas de bordereau {deposit_id}."
        )
    return Deposit(**row)


def list_deposits(work: Work, after: UUID | None = None) -> tuple[list[Deposit], bool]:
    """A page of slips, newest first, and whether there are more."""
    rows = work.rows(
        f"{_SELECT} {'AND deposit_id < :after' if after else ''} ORDER BY deposit_id DESC LIMIT :limit",
        limit=PAGE + 1,
        **({"after": after} if after else {}),
    )
    return [Deposit(**row) for row in rows[:PAGE]], len(rows) > PAGE


def recognise_deposits(work: Work, lines: Sequence[BankLine], actor: str) -> None:
    """Clear slips by the lines that bring their sums: by the reference in the text, or the only slip of that sum."""
    slips = [
        Deposit(**row)
        for row in work.rows(f"{_SELECT} AND state = 'at_the_bank' ORDER BY deposited_on, deposit_id FOR UPDATE")
    ]
    for line in lines if slips else ():
        alike = [slip for slip in slips if _may_be(slip, line)]
        named = [slip for slip in alike if slip.reference.upper() in line.remittance.upper().split()]
        found = (named or (alike if len(alike) == 1 and _is_about_papers(line, alike[0]) else []))[:1]
        for slip in found:
            clear_deposit(work, slip, line, actor)
            slips.remove(slip)


def clear_deposit(work: Work, slip: Deposit, line: BankLine, actor: str) -> None:
    """The bank has the money of a slip: cheques go from 5112 to 512 (471 where the line waited there), bills are paid.

    Raises:
        PaymentError: ``deposit.differs`` where the line is not its sum.
    """
    if (slip.amount_minor, slip.currency) != (line.amount_minor, line.currency) or slip.state != "at_the_bank":
        raise PaymentError(
            "deposit.differs",
            f"Slip {slip.reference} is not what this line brings: look at both sums.",
            f"Le bordereau {slip.reference} n'est pas ce que cette ligne apporte : comparez les deux sommes.",
        )
    if slip.kind == "bill":
        record_facts(work, _paid_bills(work, slip, line))
    else:
        moved = Transferred(
            f"deposit:{slip.deposit_id}",
            slip.amount_minor,
            slip.currency,
            line.booked_on,
            COUNTERS[slip.kind],
            line.counter,
        )
        record_facts(work, [moved])
    at = now()
    work.execute(
        "UPDATE deposits SET state = 'banked', line_id = :line, changed_at = :at WHERE supplier_id = :supplier "
        "AND deposit_id = :id",
        id=slip.deposit_id,
        line=line.line_id,
        at=at,
    )
    work.execute(
        "UPDATE hand_receipts SET state = 'banked', changed_at = :at WHERE supplier_id = :supplier "
        "AND deposit_id = :id AND state = 'deposited'",
        id=slip.deposit_id,
        at=at,
    )
    settle_line(work, line.line_id, "matched", reason=f"deposit:{slip.reference}", settled_by=actor)


def _paid_bills(work: Work, slip: Deposit, line: BankLine) -> list[MoneyReceived]:
    """The bills of a slip, as money of the day on which the bank brought it."""
    rows = work.rows(
        "SELECT payment_ref, attempt_id, amount_minor, currency FROM hand_receipts WHERE supplier_id = :supplier "
        "AND deposit_id = :id AND state = 'deposited' ORDER BY receipt_id",
        id=slip.deposit_id,
    )
    return [
        MoneyReceived(
            row["payment_ref"],
            row["attempt_id"],
            row["amount_minor"],
            row["currency"],
            noon(line.booked_on),
            slip.kind,
            line.counter,
        )
        for row in rows
    ]


def note_bounced(work: Work, payment_ref: str) -> None:
    """A cheque or bill came back unpaid; nothing happens where the payment was no paper."""
    work.execute(
        "UPDATE hand_receipts SET state = 'bounced', changed_at = :at WHERE supplier_id = :supplier "
        "AND payment_ref = :ref",
        ref=payment_ref,
        at=now(),
    )


def _may_be(slip: Deposit, line: BankLine) -> bool:
    return (
        slip.amount_minor == line.amount_minor
        and slip.currency == line.currency
        and timedelta(days=-1) <= line.booked_on - slip.deposited_on <= MOST_DAYS
    )


def _is_about_papers(line: BankLine, slip: Deposit) -> bool:
    """Whether the bank speaks of cheques or bills (CFONB 02 and 03, camt RCHQ, French words)."""
    told = f" {line.remittance.upper()} {line.bank_code or ''} "
    words = {"cheque": ("REM", "CHQ", "CHEQUE", "CHÈQUE", "RCHQ"), "bill": ("LCR", "EFFET", "BOR", "TRAITE", "DDBT")}
    return any(word in told for word in words[slip.kind])


def _check(work: Work, kind: str, reference: str, rows: Sequence[RowMapping], wanted: Sequence[UUID]) -> None:
    if not wanted or not reference.strip():
        raise PaymentError(
            "deposit.nothing",
            "Choose at least one paper and give the slip its number.",
            "Choisissez au moins un titre et donnez son numéro au bordereau.",
        )
    if len(rows) != len(set(wanted)):
        raise PaymentError(
            "deposit.not_held",
            "Some of these papers are not here any more: look at the list again.",
            "Certains de ces titres ne sont plus en caisse : regardez à nouveau la liste.",
        )
    if len({row["currency"] for row in rows}) > 1:
        raise PaymentError(
            "deposit.currencies",
            "A slip has one currency: make one for each.",
            "Un bordereau a une seule devise : faites-en un pour chacune.",
        )
    if work.scalar(
        "SELECT 1 FROM deposits WHERE supplier_id = :supplier AND kind = :kind AND reference = :reference",
        kind=kind,
        reference=reference.strip(),
    ):
        raise PaymentError(
            "deposit.reference_used",
            f"There is a slip {reference.strip()} already: give this one another number.",
            f"Il y a déjà un bordereau {reference.strip()} : donnez un autre numéro à celui-ci.",
        )
