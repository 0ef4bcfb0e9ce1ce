"""From what a supplier hands in (our JSON, UBL, CII or Factur-X) to an invoice that may be issued.

Nothing is numbered before the whole document was judged valid, with a placeholder number and link of the final shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from config import safe_xml
from einvoice.archive.retention import retain_until
from einvoice.booking import command_of
from einvoice.composing.build import build_document, is_french_b2b
from einvoice.composing.frame import natures_of
from einvoice.composing.instalments import discount_in, instalments_in
from einvoice.composing.public_buyers import is_public
from einvoice.deducting import check_deducted, deductions_kept
from einvoice.errors import BuildError, EInvoiceError
from einvoice.formats.facturx import FacturXError, conformance_level
from einvoice.formats.page import PageError, check_characters
from einvoice.formats.pdf_reader import extract_invoice_xml
from einvoice.formats.profiles import in_form
from einvoice.formats.reader import read_xml
from einvoice.keeping import PDF_MIME, XML_MIME, KeptFile, keep_document
from einvoice.rendering import SYNTAXES, Finished, LossyConversionError, write_xml
from einvoice.request.reading import parse_request
from einvoice.routing import decide_routing, facts_of, record_routing
from einvoice.validation.explanations import explain
from einvoice.validation.payment_terms import with_own_term
from einvoice.validation.verdict import Report, Verdict
from receivables.domain.invoicing.invoices import format_number, series_of
from receivables.domain.money import Money
from receivables.services.invoicing.issuing import issue_invoice

if TYPE_CHECKING:
    from datetime import date

    from einvoice.archive import ArchivePort
    from einvoice.composing.seller import SellerProfile
    from einvoice.document import Document
    from einvoice.formats.profiles import Form
    from einvoice.request.model import DepositRequest, InvoiceRequest
    from einvoice.validation.check import Validator
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.domain.settlement.terms import EarlyDiscount, Instalment
    from receivables.store.work import Work

ALL_FORMS: tuple[Form, ...] = ("facturx", "cii", "ubl")
PLACEHOLDER_SERIAL = 99_999
PLACEHOLDER_LINK = "https://pay.example/p/" + "0" * 64
"""Same shape as a real link, so that what is judged before the number is what is sent after it."""
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
class Prepared:
    """An invoice judged valid and not yet issued."""

    document: Document
    forms: tuple[Form, ...]
    finished: Finished | None
    original: KeptFile | None
    reports: dict[Form, Report]
    """By form; ``facturx`` is there where its XML is valid, even if no page can be made of it."""
    to_public_body: bool = False
    """A public buyer (B2G), which the document itself cannot tell."""
    deposits: tuple[DepositRequest, ...] = ()
    """What is deducted of which deposit, of which the document only tells the sum."""
    natures: dict[str, str] = field(default_factory=dict)
    """Goods or services by line (BT-126) of an invoice of both, which e-reporting tells apart."""
    instalments: tuple[Instalment, ...] = ()
    discount: EarlyDiscount | None = None
    """What the document tells in words only (BT-20, BT-22), as figures."""


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
    reports: dict[Form, Report] = {}
    judged: dict[bytes, Report] = {}
    for form in ALL_FORMS:
        try:
            reports[form] = _judge_form(document, finished, form, validator, judged)
        except (LossyConversionError, InvalidInvoiceError):
            if SYNTAXES[form] == finished.syntax:
                raise  # another form is just not offered; asking for it says why
    mime = PDF_MIME if content.lstrip().startswith(b"%PDF") else XML_MIME
    return Prepared(document, _forms(document, finished, reports), finished, KeptFile(content, filename, mime), reports)


def prepare_own(content: bytes, profile: SellerProfile, validator: Validator, today: date) -> Prepared:
    """Build and judge the invoice that our JSON asks for, in every form.

    Raises:
        EInvoiceError: the request, the totals or the parties are wrong; or ``invoice.invalid``.
    """
    return prepare_request(parse_request(content), profile, validator, today)


def prepare_request(request: InvoiceRequest, profile: SellerProfile, validator: Validator, today: date) -> Prepared:
    """Build and judge the invoice that ``request`` asks for, in every form.

    Raises:
        EInvoiceError: the totals or the parties are wrong; or ``invoice.invalid``.
    """
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
    judged: dict[bytes, Report] = {}
    reports = {
        form: with_own_term(_judge_form(document, None, form, validator, judged), request, profile, document)
        for form in ALL_FORMS
    }
    natures = natures_of(document, request, profile)
    return Prepared(
        document,
        ALL_FORMS,
        None,
        None,
        reports,
        is_public(request.buyer),
        request.deposits,
        natures,
        instalments_in(request),
        discount_in(request, profile, document),
    )


def demand_form(prepared: Prepared, form: Form) -> None:
    """Make sure that a prepared invoice can leave in ``form``.

    Raises:
        EInvoiceError: ``invoice.conversion_loses``, ``facturx.unknown_profile`` or ``invoice.invalid``: why not.
    """
    if form in prepared.forms:
        return
    if form not in prepared.reports:
        write_xml(prepared.document, prepared.finished, form, PLACEHOLDER_LINK)
        raise EInvoiceError(
            "invoice.form_invalid",
            f"Converted to {form.upper()} this invoice would break the rules of that syntax. Ask for another format.",
            f"Convertie en {form.upper()}, cette facture enfreindrait les règles de cette syntaxe. Choisissez-en une "
            "autre.",
        )
    _demand_page(prepared.document, prepared.finished)


def issue_prepared(work: Work, archive: ArchivePort, prepared: Prepared, actor: str) -> Invoice:
    """Issue a prepared invoice: number, book and announce in this transaction, and archive the original before its end.

    Raises:
        ConflictError, ReceivablesError: see ``issue_invoice``.
        BuildError: see ``check_deducted``.
        EInvoiceError: see ``decide_routing``.
    """
    sha256 = prepared.original.sha256 if prepared.original else None
    finished = prepared.finished.syntax if prepared.finished else None
    routing = decide_routing(facts_of(work, prepared.document, stated_public=prepared.to_public_body))
    command = replace(
        command_of(prepared.document, prepared.forms, finished, routing.routing, actor),
        instalments=prepared.instalments,
        discount=prepared.discount,
    )
    if prepared.natures:
        command = replace(command, document=command.document | {"natures": prepared.natures})
    if prepared.deposits:
        brought = sum(each.amount for each in prepared.deposits)
        kept = command.document | deductions_kept(prepared.deposits)
        command = replace(command, deposits_minor=Money.of(brought, command.currency).minor, document=kept)
    invoice = issue_invoice(work, replace(command, source_sha256=sha256))
    record_routing(work, invoice.invoice_id, routing)
    check_deducted(work, invoice, prepared.deposits)
    if prepared.original:  # only now: what is refused must not stay in a store that forgets nothing
        until = retain_until(work, invoice.issued_on)
        archive.put(prepared.original.content, until)
        keep_document(work, invoice.invoice_id, "original", prepared.original, None, until=until)
    return invoice


def judge(xml: bytes, document: Document, validator: Validator) -> Report:
    """The verdict on ``xml``, by the French rules too unless the invoice says that it is for a consumer or abroad."""
    return validator.check_invoice(xml, french=None if is_french_b2b(document) else False)


def file_stem(number: str) -> str:
    """An invoice number as part of a file name."""
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in number)


def _judge(xml: bytes, document: Document, validator: Validator) -> Report:
    report = judge(xml, document, validator)
    if report.verdict is Verdict.VALID:
        return report
    if report.verdict is Verdict.INVALID:
        rules = ", ".join(dict.fromkeys(each.rule for each in report.fatal)) or "?"
        first = explain(report.fatal[0]) if report.fatal else None
        detail = f": {first.sentence_en} {first.fix_en}".rstrip() if first else "."
        detail_fr = f" : {first.sentence_fr} {first.fix_fr}".rstrip() if first else "."
        raise InvalidInvoiceError(
            "invoice.invalid",
            f"The invoice breaks {rules}{detail} Nothing was numbered.",
            f"La facture enfreint {rules}{detail_fr} Rien n'a été numéroté.",
            report,
        )
    raise InvalidInvoiceError(
        "invoice.not_checked",
        "The invoice could not be judged now, so it was not issued. Try again; if it persists, call your operator.",
        "La facture n'a pas pu être contrôlée, elle n'est donc pas émise. Réessayez ; sinon, prévenez l'exploitant.",
        report,
    )


def _judge_form(
    document: Document, finished: Finished | None, form: Form, validator: Validator, judged: dict[bytes, Report]
) -> Report:
    """The verdict on one form; two forms with the same XML are judged once."""
    xml = write_xml(document, finished, form, PLACEHOLDER_LINK)
    if xml not in judged:
        judged[xml] = _judge(xml, document, validator)
    return judged[xml]


def _forms(document: Document, finished: Finished, reports: dict[Form, Report]) -> tuple[Form, ...]:
    try:
        _demand_page(document, finished)
    except (FacturXError, PageError):
        return tuple(form for form in ALL_FORMS if form in reports and form != "facturx")
    return tuple(form for form in ALL_FORMS if form in reports)


def _demand_page(document: Document, finished: Finished | None) -> None:
    """Make sure that a Factur-X file can be made: a CII file keeps its BT-24, from UBL it is written anew.

    Raises:
        FacturXError: ``facturx.unknown_profile``.
        PageError: a character that no font has, or an attachment that is not what it says.
    """
    patched = finished is not None and finished.syntax == "cii"
    conformance_level(document.profile if patched else in_form(document, "facturx").profile)
    check_characters(document)
