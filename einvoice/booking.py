"""What the books need of a document: whom it is for, what it comes to, when its VAT falls due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from einvoice.document import FRENCH_VAT_TERRITORY, TaxPoint
from einvoice.kept import KeptDocument, kept_to_json
from einvoice.routing import BuyerKind, kind_of
from receivables.domain.invoicing.invoices import ABOUT_DEPOSITS, CORRECTIONS, IssueInvoice, NamedInvoice, Origin
from receivables.domain.money import Money, apportion
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.domain.risk.commitments import DELIVERY, ORDER, PURCHASE_ORDER, NamedCommitment
from receivables.domain.settlement.collected import VatRow

if TYPE_CHECKING:
    from einvoice.document import Document
    from einvoice.formats.page import Language
    from einvoice.formats.profiles import Form
    from einvoice.rendering import Syntax
    from receivables.domain.invoicing.invoices import Routing

FRENCH_SPEAKING = FRENCH_VAT_TERRITORY | {"GF", "YT", "PM", "BL", "MF", "WF", "PF", "NC", "MC", "LU", "BE", "CH"}
"""Countries (BT-55) whose buyers are written to in French; all others in English."""
STATUTORY_TERM_DAYS = 30
"""Due date of an invoice that names none (art. L441-10 C. com.: 30 days)."""


def language_of(document: Document) -> Language:
    """The language in which its buyer reads the page and the mails: French or English."""
    return "fr" if document.buyer.address.country in FRENCH_SPEAKING else "en"


def command_of(
    document: Document, forms: tuple[Form, ...], finished: Syntax | None, routing: Routing, actor: str
) -> IssueInvoice:
    """What the books need of ``document``; ``finished`` is the syntax in which it came, ``None`` for our own."""
    totals = document.totals
    if finished:  # the archived original holds the contents of attachments
        bare = tuple(replace(each, content=None) for each in document.attachments)
        kept = KeptDocument(replace(document, attachments=bare), forms, finished)
    else:
        kept = KeptDocument(document, forms)
    return IssueInvoice(
        customer=_customer(document),
        origin=Origin.FINISHED if finished else Origin.OWN,
        number=document.number if finished else None,
        type_code=document.type_code,
        process=document.process,
        issued_on=document.issued_on,
        due_on=document.due_on or document.issued_on + timedelta(days=STATUTORY_TERM_DAYS),
        currency=document.currency,
        total_minor=_minor(totals.with_vat, document),
        prepaid_minor=_minor(totals.prepaid or Decimal(0), document),
        payable_minor=_minor(totals.payable, document),
        vat_rows=tuple(
            VatRow(row.category, row.rate or Decimal(0), _minor(row.taxable, document), _minor(row.tax, document))
            for row in document.vat
        ),
        vat_on_collection=_vat_on_collection(document),
        routing=routing,
        document=kept_to_json(kept),
        buyer_reference=document.buyer_reference,
        actor=actor,
        names=_names(document),
        commitments=_commitments(document),
    )


def _commitments(document: Document) -> tuple[NamedCommitment, ...]:
    """The orders (BT-14; the buyer's: BT-13, BT-132 beside it) and deliveries (BT-16) that it says it is for."""
    named = [
        (ORDER, document.sales_order),
        (PURCHASE_ORDER, document.purchase_order),
        (DELIVERY, document.despatch_advice),
    ]
    for line in document.lines:
        named += [
            (ORDER, line.sales_order.number if line.sales_order else None),
            (PURCHASE_ORDER, line.order_number),
            (DELIVERY, line.despatch_advice.number if line.despatch_advice else None),
        ]
    return tuple(dict.fromkeys(NamedCommitment(kind, each.strip()) for kind, each in named if each and each.strip()))


def _names(document: Document) -> tuple[NamedInvoice, ...]:
    """The earlier invoices that a credit note credits, or the one that a corrective invoice replaces (BG-3).

    One without its day (BT-26) is not known for sure: numbers begin again with the year. Named by line, each invoice is
    credited with its lines' share of the whole.
    """
    if not document.is_credit_note and document.type_code not in CORRECTIONS:
        return ()
    head = [(each.number, each.issued_on.year) for each in document.preceding if each.issued_on]
    if head or document.preceding:
        return tuple(NamedInvoice(*each) for each in dict.fromkeys(head))
    shares: dict[tuple[str, int] | None, int] = {}
    for line in document.lines:
        named = line.preceding
        key = (named.number, named.issued_on.year) if named and named.issued_on else None
        gross = line.net_amount * (100 + (line.vat_rate or 0)) if line.counts else Decimal(0)
        shares[key] = shares.get(key, 0) + max(int(gross), 0)
    if not any(shares.values()):
        return ()
    parts = apportion(abs(_minor(document.totals.payable, document)), tuple(shares.values()))
    return tuple(NamedInvoice(*key, part) for key, part in zip(shares, parts, strict=True) if key and part)


def _minor(amount: Decimal, document: Document) -> int:
    return Money.of(amount, document.currency).minor


def _customer(document: Document) -> CustomerFacts:
    buyer = document.buyer
    siren = buyer.siren or next((i.value[:9] for i in buyer.identifiers if i.scheme == "0009"), None)
    business = kind_of(document) is BuyerKind.BUSINESS
    email = buyer.contact.email if buyer.contact else None
    return CustomerFacts(
        name=buyer.name,
        kind=CustomerKind.BUSINESS if business else CustomerKind.CONSUMER,
        siren=siren,
        vat_id=buyer.vat_id,
        email=email,
        language=language_of(document),
        party={"country": buyer.address.country, "city": buyer.address.city, "postcode": buyer.address.postcode},
    )


def _vat_on_collection(document: Document) -> bool:
    """Whether VAT falls due when paid: services without the debits option, and every deposit (CGI 269-2).

    Not where there is none, which has nothing to tell either (CGI 290 A), nor where BT-7 names its day.
    """
    if not any(row.tax for row in document.vat):
        return False
    if document.tax_point is TaxPoint.PAYMENT or document.type_code in ABOUT_DEPOSITS:
        return True
    if document.tax_point_date is not None:
        return False
    return document.tax_point is None and (document.process or "").startswith("S")
