"""Pressing the button, against the provider's API over HTTP: one live attempt, one checkout, the books' amount."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from checkout_builders import KEYRING, Till
from ledger_builders import attempt, issue, received
from payment_sandbox import running_sandbox

from config.clock import now
from payments.accounts import active_account
from payments.errors import PaymentError
from payments.gateways.port import GatewayError
from payments.reactions import facts_behind
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.errors import NotFoundError
from receivables.services.settlement.receipts import record_facts
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payment_sandbox import Sandbox

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Works


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def till(works: Works, supplier: Supplier, sandbox: Sandbox) -> Till:
    return Till(works, supplier, sandbox)


@pytest.fixture
def invoice(till: Till) -> Invoice:
    with till.works.begin(till.supplier.supplier_id) as work:
        return issue(work)


def pay_elsewhere(till: Till, invoice: Invoice, amount_minor: int) -> None:
    """Part of the invoice is paid by another road."""
    with till.works.begin(till.supplier.supplier_id) as work:
        other = attempt(work, invoice, amount_minor, minutes=-60)
        record_facts(work, [received(other, amount_minor)])
        till.restore(work)


def post_everything(till: Till) -> None:
    """Post what the provider has told so far."""
    facts = [
        fact
        for told in till.sandbox.told()
        if told.supplier_id == till.supplier.supplier_id
        for fact in facts_behind(told)
    ]
    with till.works.begin(till.supplier.supplier_id) as work:
        record_facts(work, facts)


def test_fifty_presses_at_once_make_one_live_attempt_and_one_checkout(till: Till, invoice: Invoice) -> None:
    def press(_: int) -> str:
        for _again in range(20):
            try:
                return till.press(invoice)
            except GatewayError:  # the provider says that the same request is under way: press again
                continue
        raise AssertionError("twenty presses in a row were refused")

    with ThreadPoolExecutor(16) as pool:
        pages = set(pool.map(press, range(50)))
    assert len(pages) == 1
    live = [row for row in till.attempts() if row["reserved"] == "open"]
    assert len(till.attempts()) == len(live) == 1
    assert live[0]["checkout_url"] in pages
    assert [session["status"] for session in till.sessions()] == ["open"]


def test_the_amount_is_what_the_books_say(till: Till, invoice: Invoice) -> None:
    pay_elsewhere(till, invoice, 2500)
    till.press(invoice)
    assert till.sessions()[0]["amount_total"] == 7500


def test_a_changed_amount_supersedes_the_open_checkout(till: Till, invoice: Invoice) -> None:
    first = till.press(invoice)
    assert till.press(invoice) == first
    pay_elsewhere(till, invoice, 4000)
    second = till.press(invoice)
    assert second != first
    states = {row["amount_minor"]: (row["state"], row["reserved"]) for row in till.attempts()}
    assert states[10000] == ("superseded", "released")
    assert states[6000] == ("open", "open")
    assert [(each["amount_total"], each["status"]) for each in till.sessions()] == [(6000, "open"), (10000, "expired")]


def test_a_checkout_that_could_not_be_closed_is_closed_by_the_next_press(till: Till, invoice: Invoice) -> None:
    till.press(invoice)
    pay_elsewhere(till, invoice, 4000)
    till.sandbox.fault("http_500", path="/v1/checkout/sessions/", times=1)
    with pytest.raises(GatewayError):
        till.press(invoice)
    till.press(invoice)
    assert [(each["amount_total"], each["status"]) for each in till.sessions()] == [(6000, "open"), (10000, "expired")]


def test_a_settled_invoice_is_not_paid_again(till: Till, invoice: Invoice) -> None:
    pay_elsewhere(till, invoice, 10000)
    with pytest.raises(PaymentError, match="Nothing is to be paid") as refused:
        till.press(invoice)
    assert refused.value.code == "payment.nothing_due"
    assert "Rien n'est à payer" in refused.value.sentence_fr
    assert till.sessions() == []
    assert till.attempts() == []


def test_money_in_flight_asks_for_confirmation_and_offers_the_rest_only(till: Till, invoice: Invoice) -> None:
    with till.works.begin(till.supplier.supplier_id) as work:
        flying = attempt(work, invoice, 3000, minutes=-60)
        record_facts(work, [AttemptMoved(flying, AttemptState.PROCESSING, "pi_flying")])
        till.restore(work)
    with pytest.raises(PaymentError) as asked:
        till.press(invoice)
    assert asked.value.code == "payment.in_flight"
    assert "30.00 EUR" in str(asked.value)
    till.press(invoice, second_payment_confirmed=True)
    assert till.sessions()[0]["amount_total"] == 7000


def test_all_money_in_flight_leaves_nothing_to_pay(till: Till, invoice: Invoice) -> None:
    with till.works.begin(till.supplier.supplier_id) as work:
        flying = attempt(work, invoice, minutes=-60)
        record_facts(work, [AttemptMoved(flying, AttemptState.PROCESSING, "pi_flying")])
    with pytest.raises(PaymentError) as refused:
        till.press(invoice, second_payment_confirmed=True)
    assert refused.value.code == "payment.nothing_due"


def test_a_superseded_debit_that_was_faster_is_shown_in_flight(till: Till, invoice: Invoice) -> None:
    """The amount changed while the payer was on the page: the debit is under way all the same."""
    till.press(invoice)
    first = till.attempts()[0]
    pay_elsewhere(till, invoice, 4000)
    till.press(invoice)
    with till.works.begin(till.supplier.supplier_id) as work:
        record_facts(work, [AttemptMoved(first["attempt_id"], AttemptState.PROCESSING, "pi_late")])
    with pytest.raises(PaymentError) as asked:
        till.press(invoice)
    assert asked.value.code == "payment.in_flight"


@pytest.mark.parametrize("kind", ["http_500", "http_429"])
def test_a_provider_that_is_down_is_an_error_and_pressing_again_works(till: Till, invoice: Invoice, kind: str) -> None:
    till.sandbox.fault(kind, path="/v1/checkout/sessions", times=1)
    with pytest.raises(GatewayError):
        till.press(invoice)
    assert [row["state"] for row in till.attempts()] == ["created"]
    assert till.press(invoice).startswith("http")
    assert len(till.attempts()) == len(till.sessions()) == 1


@pytest.mark.parametrize("change", [{}, {"language": "en"}, {"return_url": "https://portal.example/p/another"}])
def test_an_answer_lost_after_the_effect_opens_no_second_checkout(
    till: Till, invoice: Invoice, change: dict[str, str]
) -> None:
    till.sandbox.fault("timeout_after_effect", path="/v1/checkout/sessions", times=1, seconds=2.5)
    with pytest.raises(GatewayError):
        till.press(invoice)
    page = till.press(invoice, **change)
    assert [session["url"] for session in till.sessions()] == [page]
    assert len(till.attempts()) == 1


def test_an_attempt_that_was_never_opened_gives_way_when_it_is_too_old_to_open(till: Till, invoice: Invoice) -> None:
    till.sandbox.fault("http_500", path="/v1/checkout/sessions", times=1)
    with pytest.raises(GatewayError):
        till.press(invoice)
    with till.works.begin(till.supplier.supplier_id) as work:
        work.execute(
            "UPDATE payment_attempts SET expires_at = :at WHERE supplier_id = :supplier",
            at=now() + timedelta(minutes=20),
        )
    assert till.press(invoice).startswith("http")
    assert [row["state"] for row in till.attempts()] == ["superseded", "open"]


def test_the_shortest_lifetime_is_still_one_that_the_provider_takes(till: Till, invoice: Invoice) -> None:
    assert till.press(invoice, lifetime=timedelta(minutes=30)).startswith("http")


def test_another_supplier_s_invoice_does_not_exist(till: Till, works: Works) -> None:
    other = create_supplier(works.database, f"FOREIGN {till.supplier.supplier_id}", "Somebody else")
    with works.begin(other.supplier_id) as work:
        foreign = issue(work)
    with pytest.raises(NotFoundError) as refused:
        till.press(foreign)
    assert refused.value.code == "invoice.not_found"


def test_a_supplier_without_a_provider_says_how_to_pay_instead(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work, pytest.raises(PaymentError, match="bank transfer") as refused:
        active_account(work, KEYRING)
    assert refused.value.code == "payment.no_provider"


def test_a_card_pays_the_invoice_and_a_second_payment_is_refused(till: Till, invoice: Invoice) -> None:
    till.press(invoice)
    till.sandbox.pay(till.attempts()[0]["session_ref"])
    post_everything(till)
    assert [(row["state"], row["reserved"]) for row in till.attempts()] == [("succeeded", "consumed")]
    with pytest.raises(PaymentError, match="Nothing is to be paid"):
        till.press(invoice)
