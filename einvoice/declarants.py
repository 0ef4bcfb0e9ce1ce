"""Who declares an invoice to the State: the platform that carries it, or we ourselves (Flux 10). Never both.

The criterion is the data: an invoice that a platform has, or is about to get, is the platform's to declare, with its
receipts (status 212). Everything else is ours (design, decision 13; CGI 290 and 290 A).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.platform.port import ProcessingRule
from einvoice.request.codes import SELF_BILLED
from receivables.domain.events import INVOICE_ISSUED
from receivables.domain.invoices import Routing

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoices import Invoice
    from receivables.store.work import Work

CARRIED = {Routing.B2B: ProcessingRule.B2B, Routing.B2G: ProcessingRule.B2G}
"""What a platform hands to the buyer: these invoices go there whoever makes Flux 10."""
REPORTED = {Routing.B2B_INTERNATIONAL: ProcessingRule.B2B_INTERNATIONAL, Routing.B2C: ProcessingRule.B2C}
"""What a platform only declares: these go there where its account says so (``reporting: platform``)."""
PLATFORM_SUBSCRIBER = "platform"
"""The name under which the worker marks that the road of an issued invoice was decided."""


def serving_account(work: Work, routing: Routing) -> UUID | None:
    """The account that new invoices of this routing go to: one for public buyers alone comes first for B2G."""
    account: UUID | None = work.scalar(
        "SELECT account_id FROM platform_accounts WHERE supplier_id = :supplier AND active "
        "AND (serves = 'all' OR :public) ORDER BY serves DESC LIMIT 1",
        public=routing is Routing.B2G,
    )
    return account


def processing_of(work: Work, invoice: Invoice, account_id: UUID) -> ProcessingRule | None:
    """What the platform of an account is told to do with an invoice; ``None`` where it is not to get it at all.

    A self-billed one (CGI 289, I-2) was sent by the customer who drew it up: a second one would be a double.
    """
    if invoice.type_code in SELF_BILLED:
        return None
    if invoice.routing in CARRIED:
        return CARRIED[invoice.routing]
    reporting = work.scalar(
        "SELECT driver->>'reporting' FROM platform_accounts WHERE supplier_id = :supplier AND account_id = :account",
        account=account_id,
    )
    return REPORTED.get(invoice.routing) if reporting == "platform" else None


def is_platforms(work: Work, invoice: Invoice) -> bool:
    """Whether a platform declares this invoice and its receipts: it has the invoice, or is about to get it.

    A refused invoice stays the platform's: it is corrected and sent again, and must not have been declared meanwhile.
    """
    return has_flow(work, invoice.invoice_id) or _is_about_to_go(work, invoice)


def has_flow(work: Work, invoice_id: UUID) -> bool:
    """Whether an invoice was handed, or is being handed, to a platform."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM platform_flows WHERE supplier_id = :supplier AND invoice_id = :invoice "
            "AND kind = 'invoice')",
            invoice=invoice_id,
        )
    )


def is_undecided(work: Work, invoice: Invoice) -> bool:
    """Whether the worker has still to decide on the road of an issued invoice."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE supplier_id = :supplier AND kind = :kind "
            "AND event_key = :key AND state = 'new' AND NOT :subscriber = ANY(done_by))",
            kind=INVOICE_ISSUED,
            key=str(invoice.invoice_id),
            subscriber=PLATFORM_SUBSCRIBER,
        )
    )


def _is_about_to_go(work: Work, invoice: Invoice) -> bool:
    if not is_undecided(work, invoice):
        return False
    account_id = serving_account(work, invoice.routing)
    return account_id is not None and processing_of(work, invoice, account_id) is not None
