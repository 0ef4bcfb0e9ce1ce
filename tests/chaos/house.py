"""The house of a crash test: its suppliers, customers, invoices and attempts, written before the first webhook.

Written with the product's own rows (``sales_entry``, ``Work.insert``), so that what is paid was booked as it is in
production; only the announcement ``invoice.issued`` is left out, for documents are not what is tested here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import text

from config.clock import new_id, now
from config.law import accounts_on
from payments.accounts import open_account
from receivables.domain.accounting.ledger import Chart
from receivables.domain.invoicing.invoices import IssueInvoice, Origin, Routing, sales_entry
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.domain.settlement.collected import VatRow
from receivables.store.invoicing.invoices import vat_rows_to_json
from receivables.store.settlement.books import write_entries, write_items

if TYPE_CHECKING:
    from typing import Any

    from chaos.traffic import Invoice, Payment, Traffic

    from config.secrets import Keyring
    from receivables.domain.accounting.ledger import Entry
    from receivables.store.work import Work, Works

ISSUED_ON = date(2026, 9, 1)
DUE_ON = date(2026, 10, 1)


def furnish(works: Works, keyring: Keyring, traffic: Traffic) -> None:
    """Write everything that the traffic speaks of."""
    for number, supplier in enumerate(traffic.suppliers):
        supplier_id = UUID(supplier["supplier_id"])
        with works.database.register() as connection:
            connection.execute(
                text("INSERT INTO suppliers (supplier_id, siren, name, created_at) VALUES (:id, :siren, :name, :at)"),
                {"id": supplier_id, "siren": f"{300_000_000 + number}", "name": supplier["name"], "at": now()},
            )
        with works.begin(supplier_id) as work:
            account_id = open_account(
                work,
                keyring,
                provider="stripe",
                key="sk_test_chaos",
                webhook_secret=supplier["secret"],
                base_url="http://127.0.0.1:9",
                live=False,
            )
            _open_customers(work, supplier["customers"])
            _issue(work, [each for each in traffic.invoices if each.supplier == number], supplier["customers"])
            _begin(work, [each for each in traffic.payments if each.supplier == number], supplier, account_id)


def _open_customers(work: Work, customer_ids: list[str]) -> None:
    work.insert(
        "customers",
        [
            {
                "customer_id": customer_id,
                "account_code": f"C{number:05d}",
                "name": f"Client {number}",
                "kind": "business",
                "party": {},
                "language": "fr",
                "created_at": now(),
            }
            for number, customer_id in enumerate(customer_ids)
        ],
    )


def _issue(work: Work, invoices: list[Invoice], customers: list[str]) -> None:
    chart = Chart(**accounts_on(ISSUED_ON))
    rows: list[dict[str, Any]] = []
    entries: list[Entry] = []
    items: list[dict[str, Any]] = []
    for serial, invoice in enumerate(invoices, start=1):
        command = _command(invoice)
        customer_id = UUID(customers[invoice.customer])
        rows.append(_invoice_row(invoice, command, customer_id, serial))
        entry = sales_entry(
            command,
            chart,
            invoice_id=UUID(invoice.invoice_id),
            customer_id=customer_id,
            number=invoice.number,
            new_id=new_id,
        )
        assert entry is not None, "an invoice above zero is booked"
        entries.append(entry)
        items += [_item_row(invoice, customer_id, each.posting_id) for each in entry.postings if each.customer_id]
    work.execute(
        "INSERT INTO number_series (supplier_id, series, year, last_number) VALUES (:supplier, 'F', :year, :last)",
        year=ISSUED_ON.year,
        last=len(invoices),
    )
    work.insert("invoices", rows)
    write_entries(work, entries)
    write_items(work, items)
    work.audit_all(
        [
            {"actor": "chaos", "act": "invoice.issued", "object": invoice.invoice_id, "details": {}}
            for invoice in invoices
        ]
    )


def _command(invoice: Invoice) -> IssueInvoice:
    return IssueInvoice(
        customer=CustomerFacts(f"Client {invoice.customer}", CustomerKind.BUSINESS),
        origin=Origin.OWN,
        number=None,
        type_code="380",
        process="S1",
        issued_on=ISSUED_ON,
        due_on=DUE_ON,
        currency="EUR",
        total_minor=invoice.payable_minor,
        prepaid_minor=0,
        payable_minor=invoice.payable_minor,
        vat_rows=tuple(VatRow("S", Decimal(rate), base, tax) for rate, base, tax in invoice.vat_rows),
        vat_on_collection=invoice.vat_on_collection,
        routing=Routing.B2B,
        document={},
    )


def _invoice_row(invoice: Invoice, command: IssueInvoice, customer_id: UUID, serial: int) -> dict[str, Any]:
    return {
        "invoice_id": invoice.invoice_id,
        "customer_id": customer_id,
        "number": invoice.number,
        "issue_year": ISSUED_ON.year,
        "series": "F",
        "serial": serial,
        "origin": command.origin,
        "type_code": command.type_code,
        "process": command.process,
        "issued_on": ISSUED_ON,
        "due_on": DUE_ON,
        "currency": command.currency,
        "total_minor": command.total_minor,
        "prepaid_minor": 0,
        "payable_minor": command.payable_minor,
        "vat_on_collection": command.vat_on_collection,
        "vat_rows": vat_rows_to_json(command.vat_rows),
        "document": {},
        "routing": command.routing,
        "created_at": now(),
    }


def _item_row(invoice: Invoice, customer_id: UUID, posting_id: UUID) -> dict[str, Any]:
    return {
        "posting_id": posting_id,
        "customer_id": customer_id,
        "invoice_id": invoice.invoice_id,
        "reference": invoice.number,
        "kind": "invoice",
        "debit": True,
        "amount_minor": invoice.payable_minor,
        "open_minor": invoice.payable_minor,
        "currency": "EUR",
        "booked_on": ISSUED_ON,
        "due_on": DUE_ON,
        "ranked_at": datetime.combine(ISSUED_ON, datetime.min.time(), tzinfo=UTC),
    }


def _begin(work: Work, payments: list[Payment], supplier: dict[str, Any], account_id: UUID) -> None:
    """Attempts as a checkout leaves them; of two for one invoice the first is released, as when it was replaced."""
    held: set[str] = set()
    for payment in reversed(payments):
        at = datetime.fromtimestamp(payment.began, UTC)
        latest = held.isdisjoint(payment.targets)
        held.update(payment.targets)
        work.execute(
            "INSERT INTO payment_attempts (supplier_id, attempt_id, customer_id, account_id, amount_minor, currency, "
            "state, expires_at, created_at, changed_at) VALUES (:supplier, :id, :customer, :account, :amount, 'EUR', "
            ":state, :expires, :at, :at)",
            id=payment.attempt_id,
            customer=supplier["customers"][payment.customer],
            account=account_id,
            amount=payment.amount_minor,
            state="open" if latest else "superseded",
            expires=at + timedelta(hours=1),
            at=at,
        )
        for invoice_id, part in payment.targets.items():
            work.execute(
                "INSERT INTO reservations (supplier_id, attempt_id, invoice_id, amount_minor, state) "
                "VALUES (:supplier, :attempt, :invoice, :amount, :state)",
                attempt=payment.attempt_id,
                invoice=invoice_id,
                amount=part,
                state="open" if latest else "released",
            )
