"""Plans of several invoices, credits, discounts and instalments, against the books and the provider's API over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from checkout_builders import Till
from ledger_builders import customer_facts, issue, received
from payment_sandbox import running_sandbox

from config.clock import new_id, today
from payments.accounts import account_at
from payments.errors import PaymentError
from payments.gateways.port import GatewayError
from payments.paying.announcing import announce_transfer, announced_on
from payments.paying.discounts import honour_discounts
from payments.paying.methods import methods_for
from payments.paying.plans import AimsPlan, CreditChoice
from payments.paying.told import find_payment
from payments.reactions import record_told
from receivables.domain.money import Money
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.domain.settlement.terms import EarlyDiscount, Instalment
from receivables.errors import NotFoundError
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.credits import available_credits
from receivables.services.settlement.paying import NewPayment, RecordPayment, begin_payment, noon, record_payment
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.overviews import late_by_age, sum_open
from receivables.store.invoicing.lists import list_invoices
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from payment_sandbox import Sandbox

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.register import Supplier
    from receivables.store.work import Works


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def till(works: Works, supplier: Supplier, sandbox: Sandbox) -> Till:
    return Till(works, supplier, sandbox)


def issued(till: Till, **changes: Any) -> Invoice:
    with till.works.begin(till.supplier.supplier_id) as work:
        return issue(work, **changes)


def due(till: Till, invoice: Invoice) -> InvoiceDue:
    with till.works.begin(till.supplier.supplier_id) as work:
        return due_on_invoice(work, invoice.invoice_id)


def pays(till: Till, invoice: Invoice, amount_minor: int, key: str = "") -> UUID:
    """A transfer that came for an invoice."""
    with till.works.begin(till.supplier.supplier_id) as work:
        return record_payment(
            work,
            RecordPayment(
                f"line{key}-{invoice.invoice_id}",
                invoice.customer_id,
                amount_minor,
                "EUR",
                today(),
                "transfer",
                "bank",
                "bank",
                {invoice.invoice_id: amount_minor},
                "test",
            ),
        )


def post(till: Till) -> None:
    """Post what the provider has told so far."""
    ours = [fact for fact in till.sandbox.told() if fact.supplier_id == till.supplier.supplier_id]
    with till.works.begin(till.supplier.supplier_id) as work:
        record_told(work, account_at(work, "stripe"), ours)


def offer(till: Till, settings: dict[str, Any]) -> None:
    with till.works.begin(till.supplier.supplier_id) as work:
        work.execute(
            "UPDATE gateway_accounts SET settings = CAST(:settings AS jsonb) "
            "WHERE supplier_id = :supplier AND account_id = :id",
            settings=to_json(settings),
            id=till.account_id,
        )


def test_complaint_7_several_invoices_are_paid_in_part_by_one_payment_as_the_payer_said(till: Till) -> None:
    first, second, third = (issued(till) for _ in range(3))
    started = till.start(AimsPlan({first.invoice_id: 10000, second.invoice_id: 2500}))
    assert started.url is not None
    till.sandbox.pay(till.attempts()[0]["session_ref"])
    post(till)
    assert [due(till, each).open_minor for each in (first, second, third)] == [0, 7500, 10000]
    with till.works.begin(till.supplier.supplier_id) as work:
        kept = work.row(
            "SELECT actor, details FROM audit_rows WHERE supplier_id = :supplier AND act = 'payment.chosen'"
        )
    assert kept is not None
    assert kept["details"]["invoices"] == {first.number: 10000, second.number: 2500}


def test_two_tabs_with_the_same_plan_get_one_page_and_another_plan_supersedes_what_overlaps(till: Till) -> None:
    first, second = issued(till), issued(till)
    plan = AimsPlan({first.invoice_id: 4000, second.invoice_id: 5000})
    page = till.start(plan).url
    assert till.start(plan).url == page
    other = till.start(AimsPlan({second.invoice_id: 1000})).url
    assert other != page
    states = {(row["state"], row["reserved"], row["amount_minor"]) for row in till.attempts()}
    assert states == {("superseded", "released", 9000), ("open", "open", 1000)}


def test_complaint_2_fifty_presses_of_one_basket_make_one_live_checkout(till: Till) -> None:
    plan = AimsPlan({issued(till).invoice_id: 3000, issued(till).invoice_id: 7000})

    def press(_: int) -> str | None:
        for _again in range(20):
            try:
                return till.start(plan).url
            except GatewayError:  # the provider says that the same request is under way: press again
                continue
        raise AssertionError("twenty presses in a row were refused")

    with ThreadPoolExecutor(16) as pool:
        pages = set(pool.map(press, range(50)))
    assert len(pages) == 1
    assert [session["status"] for session in till.sessions()] == ["open"]
    assert {row["reserved"] for row in till.attempts()} == {"open"}


def test_complaint_2_where_the_provider_takes_two_the_second_is_the_customers_credit(till: Till) -> None:
    invoice = issued(till)
    till.press(invoice)
    session = till.attempts()[0]["session_ref"]
    pays(till, invoice, 10000)  # the other payment was faster
    till.sandbox.pay(session)
    post(till)
    with till.works.begin(till.supplier.supplier_id) as work:
        (credit,) = available_credits(work, invoice.customer_id)
        assert (credit.open_minor, due_on_invoice(work, invoice.invoice_id).open_minor) == (10000, 0)
        assert credit.attempt_id is not None
        told = find_payment(work, credit.attempt_id)
    assert told is not None
    assert (told.state, told.credit_minor) == ("paid", 10000)


def test_complaint_8_an_overpayment_is_credit_that_pays_the_next_invoice_by_choice_only(till: Till) -> None:
    first = issued(till)
    paid = pays(till, first, 13000)
    second = issued(till)
    assert due(till, second).open_minor == 10000, "never bound to a new invoice by itself"
    plan = AimsPlan({second.invoice_id: 10000}, credits=(CreditChoice(attempt_id=paid),))
    till.start(plan)
    assert due(till, second).open_minor == 7000
    assert till.sessions()[0]["amount_total"] == 7000


def test_a_basket_that_credits_cover_needs_no_provider_at_all(till: Till) -> None:
    invoice, note = issued(till), issued(till, type_code="381")
    plan = AimsPlan({invoice.invoice_id: 10000}, credits=(CreditChoice(invoice_id=note.invoice_id),))
    till.account_id = None  # type: ignore[assignment]
    assert till.start(plan, press_key="k" * 32).url is None
    assert due(till, invoice).state == "credited"
    assert till.start(plan, press_key="k" * 32).url is None, "sent twice it is one press"
    assert till.sessions() == []


def test_a_credit_that_is_gone_is_told_and_nothing_else_is_done(till: Till) -> None:
    invoice, note = issued(till), issued(till, type_code="381")
    plan = AimsPlan({invoice.invoice_id: 6000}, credits=(CreditChoice(note.invoice_id, None, 20000),))
    with pytest.raises(PaymentError) as refused:
        till.start(plan)
    assert refused.value.code == "payment.credit_gone"
    assert due(till, invoice).open_minor == 10000


def test_complaint_7_an_amount_goes_to_the_oldest_debt_first(till: Till) -> None:
    old = issued(till, due_on=today() - timedelta(days=30), issued_on=today() - timedelta(days=60))
    new = issued(till, due_on=today() + timedelta(days=30), issued_on=today())
    till.start(AimsPlan(amount_minor=12000, currency="EUR", customer_id=old.customer_id))
    with till.works.begin(till.supplier.supplier_id) as work:
        rows = work.rows("SELECT invoice_id, amount_minor FROM reservations WHERE supplier_id = :supplier")
    assert {row["invoice_id"]: row["amount_minor"] for row in rows} == {old.invoice_id: 10000, new.invoice_id: 2000}


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (10001, "payment.less_due"),
        (10**14, "payment.less_due"),
        (0, "payment.not_above_zero"),
        (-5, "payment.not_above_zero"),
    ],
)
def test_an_amount_that_the_books_do_not_ask_for_is_told_in_words(till: Till, wish: int, code: str) -> None:
    invoice = issued(till)
    with pytest.raises(PaymentError) as refused:
        till.start(AimsPlan({invoice.invoice_id: wish}))
    assert refused.value.code == code
    assert till.attempts() == []


def test_invoices_of_another_customer_and_another_currency_do_not_mix(till: Till) -> None:
    mine = issued(till)
    foreign = issued(till, customer=customer_facts("Garage du Port", "552100554"))
    dollars = issued(till, currency="USD")
    with pytest.raises(NotFoundError):
        till.start(AimsPlan({mine.invoice_id: 100, foreign.invoice_id: 100}, customer_id=mine.customer_id))
    with pytest.raises(NotFoundError):
        till.start(AimsPlan({mine.invoice_id: 100, foreign.invoice_id: 100}))
    with pytest.raises(PaymentError) as refused:
        till.start(AimsPlan({mine.invoice_id: 100, dollars.invoice_id: 100}))
    assert refused.value.code == "payment.mixed_currencies"
    assert till.attempts() == []


def test_no_way_of_paying_costs_the_payer_more_than_the_parts(till: Till) -> None:
    """C. mon. fin. art. L112-12."""
    offer(till, {"methods": ["card", "sepa_debit"]})
    for method in ("card", "sepa_debit"):
        invoice = issued(till)
        till.start(AimsPlan({invoice.invoice_id: 8125}), method=method)
        assert till.sessions()[0]["amount_total"] == 8125
    assert all(row["amount_minor"] == 8125 for row in till.attempts())


def test_a_method_that_the_rules_refuse_is_refused_when_pressed_too(till: Till) -> None:
    invoice = issued(till)
    with pytest.raises(PaymentError) as refused:
        till.start(AimsPlan({invoice.invoice_id: 100}), method="sepa_debit")
    assert refused.value.code == "payment.method_refused"


def test_methods_are_offered_by_amount_customer_and_history_with_the_reason(till: Till) -> None:
    offer(till, {"methods": ["card", "sepa_debit", "instant"], "up_to_minor": {"card": 500000}})
    invoice = issued(till)

    def refusals(minor: int, customer_id: UUID = invoice.customer_id, currency: str = "EUR") -> dict[str, str | None]:
        with till.works.begin(till.supplier.supplier_id) as work:
            offered = methods_for(work, customer_id, Money(minor, currency), today())
        return {each.method: each.refusal.code if each.refusal else None for each in offered}

    assert refusals(10000) == {"card": None, "sepa_debit": None, "instant": "method.not_capable"}
    assert refusals(1_000_001) == {
        "card": "method.too_much",
        "sepa_debit": "method.too_much",
        "instant": "method.not_capable",
    }
    assert refusals(10) == {
        "card": "method.too_little",
        "sepa_debit": "method.too_little",
        "instant": "method.not_capable",
    }
    assert refusals(10000, currency="USD")["sepa_debit"] == "method.euro_only"
    with till.works.begin(till.supplier.supplier_id) as work:
        for _ in range(2):
            failed = new_id()
            begin_payment(
                work,
                NewPayment(failed, invoice.customer_id, "provider", "sepa_debit", 100, "EUR", {}, till.account_id),
            )
            record_facts(work, [AttemptMoved(failed, AttemptState.FAILED, None, "AM04")])
    assert refusals(10000)["sepa_debit"] == "method.returned_debits"


def early(till: Till, days: int = 8) -> Invoice:
    day = today()
    return issued(
        till,
        issued_on=day,
        due_on=day + timedelta(days=30),
        discount=EarlyDiscount(Decimal(2), day + timedelta(days=days)),
    )


def test_a_discount_is_given_with_the_payment_that_arrives_in_time(till: Till) -> None:
    invoice = early(till)
    till.start(AimsPlan({invoice.invoice_id: None}, discount=True, expected_minor=9800))
    assert till.sessions()[0]["amount_total"] == 9800
    till.sandbox.pay(till.attempts()[0]["session_ref"])
    post(till)
    post(till)
    with till.works.begin(till.supplier.supplier_id) as work:
        given = work.scalar(
            "SELECT sum(amount_minor) FROM receivable_items WHERE supplier_id = :supplier AND kind = 'discount'"
        )
    assert (given, due(till, invoice).open_minor) == (200, 0)


def test_money_that_comes_after_the_day_earns_no_discount(till: Till) -> None:
    invoice = early(till, days=0)
    till.start(AimsPlan({invoice.invoice_id: None}, discount=True))
    with till.works.begin(till.supplier.supplier_id) as work:
        promised = work.scalar("SELECT attempt_id FROM promised_discounts WHERE supplier_id = :supplier")
    late = till.attempts()[0]
    assert promised == late["attempt_id"]
    with till.works.begin(till.supplier.supplier_id) as work:
        fact = received(late["attempt_id"], 9800)
        record_facts(work, [replace(fact, received_at=noon(today() + timedelta(days=1)))])
        assert honour_discounts(work, [late["attempt_id"]]) == 0
    assert due(till, invoice).open_minor == 200


def test_a_discount_is_neither_for_a_debit_nor_for_another_amount_than_shown(till: Till) -> None:
    offer(till, {"methods": ["card", "sepa_debit"]})
    invoice = early(till)
    with pytest.raises(PaymentError) as refused:
        till.start(AimsPlan({invoice.invoice_id: None}, discount=True), method="sepa_debit")
    assert refused.value.code == "payment.discount_not_immediate"
    with pytest.raises(PaymentError) as refused:
        till.start(AimsPlan({invoice.invoice_id: None}, discount=True, expected_minor=9000))
    assert refused.value.code == "payment.changed"


def in_parts(till: Till) -> Invoice:
    day = today()
    parts = (
        Instalment(day - timedelta(days=10), 4000),
        Instalment(day + timedelta(days=20), 3000),
        Instalment(day + timedelta(days=50), 3000),
    )
    return issued(till, issued_on=day - timedelta(days=40), due_on=parts[0].due_on, instalments=parts)


def test_complaint_6_the_due_instalment_is_asked_for_and_the_total_is_a_choice(till: Till) -> None:
    invoice = in_parts(till)
    assert (due(till, invoice).due_now_minor, due(till, invoice).next_due_on) == (4000, today() - timedelta(days=10))
    till.press(invoice)
    assert till.sessions()[0]["amount_total"] == 4000
    till.start(AimsPlan({invoice.invoice_id: 10000}))
    assert till.sessions()[0]["amount_total"] == 10000


def test_an_invoice_is_late_by_instalment(till: Till) -> None:
    invoice = in_parts(till)

    def state() -> tuple[str, int, list[int]]:
        with till.works.begin(till.supplier.supplier_id) as work:
            (line,) = list_invoices(work, today())
            (total,) = sum_open(work, today())
            return line.state, total.late_minor, late_by_age(work, today(), "EUR")

    assert state() == ("late", 4000, [6000, 4000, 0, 0, 0])
    pays(till, invoice, 1500, "a")
    assert state() == ("late", 2500, [6000, 2500, 0, 0, 0])
    pays(till, invoice, 2500, "b")
    assert state() == ("part_paid", 0, [6000, 0, 0, 0, 0])
    told = due(till, invoice)
    assert (told.due_now_minor, told.asked_minor, told.next_due_on) == (0, 3000, today() + timedelta(days=20))


def test_complaint_9_money_after_the_link_expired_lands_on_the_customer(till: Till) -> None:
    invoice = issued(till)
    till.press(invoice)
    row = till.attempts()[0]
    with till.works.begin(till.supplier.supplier_id) as work:
        record_facts(work, [AttemptMoved(row["attempt_id"], AttemptState.EXPIRED)])
        record_facts(work, [received(row["attempt_id"], 10000)])
    assert due(till, invoice).state == "paid"


def test_complaint_4_an_old_payment_never_marks_another_invoice_paid(till: Till) -> None:
    paid, new = issued(till), issued(till)
    pays(till, paid, 10000)
    assert (due(till, paid).state, due(till, new).state) == ("paid", "due")


def test_an_announced_transfer_is_shown_and_moves_nothing(till: Till) -> None:
    invoice = issued(till)
    with till.works.begin(till.supplier.supplier_id) as work:
        for _ in range(2):
            announce_transfer(work, invoice.invoice_id, 10000, today(), "payer")
        told = announced_on(work, invoice.invoice_id)
        count = work.scalar("SELECT count(*) FROM announced_transfers WHERE supplier_id = :supplier")
    assert told is not None
    assert (told.amount_minor, count) == (10000, 1)
    assert (due(till, invoice).state, due(till, invoice).payable_minor) == ("due", 10000)
    pays(till, invoice, 10000)
    with till.works.begin(till.supplier.supplier_id) as work:
        assert announced_on(work, invoice.invoice_id) is None
        with pytest.raises(PaymentError):
            announce_transfer(work, invoice.invoice_id, 1, today(), "payer")


def test_a_foreign_payment_has_no_page(till: Till) -> None:
    with till.works.begin(till.supplier.supplier_id) as work:
        assert find_payment(work, new_id()) is None
