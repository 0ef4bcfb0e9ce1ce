"""220 *Annulée*: what is said of an invoice when a corrective one has taken its place (XP Z12-012, DG 3.6.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.lifecycle.message import Detail, Note
from einvoice.lifecycle.statuses import LifecycleError
from einvoice.submission import NotAcceptedYetError
from receivables.domain.events import CASH_COLLECTED, INVOICE_ISSUED
from receivables.domain.invoicing.invoices import Routing
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.lifecycle.sending import SellerStatuses
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work, Works

CANCELLED = "220"
BETWEEN_USERS = frozenset({Routing.B2B, Routing.B2G})
"""Roads on which a buyer's platform has the invoice; of all others the State alone hears, by other means."""


@dataclass(frozen=True, slots=True)
class Canceller:
    """Tells the buyer that an invoice was replaced, once the corrective one is with its platform."""

    works: Works
    statuses: SellerStatuses

    def cancel(self, supplier_id: UUID, invoice_id: UUID, by_id: UUID) -> None:
        """Plan the 220 of a replaced invoice. It closes the invoice, so all its 212 are planned before.

        Raises:
            NotAcceptedYetError: come back: the corrective invoice is not accepted, a 212 is still to be planned, or the
                platform has not said yet that it has the replaced one.
        """
        with self.works.begin(supplier_id) as work:
            replaced, by = get_invoice(work, invoice_id), get_invoice(work, by_id)
            if replaced.routing not in BETWEEN_USERS:
                return
            _wait_for(work, replaced, by)
            note = Note(f"Remplacée par la facture rectificative {by.number} du {by.issued_on:%d/%m/%Y}")
            try:
                self.statuses.queue(
                    work, invoice_id, CANCELLED, key=f"replaced by {by_id}", details=(Detail(1, notes=(note,)),)
                )
            except LifecycleError as error:
                if error.code == "lifecycle.not_deposited":
                    raise NotAcceptedYetError("platform.invoice_pending", error.sentence, error.sentence_fr) from error
                if error.code != "lifecycle.closed":  # refused or rejected before: it is at its end already
                    raise


def _wait_for(work: Work, replaced: Invoice, by: Invoice) -> None:
    """Nothing is cancelled before its replacement is there, and before what it collected is told."""
    untold = work.scalar(
        "SELECT EXISTS (SELECT 1 FROM outbox WHERE supplier_id = :supplier AND state = 'new' AND (kind = :issued "
        "AND event_key = :replaced OR kind = :collected AND starts_with(event_key, :replaced || '/'))) "
        "OR EXISTS (SELECT 1 FROM platform_flows WHERE supplier_id = :supplier AND invoice_id = :old "
        "AND kind = 'status' AND state IN ('to_send', 'in_doubt', 'sent'))",
        issued=INVOICE_ISSUED,
        collected=CASH_COLLECTED,
        replaced=str(replaced.invoice_id),
        old=replaced.invoice_id,
    )
    waiting = work.scalar(
        "SELECT EXISTS (SELECT 1 FROM platform_flows WHERE supplier_id = :supplier AND invoice_id = :old "
        "AND kind = 'invoice' AND state <> 'refused') AND NOT EXISTS (SELECT 1 FROM platform_flows "
        "WHERE supplier_id = :supplier AND invoice_id = :new AND kind = 'invoice' AND state = 'accepted')",
        old=replaced.invoice_id,
        new=by.invoice_id,
    )
    if untold or waiting:
        raise NotAcceptedYetError(
            "platform.invoice_pending",
            f"The 220 of {replaced.number} waits: {by.number} is not accepted yet, or a receipt is still to be told.",
            f"Le 220 de {replaced.number} attend : {by.number} n'est pas encore acceptée, ou un encaissement reste à "
            "déclarer.",
        )
