"""Bank lines and open invoices for tests of matching, in the real books."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger_builders import customer_facts, issue

from config.clock import new_id, now
from payments.banking.lines import BankLine, get_line, insert_lines
from payments.banking.recognising import book_suspense
from payments.matching.asking import ask_payers
from payments.matching.deciding import match_lines
from payments.matching.proposals import proposals_of
from receivables.domain.settlement.collected import VatRow

if TYPE_CHECKING:
    from uuid import UUID

    from payments.matching.proposals import Proposal
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

DAY = date(2026, 11, 12)


def bill(work: Work, minor: int, name: str = "Dupont et Fils SARL", **changes: Any) -> Invoice:
    """An invoice of ``minor`` cents to a customer of this name."""
    rows = (VatRow("S", Decimal(20), minor - minor // 6, minor // 6),)
    told = {
        "customer": customer_facts(name, siren=None),
        "total_minor": minor,
        "payable_minor": minor,
        "vat_rows": rows,
        "vat_on_collection": False,
    }
    return issue(work, **(told | changes))


def credit_line(work: Work, minor: int, text: str = "", payer: str = "DUPONT ET FILS", **changes: Any) -> UUID:
    """A line that came in, kept as an import keeps it, not looked at yet."""
    told: dict[str, Any] = {
        "line_id": new_id(),
        "line_key": f"key-{new_id().hex}",
        "entry_key": f"entry-{new_id().hex}",
        "statement_id": _statement(work),
        "account": "FR7630006000011234567890189",
        "booked_on": DAY,
        "value_on": DAY,
        "amount_minor": minor,
        "currency": "EUR",
        "counterparty": payer,
        "counterparty_iban": None,
        "remittance": text,
        "structured_reference": None,
        "end_to_end_id": None,
        "mandate_ref": None,
        "batch_ref": None,
        "bank_code": None,
        "return_code": None,
        "charges_minor": None,
        "details": {},
    }
    (line_id,) = insert_lines(work, [BankLine(**(told | changes))])
    return line_id


def match(work: Work, *line_ids: UUID) -> BankLine:
    """Let matching look at lines as an import does; the first as it stands now."""
    before = {line_id for line_id in line_ids if get_line(work, line_id).state == "new"}
    match_lines(work, line_ids)
    book_suspense(work, [get_line(work, line_id) for line_id in before])
    return get_line(work, line_ids[0])


def first_proposal(work: Work, line_id: UUID) -> Proposal:
    """The best proposal of a line."""
    return proposals_of(work, [line_id])[line_id][0]


def propose_line(work: Work, customer_id: UUID, minor: int = 4_711) -> UUID:
    """A line that a customer seems to have paid, for nothing that is open."""
    name = work.scalar("SELECT name FROM customers WHERE supplier_id = :supplier AND customer_id = :id", id=customer_id)
    line_id = credit_line(work, minor, "VIREMENT", payer=name)
    match(work, line_id)
    return line_id


def ask_about(work: Work, line_id: UUID, customer_id: UUID) -> UUID:
    """Ask a customer about a line; the question."""
    ask_payers(work, line_id, [customer_id], "person test")
    found: UUID = work.scalar(
        "SELECT question_id FROM payer_questions WHERE supplier_id = :supplier AND line_id = :line", line=line_id
    )
    return found


def open_of(work: Work, invoice: Invoice) -> int:
    """What is open on an invoice, in cents."""
    minor: int = work.scalar(
        "SELECT open_minor FROM receivable_items WHERE supplier_id = :supplier AND invoice_id = :id "
        "AND kind = 'invoice'",
        id=invoice.invoice_id,
    )
    return minor


def balance(work: Work, account: str) -> int:
    """Debits less credits of the accounts that begin like this, in cents."""
    minor: int = work.scalar(
        "SELECT coalesce(sum(debit_minor - credit_minor), 0)::bigint FROM postings WHERE supplier_id = :supplier "
        "AND account LIKE :account || '%'",
        account=account,
    )
    return minor


def _statement(work: Work) -> UUID:
    found: UUID | None = work.scalar("SELECT statement_id FROM statements WHERE supplier_id = :supplier LIMIT 1")
    if found is None:
        found = new_id()
        work.execute(
            "INSERT INTO statements (supplier_id, statement_id, sha256, filename, format, account, currency, lines, "
            "fresh_lines, imported_by, imported_at) VALUES (:supplier, :id, 'x', 'x', 'camt.053', 'FR76', 'EUR', 0, 0, "
            "'test', :at)",
            id=found,
            at=now(),
        )
    return found
