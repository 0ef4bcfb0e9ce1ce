"""Import statements: every movement once, whatever file tells it; then say what each line is.

A file may be imported as often as one likes, and an import that was interrupted goes on where it stopped: lines are
kept by their key, in batches of their own transactions, and a line that nobody looked at is looked at again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.clock import new_id, now
from payments.banking.accounts import check_accounts
from payments.banking.keys import entries_of, line_keys
from payments.banking.lines import BankLine, insert_lines
from payments.banking.recognising import recognise_lines, split_line
from payments.banking.reporting import remarks_on, report_of
from payments.banking.statements import finish_statement, get_statement, keep_statement, note_progress
from payments.banking.telling_apart import compare
from payments.statements.reading import read_statement
from payments.statements.sums import by_account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from payments.banking.keys import ToldEntry
    from payments.banking.statements import KeptStatement
    from payments.banking.telling_apart import KnownEntry
    from payments.statements.line import Statement, StatementLine
    from receivables.store.work import Work, Works

BATCH_LINES = 1_000
"""Lines per transaction: a second or two of work, and half of what no transaction may exceed."""


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file from a bank: what it is called, what is in it, who brought it."""

    filename: str
    content: bytes
    actor: str
    statements: tuple[Statement, ...] = field(init=False)
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        """Read it at once: what cannot be read is refused before anything is kept.

        Raises:
            StatementError: with the place in the file.
        """
        object.__setattr__(self, "statements", tuple(by_account(read_statement(self.content, self.filename))))
        object.__setattr__(self, "sha256", hashlib.sha256(self.content).hexdigest())

    @property
    def line_count(self) -> int:
        """Lines of all its statements."""
        return sum(len(each.lines) for each in self.statements)


def register_file(work: Work, file: BankFile) -> list[KeptStatement]:
    """Keep that a file came, before its lines are gone through.

    Raises:
        UnknownAccountError: it tells of an account that nobody said is ours; nothing is kept.
    """
    check_accounts(work, (statement.account for statement in file.statements))
    return [keep_statement(work, each, file.sha256, file.filename, file.actor) for each in file.statements]


def import_file(
    works: Works, supplier_id: UUID, file: BankFile, progress: Callable[[int, int], None] | None = None
) -> list[KeptStatement]:
    """Import a file; what is known of it stays as it is. ``progress`` hears lines done and lines in all.

    Raises:
        UnknownAccountError: it tells of an account that nobody said is ours; nothing is kept.
    """
    kept = works.run(supplier_id, lambda work: register_file(work, file))
    done = 0
    for statement, row in zip(file.statements, kept, strict=True):
        for step in _import_statement(works, supplier_id, statement, row):
            if progress:
                progress(done + step, file.line_count)
        done += len(statement.lines)
    return works.run(supplier_id, lambda work: [get_statement(work, row.statement_id) for row in kept])


def _import_statement(works: Works, supplier_id: UUID, statement: Statement, row: KeptStatement) -> Iterator[int]:
    """Go through a statement batch by batch; yields how many lines are done."""
    done = 0
    for batch in _batches(entries_of(statement)):
        done += sum(len(entry.lines) for entry in batch)
        so_far = done

        def step(work: Work, batch: Sequence[ToldEntry] = batch, so_far: int = so_far) -> None:
            line_ids = keep_entries(work, statement, row, batch)
            recognise_lines(work, line_ids, row.imported_by)
            note_progress(work, row.statement_id, so_far)

        works.run(supplier_id, step)
        yield done
    works.run(supplier_id, lambda work: _finish(work, statement, row))


def _finish(work: Work, statement: Statement, row: KeptStatement) -> None:
    if row.finished_at is None:
        report = report_of(work, statement, row.statement_id)
        finish_statement(work, row.statement_id, report.fresh, report.told(), remarks_on(work, statement, row))


def _batches(entries: Sequence[ToldEntry]) -> Iterator[list[ToldEntry]]:
    """Movements in batches of lines; one movement stays together."""
    batch: list[ToldEntry] = []
    size = 0
    for entry in entries:
        if batch and size + len(entry.lines) > BATCH_LINES:
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += len(entry.lines)
    if batch:
        yield batch


def keep_entries(work: Work, statement: Statement, row: KeptStatement, entries: Sequence[ToldEntry]) -> list[UUID]:
    """Keep what is new of these movements; the ids of their lines that nobody has looked at yet."""
    work.scalar("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"bank:{work.supplier_id}")
    compared = compare(work, statement, row.statement_id, entries)
    lines = [line for entry in compared.fresh for line in _lines(entry, entry.key, row)]
    for told, there in compared.known:
        lines += _told_in_detail(work, told, there, row)
    insert_lines(work, lines)
    ids = work.rows(
        "SELECT line_id FROM bank_lines WHERE supplier_id = :supplier AND line_key = ANY(:keys) "
        "AND (state = 'new' OR line_id = ANY(:fresh))",
        keys=[line.line_key for line in lines],
        fresh=[line.line_id for line in lines],
    )
    return sorted(each["line_id"] for each in ids)


def _told_in_detail(work: Work, told: ToldEntry, there: KnownEntry, row: KeptStatement) -> list[BankLine]:
    """The parts of a movement that was known as one sum, where nothing came of that sum yet."""
    if len(told.lines) == 1 or there.parts > 1:
        return []
    state = split_line(work, there.entry_key, len(told.lines))
    return _lines(told, there.entry_key, row, state) if state else []


def _lines(entry: ToldEntry, entry_key: str, row: KeptStatement, state: str = "new") -> list[BankLine]:
    keys = line_keys(entry_key, len(entry.lines))
    return [
        kept_line(line, row.statement_id, row.account, (key, entry_key), state)
        for key, line in zip(keys, entry.lines, strict=True)
    ]


def kept_line(
    line: StatementLine, statement_id: UUID, account: str, keys: tuple[str, str], state: str = "new"
) -> BankLine:
    """What is kept of a line as the bank told it."""
    at = now()
    return BankLine(
        line_id=new_id(),
        line_key=keys[0],
        entry_key=keys[1],
        statement_id=statement_id,
        account=account,
        booked_on=line.booked_on,
        value_on=line.value_on,
        amount_minor=line.amount_minor,
        currency=line.currency,
        counterparty=line.counterparty,
        counterparty_iban=line.counterparty_iban,
        remittance=line.remittance,
        structured_reference=line.structured_reference,
        end_to_end_id=line.end_to_end_id,
        mandate_ref=line.mandate_ref,
        batch_ref=line.batch_ref,
        bank_code=line.bank_code,
        return_code=line.return_code,
        charges_minor=line.charges_minor,
        details={**line.details, **({"bank_ref": line.bank_ref} if line.bank_ref else {}), "place": line.place},
        state=state,
        created_at=at,
        changed_at=at,
    )
