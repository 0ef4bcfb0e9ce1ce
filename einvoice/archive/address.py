"""Where the archive is: ``QUITTANCE_ARCHIVE_URL`` read and the right driver opened."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from einvoice.archive.filesystem import Archive
from einvoice.archive.port import ArchiveError

if TYPE_CHECKING:
    from einvoice.archive.port import ArchivePort

log = logging.getLogger("quittance.archive")

MODES = ("COMPLIANCE", "GOVERNANCE")
_OPTIONS = frozenset({"endpoint", "region", "mode"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """A bucket with Object Lock; ``prefix`` is empty or ends with a slash; no ``endpoint`` means AWS itself."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    mode: str = "COMPLIANCE"


def open_archive(url: str | None, default: Path) -> ArchivePort:
    """The archive at ``url``: a folder, or ``s3://bucket/prefix?endpoint=...&region=...&mode=...``.

    A bucket that does not answer now is looked at again before anything is put into it, so that an outage of the store
    does not keep a house from starting.

    Raises:
        ArchiveError: ``archive.bad_address``, ``archive.no_bucket``, ``archive.no_lock`` or ``archive.not_allowed``.
    """
    place = read_address(url) if url else default
    if isinstance(place, Path):
        return Archive(place)
    from einvoice.archive.s3 import S3Archive  # noqa: PLC0415 -- slow to import, and most houses keep a folder

    archive = S3Archive(place)
    try:
        archive.demand_lock()
    except ArchiveError as error:
        if error.code != "archive.unreachable":
            raise
        log.warning("The archive does not answer yet: %s", error)
    return archive


def read_address(url: str) -> Path | BucketAddress:
    """A folder or a bucket.

    Raises:
        ArchiveError: ``archive.bad_address``.
    """
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return Path(unquote(parts.path) if parts.scheme else url)
    if parts.scheme != "s3":
        raise _bad(f"{parts.scheme}:// is neither a folder nor s3://", f"{parts.scheme}:// n'est ni dossier ni s3://")
    if "@" in parts.netloc:
        raise _bad(
            "it holds credentials; give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            "elle contient des identifiants ; donnez-les par AWS_ACCESS_KEY_ID et AWS_SECRET_ACCESS_KEY",
        )
    if not parts.netloc:
        raise _bad("it names no bucket", "elle ne nomme pas de compartiment")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - _OPTIONS):
        raise _bad(f"it has no option {', '.join(unknown)}", f"elle n'a pas d'option {', '.join(unknown)}")
    mode = options.get("mode", MODES[0]).upper()
    if mode not in MODES:
        raise _bad(f"mode is one of {', '.join(MODES)}", f"mode vaut {' ou '.join(MODES)}")
    prefix = unquote(parts.path).strip("/")
    return BucketAddress(
        parts.netloc, f"{prefix}/" if prefix else "", _endpoint(options.get("endpoint")), options.get("region"), mode
    )


def _endpoint(url: str | None) -> str | None:
    """Invoices do not travel in clear text, except within this machine."""
    if url is None:
        return None
    parts = urlsplit(url)
    if "@" in parts.netloc:  # every error that names the endpoint would tell it
        raise _bad("its endpoint holds credentials", "son endpoint contient des identifiants")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return url
    raise _bad("its endpoint is not https", "son endpoint n'est pas en https")


def _bad(why: str, pourquoi: str) -> ArchiveError:
    return ArchiveError(
        "archive.bad_address",
        f"QUITTANCE_ARCHIVE_URL is wrong: {why}. Write a folder, or s3://bucket/prefix?endpoint=https://...&region=...",
        f"QUITTANCE_ARCHIVE_URL est fausse : {pourquoi}. Écrivez un dossier, ou "
        "s3://bucket/prefix?endpoint=https://...&region=...",
    )
