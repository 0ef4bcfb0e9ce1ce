"""From the provider's events to the books over HTTP: each payment once, whether its webhook came or was asked for."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from checkout_builders import KEYRING, Till
from ledger_builders import issue
from payment_sandbox import running_sandbox

from config.clock import now
from payments.accounts import open_account
from payments.gateways.port import FactKind, GatewayError, GatewayRefusedError
from payments.gateways.stripe import StripeGateway
from payments.reactions import receive_events
from payments.reconcile import WATERMARK, recover_missed_facts
from portal.background.worker import Worker
from receivables.domain.money import Money
from receivables.domain.settlement.receipts import Outcome
from receivables.services.accounting.checks import run_checks
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.inbox import accept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from payment_sandbox import Sandbox

    from payments.gateways.port import Gateway, PaymentFact
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def till(works: Works, supplier: Supplier, sandbox: Sandbox) -> Till:
    sandbox.delivered()
    sandbox.receiver.received.clear()
    return Till(works, supplier, sandbox)


@pytest.fixture
def invoice(till: Till) -> Invoice:
    with till.works.begin(till.supplier.supplier_id) as work:
        return issue(work)


def paid(till: Till, invoice: Invoice) -> str:
    """Press and pay by card; returns the provider's payment id."""
    till.press(invoice)
    session = till.attempts()[-1]["session_ref"]
    till.sandbox.pay(session)
    found: str = till.sandbox.http.get(f"/v1/checkout/sessions/{session}").json()["payment_intent"]
    return found


def post(till: Till, bodies: list[bytes]) -> None:
    """Accept webhooks as they came and post them."""
    with till.works.begin(till.supplier.supplier_id) as work:
        accept(work, "stripe", [(json.loads(body)["id"], body) for body in bodies])
        work.execute("UPDATE inbox SET next_try_at = now() WHERE supplier_id = :supplier")
    receiver = {"stripe": lambda work, messages: receive_events(work, messages, till.gateway_for)}
    Worker(till.works, receiver, {}).drain_inbox_of(till.supplier.supplier_id)


def inbox(till: Till) -> Counter[str]:
    with till.works.begin(till.supplier.supplier_id) as work:
        return Counter(row["state"] for row in work.rows("SELECT state FROM inbox WHERE supplier_id = :supplier"))


def books(till: Till, invoice: Invoice) -> tuple[str, int]:
    """State of the invoice, and how many facts about money are booked; every check must hold."""
    with till.works.begin(till.supplier.supplier_id) as work:
        assert [finding for finding in run_checks(work) if finding.gap] == []
        facts = work.scalar("SELECT count(*) FROM entries WHERE supplier_id = :supplier AND source_kind <> 'invoice'")
        return due_on_invoice(work, invoice.invoice_id).state, facts


def recover(till: Till) -> Counter[Outcome]:
    return recover_missed_facts(till.works, till.supplier.supplier_id, till.gateway_for)


def test_several_events_about_one_payment_post_it_once(till: Till, invoice: Invoice) -> None:
    paid(till, invoice)
    bodies = till.sandbox.delivered()
    assert len(bodies) >= 2
    post(till, bodies)
    post(till, bodies[::-1])
    assert books(till, invoice) == ("paid", 1)
    assert inbox(till) == {"done": len(bodies)}


def test_a_refund_that_comes_before_its_payment_waits_for_it(till: Till, invoice: Invoice) -> None:
    payment = paid(till, invoice)
    before = len(till.sandbox.delivered())
    till.sandbox.gateway.refund(payment, Money(10000), "key-1")
    bodies = till.sandbox.delivered()
    assert len(bodies) > before
    post(till, bodies[before:])
    assert inbox(till)["waiting"] > 0
    post(till, bodies[:before])
    post(till, [])
    assert inbox(till)["waiting"] == 0
    assert books(till, invoice) == ("due", 2)


