"""From what a supplier hands in (our JSON, UBL, CII or Factur-X) to an invoice that may be issued.

Nothing is numbered before the whole document was judged valid, with a placeholder number and link of the final shape.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from config import safe_xml
from config.clock import new_id, now
from einvoice.build import build_document, is_french_b2b
from einvoice.document import TaxPoint
from einvoice.errors import BuildError, EInvoiceError
from einvoice.formats.facturx import FacturXError, conformance_level
from einvoice.formats.page import PageError, check_characters
from einvoice.formats.pdf_reader import extract_invoice_xml
from einvoice.formats.reader import read_xml
from einvoice.kept import Form, KeptDocument, kept_to_json
from einvoice.rendering import Finished, LossyConversionError, Syntax, write_xml
from einvoice.request import parse_request
from einvoice.validation.verdict import Report, Verdict
from receivables.domain.collected import VatRow
from receivables.domain.invoices import ABOUT_DEPOSITS, IssueInvoice, Origin, Routing, format_number, series_of
from receivables.domain.money import Money
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.services.issuing import issue_invoice

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from einvoice.archive import ArchivePort
    from einvoice.document import Document
    from einvoice.seller import SellerProfile
    from einvoice.validation.check import Validator
    from receivables.domain.invoices import Invoice
    from receivables.store.work import Work

ALL_FORMS: tuple[Form, ...] = ("facturx", "cii", "ubl")
PLACEHOLDER_SERIAL = 99_999
PLACEHOLDER_LINK = "https://pay.example/p/" + "0" * 64
"""Same shape as a real link, so that what is judged before the number is what is sent after it."""
STATUTORY_TERM_DAYS = 30
"""Due date of an invoice that names none (art. L441-10 C. com.: 30 days)."""
XML_MIME = "application/xml"
PDF_MIME = "application/pdf"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class FileRefusedError(EInvoiceError):
    """The file is nothing that we can read as an invoice (``file.empty``, ``file.unknown_kind``)."""


class InvalidInvoiceError(EInvoiceError):
    """The invoice breaks rules (``invoice.invalid``) or could not be judged (``invoice.not_checked``).

    ``report`` says which, where, and under which rule set.
    """

    def __init__(self, code: str, sentence: str, sentence_fr: str, report: Report) -> None:
        super().__init__(code, sentence, sentence_fr)
        self.report = report


@dataclass(frozen=True, slots=True)
class Original:
    """A file as received."""

    content: bytes
    filename: str
    mime: str

    @property
    def sha256(self) -> str:
        """Its address in the archive."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Prepared:
    """An invoice judged valid and not yet issued."""

    document: Document
    forms: tuple[Form, ...]
    finished: Finished | None
    original: Original | None
    reports: dict[Syntax, Report]

    @property
    def origin(self) -> Origin:
        """Ours to number, or finished elsewhere."""
        return Origin.FINISHED if self.finished else Origin.OWN


def read_finished(content: bytes) -> tuple[Document, Finished] | None:
    """The finished invoice in ``content``, or ``None`` where it is our JSON.

    Raises:
        EInvoiceError, UnsafeXmlError: it is none of these, or it cannot be read; the sentence says why.
    """
    start = content.removeprefix(BYTE_ORDER_MARK).lstrip()[:5]
    if not start:
        raise FileRefusedError(
            "file.empty", "The file is empty. Send the invoice itself.", "Le fichier est vide. Envoyez la facture."
        )
    if start.startswith(b"{"):
        return None
    if start.startswith(b"%PDF"):
        xml = extract_invoice_xml(content).xml
    elif start.startswith(b"<") or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        xml = content
    else:
        raise FileRefusedError(
            "file.unknown_kind",
            "This is not an invoice that we can read. Send a Factur-X PDF, a UBL or CII XML file, or our JSON.",
            "Ce n'est pas une facture que nous savons lire. Envoyez un PDF Factur-X, un XML UBL ou CII, ou notre JSON.",
        )
    found = read_xml(safe_xml.parse(xml))
    return found.document, Finished(xml, found.syntax, found.beside)


