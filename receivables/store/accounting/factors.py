"""Factors (sociétés d'affacturage), the claims that they hold, and what went between them and us, in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from receivables.store.work import Work

PAGE = 50
"""Assignments that a page shows."""
_FACTOR = (
    "SELECT factor_id, name, siren, address, holder, iban, bic, mention, advance_percent, recourse, confidential, "
    "active FROM factors WHERE supplier_id = :supplier "
)
_ASSIGNMENT = (
    "SELECT assignment_id, batch_id, assignment.invoice_id, assignment.customer_id, assignment.factor_id, "
    "assignment.confidential, assignment.recourse, amount_minor, open_minor, assignment.currency, state, "
    "assignment.holder, assignment.iban, assignment.bic, assigned_on, invoice.number, invoice.due_on, "
    "customer.name AS customer_name, factor.name AS factor_name, factor.mention FROM assignments AS assignment "
    "JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = assignment.invoice_id "
    "JOIN customers AS customer ON customer.supplier_id = :supplier "
    "AND customer.customer_id = assignment.customer_id "
    "JOIN factors AS factor ON factor.supplier_id = :supplier AND factor.factor_id = assignment.factor_id "
    "WHERE assignment.supplier_id = :supplier "
)
AT_RISK = "recourse AND NOT confidential"
"""Assignments whose claims left 411 and may come back to us: they count in the exposure as long as they stand."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor: the account that its debtors pay (``iban`` without blanks) and the terms of its contract.

    ``address`` is its electronic address (0225) where it differs from its SIREN; ``mention`` the sentence of
    subrogation that debtors read; ``advance_percent`` of a claim is paid in advance, the rest is its guarantee fund.
    """

    factor_id: UUID
    name: str
    siren: str | None
    address: str | None
    holder: str
    iban: str
    bic: str | None
    mention: str
    advance_percent: int
    recourse: bool
    confidential: bool
    active: bool = True


@dataclass(frozen=True, slots=True)
class Assignment:
    """An invoice in a factor's hands; ``open_minor`` is what the factor still waits for, in minor units.

    ``confidential``: the customer knows nothing of it, pays us as before, and never must hear of it.
    """

    assignment_id: UUID
    batch_id: UUID
    invoice_id: UUID
    customer_id: UUID
    factor_id: UUID
    confidential: bool
    recourse: bool
    amount_minor: int
    open_minor: int
    currency: str
    state: str
    holder: str
    iban: str
    bic: str | None
    assigned_on: date
    number: str
    due_on: date
    customer_name: str
    factor_name: str
    mention: str

    @property
    def printed_iban(self) -> str:
        """The IBAN in groups of four."""
        return " ".join(self.iban[i : i + 4] for i in range(0, len(self.iban), 4))


@dataclass(frozen=True, slots=True)
class FactorMove:
    """Money or fees between a factor and us, or a claim that came and went; above zero where it raises our 467."""

    kind: str
    amount_minor: int
    currency: str
    moved_on: date
    reference: str
    moved_at: datetime


def factors(work: Work, *, active_only: bool = False) -> list[Factor]:
    """The supplier's factors, by name."""
    rows = work.rows(_FACTOR + ("AND active " if active_only else "") + "ORDER BY name, factor_id")
    return [Factor(**row) for row in rows]


def get_factor(work: Work, factor_id: UUID) -> Factor:
    """One factor.

    Raises:
        NotFoundError: ``factor.not_found``.
    """
    row = work.row(_FACTOR + "AND factor_id = :id", id=factor_id)
    if row is None:
        raise NotFoundError("factor.not_found", "There is no such factor.", "Cet affactureur n'existe pas.")
    return Factor(**row)


def keep_factor(work: Work, factor: Factor, actor: str) -> None:
    """Add a factor, or change what is known of it; its account changes by ``assigning.change_payee``."""
    at = now()
    work.execute(
        "INSERT INTO factors (supplier_id, factor_id, name, siren, address, holder, iban, bic, mention, "
        "advance_percent, recourse, confidential, active, noted_by, noted_at, changed_at) VALUES (:supplier, :factor, "
        ":name, :siren, :address, :holder, :iban, :bic, :mention, :advance, :recourse, :confidential, :active, :actor, "
        ":at, :at) ON CONFLICT (supplier_id, factor_id) DO UPDATE SET name = :name, siren = :siren, "
        "address = :address, mention = :mention, advance_percent = :advance, recourse = :recourse, "
        "confidential = :confidential, active = :active, changed_at = :at",
        factor=factor.factor_id,
        name=factor.name,
        siren=factor.siren,
        address=factor.address,
        holder=factor.holder,
        iban=factor.iban,
        bic=factor.bic,
        mention=factor.mention,
        advance=factor.advance_percent,
        recourse=factor.recourse,
        confidential=factor.confidential,
        active=factor.active,
        actor=actor,
        at=at,
    )
    work.audit(actor, "factor.kept", str(factor.factor_id), name=factor.name)


