"""The columns of statements, journals, open items and ageing as files (CSV, JSON, XLSX)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.banking.by_hand import printed_reference
from portal.statements.words import movement_name
from portal.tables import Column
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receivables.services.accounting.journals import AgeLine, JournalLine
    from receivables.services.accounting.statements import Movement, OpenLine, Statement

STATEMENT: tuple[Column[tuple[Statement, Movement]], ...] = (
    Column("currency", "Monnaie", "Currency", lambda row: row[0].currency),
    Column("booked_on", "Date", "Date", lambda row: row[1].booked_on),
    Column("document_on", "Date de pièce", "Document date", lambda row: row[1].told_on),
    Column("kind", "Opération", "Kind", lambda row: movement_name(row[1].kind)),
    Column("reference", "Référence", "Reference", lambda row: printed_reference(row[1].reference)),
    Column("due_on", "Échéance", "Due date", lambda row: row[1].due_on),
    Column("debit", "Débit", "Debit", lambda row: Money(row[1].debit_minor, row[0].currency)),
    Column("credit", "Crédit", "Credit", lambda row: Money(row[1].credit_minor, row[0].currency)),
    Column("balance", "Solde", "Balance", lambda row: Money(row[1].balance_minor, row[0].currency)),
    Column("letters", "Lettrage", "Letters", lambda row: row[1].letters),
)
OPEN: tuple[Column[OpenLine], ...] = (
    Column("account", "Compte", "Account", lambda row: row.account_code),
    Column("customer", "Client", "Customer", lambda row: row.customer_name),
    Column("kind", "Opération", "Kind", lambda row: movement_name(row.kind)),
    Column("reference", "Référence", "Reference", lambda row: printed_reference(row.reference)),
    Column("booked_on", "Date", "Date", lambda row: row.booked_on),
    Column("due_on", "Échéance", "Due date", lambda row: row.due_on),
    Column("currency", "Monnaie", "Currency", lambda row: row.currency),
    Column("amount", "Montant", "Amount", lambda row: Money(row.amount_minor, row.currency)),
    Column("open", "Reste ouvert", "Open", lambda row: Money(row.open_minor, row.currency)),
)
JOURNAL: tuple[Column[JournalLine], ...] = (
    Column("journal", "Journal", "Journal", lambda row: row.journal),
    Column("number", "Numéro", "Number", lambda row: row.number),
    Column("booked_on", "Date", "Date", lambda row: row.booked_on),
    Column("document_on", "Date de pièce", "Document date", lambda row: row.document_on),
    Column("account", "Compte", "Account", lambda row: row.account),
    Column("account_name", "Libellé du compte", "Account name", lambda row: row.account_name),
    Column("auxiliary", "Auxiliaire", "Auxiliary", lambda row: row.auxiliary),
    Column("auxiliary_name", "Client", "Customer", lambda row: row.auxiliary_name),
    Column("piece", "Pièce", "Document", lambda row: row.piece),
    Column("label", "Libellé", "Label", lambda row: row.label),
    Column("debit", "Débit", "Debit", lambda row: Money(row.debit_minor, row.currency)),
    Column("credit", "Crédit", "Credit", lambda row: Money(row.credit_minor, row.currency)),
    Column("currency", "Monnaie", "Currency", lambda row: row.currency),
    Column("letters", "Lettrage", "Letters", lambda row: row.letters),
)
AGEING: tuple[Column[AgeLine], ...] = (
    Column("account", "Compte", "Account", lambda row: row.account_code),
    Column("customer", "Client", "Customer", lambda row: row.customer_name),
    Column("currency", "Monnaie", "Currency", lambda row: row.currency),
    Column("not_due", "Non échu", "Not due", lambda row: Money(row.ages["not_due"], row.currency)),
    Column("to_30", "1 à 30 jours", "1 to 30 days", lambda row: Money(row.ages["to_30"], row.currency)),
    Column("to_60", "31 à 60 jours", "31 to 60 days", lambda row: Money(row.ages["to_60"], row.currency)),
    Column("to_90", "61 à 90 jours", "61 to 90 days", lambda row: Money(row.ages["to_90"], row.currency)),
    Column("over_90", "Plus de 90 jours", "Over 90 days", lambda row: Money(row.ages["over_90"], row.currency)),
    Column("credit", "Avoirs et versements", "Credits", lambda row: Money(row.ages["credit"], row.currency)),
    Column("total", "Solde", "Balance", lambda row: Money(row.total_minor, row.currency)),
)


def movements(statements: list[Statement]) -> Iterator[tuple[Statement, Movement]]:
    """The lines of statements in several currencies, one after the other."""
    return ((statement, movement) for statement in statements for movement in statement.movements)
