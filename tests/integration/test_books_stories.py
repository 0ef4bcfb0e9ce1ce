"""Whole stories of claims across the books: reminders, promises, plans, disputes, interest, factors, proceedings.

After each step every proof holds, every year's FEC is accepted, and what one area says the others say too.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from credit_builders import buyer, deliver, limit, named, order
from dispute_builders import claim as dispute_it
from exports_builders import french_supplier
from factor_builders import factor_of
from ledger_builders import attempt, customer_facts, issue
from promise_builders import plan_for as agree_plan
from promise_builders import promise_for

from config.clock import new_id, today
from config.law.days import on_or_after
from payments.gateways.port import FactKind, PaymentFact
from payments.proving import prove_money
from payments.reactions import record_told
from portal.dunning.tasks import tidy_tasks
from portal.staff.disputes.acts import Actor, accept
from receivables.domain.accounting.fec import write_fec
from receivables.domain.accounting.fec_checking import check_fec
from receivables.domain.collecting.plans import PlanState
from receivables.domain.collecting.promises import PromiseState
from receivables.domain.conversations.disputes import Scope as DisputeScope
from receivables.domain.conversations.disputes import State
from receivables.domain.invoicing.invoices import NamedInvoice
from receivables.domain.money import Money
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.domain.risk.commitments import DELIVERY, ORDER
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import MoneyReceived, MoneyReturned
from receivables.domain.settlement.terms import Instalment
from receivables.errors import ReceivablesError
from receivables.services.accounting.closing import accounting_years, close_period, validate_entries
from receivables.services.accounting.fec import fec_of
from receivables.services.accounting.journals import ageing
from receivables.services.accounting.statements import AGES, statements_of
from receivables.services.collecting.chasing import chase_state, chase_states
from receivables.services.collecting.claiming import MakeClaim, make_claim
from receivables.services.collecting.dunning import adopt_usual_scenarios, plan_for, rules_of
from receivables.services.collecting.forgoing import correct_claims, waive_claim
from receivables.services.collecting.limitation import warn_of_limitation
from receivables.services.collecting.plan_reviews import last_day_of, review_plans
from receivables.services.collecting.promising import judge_promises
from receivables.services.collecting.reckoning import reckon, reckon_late, set_terms
from receivables.services.collecting.tasking import open_tasks
from receivables.services.collecting.worklist import Wanted, worklist
from receivables.services.conversations.disputing import accept_dispute
from receivables.services.factoring.assigning import AssignInvoices, assign_invoices, give_back, hand_over
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.measuring.indicators import indicators
from receivables.services.risk.exposing import exposure_of
from receivables.services.risk.insolvency import NewInsolvency, note_insolvency
from receivables.services.settlement.moving import ExchangeCredit, TransferCredit, exchange_credit, transfer_credit
from receivables.services.settlement.paying import RecordPayment, noon, record_payment, spread
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.short_paying import short_payments
from receivables.store.collecting.claims import BOOKED, MEMO, InterestTerms, get_claim
from receivables.store.collecting.plans import get_plan
from receivables.store.collecting.promises import get_promise
from receivables.store.conversations.disputes import get_dispute
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.invoicing.rates import Rate, keep_rates
from receivables.store.measuring.measures import lines_of
from receivables.store.measuring.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.database import Database
    from portal.wiring import Services
    from receivables.domain.collecting.reminders import Plan as Reminders
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAY = on_or_after(today() + timedelta(days=1))
"""A working day on which reminders go out."""
RATE = Decimal(15)


class Books:
    """One supplier's books in one transaction, looked at from all sides."""

    def __init__(self, work: Work) -> None:
        self.work = work
        adopt_usual_scenarios(work, "owner")
        set_terms(work, InterestTerms(date(2020, 1, 1), RATE, booking=BOOKED), "owner")

    def sell(self, late_days: int = 40, minor: int = 100_000, **changes: Any) -> Invoice:
        """An invoice that fell due ``late_days`` ago, VAT on collection."""
        due_on = today() - timedelta(days=late_days)
        vat = minor // 6
        values: dict[str, Any] = {
            "issued_on": due_on - timedelta(days=30),
            "due_on": due_on,
            "total_minor": minor,
            "payable_minor": minor,
            "vat_rows": (VatRow("S", Decimal(20), minor - vat, vat),),
            **changes,
        }
        return issue(self.work, **values)

    def pay(self, customer_id: UUID, minor: int, aims: dict[UUID, int], on: date | None = None) -> str:
        """Final money at the bank; its reference."""
        ref, day = f"line/{new_id()}", on or today()
        paid = RecordPayment(ref, customer_id, minor, "EUR", day, "transfer", "bank", "cash", aims, "anne")
        record_payment(self.work, paid)
        return ref

    def go_back(self, ref: str, minor: int, kind: str = "return", on: date | None = None) -> None:
        """Money of a payment goes back."""
        told = noon(on or today())
        record_facts(self.work, [MoneyReturned(f"{ref}/back", ref, kind, minor, "EUR", told, "cash")])

    def credit(self, invoice: Invoice, minor: int) -> Invoice:
        """A credit note on an invoice."""
        name = NamedInvoice(invoice.number, invoice.issued_on.year, minor)
        days = {"issued_on": today(), "due_on": today()}
        return self.sell(0, minor, type_code="381", names=(name,), **days)

    def chased(self, invoice: Invoice, on: date | None = None) -> int:
        """What may be asked for of an invoice."""
        return chase_state(self.work, invoice.invoice_id, on or today()).chaseable_minor

    def open(self, invoice: Invoice | UUID) -> int:
        """What is open of an invoice or claim."""
        return due_on_invoice(self.work, invoice if isinstance(invoice, UUID) else invoice.invoice_id).open_minor

    def reminders(self, *invoices: Invoice, on: date = DAY) -> Reminders:
        """What dunning would send to the customers of invoices."""
        return plan_for(self.work, rules_of(self.work), [each.customer_id for each in invoices], on)

    def asked(self, *invoices: Invoice, on: date = DAY) -> dict[str, int]:
        """What the reminders of a day ask for, by number."""
        plan = self.reminders(*invoices, on=on)
        return {part.number: part.amount_minor for each in plan.reminders for part in each.parts}

    def claim(self, *late: Invoice, through: date | None = None) -> UUID:
        """Claim what has run on late invoices."""
        ids = tuple(each.invoice_id for each in late)
        return make_claim(self.work, MakeClaim(late[0].customer_id, ids, through or today(), "anne")).claim_id

    def balances(self, *prefixes: str) -> dict[str, int]:
        """Debits less credits by account."""
        rows = self.work.rows(
            "SELECT account, sum(debit_minor - credit_minor)::bigint AS minor FROM postings "
            "WHERE supplier_id = :supplier GROUP BY 1 HAVING sum(debit_minor - credit_minor) <> 0"
        )
        return {row["account"]: row["minor"] for row in rows if row["account"].startswith(prefixes)}

    def prove(self) -> None:
        """No gap, a FEC that is accepted, and one sum in books, exposure, statements, ageing, indicators, worklist."""
        assert [(each.code, each.gap) for each in prove_money(self.work) if each.gap] == []
        self._prove_fec()
        booked = {
            (row["customer_id"], row["currency"]): row["minor"]
            for row in self.work.rows(
                "SELECT customer_id, currency::text AS currency, sum(debit_minor - credit_minor)::bigint AS minor "
                "FROM postings WHERE supplier_id = :supplier AND (account LIKE '411%' OR account LIKE '416%') "
                "AND customer_id IS NOT NULL GROUP BY 1, 2"
            )
        }
        for (customer_id, currency), minor in booked.items():
            found = exposure_of(self.work, customer_id, currency)
            assert found.invoiced_minor + found.in_flight_minor - found.credits_minor == minor
            told = {each.currency: each for each in statements_of(self.work, customer_id, date(2000, 1, 1), today())}
            assert told[currency].closing_minor == sum(told[currency].ages.values()) == minor
        euros = sum(minor for (_, currency), minor in booked.items() if currency == "EUR")
        old = [each for each in ageing(self.work, today()) if each.currency == "EUR"]
        assert sum(each.total_minor for each in old) == euros
        board = indicators(self.work, Scope(today()))
        assert board.ages_minor == tuple(sum(each.ages[age] for each in old) for age in AGES)
        assert board["receivable"].value - board["credits"].value == euros  # type: ignore[operator]
        listed = sum(each.amount_minor for each in lines_of(self.work, "doubtful", Scope(today()), limit=None))
        assert listed == sum(self.balances("416").values())
        self._prove_chasing(booked)

    def _prove_fec(self) -> None:
        validate_entries(self.work, today(), "accountant")
        for year in accounting_years(self.work):
            out, fec = BytesIO(), fec_of(self.work, year)
            write_fec(out, fec.lines, "iso8859-15")
            verdict = check_fec(fec.name, out.getvalue())
            assert (verdict.accepted, verdict.counts) == (True, {})

    def _prove_chasing(self, booked: dict[tuple[UUID, str], int]) -> None:
        """Dunning and the worklist ask for no more than may be chased, and the worklist says why not the rest."""
        rules, customers = rules_of(self.work), [customer_id for customer_id, _ in booked]
        parts = [part for each in plan_for(self.work, rules, customers, DAY).reminders for part in each.parts]
        states = chase_states(self.work, [part.invoice_id for part in parts], DAY)
        assert all(part.amount_minor <= states[part.invoice_id].chaseable_minor for part in parts)
        for each in worklist(self.work, today(), Wanted()):
            account = each.account
            assert account.chaseable_minor + sum(account.held.values()) == account.late_minor


