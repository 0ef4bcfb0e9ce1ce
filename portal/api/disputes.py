"""``/api/v1/disputes``: what customers contest, and what is done about it, by program."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 -- a model reads it
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID  # noqa: TC003 -- a model reads it

from flask import g
from pydantic import Field

from config.clock import today
from portal.access.context import services
from portal.api.door import actor, open_blueprint
from portal.api.named import customer_of
from portal.api.once import read_key
from portal.api.operations import operation
from portal.api.shapes import Amount, CustomerRef, Given, Input, Lines, Output, PageAnswer, PageQuery, Text, written
from portal.mail.dispute_mails import ANSWERED, REJECTED, write_dispute_mail
from portal.staff.disputes.acts import CORRECTIVE, CREDIT, NOTHING, Actor, accept
from receivables.domain.money import Money
from receivables.services.conversations.disputing import answer_dispute, close_refusal, reject_dispute
from receivables.store.conversations.disputes import events_of, get_dispute, list_disputes
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from receivables.domain.conversations.disputes import Dispute
    from receivables.store.work import Work

disputes = open_blueprint("api_disputes")


class DisputeQuery(PageQuery):
    """Which disputes."""

    show: Literal["open", "late", "info_needed", "refused", "closed", "all"] = "open"
    customer: CustomerRef | None = None
    q: Annotated[Text, Field(max_length=80, description="Part of the invoice's number or the customer.")] = ""


class DisputeShape(Output):
    """A dispute about an invoice."""

    dispute_id: UUID
    invoice_id: UUID
    number: str
    customer_id: UUID
    reason: Annotated[str, Field(description="A reason code of the life cycle (MDT-113), docs/disputes.md.")]
    scope: Literal["whole", "lines", "amount"]
    amount: Annotated[Amount | None, Field(description="What is disputed; `null`: the whole invoice.")]
    currency: str
    lines: list[str]
    opened_from: str
    state: str
    owner: str
    answer_due_on: date
    close_due_on: date
    opened_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None


class DisputeList(PageAnswer):
    """A page of disputes: open ones first, the latest of them first."""

    disputes: list[DisputeShape]


class DisputeEventShape(Output):
    """Something said or done about it."""

    kind: str
    happened_at: datetime
    actor: str
    said: str | None
    status_code: str | None


class DisputeShown(DisputeShape):
    """A dispute with its story, in order."""

    events: list[DisputeEventShape]


class SaidToCustomer(Input):
    """What the customer is told."""

    said: Annotated[Lines, Field(examples=["Nous vérifions le bon de livraison et revenons vers vous demain."])]


class Acceptance(SaidToCustomer):
    """Give way, and the document that makes it true."""

    amount: Annotated[Given | None, Field(description="With VAT; without it, all that is disputed.")] = None
    by: Annotated[
        Literal["credit", "corrective", "nothing"],
        Field(description="A credit note, a corrective invoice in its place, or no document."),
    ] = "credit"


_BY = {"credit": CREDIT, "corrective": CORRECTIVE, "nothing": NOTHING}


@disputes.get("/disputes")
@operation("disputes:read", "List disputes", "Lister les litiges", DisputeList, query=DisputeQuery)
def index(work: Work, query: DisputeQuery) -> DisputeList:
    """Disputes, open ones first."""
    rows = list_disputes(
        work,
        choice=query.show,
        wanted=query.q,
        customer_id=customer_of(work, query.customer) if query.customer else None,
        today=today(),
        after=query.after,
        limit=query.limit,
    )
    shown = [DisputeShape(**_facts(each.dispute, each.number)) for each in rows[: query.limit]]
    return DisputeList(disputes=shown, next_after=shown[-1].dispute_id if len(rows) > query.limit else None)


@disputes.get("/disputes/<uuid:dispute_id>")
@operation("disputes:read", "Show a dispute", "Voir un litige", DisputeShown)
def show(work: Work, dispute_id: UUID) -> DisputeShown:
    """One dispute with everything said and done about it."""
    return _shown(work, dispute_id)


@disputes.post("/disputes/<uuid:dispute_id>/answer")
@operation("disputes:write", "Answer a dispute", "Répondre à un litige", DisputeShown, body=SaidToCustomer)
def answer(work: Work, dispute_id: UUID, body: SaidToCustomer) -> DisputeShown:
    """Answer the customer, by mail too; the dispute stays open."""
    dispute = answer_dispute(work, dispute_id, actor(), body.said)
    write_dispute_mail(services(), work, dispute, ANSWERED, body.said.strip(), key=_latest(work, dispute))
    return _shown(work, dispute_id)


@disputes.post("/disputes/<uuid:dispute_id>/reject")
@operation("disputes:write", "Stand by the invoice", "Maintenir la facture", DisputeShown, body=SaidToCustomer)
def reject(work: Work, dispute_id: UUID, body: SaidToCustomer) -> DisputeShown:
    """Stand by the invoice and tell the customer why."""
    dispute = reject_dispute(work, dispute_id, actor(), body.said)
    write_dispute_mail(services(), work, dispute, REJECTED, body.said.strip())
    return _shown(work, dispute_id)


@disputes.post("/disputes/<uuid:dispute_id>/close")
@operation("disputes:write", "Close a refusal", "Clore un refus", DisputeShown, body=SaidToCustomer)
def close(work: Work, dispute_id: UUID, body: SaidToCustomer) -> DisputeShown:
    """Say that a refused invoice is dealt with; other disputes are accepted or rejected."""
    close_refusal(work, dispute_id, actor(), body.said)
    return _shown(work, dispute_id)


@disputes.post("/disputes/<uuid:dispute_id>/accept")
@operation("disputes:write", "Accept a dispute", "Accepter un litige", DisputeShown, body=Acceptance)
def give_way(dispute_id: UUID, body: Acceptance) -> DisputeShown:
    """Give way, for an amount or all that is disputed; the credit note or corrective invoice is issued with it."""
    works = services().works
    with works.begin(g.supplier_id) as work:
        dispute = get_dispute(work, dispute_id)
        amount = None if body.amount is None else Money.of(body.amount, dispute.currency).minor
        if not dispute.is_open and read_key():  # a repeated call finds what it has done
            return _shown(work, dispute_id)
    who = Actor(services(), g.supplier_id, actor(), read_key() or str(dispute_id))
    accept(who, dispute_id, body.said, amount, by=_BY[body.by])
    with works.begin(g.supplier_id) as work:
        return _shown(work, dispute_id)


def _latest(work: Work, dispute: Dispute) -> str:
    """A key for the mail of the answer that was just given."""
    return f"api {len(events_of(work, dispute.invoice_id)[dispute.dispute_id])}"


def _shown(work: Work, dispute_id: UUID) -> DisputeShown:
    dispute = get_dispute(work, dispute_id)
    number = get_invoice(work, dispute.invoice_id).number
    told = events_of(work, dispute.invoice_id).get(dispute.dispute_id, [])
    events = [
        DisputeEventShape(
            kind=each.kind.value,
            happened_at=each.happened_at,
            actor=each.actor,
            said=each.said,
            status_code=each.status_code,
        )
        for each in told
    ]
    return DisputeShown(**_facts(dispute, number), events=events)


def _facts(dispute: Dispute, number: str) -> dict[str, Any]:
    return {
        "dispute_id": dispute.dispute_id,
        "invoice_id": dispute.invoice_id,
        "number": number,
        "customer_id": dispute.customer_id,
        "reason": dispute.reason,
        "scope": dispute.scope.value,
        "amount": None if dispute.amount_minor is None else written(dispute.amount_minor, dispute.currency),
        "currency": dispute.currency,
        "lines": list(dispute.line_ids),
        "opened_from": dispute.opened_from.value,
        "state": dispute.state.value,
        "owner": dispute.owner,
        "answer_due_on": dispute.answer_due_on,
        "close_due_on": dispute.close_due_on,
        "opened_at": dispute.opened_at,
        "answered_at": dispute.answered_at,
        "closed_at": dispute.closed_at,
    }
