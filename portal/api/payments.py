"""``/api/v1/payments`` and ``/api/v1/allocations``: money that came, and what it settles, by program."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 -- a model reads it
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID  # noqa: TC003 -- a model reads it

from flask import url_for
from pydantic import Field

from config.clock import today
from payments.banking.by_hand import HandReceipt, record_by_hand, warnings_on
from payments.treasury.life import find_payment, list_payments, shares_of
from portal.api.answers import answer
from portal.api.door import actor, open_blueprint
from portal.api.named import above_zero, code_of, customer_of
from portal.api.operations import operation
from portal.api.shapes import (
    Amount,
    Currency,
    CustomerRef,
    Day,
    Given,
    Input,
    Output,
    PageAnswer,
    PageQuery,
    Text,
    Word,
    written,
)
from receivables.domain.money import Money
from receivables.errors import NotFoundError
from receivables.services.settlement.lettering_by_hand import LetterLines, letter_lines

if TYPE_CHECKING:
    from flask import Response

    from payments.treasury.life import PaymentLine, Share
    from receivables.store.work import Work

payments = open_blueprint("api_payments")


class PaymentQuery(PageQuery):
    """Which payments."""

    customer: CustomerRef | None = None
    state: Annotated[
        Literal["processing", "succeeded", "failed", "returned", "credit", "open"] | None,
        Field(description="`credit`: money that no invoice took; `returned`: money that went back."),
    ] = None
    q: Annotated[Text, Field(max_length=80, description="Part of its reference, its customer or an invoice.")] = ""


class PaymentShape(Output):
    """A payment by whatever road."""

    payment_id: UUID
    customer_id: UUID
    customer_name: str
    road: str
    method: str
    provider: str | None
    state: str
    failure_code: str | None
    reference: str | None
    amount: Amount
    received: Amount
    returned: Amount
    credit: Annotated[Amount, Field(description="Received, and taken by no invoice.")]
    currency: str
    at: datetime
    changed_at: datetime
    invoices: list[str]


class PaymentList(PageAnswer):
    """A page of payments, the newest first."""

    payments: list[PaymentShape]


class ShareShape(Output):
    """What a payment settles of one invoice."""

    invoice_id: UUID
    number: str
    aimed: Amount
    settled: Amount
    open: Amount
    letters: str | None


class PaymentShown(PaymentShape):
    """A payment, invoice by invoice."""

    allocations: list[ShareShape]


class NewPayment(Input):
    """A payment that no provider and no bank file tells: a cheque, cash, or a transfer before its statement.

    The statement's own line finds a transfer told here instead of doubling it.
    """

    kind: Literal["cheque", "cash", "transfer"]
    customer: CustomerRef
    amount: Given
    currency: Currency = "EUR"
    received_on: Day | None = None
    reference: Annotated[
        Word, Field(description="Cheque number or your own key: the same kind, customer and reference is one payment.")
    ]
    account: Annotated[Text, Field(description="Of a transfer: our IBAN that it came to.")] = ""
    drawer: Text = ""
    allocations: Annotated[
        dict[UUID, Given], Field(description="Amounts by invoice id; without it, the oldest due first.", max_length=200)
    ] = {}  # noqa: RUF012 -- Pydantic copies it


class NoticedShape(Output):
    """A payment that was written down, and what the law says of it."""

    payment: PaymentShown
    warnings: list[str]
    warnings_fr: list[str]


class AllocationQuery(PageQuery):
    """Which allocations."""

    customer: CustomerRef | None = None
    invoice: Annotated[UUID | None, Field(description="Of this invoice alone.")] = None


class AllocationShape(Output):
    """An amount of a credit (receipt, credit note) that settles an amount of a debit (invoice, refund)."""

    allocation_id: UUID
    customer_id: UUID
    amount: Annotated[Amount, Field(description="Below zero: an allocation that was taken back.")]
    currency: str
    debit_reference: str
    credit_reference: str
    invoice_id: UUID | None
    payment_id: UUID | None
    credit_note_id: UUID | None
    allocated_on: date
    created_at: datetime


class AllocationList(PageAnswer):
    """A page of allocations, the newest first."""

    allocations: list[AllocationShape]


class NewAllocation(Input):
    """Credits of a customer that settle invoices of theirs: the oldest credit on the oldest invoice."""

    customer: CustomerRef
    invoices: Annotated[list[UUID], Field(min_length=1, max_length=200)]
    payments: Annotated[list[UUID], Field(max_length=200)] = []  # noqa: RUF012 -- Pydantic copies it
    credit_notes: Annotated[list[UUID], Field(max_length=200)] = []  # noqa: RUF012 -- Pydantic copies it


class AllocatedShape(Output):
    """How much was settled."""

    customer: str
    allocated_minor: Annotated[int, Field(description="In cents.")]


@payments.get("/payments")
@operation("payments:read", "List payments", "Lister les paiements", PaymentList, query=PaymentQuery)
def index(work: Work, query: PaymentQuery) -> PaymentList:
    """Payments by every road, the newest first."""
    rows = list_payments(
        work,
        state=query.state,
        wanted=query.q,
        customer_id=customer_of(work, query.customer) if query.customer else None,
        after=query.after,
        limit=query.limit,
    )
    return PaymentList(
        payments=[PaymentShape(**_facts(each)) for each in rows[: query.limit]],
        next_after=rows[query.limit - 1].attempt_id if len(rows) > query.limit else None,
    )


@payments.get("/payments/<uuid:payment_id>")
@operation("payments:read", "Show a payment", "Voir un paiement", PaymentShown)
def show(work: Work, payment_id: UUID) -> PaymentShown:
    """One payment, with what it settles."""
    return _shown(work, payment_id)


@payments.post("/payments")
@operation(
    "payments:write",
    "Write a payment down",
    "Enregistrer un paiement",
    NoticedShape,
    status=201,
    body=NewPayment,
    example={"kind": "cheque", "customer": "C00012", "amount": "1200.00", "reference": "CHQ 0042137"},
)
def record(work: Work, body: NewPayment) -> Response:
    """Write a cheque, cash or a transfer down; told twice under one reference it is one payment."""
    receipt = read_receipt(work, body)
    kept = record_by_hand(work, receipt, actor())
    said = warnings_on(work, receipt)
    told = NoticedShape(
        payment=_shown(work, kept.attempt_id),
        warnings=[english for english, _ in said],
        warnings_fr=[french for _, french in said],
    )
    response = answer(told.model_dump(mode="json"), 201)
    response.headers["Location"] = url_for("api_payments.show", payment_id=kept.attempt_id)
    return response


@payments.get("/allocations")
@operation("payments:read", "List allocations", "Lister les affectations", AllocationList, query=AllocationQuery)
def allocations(work: Work, query: AllocationQuery) -> AllocationList:
    """What settles what, the newest first: lettering, amount by amount."""
    rows = work.rows(
        "SELECT allocation.allocation_id, debit.customer_id, allocation.amount_minor, debit.currency, "
        "debit.reference AS debit_reference, credit.reference AS credit_reference, debit.invoice_id, "
        "credit.attempt_id AS payment_id, credit.invoice_id AS credit_note_id, "
        "allocation.effective_on AS allocated_on, "
        "allocation.created_at FROM allocations AS allocation "
        "JOIN receivable_items AS debit ON debit.supplier_id = :supplier "
        "AND debit.posting_id = allocation.debit_posting_id "
        "JOIN receivable_items AS credit ON credit.supplier_id = :supplier "
        "AND credit.posting_id = allocation.credit_posting_id WHERE allocation.supplier_id = :supplier "
        "AND (CAST(:customer AS uuid) IS NULL OR allocation.customer_id = :customer) "
        "AND (CAST(:invoice AS uuid) IS NULL OR debit.invoice_id = :invoice OR credit.invoice_id = :invoice) "
        "AND (CAST(:after AS uuid) IS NULL OR allocation.allocation_id < :after) "
        "ORDER BY allocation.allocation_id DESC LIMIT :limit",
        customer=customer_of(work, query.customer) if query.customer else None,
        invoice=query.invoice,
        after=query.after,
        limit=query.limit + 1,
    )
    return AllocationList(
        allocations=[
            AllocationShape(
                amount=written(row["amount_minor"], row["currency"]),
                **{name: value for name, value in row.items() if name != "amount_minor"},
            )
            for row in rows[: query.limit]
        ],
        next_after=rows[query.limit - 1]["allocation_id"] if len(rows) > query.limit else None,
    )


@payments.post("/allocations")
@operation(
    "payments:write",
    "Settle invoices by credits",
    "Affecter des crédits à des factures",
    AllocatedShape,
    status=201,
    body=NewAllocation,
)
def allocate(work: Work, body: NewAllocation) -> AllocatedShape:
    """Let payments and credit notes of a customer settle invoices of theirs."""
    customer_id = customer_of(work, body.customer)
    command = LetterLines(
        customer_id=customer_id,
        invoice_ids=tuple(body.invoices),
        credit_keys=(
            *(f"payment:{each}" for each in body.payments),
            *(f"note:{each}" for each in body.credit_notes),
        ),
        actor=actor(),
    )
    return AllocatedShape(customer=code_of(work, customer_id), allocated_minor=letter_lines(work, command))


def read_receipt(work: Work, body: NewPayment) -> HandReceipt:
    """What a call says of a payment.

    Raises:
        NotFoundError: ``customer.not_found``.
        CallRefusedError, MoneyError: an amount that cannot be.
    """
    currency = body.currency
    return HandReceipt(
        kind=body.kind,
        customer_id=customer_of(work, body.customer),
        amount_minor=above_zero(body.amount, currency),
        currency=currency,
        received_on=body.received_on or today(),
        reference=body.reference,
        aims={invoice: Money.of(part, currency).minor for invoice, part in body.allocations.items()},
        drawer=body.drawer,
        account=body.account,
    )


def _shown(work: Work, payment_id: UUID) -> PaymentShown:
    payment = find_payment(work, payment_id)
    if payment is None:
        raise NotFoundError("payment.not_found", "There is no such payment.", "Ce paiement n'existe pas.")
    shares = [_share(each, payment.currency) for each in shares_of(work, payment_id)]
    return PaymentShown(**_facts(payment), allocations=shares)


def _facts(line: PaymentLine) -> dict[str, Any]:
    currency = line.currency
    return {
        "payment_id": line.attempt_id,
        "customer_id": line.customer_id,
        "customer_name": line.customer_name,
        "road": line.road,
        "method": line.method,
        "provider": line.provider,
        "state": line.state,
        "failure_code": line.failure_code,
        "reference": line.payment_ref,
        "amount": written(line.amount_minor, currency),
        "received": written(line.received_minor, currency),
        "returned": written(line.returned_minor, currency),
        "credit": written(line.credit_minor, currency),
        "currency": currency,
        "at": line.at,
        "changed_at": line.changed_at,
        "invoices": list(line.invoices),
    }


def _share(share: Share, currency: str) -> ShareShape:
    return ShareShape(
        invoice_id=share.invoice_id,
        number=share.number,
        aimed=written(share.aimed_minor, currency),
        settled=written(share.settled_minor, currency),
        open=written(share.open_minor, currency),
        letters=share.letters,
    )