@pytest.fixture
def owner(database: Database) -> Supplier:
    return french_supplier(database)


@pytest.fixture
def books(works: Works, owner: Supplier) -> Iterator[Books]:
    with works.begin(owner.supplier_id) as work:
        yield Books(work)


def test_late_promised_broken_claimed_paid_with_interest_first_and_charged_back(books: Books) -> None:
    invoice = books.sell(40)
    assert books.asked(invoice) == {invoice.number: 100_000}
    promise = promise_for(books.work, invoice)
    assert (books.asked(invoice), books.chased(invoice)) == ({}, 0)
    books.prove()
    over = on_or_after(promise.judged_on + timedelta(days=1))
    judge_promises(books.work, over)
    assert get_promise(books.work, promise.promise_id).state is PromiseState.BROKEN
    whys = {part.why for each in books.reminders(invoice, on=over).reminders for part in each.parts}
    assert whys == {"broken_promise"}
    claim_id = books.claim(invoice)
    interest = books.open(claim_id) - 4_000
    assert interest == round(100_000 * 40 * RATE / 36_500)
    books.prove()
    board = indicators(books.work, Scope(today()))
    assert board["dso"].value == 90, "interest is no sale: 100,000 / 100,000 x 90 days"
    aims = spread(books.work, invoice.customer_id, 100_000, "EUR", today())
    assert aims == {claim_id: interest + 4_000, invoice.invoice_id: 96_000 - interest}, "C. civ. art. 1343-1"
    ref = books.pay(invoice.customer_id, 100_000, aims)
    assert (books.open(claim_id), books.open(invoice)) == (0, interest + 4_000)
    books.prove()
    books.go_back(ref, 100_000, "chargeback")
    assert (books.open(claim_id), books.open(invoice)) == (interest + 4_000, 100_000)
    (found,) = reckon(books.work, [invoice.invoice_id], today() + timedelta(days=10))
    assert (found.interest_minor, found.indemnity_minor) == (round(100_000 * 50 * RATE / 36_500) - interest, 0)
    assert books.balances("411", "7") == {"411000": 104_000 + interest, **books.balances("7")}
    books.prove()


