"""The invoice as EN 16931 sees it: one immutable value per business group (BG), one field per business term (BT).

Every syntax (CII, UBL, Factur-X, our JSON) is read into this model and written from it. Amounts are ``Decimal`` with
at most two decimals (the norm's *Amount* type), prices and quantities ``Decimal`` with more; none is ever a float.
Dates are legal days (Europe/Paris). A term that is absent is ``None`` or an empty tuple, never an empty string.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date  # noqa: TC003 -- read at run time where documents are kept as JSON
from decimal import Decimal  # noqa: TC003 -- same
from enum import StrEnum
from typing import ClassVar

from receivables.domain.invoices import CREDIT_NOTES

FRENCH_VAT_TERRITORY = frozenset({"FR", "GP", "MQ", "RE"})
"""Countries (BT-40, BT-55) between which trade is domestic: CGI 294 leaves out Guyane (GF) and Mayotte (YT), and the
collectivities have no French VAT."""

SIREN_SCHEME = "0002"
SIRET_SCHEME = "0009"
FRENCH_ADDRESS_SCHEME = "0225"
"""ISO 6523 schemes: SIREN, SIRET and the French electronic address."""


class TaxPoint(StrEnum):
    """When VAT falls due (BT-8, date d'exigibilité), named apart from the codes each syntax gives it."""

    INVOICE = "invoice"
    """On the invoice date: the seller took the option *d'après les débits* (CII 5, UBL 3)."""
    DELIVERY = "delivery"
    """On delivery (CII 29, UBL 35)."""
    PAYMENT = "payment"
    """On collection (*encaissements*; CII 72, UBL 432)."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A value with the ISO 6523 / EAS scheme that gives it sense, e.g. ``("732829320", "0002")``."""

    value: str
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """BG-1: a note (BT-22) with its subject code (BT-21), e.g. PMT, PMD, AAB, REG."""

    text: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class PrecedingInvoice:
    """BG-3: the invoice that this one credits, corrects or completes (BT-25, BT-26)."""

    number: str
    issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """BG-5, BG-8, BG-12, BG-15: postal address. ``country`` is ISO 3166-1 alpha-2."""

    country: str
    line1: str | None = None
    line2: str | None = None
    line3: str | None = None
    postcode: str | None = None
    city: str | None = None
    subdivision: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """BG-6, BG-9: contact point. BT-41/BT-56 is a person, a department, or (in CII only) both apart."""

    name: str | None = None
    department: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """BG-4 seller (vendeur) or BG-7 buyer (acheteur).

    ``legal_id`` is BT-30/BT-47 (SIREN, scheme 0002), ``identifiers`` BT-29/BT-46 (SIRET, scheme 0009, ...),
    ``endpoint`` BT-34/BT-49 (electronic address), ``vat_id`` BT-31/BT-48, ``tax_id`` BT-32, ``legal_form`` BT-33.
    """

    name: str
    address: Address
    trading_name: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    legal_id: Identifier | None = None
    vat_id: str | None = None
    tax_id: str | None = None
    legal_form: str | None = None
    endpoint: Identifier | None = None
    contact: Contact | None = None

    @property
    def siren(self) -> str | None:
        """The SIREN (nine digits) where the legal id has scheme 0002."""
        return self.legal_id.value if self.legal_id and self.legal_id.scheme == SIREN_SCHEME else None


@dataclass(frozen=True, slots=True)
class Payee:
    """BG-10: who is to be paid when it is not the seller, e.g. a factor (affactureur)."""

    name: str
    identifier: Identifier | None = None
    legal_id: Identifier | None = None


@dataclass(frozen=True, slots=True)
class TaxRepresentative:
    """BG-11: the seller's tax representative (représentant fiscal)."""

    name: str
    vat_id: str
    address: Address


@dataclass(frozen=True, slots=True)
class Delivery:
    """BG-13 to BG-15: where and when the supply took place (BT-70 to BT-80)."""

    name: str | None = None
    location: Identifier | None = None
    delivered_on: date | None = None
    period_start: date | None = None
    period_end: date | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class CreditAccount:
    """BG-17: account to be credited (BT-84 IBAN or other number, BT-85 holder, BT-86 BIC)."""

    number: str
    holder: str | None = None
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentInstructions:
    """BG-16 to BG-19: how to pay. One code for the whole invoice (CII-SR-467, UBL-SR-47)."""

    means_code: str
    means_text: str | None = None
    remittance: str | None = None
    accounts: tuple[CreditAccount, ...] = ()
    card_number: str | None = None
    card_holder: str | None = None
    mandate_reference: str | None = None
    creditor_id: str | None = None
    debited_account: str | None = None


@dataclass(frozen=True, slots=True)
class AllowanceCharge:
    """BG-20, BG-21 (document) and BG-27, BG-28 (line): allowance (remise) or charge (frais).

    ``vat_category`` and ``vat_rate`` stand at document level only.
    """

    is_charge: bool
    amount: Decimal
    base_amount: Decimal | None = None
    percent: Decimal | None = None
    reason: str | None = None
    reason_code: str | None = None
    vat_category: str | None = None
    vat_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """BG-22: document totals (BT-106 to BT-115)."""

    lines: Decimal
    without_vat: Decimal
    with_vat: Decimal
    payable: Decimal
    allowances: Decimal | None = None
    charges: Decimal | None = None
    vat: Decimal | None = None
    vat_accounting: Decimal | None = None
    prepaid: Decimal | None = None
    rounding: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VatBreakdown:
    """BG-23: one row of the VAT table (BT-116 to BT-121). ``rate`` is in percent, e.g. ``Decimal("20")``."""

    taxable: Decimal
    tax: Decimal
    category: str
    rate: Decimal | None
    exemption_reason: str | None = None
    exemption_code: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """BG-24: supporting document: BT-122 reference, BT-123 description, BT-124 URL, BT-125 content."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}
    """How content is kept as JSON (see ``einvoice.kept``)."""

    reference: str
    description: str | None = None
    url: str | None = None
    content: bytes | None = None
    mime: str | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class ItemAttribute:
    """BG-32: name and value of an item property."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Classification:
    """BT-158: item class with its list (BT-158-1) and version (BT-158-2)."""

    code: str
    scheme: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """BG-25: invoice line (BT-126 to BT-161). ``unit`` is a UN/ECE rec. 20 code, e.g. ``C62`` (piece), ``HUR``.

    EXTENDED profiles have sub-lines: ``kind`` is then GROUP, DETAIL or INFORMATION (EXT-FR-FE-163) and
    ``parent_line`` the line above (EXT-FR-FE-162). Only a line with ``counts`` false may come without quantity, unit,
    price or VAT category; it is not part of the sum of lines.
    """

    line_id: str
    name: str
    quantity: Decimal | None
    unit: str | None
    net_price: Decimal | None
    net_amount: Decimal
    vat_category: str | None
    vat_rate: Decimal | None = None
    kind: str | None = None
    parent_line: str | None = None
    note: str | None = None
    description: str | None = None
    object_id: Identifier | None = None
    order_line: str | None = None
    accounting_reference: str | None = None
    period_start: date | None = None
    period_end: date | None = None
    allowances_charges: tuple[AllowanceCharge, ...] = ()
    gross_price: Decimal | None = None
    price_discount: Decimal | None = None
    price_base_quantity: Decimal | None = None
    price_base_unit: str | None = None
    seller_item_id: str | None = None
    buyer_item_id: str | None = None
    standard_item_id: Identifier | None = None
    classifications: tuple[Classification, ...] = ()
    origin_country: str | None = None
    attributes: tuple[ItemAttribute, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether BT-131 is part of BT-106: GROUP lines repeat their details, INFORMATION lines cost nothing."""
        return self.kind not in {"GROUP", "INFORMATION"}


@dataclass(frozen=True, slots=True)
class Document:
    """The whole invoice (facture) or credit note (avoir).

    ``type_code`` BT-3, ``process`` BT-23 (cadre de facturation, B1, S1, M1 ...), ``profile`` BT-24.
    """

    number: str
    issued_on: date
    type_code: str
    currency: str
    seller: Party
    buyer: Party
    totals: Totals
    vat: tuple[VatBreakdown, ...]
    lines: tuple[Line, ...] = ()
    process: str | None = None
    profile: str = "urn:cen.eu:en16931:2017"
    accounting_currency: str | None = None
    tax_point_date: date | None = None
    tax_point: TaxPoint | None = None
    due_on: date | None = None
    buyer_reference: str | None = None
    project_reference: str | None = None
    contract_reference: str | None = None
    purchase_order: str | None = None
    sales_order: str | None = None
    receiving_advice: str | None = None
    despatch_advice: str | None = None
    tender_reference: str | None = None
    object_id: Identifier | None = None
    accounting_reference: str | None = None
    payment_terms: str | None = None
    notes: tuple[Note, ...] = ()
    preceding: tuple[PrecedingInvoice, ...] = ()
    payee: Payee | None = None
    tax_representative: TaxRepresentative | None = None
    delivery: Delivery | None = None
    payment: PaymentInstructions | None = None
    allowances_charges: tuple[AllowanceCharge, ...] = ()
    attachments: tuple[Attachment, ...] = field(default=())

    @property
    def is_credit_note(self) -> bool:
        """Whether BT-3 is a credit note's code, so that the amounts reduce what is owed."""
        return self.type_code in CREDIT_NOTES