def standing_assignments(
    work: Work, invoice_ids: Collection[UUID], *, told_to_customer: bool = False
) -> dict[UUID, Assignment]:
    """The assignments that stand of these invoices; ``told_to_customer`` leaves out those in confidence."""
    if not invoice_ids:
        return {}
    rows = work.rows(
        _ASSIGNMENT + "AND assignment.invoice_id = ANY(:ids) AND assignment.state = 'assigned' "
        "AND (NOT assignment.confidential OR NOT :told)",
        ids=list(invoice_ids),
        told=told_to_customer,
    )
    return {row["invoice_id"]: Assignment(**row) for row in rows}


def get_assignment(work: Work, assignment_id: UUID) -> Assignment:
    """One assignment, whatever became of it.

    Raises:
        NotFoundError: ``assignment.not_found``.
    """
    row = work.row(_ASSIGNMENT + "AND assignment_id = :id", id=assignment_id)
    if row is None:
        raise NotFoundError("assignment.not_found", "There is no such assignment.", "Cette cession n'existe pas.")
    return Assignment(**row)


def list_assignments(
    work: Work,
    *,
    factor_id: UUID | None = None,
    customer_id: UUID | None = None,
    state: str | None = None,
    after: UUID | None = None,
) -> list[Assignment]:
    """Assignments, newest first, one more than :data:`PAGE` where there are more; ``after`` the last one seen."""
    rows = work.rows(
        _ASSIGNMENT + "AND (CAST(:factor AS uuid) IS NULL OR assignment.factor_id = :factor) "
        "AND (CAST(:customer AS uuid) IS NULL OR assignment.customer_id = :customer) "
        "AND (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:after AS uuid) IS NULL "
        "OR assignment_id < :after) ORDER BY assignment_id DESC LIMIT :limit",
        factor=factor_id,
        customer=customer_id,
        state=state,
        after=after,
        limit=PAGE + 1,
    )
    return [Assignment(**row) for row in rows]


def quiet_assignments(work: Work, invoice_id: UUID) -> Assignment | None:
    """The newest confidential assignment of an invoice that was not given back: it follows the customer's money."""
    row = work.row(
        _ASSIGNMENT
        + "AND assignment.invoice_id = :invoice AND assignment.confidential AND assignment.state <> 'given_back' "
        "ORDER BY assignment_id DESC LIMIT 1",
        invoice=invoice_id,
    )
    return Assignment(**row) if row else None


def moved_quietly(work: Work) -> list[UUID]:
    """Invoices assigned in confidence of which their debtors paid more, or got back, since 467 was told."""
    rows = work.rows(
        "SELECT invoice_id FROM (SELECT DISTINCT ON (invoice_id) invoice_id, amount_minor, open_minor "
        "FROM assignments WHERE supplier_id = :supplier AND confidential AND state <> 'given_back' "
        "ORDER BY invoice_id, assignment_id DESC) AS taken WHERE open_minor <> least(amount_minor, coalesce((SELECT "
        "sum(item.open_minor) FROM receivable_items AS item WHERE item.supplier_id = :supplier "
        "AND item.invoice_id = taken.invoice_id AND item.kind = 'invoice'), 0)) ORDER BY invoice_id"
    )
    return [row["invoice_id"] for row in rows]


def replaced_assignments(work: Work) -> list[UUID]:
    """Assigned invoices whose place a corrective one took since."""
    rows = work.rows(
        "SELECT invoice_id FROM assignments JOIN replacements ON replacements.supplier_id = :supplier "
        "AND replaced_id = invoice_id WHERE assignments.supplier_id = :supplier AND state = 'assigned' "
        "ORDER BY invoice_id"
    )
    return [row["invoice_id"] for row in rows]


def change_open(work: Work, assignment: Assignment, open_minor: int, state: str) -> None:
    """Note what the factor still waits for, and the state that this makes."""
    work.execute(
        "UPDATE assignments SET open_minor = :open, state = :state, changed_at = :at "
        "WHERE supplier_id = :supplier AND assignment_id = :id",
        open=open_minor,
        state=state,
        at=now(),
        id=assignment.assignment_id,
    )


