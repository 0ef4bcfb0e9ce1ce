"""Late interest in PostgreSQL: terms of sale, claims with their lines, waivers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.domain.invoicing.invoices import CLAIM_SERIES
from receivables.errors import NotFoundError

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal
    from uuid import UUID

    from receivables.store.work import Work

MEMO, BOOKED = "memo", "booked"
GIVEN_UP, CORRECTED = "given_up", "corrected"
OUTSIDE = (
    "coalesce((SELECT outside_minor FROM interest_claims AS claim WHERE claim.supplier_id = :supplier "
    "AND claim.claim_id = invoice.invoice_id), 0)"
)
"""What a row ``invoice`` asks for outside the books: of a claim for interest that nothing was paid of yet."""
FORGONE_OUTSIDE = (
    "coalesce((SELECT sum(interest_minor + indemnity_minor) FROM interest_waivers AS waiver "
    "WHERE waiver.supplier_id = :supplier AND waiver.claim_id = invoice.invoice_id AND note_id IS NULL), 0)"
)
"""What was given up of it there, without a credit note."""
BORN_ON = (
    "coalesce((SELECT min(late.issued_on) FROM claim_lines AS line JOIN invoices AS late "
    "ON late.supplier_id = :supplier AND late.invoice_id = line.late_id WHERE line.supplier_id = :supplier "
    "AND line.claim_id = invoice.invoice_id), invoice.issued_on)"
)
"""When the debt of a row ``invoice`` was born: interest is as old as what bears it (C. com. art. L622-28, L622-7)."""
NOT_CLAIMS = f"coalesce(invoice.series, '') NOT IN ({', '.join(map(repr, CLAIM_SERIES))})"
"""Of a row ``invoice``: it is no claim for interest and no credit note on one."""


@dataclass(frozen=True, slots=True)
class InterestTerms:
    """What the terms of sale ask for; ``percent`` is ``None`` where they are silent. ``since``: invoices from a day."""

    since: date
    percent: Decimal | None
    indemnity: bool = True
    booking: str = MEMO
    least_minor: int = 0


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """What a claim asks for on one late invoice; ``facts`` are the stretches it was reckoned from."""

    late_id: UUID
    number: str
    issued_on: date
    due_on: date
    interest_minor: int
    indemnity_minor: int
    facts: dict[str, Any]
    waived_interest_minor: int = 0
    waived_indemnity_minor: int = 0

    @property
    def left_minor(self) -> int:
        """What of it is still asked for."""
        asked = self.interest_minor + self.indemnity_minor
        return asked - self.waived_interest_minor - self.waived_indemnity_minor


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim for interest (note de débit): ``claim_id`` is its row of invoices."""

    claim_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    currency: str
    issued_on: date
    due_on: date
    through_on: date
    total_minor: int
    outside_minor: int
    open_minor: int
    waived_minor: int
    entered_on: date | None
    made_by: str
    made_at: datetime

    @property
    def state(self) -> str:
        """``paid``, ``waived``, ``part_paid`` or ``due``."""
        if self.open_minor == 0:
            return "waived" if self.waived_minor >= self.total_minor else "paid"
        return "part_paid" if self.open_minor < self.total_minor - self.waived_minor else "due"


@dataclass(frozen=True, slots=True)
class Waived:
    """What was given up or corrected, and why."""

    late_id: UUID
    number: str
    currency: str
    claim_id: UUID | None
    interest_minor: int
    indemnity_minor: int
    kind: str
    reason: str
    note_id: UUID | None
    waived_by: str
    waived_at: datetime


def terms_known(work: Work) -> list[InterestTerms]:
    """What the terms of sale have asked for, the latest day first, and the latest word about a day first."""
    return terms_and_print(work)[0]


def terms_and_print(work: Work) -> tuple[list[InterestTerms], Decimal | None]:
    """The same, with the rate that the supplier's profile prints on its invoices, where it names one."""
    rows = work.rows(
        "SELECT false AS printed, since, percent, indemnity, booking, least_minor, set_at, terms_id "
        "FROM interest_terms WHERE supplier_id = :supplier UNION ALL "
        "SELECT true, NULL, CAST(profile ->> 'penalty_rate' AS numeric), NULL, NULL, NULL, NULL, NULL "
        "FROM supplier_profiles WHERE supplier_id = :supplier "
        "ORDER BY since DESC, set_at DESC, terms_id DESC"
    )
    names = InterestTerms.__dataclass_fields__
    terms = [InterestTerms(**{name: row[name] for name in names}) for row in rows if not row["printed"]]
    return terms, next((row["percent"] for row in rows if row["printed"]), None)


def note_terms(work: Work, terms: InterestTerms, actor: str) -> None:
    """Write what the terms of sale ask for from a day on."""
    work.execute(
        "INSERT INTO interest_terms (supplier_id, terms_id, since, percent, indemnity, booking, least_minor, set_by, "
        "set_at) VALUES (:supplier, :id, :since, :percent, :indemnity, :booking, :least, :actor, :at)",
        id=new_id(),
        since=terms.since,
        percent=terms.percent,
        indemnity=terms.indemnity,
        booking=terms.booking,
        least=terms.least_minor,
        actor=actor,
        at=now(),
    )


