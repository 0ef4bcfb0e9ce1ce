"""What a collector does about a dispute: each act is one transaction, with the mail that tells the customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.crediting.credit_note import LineCredit
from einvoice.errors import EInvoiceError
from einvoice.lifecycle.history import codes_of
from einvoice.lifecycle.message import AttachedFile, Detail, Note
from portal.documents.attachments import Attachments, keep_attachments
from portal.documents.correcting import Correction, correct_invoice
from portal.documents.crediting import CreditOrder, credit_invoice
from portal.documents.issuing import IssueOptions
from portal.mail.dispute_mails import ACCEPTED, ANSWERED, DOCUMENTS, PARTLY, REJECTED, write_dispute_mail
from portal.telling.dispute_words import reason_words
from receivables.domain.conversations.disputes import SUSPENDED, EventKind, Scope, State
from receivables.domain.money import Money
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.forgoing import correct_claims, waive_claim
from receivables.services.conversations.disputing import (
    accept_dispute,
    answer_dispute,
    note_documents_sent,
    reject_dispute,
)
from receivables.store.collecting.claims import get_claim
from receivables.store.conversations.disputes import events_of, get_dispute
from receivables.store.customer_file.customers import lock_customers
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.register import get_supplier

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.domain.conversations.disputes import Dispute
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

COMPLETED = "209"
CREDIT, CORRECTIVE, NOTHING = "credit", "corrective", "nothing"
"""What makes an accepted dispute true."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, at which supplier; ``once`` names the form, so that sending it twice acts once."""

    services: Services
    supplier_id: UUID
    name: str
    once: str


def answer(actor: Actor, dispute_id: UUID, said: str) -> bool:
    """Answer the customer; whether a mail went into the book."""
    with actor.services.works.begin(actor.supplier_id) as work:
        dispute = answer_dispute(work, dispute_id, actor.name, said, once=f"form {actor.once}")
        return write_dispute_mail(actor.services, work, dispute, ANSWERED, said.strip(), key=actor.once)


def send_documents(actor: Actor, dispute_id: UUID, said: str, files: Attachments) -> bool:
    """Keep files on the invoice and tell the customer; a platform that asked (208) is answered by 209 with the files.

    CDAR carries files between users (MDT-96), never to the State (G7.49).

    Raises:
        EInvoiceError: the 209 cannot be sent; nothing was kept or told.
        ReceivablesError, ArchiveError: see the services.
    """
    services = actor.services
    with services.works.begin(actor.supplier_id) as work:
        dispute = get_dispute(work, dispute_id)
        lock_customers(work, [dispute.customer_id])
        documents = keep_attachments(services, work, dispute.invoice_id, files)
        told = _complete(actor, work, dispute, said, files) if _is_suspended(work, dispute) else None
        note_documents_sent(
            work, dispute_id, actor.name, said, once=f"form {actor.once}", documents=documents, told=told
        )
        return write_dispute_mail(services, work, dispute, DOCUMENTS, said.strip(), key=actor.once)


def accept(actor: Actor, dispute_id: UUID, said: str, amount_minor: int | None, *, by: str = CREDIT) -> bool:
    """Give way, for ``amount_minor`` or all that is disputed, with the document that makes it true.

    ``by`` is :data:`CREDIT` (a credit note), :data:`CORRECTIVE` (a corrective invoice takes its place) or nothing.
    Interest that was claimed on what is given up goes with it; a claim for interest is forgone itself.
    The document is issued first, under a key of this
    dispute: after a crash in between the same act finds it.

    Raises:
        EInvoiceError, ReceivablesError: it cannot be credited or accepted like that; nothing was decided.
    """
    services = actor.services
    with services.works.begin(actor.supplier_id) as work:
        dispute = get_dispute(work, dispute_id)
        invoice = get_invoice(work, dispute.invoice_id)
    if not dispute.is_open:
        raise ConflictError("dispute.closed", "This dispute is closed: nothing more can be decided about it.")
    disputed = invoice.payable_minor if dispute.amount_minor is None else dispute.amount_minor
    amount = disputed if amount_minor is None else amount_minor
    if not 0 < amount <= disputed:
        raise ReceivablesError("dispute.bad_amount", f"Accept at most {Money(disputed, invoice.currency)}.")
    if invoice.is_claim:
        return _give_up_claim(actor, dispute, said, amount)
    whole = amount == disputed
    note = _credit(actor, dispute, invoice, amount, whole=whole) if by == CREDIT else None
    corrective = _correct(actor, dispute, invoice, amount, whole=whole) if by == CORRECTIVE else None
    with services.works.begin(actor.supplier_id) as work:
        decided = accept_dispute(
            work, dispute_id, actor.name, said, amount_minor=amount, credit_note_id=note, corrective_id=corrective
        )
        correct_claims(work, [invoice.invoice_id], reason=_why(decided), actor=actor.name)
        what = ACCEPTED if decided.state is State.ACCEPTED else PARTLY
        return write_dispute_mail(services, work, decided, what, said.strip(), amount_minor=amount)