def test_ordered_delivered_paid_in_part_disputed_credited_and_lettered(books: Books) -> None:
    who = buyer(books.work)
    order(books.work, who, 100_000)
    deliver(books.work, who, 100_000)
    assert exposure_of(books.work, who).delivered_minor == 100_000
    invoice = books.sell(40, commitments=(named(DELIVERY, "BL-1"), named(ORDER, "CMD-1")))
    assert exposure_of(books.work, who).total_minor == 100_000, "once"
    books.prove()
    books.pay(who, 40_000, {invoice.invoice_id: 40_000}, today() - timedelta(days=20))
    dispute = dispute_it(books.work, invoice, scope=DisputeScope.AMOUNT, amount_minor=25_000)
    assert (books.chased(invoice), books.asked(invoice)) == (35_000, {invoice.number: 35_000})
    assert indicators(books.work, Scope(today()))["disputed"].value == 25_000
    (found,) = reckon(books.work, [invoice.invoice_id], today())
    assert found.interest.frozen_minor > 0
    books.prove()
    claim_id = books.claim(invoice)
    note = books.credit(invoice, 25_000)
    accept_dispute(
        books.work, dispute.dispute_id, "anne", "Vous avez raison.", amount_minor=25_000, credit_note_id=note.invoice_id
    )
    correct_claims(books.work, [invoice.invoice_id], reason="réclamation acceptée", actor="anne")
    right = round((75_000 * 20 + 35_000 * 20) * RATE / 36_500)
    assert books.open(claim_id) == right + 4_000, "nothing on what was never owed"
    assert (books.chased(invoice), books.open(note)) == (35_000, 0)
    books.prove()
    books.pay(who, 39_000 + right, {invoice.invoice_id: 35_000, claim_id: right + 4_000})
    assert (books.open(invoice), exposure_of(books.work, who).total_minor) == (0, 0)
    open_lines = books.work.scalar(
        "SELECT count(*) FROM receivable_items JOIN letterings USING (supplier_id, lettering_id) "
        "WHERE supplier_id = :supplier AND (open_minor > 0 OR NOT balanced)"
    )
    assert open_lines == 0
    books.prove()


