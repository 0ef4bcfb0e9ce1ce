"""The archive in a bucket, against a real server: what is locked stays, and whatever happens to it is found."""

from __future__ import annotations

import hashlib
import socket
import threading
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from s3_server import S3Server, archive_at, start_s3_server

from config.clock import new_id
from config.settings import Settings
from einvoice.archive import ArchiveError, ArchivePort, open_archive, verify
from portal.cli import main
from portal.wiring import build_services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3.client import S3Client

UNTIL, LATER = date(2036, 12, 31), date(2037, 6, 30)
CONTENT = b"%PDF-1.7 une facture de 1 200,00 EUR " * 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    running = start_s3_server(tmp_path_factory.mktemp("s3"))
    yield running
    running.stop()


@pytest.fixture
def client(server: S3Server) -> S3Client:
    return server.client()


@pytest.fixture
def bucket(client: S3Client) -> str:
    """A bucket of its own, with Object Lock."""
    name = f"archive-{new_id().hex}"
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture
def archive(server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ArchivePort:
    return open_archive(archive_at(server, bucket, monkeypatch), tmp_path)


def versions(client: S3Client, bucket: str, sha: str) -> list[Any]:
    return client.list_object_versions(Bucket=bucket, Prefix=f"documents/{sha}").get("Versions", [])


def codes(archive: ArchivePort) -> list[str]:
    return sorted(problem.code for problem in verify(archive))


def test_what_is_put_comes_back_under_its_sha256_and_is_locked(
    archive: ArchivePort, client: S3Client, bucket: str
) -> None:
    sha = archive.put(CONTENT, UNTIL)
    assert sha == hashlib.sha256(CONTENT).hexdigest()
    assert archive.get(sha) == CONTENT
    (version,) = versions(client, bucket, sha)
    lock = client.get_object_retention(Bucket=bucket, Key=f"documents/{sha}", VersionId=version["VersionId"])
    assert lock["Retention"] == {"Mode": "COMPLIANCE", "RetainUntilDate": datetime(2037, 1, 1, tzinfo=UTC)}
    reading = archive.check(sha)
    assert (reading.sha, reading.size_bytes, reading.retain_until, reading.problems) == (sha, len(CONTENT), UNTIL, ())
    assert codes(archive) == []


def test_the_same_content_again_is_one_version_whose_lock_grows_and_never_shrinks(
    archive: ArchivePort, client: S3Client, bucket: str
) -> None:
    sha = archive.put(CONTENT, UNTIL)
    for until, kept in ((UNTIL, UNTIL), (LATER, LATER), (UNTIL, LATER)):
        assert archive.put(CONTENT, until) == sha
        assert archive.check(sha).retain_until == kept
    archive.retain(sha, date(2040, 12, 31))
    assert archive.check(sha).retain_until == date(2040, 12, 31)
    assert len(versions(client, bucket, sha)) == 1


def test_the_server_refuses_to_remove_replace_or_unlock_what_is_locked(
    archive: ArchivePort, client: S3Client, bucket: str
) -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415 -- only where there is a server

    sha = archive.put(CONTENT, UNTIL)
    key = f"documents/{sha}"
    version = versions(client, bucket, sha)[0]["VersionId"]
    soon = datetime.now(UTC) + timedelta(days=1)
    far = datetime(2050, 1, 1, tzinfo=UTC)
    attacks = (
        lambda: client.delete_object(Bucket=bucket, Key=key, VersionId=version),
        lambda: client.delete_object(Bucket=bucket, Key=key, VersionId=version, BypassGovernanceRetention=True),
        lambda: client.put_object(Bucket=bucket, Key=key, Body=b"other", IfNoneMatch="*"),
        lambda: client.put_object_retention(
            Bucket=bucket, Key=key, VersionId=version, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": soon}
        ),
        lambda: client.put_object_retention(
            Bucket=bucket, Key=key, VersionId=version, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": far}
        ),
        lambda: client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
    )
    for attack in attacks:
        with pytest.raises(ClientError):
            attack()
    assert archive.get(sha) == CONTENT
    assert codes(archive) == []


def test_without_a_lock_the_same_removal_succeeds(client: S3Client, bucket: str) -> None:
    """The control of the test above: it is the lock that refuses."""
    version = client.put_object(Bucket=bucket, Key="documents/free", Body=b"free")["VersionId"]
    client.delete_object(Bucket=bucket, Key="documents/free", VersionId=version)
    assert versions(client, bucket, "free") == []


def test_content_put_in_front_is_named_and_looked_behind(archive: ArchivePort, client: S3Client, bucket: str) -> None:
    sha = archive.put(CONTENT, UNTIL)
    client.put_object(Bucket=bucket, Key=f"documents/{sha}", Body=b"a smaller amount")
    assert archive.get(sha) == CONTENT
    assert codes(archive) == ["archive.overwritten"]
    assert archive.check(sha).retain_until == UNTIL


def test_a_deletion_marker_hides_nothing_and_is_named(archive: ArchivePort, client: S3Client, bucket: str) -> None:
    sha = archive.put(CONTENT, UNTIL)
    client.delete_object(Bucket=bucket, Key=f"documents/{sha}")
    assert archive.get(sha) == CONTENT
    assert codes(archive) == ["archive.hidden"]
    assert archive.put(CONTENT, LATER) == sha
    assert archive.check(sha).retain_until == LATER


def test_a_bit_that_flips_on_the_servers_disk_is_found(archive: ArchivePort, server: S3Server) -> None:
    content = new_id().bytes * 4
    sha = archive.put(content, UNTIL)
    other = archive.put(CONTENT, UNTIL)
    assert server.corrupt(content) == 1
    with pytest.raises(ArchiveError) as caught:
        archive.get(sha)
    assert caught.value.code in ("archive.corrupted", "archive.unreadable")
    assert [problem.path for problem in verify(archive) if problem.code == caught.value.code] == [sha]
    assert archive.get(other) == CONTENT


def test_foreign_and_missing_objects_are_named(archive: ArchivePort, client: S3Client, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="documents/notes.txt", Body=b"not mine")
    client.put_object(Bucket=bucket, Key="elsewhere/notes.txt", Body=b"not looked at")
    assert [(problem.code, problem.path) for problem in verify(archive)] == [("archive.foreign_file", "notes.txt")]
    for act in (archive.get, archive.check):
        with pytest.raises(ArchiveError) as caught:
            act("0" * 64)
        assert caught.value.code == "archive.missing"
        with pytest.raises(ArchiveError) as caught:
            act("../../secret")
        assert caught.value.code == "archive.bad_name"


def test_a_weaker_lock_than_was_asked_for_is_named(
    server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weak = open_archive(archive_at(server, bucket, monkeypatch, mode="governance"), tmp_path)
    sha = weak.put(CONTENT, UNTIL)
    assert codes(weak) == []
    strict = open_archive(archive_at(server, bucket, monkeypatch), tmp_path)
    assert codes(strict) == ["archive.weak_lock"]
    assert strict.get(sha) == CONTENT


def test_what_need_not_be_kept_any_more_is_kept_without_a_lock(archive: ArchivePort) -> None:
    sha = archive.put(b"a finished invoice of long ago", date(2015, 12, 31))
    assert archive.check(sha).retain_until is None
    assert archive.get(sha) == b"a finished invoice of long ago"


def test_writers_at_once_of_the_same_content_make_one_version(
    archive: ArchivePort, client: S3Client, bucket: str
) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(6)

    def write() -> None:
        start.wait()
        try:
            archive.put(CONTENT, UNTIL)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(versions(client, bucket, hashlib.sha256(CONTENT).hexdigest())) == 1


def test_more_names_than_a_page_holds_are_read_in_their_order(archive: ArchivePort) -> None:
    names = {archive.put(f"number {number}".encode(), UNTIL) for number in range(40)}
    archive._client.meta.events.register(  # type: ignore[attr-defined]
        "provide-client-params.s3.ListObjectVersions", lambda params, **_: {**params, "MaxKeys": 7}
    )
    readings = list(archive.read_again())
    assert [reading.sha for reading in readings] == sorted(names)


def test_a_bucket_without_a_lock_or_without_being_is_refused_at_the_start(
    server: S3Server, client: S3Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client.create_bucket(Bucket="plain")
    for name, code in (("plain", "archive.no_lock"), ("nothing-here", "archive.no_bucket")):
        with pytest.raises(ArchiveError) as caught:
            open_archive(archive_at(server, name, monkeypatch), tmp_path)
        assert caught.value.code == code
        assert name in str(caught.value)
    address = archive_at(server, "plain", monkeypatch)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(ArchiveError) as caught:
        open_archive(address, tmp_path)
    assert caught.value.code == "archive.not_allowed"


def test_a_house_starts_with_the_archive_of_its_settings_and_not_with_a_bad_one(
    server: S3Server, client: S3Client, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client.create_bucket(Bucket="unlocked")
    good, bad = (
        Settings(data_dir=tmp_path, archive_url=archive_at(server, b, monkeypatch)) for b in (bucket, "unlocked")
    )
    services = build_services(good, database_of=lambda _: None)  # type: ignore[arg-type, return-value]
    assert services.archive.get(services.archive.put(CONTENT, UNTIL)) == CONTENT
    services.engine.close()
    monkeypatch.setenv("QUITTANCE_ARCHIVE_URL", bad.archive_url or "")
    monkeypatch.setenv("QUITTANCE_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(main, ["archive", "verify"])
    assert result.exit_code == 2
    assert "archive.no_lock" in result.output
    assert "Object Lock" in result.output


def test_a_store_that_is_down_lets_the_house_start_and_takes_nothing_unlocked(
    server: S3Server, client: S3Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client.create_bucket(Bucket="late", ObjectLockEnabledForBucket=True)
    address = archive_at(server, "late", monkeypatch)
    server.stop()
    try:
        archive = open_archive(address, tmp_path)
        with pytest.raises(ArchiveError) as caught:
            archive.put(CONTENT, UNTIL)
        assert caught.value.code == "archive.unreachable"
        with pytest.raises(ArchiveError) as caught:
            archive.get("0" * 64)
        assert caught.value.code == "archive.unreadable"
    finally:
        server.start()
    assert archive.get(archive.put(CONTENT, UNTIL)) == CONTENT


def test_a_store_that_never_answers_is_given_up(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from einvoice.archive import s3  # noqa: PLC0415 -- only where there is a server

    monkeypatch.setattr(s3, "_READ_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = archive_at(server, "docs", monkeypatch).replace(str(server.port), str(silent.getsockname()[1]))
        archive = open_archive(address, tmp_path)
        with pytest.raises(ArchiveError) as caught:
            archive.put(CONTENT, UNTIL)
    assert caught.value.code == "archive.unreachable"
