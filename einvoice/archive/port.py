"""What an archive promises, wherever it is, and how it says that a promise is broken."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from einvoice.errors import EInvoiceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

_SHA256 = re.compile(r"[0-9a-f]{64}")


class ArchiveError(EInvoiceError):
    """The store cannot do as asked.

    Codes: ``archive.bad_name``, ``archive.missing``, ``archive.corrupted``, ``archive.unreadable``,
    ``archive.write_failed``; at start ``archive.bad_address``, ``archive.no_bucket``, ``archive.no_lock``,
    ``archive.not_allowed`` or ``archive.unreachable``.
    """


@dataclass(frozen=True, slots=True)
class ArchiveProblem:
    """Something wrong in the archive; ``path`` is relative to its root or prefix.

    Codes: those of :class:`ArchiveError`, and ``archive.writable``, ``archive.foreign_file``, ``archive.unfinished``,
    ``archive.hidden`` (deleted in name, kept behind), ``archive.overwritten`` (other content in front of the true one),
    ``archive.weak_lock``; from the comparison with the database ``archive.unknown_object``, ``archive.wrong_size``,
    ``archive.retention_short``, ``archive.row_missing`` and ``archive.no_file``.
    """

    code: str
    path: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One object read again to its last byte. ``sha`` is ``None`` for what is not an object of the archive."""

    sha: str | None
    path: str
    size_bytes: int
    retain_until: date | None
    stored_at: datetime
    problems: tuple[ArchiveProblem, ...] = ()


class ArchivePort(Protocol):
    """A write-once store, wherever it is. It has no way to remove anything: nothing of ours ever does."""

    def put(self, data: bytes, retain_until: date) -> str:
        """Keep ``data`` to the end of ``retain_until`` at least, and return its SHA-256 in hexadecimal.

        The same content again is the same object; a later date prolongs it, an earlier one changes nothing.
        """
        ...

    def get(self, sha: str) -> bytes:
        """The content with this SHA-256, compared with its name."""
        ...

    def retain(self, sha: str, until: date) -> None:
        """Keep an object to the end of ``until`` at least; never shortens."""
        ...

    def check(self, sha: str) -> Reading:
        """Read one object again.

        Raises:
            ArchiveError: ``archive.missing``, ``archive.unreadable``.
        """
        ...

    def read_again(self) -> Iterator[Reading]:
        """Read everything again in the order of the names, in flat memory."""
        ...


def verify(archive: ArchivePort) -> Iterator[ArchiveProblem]:
    """What is wrong in the archive taken for itself; an end without a problem is a proof."""
    for reading in archive.read_again():
        yield from reading.problems


def is_address(name: str) -> bool:
    """Whether ``name`` is a SHA-256 in lower-case hexadecimal."""
    return _SHA256.fullmatch(name) is not None


def demand_address(sha: str) -> None:
    """Refuse what is no SHA-256.

    Raises:
        ArchiveError: ``archive.bad_name``.
    """
    if not is_address(sha):
        raise ArchiveError(
            "archive.bad_name",
            f"{sha!r} is no SHA-256 in lower-case hexadecimal.",
            f"{sha!r} n'est pas un SHA-256 en hexadécimal minuscule.",
        )


def demand_content(sha: str, data: bytes) -> None:
    """Refuse content that is not what its name says.

    Raises:
        ArchiveError: ``archive.corrupted``.
    """
    if hashlib.sha256(data).hexdigest() != sha:
        raise corrupted(sha)


def corrupted(sha: str) -> ArchiveError:
    """The error of content that no longer answers to its name."""
    return ArchiveError(
        "archive.corrupted",
        f"The archived document {sha} was altered: its content no longer matches its name. Restore it.",
        f"Le document archivé {sha} est altéré : son contenu ne répond plus à son nom. Restaurez-le.",
    )


def missing(sha: str) -> ArchiveError:
    """The error of an object that is not there."""
    return ArchiveError(
        "archive.missing", f"The archive has no document {sha}.", f"L'archive n'a pas de document {sha}."
    )


def unreadable(sha: str, cause: object) -> ArchiveError:
    """The error of an object that cannot be read."""
    return ArchiveError(
        "archive.unreadable",
        f"The archived document {sha} cannot be read: {cause}. Check the archive and its permissions.",
        f"Le document archivé {sha} est illisible : {cause}. Vérifiez l'archive et ses droits.",
    )


def write_failed(sha: str, cause: object) -> ArchiveError:
    """The error of content that was not kept."""
    return ArchiveError(
        "archive.write_failed",
        f"The document {sha} was not archived: {cause}. Check the archive's storage and permissions.",
        f"Le document {sha} n'a pas été archivé : {cause}. Vérifiez le stockage et les droits de l'archive.",
    )
