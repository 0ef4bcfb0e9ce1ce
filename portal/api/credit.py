"""``/api/v1/customers/{id}``: credit decisions and the exposure with its lines, by program."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias
from uuid import UUID  # noqa: TC003 -- a model reads it

from pydantic import Field

from portal.api.answers import CallRefusedError
from portal.api.door import actor, open_blueprint
from portal.api.named import customer_of
from portal.api.operations import operation
from portal.api.shapes import Amount, Currency, Day, Input, Output, Text, written
from portal.telling.credit_words import reason_sentence
from receivables.domain.money import Money
from receivables.domain.risk.exposure import COMPONENTS
from receivables.services.risk.deciding import AskDecision, decide_credit
from receivables.services.risk.exposing import PAGE, exposure_lines, exposure_of

if TYPE_CHECKING:
    from receivables.services.risk.deciding import Decided
    from receivables.store.work import Work

credit = open_blueprint("api_credit")

MAX_PURPOSE = 200
FARTHEST = 1_000_000
DayTold: TypeAlias = date
"""The name of the type, where a field has the name of it."""
Verdict = Literal["OK", "WARN", "REVIEW", "BLOCK"]


class DecisionQuery(Input):
    """What is to be sold."""

    amount: Annotated[Text, Field(max_length=40, description="VAT included.", examples=["1200.00"])] = "0"
    currency: Currency = "EUR"
    purpose: Annotated[Text, Field(description="What it is for: kept with the decision.")] = ""


class ReasonShape(Output):
    """Why it was decided so."""

    code: str
    decision: Verdict
    detail: str
    detail_fr: str


class DecisionShape(Output):
    """A credit decision: the hardest of its reasons counts."""

    decision_id: UUID
    decision: Verdict
    amount: Amount
    currency: str
    reasons: list[ReasonShape]
    exposure: dict[str, Amount]
    limit: Amount | None
    derogations: Amount
    available: Amount | None
    insured: Amount | None
    overdue: Amount
    policy_version: int
    decided_at: datetime


class ExposureQuery(Input):
    """Which exposure."""

    currency: Currency = "EUR"
    on: Annotated[Day | None, Field(description="At the end of this day; without it, now.")] = None
    component: Annotated[
        Text | None, Field(description=f"With its lines: one of {', '.join(COMPONENTS)}.", examples=[COMPONENTS[0]])
    ] = None
    offset: Annotated[int, Field(ge=0, le=FARTHEST)] = 0


class ExposureLineShape(Output):
    """A line behind a component."""

    kind: str
    reference: str
    date: DayTold | None
    due_date: DayTold | None
    amount: Amount
    invoice_id: UUID | None


class ExposureShape(Output):
    """An exposure by component; `lines` and `next_offset` only where a component was asked for."""

    currency: str
    on: date | None
    total: Amount
    components: dict[str, Amount]
    component: str = ""
    lines: list[ExposureLineShape] = []  # noqa: RUF012 -- Pydantic copies it
    next_offset: int | None = None

    model_config = Output.model_config | {"json_schema_serialization_defaults_required": False}


@credit.get("/customers/<customer>/credit-decision")
@operation(
    "credit:read",
    "May this customer be sold to?",
    "Peut-on encore vendre à crédit à ce client ?",
    DecisionShape,
    query=DecisionQuery,
    description="The decision is kept with its reasons, its components and the version of the policy.",
)
def show_decision(customer: str, query: DecisionQuery, work: Work) -> dict[str, Any]:
    """May this customer be sold to for ``amount`` more (VAT included)? The decision is kept with its reasons."""
    amount = Money.of(query.amount, query.currency)
    purpose = query.purpose.strip()[:MAX_PURPOSE] or None
    asked = AskDecision(customer_of(work, customer), amount.minor, actor(), query.currency, purpose)
    return tell_decision(decide_credit(work, asked))


@credit.get("/customers/<customer>/exposure")
@operation("credit:read", "Exposure of a customer", "Encours d'un client", ExposureShape, query=ExposureQuery)
def show_exposure(customer: str, query: ExposureQuery, work: Work) -> dict[str, Any]:
    """The exposure by component, now or at the end of the day ``on``; with ``component``, the lines behind it."""
    if query.component is not None and query.component not in COMPONENTS:
        raise CallRefusedError(
            400,
            "exposure.unknown_component",
            f"There is no component {query.component!r}: ask for {', '.join(COMPONENTS)}.",
            f"La composante {query.component!r} n'existe pas : demandez {', '.join(COMPONENTS)}.",
        )
    customer_id, currency = customer_of(work, customer), query.currency
    exposure = exposure_of(work, customer_id, currency, query.on)
    told: dict[str, Any] = {
        "currency": currency,
        "on": query.on,
        "total": written(exposure.total_minor, currency),
        "components": {name: written(exposure.minor_of(name), currency) for name in COMPONENTS},
    }
    if query.component:
        lines = exposure_lines(work, customer_id, currency, query.component, query.on, offset=query.offset)
        told["component"] = query.component
        told["lines"] = [
            {
                "kind": each.kind,
                "reference": each.reference,
                "date": each.began_on,
                "due_date": each.due_on,
                "amount": written(each.minor, currency),
                "invoice_id": each.invoice_id,
            }
            for each in lines[:PAGE]
        ]
        told["next_offset"] = query.offset + PAGE if len(lines) > PAGE else None
    return told


def tell_decision(decided: Decided) -> dict[str, Any]:
    """A decision as the API answers it."""
    facts, currency = decided.facts, decided.currency
    return {
        "decision_id": decided.decision_id,
        "decision": decided.decision.verdict,
        "amount": written(decided.decision.amount_minor, currency),
        "currency": currency,
        "reasons": [
            {
                "code": each.code,
                "decision": each.verdict,
                "detail": reason_sentence(each.code, each.facts, currency, "en"),
                "detail_fr": reason_sentence(each.code, each.facts, currency, "fr"),
            }
            for each in decided.decision.reasons
        ],
        "exposure": {
            "total": written(facts.exposure.total_minor, currency),
            **{name: written(facts.exposure.minor_of(name), currency) for name in COMPONENTS},
        },
        "limit": None if facts.limit_minor is None else written(facts.limit_minor, currency),
        "derogations": written(facts.derogation_minor, currency),
        "available": None if facts.available_minor is None else written(facts.available_minor, currency),
        "insured": None if facts.insured_minor is None else written(facts.insured_minor, currency),
        "overdue": written(facts.overdue_minor, currency),
        "policy_version": decided.policy.version,
        "decided_at": decided.decided_at,
    }
