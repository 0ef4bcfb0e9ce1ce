"""Whether a file that somebody dropped is one that we issued: to the byte, altered, or not ours.

A PDF is opened in a child process only (`einvoice.formats.pdf_reader`). Beside the exact match, which is looked for
among everything that this supplier issued, a file is compared with invoices of one customer only, whom the caller
proved to be: nobody learns anything about anybody else's invoices.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from config.safe_xml import UnsafeXmlError
from einvoice.errors import EInvoiceError
from einvoice.intake import read_finished
from einvoice.kept import issued_document
from payments.bank_accounts import plain_iban
from receivables.store.invoicing.invoices import find_by_number

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.document import Document
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work


_PLACES = threading.BoundedSemaphore(3)
"""Strangers' files that are read at once in one process, so that the others of its threads take payments."""


class Answer(StrEnum):
    """What a file is."""

    OURS = "ours"
    """Exactly what we issued, to the byte."""
    ALTERED_IBAN = "altered_iban"
    """Our invoice, but it asks to pay another account."""
    ALTERED = "altered"
    """Our invoice, but another amount."""
    RESAVED = "resaved"
    """The data of our invoice in another file: what people see of it may differ."""
    NOT_OURS = "not_ours"
    UNREADABLE = "unreadable"
    """A file without invoice data: nothing to compare."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a dropped file is, and the number of the invoice that it is or claims to be."""

    answer: Answer
    number: str = ""


class DropsBusyError(Exception):
    """``file.busy``: as many files as may be read at once are being read."""


def read_dropped(content: bytes) -> Document | None:
    """The invoice in a file, outside of any transaction; None where there is none that can be read.

    Raises:
        DropsBusyError: try again in a few seconds.
    """
    if not _PLACES.acquire(blocking=False):
        raise DropsBusyError
    try:
        found = read_finished(content)
    except (EInvoiceError, UnsafeXmlError):
        return None
    finally:
        _PLACES.release()
    return found[0] if found else None


def judge_dropped(work: Work, content: bytes, read: Document | None, customer_id: UUID) -> Judgement:
    """What the file is; ``read`` is what :func:`read_dropped` found in it."""
    number = _exact_match(work, content)
    if number is not None:
        return Judgement(Answer.OURS, number)
    if read is None:
        return Judgement(Answer.UNREADABLE)
    invoice = find_by_number(work, read.number, read.issued_on.year)
    if invoice is None or invoice.customer_id != customer_id or not invoice.document:
        return Judgement(Answer.NOT_OURS, read.number)
    return Judgement(_difference(read, issued_document(invoice), invoice), invoice.number)


def _exact_match(work: Work, content: bytes) -> str | None:
    """The number of the invoice whose file this is, byte for byte."""
    found: str | None = work.scalar(
        "SELECT number FROM documents JOIN invoices USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND sha256 = :sha256 AND form <> 'cdar' LIMIT 1",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return found


def _difference(read: Document, issued: Document, invoice: Invoice) -> Answer:
    if _accounts(read) != _accounts(issued):
        return Answer.ALTERED_IBAN
    if read.totals != issued.totals or read.currency != invoice.currency:
        return Answer.ALTERED
    return Answer.RESAVED


def _accounts(document: Document) -> frozenset[str]:
    """Where the document asks to be paid."""
    accounts = document.payment.accounts if document.payment else ()
    return frozenset(plain_iban(each.number) for each in accounts)
