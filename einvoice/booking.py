"""What the books need of a document: whom it is for, what it comes to, by which road the State hears of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from einvoice.composing.build import is_french_b2b
from einvoice.document import FRENCH_VAT_TERRITORY, TaxPoint
from einvoice.kept import KeptDocument, kept_to_json
from receivables.domain.collected import VatRow
from receivables.domain.invoices import ABOUT_DEPOSITS, IssueInvoice, Origin, Routing
from receivables.domain.money import Money
from receivables.domain.parties import CustomerFacts, CustomerKind

if TYPE_CHECKING:
    from einvoice.document import Document
    from einvoice.formats.page import Language
    from einvoice.formats.profiles import Form
    from einvoice.rendering import Syntax

FRENCH_SPEAKING = FRENCH_VAT_TERRITORY | {"GF", "YT", "PM", "BL", "MF", "WF", "PF", "NC", "MC", "LU", "BE", "CH"}
"""Countries (BT-55) whose buyers are written to in French; all others in English."""
_KINDS = {
    "B2B": CustomerKind.BUSINESS,
    "B2BINT": CustomerKind.BUSINESS,
    "B2C": CustomerKind.CONSUMER,
    "B2CINT": CustomerKind.CONSUMER,
}
"""What the note BAR says of the customer."""
STATUTORY_TERM_DAYS = 30
"""Due date of an invoice that names none (art. L441-10 C. com.: 30 days)."""


def language_of(document: Document) -> Language:
    """The language in which its buyer reads the page and the mails: French or English."""
    return "fr" if document.buyer.address.country in FRENCH_SPEAKING else "en"


def command_of(document: Document, forms: tuple[Form, ...], finished: Syntax | None, actor: str) -> IssueInvoice:
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
        routing=_routing(document),
        document=kept_to_json(kept),
        buyer_reference=document.buyer_reference,
        actor=actor,
    )


def _minor(amount: Decimal, document: Document) -> int:
    return Money.of(amount, document.currency).minor


def _customer(document: Document) -> CustomerFacts:
    buyer = document.buyer
    siren = buyer.siren or next((i.value[:9] for i in buyer.identifiers if i.scheme == "0009"), None)
    kind = CustomerKind.BUSINESS if siren or buyer.vat_id or buyer.legal_id else CustomerKind.CONSUMER
    kind = _KINDS.get(_bar(document) or "", kind)
    email = buyer.contact.email if buyer.contact else None
    return CustomerFacts(
        name=buyer.name,
        kind=kind,
        siren=siren,
        vat_id=buyer.vat_id,
        email=email,
        language=language_of(document),
        party={"country": buyer.address.country, "city": buyer.address.city, "postcode": buyer.address.postcode},
    )


def _bar(document: Document) -> str | None:
    return next((note.text.strip() for note in document.notes if note.subject == "BAR"), None)


def _routing(document: Document) -> Routing:
    """By which road the State hears of it: the note BAR where it says so, else the two parties."""
    if is_french_b2b(document):
        return Routing.B2B
    if _bar(document) in ("B2C", "B2CINT") or _customer(document).kind is CustomerKind.CONSUMER:
        return Routing.B2C
    return Routing.B2B_INTERNATIONAL


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
