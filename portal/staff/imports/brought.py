"""Files that are dropped on a page: as they came, found again by their hash, and what stands in their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, request

from portal.access.context import work_here
from portal.fields import is_sha256
from portal.imports.kept import brought_file
from portal.validation.uploads import clean_name

if TYPE_CHECKING:
    from portal.imports.kept import BroughtFile
    from portal.imports.sheets import Table

SAMPLE_ROWS = 3
SAMPLE_LENGTH = 24


def dropped_file(usual_name: str) -> tuple[bytes, str]:
    """Content and name of the field ``file``; nothing where none was chosen, ``usual_name`` where it has no name."""
    file = request.files.get("file")
    return (file.read(), clean_name(file.filename) or usual_name) if file else (b"", "")


def brought_here(sha256: str) -> BroughtFile:
    """The file that the address names; 404 where this supplier brought none such."""
    with work_here() as work:
        found = brought_file(work, sha256) if is_sha256(sha256) else None
    return found or abort(404)


def samples_of(table: Table) -> list[str]:
    """What stands in the first rows of each column, so that nobody has to open the file to choose."""
    rows = table.rows[:SAMPLE_ROWS]
    return [
        " · ".join(found for row in rows if (found := row.cells[place][:SAMPLE_LENGTH]))
        for place in range(len(rows[0].cells))
    ]
