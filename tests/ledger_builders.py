"""Builders of core commands for tests: an invoice at two rates, an attempt to pay, facts about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.domain.invoicing.invoices import Invoice, IssueInvoice, Origin, Routing
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import MoneyReceived, MoneyReturned
from receivables.services.invoicing.issuing import issue_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work

MORNING = datetime(2026, 10, 14, 8, 0, tzinfo=UTC)


def customer_facts(name: str = "Boulangerie Martin", siren: str | None = "732829320") -> CustomerFacts:
    """A French business."""
    return CustomerFacts(name, CustomerKind.BUSINESS, siren=siren, email="compta@boulangerie.example")


def issue_command(**changes: Any) -> IssueInvoice:
    """An invoice of 100.00: 60.01 at 20 % and 39.99 at 5.5 %, VAT included, due on collection."""
    rows = (VatRow("S", Decimal(20), 5001, 1000), VatRow("S", Decimal("5.5"), 3791, 208))
    values: dict[str, Any] = {
        "customer": customer_facts(),
        "origin": Origin.OWN,
        "number": None,
        "type_code": "380",
        "process": "S1",
        "issued_on": date(2026, 10, 1),
        "due_on": date(2026, 10, 31),
        "currency": "EUR",
        "total_minor": 10000,
        "prepaid_minor": 0,
        "payable_minor": 10000,
        "vat_rows": rows,
        "vat_on_collection": True,
        "routing": Routing.B2B,
        "document": {},
    }
    return IssueInvoice(**{**values, **changes})


def issue(work: Work, **changes: Any) -> Invoice:
    """Issue such an invoice."""
    return issue_invoice(work, issue_command(**changes))


def attempt(
    work: Work, invoice: Invoice, amount_minor: int | None = None, *, minutes: int = 0, currency: str = "EUR"
) -> UUID:
    """An attempt to pay an invoice, begun ``minutes`` after eight in the morning."""
    attempt_id = new_id()
    account_id = new_id()
    amount = amount_minor or invoice.payable_minor
    work.execute("UPDATE gateway_accounts SET active = false WHERE supplier_id = :supplier AND active")
    work.execute(
        "INSERT INTO gateway_accounts (supplier_id, account_id, provider, live, sealed_key, sealed_webhook_secret, "
        "created_at) VALUES (:supplier, :id, 'stripe', false, '', '', :at)",
        id=account_id,
        at=now(),
    )
    work.execute(
        "INSERT INTO payment_attempts (supplier_id, attempt_id, customer_id, account_id, amount_minor, currency, "
        "state, expires_at, created_at, changed_at) "
        "VALUES (:supplier, :id, :customer, :account, :amount, :currency, 'open', :at, :at, :at)",
        id=attempt_id,
        currency=currency,
        customer=invoice.customer_id,
        account=account_id,
        amount=amount,
        at=MORNING + timedelta(minutes=minutes),
    )
    work.execute(
        "INSERT INTO reservations (supplier_id, attempt_id, invoice_id, amount_minor, state) "
        "VALUES (:supplier, :attempt, :invoice, :amount, 'released')",
        attempt=attempt_id,
        invoice=invoice.invoice_id,
        amount=amount,
    )
    return attempt_id


def received(attempt_id: UUID, amount_minor: int, ref: str | None = None) -> MoneyReceived:
    """Money of an attempt."""
    return MoneyReceived(ref or f"pi_{attempt_id.hex}", attempt_id, amount_minor, "EUR", MORNING, "card")


def refunded(attempt_id: UUID, amount_minor: int, ref: str = "re_1") -> MoneyReturned:
    """Money of an attempt given back."""
    return MoneyReturned(f"{ref}_{attempt_id.hex}", f"pi_{attempt_id.hex}", "refund", amount_minor, "EUR", MORNING)