def prepare_finished(
    content: bytes, filename: str, document: Document, finished: Finished, validator: Validator
) -> Prepared:
    """Judge a finished invoice as it came and with its link; other forms follow only where nothing is lost.

    Raises:
        InvalidInvoiceError: ``invoice.invalid``, ``invoice.not_checked``.
    """
    _judge(finished.xml, document, validator)
    own = finished.syntax
    reports: dict[Syntax, Report] = {
        own: _judge(write_xml(document, finished, own, PLACEHOLDER_LINK), document, validator)
    }
    other: Syntax = "ubl" if own == "cii" else "cii"
    try:
        reports[other] = _judge(write_xml(document, finished, other, PLACEHOLDER_LINK), document, validator)
    except (LossyConversionError, InvalidInvoiceError):
        reports.pop(other, None)  # that form is not offered; asking for it says why
    mime = PDF_MIME if content.lstrip().startswith(b"%PDF") else XML_MIME
    return Prepared(document, _forms(document, reports), finished, Original(content, filename, mime), reports)


def prepare_own(content: bytes, profile: SellerProfile, validator: Validator, today: date) -> Prepared:
    """Build and judge the invoice that our JSON asks for, in every form.

    Raises:
        EInvoiceError: the request, the totals or the parties are wrong; or ``invoice.invalid``.
    """
    request = parse_request(content)
    year = (request.issue_date or today).year
    number = format_number(series_of(request.type_code), year, PLACEHOLDER_SERIAL)
    document = build_document(request, profile, number, today)
    if document.issued_on > today:
        raise BuildError(
            "invoice.issued_in_future",
            f"The issue date {document.issued_on} (BT-2) is after today, {today}. Issue it on its day.",
            f"La date d'émission {document.issued_on} (BT-2) est postérieure à ce jour, {today}. Émettez-la à sa date.",
            term="BT-2",
        )
    check_characters(document)
    syntaxes: tuple[Syntax, ...] = ("cii", "ubl")
    reports = {
        each: _judge(write_xml(document, None, each, PLACEHOLDER_LINK), document, validator) for each in syntaxes
    }
    return Prepared(document, ALL_FORMS, None, None, reports)


def demand_form(prepared: Prepared, form: Form) -> None:
    """Make sure that a prepared invoice can leave in ``form``.

    Raises:
        EInvoiceError: ``invoice.conversion_loses``, ``facturx.unknown_profile`` or ``invoice.invalid``: why not.
    """
    if form in prepared.forms:
        return
    syntax: Syntax = "ubl" if form == "ubl" else "cii"
    if syntax not in prepared.reports:
        write_xml(prepared.document, prepared.finished, syntax, PLACEHOLDER_LINK)
        raise EInvoiceError(
            "invoice.form_invalid",
            f"Converted to {form.upper()} this invoice would break the rules of that syntax. Ask for another format.",
            f"Convertie en {form.upper()}, cette facture enfreindrait les règles de cette syntaxe. Choisissez-en une "
            "autre.",
        )
    conformance_level(prepared.document.profile)
    check_characters(prepared.document)


def issue_prepared(work: Work, archive: ArchivePort, prepared: Prepared, actor: str) -> Invoice:
    """Issue a prepared invoice: archive the original, then number, book and announce in this transaction.

    Raises:
        ConflictError, ReceivablesError: see ``issue_invoice``.
    """
    sha256 = archive.put(prepared.original.content) if prepared.original else None
    invoice = issue_invoice(work, replace(command_of(prepared, actor), source_sha256=sha256))
    if prepared.original:
        keep_document(work, invoice, "original", prepared.original, None)
    return invoice


def judge(xml: bytes, document: Document, validator: Validator) -> Report:
    """The verdict on ``xml``, by the French rules too unless the invoice says that it is for a consumer or abroad."""
    return validator.check_invoice(xml, french=None if is_french_b2b(document) else False)


