"""Who declares an invoice to the State: the platform that carries it, or we ourselves (Flux 10). Never both.

The criterion is the data: an invoice that a platform has, or is about to get, is the platform's to declare, with its
receipts (status 212). Everything else is ours (design, decision 13; CGI 290 and 290 A).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.platform.port import ProcessingRule
from einvoice.request.codes import SELF_BILLED
from receivables.domain.events import INVOICE_ISSUED
from receivables.domain.invoicing.invoices import Routing

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
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

    A self-billed one (CGI 289, I-2) was sent by the customer who drew it up: a second one would be a double. A credit
    note that ends what was refused is internal (DG 3.6.4).
    """
    if invoice.type_code in SELF_BILLED or is_internal(work, invoice):
        return None
    if invoice.routing in CARRIED:
        return CARRIED[invoice.routing]
    reporting = work.scalar(
        "SELECT driver->>'reporting' FROM platform_accounts WHERE supplier_id = :supplier AND account_id = :account",
        account=account_id,
    )
    return REPORTED.get(invoice.routing) if reporting == "platform" else None


def self_billed_account(work: Work, invoice: Invoice) -> UUID | None:
    """The account through which a self-billed invoice of ours travels.

    It is the one that brought us the customer's file, while it is open; else the one that serves its kind now.
    """
    brought: UUID | None = work.scalar(
        "SELECT account_id FROM received_invoices AS file JOIN platform_accounts USING (supplier_id, account_id) "
        "JOIN suppliers USING (supplier_id) WHERE supplier_id = :supplier AND seller_ref = siren "
        "AND number = :number AND extract(year FROM issued_on) = :year AND closed_at IS NULL "
        "ORDER BY file.created_at LIMIT 1",
        number=invoice.number,
        year=invoice.issued_on.year,
    )
    return brought or serving_account(work, invoice.routing)


def is_internal(work: Work, invoice: Invoice) -> bool:
    """Whether a credit note only ends invoices that the buyer refused (210) or a platform rejected (213) or never took.

    The State counts none of these, so it must not hear of the credit note either: no Flux 1 or 2, and no 212.
    """
    if not invoice.is_credit_note:
        return False
    return bool(
        work.scalar(
            "SELECT bool_and(ended.invoice_id IS NOT NULL AND (EXISTS (SELECT 1 FROM statuses AS status "
            "WHERE status.supplier_id = :supplier AND status.invoice_id = ended.invoice_id "
            "AND code IN ('210', '213')) OR (SELECT bool_and(flow.state = 'refused') FROM platform_flows AS flow "
            "WHERE flow.supplier_id = :supplier AND flow.invoice_id = ended.invoice_id AND flow.kind = 'invoice') "
            "IS TRUE)) FROM named_invoices AS named LEFT JOIN invoices AS ended ON ended.supplier_id = :supplier "
            "AND ended.number = named.number AND ended.issue_year = named.issue_year "
            "WHERE named.supplier_id = :supplier AND named.invoice_id = :invoice AND named.kind = 'credits'",
            invoice=invoice.invoice_id,
        )
    )


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
