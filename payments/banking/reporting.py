"""What an import came to: lines by what they turned out to be, sums, and every gap by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from payments.statements.line import Remark
from receivables.domain.money import Money

if TYPE_CHECKING:
    from uuid import UUID

    from payments.banking.statements import KeptStatement
    from payments.statements.line import Statement
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Lines counted, sums in minor units of the account's currency; ``states`` counts the new lines by state."""

    lines: int
    fresh: int
    known: int
    states: dict[str, int]
    sums_minor: dict[str, int]
    credits_minor: int
    debits_minor: int

    def told(self) -> dict[str, object]:
        """As it is kept."""
        return asdict(self)


def report_of(work: Work, statement: Statement, statement_id: UUID) -> ImportReport:
    """Count what became of a statement's lines."""
    rows = work.rows(
        "SELECT state, count(*) AS lines, sum(amount_minor)::bigint AS minor FROM bank_lines "
        "WHERE supplier_id = :supplier AND statement_id = :id GROUP BY state ORDER BY state",
        id=statement_id,
    )
    fresh = sum(row["lines"] for row in rows)
    return ImportReport(
        lines=len(statement.lines),
        fresh=fresh,
        known=len(statement.lines) - fresh,
        states={row["state"]: row["lines"] for row in rows},
        sums_minor={row["state"]: row["minor"] for row in rows},
        credits_minor=sum(line.amount_minor for line in statement.lines if line.amount_minor > 0),
        debits_minor=sum(line.amount_minor for line in statement.lines if line.amount_minor < 0),
    )


def remarks_on(work: Work, statement: Statement, row: KeptStatement) -> list[Remark]:
    """What the reader saw, and what shows only beside the statements imported before."""
    remarks = list(statement.remarks)
    if statement.is_notice:
        return remarks
    if (remark := _after_the_last(work, statement, row)) is not None:
        remarks.append(remark)
    if (remark := _lines_kept(work, statement)) is not None:
        remarks.append(remark)
    return remarks


def _after_the_last(work: Work, statement: Statement, row: KeptStatement) -> Remark | None:
    """Whether this statement begins with the balance that the one before ended with."""
    if statement.opening_minor is None or statement.from_on is None:
        return None
    before = work.row(
        "SELECT closing_minor, to_on FROM statements WHERE supplier_id = :supplier AND account = :account "
        "AND currency = :currency AND statement_id <> :id AND closing_minor IS NOT NULL AND format <> 'hand' "
        "AND to_on <= :day AND from_on < :day ORDER BY to_on DESC, statement_id DESC LIMIT 1",
        account=statement.account,
        currency=statement.currency,
        id=row.statement_id,
        day=statement.from_on,
    )
    if before is None or before["closing_minor"] == statement.opening_minor:
        return None
    told = [Money(each, statement.currency) for each in (before["closing_minor"], statement.opening_minor)]
    gap = told[1] - told[0]
    return Remark(
        "bank.balance_gap",
        f"The last statement ended on {before['to_on']} with {told[0]}, this one begins with {told[1]}: a statement "
        f"in between is missing ({gap}). Import it.",
        f"Le dernier relevé finissait le {before['to_on']:%d/%m/%Y} à {told[0]}, celui-ci commence à {told[1]} : il "
        f"manque un relevé entre les deux ({gap}). Importez-le.",
    )


def _lines_kept(work: Work, statement: Statement) -> Remark | None:
    """Whether the lines that are kept of these days are what the balances say: nothing taken twice, nothing lost."""
    if statement.opening_minor is None or statement.closing_minor is None or not statement.lines:
        return None
    days = {line.booked_on for line in statement.lines}
    kept = work.scalar(
        "SELECT coalesce(sum(amount_minor), 0)::bigint FROM bank_lines WHERE supplier_id = :supplier "
        "AND account = :account AND currency = :currency AND state <> 'split' AND booked_on BETWEEN :first AND :last",
        account=statement.account,
        currency=statement.currency,
        first=min(days),
        last=max(days),
    )
    gap = statement.total_minor - kept
    if not gap:
        return None
    told, money = Money(statement.total_minor, statement.currency), Money(gap, statement.currency)
    return Remark(
        "bank.lines_differ",
        f"From {min(days)} to {max(days)} this file moves {told}; what is kept of these days differs by {money}. A "
        "file of a part of a day, or two movements taken for one, may be why: compare with the bank.",
        f"Du {min(days):%d/%m/%Y} au {max(days):%d/%m/%Y} ce fichier porte {told} ; ce qui est gardé de ces jours en "
        f"diffère de {money}. Un fichier d'une partie de journée, ou deux mouvements pris pour un seul, peuvent "
        "l'expliquer : comparez avec la banque.",
    )
