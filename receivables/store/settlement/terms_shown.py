"""Which version of the terms and conditions stood beside the button when a payment began: evidence, kept with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from config.clock import new_id, now, today
from receivables.store.settlement.terms_versions import TermsVersion, current_terms
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from receivables.store.work import Work

_VERSION = (
    "version_id, version, effective_on, wording, wording_en, filename, media_type, size_bytes, sha256, published_by, "
    "published_at"
)


def shown_version(work: Work, given: str) -> TermsVersion | None:
    """The version that a form says it showed, where it was in force; else the one that every page shows today."""
    try:
        version_id = UUID(given)
    except ValueError:
        return current_terms(work, today())
    row = work.row(
        f"SELECT {_VERSION} FROM terms_versions WHERE supplier_id = :supplier AND version_id = :id "
        "AND effective_on <= :today",
        id=version_id,
        today=today(),
    )
    return TermsVersion(**row) if row else current_terms(work, today())


def note_terms_shown(
    work: Work, attempt_id: UUID, customer_id: UUID, version: TermsVersion, by: tuple[str, str]
) -> None:
    """Keep with a payment which version its payer was shown; ``by`` is who pressed, and in which language."""
    actor, language = by
    work.execute(
        "INSERT INTO terms_shown (supplier_id, shown_id, attempt_id, customer_id, version_id, sha256, language, actor, "
        "shown_at) VALUES (:supplier, :id, :attempt, :customer, :version, :sha256, :language, :actor, :at) "
        "ON CONFLICT (supplier_id, attempt_id, version_id) DO NOTHING",
        id=new_id(),
        attempt=attempt_id,
        customer=customer_id,
        version=version.version_id,
        sha256=version.sha256,
        language=language,
        actor=actor,
        at=now(),
    )


def carry_terms(work: Work, payments: Sequence[tuple[UUID, UUID, Mapping[str, Any] | None]]) -> None:
    """Keep with payments (attempt, customer, evidence of the agreement) the terms their payer saw when agreeing.

    An agreement by autopay or mandate is given once, beside the terms of that day; one of before has none.
    """
    rows = [
        {
            "shown_id": new_id(),
            "attempt_id": attempt_id,
            "customer_id": customer_id,
            "version_id": evidence["terms"]["version_id"],
            "sha256": evidence["terms"]["sha256"],
            "language": evidence.get("language", "fr"),
            "actor": f"person {evidence['person_id']}",
            "shown_at": evidence["at"],
        }
        for attempt_id, customer_id, evidence in payments
        if evidence and "terms" in evidence
    ]
    if rows:
        work.execute(
            "INSERT INTO terms_shown (supplier_id, shown_id, attempt_id, customer_id, version_id, sha256, language, "
            "actor, shown_at) SELECT :supplier, shown_id, attempt_id, customer_id, version_id, sha256, language, "
            "actor, shown_at FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given (shown_id uuid, attempt_id uuid, "
            "customer_id uuid, version_id uuid, sha256 text, language text, actor text, shown_at timestamptz) "
            "ON CONFLICT (supplier_id, attempt_id, version_id) DO NOTHING",
            rows=to_json(rows),
        )


def terms_of_payment(work: Work, attempt_id: UUID) -> TermsVersion | None:
    """The version that was shown when a payment began, the first where several were."""
    row = work.row(
        f"SELECT {', '.join(f'known.{name}' for name in _VERSION.split(', '))} FROM terms_shown AS shown "
        "JOIN terms_versions AS known USING (supplier_id, version_id) WHERE shown.supplier_id = :supplier "
        "AND shown.attempt_id = :attempt ORDER BY shown.shown_at LIMIT 1",
        attempt=attempt_id,
    )
    return TermsVersion(**row) if row else None