def test_a_plan_over_three_invoices_is_paid_twice_broken_and_chased_again(books: Books) -> None:
    sold = [books.sell(days, 60_000) for days in (60, 50, 40)]
    plan = agree_plan(books.work, sold, 3, first_on=today())
    assert plan.state is PlanState.ACCEPTED
    assert (books.asked(*sold), [books.chased(each) for each in sold]) == ({}, [0, 0, 0])
    books.prove()
    who = sold[0].customer_id
    for invoice in sold[:2]:
        books.pay(who, 60_000, {invoice.invoice_id: 60_000})
    late = last_day_of(plan, get_plan(books.work, plan.plan_id).parts[2])
    for day in (plan.instalments[2].due_on + timedelta(days=1), late + timedelta(days=1), late + timedelta(days=3)):
        review_plans(books.work, on_or_after(day))
    over = on_or_after(late + timedelta(days=40))
    assert get_plan(books.work, plan.plan_id).state is PlanState.BROKEN
    assert (books.chased(sold[2], over), books.asked(*sold, on=over)) == (60_000, {sold[2].number: 60_000})
    books.prove()


def test_a_plan_without_interest_stops_it_while_it_is_kept(books: Books) -> None:
    invoice = books.sell(40)
    plan = agree_plan(books.work, [invoice], 2, first_on=today())
    assert not plan.interest
    (found,) = reckon(books.work, [invoice.invoice_id], today() + timedelta(days=30))
    assert found.interest.days_late == 39, "from the day of the agreement on nothing runs"
    books.work.execute("UPDATE plans SET state = 'broken' WHERE supplier_id = :supplier")
    (found,) = reckon(books.work, [invoice.invoice_id], today() + timedelta(days=30))
    assert found.interest.days_late == 70, "a plan that was broken stopped nothing"


def test_a_deposit_lowers_the_exposure_until_the_final_invoice_deducts_it(books: Books) -> None:
    who = buyer(books.work)
    order(books.work, who, 300_000)
    deposit = books.sell(0, type_code="386", commitments=(named(ORDER, "CMD-1"),))
    assert exposure_of(books.work, who).total_minor == 300_000
    books.prove()
    books.pay(who, 100_000, {deposit.invoice_id: 100_000})
    found = exposure_of(books.work, who)
    assert (found.deposits_minor, found.total_minor) == (100_000, 200_000)
    books.prove()
    totals = {"total_minor": 300_000, "prepaid_minor": 100_000, "payable_minor": 200_000}
    vat = (VatRow("S", Decimal(20), 250_000, 50_000),)
    final = books.sell(0, process="S4", vat_rows=vat, commitments=(named(ORDER, "CMD-1"),), **totals)
    found = exposure_of(books.work, who)
    assert (found.deposits_minor, found.ordered_minor, found.total_minor) == (0, 0, 200_000)
    books.prove()
    ref = books.pay(who, 200_000, {final.invoice_id: 200_000})
    assert exposure_of(books.work, who).total_minor == 0
    books.go_back(ref, 200_000)
    assert exposure_of(books.work, who).total_minor == 200_000
    books.prove()


def test_a_parent_pays_for_its_child_the_month_is_closed_and_the_payment_bounces(books: Books) -> None:
    parent = books.sell(60, customer=customer_facts("Groupe Martin", "552100554"))
    child = books.sell(60, 50_000)
    came = today() - timedelta(days=10)
    ref = books.pay(parent.customer_id, 150_000, {parent.invoice_id: 100_000}, came)
    payment = books.work.scalar(
        "SELECT attempt_id FROM receivable_items WHERE supplier_id = :supplier AND reference = :ref", ref=ref
    )
    move = TransferCredit(payment, child.customer_id, 50_000, "anne", "la mère paie", {child.invoice_id: 50_000})
    transfer_credit(books.work, move)
    assert (books.open(parent), books.open(child), books.asked(parent, child)) == (0, 0, {})
    books.prove()
    close_period(books.work, today() - timedelta(days=1), "accountant")
    books.go_back(ref, 150_000, "bounced", today() - timedelta(days=3))
    assert (books.open(parent), books.open(child)) == (100_000, 50_000)
    assert exposure_of(books.work, child.customer_id).total_minor == 50_000
    assert exposure_of(books.work, child.customer_id, on=today() - timedelta(days=1)).total_minor == 0
    assert "580000" not in books.balances("580")
    books.prove()