_CLAIM = (
    "SELECT claim.claim_id, invoice.number, claim.customer_id, customer.name AS customer_name, invoice.currency, "
    "invoice.issued_on, invoice.due_on, claim.through_on, invoice.payable_minor AS total_minor, claim.outside_minor, "
    "(claim.outside_minor + coalesce((SELECT sum(open_minor) FROM receivable_items AS item "
    "WHERE item.supplier_id = :supplier AND item.invoice_id = claim.claim_id AND item.kind = 'invoice'), 0))::bigint "
    "AS open_minor, coalesce((SELECT sum(interest_minor + indemnity_minor) FROM interest_waivers AS waiver "
    "WHERE waiver.supplier_id = :supplier AND waiver.claim_id = claim.claim_id), 0)::bigint AS waived_minor, "
    "claim.entered_on, claim.made_by, claim.made_at FROM interest_claims AS claim JOIN invoices AS invoice "
    "ON invoice.supplier_id = :supplier AND invoice.invoice_id = claim.claim_id JOIN customers AS customer "
    "ON customer.supplier_id = :supplier AND customer.customer_id = claim.customer_id "
    "WHERE claim.supplier_id = :supplier "
)


def get_claim(work: Work, claim_id: UUID) -> Claim:
    """One claim.

    Raises:
        NotFoundError: ``claim.not_found``.
    """
    row = work.row(_CLAIM + "AND claim.claim_id = :id", id=claim_id)
    if row is None:
        raise NotFoundError("claim.not_found", "There is no such claim for interest.", "Cette note n'existe pas.")
    return Claim(**row)


def list_claims(
    work: Work, *, after: UUID | None = None, wanted: str = "", customer_id: UUID | None = None, limit: int = 50
) -> list[Claim]:
    """Claims, the latest first; one more than ``limit`` where there are more."""
    conditions = ""
    if after is not None:
        conditions += "AND (claim.made_at, claim.claim_id) < (SELECT made_at, claim_id FROM interest_claims "
        conditions += "WHERE supplier_id = :supplier AND claim_id = :after) "
    if wanted:
        conditions += "AND (strpos(lower(invoice.number), lower(:wanted)) > 0 "
        conditions += "OR strpos(lower(customer.name), lower(:wanted)) > 0) "
    if customer_id is not None:
        conditions += "AND claim.customer_id = :customer "
    rows = work.rows(
        f"{_CLAIM}{conditions}ORDER BY claim.made_at DESC, claim.claim_id DESC LIMIT :limit",
        limit=limit + 1,
        **({"after": after} if after else {}),
        **({"wanted": wanted} if wanted else {}),
        **({"customer": customer_id} if customer_id else {}),
    )
    return [Claim(**row) for row in rows]


def lines_of_claim(work: Work, claim_id: UUID) -> list[ClaimLine]:
    """What a claim asks for, invoice by invoice, with what was waived of each."""
    rows = work.rows(
        "SELECT line.late_id, invoice.number, invoice.issued_on, invoice.due_on, line.interest_minor, "
        "line.indemnity_minor, line.facts, coalesce(sum(waiver.interest_minor), 0)::bigint AS waived_interest_minor, "
        "coalesce(sum(waiver.indemnity_minor), 0)::bigint AS waived_indemnity_minor FROM claim_lines AS line "
        "JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = line.late_id "
        "LEFT JOIN interest_waivers AS waiver ON waiver.supplier_id = :supplier "
        "AND waiver.claim_id = line.claim_id AND waiver.late_id = line.late_id "
        "WHERE line.supplier_id = :supplier AND line.claim_id = :claim GROUP BY line.supplier_id, line.claim_id, "
        "line.late_id, invoice.supplier_id, invoice.invoice_id ORDER BY invoice.due_on, invoice.number",
        claim=claim_id,
    )
    return [ClaimLine(**row) for row in rows]


def claims_on(work: Work, late_id: UUID) -> list[UUID]:
    """The claims that ask for interest on an invoice, oldest first."""
    rows = work.rows(
        "SELECT claim_id FROM claim_lines JOIN interest_claims USING (supplier_id, claim_id) "
        "WHERE supplier_id = :supplier AND late_id = :late ORDER BY made_at, claim_id",
        late=late_id,
    )
    return [row["claim_id"] for row in rows]


def waivers_of(work: Work, *, claim_id: UUID | None = None, customer_id: UUID | None = None) -> list[Waived]:
    """What was waived of a claim, or of all interest of a customer, the latest first."""
    rows = work.rows(
        "SELECT waiver.late_id, invoice.number, invoice.currency, "
        "waiver.claim_id, waiver.interest_minor, waiver.indemnity_minor, "
        "waiver.kind, waiver.reason, waiver.note_id, waiver.waived_by, waiver.waived_at FROM interest_waivers "
        "AS waiver JOIN invoices AS invoice ON invoice.supplier_id = :supplier "
        "AND invoice.invoice_id = waiver.late_id WHERE waiver.supplier_id = :supplier "
        "AND (CAST(:claim AS uuid) IS NULL OR waiver.claim_id = :claim) "
        "AND (CAST(:customer AS uuid) IS NULL OR invoice.customer_id = :customer) "
        "ORDER BY waiver.waived_at DESC, waiver.waiver_id DESC LIMIT 200",
        claim=claim_id,
        customer=customer_id,
    )
    return [Waived(**row) for row in rows]
