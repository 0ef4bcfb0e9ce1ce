"""The write-once store."""

from __future__ import annotations

import hashlib
import os
import threading
from datetime import date
from typing import TYPE_CHECKING

import pytest

from einvoice.archive import Archive, ArchiveError, ArchivePort, open_archive, retention_end, verify
from einvoice.archive.address import BucketAddress, read_address
from einvoice.archive.retention import YearEnd, check_year_ends
from einvoice.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

UNTIL, LATER = date(2036, 12, 31), date(2037, 6, 30)
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


def files_of(root: Path) -> set[str]:
    return {path.name for path in root.rglob("*") if path.is_file()}


def alter(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(0o400)


def test_what_is_put_comes_back_under_its_sha256(archive: Archive) -> None:
    port: ArchivePort = archive
    sha = port.put(b"%PDF-1.7 facture", UNTIL)
    assert sha == hashlib.sha256(b"%PDF-1.7 facture").hexdigest()
    assert port.get(sha) == b"%PDF-1.7 facture"
    assert list(verify(port)) == []


def test_the_same_content_twice_is_one_file_that_nobody_may_write(archive: Archive, root: Path) -> None:
    sha = archive.put(b"once", UNTIL)
    before = file_of(root, sha).stat()
    assert archive.put(b"once", UNTIL) == sha
    after = file_of(root, sha).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert after.st_mode & 0o777 == 0o400
    assert files_of(root) == {sha, f"{sha}.2036-12-31"}


def test_altered_content_is_refused_on_reading_and_on_putting_it_again(archive: Archive, root: Path) -> None:
    sha = archive.put(b"1000.00 EUR", UNTIL)
    alter(file_of(root, sha), b"9000.00 EUR")
    with pytest.raises(ArchiveError) as reading:
        archive.get(sha)
    with pytest.raises(ArchiveError) as putting:
        archive.put(b"1000.00 EUR", UNTIL)
    assert reading.value.code == putting.value.code == "archive.corrupted"
    assert [(problem.code, problem.path) for problem in list(verify(archive))] == [
        ("archive.corrupted", f"{sha[:2]}/{sha[2:4]}/{sha}")
    ]


def test_a_content_cut_short_is_found(archive: Archive, root: Path) -> None:
    sha = archive.put(bytes(10_000), UNTIL)
    alter(file_of(root, sha), bytes(9_999))
    assert [problem.code for problem in list(verify(archive))] == ["archive.corrupted"]


def test_what_was_never_put_is_missing(archive: Archive) -> None:
    with pytest.raises(ArchiveError) as caught:
        archive.get("0" * 64)
    assert caught.value.code == "archive.missing"
    assert list(verify(archive)) == []


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
                assert archive.get(archive.put(content, UNTIL)) == content
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(files_of(root)) == 2 * len(contents), "each content once, with one promise"
    assert list(verify(archive)) == []


def test_a_write_that_fails_leaves_nothing_under_the_name(archive: Archive, root: Path) -> None:
    sha = hashlib.sha256(b"no room").hexdigest()
    root.mkdir()
    (root / sha[:2]).write_bytes(b"a file where a folder must be")
    with pytest.raises(ArchiveError) as caught:
        archive.put(b"no room", UNTIL)
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
            archive.put(b"half way", UNTIL)
    sha = hashlib.sha256(b"half way").hexdigest()
    assert not file_of(root, sha).exists()
    assert list(verify(archive)) == []  # it may still be on its way
    (left,) = (root / "incoming").iterdir()
    os.utime(left, (LONG_AGO, LONG_AGO))
    assert [problem.code for problem in list(verify(archive))] == ["archive.unfinished"]
    assert archive.get(archive.put(b"half way", UNTIL)) == b"half way"


def test_foreign_and_writable_files_are_named(archive: Archive, root: Path) -> None:
    sha = archive.put(b"mine", UNTIL)
    file_of(root, sha).chmod(0o600)
    (root / "notes.txt").write_bytes(b"not mine")
    assert {(problem.code, problem.path) for problem in list(verify(archive))} == {
        ("archive.writable", f"{sha[:2]}/{sha[2:4]}/{sha}"),
        ("archive.foreign_file", "notes.txt"),
    }


def test_a_promise_is_prolonged_and_never_shortened(archive: Archive, root: Path) -> None:
    sha = archive.put(b"kept", UNTIL)
    assert archive.check(sha).retain_until == UNTIL
    archive.put(b"kept", LATER)
    assert archive.check(sha).retain_until == LATER
    archive.put(b"kept", UNTIL)
    archive.retain(sha, date(2030, 1, 1))
    assert archive.check(sha).retain_until == LATER
    archive.retain(sha, date(2040, 12, 31))
    assert archive.check(sha).retain_until == date(2040, 12, 31)
    assert files_of(root) == {sha, *(f"{sha}.{day}" for day in ("2036-12-31", "2037-06-30", "2040-12-31"))}
    assert list(verify(archive)) == []
    with pytest.raises(ArchiveError) as caught:
        archive.retain("0" * 64, LATER)
    assert caught.value.code == "archive.missing"


def test_a_promise_without_its_content_is_a_loss_and_is_named(archive: Archive, root: Path) -> None:
    sha = archive.put(b"lost", UNTIL)
    file_of(root, sha).unlink()
    assert [(problem.code, problem.path) for problem in verify(archive)] == [
        ("archive.missing", f"{sha[:2]}/{sha[2:4]}/{sha}.2036-12-31")
    ]


def test_everything_is_read_again_in_the_order_of_the_names(archive: Archive) -> None:
    names = [archive.put(f"number {number}".encode(), UNTIL) for number in range(50)]
    readings = list(archive.read_again())
    assert [reading.sha for reading in readings] == sorted(names)
    assert {reading.retain_until for reading in readings} == {UNTIL}


def test_nothing_in_the_port_removes_anything() -> None:
    assert {name for name in vars(Archive) if not name.startswith("_")} == {
        "put",
        "get",
        "retain",
        "check",
        "read_again",
    }


@pytest.mark.parametrize(
    ("day", "year_end", "kept_to"),
    [
        (date(2026, 1, 1), "12-31", date(2036, 12, 31)),
        (date(2026, 12, 31), "12-31", date(2036, 12, 31)),
        (date(2026, 6, 30), "06-30", date(2036, 6, 30)),
        (date(2026, 7, 1), "06-30", date(2037, 6, 30)),
        (date(2026, 2, 28), "02-28", date(2036, 2, 29)),
        (date(2028, 2, 29), "02-28", date(2038, 2, 28)),
        (date(2028, 2, 29), "02-29", date(2038, 2, 28)),
        (date(2028, 3, 1), "02-29", date(2039, 2, 28)),
        (date(2026, 9, 16), "09-15", date(2037, 9, 15)),
    ],
)
def test_documents_stay_ten_years_from_the_close_of_their_accounting_year(
    day: date, year_end: str, kept_to: date
) -> None:
    assert retention_end(day, YearEnd.read(year_end)) == kept_to


def test_a_long_first_accounting_year_counts_to_its_close() -> None:
    year_end, first = check_year_ends({"accounting_year_end": "12-31", "first_accounting_year_end": "2027-12-31"})
    assert retention_end(date(2026, 4, 1), year_end, first) == date(2037, 12, 31)
    assert retention_end(date(2028, 1, 1), year_end, first) == date(2038, 12, 31)
    assert check_year_ends({"colour": "#123456"}) == (None, None)
    with pytest.raises(BuildError) as caught:
        check_year_ends({"first_accounting_year_end": "12-31"})
    assert caught.value.code == "profile.bad_year_end"


def test_without_another_word_the_accounting_year_is_the_calendar_year() -> None:
    assert retention_end(date(2026, 3, 9)) == date(2036, 12, 31)


@pytest.mark.parametrize("text", ["", "13-01", "02-30", "6-30", "06-31", "30/06", "00-10", "12-00"])
def test_a_year_end_that_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(BuildError) as caught:
        YearEnd.read(text)
    assert caught.value.code == "profile.bad_year_end"


def test_an_address_is_a_folder_or_a_bucket(tmp_path: Path) -> None:
    assert isinstance(open_archive(None, tmp_path), Archive)
    assert read_address("/srv/archive") == read_address("file:///srv/archive")
    assert read_address("s3://docs/house/one?endpoint=https://s3.example&region=fr-par&mode=governance") == (
        BucketAddress("docs", "house/one/", "https://s3.example", "fr-par", "GOVERNANCE")
    )
    assert read_address("s3://docs") == BucketAddress("docs")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://docs",
        "s3://",
        "s3://key:secret@docs",
        "s3://docs?mode=none",
        "s3://docs?acl=public",
        "s3://docs?endpoint=http://s3.example",
        "s3://docs?endpoint=https://key:secret@s3.example",
    ],
)
def test_a_wrong_address_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        read_address(url)
    assert caught.value.code == "archive.bad_address"
    assert "s3://bucket/prefix" in str(caught.value)
