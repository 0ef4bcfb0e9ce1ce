"""Limits, policies, derogations, groups and decisions in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from receivables.domain.risk.credit import CreditPolicy, Limit, LimitKind
from receivables.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from receivables.store.work import Work

PAGE = 50
DEEPEST = 10
"""Levels of a group that are followed; deeper trees, and circles, end there."""
_LIMIT = "limit_id, kind, customer_id, group_siren, currency, amount_minor, valid_from, valid_until, reason, set_by"
_UP = (
    "WITH RECURSIVE above AS (SELECT customer_id, siren, 0 AS step FROM customers WHERE supplier_id = :supplier "
    "AND customer_id = ANY(:ids) AND siren IS NOT NULL UNION ALL SELECT customer_id, parent.parent_siren, step + 1 "
    "FROM above CROSS JOIN LATERAL (SELECT parent_siren FROM company_parents WHERE supplier_id = :supplier "
    "AND company_parents.siren = above.siren ORDER BY position DESC LIMIT 1) AS parent "
    "WHERE parent_siren IS NOT NULL AND step < :deepest) "
)
_DOWN = (
    "WITH RECURSIVE below AS (SELECT CAST(:siren AS text) AS siren, 0 AS step UNION SELECT child.siren, step + 1 "
    "FROM below JOIN company_parents AS child ON child.supplier_id = :supplier AND child.parent_siren = below.siren "
    "WHERE step < :deepest AND NOT EXISTS (SELECT 1 FROM company_parents AS later WHERE later.supplier_id = :supplier "
    "AND later.siren = child.siren AND later.position > child.position)) "
)


def current_policy(work: Work) -> CreditPolicy:
    """The policy that counts now; the first one of the house where none was set."""
    row = work.row(
        "SELECT version, rules FROM credit_policies WHERE supplier_id = :supplier ORDER BY version DESC LIMIT 1"
    )
    return CreditPolicy(version=row["version"], **row["rules"]) if row else CreditPolicy()


def limits_of(work: Work, customer_ids: Iterable[UUID]) -> dict[tuple[UUID, str], dict[LimitKind, Limit]]:
    """The limits in force, or to come, of customers: by customer and currency, then by kind."""
    found: dict[tuple[UUID, str], dict[LimitKind, Limit]] = {}
    for row in work.rows(
        f"SELECT {_LIMIT} FROM credit_limits WHERE supplier_id = :supplier AND customer_id = ANY(:ids) "
        "AND ended_at IS NULL",
        ids=list(customer_ids),
    ):
        held = _limit(dict(row))
        found.setdefault((row["customer_id"], row["currency"]), {})[held.kind] = held
    return found


def _limit(row: dict[str, Any]) -> Limit:
    kept = {name: row[name] for name in Limit.__dataclass_fields__ if name != "kind"}
    return Limit(kind=LimitKind(row["kind"]), **kept)


@dataclass(frozen=True, slots=True)
class GroupLimit:
    """The limit of a group, under the SIREN of its parent."""

    siren: str
    limit: Limit


def group_limits_above(work: Work, customer_ids: Iterable[UUID], currency: str | None = None) -> list[GroupLimit]:
    """The limits of all groups to which these customers belong."""
    names = ", ".join(f"held.{each}" for each in _LIMIT.split(", "))
    rows = work.rows(
        _UP + f"SELECT DISTINCT {names} FROM credit_limits AS held JOIN above ON above.siren = held.group_siren "
        "WHERE held.supplier_id = :supplier AND held.ended_at IS NULL "
        "AND (CAST(:currency AS text) IS NULL OR held.currency = :currency) ORDER BY held.group_siren",
        ids=list(customer_ids),
        deepest=DEEPEST,
        currency=currency,
    )
    return [GroupLimit(row["group_siren"], _limit(dict(row))) for row in rows]


def members_of(work: Work, siren: str) -> list[UUID]:
    """The customers in the group of this parent, itself included."""
    rows = work.rows(
        _DOWN + "SELECT DISTINCT customer_id FROM customers JOIN below USING (siren) WHERE supplier_id = :supplier "
        "ORDER BY customer_id",
        siren=siren,
        deepest=DEEPEST,
    )
    return [row["customer_id"] for row in rows]


def parent_of(work: Work, siren: str) -> str | None:
    """The SIREN of a company's parent, as noted last."""
    found: str | None = work.scalar(
        "SELECT parent_siren FROM company_parents WHERE supplier_id = :supplier AND siren = :siren "
        "ORDER BY position DESC LIMIT 1",
        siren=siren,
    )
    return found


