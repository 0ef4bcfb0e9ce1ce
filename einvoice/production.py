"""After the number: write, judge again, render, archive. Idempotent: the same invoice gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config import safe_xml
from einvoice.archive.retention import retain_until
from einvoice.booking import language_of
from einvoice.composing.build import is_payable_here, with_number, with_payment_link
from einvoice.errors import EInvoiceError
from einvoice.formats.facturx import write_facturx
from einvoice.formats.reader import read_xml
from einvoice.intake import file_stem, judge, read_finished
from einvoice.keeping import PDF_MIME, XML_MIME, KeptFile, has_files, keep_document
from einvoice.kept import kept_from_json
from einvoice.rendering import write_xml
from einvoice.validation.verdict import Verdict
from receivables.domain.told import Told
from receivables.store.event_log import tell
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from einvoice.archive import ArchivePort
    from einvoice.document import Document
    from einvoice.formats.profiles import Form
    from einvoice.kept import KeptDocument
    from einvoice.rendering import Finished
    from einvoice.validation.check import Validator
    from einvoice.validation.verdict import Report
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work, Works


class ProductionError(EInvoiceError):
    """A numbered invoice could not be produced: an alarm for a human, never a silent draft.

    Codes: ``production.invalid_after_numbering``, ``production.not_checked``, ``production.original_missing``.
    """


@dataclass(frozen=True, slots=True)
class Branding:
    """How the supplier's page looks: accent colour as ``#rrggbb``, logo as SVG."""

    colour: str = "#1f4e5f"
    logo_svg: str | None = None


@dataclass(frozen=True, slots=True)
class ProducedFile:
    """A file of an issued invoice, archived."""

    form: Form
    file: KeptFile
    report: Report


@dataclass(frozen=True, slots=True)
class Producer:
    """What production needs: archive, judge, and the address of an invoice's payment page."""

    works: Works
    archive: ArchivePort
    validator: Validator
    pay_link_for: Callable[[Work, UUID, str], str]
    branding_of: Callable[[Work], Branding]

    def produce(self, supplier_id: UUID, invoice_id: UUID) -> list[ProducedFile]:
        """Produce every form of an issued invoice, and note them in the database.

        Raises:
            ProductionError: see its codes.
        """
        with self.works.begin(supplier_id) as work:
            invoice = get_invoice(work, invoice_id)
            url = self.pay_link_for(work, invoice_id, "document")
            branding = self.branding_of(work)
            until = retain_until(work, invoice.issued_on)
        kept = kept_from_json(invoice.document)
        finished = self._finished(invoice, kept)
        files = self._files(invoice, kept, finished, url, branding)
        for each in files:
            self.archive.put(each.file.content, until)
        with self.works.begin(supplier_id) as work:
            is_again = has_files(work, invoice_id, [each.form for each in files])
            for each in files:
                keep_document(work, invoice.invoice_id, each.form, each.file, each.report, until=until)
            if not is_again:
                data = {"number": invoice.number, "forms": [each.form for each in files]}
                tell(work, [Told("invoice.files_made", data, invoice.customer_id, invoice_id)])
        return files

    def _finished(self, invoice: Invoice, kept: KeptDocument) -> Finished | None:
        if kept.finished_syntax is None:
            return None
        found = read_finished(self.archive.get(invoice.source_sha256 or ""))
        if found is None:
            raise ProductionError(
                "production.original_missing",
                f"The archived original of {invoice.number} is no invoice.",
                f"L'original archivé de {invoice.number} n'est pas une facture.",
            )
        return found[1]

    def _files(
        self, invoice: Invoice, kept: KeptDocument, finished: Finished | None, url: str, branding: Branding
    ) -> list[ProducedFile]:
        document = kept.document if finished else with_number(kept.document, invoice.number)
        whole = _whole(document, finished)
        judged: dict[bytes, Report] = {}
        files = []
        for form in kept.forms:
            xml = write_xml(whole, finished, form, url)
            if xml not in judged:
                judged[xml] = self._judge(xml, document, invoice)
            if form == "facturx":
                pdf = self._page(document, finished, xml, url, branding)
                file = KeptFile(pdf, f"{file_stem(invoice.number)}.pdf", PDF_MIME)
            else:
                file = KeptFile(xml, f"{file_stem(invoice.number)}-{form}.xml", XML_MIME)
            files.append(ProducedFile(form, file, judged[xml]))
        return files

    def _page(self, document: Document, finished: Finished | None, xml: bytes, url: str, branding: Branding) -> bytes:
        """The Factur-X file: all that the invoice says, also where its XML is BASIC WL and has no lines."""
        shown = with_payment_link(document, url) if finished is None else read_xml(safe_xml.parse(xml)).document
        return write_facturx(
            shown,
            xml,
            pay_url=url if is_payable_here(document) and not document.is_credit_note else None,
            colour=branding.colour,
            logo_svg=branding.logo_svg,
            language=language_of(document),
        )

    def _judge(self, xml: bytes, document: Document, invoice: Invoice) -> Report:
        report = judge(xml, document, self.validator)
        if report.verdict is Verdict.INVALID:
            rules = ", ".join(dict.fromkeys(each.rule for each in report.fatal))
            raise ProductionError(
                "production.invalid_after_numbering",
                f"Invoice {invoice.number} is numbered, but its file breaks {rules}. It was not sent; call support.",
                f"La facture {invoice.number} est numérotée, mais son fichier enfreint {rules} : pas envoyée.",
            )
        if report.verdict is Verdict.NOT_CHECKED:
            raise ProductionError(
                "production.not_checked",
                f"Invoice {invoice.number} could not be judged; it is tried again.",
                f"La facture {invoice.number} n'a pas pu être contrôlée ; nouvel essai prévu.",
            )
        return report


def _whole(document: Document, finished: Finished | None) -> Document:
    """A finished document with the contents of its attachments, which the database does not keep."""
    return read_xml(safe_xml.parse(finished.xml)).document if finished else document