def change_accounts(work: Work, factor_id: UUID, holder: str, iban: str, bic: str | None) -> list[UUID]:
    """Another account of a factor, on every claim that it holds and debtors know of; returns those assignments."""
    values: dict[str, Any] = {"holder": holder, "iban": iban, "bic": bic, "at": now(), "factor": factor_id}
    work.execute(
        "UPDATE factors SET holder = :holder, iban = :iban, bic = :bic, changed_at = :at "
        "WHERE supplier_id = :supplier AND factor_id = :factor",
        **values,
    )
    rows = work.rows(
        "UPDATE assignments SET holder = :holder, iban = :iban, bic = :bic, changed_at = :at "
        "WHERE supplier_id = :supplier AND factor_id = :factor AND state = 'assigned' AND NOT confidential "
        "RETURNING assignment_id",
        **values,
    )
    return sorted(row["assignment_id"] for row in rows)


def insert_moves(work: Work, moves: Sequence[dict[str, Any]]) -> None:
    """Keep what happened to assigned claims."""
    at = now()
    work.insert("assignment_moves", [{"move_id": new_id(), "reason": None, "moved_at": at, **move} for move in moves])


def insert_factor_move(work: Work, factor_id: UUID, move: FactorMove, entry_id: UUID, actor: str) -> None:
    """Keep what went between a factor and us."""
    work.execute(
        "INSERT INTO factor_moves (supplier_id, move_id, factor_id, kind, amount_minor, currency, moved_on, "
        "reference, entry_id, actor, moved_at) VALUES (:supplier, :move, :factor, :kind, :amount, :currency, :on, "
        ":reference, :entry, :actor, :at)",
        move=new_id(),
        factor=factor_id,
        kind=move.kind,
        amount=move.amount_minor,
        currency=move.currency,
        on=move.moved_on,
        reference=move.reference,
        entry=entry_id,
        actor=actor,
        at=move.moved_at,
    )


def moves_of(work: Work, factor_id: UUID, limit: int = PAGE) -> list[FactorMove]:
    """The newest moves on a factor's account: claims, advances, fees; signed as our 467 sees them."""
    rows = work.rows(
        "SELECT * FROM (SELECT move.kind, CASE WHEN move.kind = 'paid_to_factor' THEN amount_minor "
        "ELSE -amount_minor END AS amount_minor, currency, moved_on, reference, moved_at, move_id "
        "FROM factor_moves AS move WHERE supplier_id = :supplier AND factor_id = :factor "
        "UNION ALL SELECT move.kind, move.amount_minor, assignment.currency, moved_on, invoice.number, moved_at, "
        "move_id FROM assignment_moves AS move JOIN assignments AS assignment USING (supplier_id, assignment_id) "
        "JOIN invoices AS invoice USING (supplier_id, invoice_id) WHERE supplier_id = :supplier "
        "AND factor_id = :factor AND move.kind <> 'paid') AS moved ORDER BY moved_at DESC, move_id DESC LIMIT :limit",
        factor=factor_id,
        limit=limit,
    )
    return [FactorMove(**{name: row[name] for name in FactorMove.__slots__}) for row in rows]


def positions(work: Work) -> dict[tuple[UUID, str], dict[str, int]]:
    """By factor and currency, in minor units: claims in its hands, and what 467 says that it owes us (or we it)."""
    rows = work.rows(
        "SELECT factor_id, currency, sum(open_minor)::bigint AS claims, sum(owed)::bigint AS owed FROM ("
        "SELECT factor_id, currency, open_minor, 0 AS owed FROM assignments WHERE supplier_id = :supplier "
        "UNION ALL SELECT factor_id, currency, 0, move.amount_minor FROM assignment_moves AS move "
        "JOIN assignments USING (supplier_id, assignment_id) WHERE supplier_id = :supplier AND move.kind <> 'paid' "
        "UNION ALL SELECT factor_id, currency, 0, CASE WHEN kind = 'paid_to_factor' THEN amount_minor "
        "ELSE -amount_minor END FROM factor_moves WHERE supplier_id = :supplier) AS parts "
        "GROUP BY factor_id, currency"
    )
    return {
        (row["factor_id"], row["currency"]): {"claims_minor": row["claims"], "owed_minor": row["owed"]} for row in rows
    }