def test_proceedings_freeze_what_is_older_and_the_administrator_pays_late(books: Books) -> None:
    old, opened = books.sell(60), today() - timedelta(days=10)
    barely = books.sell(5)
    who = old.customer_id
    note_insolvency(books.work, NewInsolvency(who, "redressement", opened, "BODACC", "anne"))
    assert books.balances("411", "416") == {"416000": 200_000}
    assert (books.asked(old, barely), books.chased(old), books.chased(barely)) == ({}, 0, 0)
    assert [each.kind for each in open_tasks(books.work, customer_id=who)] == ["insolvency.declare"]
    frozen, never = reckon(books.work, [old.invoice_id, barely.invoice_id], today())
    assert (frozen.interest.days_late, frozen.indemnity_minor) == (49, 0), "C. com. art. L622-28, L441-10 II"
    assert (never.interest.days_late, never.indemnity_minor) == (0, 0)
    books.prove()
    claim_id = books.claim(old)
    assert books.balances("416") == {"416000": 200_000 + books.open(claim_id)}, "interest of before is frozen as well"
    state = chase_state(books.work, claim_id, today() + timedelta(days=60))
    assert (state.chaseable_minor, [each.why for each in state.holds]) == (0, ["insolvent"])
    books.prove()
    late = books.sell(70, 30_000, customer=customer_facts())
    assert books.balances("416")["416000"] == 230_000 + books.open(claim_id), "an older invoice that came late"
    books.prove()
    young = books.sell(0, 20_000, issued_on=opened)
    aims = spread(books.work, who, 50_000, "EUR", today())
    interest = books.open(claim_id)
    assert aims == {young.invoice_id: 20_000, claim_id: interest, late.invoice_id: 30_000 - interest}, "L622-17"
    books.pay(who, 60_000, {old.invoice_id: 60_000})
    assert short_payments(books.work, today()) == [], "a dividend is short by law"
    assert books.balances("416")["416000"] == 170_000 + books.open(claim_id)
    assert (books.chased(old), books.chased(late)) == (0, 0)
    books.prove()


def test_a_debtor_pays_us_instead_of_the_factor_and_the_rest_comes_back(books: Books) -> None:
    invoice, other = books.sell(40), books.sell(40, customer=customer_facts("Garage du Port", "552100554"))
    factor = factor_of(books.work)
    ids = [invoice.invoice_id, other.invoice_id]
    made = assign_invoices(books.work, AssignInvoices(factor.factor_id, ids, "anne")).made
    first, second = sorted(made, key=lambda each: ids.index(each.invoice_id))
    assert (books.asked(invoice, other), books.chased(invoice)) == ({}, 0)
    assert [worklist(books.work, today(), Wanted()), books.balances("411", "467")] == [[], {"467100": 200_000}]
    books.prove()
    ref = books.pay(invoice.customer_id, 100_000, {invoice.invoice_id: 100_000})
    payment = books.work.scalar(
        "SELECT attempt_id FROM receivable_items WHERE supplier_id = :supplier AND reference = :ref", ref=ref
    )
    hand_over(books.work, first.assignment_id, payment, 100_000, "anne")
    assert (books.open(invoice), due_on_invoice(books.work, invoice.invoice_id).state) == (0, "paid")
    assert books.balances("411", "467") == {"467100": 100_000}
    books.prove()
    give_back(books.work, second.assignment_id, reason="recours", actor="anne")
    assert (books.chased(other), books.asked(other)) == (100_000, {other.number: 100_000})
    assert books.balances("411", "467") == {"411000": 100_000}
    told = books.work.rows(
        "SELECT payload ->> 'code' AS code FROM outbox WHERE supplier_id = :supplier "
        "AND kind = 'assignment.told' ORDER BY 1"
    )
    assert [row["code"] for row in told] == ["225", "225", "228"]
    (found,) = reckon(books.work, [other.invoice_id], today())
    assert found.interest.days_late == 40
    books.prove()


