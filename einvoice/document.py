"""The invoice as EN 16931 sees it: one immutable value per business group (BG), one field per business term (BT).

Every syntax (CII, UBL, Factur-X, our JSON) is read into this model and written from it. Amounts are ``Decimal`` with
at most two decimals (the norm's *Amount* type), prices and quantities ``Decimal`` with more; none is ever a float.
Dates are legal days (Europe/Paris). A term that is absent is ``None`` or an empty tuple, never an empty string.

Beside the norm's terms stand those of the French extension (EXT-FR-FE), which only the EXTENDED profiles carry; all
are absent by default, and ``einvoice.formats.profiles.extended_terms`` names those that a document uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 -- read at run time where documents are kept as JSON
from decimal import Decimal  # noqa: TC003 -- same
from enum import StrEnum
from typing import ClassVar

from einvoice.document_parties import (
    FRENCH_ADDRESS_SCHEME,
    SIREN_SCHEME,
    SIRET_SCHEME,
    Address,
    Contact,
    Identifier,
    Party,
    Payee,
    TaxRepresentative,
    ThirdParty,
)
from receivables.domain.invoicing.invoices import CREDIT_NOTES

__all__ = [
    "FRENCH_ADDRESS_SCHEME",
    "SIREN_SCHEME",
    "SIRET_SCHEME",
    "Address",
    "Contact",
    "Identifier",
    "Party",
    "Payee",
    "TaxRepresentative",
    "ThirdParty",
]
"""Only what stands in ``einvoice.document_parties``: who needs the document finds its parties here too."""

FRENCH_VAT_TERRITORY = frozenset({"FR", "GP", "MQ", "RE"})
"""Countries (BT-40, BT-55) between which trade is domestic: CGI 294 leaves out Guyane (GF) and Mayotte (YT), and the
collectivities have no French VAT."""


class TaxPoint(StrEnum):
    """When VAT falls due (BT-8, date d'exigibilité), named apart from the codes each syntax gives it."""

    INVOICE = "invoice"
    """On the invoice date: the seller took the option *d'après les débits* (CII 5, UBL 3)."""
    DELIVERY = "delivery"
    """On delivery (CII 29, UBL 35)."""
    PAYMENT = "payment"
    """On collection (*encaissements*; CII 72, UBL 432)."""


@dataclass(frozen=True, slots=True)
class Note:
    """BG-1: a note (BT-22) with its subject code (BT-21), e.g. PMT, PMD, AAB, REG."""

    text: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class PrecedingInvoice:
    """BG-3: the invoice that this one credits, corrects or completes (BT-25, BT-26).

    EXTENDED adds its type code (EXT-FR-FE-02), and a reference of a single line (EXT-FR-FE-136 to -139, facture
    antérieure à la ligne), which alone may name the ``line`` referred to.
    """

    number: str
    issued_on: date | None = None
    type_code: str | None = None
    line: str | None = None


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
class LineDelivery:
    """EXT-FR-FE-BG-10 and -BG-11: where (EXT-FR-FE-146 to -157) and when (EXT-FR-FE-158) one line was delivered."""

    name: str | None = None
    location: Identifier | None = None
    delivered_on: date | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class LineReference:
    """A document that one line refers to: its number and the line in it.

    ``issued_on`` is a term of despatch advices only (EXT-FR-FE-201).
    """

    number: str | None = None
    line: str | None = None
    issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class DeliveryTerms:
    """Incoterms: code (EXT-FR-FE-185, of a line -193) and named place (EXT-FR-FE-186, of a line -194)."""

    code: str
    place: str | None = None


@dataclass(frozen=True, slots=True)
class CurrencyExchange:
    """BT-167 (taux de change) with its currencies and date (EXT-FR-FE-192): 1 ``source`` is ``rate`` ``target``.

    From the invoice's currency (BT-5) to that of VAT accounting (BT-6), in which BT-111 stands.
    """

    source: str
    target: str
    rate: Decimal
    on: date | None = None


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

    ``vat_category`` and ``vat_rate`` stand at document level only; so does the exemption, an extension
    (EXT-FR-FE-187 to -190, since named BT-173 to BT-176) that ties the amount to one of several exempt rows of BG-23.
    """

    is_charge: bool
    amount: Decimal
    base_amount: Decimal | None = None
    percent: Decimal | None = None
    reason: str | None = None
    reason_code: str | None = None
    vat_category: str | None = None
    vat_rate: Decimal | None = None
    exemption_reason: str | None = None
    exemption_code: str | None = None


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
    """BG-32: name (BT-160) and value (BT-161) of an item property.

    EXTENDED adds a ``code`` of UNTDID 6313 (EXT-FR-FE-159), and a ``measure`` (EXT-FR-FE-160) in ``measure_unit``
    (UN/ECE rec. 20, EXT-FR-FE-161) in place of ``value``, which is absent then.
    """

    name: str
    value: str | None
    code: str | None = None
    measure: Decimal | None = None
    measure_unit: str | None = None


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

    The fields from ``more_notes`` on are terms of the French extension:

    - ``more_notes``: notes with a subject code (EXT-FR-FE-183), or beyond the first;
    - ``more_object_ids``: BT-128 beyond the first, e.g. scheme AFL, the number of each seller's own invoice;
    - ``order_number`` EXT-FR-FE-135 and ``order_on`` -200, beside BT-132; ``sales_order`` -144, -145;
      ``despatch_advice`` -140, -141, -201; ``receiving_advice`` -142, -143; ``preceding`` -136 to -139;
    - ``delivery`` EXT-FR-FE-BG-10, -BG-11; ``delivery_terms`` -193, -194; ``seller`` EXT-FR-FE-BG-12 (vendeur à la
      ligne, only for invoices of several sellers);
    - ``vat_amount`` EXT-FR-FE-181 in BT-5's currency, ``vat_amount_accounting`` -182 in BT-6's, ``amount_with_vat``
      -184 (not in UBL); ``exemption_reason`` -178, ``exemption_code`` -179, ``tax_point`` -180 (in UBL part of the
      line's period, which it needs beside it: BR-CO-20);
    - ``price_discount_reason`` EXT-FR-FE-195 and ``price_discount_code`` -196, of BT-147;
    - ``units_per_parent`` EXT-FR-FE-191 in ``units_per_parent_unit``: units of a sub-line in one unit of its parent.
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
    more_notes: tuple[Note, ...] = ()
    more_object_ids: tuple[Identifier, ...] = ()
    order_number: str | None = None
    order_on: date | None = None
    sales_order: LineReference | None = None
    despatch_advice: LineReference | None = None
    receiving_advice: LineReference | None = None
    preceding: PrecedingInvoice | None = None
    delivery: LineDelivery | None = None
    delivery_terms: DeliveryTerms | None = None
    seller: ThirdParty | None = None
    vat_amount: Decimal | None = None
    vat_amount_accounting: Decimal | None = None
    amount_with_vat: Decimal | None = None
    exemption_reason: str | None = None
    exemption_code: str | None = None
    tax_point: TaxPoint | None = None
    price_discount_reason: str | None = None
    price_discount_code: str | None = None
    units_per_parent: Decimal | None = None
    units_per_parent_unit: str | None = None

    @property
    def counts(self) -> bool:
        """Whether BT-131 is part of BT-106: GROUP lines repeat their details, INFORMATION lines cost nothing."""
        return self.kind not in {"GROUP", "INFORMATION"}


@dataclass(frozen=True, slots=True)
class Document:
    """The whole invoice (facture) or credit note (avoir).

    ``type_code`` BT-3, ``process`` BT-23 (cadre de facturation, B1, S1, M1 ...), ``profile`` BT-24.

    The fields from ``payer`` on are terms of the French extension:

    - ``payer`` EXT-FR-FE-BG-02 (payeur), ``buyer_agent`` -BG-01 (agent d'acheteur), ``seller_agent`` -BG-03 (agent de
      vendeur), ``invoicer`` -BG-05 (facturant), ``invoicee`` -BG-04 (facturé, *adressé à*);
    - ``purchase_order_on`` EXT-FR-FE-197, ``despatch_advice_on`` -198, ``contract_on`` -199: dates of BT-13, BT-16 and
      BT-12, which they need beside them; ``contract_type`` EXT-FR-FE-01 (UNTDID 1153) of BT-12;
    - ``more_object_ids``: BT-18 beyond the first;
    - ``delivery_terms`` EXT-FR-FE-BG-14, ``exchange`` BT-167.

    An invoice on several orders, or delivered to several places, names them by line.
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
    attachments: tuple[Attachment, ...] = ()
    payer: ThirdParty | None = None
    buyer_agent: ThirdParty | None = None
    seller_agent: ThirdParty | None = None
    invoicer: ThirdParty | None = None
    invoicee: ThirdParty | None = None
    purchase_order_on: date | None = None
    despatch_advice_on: date | None = None
    contract_on: date | None = None
    contract_type: str | None = None
    more_object_ids: tuple[Identifier, ...] = ()
    delivery_terms: DeliveryTerms | None = None
    exchange: CurrencyExchange | None = None

    @property
    def is_credit_note(self) -> bool:
        """Whether BT-3 is a credit note's code, so that the amounts reduce what is owed."""
        return self.type_code in CREDIT_NOTES
