"""A file that came in, judged and read: which kind it is, what it says, and what of it can be shown.

PDFs are opened in a child process, XML by the careful parser; a file that nobody can read is a result, not an error.
"""

from __future__ import annotations

import logging
import re
import traceback
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from config import safe_xml
from einvoice.document import Document
from einvoice.errors import EInvoiceError
from einvoice.formats.reader import read_xml
from einvoice.validation.file_report import FileKind, FileReport, is_pdf
from einvoice.validation.key_facts import KeyFacts, key_facts
from einvoice.validation.verdict import Layer, LayerResult, Report, Verdict
from receivables.domain.money import Money, MoneyError

if TYPE_CHECKING:
    from einvoice.document import Party
    from einvoice.validation.check import Validator

log = logging.getLogger("quittance.receiving")

FORMS = {
    FileKind.FACTURX: "facturx",
    FileKind.CII: "cii",
    FileKind.UBL_INVOICE: "ubl",
    FileKind.UBL_CREDIT_NOTE: "ubl",
}
UNREADABLE = "unreadable"
MOST_KEPT_CHARACTERS = 2_000_000
"""Characters of a document kept as JSON; a longer one is read from its file when somebody asks for its page."""
MOST_CHARACTERS = 200
"""Characters of a name or number in a column: an index holds no more than some thousands."""
MOST_MINOR = 10**15
"""Cents that a column holds; nobody owes more."""

_DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)
_CURRENCY = re.compile(r"[A-Z]{3}")
_FAILED = "It could not be judged: a fault of ours. It is kept as it came."
_FAILED_FR = "Il n'a pas pu être contrôlé, par notre faute. Il est conservé tel qu'il est venu."


@dataclass(frozen=True, slots=True)
class Summary:
    """What a received invoice is found by and what it comes to; amounts in minor units, absent where not readable."""

    seller_ref: str | None = None
    seller_name: str | None = None
    buyer_ref: str | None = None
    number: str | None = None
    type_code: str | None = None
    issued_on: date | None = None
    due_on: date | None = None
    currency: str | None = None
    total_minor: int | None = None
    payable_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """A file examined: ``document`` is None where it could not be read into our model."""

    report: FileReport
    document: Document | None
    summary: Summary

    @property
    def form(self) -> str:
        """Its form in the table; ``unreadable`` where not even a number could be read."""
        return FORMS.get(self.report.kind, UNREADABLE) if self.summary.number else UNREADABLE

    @property
    def is_unfinished(self) -> bool:
        """Whether rules did not run that may run later: the file itself was read."""
        return self.report.xml is not None and self.report.verdict is Verdict.NOT_CHECKED


def examine(content: bytes, filename: str, validator: Validator) -> Examined:
    """Judge and read a file of any kind; never raises for what is in it."""
    try:
        report = validator.check_file(content, filename)
        document = _read(report.xml) if report.is_invoice else None
        facts = key_facts(report.xml) if report.is_invoice else None
    except Exception as error:  # noqa: BLE001 -- whatever a stranger's file provokes must not stop what came with it
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("A received file could not be examined: %s\n%s", type(error).__name__, where)  # noqa: TRY400 -- its own words may quote the file
        layer = LayerResult(Layer.CONTAINER, Verdict.NOT_CHECKED, None, _FAILED, _FAILED_FR)
        kind = FileKind.PDF if is_pdf(content) else FileKind.UNKNOWN
        report, document, facts = FileReport(filename, kind, Report((layer,), ())), None, None
    summary = _of_document(document) if document else _of_facts(facts) if facts else Summary()
    return Examined(report, document, summary)


def document_to_json(document: Document | None) -> dict[str, Any] | None:
    """``document`` as JSON values without the contents of its attachments; None where it is too long to be kept so."""
    if document is None:
        return None
    bare = replace(document, attachments=tuple(replace(each, content=None) for each in document.attachments))
    text = _DOCUMENT.dump_json(bare, exclude_defaults=True)
    if len(text) > MOST_KEPT_CHARACTERS:
        return None
    value: dict[str, Any] = _DOCUMENT.dump_python(bare, mode="json", exclude_defaults=True)
    return value


def document_from_json(value: dict[str, Any]) -> Document:
    """The document that :func:`document_to_json` wrote."""
    return _DOCUMENT.validate_python(value)


def _read(xml: bytes | None) -> Document | None:
    try:
        return read_xml(safe_xml.parse(xml or b"")).document
    except (EInvoiceError, safe_xml.UnsafeXmlError):
        return None


def party_ref(party: Party) -> str | None:
    """What tells a party from others: its SIREN, else its VAT number, else another legal number, else its name."""
    legal = party.legal_id.value if party.legal_id else None
    return _cut(party.siren or party.vat_id or legal or party.name)


def _of_document(document: Document) -> Summary:
    return Summary(
        seller_ref=party_ref(document.seller),
        seller_name=_cut(document.seller.name),
        buyer_ref=party_ref(document.buyer),
        number=_cut(document.number),
        type_code=_cut(document.type_code),
        issued_on=document.issued_on,
        due_on=document.due_on,
        currency=_currency(document.currency),
        total_minor=_minor(document.totals.with_vat, document.currency),
        payable_minor=_minor(document.totals.payable, document.currency),
    )


def _of_facts(facts: KeyFacts) -> Summary:
    currency = _currency(facts.currency)
    return Summary(
        seller_ref=_cut(facts.seller_id or facts.seller),
        seller_name=_cut(facts.seller),
        buyer_ref=_cut(facts.buyer_id or facts.buyer),
        number=_cut(facts.number),
        type_code=_cut(facts.type_code),
        issued_on=_day(facts.issued_on),
        due_on=_day(facts.due_on),
        currency=currency,
        total_minor=_minor(facts.with_vat, currency),
        payable_minor=_minor(facts.payable, currency),
    )


def _cut(text: str | None) -> str | None:
    """As a list may show it: without signs that turn or hide what stands beside them."""
    shown = "".join(sign for sign in (text or "")[: 2 * MOST_CHARACTERS] if sign.isprintable())
    return shown.strip()[:MOST_CHARACTERS] or None


def _currency(code: str | None) -> str | None:
    return code if code and _CURRENCY.fullmatch(code) else None


def _minor(amount: Decimal | str | None, currency: str | None) -> int | None:
    """The amount in minor units, or None where it is no amount that a column could hold."""
    if amount is None or currency is None:
        return None
    try:
        minor = Money.of(Decimal(amount), currency).minor
    except (MoneyError, InvalidOperation, ValueError):
        return None
    return minor if abs(minor) < MOST_MINOR else None


def _day(written: str | None) -> date | None:
    digits = (written or "").replace("-", "")
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) if digits.isascii() else None
    except ValueError:
        return None
