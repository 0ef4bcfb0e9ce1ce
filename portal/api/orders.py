"""``/api/v1/orders`` and ``/api/v1/deliveries``: what the order system tells before there is an invoice, by program."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 -- a model reads it
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID  # noqa: TC003 -- a model reads it

from pydantic import ConfigDict, Field, Strict

from config.clock import today
from portal.api.credit import DecisionShape, tell_decision
from portal.api.door import actor, open_blueprint
from portal.api.named import above_zero, code_of, customer_of
from portal.api.operations import operation
from portal.api.shapes import (
    GREATEST,
    Amount,
    Currency,
    CustomerRef,
    Day,
    Given,
    Input,
    Output,
    PageQuery,
    Text,
    Whole,
    Word,
    Yes,
    written,
)
from receivables.domain.money import Money
from receivables.domain.risk.commitments import DELIVERY, ORDER, NamedCommitment
from receivables.errors import NotFoundError
from receivables.services.risk.deciding import AskDecision, decide_credit
from receivables.services.risk.ordering import (
    TellCommitment,
    close_commitment,
    reopen_commitment,
    say_what_for,
    tell_commitment,
)
from receivables.store.invoicing.invoices import find_by_number
from receivables.store.risk.commitments import get_commitment, list_commitments, versions_of

if TYPE_CHECKING:
    from receivables.store.risk.commitments import Told
    from receivables.store.work import Work

orders = open_blueprint("api_orders")

KINDS = {"orders": ORDER, "deliveries": DELIVERY}
EITHER = "<any(orders, deliveries):which>"


class TellOrder(Input):
    """An order or a delivery, or another version of it. Amounts include VAT."""

    reference: Annotated[Word, Field(examples=["CMD-118"])]
    customer: CustomerRef
    amount: Given
    currency: Currency = "EUR"
    date: Day | None = None
    version: Annotated[Whole | None, Field(description="The highest counts, whichever comes last.")] = None
    effective_on: Day | None = None
    state: Text = "open"
    reason: Text | None = None
    order: Annotated[Text | None, Field(description="Of a delivery: the order that it belongs to.")] = None
    buyer_reference: Annotated[Text | None, Field(description="Of an order: the customer's own number.")] = None
    weight_percent: Annotated[Whole | None, Field(description="Of an order: how firm it is, 0 to 100.")] = None


class OrderQuery(PageQuery):
    """Which orders or deliveries."""

    customer: CustomerRef | None = None
    left: Annotated[Yes | None, Field(description="`1`: those of which something is left alone.")] = None


class Why(Input):
    """Why it is closed or opened again."""

    reason: Text = ""


class ForInvoice(Input):
    """The issued invoice that is for it; `amount` of it, or all."""

    number: Annotated[Word, Field(examples=["F2026-00042"])]
    year: Annotated[int, Strict(), Field(ge=1, le=GREATEST, examples=[2026])]
    amount: Given | None = None


class OrderShape(Output):
    """An order or a delivery as it stands."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=False)

    reference: str
    customer: str
    currency: str
    amount: Amount
    left: Annotated[Amount, Field(description="Neither delivered nor invoiced.")]
    date: date
    version: int
    state: str
    order: Annotated[str | None, Field(description="Of a delivery.")] = None
    buyer_reference: Annotated[str | None, Field(description="Of an order.")] = None
    weight_percent: Annotated[int | None, Field(description="Of an order.")] = None


class OrderDecided(OrderShape):
    """It, with the credit decision about its customer as they stand now."""

    credit: DecisionShape


class VersionShape(Output):
    """One version that was told."""

    version: int
    amount: Amount
    state: str
    reason: str | None
    effective_on: date
    told_at: datetime


class OrderStory(OrderShape):
    """It, with every version that was told."""

    versions: list[VersionShape]


