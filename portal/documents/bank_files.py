"""Bank files that somebody brings, by page, call or folder: kept in the archive to the byte, then imported.

A small file is imported at once, so that its report is the answer. A large one is only registered; the worker goes
through it batch by batch, and goes on by itself after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import today
from einvoice.archive import retention_end
from payments.banking.importing import BankFile, import_file, register_file
from payments.banking.recognising import recognise_late_payouts
from payments.banking.statements import name_of_file, note_file, statements_of_file, unfinished_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from payments.banking.statements import KeptStatement
    from portal.wiring import Services

AT_ONCE_LINES = 1_000
"""More lines than this wait for the worker: a page answers within seconds."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that came in: where it is kept, and its statements, each finished or under way."""

    sha256: str
    statements: list[KeptStatement]

    @property
    def is_finished(self) -> bool:
        """Whether every line was gone through."""
        return all(each.finished_at for each in self.statements)


def keep_file(services: Services, supplier_id: UUID, file: BankFile) -> str:
    """Keep a supplier's file in the archive as it came; its hash."""
    sha256 = services.archive.put(file.content, retention_end(today()))
    services.works.run(supplier_id, lambda work: note_file(work, sha256, file.filename, file.actor))
    return sha256


def take_file(services: Services, supplier_id: UUID, filename: str, content: bytes, actor: str) -> Taken:
    """Keep a file and import it, at once where it is small.

    Raises:
        StatementError: it cannot be read as a statement; nothing is kept.
        UnknownAccountError: it is about an account that nobody said is ours; only the file is kept.
    """
    file = BankFile(filename, content, actor)
    sha256 = keep_file(services, supplier_id, file)
    if file.line_count <= AT_ONCE_LINES:
        return Taken(sha256, import_file(services.works, supplier_id, file))
    return Taken(sha256, services.works.run(supplier_id, lambda work: register_file(work, file)))


def kept_file(services: Services, supplier_id: UUID, sha256: str, actor: str) -> BankFile | None:
    """A file that this supplier brought, or ``None``."""
    with services.works.begin(supplier_id) as work:
        filename = name_of_file(work, sha256)
    return BankFile(filename, services.archive.get(sha256), actor) if filename else None


def go_on_importing(
    services: Services, supplier_id: UUID, progress: Callable[[int, int], None] | None = None
) -> list[Taken]:
    """Finish the imports of a supplier that are under way or were interrupted; see whether payouts explain lines."""
    with services.works.begin(supplier_id) as work:
        recognise_late_payouts(work)
        waiting = unfinished_files(work)
    done = []
    for sha256 in waiting:
        with services.works.begin(supplier_id) as work:
            first = statements_of_file(work, sha256)[0]
        file = BankFile(first.filename, services.archive.get(sha256), first.imported_by)
        done.append(Taken(sha256, import_file(services.works, supplier_id, file, progress)))
    return done