def test_what_no_webhook_told_is_asked_for_and_posted_once(till: Till, invoice: Invoice) -> None:
    till.sandbox.fault("drop", times=50)
    payment = paid(till, invoice)
    till.sandbox.gateway.refund(payment, Money(2500), "key-2")
    till.sandbox.http.delete("/_sandbox/faults")
    assert recover(till)[Outcome.POSTED] >= 2
    assert books(till, invoice) == ("part_paid", 2)
    assert recover(till)[Outcome.POSTED] == 0
    assert books(till, invoice) == ("part_paid", 2)


def test_the_first_look_goes_back_three_days_and_the_next_ones_to_the_last(till: Till) -> None:
    asked: list[timedelta] = []

    class Listening(StripeGateway):
        def facts_since(self, since: datetime) -> Iterator[PaymentFact]:
            asked.append(now() - since)
            return super().facts_since(since)

    gateway = Listening(till.gateway_for_key, api_url=till.sandbox.url)
    for _ in range(2):
        recover_missed_facts(till.works, till.supplier.supplier_id, lambda *_: gateway)
    assert asked[0] > timedelta(days=2, hours=23)
    assert timedelta(minutes=29) < asked[1] < timedelta(minutes=31)


def test_a_provider_that_is_down_moves_no_watermark(till: Till, invoice: Invoice) -> None:
    till.sandbox.fault("drop", times=50)
    paid(till, invoice)
    till.sandbox.http.delete("/_sandbox/faults")
    till.sandbox.fault("http_500", path="/v1/events", times=1)
    with pytest.raises(GatewayError):
        recover(till)
    assert watermark(till) is None
    recover(till)
    assert watermark(till) is not None
    assert books(till, invoice) == ("paid", 1)


def test_one_unreadable_event_hides_no_other(till: Till, invoice: Invoice) -> None:
    class Unreadable(StripeGateway):
        def facts_since(self, since: datetime) -> Iterator[PaymentFact]:
            yield from super().facts_since(since)
            raise GatewayRefusedError("One event is odd.", "gateway.currency_unknown")

    till.sandbox.fault("drop", times=50)
    paid(till, invoice)
    till.sandbox.http.delete("/_sandbox/faults")
    gateway = Unreadable(till.gateway_for_key, api_url=till.sandbox.url)
    with pytest.raises(GatewayRefusedError, match="odd"):
        recover_missed_facts(till.works, till.supplier.supplier_id, lambda *_: gateway)
    assert books(till, invoice) == ("paid", 1)
    assert watermark(till) is None, "it is asked for again, until a human has looked"


def watermark(till: Till) -> Any:
    with till.works.begin(till.supplier.supplier_id) as work:
        return work.scalar(
            "SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = :name",
            name=f"{WATERMARK}/{till.account_id}",
        )


def test_a_supplier_without_a_provider_has_nothing_to_ask(works: Works, supplier: Supplier, sandbox: Sandbox) -> None:
    idle = object.__new__(Till)
    idle.works, idle.supplier, idle.sandbox = works, supplier, sandbox
    assert recover(idle) == Counter()


def test_an_event_that_is_none_is_buried_for_a_human(till: Till) -> None:
    with till.works.begin(till.supplier.supplier_id) as work:
        accept(work, "stripe", [("evt_1", b"not json"), ("evt_2", b'{"object": "event", "livemode": true}')])
    receiver = {"stripe": lambda work, messages: receive_events(work, messages, till.gateway_for)}
    Worker(till.works, receiver, {}).drain_inbox_of(till.supplier.supplier_id)
    with till.works.begin(till.supplier.supplier_id) as work:
        reasons = [
            row["reason"]
            for row in work.rows("SELECT reason FROM inbox WHERE supplier_id = :supplier ORDER BY external_id")
        ]
    assert [reason.split(":")[0] for reason in reasons] == ["gateway.malformed_event", "gateway.mode_mixed"]
    assert inbox(till) == {"buried": 2}


