"""General terms and conditions of sale (CGV, C. com. art. L441-1) in PostgreSQL: every version is kept for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003 -- fields' types
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID  # noqa: TC003 -- a field's type

from config.clock import new_id, now
from receivables.errors import NotFoundError

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from receivables.store.work import Work

_FIELDS = (
    "version_id, version, effective_on, wording, wording_en, filename, media_type, size_bytes, sha256, "
    "published_by, published_at"
)


@dataclass(frozen=True, slots=True)
class TermsVersion:
    """One version: its words, or the file in the store of documents whose hash ``sha256`` is."""

    version_id: UUID
    version: int
    effective_on: date
    wording: str | None
    wording_en: str | None
    filename: str | None
    media_type: str | None
    size_bytes: int | None
    sha256: str
    published_by: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class TermsFile:
    """A file that was put into the store of documents."""

    filename: str
    media_type: str
    size_bytes: int
    sha256: str


def current_terms(work: Work, on: date) -> TermsVersion | None:
    """The version that holds on a legal day, or ``None`` where none does yet."""
    row = work.row(
        f"SELECT {_FIELDS} FROM terms_versions WHERE supplier_id = :supplier AND effective_on <= :day "
        "ORDER BY effective_on DESC, version DESC LIMIT 1",
        day=on,
    )
    return _version(row) if row else None


def terms_versions(work: Work, limit: int = 100) -> list[TermsVersion]:
    """Every version, the newest first."""
    rows = work.rows(
        f"SELECT {_FIELDS} FROM terms_versions WHERE supplier_id = :supplier ORDER BY version DESC LIMIT :limit",
        limit=limit,
    )
    return [_version(row) for row in rows]


def terms_version(work: Work, version_id: UUID) -> TermsVersion:
    """One version.

    Raises:
        NotFoundError: ``terms.not_found``.
    """
    row = work.row(
        f"SELECT {_FIELDS} FROM terms_versions WHERE supplier_id = :supplier AND version_id = :id", id=version_id
    )
    if row is None:
        raise NotFoundError(
            "terms.not_found", "There is no such version of the terms.", "Cette version des CGV n'existe pas."
        )
    return _version(row)


def publish_terms(
    work: Work,
    effective_on: date,
    actor: str,
    *,
    wording: str = "",
    wording_en: str = "",
    file: TermsFile | None = None,
) -> TermsVersion:
    """Publish a version of the terms: words (LF between lines), or a file that is in the store of documents already."""
    work.scalar("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"terms:{work.supplier_id}")
    last = work.scalar("SELECT max(version) FROM terms_versions WHERE supplier_id = :supplier") or 0
    words = "\n\n".join(each for each in (wording, wording_en) if each)
    digest = file.sha256 if file else sha256(words.encode()).hexdigest()
    version = TermsVersion(
        version_id=new_id(),
        version=last + 1,
        effective_on=effective_on,
        wording=None if file else wording,
        wording_en=None if file else wording_en or None,
        filename=file.filename if file else None,
        media_type=file.media_type if file else None,
        size_bytes=file.size_bytes if file else None,
        sha256=digest,
        published_by=actor,
        published_at=now(),
    )
    names = _FIELDS.replace(" ", "").split(",")
    work.execute(
        f"INSERT INTO terms_versions (supplier_id, {_FIELDS}) "
        f"VALUES (:supplier, {', '.join(f':{name}' for name in names)})",
        **{name: getattr(version, name) for name in names},
    )
    work.audit(actor, "terms.published", str(version.version_id), version=version.version, sha256=digest)
    return version


def _version(row: RowMapping) -> TermsVersion:
    return TermsVersion(**row)
