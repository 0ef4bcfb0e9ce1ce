"""Treasury lists as files: amounts beside their currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.tables import Column
from receivables.domain.money import Money

if TYPE_CHECKING:
    from payments.treasury.life import PaymentLine
    from payments.treasury.payouts import MovementLine
    from payments.treasury.positions import Comparison

PAYMENTS: tuple[Column[PaymentLine], ...] = (
    Column("payment", "paiement", "payment", lambda row: row.attempt_id),
    Column("begun_at", "commencé le", "begun at", lambda row: row.at),
    Column("customer", "client", "customer", lambda row: row.customer_name),
    Column("road", "voie", "road", lambda row: row.road),
    Column("method", "moyen", "method", lambda row: row.method),
    Column("state", "état", "state", lambda row: row.state),
    Column("reference", "référence", "reference", lambda row: row.payment_ref),
    Column("invoices", "factures", "invoices", lambda row: " ".join(row.invoices)),
    Column("currency", "monnaie", "currency", lambda row: row.currency),
    Column("received", "reçu", "received", lambda row: Money(row.received_minor, row.currency)),
    Column("returned", "rendu", "returned", lambda row: Money(row.returned_minor, row.currency)),
    Column("unallocated", "non imputé", "unallocated", lambda row: Money(row.credit_minor, row.currency)),
)
MOVEMENTS: tuple[Column[MovementLine], ...] = (
    Column("movement", "mouvement", "movement", lambda row: row.movement_ref),
    Column("moved_at", "jour", "day", lambda row: row.moved_at),
    Column("kind", "genre", "kind", lambda row: row.kind),
    Column("object", "objet", "object", lambda row: row.object_ref),
    Column("customer", "client", "customer", lambda row: row.customer_name),
    Column("invoices", "factures", "invoices", lambda row: " ".join(row.invoices)),
    Column("currency", "monnaie", "currency", lambda row: row.currency),
    Column("gross", "brut", "gross", lambda row: Money(row.gross_minor, row.currency)),
    Column("fee", "frais", "fee", lambda row: Money(row.fee_minor, row.currency)),
    Column("net", "net", "net", lambda row: Money(row.net_minor, row.currency)),
    Column("payout", "versement", "payout", lambda row: row.payout_ref),
)
COMPARISONS: tuple[Column[Comparison], ...] = (
    Column("day", "jour", "day", lambda row: row.compared_on),
    Column("provider", "prestataire", "provider", lambda row: row.provider),
    Column("kind", "genre", "kind", lambda row: row.kind),
    Column("currency", "monnaie", "currency", lambda row: row.currency),
    Column("provider_count", "nombre prestataire", "provider count", lambda row: row.provider_count),
    Column("provider_amount", "prestataire", "provider", lambda row: Money(row.provider_minor, row.currency)),
    Column("books_count", "nombre livres", "books count", lambda row: row.books_count),
    Column("books_amount", "livres", "books", lambda row: Money(row.books_minor, row.currency)),
    Column("gap", "écart", "gap", lambda row: Money(row.gap_minor, row.currency)),
    Column("references", "références", "references", lambda row: " ".join(str(each["ref"]) for each in row.differing)),
)