def test_a_payment_that_this_supplier_never_began_waits_on_471_and_calls_a_human(till: Till, invoice: Invoice) -> None:
    payment = paid(till, invoice)
    bodies = [
        body.replace(str(till.attempts()[0]["attempt_id"]).encode(), b"019aaaaa-0000-7000-8000-000000000000")
        for body in till.sandbox.delivered()
    ]
    post(till, bodies)
    assert inbox(till)["buried"] > 0
    assert books(till, invoice) == ("due", 1)
    with till.works.begin(till.supplier.supplier_id) as work:
        lines = work.rows(
            "SELECT account, source_ref, debit_minor - credit_minor AS minor FROM postings JOIN entries "
            "USING (supplier_id, entry_id) WHERE supplier_id = :supplier AND source_kind = 'transfer' ORDER BY account"
        )
    assert [dict(line) for line in lines] == [
        {"account": "471000", "source_ref": payment, "minor": -10000},
        {"account": "511500", "source_ref": payment, "minor": 10000},
    ]


def test_a_declined_card_leaves_the_invoice_due_and_a_second_try_pays(till: Till, invoice: Invoice) -> None:
    till.press(invoice)
    session = till.attempts()[0]["session_ref"]
    till.sandbox.pay(session, card="4000000000000002")
    post(till, till.sandbox.delivered())
    assert books(till, invoice) == ("due", 0)
    till.sandbox.pay(session)
    post(till, till.sandbox.delivered())
    assert books(till, invoice) == ("paid", 1)


def test_an_account_that_was_replaced_is_still_asked(till: Till, invoice: Invoice) -> None:
    """The payer was on the old account's page when the supplier changed it; its webhooks are no longer taken."""
    till.press(invoice)
    session = till.attempts()[-1]["session_ref"]
    with till.works.begin(till.supplier.supplier_id) as work:
        new = open_account(
            work, KEYRING, provider="stripe", key="sk_test_new", webhook_secret="whsec_new", base_url=None, live=False
        )

    class Silent(StripeGateway):
        def facts_since(self, _: datetime) -> Iterator[PaymentFact]:
            raise GatewayRefusedError("The new key has no rights yet.")

    def gateway_of(work: Work, account_id: UUID) -> Gateway:
        return Silent("sk_test_new") if account_id == new else till.gateway_for(work, account_id)

    till.sandbox.pay(session)
    with pytest.raises(GatewayRefusedError, match="no rights"):
        recover_missed_facts(till.works, till.supplier.supplier_id, gateway_of)
    assert books(till, invoice) == ("paid", 1)


def test_a_return_asked_for_before_its_payment_is_booked_is_asked_for_again(till: Till, invoice: Invoice) -> None:
    """Its webhook was lost and its payment's is late: the look that found it must not be the last."""
    payment = paid(till, invoice)
    till.sandbox.gateway.refund(payment, Money(10000), "key-3")

    class OnlyReturns(StripeGateway):
        def facts_since(self, since: datetime) -> Iterator[PaymentFact]:
            yield from (fact for fact in super().facts_since(since) if fact.kind is FactKind.REFUNDED)

    gateway = OnlyReturns(till.gateway_for_key, api_url=till.sandbox.url)
    outcomes = recover_missed_facts(till.works, till.supplier.supplier_id, lambda *_: gateway)
    assert outcomes[Outcome.WAITING] >= 1
    assert watermark(till) < now() - timedelta(days=2)
    assert recover(till)[Outcome.POSTED] >= 2
    assert watermark(till) > now() - timedelta(minutes=1)
    assert books(till, invoice) == ("due", 2)


def test_a_failed_authentication_leaves_the_checkout_live(till: Till, invoice: Invoice) -> None:
    """The payer may try again on the same page: a second press must find it, not open another one beside it."""
    page = till.press(invoice)
    session = till.attempts()[0]["session_ref"]
    till.sandbox.pay(session, card="4000002500003155")
    till.sandbox.pay(session, card="4000002500003155", confirm=False)
    post(till, till.sandbox.delivered())
    assert [row["state"] for row in till.attempts()] == ["open"]
    assert till.press(invoice) == page
