"""The write-once store of legal documents, addressed by the SHA-256 of their content.

An issued invoice is kept as it was sent, for as long as the law asks (:mod:`einvoice.archive.retention`). What is there
is never written again: the same content is the same object, and other content has another name.
"""

from __future__ import annotations

from einvoice.archive.address import open_archive
from einvoice.archive.filesystem import Archive
from einvoice.archive.port import ArchiveError, ArchivePort, ArchiveProblem, Reading, verify
from einvoice.archive.retention import retain_until, retention_end

__all__ = [
    "Archive",
    "ArchiveError",
    "ArchivePort",
    "ArchiveProblem",
    "Reading",
    "open_archive",
    "retain_until",
    "retention_end",
    "verify",
]
