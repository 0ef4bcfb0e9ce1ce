"""The archive on a file system.

``root/ab/cd/abcd...`` holds the content, mode 0400; beside it an empty file ``abcd....2036-12-31`` promises that it is
kept to the end of that day. Neither is ever written again: a longer promise is one more file, and the latest counts.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now
from einvoice.archive.port import (
    ArchiveError,
    ArchiveProblem,
    Reading,
    corrupted,
    demand_address,
    demand_content,
    is_address,
    missing,
    unreadable,
    write_failed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_INCOMING = "incoming"
_STALE_AFTER = timedelta(hours=1)
"""A file that is still incoming after this was left by a crash: writing takes seconds."""
_PROMISE = re.compile(r"([0-9a-f]{64})\.(\d{4}-\d{2}-\d{2})")
_CHUNK_BYTES = 1024 * 1024


class Archive:
    """The store on a file system that has hard links.

    Safe for several threads and processes. When ``put`` has returned, the content and the promise are on disk
    (``fsync`` of the content and of every folder entry that leads to them) and the content was read back.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, data: bytes, retain_until: date) -> str:
        """Keep ``data`` to the end of ``retain_until`` at least and return its SHA-256 in hexadecimal.

        Raises:
            ArchiveError: ``archive.write_failed`` (disk full, no permission, ...), or ``archive.corrupted`` where the
                content is there already but damaged, or does not read back as written.
        """
        sha = hashlib.sha256(data).hexdigest()
        final = self._path(sha)
        try:
            written = not final.exists() and self._write(data, final)
            if _promise(final, retain_until) or written:
                _flush_folder(final.parent)
        except OSError as error:
            raise write_failed(sha, error) from error
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
            raise missing(sha) from error
        except OSError as error:
            raise unreadable(sha, error) from error
        demand_content(sha, data)
        return data

    def retain(self, sha: str, until: date) -> None:
        """Keep an object to the end of ``until`` at least; never shortens.

        Raises:
            ArchiveError: ``archive.bad_name``, ``archive.missing`` or ``archive.write_failed``.
        """
        final = self._path(sha)
        if not final.exists():
            raise missing(sha)
        try:
            if _promise(final, until):
                _flush_folder(final.parent)
        except OSError as error:
            raise write_failed(sha, error) from error

    def check(self, sha: str) -> Reading:
        """Read one object again.

        Raises:
            ArchiveError: ``archive.bad_name`` or ``archive.missing``.
        """
        path = self._path(sha)
        try:
            return self._read_object(path)
        except FileNotFoundError as error:
            raise missing(sha) from error

    def read_again(self) -> Iterator[Reading]:
        """Read every file again, in the order of the paths; one folder is in memory at a time."""
        if self._root.is_dir():
            yield from self._walk(self._root)

    def _path(self, sha: str) -> Path:
        demand_address(sha)
        return self._root / sha[:2] / sha[2:4] / sha

    def _write(self, data: bytes, final: Path) -> bool:
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
                return False  # another writer had the same content; put compares it
        finally:
            temporary.unlink()
        return True

    def _walk(self, folder: Path) -> Iterator[Reading]:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                yield from self._walk(path)
            elif path.parent.name == _INCOMING:
                yield from self._left_behind(path)
            elif _PROMISE.fullmatch(path.name) and self._is_in_place(path):
                yield from self._orphan(path)
            elif is_address(path.name) and self._is_in_place(path):
                yield self._read_object(path)
            else:
                yield self._odd(path, "archive.foreign_file", "This file was not put here by the archive.")

    def _is_in_place(self, path: Path) -> bool:
        return not path.is_symlink() and path.parent == self._path(path.name[:64]).parent

    def _left_behind(self, path: Path) -> Iterator[Reading]:
        with suppress(FileNotFoundError):  # it has just got its name
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < now() - _STALE_AFTER:
                yield self._odd(path, "archive.unfinished", "A crash left this file; it can be removed.")

    def _orphan(self, path: Path) -> Iterator[Reading]:
        """A promise is made after its content has its name, so that one alone tells of a loss."""
        if not path.with_name(path.name[:64]).exists():
            yield self._odd(path, "archive.missing", "The content that this file promises to keep is gone: restore it.")

    def _odd(self, path: Path, code: str, sentence: str) -> Reading:
        name = str(path.relative_to(self._root))
        status = path.lstat()
        stored_at = datetime.fromtimestamp(status.st_mtime, UTC)
        return Reading(None, name, status.st_size, None, stored_at, (ArchiveProblem(code, name, sentence),))

    def _read_object(self, path: Path) -> Reading:
        sha, name = path.name, str(path.relative_to(self._root))
        status = path.stat()
        problems = []
        try:
            if _hash_of(path) != sha:
                problems.append(_problem(corrupted(sha), name))
        except OSError as error:
            problems.append(_problem(unreadable(sha, error), name))
        if status.st_mode & 0o222:
            problems.append(ArchiveProblem("archive.writable", name, "The file may be written: set its mode to 0400."))
        stored_at = datetime.fromtimestamp(status.st_mtime, UTC)
        return Reading(sha, name, status.st_size, _promised(path), stored_at, tuple(problems))


def _problem(error: ArchiveError, name: str) -> ArchiveProblem:
    return ArchiveProblem(error.code, name, error.sentence)


def _hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _promised(final: Path) -> date | None:
    """The last day of the longest promise."""
    days = (_PROMISE.fullmatch(path.name) for path in final.parent.glob(f"{final.name}.*"))
    return max((date.fromisoformat(each[2]) for each in days if each), default=None)


def _promise(final: Path, until: date) -> bool:
    """Make the promise unless one as long stands; returns whether it is new.

    It is a name without content: flushing the folder keeps it. A promise lost with the power is found by reading again
    and made anew; the content itself is never removed.
    """
    known = _promised(final)
    if known is not None and known >= until:
        return False
    flags = os.O_CREAT | os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC  # reading only: a racer's file may not be written
    os.close(os.open(final.with_name(f"{final.name}.{until.isoformat()}"), flags, 0o400))
    return True


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
