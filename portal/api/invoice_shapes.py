"""What the API takes and gives about invoices and credit notes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from portal.api.shapes import Amount, CustomerRef, Input, Output, PageAnswer, PageQuery, Text

State = Literal[
    "due", "late", "part_paid", "planned", "in_flight", "paid", "credited", "assigned", "cancelled", "refused",
    "rejected", "credit_open", "credit_used",
]  # fmt: skip
"""Where an invoice stands, from what is open of it."""


class IssueQuery(Input):
    """How an invoice is issued."""

    format: Annotated[
        Text | None, Field(description="`facturx`, `cii` or `ubl`: the file that goes out. Without it, what fits.")
    ] = None


class InvoiceListQuery(PageQuery):
    """Which invoices."""

    customer: CustomerRef | None = None
    show: Annotated[
        Literal["all", "to_pay", "late", "in_flight", "paid", "credits"],
        Field(description="`credits` are credit notes; `paid` includes what was credited."),
    ] = "all"
    q: Annotated[Text, Field(max_length=80, description="Part of the number, the customer or the reference.")] = ""


class InvoiceLineShape(Output):
    """An invoice in a list."""

    invoice_id: UUID
    number: str
    credit_note: bool
    customer_id: UUID
    customer_name: str
    issue_date: date
    due_date: date
    currency: str
    total_with_vat: Amount
    open: Annotated[Amount, Field(description="What is not settled yet; of a credit note, what is left of it.")]
    in_flight: Annotated[Amount, Field(description="On its way by debit or transfer: neither paid nor asked for.")]
    state: State
    disputed: bool
    url: str


class InvoiceList(PageAnswer):
    """A page of invoices, the newest first."""

    invoices: list[InvoiceLineShape]


class InvoiceBase(BaseModel):
    """What is said of every invoice."""

    model_config = ConfigDict(extra="forbid")

    invoice_id: UUID
    number: Annotated[str, Field(examples=["F2026-00042"])]
    type_code: Annotated[
        str, Field(description="UNTDID 1001: 380, 381 (credit note), 384 (corrective), 386 (deposit).")
    ]
    issue_date: date
    due_date: date
    currency: str
    total_with_vat: Amount
    amount_due: Amount
    pay_url: Annotated[str, Field(description="The payment page of this invoice.")]
    routing: Annotated[dict[str, Any], Field(description="By which road it goes, and why (docs/directory.md).")]


class FileShape(Output):
    """A file of an invoice, as archived."""

    form: str
    filename: str
    sha256: str
    url: str


class IssuedInvoice(InvoiceBase):
    """An invoice that was issued now."""

    files: list[FileShape]
    warnings: Annotated[list[dict[str, Any]], Field(description="What the rules would have liked better.")]


class StatusShape(Output):
    """A status of the life cycle."""

    code: str
    direction: str
    set_at: datetime
    amounts: Any


class CustomerNamed(Output):
    """Whose it is."""

    account_code: str
    name: str


class InvoiceShown(InvoiceBase):
    """An invoice as it stands now."""

    state: str
    open: Annotated[
        str, Field(description="Signed: below zero where more was paid than it asks for, or what a credit note holds.")
    ]
    customer: CustomerNamed
    in_flight: Amount
    statuses: list[StatusShape]


class CreditLine(Input):
    """What to credit of a line: `quantity` or `amount` (without VAT); neither: all of it."""

    quantity: Annotated[str | None, Field(examples=["2"])] = None
    amount: Annotated[str | None, Field(examples=["120.00"])] = None


class CreditNoteOrder(Input):
    """What to credit: `lines` by number, or an `amount` with VAT, or with neither the whole."""

    lines: dict[str, CreditLine] | None = None
    amount: Annotated[str | None, Field(examples=["120.00"])] = None
    reason: str | None = None
