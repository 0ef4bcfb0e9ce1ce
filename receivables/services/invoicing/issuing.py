"""Issue an invoice: number, entry, receivable and event in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from config.clock import new_id, now
from config.law import accounts_on
from receivables.domain.accounting.ledger import Chart
from receivables.domain.events import invoice_issued
from receivables.domain.invoicing.invoices import Invoice, Origin, sales_entry, series_of
from receivables.domain.told import Told
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.invoicing.correcting import join_documents
from receivables.services.risk.insolvency import follow_doubtful
from receivables.services.risk.ordering import bill_commitments
from receivables.services.risk.watching import watch_limits
from receivables.store.customer_file.customers import find_or_create_customer
from receivables.store.event_log import tell
from receivables.store.invoicing.invoices import find_by_number, vat_rows_to_json
from receivables.store.invoicing.numbers import lock_number, number_wording, take_number
from receivables.store.settlement.books import write_entries, write_items
from receivables.store.settlement.terms import keep_terms

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.accounting.ledger import Entry
    from receivables.domain.invoicing.invoices import IssueInvoice
    from receivables.store.work import Work


def issue_invoice(work: Work, command: IssueInvoice) -> Invoice:
    """Number, book and announce an invoice whose document was judged valid.

    Raises:
        ConflictError: ``invoice.duplicate``: this seller already has this number in this year;
            ``series.number_taken``: an invoice that was taken over has the next one of ours.
        ReceivablesError: ``invoice.number_missing``, and those of ``correcting.join_documents``.
    """
    _check(command)
    customer = find_or_create_customer(work, command.customer, identify=True)
    series, serial, number = _number(work, command)
    invoice = _invoice(command, customer.customer_id, number, series)
    _insert(work, invoice, command, serial)
    entry = sales_entry(
        command,
        Chart(**accounts_on(command.issued_on)),
        invoice_id=invoice.invoice_id,
        customer_id=customer.customer_id,
        number=number,
        new_id=new_id,
    )
    if entry is not None:
        write_entries(work, [entry])
        write_items(work, _receivables(invoice, entry))
    keep_terms(work, invoice.invoice_id, command.instalments, command.discount)
    work.emit([invoice_issued(invoice.invoice_id)])
    tell(work, [_issued(invoice)])
    join_documents(work, invoice, command)
    bill_commitments(work, invoice, command.commitments, command.actor)
    follow_doubtful(work, [invoice.customer_id])
    watch_limits(work, [invoice.customer_id])
    work.audit(command.actor, "invoice.issued", str(invoice.invoice_id), number=number, origin=command.origin)
    return invoice


def _check(command: IssueInvoice) -> None:
    if command.origin is Origin.FINISHED and not command.number:
        raise ReceivablesError(
            "invoice.number_missing",
            "A finished invoice has no number (BT-1).",
            "Une facture achevée n'a pas de numéro (BT-1).",
        )


def _number(work: Work, command: IssueInvoice) -> tuple[str | None, int | None, str]:
    """Our own next number, or the finished one where this seller has not used it in this year."""
    year = command.issued_on.year
    if command.origin is Origin.FINISHED:
        assert command.number is not None  # noqa: S101 -- checked before
        lock_number(work, command.number, year)
        if find_by_number(work, command.number, year):
            raise ConflictError(
                "invoice.duplicate",
                f"This seller already has an invoice {command.number} of {year}. If it was sent twice, nothing is to "
                "be done; if it is another invoice, give it a number of its own.",
                f"Ce vendeur a déjà une facture {command.number} de {year}. Si elle a été envoyée deux fois, il n'y a "
                "rien à faire ; si c'en est une autre, donnez-lui son propre numéro.",
            )
        return None, None, command.number
    series = series_of(command.type_code)
    serial = take_number(work, series, year)
    number = number_wording(work, series, year).number(year, serial)
    if find_by_number(work, number, year):  # taken over from elsewhere: the series begins behind it
        raise ConflictError(
            "series.number_taken",
            f"The next number, {number}, stands in these books already: it was taken over. Say which number this "
            "series gave last (settings, numbering), or give it another prefix.",
            f"Le prochain numéro, {number}, figure déjà dans ces livres : il a été repris. Indiquez le dernier numéro "
            "que cette série a donné (réglages, numérotation), ou donnez-lui un autre préfixe.",
        )
    return series, serial, number


def _invoice(command: IssueInvoice, customer_id: UUID, number: str, series: str | None) -> Invoice:
    return Invoice(
        invoice_id=new_id(),
        customer_id=customer_id,
        number=number,
        origin=command.origin,
        type_code=command.type_code,
        process=command.process,
        issued_on=command.issued_on,
        due_on=command.due_on,
        currency=command.currency,
        total_minor=command.total_minor,
        prepaid_minor=command.prepaid_minor,
        payable_minor=command.payable_minor,
        vat_rows=command.vat_rows,
        vat_on_collection=command.vat_on_collection,
        routing=command.routing,
        document=command.document,
        source_sha256=command.source_sha256,
        created_at=now(),
        series=series,
    )


def _issued(invoice: Invoice) -> Told:
    data = {
        "number": invoice.number,
        "type_code": invoice.type_code,
        "total_minor": invoice.total_minor,
        "payable_minor": invoice.payable_minor,
        "currency": invoice.currency,
        "issued_on": invoice.issued_on,
        "due_on": invoice.due_on,
    }
    return Told("invoice.issued", data, invoice.customer_id, invoice.invoice_id)


def _insert(work: Work, invoice: Invoice, command: IssueInvoice, serial: int | None) -> None:
    work.insert(
        "invoices",
        [
            {
                "invoice_id": invoice.invoice_id,
                "customer_id": invoice.customer_id,
                "number": invoice.number,
                "issue_year": invoice.issued_on.year,
                "series": invoice.series,
                "serial": serial,
                "origin": invoice.origin,
                "type_code": invoice.type_code,
                "process": invoice.process,
                "issued_on": invoice.issued_on,
                "due_on": invoice.due_on,
                "currency": invoice.currency,
                "total_minor": invoice.total_minor,
                "prepaid_minor": invoice.prepaid_minor,
                "payable_minor": invoice.payable_minor,
                "vat_on_collection": invoice.vat_on_collection,
                "vat_rows": vat_rows_to_json(invoice.vat_rows),
                "document": invoice.document,
                "source_sha256": invoice.source_sha256,
                "routing": invoice.routing,
                "buyer_reference": command.buyer_reference,
                "created_at": invoice.created_at,
            }
        ],
    )


def _receivables(invoice: Invoice, entry: Entry) -> list[dict[str, object]]:
    """The line on 411 that payments will letter; none where everything was prepaid, a credit below zero."""
    return [
        {
            "posting_id": posting.posting_id,
            "customer_id": invoice.customer_id,
            "invoice_id": invoice.invoice_id,
            "attempt_id": None,
            "reference": invoice.number,
            "kind": "invoice" if posting.debit_minor else "credit_note",
            "debit": posting.debit_minor > 0,
            "amount_minor": posting.debit_minor + posting.credit_minor,
            "open_minor": posting.debit_minor + posting.credit_minor,
            "currency": invoice.currency,
            "booked_on": invoice.issued_on,
            "due_on": invoice.due_on,
            "ranked_at": datetime.combine(invoice.issued_on, time(), tzinfo=UTC),
            "lettering_id": None,
        }
        for posting in entry.postings
        if posting.customer_id is not None
    ]
