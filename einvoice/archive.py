"""The write-once store of legal documents, addressed by the SHA-256 of their content.

An issued invoice is kept as it was sent, for ten years (C. com. L123-22; LPF L102 B: six years for tax). A file, once
there, is never written again: the same content is the same file, and other content has another name.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from config.clock import new_id, now
from einvoice.errors import EInvoiceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")
_INCOMING = "incoming"
_STALE_AFTER = timedelta(hours=1)
"""A file that is still incoming after this was left by a crash: writing takes seconds."""


class ArchiveError(EInvoiceError):
    """The store cannot do as asked.

    Codes: ``archive.bad_name``, ``archive.missing``, ``archive.corrupted``, ``archive.unreadable`` or
    ``archive.write_failed``.
    """


@dataclass(frozen=True, slots=True)
class ArchiveProblem:
    """What :meth:`Archive.verify` found wrong; ``path`` is relative to the archive's root.

    Codes: ``archive.corrupted``, ``archive.unreadable``, ``archive.writable``, ``archive.foreign_file`` or
    ``archive.unfinished``.
    """

    code: str
    path: str
    sentence: str


class ArchivePort(Protocol):
    """A write-once store, wherever it is (file system, object store with a lock)."""

    def put(self, data: bytes) -> str:
        """Keep ``data`` and return its SHA-256 in hexadecimal; keeping it twice changes nothing."""
        ...

    def get(self, sha: str) -> bytes:
        """The content with this SHA-256, compared with its name."""
        ...

    def verify(self) -> list[ArchiveProblem]:
        """Read everything again and say what is wrong; an empty list is a proof."""
        ...


class Archive:
    """The store on a file system that has hard links: ``root/ab/cd/abcd...``, files of mode 0400.

    Safe for several threads and processes. When ``put`` has returned, the content is on disk (``fsync`` of the file and
    of every folder entry that leads to it) and was read back.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, data: bytes) -> str:
        """Keep ``data`` and return its SHA-256 in hexadecimal.

        Raises:
            ArchiveError: ``archive.write_failed`` (disk full, no permission, ...), or ``archive.corrupted`` where the
                content is there already but damaged, or does not read back as written.
        """
        sha = hashlib.sha256(data).hexdigest()
        final = self._path(sha)
        try:
            if not final.exists():
                self._write(data, final)
        except OSError as error:
            raise ArchiveError(
                "archive.write_failed",
                f"The document {sha} was not archived: {error}. Check the archive's disk and permissions.",
                f"Le document {sha} n'a pas été archivé : {error}. Vérifiez le disque et les droits de l'archive.",
            ) from error
        self.get(sha)
        return sha

    def get(self, sha: str) -> bytes:
        """The content with this SHA-256.

        Raises:
            ArchiveError: ``archive.bad_name``, ``archive.missing``, ``archive.corrupted`` or ``archive.unreadable``.
        """
        try:
            data = self._path(sha).read_bytes()
        except FileNotFoundError as error:
            raise ArchiveError(
                "archive.missing", f"The archive has no document {sha}.", f"L'archive n'a pas de document {sha}."
            ) from error
        except OSError as error:
            raise ArchiveError(
                "archive.unreadable",
                f"The archived document {sha} cannot be read: {error}. Check the archive's disk and permissions.",
                f"Le document archivé {sha} est illisible : {error}. Vérifiez le disque et les droits de l'archive.",
            ) from error
        if hashlib.sha256(data).hexdigest() != sha:
            raise ArchiveError(
                "archive.corrupted",
                f"The archived document {sha} was altered: its content no longer matches its name. Restore it.",
                f"Le document archivé {sha} est altéré : son contenu ne répond plus à son nom. Restaurez-le.",
            )
        return data

    def verify(self) -> list[ArchiveProblem]:
        """Read every file again; the problems in the order of their paths."""
        if not self._root.is_dir():
            return []
        files = sorted(path for path in self._root.rglob("*") if not path.is_dir())
        return [problem for path in files for problem in self._problems(path)]

    def _path(self, sha: str) -> Path:
        if not _SHA256.fullmatch(sha):
            raise ArchiveError(
                "archive.bad_name",
                f"{sha!r} is no SHA-256 in lower-case hexadecimal.",
                f"{sha!r} n'est pas un SHA-256 en hexadécimal minuscule.",
            )
        return self._root / sha[:2] / sha[2:4] / sha

    def _write(self, data: bytes, final: Path) -> None:
        """Write beside, flush, then give the file its name: a crash leaves nothing under a name that promises it."""
        incoming = self._root / _INCOMING
        _make_folder(incoming)
        _make_folder(final.parent)
        temporary = incoming / new_id().hex
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                # Drop our copy of the pages, so that the read-back comes from the disk.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            try:
                os.link(temporary, final)
            except FileExistsError:
                return  # another writer had the same content; put compares it
            _flush_folder(final.parent)
        finally:
            temporary.unlink()

    def _problems(self, path: Path) -> Iterator[ArchiveProblem]:
        name = str(path.relative_to(self._root))
        if path.parent.name == _INCOMING:
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < now() - _STALE_AFTER:
                yield ArchiveProblem("archive.unfinished", name, "A crash left this file; it can be removed.")
            return
        if path.is_symlink() or not _SHA256.fullmatch(path.name) or path != self._path(path.name):
            yield ArchiveProblem("archive.foreign_file", name, "This file was not put here by the archive.")
            return
        try:
            self.get(path.name)
        except ArchiveError as error:
            yield ArchiveProblem(error.code, name, error.sentence)
        if path.stat().st_mode & 0o222:
            yield ArchiveProblem("archive.writable", name, "The file may be written: set its mode to 0400.")


def _make_folder(folder: Path) -> None:
    """Create ``folder`` and its parents, each entry flushed to disk."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _flush_folder(folder.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