def test_forty_euros_that_were_claimed_stay_claimed_when_the_invoice_goes_to_a_factor(books: Books) -> None:
    invoice = books.sell(40)
    claim_id = books.claim(invoice)
    before = books.open(claim_id)
    factor = factor_of(books.work)
    assign_invoices(books.work, AssignInvoices(factor.factor_id, [invoice.invoice_id], "anne"))
    assert correct_claims(books.work, [invoice.invoice_id], reason="contrôle", actor="anne") == 0
    assert books.open(claim_id) == before
    books.prove()


def test_dollars_are_paid_in_euros_and_the_difference_is_in_the_fec(books: Books) -> None:
    sold_on = today() - timedelta(days=40)
    keep_rates(
        books.work,
        [Rate("USD", today() - timedelta(days=n), Decimal("1.10") + n * Decimal("0.001")) for n in range(90)],
        "test",
        "anne",
    )
    row = (VatRow("G", Decimal(0), 100_000, 0),)
    facts: dict[str, Any] = {"currency": "USD", "vat_on_collection": False, "vat_rows": row, "issued_on": sold_on}
    invoice = books.sell(10, customer=customer_facts("Acme Inc", None), **facts)
    books.prove()
    ref = books.pay(invoice.customer_id, 90_000, {})
    payment = books.work.scalar(
        "SELECT attempt_id FROM receivable_items WHERE supplier_id = :supplier AND reference = :ref", ref=ref
    )
    exchange_credit(books.work, ExchangeCredit(payment, invoice.invoice_id, 90_000, 100_000, 90_900, "anne"))
    assert (books.open(invoice), books.balances("656", "756")) == (0, {"656000": 900})
    books.prove()
    books.go_back(ref, 90_000)
    assert (books.open(invoice), books.balances("656", "756", "478")) == (100_000, {})
    books.prove()


def test_a_late_statement_for_a_closed_month_pays_on_the_day_of_the_money(books: Books) -> None:
    invoice = books.sell(40)
    other = books.sell(40, customer=customer_facts("Garage du Port", "552100554"))
    close_period(books.work, today() - timedelta(days=1), "accountant")
    came = today() - timedelta(days=30)
    books.pay(invoice.customer_id, 100_000, {invoice.invoice_id: 100_000}, came)
    (booked_on,) = {
        row["booked_on"]
        for row in books.work.rows(
            "SELECT booked_on FROM receivable_items WHERE supplier_id = :supplier AND kind = 'receipt'"
        )
    }
    assert booked_on == today()
    (found,) = reckon(books.work, [invoice.invoice_id], today())
    assert found.interest.days_late == 10, "interest stops with the money, not with its entry"
    board = indicators(books.work, Scope(today()))
    assert board["lateness"].value == 10, "the debtor was ten days late, not forty"
    ref = books.pay(other.customer_id, 150_000, {}, came)
    payment = books.work.scalar(
        "SELECT attempt_id FROM receivable_items WHERE supplier_id = :supplier AND reference = :ref", ref=ref
    )
    third = books.sell(40, 50_000)
    aims = {third.invoice_id: 50_000}
    transfer_credit(books.work, TransferCredit(payment, third.customer_id, 50_000, "anne", "groupe", aims))
    (found,) = reckon(books.work, [third.invoice_id], today())
    assert found.interest.days_late == 10, "what was moved counts from the day the money came"
    books.prove()


def test_a_promise_is_kept_by_money_that_came_in_time_whenever_the_statement_does(books: Books) -> None:
    invoice = books.sell(40)
    promise = promise_for(books.work, invoice, days=0)
    books.pay(invoice.customer_id, 100_000, {invoice.invoice_id: 100_000}, promise.promised_on)
    (judged,) = judge_promises(books.work, promise.judged_on + timedelta(days=9))
    assert judged.verdict.state is PromiseState.KEPT
    books.prove()


def test_a_consumer_owes_no_forty_euros_reads_no_costs_and_is_barred_in_two_years(books: Books) -> None:
    person = CustomerFacts("Alix Durand", CustomerKind.CONSUMER, email="alix@example.org")
    old, young = books.sell(365 + 240, customer=person), books.sell(40, customer=person)
    with pytest.raises(ReceivablesError) as refused:
        books.claim(old)
    assert refused.value.code == "claim.consumer"
    assert reckon_late(books.work, today(), today()) == []
    plan = books.reminders(old, young)
    assert {rules_of(books.work).scenarios["consumer"].scenario_id} == {each.scenario_id for each in plan.reminders}
    assert warn_of_limitation(books.work, today()) == 1
    (task,) = [each for each in open_tasks(books.work) if each.kind == "dunning.limitation"]
    assert task.invoice_id == old.invoice_id
    books.prove()


