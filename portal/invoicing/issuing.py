"""Issue a draft: the same road as any other invoice, once, however often the button is pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.crediting.earlier import credited_before
from einvoice.crediting.limits import NOTHING_YET
from portal.documents.issuing import FilesPendingError, IssueOptions, conclude, need_profile, prepare_content
from portal.invoicing.asking import ask_for
from portal.invoicing.terms_choices import usual_terms
from portal.invoicing.typed import CORRECTIVE, to_typed
from receivables.errors import ConflictError, NotFoundError
from receivables.store.customer_file.customers import lock_customers
from receivables.store.invoicing.drafts import close_draft, get_draft, hold_draft, invoice_under
from receivables.store.invoicing.invoices import find_by_number, get_invoice
from receivables.store.settlement.settlements import follower_of
from receivables.store.work import to_json

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from portal.invoicing.typed import TypedInvoice
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work


def key_of(draft_id: UUID) -> str:
    """The request key under which a draft is issued."""
    return f"draft {draft_id}"


def issue_draft(
    services: Services, supplier: Supplier, draft_id: UUID, revision: int, *, actor: str, today: date
) -> UUID:
    """Issue an open draft as it was last saved, and produce its files; the invoice.

    Pressed twice, the second answer is the first one's invoice. Files that cannot be made yet are the worker's.

    Raises:
        ConflictError: ``draft.closed``, ``draft.changed_meanwhile``, ``credit.changed_meanwhile``.
        NotFoundError: ``draft.not_found``.
        EInvoiceError, ReceivablesError: nothing was numbered; the sentence says why.
    """
    with services.works.begin(supplier.supplier_id) as work:
        known = invoice_under(work, key_of(draft_id))
        draft = get_draft(work, draft_id)
        usual = usual_terms(work, need_profile(work, supplier), draft.customer_id)
    if known:
        return known
    typed = to_typed(draft.typed)
    content = to_json(ask_for(typed, usual, today).request).encode()
    options = IssueOptions(supplier.reference, actor=actor, request_key=key_of(draft_id))
    owner, prepared = prepare_content(services, content, "draft", options)

    def guard(work: Work) -> None:
        _check_corrected(work, typed)
        hold_draft(work, draft_id, revision)
        close_draft(work, draft_id, "issued", actor)

    try:
        return conclude(services, owner, prepared, options, content=content, guard=guard).invoice.invoice_id
    except (FilesPendingError, ConflictError):
        with services.works.begin(supplier.supplier_id) as work:
            issued = invoice_under(work, key_of(draft_id))
        if issued is None:
            raise
        return issued


def corrected_invoice(work: Work, typed: TypedInvoice) -> Invoice | None:
    """The invoice whose place ``typed`` takes."""
    if typed.kind != CORRECTIVE:
        return None
    found = find_by_number(work, typed.corrects_number, int(typed.corrects_on[:4]))
    if found is None:
        raise NotFoundError("invoice.not_found", "There is no such invoice.", "Cette facture n'existe pas.")
    return get_invoice(work, found.invoice_id)


def check_correctable(work: Work, invoice: Invoice) -> None:
    """An invoice may be replaced whole: it was neither credited, nor replaced, nor does it deduct a deposit.

    Raises:
        ConflictError: ``credit.changed_meanwhile`` or ``corrective.paid_before``.
    """
    if follower_of(work, invoice.invoice_id) or credited_before(work, invoice) != NOTHING_YET:
        raise ConflictError(
            "credit.changed_meanwhile",
            f"{invoice.number} was credited or corrected already. Look at it; credit what is left, or invoice anew.",
            f"{invoice.number} a déjà été créditée ou rectifiée. Relisez-la ; faites un avoir du reste, ou une "
            "nouvelle facture.",
        )
    if invoice.prepaid_minor:
        raise ConflictError(
            "corrective.paid_before",
            f"{invoice.number} deducts a deposit: issue a credit note instead.",
            f"{invoice.number} déduit un acompte : faites plutôt un avoir.",
        )


def _check_corrected(work: Work, typed: TypedInvoice) -> None:
    """Looked at again where nobody can come in between."""
    invoice = corrected_invoice(work, typed)
    if invoice is not None:
        lock_customers(work, [invoice.customer_id])
        check_correctable(work, invoice)
