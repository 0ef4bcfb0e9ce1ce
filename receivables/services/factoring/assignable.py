"""Which invoices a factor may be given: open, undisputed, nobody else's, with no payment on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from receivables.errors import ReceivablesError
from receivables.services.invoicing.dues import due_on_invoices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.work import Work

_REASONS = {
    "unknown": ("assignment.unknown", "There is no such invoice.", "Cette facture n'existe pas."),
    "credit_note": (
        "assignment.credit_note",
        "{number} is a credit note: there is no claim to assign.",
        "{number} est un avoir : il n'y a pas de créance à céder.",
    ),
    "claim": (
        "assignment.claim",
        "{number} is a claim for late payment: it stays with us.",
        "{number} réclame des intérêts de retard : elle reste chez nous.",
    ),
    "factor": (
        "assignment.factor_itself",
        "{number} is owed by the factor itself.",
        "{number} est due par l'affactureur lui-même.",
    ),
    "already": (
        "assignment.already",
        "{number} is a factor's already.",
        "{number} est déjà cédée à un affactureur.",
    ),
    "ended": (
        "assignment.ended",
        "{number} was refused or replaced: nobody owes it.",
        "{number} a été refusée ou remplacée : personne ne la doit.",
    ),
    "settled": ("assignment.settled", "Nothing is open of {number}.", "Il ne reste rien à payer de {number}."),
    "in_flight": (
        "assignment.in_flight",
        "A payment of {number} is on its way: wait for its end.",
        "Un paiement de {number} est en cours : attendez son issue.",
    ),
    "disputed": (
        "assignment.disputed",
        "{number} is disputed: a factor takes undisputed claims.",
        "{number} est en litige : un affactureur prend des créances certaines.",
    ),
    "insolvent": (
        "assignment.insolvent",
        "Proceedings are open against the debtor of {number}.",
        "Une procédure collective est ouverte contre le débiteur de {number}.",
    ),
}
"""Why an invoice may not be assigned."""


def refusals(work: Work, ids: Sequence[UUID], factor_siren: str | None) -> dict[UUID, ReceivablesError]:
    """Why which of these invoices may not be assigned; one query for all of them, and one for what is due."""
    rows = work.rows(
        "SELECT invoice.invoice_id, number, type_code IN ('393', '501') AS factored, "
        "type_code = '84' AS claim, EXISTS (SELECT 1 "
        "FROM assignments AS taken WHERE taken.supplier_id = :supplier AND taken.invoice_id = invoice.invoice_id "
        "AND taken.state = 'assigned') AS taken, EXISTS (SELECT 1 FROM disputes AS dispute "
        "WHERE dispute.supplier_id = :supplier AND dispute.invoice_id = invoice.invoice_id AND closed_at IS NULL "
        "AND merged_into IS NULL) AS disputed, EXISTS (SELECT 1 FROM insolvencies AS procedure "
        "WHERE procedure.supplier_id = :supplier AND procedure.customer_id = invoice.customer_id "
        "AND procedure.state = 'open') AS insolvent, EXISTS (SELECT 1 FROM receivable_items AS item "
        "WHERE item.supplier_id = :supplier AND item.invoice_id = invoice.invoice_id AND item.kind = 'credit_note') "
        "AS credit, (SELECT customer.siren = :factor FROM customers AS customer WHERE customer.supplier_id = :supplier "
        "AND customer.customer_id = invoice.customer_id) AS owed_by_factor "
        "FROM invoices AS invoice WHERE supplier_id = :supplier AND invoice.invoice_id = ANY(:ids)",
        ids=list(ids),
        factor=factor_siren,
    )
    known = {row["invoice_id"]: row for row in rows}
    dues = {due.invoice_id: due for due in due_on_invoices(work, ids)}
    found: dict[UUID, ReceivablesError] = {}
    for each in ids:
        row = known.get(each)
        why = "unknown" if row is None else _why_not(dues[each], dict(row))
        if why is not None:
            code, sentence, sentence_fr = _REASONS[why]
            number = row["number"] if row else ""
            found[each] = ReceivablesError(code, sentence.format(number=number), sentence_fr.format(number=number))
    return found


def _why_not(due: InvoiceDue, row: dict[str, object]) -> str | None:
    checks = {
        "credit_note": bool(row["credit"]),
        "claim": bool(row["claim"]),
        "factor": bool(row["owed_by_factor"]),
        "already": bool(row["taken"] or row["factored"]),
        "ended": due.ended_by is not None,
        "settled": due.open_minor <= 0,
        "in_flight": due.in_flight_minor > 0,
        "disputed": bool(row["disputed"]),
        "insolvent": bool(row["insolvent"]),
    }
    return next((why for why, holds in checks.items() if holds), None)