class OrderList(Output):
    """A page, the last told first: `orders` or `deliveries`."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=False)

    orders: list[OrderShape] | None = None
    deliveries: list[OrderShape] | None = None
    next_after: UUID | None


@orders.post(f"/{EITHER}")
@operation(
    "orders:write",
    "Tell an order or a delivery",
    "Annoncer une commande ou une livraison",
    OrderDecided,
    body=TellOrder,
    example={"reference": "CMD-118", "customer": "C00012", "amount": "3840.00"},
)
def tell(work: Work, which: str, body: TellOrder) -> dict[str, Any]:
    """Tell an order or a delivery, or another version of it; the same again changes nothing.

    The answer holds the credit decision about the customer as they stand now, this order or delivery counted.
    """
    return _with_decision(work, tell_order(work, KINDS[which], body, actor()))


@orders.get(f"/{EITHER}")
@operation(
    "orders:read", "List orders or deliveries", "Lister les commandes ou les livraisons", OrderList, query=OrderQuery
)
def index(work: Work, which: str, query: OrderQuery) -> dict[str, Any]:
    """Orders or deliveries, the last told first, narrowed by ``customer`` and ``left=1``; ``after`` turns the page."""
    rows = list_commitments(
        work,
        KINDS[which],
        customer_id=customer_of(work, query.customer) if query.customer else None,
        left_only=query.left in {"1", "true"},
        after=query.after,
        limit=query.limit,
    )
    more = rows[query.limit - 1].commitment_id if len(rows) > query.limit else None
    return {which: [_told(work, each) for each in rows[: query.limit]], "next_after": more}


@orders.get(f"/{EITHER}/<path:reference>")
@operation("orders:read", "Show an order or a delivery", "Voir une commande ou une livraison", OrderStory)
def show(work: Work, which: str, reference: str) -> dict[str, Any]:
    """One order or delivery, with every version that was told."""
    told = get_commitment(work, KINDS[which], reference)
    shown = _told(work, told)
    shown["versions"] = [
        {
            "version": row["version"],
            "amount": written(row["amount_minor"], told.currency),
            "state": row["state"],
            "reason": row["reason"],
            "effective_on": row["effective_on"],
            "told_at": row["told_at"],
        }
        for row in versions_of(work, told.commitment_id)
    ]
    return shown


@orders.post(f"/{EITHER}/<path:reference>/close")
@operation(
    "orders:write", "Close an order or a delivery", "Clore une commande ou une livraison", OrderDecided, body=Why
)
def close(work: Work, which: str, reference: str, body: Why) -> dict[str, Any]:
    """Nothing more will be delivered of it, or invoiced."""
    return _with_decision(work, close_commitment(work, KINDS[which], reference, actor(), body.reason))


@orders.post(f"/{EITHER}/<path:reference>/reopen")
@operation(
    "orders:write", "Open an order or a delivery again", "Rouvrir une commande ou une livraison", OrderDecided, body=Why
)
def reopen(work: Work, which: str, reference: str, body: Why) -> dict[str, Any]:
    """It counts again, and is decided about like a new one."""
    return _with_decision(work, reopen_commitment(work, KINDS[which], reference, actor(), body.reason))


@orders.post(f"/{EITHER}/<path:reference>/invoices")
@operation(
    "orders:write",
    "Say which invoice is for it",
    "Dire quelle facture s'y rapporte",
    OrderShape,
    body=ForInvoice,
    example={"number": "F2026-00042", "year": 2026},
)
def invoiced(work: Work, which: str, reference: str, body: ForInvoice) -> dict[str, Any]:
    """Say which issued invoice is for it, where that does not (BT-13, BT-14, BT-16); ``amount`` of it, or all."""
    invoice = find_by_number(work, body.number, body.year)
    if invoice is None:
        raise NotFoundError("invoice.not_found", f"There is no invoice {body.number} of {body.year}.")
    amount = None if body.amount is None else above_zero(body.amount, invoice.currency)
    named = NamedCommitment(KINDS[which], reference)
    return _told(work, say_what_for(work, invoice, named, actor=actor(), amount_minor=amount))


def tell_order(work: Work, kind: str, body: TellOrder, actor: str) -> Told:
    """Keep what is told of an order or a delivery.

    Raises:
        ReceivablesError, MoneyError: those of ``tell_commitment``; ``customer.not_found``.
    """
    command = TellCommitment(
        kind=kind,
        reference=body.reference,
        customer_id=customer_of(work, body.customer),
        currency=body.currency,
        amount_minor=Money.of(body.amount, body.currency).minor,
        began_on=body.date or today(),
        actor=actor,
        version=body.version,
        order_reference=body.order if kind == DELIVERY else None,
        buyer_reference=body.buyer_reference if kind == ORDER else None,
        weight_percent=body.weight_percent if kind == ORDER else None,
        state=body.state,
        reason=body.reason,
        effective_on=body.effective_on,
    )
    return tell_commitment(work, command)


def _with_decision(work: Work, told: Told) -> dict[str, Any]:
    asked = AskDecision(told.customer_id, 0, actor(), told.currency, f"{told.kind} {told.reference}")
    return {**_told(work, told), "credit": tell_decision(decide_credit(work, asked))}


def _told(work: Work, told: Told) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "reference": told.reference,
        "customer": code_of(work, told.customer_id),
        "currency": told.currency,
        "amount": written(told.amount_minor, told.currency),
        "left": written(told.left_minor, told.currency),
        "date": told.began_on,
        "version": told.version,
        "state": told.state,
    }
    if told.kind == DELIVERY:
        return shown | {"order": told.order_reference}
    return shown | {"buyer_reference": told.buyer_reference, "weight_percent": told.weight_percent}
