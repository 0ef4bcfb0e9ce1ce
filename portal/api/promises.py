"""``/api/v1/promises`` and ``/api/v1/plans``: what customers said they would pay, and when, by program."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 -- a model reads it
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID  # noqa: TC003 -- a model reads it

from pydantic import Field

from portal.api.door import actor, open_blueprint
from portal.api.named import customer_of
from portal.api.operations import operation
from portal.api.shapes import Amount, CustomerRef, Day, Given, Input, Output, PageAnswer, PageQuery, Word, written
from receivables.domain.collecting.promises import Source
from receivables.domain.money import Money
from receivables.services.collecting.promising import NewPromise, make_promise, withdraw_promise
from receivables.store.collecting.plans import find_plans, get_plan
from receivables.store.collecting.promises import find_promises, get_promise
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from receivables.domain.collecting.plans import Plan
    from receivables.domain.collecting.promises import Promise
    from receivables.store.work import Work

promises = open_blueprint("api_promises")

PromiseStates = Literal["pending", "kept", "partly", "broken", "withdrawn"]
PlanStates = Literal["proposed", "accepted", "refused", "kept", "broken", "withdrawn"]
_NARROWED = (
    "(CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:customer AS uuid) IS NULL OR customer_id = :customer) "
    "AND (CAST(:after AS uuid) IS NULL OR {id} < :after)"
)


class PromiseQuery(PageQuery):
    """Which promises."""

    customer: CustomerRef | None = None
    state: PromiseStates | None = None


class PromisedShape(Output):
    """An invoice of a promise as the books see it now."""

    invoice_id: UUID
    amount: Amount
    open: Amount
    came: Annotated[Amount, Field(description="Final money since the promise.")]


class PromiseShape(Output):
    """A promise with its invoices."""

    promise_id: UUID
    customer_id: UUID
    source: Literal["customer", "collector"]
    said_by: str
    amount: Amount
    currency: str
    promised_on: date
    judged_on: date
    state: PromiseStates
    kept: Amount
    reason: str | None
    made_at: datetime
    invoices: list[PromisedShape]


class PromiseList(PageAnswer):
    """A page of promises, the newest first."""

    promises: list[PromiseShape]


class NewPromiseShape(Input):
    """Somebody of a customer said that they will pay."""

    customer: CustomerRef
    promised_on: Day
    said_by: Annotated[Word, Field(examples=["Mme Martin"])]
    invoices: Annotated[
        dict[UUID, Given | None],
        Field(min_length=1, max_length=200, description="Amounts by invoice id; `null`: all that is asked of it."),
    ]


class WithdrawnShape(Input):
    """Why a promise is taken back."""

    reason: Word


class PlanQuery(PageQuery):
    """Which plans."""

    customer: CustomerRef | None = None
    state: PlanStates | None = None


class PartShape(Output):
    """One instalment as it stands."""

    position: int
    due_on: date
    amount: Amount
    left: Amount


class PlanInvoiceShape(Output):
    """An invoice of a plan."""

    invoice_id: UUID
    number: str
    amount: Amount
    open: Amount


class PlanShape(Output):
    """A payment plan (échéancier); only an accepted one grants time."""

    plan_id: UUID
    customer_id: UUID
    source: Literal["customer", "collector"]
    total: Amount
    left: Amount
    currency: str
    interest: bool
    state: PlanStates
    reason: str | None
    proposed_at: datetime
    accepted_at: datetime | None
    instalments: list[PartShape]
    invoices: list[PlanInvoiceShape]


class PlanList(PageAnswer):
    """A page of plans, the newest first."""

    plans: list[PlanShape]


@promises.get("/promises")
@operation("promises:read", "List promises", "Lister les promesses", PromiseList, query=PromiseQuery)
def index(work: Work, query: PromiseQuery) -> PromiseList:
    """Promises, the newest first."""
    rows = find_promises(
        work, _NARROWED.format(id="promise_id"), "promise_id DESC LIMIT :limit", **_narrowing(work, query)
    )
    shown = [_promise(each) for each in rows[: query.limit]]
    return PromiseList(promises=shown, next_after=shown[-1].promise_id if len(rows) > query.limit else None)


@promises.get("/promises/<uuid:promise_id>")
@operation("promises:read", "Show a promise", "Voir une promesse", PromiseShape)
def show(work: Work, promise_id: UUID) -> PromiseShape:
    """One promise."""
    return _promise(get_promise(work, promise_id))


@promises.post("/promises")
@operation(
    "promises:write", "Write a promise down", "Noter une promesse", PromiseShape, status=201, body=NewPromiseShape
)
def make(work: Work, body: NewPromiseShape) -> PromiseShape:
    """Write a promise down; said twice it is one, and it takes the place of what stood before."""
    customer_id = customer_of(work, body.customer)
    wishes = {
        invoice_id: None if given is None else Money.of(given, get_invoice(work, invoice_id).currency).minor
        for invoice_id, given in body.invoices.items()
    }
    said = NewPromise(customer_id, wishes, body.promised_on, Source.COLLECTOR, body.said_by, actor())
    return _promise(make_promise(work, said))


@promises.post("/promises/<uuid:promise_id>/withdraw")
@operation("promises:write", "Take a promise back", "Retirer une promesse", PromiseShape, body=WithdrawnShape)
def withdraw(work: Work, promise_id: UUID, body: WithdrawnShape) -> PromiseShape:
    """Take a promise back that has no verdict yet; its invoices are chased again."""
    withdraw_promise(work, promise_id, actor(), body.reason)
    return _promise(get_promise(work, promise_id))


@promises.get("/plans")
@operation("promises:read", "List payment plans", "Lister les échéanciers", PlanList, query=PlanQuery)
def list_plans(work: Work, query: PlanQuery) -> PlanList:
    """Payment plans, the newest first."""
    rows = find_plans(work, _NARROWED.format(id="plan_id"), "plan_id DESC LIMIT :limit", **_narrowing(work, query))
    shown = [_plan(each) for each in rows[: query.limit]]
    return PlanList(plans=shown, next_after=shown[-1].plan_id if len(rows) > query.limit else None)


@promises.get("/plans/<uuid:plan_id>")
@operation("promises:read", "Show a payment plan", "Voir un échéancier", PlanShape)
def show_plan(work: Work, plan_id: UUID) -> PlanShape:
    """One payment plan with its instalments as they stand."""
    return _plan(get_plan(work, plan_id))


def _narrowing(work: Work, query: PromiseQuery | PlanQuery) -> dict[str, Any]:
    return {
        "state": query.state,
        "customer": customer_of(work, query.customer) if query.customer else None,
        "after": query.after,
        "limit": query.limit + 1,
    }


def _promise(promise: Promise) -> PromiseShape:
    currency = promise.currency
    return PromiseShape(
        promise_id=promise.promise_id,
        customer_id=promise.customer_id,
        source=promise.source.value,
        said_by=promise.said_by,
        amount=written(promise.amount_minor, currency),
        currency=currency,
        promised_on=promise.promised_on,
        judged_on=promise.judged_on,
        state=promise.state.value,
        kept=written(promise.kept_minor, currency),
        reason=promise.reason,
        made_at=promise.made_at,
        invoices=[
            PromisedShape(
                invoice_id=each.invoice_id,
                amount=written(each.amount_minor, currency),
                open=written(each.open_minor, currency),
                came=written(each.since_minor, currency),
            )
            for each in promise.invoices
        ],
    )


def _plan(plan: Plan) -> PlanShape:
    currency = plan.currency
    return PlanShape(
        plan_id=plan.plan_id,
        customer_id=plan.customer_id,
        source=plan.source.value,
        total=written(plan.total_minor, currency),
        left=written(plan.left_minor, currency),
        currency=currency,
        interest=plan.interest,
        state=plan.state.value,
        reason=plan.reason,
        proposed_at=plan.proposed_at,
        accepted_at=plan.accepted_at,
        instalments=[
            PartShape(
                position=each.position,
                due_on=each.due_on,
                amount=written(each.amount_minor, currency),
                left=written(each.left_minor, currency),
            )
            for each in plan.parts
        ],
        invoices=[
            PlanInvoiceShape(
                invoice_id=each.invoice_id,
                number=each.number,
                amount=written(each.amount_minor, currency),
                open=written(each.open_minor, currency),
            )
            for each in plan.invoices
        ],
    )
