"""A supplier with a Stripe account of its own in the sandbox: paid, told by webhooks, paid out, compared."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from checkout_builders import KEYRING, Till
from ledger_builders import issue
from payment_sandbox import KEY

from config.clock import today
from config.law import accounts_on
from payments.accounts import active_account
from payments.gateways.opening import open_gateway
from payments.providers.customers import customer_there
from payments.reactions import receive_events
from payments.reconcile import recover_missed_facts
from portal.background.clearing_duties import follow_hints
from portal.background.worker import Worker
from receivables.services.accounting.checks import run_checks
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.inbox import accept

if TYPE_CHECKING:
    from uuid import UUID

    from payments.gateways.port import Gateway
    from payments.gateways.stripe import StripeGateway
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.domain.settlement.receipts import Outcome
    from receivables.store.work import Work

IBAN = "FR1420041010050500013M02606"
"""A test account whose debits succeed."""


class Desk(Till):
    """A till with everything behind it: the worker, the books, the provider's control routes."""

    def gateway_for(self, work: Work, account_id: UUID | None = None) -> Gateway:
        account = active_account(work, KEYRING, account_id)
        return open_gateway(account, network_retries=0, timeout_s=5)

    @property
    def gateway(self) -> StripeGateway:
        return self.sandbox.gateway

    def issue(self, **changes: Any) -> Invoice:
        with self.works.begin(self.supplier.supplier_id) as work:
            return issue(work, **changes)

    def paid(self, invoice: Invoice, card: str = "4242424242424242", **changes: Any) -> str:
        """Press and pay; returns the provider's payment."""
        self.press(invoice, **changes)
        session = self.attempts()[-1]["session_ref"]
        return str(self.sandbox.pay(session, card)["payment_intent"])

    def customer_ref(self, invoice: Invoice) -> str:
        """The invoice's customer at the provider."""
        return customer_there(self.works, self.supplier.supplier_id, self.account_id, invoice.customer_id, self.gateway)

    def hear(self, bodies: list[bytes] | None = None, matching_s: float = 0) -> None:
        """Receive webhooks (those delivered so far, unless told which), post them, and follow their hints."""
        bodies = self.sandbox.delivered() if bodies is None else bodies
        with self.works.begin(self.supplier.supplier_id) as work:
            accept(work, "stripe", [(json.loads(body)["id"], body) for body in bodies])
            work.execute("UPDATE inbox SET next_try_at = now() WHERE supplier_id = :supplier")
            work.execute("UPDATE outbox SET next_try_at = now() WHERE supplier_id = :supplier")
        worker = Worker(
            self.works,
            {"stripe": lambda work, messages: receive_events(work, messages, self.gateway_for)},
            follow_hints(self, matching_s),  # type: ignore[arg-type]  # works and gateway_for are all it asks for
        )
        worker.drain_inbox_of(self.supplier.supplier_id)
        worker.drain_outbox_of(self.supplier.supplier_id)

    def pull(self) -> Counter[Outcome]:
        """Ask the provider for what no webhook told, and follow the hints in it."""
        outcomes = recover_missed_facts(self.works, self.supplier.supplier_id, self.gateway_for)
        self.hear([])
        return outcomes

    def inbox(self) -> Counter[str]:
        rows = self.rows("SELECT state FROM inbox WHERE supplier_id = :supplier")
        return Counter(row["state"] for row in rows)

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        with self.works.begin(self.supplier.supplier_id) as work:
            return [dict(row) for row in work.rows(sql, **values)]

    def state(self, invoice: Invoice) -> str:
        """Where an invoice stands; every check of the books must hold."""
        with self.works.begin(self.supplier.supplier_id) as work:
            assert [finding for finding in run_checks(work) if finding.gap] == []
            return due_on_invoice(work, invoice.invoice_id).state

    def balances(self) -> dict[str, int]:
        """What stands on each account of the chart, by its name, in minor units; nothing where it is zero."""
        names = {number: name for name, number in accounts_on(today()).items()}
        rows = self.rows(
            "SELECT account, sum(debit_minor - credit_minor)::bigint AS minor FROM postings "
            "WHERE supplier_id = :supplier GROUP BY account"
        )
        found = {names[row["account"]]: row["minor"] for row in rows if row["minor"]}
        return {name: minor for name, minor in found.items() if name not in SALES}

    def entries(self) -> Counter[tuple[str, str]]:
        """Entries by what they book and its reference; sales left out."""
        rows = self.rows("SELECT source_kind, source_ref FROM entries WHERE supplier_id = :supplier")
        return Counter((row["source_kind"], row["source_ref"]) for row in rows if row["source_kind"] != "invoice")


SALES = frozenset({"goods", "services", "vat_due", "vat_pending"})
"""Accounts of sales and VAT: what these tests do not look at."""

__all__ = ["IBAN", "KEY", "Desk"]
