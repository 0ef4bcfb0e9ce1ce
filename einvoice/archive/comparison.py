"""The archive and the database compared in both directions, in flat memory.

Both are read in the order of the SHA-256: what only one of them knows shows at once, whatever their size.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from config.clock import now, today
from einvoice.archive.port import ArchiveError, ArchiveProblem, Reading
from receivables.store.collecting.claims import NOT_CLAIMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from einvoice.archive.port import ArchivePort
    from receivables.store.work import Works

_PAGE = 500
"""Rows of one supplier that are in memory at once."""
_SETTLED_AFTER = timedelta(hours=1)
"""Content is archived before the row that names it is committed: younger than this, it may still be on its way."""


@dataclass(slots=True)
class Tally:
    """What a comparison looked at."""

    objects: int = 0
    size_bytes: int = 0
    rows: int = 0
    on_their_way: int = 0
    problems: dict[str, int] = field(default_factory=dict)

    def note(self, problem: ArchiveProblem) -> ArchiveProblem:
        """Count a problem by its code."""
        self.problems[problem.code] = self.problems.get(problem.code, 0) + 1
        return problem


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the rows of all suppliers say of one content."""

    sha: str
    rows: int
    size_bytes: int
    until: date
    name: str


def compare_all(
    works: Works, suppliers: Sequence[UUID], archive: ArchivePort, tally: Tally
) -> Iterator[ArchiveProblem]:
    """Everything in the archive against the rows of every supplier; problems as they are met, counts in ``tally``.

    Raises:
        ArchiveError: ``archive.unreadable``: the archive does not even list what it has.
    """
    known = _merged([_rows(works, supplier_id) for supplier_id in suppliers])
    wanted = next(known, None)
    for reading in archive.read_again():
        if reading.sha is None:
            yield from map(tally.note, reading.problems)
            continue
        while wanted and wanted.sha < reading.sha:
            yield from _absent(wanted, archive, tally)
            wanted = next(known, None)
        if wanted and wanted.sha == reading.sha:
            yield from _present(wanted, reading, tally)
            wanted = next(known, None)
        else:
            yield from _unknown(reading, tally)
    while wanted:
        yield from _absent(wanted, archive, tally)
        wanted = next(known, None)
    for supplier_id in suppliers:
        yield from _gaps(works, supplier_id, tally)


def compare_supplier(works: Works, supplier_id: UUID, archive: ArchivePort, tally: Tally) -> Iterator[ArchiveProblem]:
    """The rows of one supplier against the archive; what the archive has beyond them belongs to others.

    Raises:
        ArchiveError: ``archive.unreadable``: the store does not answer.
    """
    for wanted in _merged([_rows(works, supplier_id)]):
        yield from _absent(wanted, archive, tally)
    yield from _gaps(works, supplier_id, tally)


def _present(wanted: _Expected, reading: Reading, tally: Tally) -> Iterator[ArchiveProblem]:
    tally.objects += 1
    tally.rows += wanted.rows
    tally.size_bytes += reading.size_bytes
    yield from map(tally.note, reading.problems)
    if not reading.problems and reading.size_bytes != wanted.size_bytes:
        told = f"{wanted.name}: the row says {wanted.size_bytes} bytes, the archive has {reading.size_bytes}."
        yield tally.note(ArchiveProblem("archive.wrong_size", reading.path, told))
    kept = reading.retain_until
    if wanted.until >= today() and (kept is None or kept < wanted.until):
        told = (
            f"{wanted.name} must be kept to {wanted.until}, the archive promises {kept or 'nothing'}. "
            "Run `quittance archive retain`."
        )
        yield tally.note(ArchiveProblem("archive.retention_short", reading.path, told))


def _absent(wanted: _Expected, archive: ArchivePort, tally: Tally) -> Iterator[ArchiveProblem]:
    """Content that the list did not show: it may have come since, so it is asked for by its name."""
    try:
        reading = archive.check(wanted.sha)
    except ArchiveError as error:
        if error.code != "archive.missing":
            raise  # the store does not answer: that says nothing about what it keeps
        tally.rows += wanted.rows
        yield tally.note(ArchiveProblem(error.code, wanted.sha, f"{wanted.name}: {error.sentence}"))
        return
    yield from _present(wanted, reading, tally)


def _unknown(reading: Reading, tally: Tally) -> Iterator[ArchiveProblem]:
    tally.objects += 1
    tally.size_bytes += reading.size_bytes
    yield from map(tally.note, reading.problems)
    if reading.stored_at > now() - _SETTLED_AFTER:
        tally.on_their_way += 1
        return
    told = "No document of the database is this content. A crash may have left it; otherwise find out who put it here."
    yield tally.note(ArchiveProblem("archive.unknown_object", reading.path, told))


def _rows(works: Works, supplier_id: UUID) -> Iterator[_Expected]:
    after = ""
    while True:
        with works.begin(supplier_id) as work:
            rows = work.rows(
                'SELECT sha256 COLLATE "C" AS sha, count(*) AS rows, max(size_bytes) AS size_bytes, '
                "max(retain_until) AS until, min(filename) AS name FROM documents WHERE supplier_id = :supplier "
                'AND sha256 COLLATE "C" > :after GROUP BY 1 ORDER BY 1 LIMIT :limit',
                after=after,
                limit=_PAGE,
            )
        yield from (_Expected(**row) for row in rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1]["sha"]


def _merged(streams: Sequence[Iterator[_Expected]]) -> Iterator[_Expected]:
    """One stream in order; the same content of several suppliers is one, kept as long as the longest asks."""
    for sha, group in groupby(heapq.merge(*streams, key=lambda each: each.sha), key=lambda each: each.sha):
        same = list(group)
        yield _Expected(
            sha,
            sum(each.rows for each in same),
            same[0].size_bytes,
            max(each.until for each in same),
            same[0].name,
        )


def _gaps(works: Works, supplier_id: UUID, tally: Tally) -> Iterator[ArchiveProblem]:
    """Invoices whose original has no row, and invoices without any file an hour after their issue."""
    with works.begin(supplier_id) as work:
        lost = work.rows(
            "SELECT number, source_sha256 FROM invoices AS invoice WHERE supplier_id = :supplier "
            "AND source_sha256 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM documents AS document "
            "WHERE document.supplier_id = :supplier AND document.invoice_id = invoice.invoice_id "
            "AND document.sha256 = invoice.source_sha256) ORDER BY number LIMIT :limit",
            limit=_PAGE,
        )
        bare = work.rows(
            f"SELECT number FROM invoices AS invoice WHERE supplier_id = :supplier AND {NOT_CLAIMS} "  # noqa: S608 -- a part of ours
            "AND created_at < :before AND opening_id IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM documents AS document WHERE document.supplier_id = :supplier "
            "AND document.invoice_id = invoice.invoice_id AND document.form IN ('facturx', 'cii', 'ubl')) "
            "ORDER BY number LIMIT :limit",
            before=now() - _SETTLED_AFTER,
            limit=_PAGE,
        )
    for row in lost:
        told = f"The original of invoice {row['number']} has no row among the documents: restore the database."
        yield tally.note(ArchiveProblem("archive.row_missing", row["source_sha256"], told))
    for row in bare:
        told = f"Invoice {row['number']} was issued and has no file: see the page of problems."
        yield tally.note(ArchiveProblem("archive.no_file", row["number"], told))
