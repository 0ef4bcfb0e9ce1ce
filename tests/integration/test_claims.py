"""Claims for late interest in the real books: complaint 21, waivers, corrections, and what they must never touch."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from dispute_builders import claim as dispute_it
from ledger_builders import customer_facts, issue

from config.clock import new_id, today
from receivables.domain.conversations.disputes import Origin, Scope
from receivables.domain.invoicing.invoices import NamedInvoice
from receivables.domain.parties import CustomerKind
from receivables.domain.settlement.receipts import MoneyReturned
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.collecting.chasing import chase_state
from receivables.services.collecting.claiming import MakeClaim, make_claim
from receivables.services.collecting.forgoing import correct_claims, waive_claim, waive_running
from receivables.services.collecting.reckoning import reckon, reckon_late, set_terms
from receivables.services.collecting.tasking import close_task, open_tasks
from receivables.services.conversations.disputing import (
    LATE_ANSWER,
    LATE_OUTCOME,
    accept_dispute,
    answer_dispute,
    reject_dispute,
)
from receivables.services.conversations.escalating import escalate_disputes
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.paying import RecordPayment, noon, record_payment, spread
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.short_paying import NotedDispute, note_dispute, short_payments, tend_short_payments
from receivables.store.collecting.claims import BOOKED, InterestTerms, get_claim, lines_of_claim
from receivables.store.invoicing.lists import list_invoices

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.collecting.claims import Claim
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DUE, CASH = date(2026, 5, 31), date(2026, 8, 15)
TEN_THOUSAND = 1_000_000


@pytest.fixture
def place(works: Works, supplier: Supplier) -> Works:
    """A supplier whose terms of sale ask for 12.15 % a year."""
    with works.begin(supplier.supplier_id) as work:
        set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15")), "owner")
    return works


def late_invoice(work: Work, minor: int = TEN_THOUSAND, **changes: Any) -> Invoice:
    """An invoice due on 31 May 2026."""
    values = {"issued_on": date(2026, 5, 1), "due_on": DUE, "total_minor": minor, "payable_minor": minor}
    return issue(work, **{**values, "vat_on_collection": False, **changes})


def pay(work: Work, invoice: Invoice, minor: int, on: date = CASH, aims: dict[UUID, int] | None = None) -> str:
    """Money at the bank for an invoice; its reference."""
    ref = f"line/{new_id()}"
    meant = {invoice.invoice_id: minor} if aims is None else aims
    record_payment(
        work, RecordPayment(ref, invoice.customer_id, minor, "EUR", on, "transfer", "bank", "bank", meant, "tests")
    )
    return ref


def claim_on(work: Work, *invoices: Invoice, through: date | None = None, **changes: Any) -> Claim:
    """Claim what has run on invoices."""
    ids = tuple(each.invoice_id for each in invoices)
    return make_claim(work, MakeClaim(invoices[0].customer_id, ids, through or today(), "collector", **changes))


def gaps(work: Work) -> dict[str, int]:
    """Every check that found something wrong."""
    return {each.code: each.gap for each in run_checks(work) if each.gap}


def balance(work: Work, account: str) -> int:
    """Debits less credits of an account."""
    minor: int = work.scalar(
        "SELECT coalesce(sum(debit_minor - credit_minor), 0)::bigint FROM postings WHERE supplier_id = :supplier "
        "AND account = :account",
        account=account,
    )
    return minor


def test_complaint_21_interest_survives_the_payment_of_the_principal(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        first, second = late_invoice(work), late_invoice(work, 500_000)
        pay(work, first, TEN_THOUSAND)
        found = claim_on(work, first, second, through=CASH)
        pay(work, second, 500_000, on=CASH + timedelta(days=1))
        assert [(line.interest_minor, line.indemnity_minor) for line in lines_of_claim(work, found.claim_id)] == [
            (25_299, 4_000),
            (12_649, 4_000),
        ]
        due = due_on_invoice(work, found.claim_id)
        assert (found.number[:6], due.payable_minor, due.state) == (f"N{today().year}-", 45_948, "due")
        assert due_on_invoice(work, first.invoice_id).state == "paid"
        assert [each.claimable_minor for each in reckon(work, [first.invoice_id], today())] == [0]
        assert gaps(work) == {}


def test_a_memo_enters_the_books_with_its_first_money_and_a_booked_claim_at_once(
    place: Works, supplier: Supplier
) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        pay(work, invoice, TEN_THOUSAND)
        memo = claim_on(work, invoice)
        assert (balance(work, "763100"), balance(work, "758800"), balance(work, "411000")) == (0, 0, 0)
        (line,) = list_invoices(work, today(), narrowed="to_pay")
        assert (line.number, line.open_minor, line.state) == (memo.number, 29_299, "due")
        pay(work, invoice, 10_000, today(), {memo.claim_id: 10_000})
        assert (balance(work, "763100"), balance(work, "758800"), balance(work, "411000")) == (-25_299, -4_000, 19_299)
        assert (get_claim(work, memo.claim_id).state, due_on_invoice(work, memo.claim_id).open_minor) == (
            "part_paid",
            19_299,
        )
        set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15"), booking=BOOKED), "owner")
        other = late_invoice(work)
        booked = claim_on(work, other, through=date(2026, 6, 30))
        assert balance(work, "763100") == -25_299 - 9_986
        assert get_claim(work, booked.claim_id).entered_on == today()
        assert gaps(work) == {}


def test_a_part_payment_goes_to_interest_first_where_nobody_says(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        found = claim_on(work, invoice, through=CASH)
        assert spread(work, invoice.customer_id, 30_000, "EUR", today()) == {
            found.claim_id: 29_299,
            invoice.invoice_id: 701,
        }


def test_what_ran_on_after_a_claim_is_claimed_without_the_40_euros_again(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        first = claim_on(work, invoice, through=date(2026, 6, 30))
        pay(work, invoice, TEN_THOUSAND)
        second = claim_on(work, invoice)
        assert (first.total_minor, second.total_minor) == (9_986 + 4_000, 25_299 - 9_986)
        with pytest.raises(ReceivablesError, match="Nothing may be claimed"):
            claim_on(work, invoice)


def test_a_payment_that_goes_back_runs_from_the_due_date_again(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        ref = pay(work, invoice, TEN_THOUSAND, date(2026, 6, 10))
        claim_on(work, invoice, through=CASH)
        back = MoneyReturned(f"{ref}/back", ref, "return", TEN_THOUSAND, "EUR", noon(date(2026, 6, 12)), "bank")
        record_facts(work, [back])
        (found,) = reckon(work, [invoice.invoice_id], CASH)
        assert found.interest.days_late == 76
        assert (found.interest_minor, found.indemnity_minor) == (25_299 - 3_329, 0)


@pytest.mark.parametrize("entered", [False, True])
def test_a_waiver_with_its_reason_ends_the_claim(place: Works, supplier: Supplier, *, entered: bool) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        pay(work, invoice, TEN_THOUSAND)
        found = claim_on(work, invoice)
        if entered:
            pay(work, invoice, 5_000, today(), {found.claim_id: 5_000})
        with pytest.raises(ReceivablesError, match="Say why"):
            waive_claim(work, found.claim_id, None, reason="  ", actor="collector")
        waive_claim(work, found.claim_id, 1_000, reason="geste commercial", actor="collector")
        left = 29_299 - 1_000 - (5_000 if entered else 0)
        assert due_on_invoice(work, found.claim_id).open_minor == left
        with pytest.raises(ConflictError):
            waive_claim(work, found.claim_id, left + 1, reason="trop", actor="collector")
        assert waive_claim(work, found.claim_id, None, reason="client fidèle", actor="collector") == left
        assert due_on_invoice(work, found.claim_id).open_minor == 0
        assert due_on_invoice(work, found.claim_id).state == ("paid" if entered else "credited")
        assert balance(work, "763100") + balance(work, "758800") == (-5_000 if entered else 0)
        assert reckon(work, [invoice.invoice_id], today())[0].claimable_minor == 0
        assert gaps(work) == {}


def test_what_was_never_asked_for_can_be_given_up_and_does_not_come_back(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        assert waive_running(work, invoice.invoice_id, date(2026, 6, 30), reason="accord", actor="owner") == 13_986
        (found,) = reckon(work, [invoice.invoice_id], date(2026, 7, 10))
        assert (found.interest_minor, found.indemnity_minor) == (13_315 - 9_986, 0)


def test_disputed_interest_is_frozen_and_its_outcome_decides(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        contested = dispute_it(work, invoice, scope=Scope.AMOUNT, amount_minor=400_000)
        (open_now,) = reckon(work, [invoice.invoice_id], CASH)
        assert (open_now.interest_minor, open_now.interest.frozen_minor) == (15_179, 10_120)
        reject_dispute(work, contested.dispute_id, "collector", "Tout a été livré.")
        (rejected,) = reckon(work, [invoice.invoice_id], CASH)
        assert (rejected.interest_minor, rejected.interest.frozen_minor) == (25_299, 0)
        other = dispute_it(work, invoice, "PU_ERR", scope=Scope.AMOUNT, amount_minor=200_000)
        accept_dispute(work, other.dispute_id, "collector", "", amount_minor=200_000)
        (accepted,) = reckon(work, [invoice.invoice_id], CASH)
        assert accepted.interest_minor == 20_239


def test_what_was_asked_for_too_much_is_corrected(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        found = claim_on(work, invoice, through=CASH)
        pay(work, invoice, TEN_THOUSAND, date(2026, 6, 10))  # found late: it had been there since June
        (now_,) = reckon(work, [invoice.invoice_id], today())
        assert now_.excess_minor == 25_299 - 3_329
        assert correct_claims(work, [invoice.invoice_id], reason="paiement du 10 juin", actor="worker") == 21_970
        assert due_on_invoice(work, found.claim_id).open_minor == 3_329 + 4_000
        assert correct_claims(work, [invoice.invoice_id], reason="encore", actor="worker") == 0
        assert gaps(work) == {}


def test_a_credit_note_for_the_invoice_itself_was_never_owed_and_takes_the_40_euros_with_it(
    place: Works, supplier: Supplier
) -> None:
    with place.begin(supplier.supplier_id) as work:
        set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15"), booking=BOOKED), "owner")
        invoice = late_invoice(work)
        found = claim_on(work, invoice, through=CASH)
        names = (NamedInvoice(invoice.number, 2026),)
        late_invoice(work, type_code="381", names=names, issued_on=today())
        correct_claims(work, [invoice.invoice_id], reason="facture annulée", actor="worker")
        assert get_claim(work, found.claim_id).open_minor == 0
        assert balance(work, "763100") == balance(work, "758800") == 0
        assert gaps(work) == {}


def test_consumers_debtors_in_proceedings_and_public_bodies_are_treated_by_their_own_law(
    place: Works, supplier: Supplier
) -> None:
    with place.begin(supplier.supplier_id) as work:
        person = customer_facts("Jeanne Dupont", None)
        consumer = late_invoice(work, customer=type(person)(person.name, CustomerKind.CONSUMER))
        with pytest.raises(ReceivablesError) as refused:
            claim_on(work, consumer)
        assert refused.value.code == "claim.consumer"
        town = late_invoice(work, customer=type(person)("Mairie", CustomerKind.PUBLIC))
        (public,) = reckon(work, [town.invoice_id], date(2026, 6, 30))
        assert (public.interest_minor, public.indemnity_minor) == (8_342, 4_000)  # 2.15 + 8 percent
        broke = late_invoice(work)
        work.execute(
            "INSERT INTO insolvencies (supplier_id, insolvency_id, customer_id, kind, opened_on, source, state, "
            "noted_by, noted_at, changed_at) VALUES (:supplier, :id, :customer, 'redressement', :opened, 'bodacc', "
            "'open', 'tests', now(), now())",
            id=new_id(),
            customer=broke.customer_id,
            opened=date(2026, 6, 11),
        )
        (stopped,) = reckon(work, [broke.invoice_id], CASH)
        assert (stopped.interest.days_late, stopped.indemnity_minor) == (10, 0)


def test_without_a_rate_nothing_is_guessed(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        assert reckon(work, [invoice.invoice_id], date(2026, 6, 30))[0].interest_minor == 9_986
        with pytest.raises(ReceivablesError) as refused:
            reckon(work, [invoice.invoice_id], CASH)
        assert refused.value.code == "interest.rate_unknown"
        with pytest.raises(ReceivablesError) as low:
            set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("7.5")), "owner")
        assert low.value.code == "interest.rate_too_low"


def test_a_claim_is_no_sale(place: Works, supplier: Supplier) -> None:
    """No invoice number is used, nothing is announced as an invoice, and no interest runs on interest."""
    with place.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        found = claim_on(work, invoice, through=date(2026, 6, 30))
        again = late_invoice(work)
        assert int(again.number[-5:]) == int(invoice.number[-5:]) + 1
        kinds = work.rows("SELECT kind, count(*) AS n FROM outbox WHERE supplier_id = :supplier GROUP BY kind")
        assert {row["kind"]: row["n"] for row in kinds} == {"invoice.issued": 2, "claim.made": 1}
        late = reckon_late(work, today() + timedelta(days=60), date(2026, 6, 30))
        assert {each.late.invoice_id for each in late} == {again.invoice_id}
        assert reckon(work, [found.claim_id], today()) == []


def test_two_people_at_once_claim_once(place: Works, supplier: Supplier) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice = late_invoice(work)
        claim_on(work, invoice, through=CASH, expected_minor=29_299)
        with pytest.raises(ReceivablesError) as nothing:
            claim_on(work, invoice, through=CASH, expected_minor=29_299)
        assert nothing.value.code == "claim.nothing"
        with pytest.raises(ConflictError) as changed:
            claim_on(work, invoice, expected_minor=1)
        assert changed.value.code == "claim.changed"


def test_a_short_payment_is_asked_about_and_becomes_a_dispute_over_what_is_missing(
    place: Works, supplier: Supplier
) -> None:
    with place.begin(supplier.supplier_id) as work:
        invoice, whole = late_invoice(work), late_invoice(work, 20_000)
        pay(work, invoice, TEN_THOUSAND - 12_000, today())
        pay(work, whole, 19_950, today())  # within the tolerance
        (found,) = short_payments(work, today())
        assert (found.number, found.missing_minor) == (invoice.number, 12_000)
        order = NotedDispute(invoice.invoice_id, "QTE_ERR", "Deux manquent", "collector", "form 1", short=True)
        dispute = note_dispute(work, order, today())
        assert (dispute.amount_minor, dispute.opened_from) == (12_000, Origin.PAYMENT)
        assert chase_state(work, invoice.invoice_id, today()).chaseable_minor == 0
        assert short_payments(work, today()) == []
        with pytest.raises(ConflictError):
            note_dispute(work, replace(order, invoice_id=whole.invoice_id, once="form 2"), today())
        assert gaps(work) == {}


def test_a_short_payment_is_one_task_per_receipt_until_the_rest_is_explained(place: Works, supplier: Supplier) -> None:
    def tasks() -> list[tuple[UUID | None, int]]:
        return [(each.invoice_id, each.facts["amount_minor"]) for each in open_tasks(work)]

    with place.begin(supplier.supplier_id) as work:
        paid, told = late_invoice(work), late_invoice(work)
        pay(work, paid, TEN_THOUSAND - 12_000, today())
        pay(work, told, TEN_THOUSAND - 9_000, today())
        for _ in range(2):
            tend_short_payments(work, today())
        assert sorted(minor for _, minor in tasks()) == [9_000, 12_000]
        later = today() + timedelta(days=40)
        tend_short_payments(work, later)
        assert len(tasks()) == 2, "what nobody has asked about stays"
        note_dispute(work, NotedDispute(told.invoice_id, "QTE_ERR", "Deux", "collector", "f", short=True), today())
        tend_short_payments(work, today())
        assert tasks() == [(paid.invoice_id, 12_000)]
        (task,) = open_tasks(work)
        close_task(work, task.task_id, "anne", "called")
        tend_short_payments(work, today())
        assert tasks() == [], "once per receipt"
        pay(work, paid, 1_000, today())
        tend_short_payments(work, today())
        assert tasks() == [(paid.invoice_id, 11_000)]
        pay(work, paid, 11_000, today())
        tend_short_payments(work, today())
        assert tasks() == []


def test_a_dispute_past_its_deadlines_is_escalated_once_and_its_tasks_end_with_it(
    place: Works, supplier: Supplier
) -> None:
    with place.begin(supplier.supplier_id) as work:
        contested = dispute_it(work, late_invoice(work))
        assert escalate_disputes(work, contested.answer_due_on) == 0
        assert escalate_disputes(work, contested.answer_due_on + timedelta(days=1)) == 1
        assert escalate_disputes(work, contested.close_due_on + timedelta(days=1)) == 1
        assert escalate_disputes(work, contested.close_due_on + timedelta(days=9)) == 0
        assert [each.kind for each in open_tasks(work)] == [LATE_ANSWER, LATE_OUTCOME]
        answer_dispute(work, contested.dispute_id, "collector", "Nous vérifions.")
        assert [each.kind for each in open_tasks(work)] == [LATE_OUTCOME]
        reject_dispute(work, contested.dispute_id, "collector", "Tout a été livré.")
        assert open_tasks(work) == []
