"""Files that were brought, kept as they came: what a report speaks of can be fetched again, to the byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import now

if TYPE_CHECKING:
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """A file of this supplier's."""

    sha256: str
    filename: str
    content: bytes


def keep_brought(work: Work, filename: str, content: bytes, actor: str) -> BroughtFile:
    """Keep a file; the same bytes are kept once, under the name they first had."""
    sha256 = hashlib.sha256(content).hexdigest()
    work.execute(
        "INSERT INTO brought_files (supplier_id, sha256, filename, content, brought_by, brought_at) "
        "VALUES (:supplier, :sha256, :filename, :content, :actor, :at) ON CONFLICT DO NOTHING",
        sha256=sha256,
        filename=filename,
        content=content,
        actor=actor,
        at=now(),
    )
    return BroughtFile(sha256, filename, content)


def brought_file(work: Work, sha256: str) -> BroughtFile | None:
    """A file that this supplier brought, or ``None``."""
    row = work.row(
        "SELECT sha256, filename, content FROM brought_files WHERE supplier_id = :supplier AND sha256 = :sha256",
        sha256=sha256,
    )
    return BroughtFile(row["sha256"], row["filename"], bytes(row["content"])) if row else None