def test_each_instalment_of_a_debt_is_barred_by_itself(books: Books) -> None:
    """Limitation runs from the day of each instalment (Cass. 1re civ., 11 February 2016, 14-28.383)."""
    first, last = today() - timedelta(days=365 + 300), today() - timedelta(days=300)
    person = CustomerFacts("Alix Durand", CustomerKind.CONSUMER, email="alix@example.org")
    parts = (Instalment(first, 40_000), Instalment(last, 60_000))
    invoice = books.sell(300, customer=person, instalments=parts, issued_on=first - timedelta(days=30))
    assert warn_of_limitation(books.work, today()) == 1
    (task,) = [each for each in open_tasks(books.work) if each.kind == "dunning.limitation"]
    assert task.invoice_id == invoice.invoice_id


def test_many_old_claims_on_businesses_do_not_hide_a_consumers_that_is_about_to_be_barred(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receivables.services.collecting.limitation.MOST_AT_ONCE", 2)
    for _ in range(3):
        books.sell(3 * 365)
    person = CustomerFacts("Alix Durand", CustomerKind.CONSUMER, email="alix@example.org")
    books.sell(365 + 300, customer=person)
    assert warn_of_limitation(books.work, today()) == 1


def test_instalments_that_are_late_and_disputed_are_asked_for_alike_by_mail_and_by_call(books: Books) -> None:
    parts = (Instalment(today() - timedelta(days=40), 50_000), Instalment(today() + timedelta(days=40), 50_000))
    invoice = books.sell(-40, instalments=parts, issued_on=today() - timedelta(days=70))
    dispute_it(books.work, invoice, scope=DisputeScope.AMOUNT, amount_minor=30_000)
    (ranked,) = worklist(books.work, today(), Wanted())
    assert books.asked(invoice) == {invoice.number: 20_000}
    assert ranked.account.chaseable_minor == 20_000
    books.prove()


def test_a_claim_outside_the_books_that_is_disputed_is_not_asked_for(books: Books) -> None:
    set_terms(books.work, InterestTerms(date(2020, 1, 2), RATE), "owner")
    invoice = books.sell(40)
    claim_id = books.claim(invoice)
    assert get_claim(books.work, claim_id).entered_on is None
    dispute_it(books.work, get_invoice(books.work, claim_id))
    assert chase_state(books.work, claim_id, today()).chaseable_minor == 0
    books.prove()


def test_a_claim_outside_the_books_is_promised_and_paid_like_any_debt(books: Books) -> None:
    set_terms(books.work, InterestTerms(date(2020, 1, 2), RATE), "owner")
    late = books.sell(40)
    claim_id = books.claim(late)
    owed, claim = books.open(claim_id), get_invoice(books.work, claim_id)
    promise = promise_for(books.work, claim)
    assert (promise.amount_minor, books.chased(claim)) == (owed, 0)
    books.pay(late.customer_id, owed, {claim_id: owed})
    (judged,) = judge_promises(books.work, today())
    assert (judged.verdict.state, books.open(claim_id)) == (PromiseState.KEPT, 0)
    second = books.claim(books.sell(40))
    plan = agree_plan(books.work, [get_invoice(books.work, second)], 2, first_on=today())
    first = plan.instalments[0].amount_minor
    books.pay(late.customer_id, first, {second: first})
    assert get_plan(books.work, plan.plan_id).left_minor == owed - first
    books.prove()


def test_a_limit_is_exceeded_by_interest_and_by_what_a_factor_gives_back(books: Books) -> None:
    invoice = books.sell(40)
    limit(books.work, invoice.customer_id, 100_000)
    assert alerts(books) == 0
    books.claim(invoice)
    assert alerts(books) == 1
    other = books.sell(40, customer=customer_facts("Garage du Port", "552100554"))
    factor = factor_of(books.work, recourse=False)
    assigned = assign_invoices(books.work, AssignInvoices(factor.factor_id, [other.invoice_id], "anne")).made[0]
    limit(books.work, other.customer_id, 50_000)
    assert alerts(books) == 1
    give_back(books.work, assigned.assignment_id, reason="recours", actor="anne")
    assert alerts(books) == 2


def test_money_that_a_provider_takes_back_for_a_dispute_is_at_risk_and_exceeds_a_limit(books: Books) -> None:
    invoice = books.sell(40)
    attempt_id = attempt(books.work, invoice)
    record_facts(books.work, [MoneyReceived("pi_c", attempt_id, 100_000, "EUR", noon(today()), "card")])
    limit(books.work, invoice.customer_id, 50_000)
    assert alerts(books) == 0
    account = books.work.scalar("SELECT account_id FROM gateway_accounts WHERE supplier_id = :supplier AND active")
    told = PaymentFact(
        provider="stripe",
        kind=FactKind.DISPUTED,
        payment_ref="pi_c",
        object_ref="dp_1",
        supplier_id=books.work.supplier_id,
        attempt_id=attempt_id,
        amount=Money(100_000, "EUR"),
        occurred_at=noon(today()),
        method="card",
        failure_code="fraudulent",
        fee=None,
        livemode=False,
    )
    record_told(books.work, account, [told])
    assert exposure_of(books.work, invoice.customer_id).contested_minor == 100_000
    assert alerts(books) == 1


def test_interest_that_is_forgone_is_no_negative_sale(books: Books) -> None:
    invoice = books.sell(40)
    waive_claim(books.work, books.claim(invoice), None, reason="geste", actor="anne")
    assert indicators(books.work, Scope(today()))["sales"].value == 100_000
    books.prove()


def test_what_was_to_be_done_about_a_debt_ends_when_it_is_paid(books: Books) -> None:
    person = CustomerFacts("Alix Durand", CustomerKind.CONSUMER, email="alix@example.org")
    invoice = books.sell(365 + 300, customer=person)
    promise = promise_for(books.work, invoice)
    judge_promises(books.work, promise.judged_on + timedelta(days=1))
    warn_of_limitation(books.work, today())
    tidy_tasks(books.work, today())
    assert {task.kind for task in open_tasks(books.work)} == {"promise.broken", "dunning.limitation"}
    books.pay(invoice.customer_id, 100_000, {invoice.invoice_id: 100_000})
    assert tidy_tasks(books.work, today()) == 2
    assert open_tasks(books.work) == []


@pytest.mark.parametrize("booking", [BOOKED, MEMO])
def test_a_disputed_claim_for_interest_is_forgone_and_no_invoice_is_credited(
    services: Services, owner: Supplier, booking: str
) -> None:
    with services.works.begin(owner.supplier_id) as work:
        books = Books(work)
        set_terms(work, InterestTerms(date(2020, 1, 2), RATE, booking=booking), "owner")
        claim_id = books.claim(books.sell(40))
        dispute = dispute_it(work, get_invoice(work, claim_id))
        books.prove()
    actor = Actor(services, owner.supplier_id, "anne", "form")
    assert accept(actor, dispute.dispute_id, "Nous y renonçons.", None)
    with services.works.begin(owner.supplier_id) as work:
        assert due_on_invoice(work, claim_id).open_minor == 0
        assert get_dispute(work, dispute.dispute_id).state is State.ACCEPTED
        Books(work).prove()


def test_a_promise_is_not_broken_by_proceedings_that_forbid_to_keep_it(books: Books) -> None:
    invoice = books.sell(40)
    promise_id = new_id()
    books.work.execute(
        "INSERT INTO promises (supplier_id, promise_id, customer_id, source, said_by, amount_minor, currency, "
        "promised_on, judged_on, state, made_at, changed_at) VALUES (:supplier, :id, :customer, 'customer', 'Ana', "
        "100000, 'EUR', :day, :day, 'pending', :at, :at)",
        id=promise_id,
        customer=invoice.customer_id,
        day=today() + timedelta(days=2),
        at=noon(today() - timedelta(days=3)),
    )
    promised = {"promise_id": promise_id, "invoice_id": invoice.invoice_id, "amount_minor": 100_000}
    books.work.insert("promised_invoices", [promised])
    opened = today() - timedelta(days=1)
    note_insolvency(books.work, NewInsolvency(invoice.customer_id, "sauvegarde", opened, "BODACC", "anne"))
    assert judge_promises(books.work, today() + timedelta(days=30)) == []
    assert get_promise(books.work, promise_id).state is PromiseState.PENDING


def alerts(books: Books) -> int:
    """How often a limit was told to be exceeded."""
    count: int = books.work.scalar(
        "SELECT count(*) FROM outbox WHERE supplier_id = :supplier AND kind = 'credit.limit_exceeded'"
    )
    return count
