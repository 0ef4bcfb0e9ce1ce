"""A SEPA debit through a provider that failed or came back: what follows, and where a collector sees it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ledger_builders import customer_facts
from payment_sandbox import running_sandbox
from stripe_builders import IBAN, Desk
from treasury_till import words

from config.clock import now
from payments.accounts import change_settings
from payments.debits.listing import list_returns
from payments.debits.tasks import open_tasks
from payments.gateways.port import FactKind, PaymentFact
from payments.paying.concluding import PAYMENT_TOLD
from payments.reactions import record_told
from portal.background.duties import build_worker
from receivables.domain.money import Money
from receivables.services.invoicing.dues import due_on_invoice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from payment_sandbox import Sandbox
    from portal_house import House

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Works


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(automatic_payouts=False) as running:
        yield running


def _desk(works: Works, supplier: Supplier, sandbox: Sandbox) -> Desk:
    """The supplier is paid through the sandbox, by card and debit."""
    sandbox.delivered()
    sandbox.receiver.received.clear()
    with works.begin(supplier.supplier_id) as work:
        work.execute("UPDATE gateway_accounts SET active = false WHERE supplier_id = :supplier AND active")
    desk = Desk(works, supplier, sandbox)
    with works.begin(supplier.supplier_id) as work:
        change_settings(work, desk.account_id, {"methods": ["card", "sepa_debit"]}, "test")
    return desk


@pytest.fixture
def desk(works: Works, supplier: Supplier, sandbox: Sandbox) -> Desk:
    return _desk(works, supplier, sandbox)


def _state(desk: Desk, invoice: Invoice) -> str:
    with desk.works.begin(desk.supplier.supplier_id) as work:
        return due_on_invoice(work, invoice.invoice_id).state


def _debit(desk: Desk, invoice: Invoice) -> str:
    """Agree to a SEPA debit on the provider's page; returns the payment, which is on its way."""
    desk.press(invoice, method="sepa_debit")
    session = str(desk.attempts()[-1]["session_ref"])
    return str(desk.sandbox.pay(session, IBAN)["payment_intent"])


def test_a_returned_debit_stops_asks_and_is_seen_by_the_collector(
    client: FlaskClient, house: House, sandbox: Sandbox
) -> None:
    desk = _desk(house.services.works, house.supplier, sandbox)
    invoice = desk.issue()
    payment = _debit(desk, invoice)
    desk.sandbox.control(f"settle/{payment}")
    desk.hear()
    assert _state(desk, invoice) == "paid"
    desk.sandbox.control(f"returns/{payment}", code="MD01")
    desk.hear()
    assert _state(desk, invoice) == "due"
    for _ in range(50):  # the reaction is a fact of its own, and may be tried again on a busy machine
        with desk.works.begin(desk.supplier.supplier_id) as work:
            if list_returns(work):
                break
        time.sleep(0.1)
        desk.hear()
    with desk.works.begin(desk.supplier.supplier_id) as work:
        (back,) = list_returns(work)
        assert "unauthorised" in [task["what"] for task in open_tasks(work)]
    assert (back["kind"], back["code"], back["amount_minor"]) == ("return", "MD01", 10000)
    assert "all_ended" in back["done"]
    house.sign_in(client, "collector")
    assert invoice.number in words(client.get("/s/debits/returns").text)
    troubles = client.get("/s/problems").text
    assert "conteste l'autorisation d'un prélèvement" in words(troubles)


def test_a_return_heard_twice_and_pulled_reacts_once(desk: Desk) -> None:
    payment = _debit(desk, desk.issue())
    desk.sandbox.control(f"settle/{payment}")
    desk.sandbox.control(f"returns/{payment}", code="MD06")
    bodies = desk.sandbox.delivered()
    desk.hear(bodies[::-1])
    desk.hear([])
    desk.pull()
    (back,) = desk.rows("SELECT code, done FROM debit_returns WHERE supplier_id = :supplier")
    assert back["code"] == "MD06"
    assert [each for each in back["done"] if each.startswith("dispute:")], "the payer is asked why, once"
    assert len(desk.rows("SELECT 1 FROM disputes WHERE supplier_id = :supplier")) == 1


def test_a_debit_that_failed_says_why_although_the_checkout_does_not(desk: Desk) -> None:
    invoice = desk.issue()
    payment = _debit(desk, invoice)
    desk.hear()
    desk.sandbox.control(f"settle/{payment}", decline="insufficient_funds")
    desk.hear()
    (back,) = desk.rows("SELECT kind, code FROM debit_returns WHERE supplier_id = :supplier")
    assert back == {"kind": "reject", "code": "AM04"}
    assert _state(desk, invoice) == "due"


