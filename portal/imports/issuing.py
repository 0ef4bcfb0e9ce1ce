"""The job that issues what was brought: each invoice by itself, and none of them twice.

A row of a table is known by the supplier's own reference, a document by its number or its bytes: bringing the file
again, or its corrected part, issues what is new and says of the rest that it was there.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import TYPE_CHECKING

from config.secrets import fingerprint
from einvoice.errors import EInvoiceError
from portal.documents.issuing import IssueOptions, book, prepare_content
from portal.imports.planning import TABLE
from portal.imports.reasons import in_plain
from portal.jobs.jobs import Outcome
from portal.jobs.running import Kind, each_line
from portal.request_keys import answered_request
from portal.tables import MARK, guarded
from portal.words import note_text
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.store.invoicing.drafts import invoice_under
from receivables.store.invoicing.invoices import find_latest, get_invoice
from receivables.store.register import get_supplier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any
    from uuid import UUID

    from einvoice.intake import Prepared
    from portal.jobs.jobs import JobLine, JobView
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work

IMPORT = "import"
KNOWN_CODES = frozenset({"invoice.duplicate"})
REASONS = ("Motif", "Code du motif")


def issue_line(services: Services, supplier_id: UUID, job: JobView, line: JobLine) -> Outcome:
    """Issue one invoice of a job; its files follow by the worker, as for every invoice.

    Raises:
        EInvoiceError, ReceivablesError, UnsafeXmlError, MoneyError: it is refused; nothing was numbered.
    """
    content, key = _content_and_key(job, line)
    supplier = _supplier(services, supplier_id)
    with services.works.begin(supplier_id) as work:
        known = answered_request(work, key, content)
        wanted = content if known else _with_numbers(work, content)
    if known:
        return Outcome("known", _result(known))
    options = IssueOptions(supplier.reference, actor=job.started_by, request_key=key)
    try:
        prepared = _prepared(services, job, line, wanted, options)
        return Outcome("done", _result(book(services, supplier, prepared, options, content=content)))
    except ConflictError as error:
        if error.code in KNOWN_CODES:
            return Outcome("known", {"name": str(error)})
        raise


def _prepared(services: Services, job: JobView, line: JobLine, wanted: bytes, options: IssueOptions) -> Prepared:
    """What is to be issued; who brought a table is told in the words of tables why it is not."""
    try:
        return prepare_content(services, wanted, line.label, options)[1]
    except EInvoiceError as error:
        if job.options.get("kind") != TABLE:
            raise
        rows = [row for row, _ in json.loads(line.content)["rows"]]
        raise in_plain(error, rows) from error


def _supplier(services: Services, supplier_id: UUID) -> Supplier:
    found = get_supplier(services.database, supplier_id)
    if found is None:  # a job belongs to a supplier of the register
        raise LookupError(supplier_id)
    return found


def _content_and_key(job: JobView, line: JobLine) -> tuple[bytes, str]:
    """What is to be issued, and what it is recognised by."""
    if job.options.get("kind") != TABLE:
        return line.content, f"import {fingerprint(line.content).hex()}"
    told = json.loads(line.content)
    if told["request"] is None:
        raise ReceivablesError(*told["fault"])
    return told["request"].encode(), f"import {told['reference']}"


def _with_numbers(work: Work, content: bytes) -> bytes:
    """A table's request with the numbers and days of the earlier invoices that it names by its own references."""
    if b'"preceding_invoices"' not in content or not content.startswith(b"{"):
        return content
    request = json.loads(content, parse_float=str)
    for named in request["preceding_invoices"]:
        if "issue_date" in named:
            continue
        found = invoice_under(work, f"import {named['number']}")
        earlier = get_invoice(work, found) if found else find_latest(work, named["number"])
        if earlier is None:
            raise NotFoundError(
                "import.unknown_original",
                f"{named['number']} is no invoice of these books, nor a piece that was brought in. Give its day too, "
                "if it was issued elsewhere.",
                f"{named['number']} n'est ni une facture de ces livres, ni une pièce déjà apportée. Indiquez aussi sa "
                "date si elle a été émise ailleurs.",
            )
        named |= {"number": earlier.number, "issue_date": earlier.issued_on.isoformat()}
    return json.dumps(request, ensure_ascii=False).encode()


def _result(invoice: Invoice) -> Mapping[str, Any]:
    return {
        "name": invoice.number,
        "invoice_id": str(invoice.invoice_id),
        "number": invoice.number,
        "amount_minor": invoice.payable_minor,
        "currency": invoice.currency,
    }


def give_back(job: JobView, lines: Sequence[JobLine]) -> tuple[str, bytes]:
    """What was refused: the rows of the table with their reason beside them, or a zip of the documents."""
    stem = job.filename.rpartition(".")[0] or job.filename
    if job.options.get("kind") == TABLE:
        return f"{stem}-refus.csv", _table_of(job, lines)
    return f"{stem}-refus.zip", _zip_of(lines)


def _table_of(job: JobView, lines: Sequence[JobLine]) -> bytes:
    out = io.StringIO()
    out.write(MARK)
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    headings = [each for each in job.options["headings"] if each not in REASONS]
    places = [place for place, each in enumerate(job.options["headings"]) if each not in REASONS]
    writer.writerow([*map(guarded, headings), *REASONS])
    for line in lines:
        for _, cells in json.loads(line.content)["rows"]:
            kept = [cells[place] for place in places]
            writer.writerow([*(_kept_cell(each) for each in kept), guarded(line.sentence_fr or ""), line.code])
    return out.getvalue().encode()


def _kept_cell(cell: str) -> str:
    """A cell as it came; one that a spreadsheet would run is guarded, a plain negative number is not."""
    return cell if cell[:1] == "-" and cell[1:].replace(",", "").replace(".", "").isdecimal() else guarded(cell)


def _zip_of(lines: Sequence[JobLine]) -> bytes:
    out, reasons = io.BytesIO(), io.StringIO()
    reasons.write(MARK)
    writer = csv.writer(reasons, delimiter=";", lineterminator="\r\n")
    writer.writerow(["Fichier", *REASONS])
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for line in lines:
            name = f"{line.position:05d}-{line.label}"
            archive.writestr(name, line.content)
            writer.writerow([guarded(name), guarded(line.sentence_fr or ""), line.code])
        archive.writestr("motifs.csv", reasons.getvalue().encode())
    return out.getvalue()


def _address(result: Mapping[str, Any]) -> str | None:
    return f"/s/invoices/{result['invoice_id']}" if "invoice_id" in result else None


IMPORT_KIND = Kind(
    note_text("Import de factures"), each_line(issue_line), give_back, _address, "/s/imports", lines_per_slice=20
)
