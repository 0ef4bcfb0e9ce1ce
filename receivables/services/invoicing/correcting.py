"""Corrective invoices (factures rectificatives) in the books: the invoice that one replaces is taken back.

Its entry is reversed and its line lettered with the reversal. What was meant for it, paid or on its way, is meant for
the corrective invoice from then on: the customer meant to pay that claim. Cash goes there as far as it fits, the rest
stays the customer's unallocated credit. Where the corrective invoice is on another customer or in another currency,
nothing moves there, since money of one cannot pay what the other owes.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from config.clock import new_id
from receivables.domain.accounting.ledger import mirrored
from receivables.domain.events import invoice_replaced
from receivables.domain.told import Told
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.settlement.settling import Cause, load_settling, settle, write_settling
from receivables.services.settlement.waiving import take_back_waived
from receivables.store.customer_file.customers import lock_customers
from receivables.store.event_log import tell
from receivables.store.invoicing.invoices import find_by_number, get_invoice
from receivables.store.invoicing.numbers import lock_number
from receivables.store.settlement.attempts import load_attempts
from receivables.store.settlement.books import entry_of, write_entries, write_items
from receivables.store.settlement.settlements import (
    CREDITS,
    REPLACES,
    follower_of,
    latest_of,
    move_aims,
    move_reservations,
    named_by,
    note_names,
    note_replacement,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from receivables.domain.accounting.ledger import Entry
    from receivables.domain.invoicing.invoices import Invoice, IssueInvoice, NamedInvoice
    from receivables.store.work import Work

REVERSAL = "reversal"
"""Source kind of the entry that takes an invoice back."""
CORRECTED = "correction"
"""Why allocations, and the cash told of by 212, moved."""


def join_documents(work: Work, invoice: Invoice, command: IssueInvoice) -> None:
    """Draw what follows from what documents say of each other: an issued one of earlier ones, earlier ones of it.

    Raises:
        ReceivablesError: ``invoice.replaces_several`` or ``invoice.replaces_itself``.
        ConflictError: ``invoice.already_replaced``.
    """
    note_names(work, invoice, command.names)
    for each in sorted(command.names, key=lambda name: (name.issue_year, name.number)):
        lock_number(work, each.number, each.issue_year)  # it may be issued at this very moment
    if invoice.is_correction:
        replaced = _replaced(work, invoice, command.names)
        if replaced:
            take_back(work, replaced, invoice, command.actor)
    waiting = named_by(work, invoice, REPLACES)
    if waiting:  # the corrective invoice came before the one that it replaces
        take_back(work, invoice, get_invoice(work, waiting[0]), command.actor)
    credited = bool(command.names) and invoice.is_credit_note
    if credited or named_by(work, invoice, CREDITS):
        settling = load_settling(work, [invoice.invoice_id])
        settle(settling, [invoice.invoice_id], Cause("set_off", None, invoice.issued_on))
        write_settling(work, settling, "core")


def _replaced(work: Work, invoice: Invoice, names: Sequence[NamedInvoice]) -> Invoice | None:
    """The invoice of ours that a corrective one names; ``None`` where our books do not have it (yet)."""
    if len(names) > 1:
        raise ReceivablesError(
            "invoice.replaces_several",
            f"A corrective invoice (type {invoice.type_code}) replaces exactly one invoice (BR-FR-CO-04); this one "
            f"names {len(names)}. Issue one correction for each.",
            f"Une facture rectificative (type {invoice.type_code}) remplace exactement une facture (BR-FR-CO-04) ; "
            f"celle-ci en nomme {len(names)}. Émettez une rectificative pour chacune.",
        )
    found = find_by_number(work, names[0].number, names[0].issue_year) if names else None
    if found is None:
        named = [each.number for each in names]
        work.audit("core", "invoice.replaces_unknown", str(invoice.invoice_id), number=invoice.number, named=named)
        return None
    if found.invoice_id == invoice.invoice_id:
        raise ReceivablesError(
            "invoice.replaces_itself",
            f"{invoice.number} names itself as the invoice it replaces.",
            f"{invoice.number} se nomme elle-même comme la facture qu'elle remplace.",
        )
    return found


def take_back(work: Work, replaced: Invoice, by: Invoice, actor: str) -> None:
    """Reverse ``replaced``, whose place ``by`` takes, and settle anew all that was meant for it.

    Raises:
        ConflictError: ``invoice.already_replaced``.
    """
    lock_customers(work, {replaced.customer_id, by.customer_id})
    follower = follower_of(work, replaced.invoice_id)
    if follower is not None:
        number = get_invoice(work, latest_of(work, follower)).number
        raise ConflictError(
            "invoice.already_replaced",
            f"Invoice {replaced.number} was already replaced, {number} stands for it now. Correct that one instead.",
            f"La facture {replaced.number} a déjà été remplacée par {number} : rectifiez plutôt celle-ci.",
        )
    note_replacement(work, replaced.invoice_id, by.invoice_id)
    day = max(by.issued_on, replaced.issued_on)
    reversal = _reverse(work, replaced, by, day)
    if (by.customer_id, by.currency) == (replaced.customer_id, replaced.currency):
        move_reservations(work, replaced.invoice_id, by.invoice_id)
        move_aims(work, replaced.invoice_id, by.invoice_id, actor)
    about = [replaced.invoice_id, by.invoice_id]
    settling = load_settling(work, about)
    settle(settling, about, Cause(CORRECTED, CORRECTED, day), reversal.entry_id if reversal else None)
    waived = [settling.sheet.items[p] for p in settling.sheet.waived_by_invoice.get(replaced.invoice_id, ())]
    for attempt in load_attempts(work, [item.attempt_id for item in waived if item.attempt_id], []).values():
        take_back_waived(settling, attempt, day)
    write_settling(work, settling, "core")
    work.emit([invoice_replaced(replaced.invoice_id, by.invoice_id)])
    data = {"number": replaced.number, "by_id": by.invoice_id, "by_number": by.number}
    tell(work, [Told("invoice.replaced", data, replaced.customer_id, replaced.invoice_id)])
    work.audit(actor, "invoice.replaced", str(replaced.invoice_id), number=replaced.number, by=by.number)


def _reverse(work: Work, replaced: Invoice, by: Invoice, day: date) -> Entry | None:
    """Write the mirror of the invoice's entry, and its line on 411; ``None`` for an invoice that moved nothing."""
    entry = entry_of(work, replaced.invoice_id)
    if entry is None:
        return None
    reversal = mirrored(
        entry,
        new_id,
        source_kind=REVERSAL,
        source_ref=str(replaced.invoice_id),
        document_ref=by.number,
        booked_on=day,
    )
    write_entries(work, [reversal])
    write_items(work, [_line(replaced, by, posting_id, debit, day) for posting_id, debit in _on_411(reversal)])
    work.audit("core", "reversal.booked", reversal.source_ref, entry_id=reversal.entry_id)
    return reversal


def _on_411(entry: Entry) -> list[tuple[UUID, int]]:
    """The line on the customer's account, and its amount: above zero where it is a debit."""
    return [(each.posting_id, each.debit_minor - each.credit_minor) for each in entry.postings if each.customer_id]


def _line(replaced: Invoice, by: Invoice, posting_id: UUID, amount_minor: int, day: date) -> dict[str, object]:
    return {
        "posting_id": posting_id,
        "customer_id": replaced.customer_id,
        "invoice_id": replaced.invoice_id,
        "attempt_id": None,
        "reference": by.number,
        "kind": "reversal",
        "debit": amount_minor > 0,
        "amount_minor": abs(amount_minor),
        "open_minor": abs(amount_minor),
        "currency": replaced.currency,
        "booked_on": day,
        "due_on": day,
        "ranked_at": datetime.combine(day, time(), tzinfo=UTC),
        "lettering_id": None,
    }
