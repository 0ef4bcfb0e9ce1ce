"""What agencies said of customers, in PostgreSQL: every answer once, the latest of each agency beside our score."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class AgencyReport:
    """An agency's opinion of a company on a day: ``score`` on 0 to 100 where its scale is known, and as it was told.

    ``advised_minor`` is the exposure that it advises at most (encours conseillé); ``legal_events`` are texts with a
    ``kind`` and a day ``on`` (procedures, judgements, changes). ``told`` is the answer as it came.
    """

    agency: str
    customer_id: UUID
    siren: str
    reported_on: date
    score_text: str | None
    score: int | None
    trend: str | None
    advised_minor: int | None
    currency: str
    source: str
    told_sha256: str
    legal_events: list[dict[str, str]] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict, repr=False)


def keep_reports(work: Work, reports: Sequence[AgencyReport], taken_by: str) -> int:
    """Keep reports, as one set; one that is known is kept once. Returns how many are new."""
    at = now()
    before = _count(work)
    work.insert(
        "agency_reports",
        [{**asdict(each), "report_id": new_id(), "taken_by": taken_by, "taken_at": at} for each in reports],
        on_conflict="ON CONFLICT (supplier_id, agency, customer_id, told_sha256) DO NOTHING",
    )
    return _count(work) - before


def latest_reports(
    work: Work, customer_ids: Collection[UUID], known_until: datetime | None = None
) -> dict[UUID, list[AgencyReport]]:
    """The latest report of each agency on each of these customers, by agency; those known by an instant, or all."""
    rows = work.rows(
        "SELECT DISTINCT ON (customer_id, agency) agency, customer_id, siren, reported_on, score_text, score, trend, "
        "advised_minor, currency, source, told_sha256, legal_events FROM agency_reports WHERE supplier_id = :supplier "
        "AND customer_id = ANY(:ids) AND (CAST(:until AS timestamptz) IS NULL OR taken_at < :until) "
        "ORDER BY customer_id, agency, reported_on DESC, taken_at DESC",
        ids=list(customer_ids),
        until=known_until,
    )
    found: dict[UUID, list[AgencyReport]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], []).append(AgencyReport(**row))
    return found


def customers_by_siren(work: Work, sirens: Collection[str]) -> dict[str, UUID]:
    """Our customers with these SIREN numbers."""
    rows = work.rows(
        "SELECT siren, customer_id FROM customers WHERE supplier_id = :supplier AND siren = ANY(:sirens)",
        sirens=list(sirens),
    )
    return {row["siren"]: row["customer_id"] for row in rows}


def _count(work: Work) -> int:
    count: int = work.scalar("SELECT count(*) FROM agency_reports WHERE supplier_id = :supplier")
    return count
