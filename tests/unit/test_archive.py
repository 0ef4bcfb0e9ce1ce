"""The write-once store."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import TYPE_CHECKING

import pytest

from einvoice.archive import Archive, ArchiveError, ArchivePort

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = 1_000_000_000
"""Seconds since 1970: September 2001."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def archive(root: Path) -> Archive:
    return Archive(root)


def file_of(root: Path, sha: str) -> Path:
    return root / sha[:2] / sha[2:4] / sha


def alter(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(0o400)


def test_what_is_put_comes_back_under_its_sha256(archive: Archive) -> None:
    port: ArchivePort = archive
    sha = port.put(b"%PDF-1.7 facture")
    assert sha == hashlib.sha256(b"%PDF-1.7 facture").hexdigest()
    assert port.get(sha) == b"%PDF-1.7 facture"
    assert port.verify() == []


def test_the_same_content_twice_is_one_file_that_nobody_may_write(archive: Archive, root: Path) -> None:
    sha = archive.put(b"once")
    before = file_of(root, sha).stat()
    assert archive.put(b"once") == sha
    after = file_of(root, sha).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert after.st_mode & 0o777 == 0o400
    assert [path.name for path in root.rglob("*") if path.is_file()] == [sha]


def test_altered_content_is_refused_on_reading_and_on_putting_it_again(archive: Archive, root: Path) -> None:
    sha = archive.put(b"1000.00 EUR")
    alter(file_of(root, sha), b"9000.00 EUR")
    with pytest.raises(ArchiveError) as reading:
        archive.get(sha)
    with pytest.raises(ArchiveError) as putting:
        archive.put(b"1000.00 EUR")
    assert reading.value.code == putting.value.code == "archive.corrupted"
    assert [(problem.code, problem.path) for problem in archive.verify()] == [
        ("archive.corrupted", f"{sha[:2]}/{sha[2:4]}/{sha}")
    ]


def test_a_content_cut_short_is_found(archive: Archive, root: Path) -> None:
    sha = archive.put(bytes(10_000))
    alter(file_of(root, sha), bytes(9_999))
    assert [problem.code for problem in archive.verify()] == ["archive.corrupted"]


def test_what_was_never_put_is_missing(archive: Archive) -> None:
    with pytest.raises(ArchiveError) as caught:
        archive.get("0" * 64)
    assert caught.value.code == "archive.missing"
    assert archive.verify() == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_name_that_is_no_sha256_reaches_no_file(archive: Archive, name: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        archive.get(name)
    assert caught.value.code == "archive.bad_name"


def test_writers_at_once_of_the_same_and_of_other_contents_all_succeed(archive: Archive, root: Path) -> None:
    contents = [b"shared", *(f"own {number}".encode() for number in range(4))]
    failures: list[BaseException] = []
    start = threading.Barrier(8)

    def write() -> None:
        start.wait()
        try:
            for content in contents:
                assert archive.get(archive.put(content)) == content
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len([path for path in root.rglob("*") if path.is_file()]) == len(contents)
    assert archive.verify() == []


def test_a_write_that_fails_leaves_nothing_under_the_name(archive: Archive, root: Path) -> None:
    sha = hashlib.sha256(b"no room").hexdigest()
    root.mkdir()
    (root / sha[:2]).write_bytes(b"a file where a folder must be")
    with pytest.raises(ArchiveError) as caught:
        archive.put(b"no room")
    assert caught.value.code == "archive.write_failed"
    assert not (root / "incoming").exists() or list((root / "incoming").iterdir()) == []


def test_a_crash_between_writing_and_naming_is_found_and_harms_nothing(
    archive: Archive, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCutError(BaseException):
        pass

    def cut(*_: object) -> None:
        raise PowerCutError

    with monkeypatch.context() as crash:
        crash.setattr(os, "link", cut)
        crash.setattr("pathlib.Path.unlink", cut)
        with pytest.raises(PowerCutError):
            archive.put(b"half way")
    sha = hashlib.sha256(b"half way").hexdigest()
    assert not file_of(root, sha).exists()
    assert archive.verify() == []  # it may still be on its way
    (left,) = (root / "incoming").iterdir()
    os.utime(left, (LONG_AGO, LONG_AGO))
    assert [problem.code for problem in archive.verify()] == ["archive.unfinished"]
    assert archive.get(archive.put(b"half way")) == b"half way"


def test_foreign_and_writable_files_are_named(archive: Archive, root: Path) -> None:
    sha = archive.put(b"mine")
    file_of(root, sha).chmod(0o600)
    (root / "notes.txt").write_bytes(b"not mine")
    assert {(problem.code, problem.path) for problem in archive.verify()} == {
        ("archive.writable", f"{sha[:2]}/{sha[2:4]}/{sha}"),
        ("archive.foreign_file", "notes.txt"),
    }
