"""``/api/v1/claims``: late interest and recovery indemnities that were claimed, by program."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 -- a model reads it
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID  # noqa: TC003 -- a model reads it

from pydantic import Field

from portal.api.door import open_blueprint
from portal.api.named import customer_of
from portal.api.operations import operation
from portal.api.shapes import Amount, CustomerRef, Output, PageAnswer, PageQuery, Text, written
from receivables.store.collecting.claims import get_claim, lines_of_claim, list_claims

if TYPE_CHECKING:
    from receivables.store.collecting.claims import Claim
    from receivables.store.work import Work

claims = open_blueprint("api_claims")


class ClaimQuery(PageQuery):
    """Which claims."""

    customer: CustomerRef | None = None
    q: Annotated[Text, Field(max_length=80, description="Part of the number or the customer.")] = ""


class ClaimShape(Output):
    """A claim for interest (note de débit)."""

    claim_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    currency: str
    issue_date: date
    due_date: date
    through: Annotated[date, Field(description="Interest is reckoned to this day.")]
    total: Amount
    open: Amount
    waived: Amount
    state: Literal["due", "part_paid", "paid", "waived"]
    made_at: datetime


class ClaimList(PageAnswer):
    """A page of claims, the latest first."""

    claims: list[ClaimShape]


class ClaimLineShape(Output):
    """What is claimed on one late invoice."""

    invoice_id: UUID
    number: str
    issue_date: date
    due_date: date
    interest: Amount
    indemnity: Amount
    waived: Amount


class ClaimShown(ClaimShape):
    """A claim, invoice by invoice."""

    lines: list[ClaimLineShape]


@claims.get("/claims")
@operation("claims:read", "List claims for interest", "Lister les notes d'intérêts", ClaimList, query=ClaimQuery)
def index(work: Work, query: ClaimQuery) -> ClaimList:
    """Claims for late interest, the latest first."""
    rows = list_claims(
        work,
        after=query.after,
        wanted=query.q,
        customer_id=customer_of(work, query.customer) if query.customer else None,
        limit=query.limit,
    )
    shown = [ClaimShape(**_facts(each)) for each in rows[: query.limit]]
    return ClaimList(claims=shown, next_after=shown[-1].claim_id if len(rows) > query.limit else None)


@claims.get("/claims/<uuid:claim_id>")
@operation("claims:read", "Show a claim for interest", "Voir une note d'intérêts", ClaimShown)
def show(work: Work, claim_id: UUID) -> ClaimShown:
    """One claim with what it asks for on each late invoice."""
    claim = get_claim(work, claim_id)
    lines = [
        ClaimLineShape(
            invoice_id=each.late_id,
            number=each.number,
            issue_date=each.issued_on,
            due_date=each.due_on,
            interest=written(each.interest_minor, claim.currency),
            indemnity=written(each.indemnity_minor, claim.currency),
            waived=written(each.waived_interest_minor + each.waived_indemnity_minor, claim.currency),
        )
        for each in lines_of_claim(work, claim_id)
    ]
    return ClaimShown(**_facts(claim), lines=lines)


def _facts(claim: Claim) -> dict[str, Any]:
    return {
        "claim_id": claim.claim_id,
        "number": claim.number,
        "customer_id": claim.customer_id,
        "customer_name": claim.customer_name,
        "currency": claim.currency,
        "issue_date": claim.issued_on,
        "due_date": claim.due_on,
        "through": claim.through_on,
        "total": written(claim.total_minor, claim.currency),
        "open": written(claim.open_minor, claim.currency),
        "waived": written(claim.waived_minor, claim.currency),
        "state": claim.state,
        "made_at": claim.made_at,
    }