def keep_document(work: Work, invoice: Invoice, form: str, file: Original, report: Report | None) -> UUID:
    """Note an archived file of an invoice, with the report that judged it; the same file twice is one row."""
    document_id = new_id()
    work.execute(
        "INSERT INTO documents (supplier_id, document_id, invoice_id, form, filename, mime, sha256, size_bytes, "
        "report, created_at) VALUES (:supplier, :id, :invoice, :form, :filename, :mime, :sha, :size, "
        "CAST(:report AS jsonb), :at) ON CONFLICT (supplier_id, invoice_id, form, filename) DO NOTHING",
        id=document_id,
        invoice=invoice.invoice_id,
        form=form,
        filename=file.filename,
        mime=file.mime,
        sha=file.sha256,
        size=len(file.content),
        report=report.to_json() if report else None,
        at=now(),
    )
    return document_id


def file_stem(number: str) -> str:
    """An invoice number as part of a file name."""
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in number)


def command_of(prepared: Prepared, actor: str) -> IssueInvoice:
    """What the books need of the document."""
    document = prepared.document
    totals = document.totals
    kept = KeptDocument(document, prepared.forms, prepared.finished.syntax if prepared.finished else None)
    if prepared.finished:  # the archived original holds the contents of attachments
        bare = tuple(replace(each, content=None) for each in document.attachments)
        kept = replace(kept, document=replace(document, attachments=bare))
    return IssueInvoice(
        customer=_customer(document),
        origin=prepared.origin,
        number=document.number if prepared.finished else None,
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


def _judge(xml: bytes, document: Document, validator: Validator) -> Report:
    report = judge(xml, document, validator)
    if report.verdict is Verdict.VALID:
        return report
    if report.verdict is Verdict.INVALID:
        rules = ", ".join(dict.fromkeys(each.rule for each in report.fatal)) or "?"
        first = report.fatal[0] if report.fatal else None
        detail = f" First: {first.message}" if first else ""
        detail_fr = f" D'abord : {first.message_fr or first.message}" if first else ""
        raise InvalidInvoiceError(
            "invoice.invalid",
            f"The invoice breaks {rules}.{detail} Nothing was numbered.",
            f"La facture enfreint {rules}.{detail_fr} Rien n'a été numéroté.",
            report,
        )
    raise InvalidInvoiceError(
        "invoice.not_checked",
        "The invoice could not be judged now, so it was not issued. Try again; if it persists, call your operator.",
        "La facture n'a pas pu être contrôlée, elle n'est donc pas émise. Réessayez ; sinon, prévenez l'exploitant.",
        report,
    )


def _forms(document: Document, reports: dict[Syntax, Report]) -> tuple[Form, ...]:
    forms: list[Form] = [each for each in ALL_FORMS if each in reports]
    if "cii" in reports:
        try:
            conformance_level(document.profile)
            check_characters(document)
        except (FacturXError, PageError):
            return tuple(forms)
        forms.insert(0, "facturx")
    return tuple(forms)


def _minor(amount: Decimal, document: Document) -> int:
    return Money.of(amount, document.currency).minor


def _customer(document: Document) -> CustomerFacts:
    buyer = document.buyer
    siren = buyer.siren or next((i.value[:9] for i in buyer.identifiers if i.scheme == "0009"), None)
    kind = CustomerKind.BUSINESS if siren or buyer.vat_id or buyer.legal_id else CustomerKind.CONSUMER
    if _bar(document) in ("B2C", "B2CINT"):
        kind = CustomerKind.CONSUMER
    email = buyer.contact.email if buyer.contact else None
    return CustomerFacts(
        name=buyer.name,
        kind=kind,
        siren=siren,
        vat_id=buyer.vat_id,
        email=email,
        language="fr" if buyer.address.country == "FR" else "en",
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
    """Whether VAT falls due when paid: services without the debits option, and every deposit (CGI 269-2)."""
    if document.tax_point is TaxPoint.PAYMENT or document.type_code in ABOUT_DEPOSITS:
        return True
    if not any(row.tax for row in document.vat):
        return False
    return document.tax_point is None and (document.process or "").startswith("S")
