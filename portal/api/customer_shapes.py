"""What the API takes and gives about customers."""

from __future__ import annotations

from datetime import date  # noqa: TC003 -- a model reads it
from typing import Annotated, Literal
from uuid import UUID  # noqa: TC003 -- a model reads it

from pydantic import ConfigDict, Field, Strict

from portal.api.shapes import DEFAULT_PAGE, Amount, Input, Limit, Output, Text, Word

KindOf = Literal["business", "public", "consumer"]
Spoken = Literal["fr", "en"]
AccountCode = Annotated[str, Field(examples=["C00012"])]


class AddressShape(Input):
    """Where a customer is (BG-8)."""

    line1: Text | None = None
    line2: Text | None = None
    postcode: Text | None = None
    city: Text | None = None
    country: Annotated[Text, Field(description="ISO 3166-1, two letters.", examples=["FR"])] = "FR"


class TermsShape(Input):
    """When a customer pays by agreement."""

    days: Annotated[int, Strict(), Field(ge=0, le=365, examples=[30])]
    counted_from: Annotated[
        Literal["invoice", "month_end", "then_month_end"],
        Field(description="After the invoice; after the end of its month; after the invoice, then to the month's end."),
    ] = "invoice"


class CustomerChange(Input):
    """What is said of a customer; what is left out stays as it is, `null` takes it away."""

    name: Word | None = None
    kind: KindOf | None = None
    siren: Annotated[Text | None, Field(examples=["732829320"])] = None
    vat_id: Annotated[Text | None, Field(examples=["FR44732829320"])] = None
    siret: Text | None = None
    endpoint: Annotated[Text | None, Field(description="BT-49 in scheme 0225, where it is not the directory's.")] = None
    email: Annotated[Text | None, Field(examples=["compta@martin.example"])] = None
    phone: Text | None = None
    language: Spoken | None = None
    address: AddressShape | None = None
    service_code: Annotated[Text | None, Field(description="Of a public body (BT-10).")] = None
    engagement: Annotated[Text | None, Field(description="Of a public body (BT-13).")] = None
    terms: TermsShape | None = None


class NewCustomer(CustomerChange):
    """A new customer; French companies have a SIREN."""

    name: Word
    kind: KindOf = "business"
    language: Spoken = "fr"


class CustomerQuery(Input):
    """Which customers."""

    q: Annotated[Text, Field(max_length=80, description="Part of name, account, SIREN, VAT number or e-mail.")] = ""
    kind: KindOf | None = None
    limit: Limit = DEFAULT_PAGE
    after: Annotated[
        Text, Field(max_length=20, description="`next_after` of the page before; without it, the first page.")
    ] = ""


class CustomerLineShape(Output):
    """A customer in a list."""

    customer_id: UUID
    account_code: AccountCode
    name: str
    kind: KindOf
    siren: str | None
    vat_id: str | None
    city: str | None
    email: str | None
    open: Annotated[str, Field(description="What they owe in euros, less their credits.")]


class CustomerList(Output):
    """A page of customers, by account."""

    customers: list[CustomerLineShape]
    next_after: str | None


class AddressShown(Output):
    """Where a customer is."""

    line1: str | None
    line2: str | None
    postcode: str | None
    city: str | None
    country: str


class CreditShape(Output):
    """A credit note or a receipt that no invoice has taken."""

    kind: str
    reference: str
    date: date
    amount: Amount
    open: Amount
    currency: str
    invoice_id: UUID | None
    payment_id: UUID | None


class CustomerShown(Output):
    """A customer: what is open by currency, and their credits, oldest first."""

    model_config = ConfigDict(extra="forbid")

    customer_id: UUID
    account_code: AccountCode
    name: str
    siren: str | None
    kind: KindOf
    vat_id: str | None
    siret: str | None
    endpoint: str | None
    email: str | None
    phone: str | None
    language: Spoken
    address: AddressShown
    service_code: str | None
    engagement: str | None
    terms: Annotated[TermsShape | None, Field(description="`null`: the supplier's usual terms.")]
    open: Annotated[dict[str, str], Field(description="By currency; below zero where we owe them.")]
    credits: list[CreditShape]
