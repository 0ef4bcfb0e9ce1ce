"""Standing agreements: announced fourteen days before, computed again on the day, told when they fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from debit_builders import KEYRING, announce, come_near, debit_of, due_invoice, set_up, signed
from dispute_builders import claim
from factor_builders import factor_of
from ledger_builders import customer_facts, issue

from config.clock import new_id, now, today
from payments.autopay.agreements import (
    agree,
    announce_collections,
    autopay_of,
    collections_of,
    collections_to_tell,
    end_autopay,
)
from payments.autopay.agreements import note_told as note_collections_told
from payments.autopay.collecting import collect_due, note_failures
from payments.debits.batching import make_files
from payments.debits.planning import debits_to_tell, note_told, plan_debit
from payments.errors import PaymentError
from payments.gateways.port import GatewayDeclinedError, GatewayInDoubtError
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.factoring.assigning import AssignInvoices, assign_invoices
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.insolvency import NewInsolvency, note_insolvency
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from uuid import UUID

    from payments.gateways.port import Gateway, SavedCharge
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


@dataclass
class Provider:
    """A provider that charges each attempt once, or answers with ``trouble``."""

    trouble: Exception | None = None
    charged: dict[UUID, SavedCharge] = field(default_factory=dict)
    asked: int = 0

    def charge_saved(self, charge: SavedCharge) -> str:
        self.asked += 1
        if self.trouble:
            raise self.trouble
        self.charged.setdefault(charge.attempt_id, charge)
        return f"pi_{charge.attempt_id.hex}"

    def __call__(self, _work: Work, _account_id: UUID) -> Gateway:
        return self  # type: ignore[return-value]


@dataclass
class Case:
    """A customer with a saved method and an agreement."""

    works: Works
    supplier_id: UUID
    customer_id: UUID
    account_id: UUID
    provider: Provider = field(default_factory=Provider)
    days_later: int = 0

    def issue(self, days: int = 10) -> Invoice:
        with self.works.begin(self.supplier_id) as work:
            return issue(work, due_on=today() + timedelta(days=days))

    def announce(self) -> None:
        with self.works.begin(self.supplier_id) as work:
            announce_collections(work)
            note_collections_told(work, [each.announcement_id for each in collections_to_tell(work)])

    def collect(self) -> int:
        """Collect what is due ``days_later``."""
        passed = timedelta(days=self.days_later)
        with (
            patch("payments.autopay.collecting.now", lambda: now() + passed),
            patch("payments.autopay.collecting.today", lambda: today() + passed),
        ):
            return collect_due(self.works, self.supplier_id, self.provider)

    def states(self) -> list[tuple[str, str | None]]:
        with self.works.begin(self.supplier_id) as work:
            return [(row["state"], row["reason"]) for row in collections_of(work, self.customer_id)]


@pytest.fixture
def case(works: Works, supplier: Supplier) -> Case:
    with works.begin(supplier.supplier_id) as work:
        customer_id = issue(work, due_on=today() + timedelta(days=200)).customer_id
        account_id = new_id()
        work.execute(
            "INSERT INTO gateway_accounts (supplier_id, account_id, provider, live, sealed_key, "
            "sealed_webhook_secret, created_at) VALUES (:supplier, :id, 'stripe', false, '', '', :at)",
            id=account_id,
            at=now(),
        )
        work.execute(
            "INSERT INTO provider_customers (supplier_id, account_id, customer_id, customer_ref, created_at) "
            "VALUES (:supplier, :account, :customer, 'cus_1', :at)",
            account=account_id,
            customer=customer_id,
            at=now(),
        )
        work.execute(
            "INSERT INTO saved_methods (supplier_id, account_id, method_ref, customer_id, kind, label, state, "
            "saved_at, changed_at) VALUES (:supplier, :account, 'pm_1', :customer, 'card', 'Visa 4242', 'usable', :at, "
            ":at)",
            account=account_id,
            customer=customer_id,
            at=now(),
        )
        agree(work, customer_id, "customer", {"text": "..."}, method=(account_id, "pm_1"))
    return Case(works, supplier.supplier_id, customer_id, account_id)


def test_a_collection_is_announced_once_and_charged_once_after_fourteen_days(case: Case) -> None:
    invoice = case.issue()
    case.announce()
    case.announce()
    assert case.states() == [("announced", None)]
    assert case.collect() == 0  # the fourteen days are not over
    case.days_later = 20
    assert case.collect() == 1
    assert case.collect() == 0
    assert case.states() == [("collected", None)]
    (charge,) = case.provider.charged.values()
    assert (charge.amount.minor, charge.method_ref, charge.customer_ref) == (10000, "pm_1", "cus_1")
    with case.works.begin(case.supplier_id) as work:
        assert due_on_invoice(work, invoice.invoice_id).in_flight_minor == 10000
        assert announce_collections(work) == 0


def test_less_is_collected_when_a_part_was_paid_and_nothing_when_it_is_disputed(case: Case) -> None:
    part, disputed = case.issue(), case.issue()
    case.announce()
    with case.works.begin(case.supplier_id) as work:
        claim(work, disputed)
        work.execute(
            "UPDATE receivable_items SET open_minor = 3000 WHERE supplier_id = :supplier AND invoice_id = :id",
            id=part.invoice_id,
        )
    case.days_later = 20
    assert case.collect() == 1
    (charge,) = case.provider.charged.values()
    assert charge.amount.minor == 3000
    assert sorted(case.states()) == [("collected", None), ("withdrawn", "nothing_left")]


def test_what_was_announced_before_proceedings_is_not_collected(case: Case) -> None:
    case.issue()
    case.announce()
    with case.works.begin(case.supplier_id) as work:
        note_insolvency(work, NewInsolvency(case.customer_id, "liquidation", today(), "BODACC", "test"))
    case.days_later = 20
    assert (case.collect(), case.provider.asked, case.states()) == (0, 0, [("withdrawn", "insolvent")])


def test_a_declined_charge_is_told_and_not_tried_again(case: Case) -> None:
    invoice = case.issue()
    case.announce()
    case.days_later = 20
    case.provider.trouble = GatewayDeclinedError("The bank said no.")
    assert case.collect() == 0
    case.provider.trouble = None
    assert case.collect() == 0
    case.announce()
    assert case.provider.asked == 1
    assert case.states() == [("failed", "gateway.declined")]
    with case.works.begin(case.supplier_id) as work:
        assert due_on_invoice(work, invoice.invoice_id).in_flight_minor == 0
        assert [each.number for each in collections_to_tell(work, failed=True)] == [invoice.number]


def test_a_charge_in_doubt_is_asked_for_again_under_the_same_key(case: Case) -> None:
    case.issue()
    case.announce()
    case.days_later = 20
    case.provider.trouble = GatewayInDoubtError("No answer came.")
    case.collect()
    case.provider.trouble = None
    assert case.collect() == 1
    assert len(case.provider.charged) == 1
    with case.works.begin(case.supplier_id) as work:
        assert work.scalar("SELECT count(*) FROM payment_attempts WHERE supplier_id = :supplier") == 1


def test_a_charge_that_fails_later_is_told_and_left_to_people(case: Case) -> None:
    case.issue()
    case.announce()
    case.days_later = 20
    case.collect()
    (attempt_id,) = case.provider.charged
    with case.works.begin(case.supplier_id) as work:
        record_facts(work, [AttemptMoved(attempt_id, AttemptState.FAILED, None, "insufficient_funds")])
        note_failures(work)
    assert case.states() == [("failed", "insufficient_funds")]
    case.announce()
    assert len(case.states()) == 1


def test_ending_the_agreement_withdraws_what_was_announced(case: Case) -> None:
    case.issue()
    case.announce()
    with case.works.begin(case.supplier_id) as work:
        assert end_autopay(work, case.customer_id, "customer") == 1
        assert autopay_of(work, case.customer_id) is None
    case.days_later = 20
    assert case.collect() == 0
    assert case.states() == [("withdrawn", "autopay_off")]


def test_a_payer_before_an_open_checkout_is_not_charged_beside_it(case: Case) -> None:
    invoice = case.issue()
    case.announce()
    case.days_later = 20
    with case.works.begin(case.supplier_id) as work:
        work.execute(
            "WITH begun AS (INSERT INTO payment_attempts (supplier_id, attempt_id, customer_id, account_id, "
            "amount_minor, currency, state, expires_at, created_at, changed_at) VALUES (:supplier, :id, :customer, "
            ":account, 10000, 'EUR', 'open', :until, :at, :at) RETURNING attempt_id) INSERT INTO reservations "
            "(supplier_id, attempt_id, invoice_id, amount_minor, state) SELECT :supplier, attempt_id, :invoice, 10000, "
            "'open' FROM begun",
            id=new_id(),
            customer=case.customer_id,
            account=case.account_id,
            invoice=invoice.invoice_id,
            until=now() + timedelta(days=21),
            at=now(),
        )
    assert case.collect() == 0
    assert case.states() == [("announced", None)]


def test_a_method_of_somebody_else_cannot_be_agreed_on(case: Case) -> None:
    with case.works.begin(case.supplier_id) as work, pytest.raises(PaymentError) as refused:
        agree(work, case.customer_id, "customer", {}, method=(case.account_id, "pm_of_another"))
    assert refused.value.code == "autopay.no_means"


def test_under_a_mandate_the_announcement_is_the_debits_own(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        set_up(work)
        invoice = due_invoice(work)
        mandate = signed(work, invoice.customer_id)
        agree(work, invoice.customer_id, "customer", {}, mandate_id=mandate.mandate_id)
        assert announce_collections(work) == 1
        assert collections_to_tell(work) == []
        told = debits_to_tell(work)
        note_told(work, told)
        assert [each.number for each in told] == [invoice.number]
        debit = debit_of(work, invoice)
        assert debit["collect_on"] >= today() + timedelta(days=14)
        work.execute(
            "UPDATE debits SET collect_on = :today, told_for = :today WHERE supplier_id = :supplier", today=today()
        )
        assert make_files(work, KEYRING, "accountant").debits == 1
        (row,) = collections_of(work, invoice.customer_id)
        assert row["state"] == "collected"
        assert announce_collections(work) == 0


def test_planned_debits_of_frozen_and_assigned_invoices_are_not_collected(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        set_up(work)
        kept, frozen, assigned = (
            due_invoice(work, customer=customer_facts(name, siren))
            for name, siren in (("A", "732829320"), ("B", "552100554"), ("C", "130025265"))
        )
        for each in (kept, frozen, assigned):
            signed(work, each.customer_id)
        come_near(work, announce(work, kept, frozen, assigned))
        note_insolvency(
            work, NewInsolvency(frozen.customer_id, "redressement", today() - timedelta(days=2), "BODACC", "test")
        )
        assign_invoices(work, AssignInvoices(factor_of(work).factor_id, [assigned.invoice_id], "test"))
        made = make_files(work, KEYRING, "accountant")
        assert (made.debits, set(made.dropped.values())) == (1, {"insolvent", "assigned"})
        assert [due_on_invoice(work, each.invoice_id).state for each in (kept, frozen, assigned)] == [
            "in_flight",
            "due",
            "assigned",
        ]
        for each in (frozen, assigned):
            with pytest.raises(PaymentError):
                plan_debit(work, each.invoice_id, "collector")
