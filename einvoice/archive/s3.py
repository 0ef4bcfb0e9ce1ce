"""The archive in a bucket with S3 Object Lock: the store itself refuses to change or remove what is kept.

The key is the SHA-256 below the prefix. A lock binds *versions*: whoever may write can still put a deletion marker or
other content in front of a locked version, so reading looks behind it, and reading again names it. In mode COMPLIANCE
nobody shortens a lock, not even the owner of the account; in GOVERNANCE a right of its own allows it.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from config.clock import now
from einvoice.archive.port import (
    ArchiveError,
    ArchiveProblem,
    Reading,
    corrupted,
    demand_address,
    is_address,
    missing,
    unreadable,
    write_failed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.literals import ObjectLockModeType

    from einvoice.archive.address import BucketAddress

_CONNECT_TIMEOUT_S = 3.0
_READ_TIMEOUT_S = 10.0
_TRIES = 3
"""With the pauses between them, a store that is down is given up within about 40 s."""
_CHUNK_BYTES = 1024 * 1024
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound", "MethodNotAllowed"})
_EXISTS = frozenset({"PreconditionFailed", "412"})
_RACED = "ConditionalRequestConflict"
"""Two wrote at once and neither was taken, perhaps: ask again."""
_DENIED = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403"})
_UNLOCKED = frozenset({"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration", "NotImplemented"})


class S3Archive:
    """The store in a bucket. Safe for several threads and processes; credentials come from the environment."""

    def __init__(self, address: BucketAddress) -> None:
        self._address = address
        self._bucket = address.bucket
        self._mode: ObjectLockModeType = "GOVERNANCE" if address.mode == "GOVERNANCE" else "COMPLIANCE"
        self._lock_seen = False
        self._client: S3Client = boto3.session.Session().client(  # the default session is shared, and remembers keys
            "s3",
            endpoint_url=address.endpoint,
            region_name=address.region,
            config=Config(
                connect_timeout=_CONNECT_TIMEOUT_S,
                read_timeout=_READ_TIMEOUT_S,
                retries={"mode": "standard", "total_max_attempts": _TRIES},
                s3={"addressing_style": "path" if address.endpoint else "auto"},
                # The SHA-256 that we send and compare ourselves is the checksum; no second one.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def demand_lock(self) -> None:
        """Make sure that the bucket keeps versions and locks them.

        Raises:
            ArchiveError: ``archive.no_bucket``, ``archive.no_lock``, ``archive.not_allowed``, ``archive.unreachable``.
        """
        try:
            versions = self._client.get_bucket_versioning(Bucket=self._bucket)
            lock = self._client.get_object_lock_configuration(Bucket=self._bucket)["ObjectLockConfiguration"]
        except ClientError as error:
            raise self._start_error(error) from error
        except BotoCoreError as error:
            raise ArchiveError(
                "archive.unreachable",
                f"The archive's bucket {self._bucket} does not answer: {error}.",
                f"Le compartiment d'archive {self._bucket} ne répond pas : {error}.",
            ) from error
        if lock.get("ObjectLockEnabled") != "Enabled" or versions.get("Status") != "Enabled":
            raise self._no_lock()
        self._lock_seen = True

    def put(self, data: bytes, retain_until: date) -> str:
        """Keep ``data`` under lock to the end of ``retain_until`` at least and return its SHA-256 in hexadecimal.

        The store compares the checksum on arrival; then the content is read back, with its lock.

        Raises:
            ArchiveError: ``archive.write_failed``, ``archive.corrupted``, and those of :meth:`demand_lock`.
        """
        if not self._lock_seen:
            self.demand_lock()
        sha = hashlib.sha256(data).hexdigest()
        version = self._write(sha, data, retain_until)
        if version is None:  # it was there: read it, and prolong its lock where that is too short
            self.retain(sha, retain_until)
            return sha
        written = self._read_version(self._key(sha), {"VersionId": version, "Size": len(data)}, sha, [])
        if written is None:
            raise corrupted(sha)
        if _lock_until(retain_until) > now() and _day(written) < _lock_until(retain_until):
            raise write_failed(sha, f"the store took it without the lock to {retain_until}")
        return sha

    def _write(self, sha: str, data: bytes, retain_until: date) -> str | None:
        """Write unless the name is taken, and return the version; ``None`` where it was taken."""
        lock_until = _lock_until(retain_until)
        lock: dict[str, Any] = {"ObjectLockMode": self._mode, "ObjectLockRetainUntilDate": lock_until}
        for left in reversed(range(_TRIES)):
            try:
                return self._client.put_object(
                    Bucket=self._bucket,
                    Key=self._key(sha),
                    Body=data,
                    IfNoneMatch="*",
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(sha)).decode(),
                    ContentType="application/octet-stream",
                    **(lock if lock_until > now() else {}),
                )["VersionId"]
            except ClientError as error:
                if _code(error) == _RACED and left:
                    continue
                if _code(error) not in _EXISTS:
                    raise write_failed(sha, _told(error)) from error
            except BotoCoreError as error:
                raise write_failed(sha, error) from error
        return None

    def get(self, sha: str) -> bytes:
        """The content with this SHA-256; from behind other content or a deletion marker where it must be.

        Raises:
            ArchiveError: ``archive.bad_name``, ``archive.missing``, ``archive.corrupted`` or ``archive.unreadable``.
        """
        key = self._key(sha)
        try:
            newest = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            if hashlib.sha256(newest).hexdigest() == sha:
                return newest
        except ClientError as error:
            if _code(error) not in _GONE:
                raise unreadable(sha, _told(error)) from error
        except BotoCoreError as error:
            raise unreadable(sha, error) from error
        version = self._version_of(sha)
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise unreadable(sha, error) from error

    def retain(self, sha: str, until: date) -> None:
        """Lock an object to the end of ``until`` at least, after reading it; never shortens.

        Raises:
            ArchiveError: ``archive.bad_name``, ``archive.missing``, ``archive.corrupted``, ``archive.unreadable`` or
                ``archive.write_failed``.
        """
        reading, version = self._look(sha)
        if version is None:
            raise corrupted(sha)
        known = reading.retain_until
        if (known is not None and known >= until) or _lock_until(until) <= now():
            return
        try:
            self._client.put_object_retention(
                Bucket=self._bucket,
                Key=self._key(sha),
                VersionId=version,
                Retention={"Mode": self._mode, "RetainUntilDate": _lock_until(until)},
            )
        except (ClientError, BotoCoreError) as error:
            raise write_failed(sha, error) from error

    def check(self, sha: str) -> Reading:
        """Read one object again, with all that stands under its name.

        Raises:
            ArchiveError: ``archive.bad_name``, ``archive.missing`` or ``archive.unreadable``.
        """
        return self._look(sha)[0]

    def read_again(self) -> Iterator[Reading]:
        """Read every version again, in the order of the names, a page of names at a time."""
        for key, entries in groupby(self._entries(self._address.prefix), key=lambda each: str(each["Key"])):
            yield self._read(key, list(entries))[0]

    def _key(self, sha: str) -> str:
        demand_address(sha)
        return self._address.prefix + sha

    def _look(self, sha: str) -> tuple[Reading, str | None]:
        key = self._key(sha)
        entries = [each for each in self._entries(key) if each["Key"] == key]
        if not any("Size" in each for each in entries):
            raise missing(sha)
        return self._read(key, entries)

    def _version_of(self, sha: str) -> str:
        """The version with the true content.

        Raises:
            ArchiveError: ``archive.missing`` or ``archive.corrupted``.
        """
        version = self._look(sha)[1]
        if version is None:
            raise corrupted(sha)
        return version

    def _entries(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Versions and deletion markers by name, newest first."""
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
        try:
            for page in pages:
                entries: list[dict[str, Any]] = [dict(each) for each in page.get("Versions", [])]
                entries += [dict(each) for each in page.get("DeleteMarkers", [])]
                entries.sort(key=lambda each: each["LastModified"], reverse=True)
                entries.sort(key=lambda each: not each["IsLatest"])
                yield from sorted(entries, key=lambda each: str(each["Key"]))
        except ClientError as error:
            raise unreadable(f"{self._bucket}/{prefix}", _told(error)) from error
        except BotoCoreError as error:
            raise unreadable(f"{self._bucket}/{prefix}", error) from error

    def _read(self, key: str, entries: list[dict[str, Any]]) -> tuple[Reading, str | None]:
        """Every version of one name, read to its end; the reading is of the true one, with its version id."""
        name = key.removeprefix(self._address.prefix)
        newest = entries[0]
        if not is_address(name):
            problem = ArchiveProblem("archive.foreign_file", name, "This object was not put here by the archive.")
            return Reading(None, name, int(newest.get("Size", 0)), None, newest["LastModified"], (problem,)), None
        true: dict[str, Any] | None = None
        problems: list[ArchiveProblem] = []
        for entry in entries:
            if "Size" not in entry:
                if entry["IsLatest"]:
                    problems.append(ArchiveProblem("archive.hidden", name, _HIDDEN))
                continue
            found = self._read_version(key, entry, name, problems)
            if found and (true is None or _day(found) > _day(true)):
                true = found
        if true is None:
            error = corrupted(name)
            others = [each for each in problems if each.code != "archive.overwritten"]
            problems = [*others, ArchiveProblem(error.code, name, error.sentence)]
            return Reading(name, name, int(newest.get("Size", 0)), None, newest["LastModified"], tuple(problems)), None
        if true["mode"] is not None and true["mode"] != self._mode and self._mode == "COMPLIANCE":
            problems.append(ArchiveProblem("archive.weak_lock", name, _WEAK))
        last_day = _last_day(true["until"]) if true["until"] else None
        reading = Reading(name, name, true["size"], last_day, true["stored_at"], tuple(problems))
        return reading, true["version"]

    def _read_version(
        self, key: str, entry: dict[str, Any], name: str, problems: list[ArchiveProblem]
    ) -> dict[str, Any] | None:
        """What is known of one version, or ``None`` with a problem where its content is not the true one."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=entry["VersionId"])
            sha = _hash_of(answer["Body"].iter_chunks(_CHUNK_BYTES))
            until, mode = answer.get("ObjectLockRetainUntilDate"), answer.get("ObjectLockMode")
            if until is None:  # not every store tells it with the content
                until, mode = self._lock_of(key, entry["VersionId"])
        except (ClientError, BotoCoreError) as error:
            told = unreadable(name, error)
            problems.append(ArchiveProblem(told.code, name, told.sentence))
            return None
        if sha != name:
            problems.append(ArchiveProblem("archive.overwritten", name, _OVERWRITTEN.format(entry["VersionId"])))
            return None
        return {
            "version": entry["VersionId"],
            "size": int(entry["Size"]),
            "stored_at": answer["LastModified"],
            "until": until,
            "mode": mode,
        }

    def _lock_of(self, key: str, version: str) -> tuple[datetime | None, str | None]:
        """The lock of a version, or nothing where it has none."""
        try:
            lock = self._client.get_object_retention(Bucket=self._bucket, Key=key, VersionId=version)["Retention"]
        except ClientError as error:
            if _code(error) in _UNLOCKED:
                return None, None
            raise
        return lock.get("RetainUntilDate"), lock.get("Mode")

    def _start_error(self, error: ClientError) -> ArchiveError:
        code = _code(error)
        if code in _UNLOCKED:
            return self._no_lock()
        if code in ("NoSuchBucket", "404"):
            return ArchiveError(
                "archive.no_bucket",
                f"There is no bucket {self._bucket}. Create it with Object Lock, or correct QUITTANCE_ARCHIVE_URL.",
                f"Le compartiment {self._bucket} n'existe pas. Créez-le avec Object Lock, ou corrigez "
                "QUITTANCE_ARCHIVE_URL.",
            )
        if code in _DENIED:
            return ArchiveError(
                "archive.not_allowed",
                f"The bucket {self._bucket} refuses us ({code}). Check the credentials and their rights.",
                f"Le compartiment {self._bucket} nous refuse ({code}). Vérifiez les identifiants et leurs droits.",
            )
        return ArchiveError(
            "archive.unreachable",
            f"The archive's bucket {self._bucket} cannot be examined: {_told(error)}.",
            f"Le compartiment d'archive {self._bucket} ne peut être examiné : {_told(error)}.",
        )

    def _no_lock(self) -> ArchiveError:
        return ArchiveError(
            "archive.no_lock",
            f"The bucket {self._bucket} does not lock its objects, so it is no archive. Create one with Object Lock "
            "and versioning: both are chosen when a bucket is made.",
            f"Le compartiment {self._bucket} ne verrouille pas ses objets : ce n'est pas une archive. Créez-en un "
            "avec Object Lock et le versionnage, à la création.",
        )


_HIDDEN = "A deletion marker stands in front of this document; it is kept behind. Remove the marker."
_WEAK = "The lock is of mode GOVERNANCE, which somebody with a special right may lift; COMPLIANCE was asked for."
_OVERWRITTEN = "Version {} under this name is other content. Find out who may write to the bucket."


def _lock_until(day: date) -> datetime:
    """The end of a legal day: midnight UTC comes after midnight in Paris."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def _last_day(until: datetime) -> date:
    """The last whole day under a lock."""
    return until.astimezone(UTC).date() - timedelta(days=1)


def _day(found: dict[str, Any]) -> datetime:
    until: datetime | None = found["until"]
    return until or datetime.min.replace(tzinfo=UTC)


def _hash_of(chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _told(error: ClientError) -> str:
    told = error.response.get("Error", {})
    return f"{told.get('Code', '?')}: {told.get('Message', '')}".strip()