@dataclass(frozen=True, slots=True)
class Derogation:
    """More than the limit, for a time; ``state`` is ``asked``, ``agreed``, ``refused`` or ``ended``."""

    derogation_id: UUID
    customer_id: UUID
    customer_name: str
    amount_minor: int
    currency: str
    expires_on: date
    reason: str
    state: str
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str | None


_DEROGATION = (
    "SELECT derogation_id, derogation.customer_id, customer.name AS customer_name, amount_minor, currency, expires_on, "
    "reason, state, asked_by, asked_at, decided_by, decided_at, note FROM derogations AS derogation "
    "JOIN customers AS customer USING (supplier_id, customer_id) WHERE supplier_id = :supplier "
)


def get_derogation(work: Work, derogation_id: UUID) -> Derogation:
    """One derogation.

    Raises:
        NotFoundError: ``derogation.not_found``.
    """
    row = work.row(_DEROGATION + "AND derogation_id = :id", id=derogation_id)
    if row is None:
        raise NotFoundError("derogation.not_found", "There is no such derogation.", "Cette dérogation n'existe pas.")
    return Derogation(**row)


def list_derogations(
    work: Work,
    *,
    states: Sequence[str] = (),
    customer_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = PAGE + 1,
) -> list[Derogation]:
    """Derogations, the newest first."""
    rows = work.rows(
        _DEROGATION + "AND (cardinality(CAST(:states AS text[])) = 0 OR state = ANY(:states)) "
        "AND (CAST(:customer AS uuid) IS NULL OR derogation.customer_id = :customer) "
        "AND (CAST(:after AS uuid) IS NULL OR derogation_id < :after) ORDER BY derogation_id DESC LIMIT :limit",
        states=list(states),
        customer=customer_id,
        after=after,
        limit=limit,
    )
    return [Derogation(**row) for row in rows]


def derogated(work: Work, customer_ids: Iterable[UUID], day: date) -> dict[tuple[UUID, str], int]:
    """What was agreed above the limits of customers and holds on ``day``, by customer and currency."""
    rows = work.rows(
        "SELECT customer_id, currency, sum(amount_minor)::bigint AS minor FROM derogations "
        "WHERE supplier_id = :supplier AND customer_id = ANY(:ids) AND state = 'agreed' AND expires_on >= :day "
        "GROUP BY customer_id, currency",
        ids=list(customer_ids),
        day=day,
    )
    return {(row["customer_id"], row["currency"]): row["minor"] for row in rows}


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """A decision as it was made; ``facts`` are what it was made from."""

    decision_id: UUID
    customer_id: UUID
    amount_minor: int
    currency: str
    verdict: str
    reasons: list[dict[str, Any]]
    facts: dict[str, Any]
    policy_version: int
    purpose: str | None
    asked_by: str
    decided_at: datetime


def list_decisions(
    work: Work, customer_id: UUID, *, after: UUID | None = None, limit: int = PAGE + 1
) -> list[KeptDecision]:
    """Decisions about a customer, the newest first."""
    rows = work.rows(
        f"SELECT {', '.join(KeptDecision.__dataclass_fields__)} FROM credit_decisions WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND (CAST(:after AS uuid) IS NULL OR decision_id < :after) "
        "ORDER BY decision_id DESC LIMIT :limit",
        customer=customer_id,
        after=after,
        limit=limit,
    )
    return [KeptDecision(**row) for row in rows]