def reject(actor: Actor, dispute_id: UUID, said: str) -> bool:
    """Stand by the invoice, and tell the customer why."""
    with actor.services.works.begin(actor.supplier_id) as work:
        dispute = reject_dispute(work, dispute_id, actor.name, said)
        return write_dispute_mail(actor.services, work, dispute, REJECTED, said.strip())


def _why(dispute: Dispute) -> str:
    return f"Réclamation du {dispute.opened_at:%d/%m/%Y} : {reason_words(dispute.reason, 'fr')}"


def _give_up_claim(actor: Actor, dispute: Dispute, said: str, amount_minor: int) -> bool:
    """Forgo what was disputed of a claim for interest, as far as it is open: no VAT, no invoice to credit."""
    with actor.services.works.begin(actor.supplier_id) as work:
        lock_customers(work, [dispute.customer_id])
        forgone = min(amount_minor, get_claim(work, dispute.invoice_id).open_minor)
        if forgone:
            waive_claim(work, dispute.invoice_id, forgone, reason=_why(dispute), actor=actor.name)
        decided = accept_dispute(work, dispute.dispute_id, actor.name, said, amount_minor=amount_minor)
        what = ACCEPTED if decided.state is State.ACCEPTED else PARTLY
        return write_dispute_mail(actor.services, work, decided, what, said.strip(), amount_minor=amount_minor)


def _correct(actor: Actor, dispute: Dispute, invoice: Invoice, amount_minor: int, *, whole: bool) -> UUID:
    supplier = get_supplier(actor.services.database, actor.supplier_id)
    assert supplier is not None  # noqa: S101 -- the caller is a member of it
    by_lines = whole and dispute.scope is Scope.LINES
    correction = Correction(_why(dispute), dispute.line_ids if by_lines else (), 0 if by_lines else amount_minor)
    options = IssueOptions(
        supplier=supplier.reference, actor=actor.name, request_key=f"dispute/{dispute.dispute_id}/corrective"
    )
    return correct_invoice(actor.services, supplier, invoice, correction, options).invoice.invoice_id


def _credit(actor: Actor, dispute: Dispute, invoice: Invoice, amount_minor: int, *, whole: bool) -> UUID:
    supplier = get_supplier(actor.services.database, actor.supplier_id)
    assert supplier is not None  # noqa: S101 -- the caller is a member of it
    why = _why(dispute)
    if whole and dispute.scope is Scope.WHOLE:
        order = CreditOrder(reason=why)
    elif whole and dispute.scope is Scope.LINES:
        order = CreditOrder(lines={each: LineCredit() for each in dispute.line_ids}, reason=why)
    else:
        order = CreditOrder(amount=Money(amount_minor, invoice.currency).decimal, reason=why)
    options = IssueOptions(
        supplier=supplier.reference, actor=actor.name, request_key=f"dispute/{dispute.dispute_id}/credit"
    )
    return credit_invoice(actor.services, supplier, invoice, order, options).invoice.invoice_id


def _is_suspended(work: Work, dispute: Dispute) -> bool:
    """Whether the customer's platform waits for our 209 in this matter."""
    events = events_of(work, dispute.invoice_id)[dispute.dispute_id]
    asked = any(each.kind is EventKind.STATUS and each.status_code == SUSPENDED for each in events)
    answers = [code for code in codes_of(work, dispute.invoice_id) if code in (SUSPENDED, COMPLETED)]
    return asked and answers[-1:] == [SUSPENDED]


def _complete(actor: Actor, work: Work, dispute: Dispute, said: str, files: Attachments) -> str | None:
    details = (Detail(1, notes=(Note(said.strip()),)),) if said.strip() else ()
    carried = tuple(AttachedFile(each.content, each.filename, each.mime) for each in files.files)
    told: str | None = actor.services.seller_statuses.queue(
        work, dispute.invoice_id, COMPLETED, key=f"dispute {actor.once}", details=details, attachments=carried
    )
    return told


REFUSALS = (EInvoiceError, ReceivablesError)
"""What an act may be refused with; nothing was done then."""
