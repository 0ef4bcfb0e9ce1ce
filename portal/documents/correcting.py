"""Issue the corrective invoice (384) that takes the place of an invoice: without some lines, or for less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import today
from einvoice.crediting.corrective import for_less, without_lines
from einvoice.crediting.earlier import credited_before
from einvoice.intake import prepare_request
from portal.documents.issuing import conclude, need_profile, produce
from portal.opening.documents import document_to_correct
from portal.request_keys import answered_request
from receivables.domain.money import Money
from receivables.errors import ConflictError
from receivables.store.customer_file.customers import lock_customers
from receivables.store.settlement.settlements import follower_of

if TYPE_CHECKING:
    from portal.documents.issuing import Issued, IssueOptions
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Correction:
    """What a corrective invoice leaves out: lines by number (BT-126), or an amount in minor units, VAT included."""

    reason: str
    line_ids: tuple[str, ...] = ()
    less_minor: int = 0


def correct_invoice(
    services: Services, supplier: Supplier, invoice: Invoice, correction: Correction, options: IssueOptions
) -> Issued:
    """Issue the corrective invoice of ``invoice`` and produce its files.

    Raises:
        CreditError: it cannot be corrected like that; the sentence says why.
        ConflictError: ``credit.changed_meanwhile``: it was credited or corrected in between.
        EInvoiceError, ReceivablesError: see ``issue_content``.
    """
    content = f"correct {invoice.invoice_id} {correction}".encode()
    with services.works.begin(supplier.supplier_id) as work:
        profile = need_profile(work, supplier)
        document, due_on = document_to_correct(work, invoice, profile), max(invoice.due_on, today())
        already = credited_before(work, invoice)
        known = answered_request(work, options.request_key, content)
    if known:
        return produce(services, supplier, known)
    if correction.line_ids:
        request = without_lines(document, correction.line_ids, correction.reason, due_on, already=already)
    else:
        less = Money(correction.less_minor, invoice.currency).decimal
        request = for_less(document, less, correction.reason, due_on, already=already)
    prepared = prepare_request(request, profile, services.validator, today())

    def guard(work: Work) -> None:
        lock_customers(work, [invoice.customer_id])
        if credited_before(work, invoice) != already or follower_of(work, invoice.invoice_id):
            raise ConflictError(
                "credit.changed_meanwhile",
                f"{invoice.number} was credited or corrected in the meantime. Look at it, then ask again.",
                f"{invoice.number} a été créditée ou rectifiée entre-temps. Relisez-la, puis recommencez.",
            )

    return conclude(services, supplier, prepared, options, content=content, guard=guard)