@pytest.mark.parametrize("kind", [FactKind.FAILED, FactKind.DISPUTE_LOST])
def test_what_gocardless_tells_of_a_debit_has_the_same_follow_ups(desk: Desk, kind: FactKind) -> None:
    invoice = desk.issue()
    payment = _debit(desk, invoice)
    desk.hear()
    attempt_id = desk.attempts()[-1]["attempt_id"]
    back = PaymentFact(
        "gocardless",
        kind,
        payment,
        payment if kind is FactKind.FAILED else f"{payment}/charged_back",
        desk.supplier.supplier_id,
        attempt_id,
        Money(10_000),
        now(),
        "sepa_debit",
        "AC06",
        None,
        livemode=False,
    )
    here = replace(back, kind=FactKind.SUCCEEDED, object_ref=payment, failure_code=None)
    told = [back] if kind is FactKind.FAILED else [here, back]
    for _ in range(2):
        with desk.works.begin(desk.supplier.supplier_id) as work:
            record_told(work, desk.account_id, told)
    desk.hear([])
    (noted,) = desk.rows("SELECT kind, code FROM debit_returns WHERE supplier_id = :supplier")
    assert noted == {"kind": "reject" if kind is FactKind.FAILED else "return", "code": "AC06"}
    assert [row["what"] for row in desk.rows("SELECT what FROM debit_tasks WHERE supplier_id = :supplier")] == [
        "account_blocked"
    ]
    assert _state(desk, invoice) == "due"


def test_a_card_that_is_declined_is_no_debit_that_came_back(desk: Desk) -> None:
    invoice = desk.issue()
    desk.press(invoice)
    session = str(desk.attempts()[-1]["session_ref"])
    desk.sandbox.pay(session, "4000000000000002")
    desk.hear()
    assert desk.rows("SELECT 1 FROM debit_returns WHERE supplier_id = :supplier") == []


def _mails(services: Services, desk: Desk) -> dict[str, str]:
    """Subjects and texts of the mails to payers, written by the worker as it stands; a desk's own writes none."""
    with desk.works.begin(desk.supplier.supplier_id) as work:
        work.execute(
            "UPDATE outbox SET state = 'new', done_by = '{}', next_try_at = now() WHERE supplier_id = :supplier "
            "AND kind = :kind",
            kind=PAYMENT_TOLD,
        )
    worker = build_worker(services)
    for _ in range(2):
        worker.drain_outbox_of(desk.supplier.supplier_id, PAYMENT_TOLD)
    rows = desk.rows(
        "SELECT subject, text_body FROM mails WHERE supplier_id = :supplier AND starts_with(mail_key, 'receipt/')"
    )
    return {row["subject"].partition(" : ")[2]: row["text_body"] for row in rows}


def test_a_debit_that_failed_is_told_once_with_the_way_to_pay_again(services: Services, desk: Desk) -> None:
    invoice = desk.issue()
    payment = _debit(desk, invoice)
    desk.sandbox.control(f"settle/{payment}", decline="insufficient_funds")
    desk.hear()
    desk.pull()
    told = _mails(services, desk)
    assert [" ".join(each.split()) for each in told] == ["votre paiement de 100,00 € n'a pas abouti"]
    (text,) = told.values()
    assert invoice.number in text
    assert f"{services.settings.public_url}/p/" in text
    assert "/receipts/" not in text, "the link pays, it shows no receipt"


def test_a_debit_that_was_taken_back_is_told_in_the_customers_language(services: Services, desk: Desk) -> None:
    invoice = desk.issue(customer=replace(customer_facts("Lakeside Ltd"), language="en"))
    payment = _debit(desk, invoice)
    desk.sandbox.control(f"settle/{payment}")
    desk.sandbox.control(f"returns/{payment}", code="AC04")
    desk.hear()
    rows = desk.rows("SELECT 1 FROM mails WHERE supplier_id = :supplier AND subject LIKE '%came back unpaid'")
    assert rows == []
    _mails(services, desk)
    rows = desk.rows("SELECT text_body FROM mails WHERE supplier_id = :supplier AND subject LIKE '%came back unpaid'")
    assert len(rows) == 1
    assert "is to be paid again" in rows[0]["text_body"]


def test_whoever_is_asked_why_is_not_told_to_pay_again(services: Services, desk: Desk) -> None:
    payment = _debit(desk, desk.issue())
    desk.sandbox.control(f"settle/{payment}")
    desk.sandbox.control(f"returns/{payment}", code="MD06")
    desk.hear()
    assert [each for each in _mails(services, desk) if each.endswith("est revenu impayé")] == []
