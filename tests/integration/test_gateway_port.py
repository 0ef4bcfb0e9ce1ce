"""The port, proven: the same contract over both providers, and a supplier that changes from one to the other and back.

Each provider is its own client against its simulator over HTTP.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from checkout_builders import KEYRING
from gocardless_sandbox import KEY as GOCARDLESS_KEY
from gocardless_sandbox import SECRET, running_gocardless
from ledger_builders import issue
from payment_sandbox import KEY as STRIPE_KEY
from payment_sandbox import an_order, running_sandbox

from config import clock
from payments.accounts import account_at, active_account, change_settings, open_account
from payments.checkout import start_checkout
from payments.clearing.comparison import compare_providers
from payments.clearing.payouts import follow_payouts
from payments.gateways.opening import FINAL_AT, PROVIDERS, open_gateway
from payments.gateways.port import Capability, FactKind, Gateway, GatewayRefusedError
from payments.links import find_link, mint_link, read_token
from payments.paying.plans import AimsPlan, CheckoutRequest
from payments.providers.tending import tend_checkouts
from payments.reactions import receive_events
from payments.reconcile import recover_missed_facts
from portal.background.worker import Worker
from receivables.domain.money import Money
from receivables.services.accounting.checks import run_checks, state_hash
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.inbox import accept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from gocardless_sandbox import GoCardlessSandbox
    from payment_sandbox import Sandbox

    from payments.gateways.port import PaymentFact
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


class Provider(ABC):
    """What the contract does at a provider, in the words of people."""

    name: str
    method: str
    key: str
    secret: str
    url: str
    gateway: Gateway

    @abstractmethod
    def pay(self, session_id: str) -> str:
        """The payer pays and the money is there; the payment."""

    @abstractmethod
    def take_back(self, payment_ref: str) -> None:
        """The money goes away again, long after."""

    @abstractmethod
    def finish_refund(self, refund_ref: str) -> None:
        """A refund reaches the payer."""

    @abstractmethod
    def events(self) -> list[tuple[str, bytes]]:
        """Everything delivered, by event id."""

    @abstractmethod
    def fail_next(self, what: str) -> None:
        """The next request gets no answer, or a refusal."""


class AtStripe(Provider):
    name, method, key = "stripe", "card", STRIPE_KEY

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.gateway, self.secret, self.url = sandbox.gateway, sandbox.secret, sandbox.url

    def pay(self, session_id: str) -> str:
        self.sandbox.pay(session_id)
        found: str = self.sandbox.http.get(f"/v1/checkout/sessions/{session_id}").json()["payment_intent"]
        return found

    def take_back(self, payment_ref: str) -> None:
        dispute = self.sandbox.control(f"disputes/{payment_ref}", reason="fraudulent")
        self.sandbox.control(f"disputes/{dispute['id']}", won=False)

    def finish_refund(self, refund_ref: str) -> None:
        """A card refund is made at once."""

    def events(self) -> list[tuple[str, bytes]]:
        return [(json.loads(body)["id"], body) for body in self.sandbox.delivered()]

    def fail_next(self, what: str) -> None:
        self.sandbox.fault(what, path="/v1/checkout/sessions", method="POST")


class AtGoCardless(Provider):
    name, method, key, secret = "gocardless", "instant", GOCARDLESS_KEY, SECRET

    def __init__(self, sandbox: GoCardlessSandbox) -> None:
        self.sandbox = sandbox
        self.gateway, self.url = sandbox.gateway, sandbox.url

    def pay(self, session_id: str) -> str:
        payment = str(self.sandbox.pay(session_id)["links"]["payment_request_payment"])
        self.sandbox.scenario("payment_confirmed", payment)
        return payment

    def take_back(self, payment_ref: str) -> None:
        self.sandbox.scenario("payment_late_failure", payment_ref)

    def finish_refund(self, refund_ref: str) -> None:
        self.sandbox.scenario("refund_paid", refund_ref)

    def events(self) -> list[tuple[str, bytes]]:
        return self.sandbox.events()

    def fail_next(self, what: str) -> None:
        self.sandbox.fault(what, path="/billing_requests", method="POST")


@pytest.fixture(scope="module")
def both() -> Iterator[dict[str, Provider]]:
    with running_sandbox() as stripe, running_gocardless() as gocardless:
        yield {"stripe": AtStripe(stripe), "gocardless": AtGoCardless(gocardless)}


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest, both: dict[str, Provider]) -> Provider:
    return both[request.param]


def order(provider: Provider, **changes: Any) -> Any:
    return an_order(methods=(provider.method,), **changes)


def told(provider: Provider, attempt_id: UUID) -> list[PaymentFact]:
    facts = [fact for _, body in provider.events() for fact in provider.gateway.facts_of(body)]
    return [fact for fact in facts if fact.attempt_id == attempt_id]


def test_it_is_a_gateway_and_says_what_it_can(provider: Provider) -> None:
    assert isinstance(provider.gateway, Gateway)
    assert provider.gateway.provider == provider.name
    assert provider.gateway.livemode is False
    assert provider.method in provider.gateway.methods
    assert Capability.PAYOUTS in provider.gateway.capabilities


def test_one_attempt_is_one_checkout_that_can_be_found_again(provider: Provider) -> None:
    asked = order(provider)
    opened = provider.gateway.open_checkout(asked)
    assert provider.gateway.open_checkout(asked).session_id == opened.session_id
    found = provider.gateway.find_checkout(asked.attempt_id)
    assert found is not None
    assert (found.session_id, bool(found.url)) == (opened.session_id, True)
    assert abs(found.expires_at - asked.expires_at) < timedelta(seconds=2)
    with pytest.raises(GatewayRefusedError) as refused:
        provider.gateway.open_checkout(
            order(provider, supplier_id=asked.supplier_id, attempt_id=asked.attempt_id, amount=Money(1))
        )
    assert refused.value.code in {"gateway.key_reused", "gateway.refused"}


def test_a_payment_is_received_once_whoever_tells_it(provider: Provider) -> None:
    since, asked = clock.now() - timedelta(seconds=2), order(provider)
    payment = provider.pay(provider.gateway.open_checkout(asked).session_id)
    heard = {(f.kind, f.object_ref, f.amount) for f in told(provider, asked.attempt_id)}
    received = (FactKind.SUCCEEDED, payment, Money(12345))
    assert received in heard
    listed = {
        (f.kind, f.object_ref, f.amount)
        for f in provider.gateway.facts_since(since)
        if f.attempt_id == asked.attempt_id
    }
    assert received in listed
    fetched = provider.gateway.fetch_payment(payment)
    assert received in {(f.kind, f.object_ref, f.amount) for f in fetched}
    assert {f.supplier_id for f in fetched} == {asked.supplier_id}


def test_a_closed_checkout_cannot_be_paid_and_a_paid_one_not_closed(provider: Provider) -> None:
    closed = order(provider)
    session = provider.gateway.open_checkout(closed).session_id
    provider.gateway.expire_checkout(session)
    provider.gateway.expire_checkout(session)
    assert {f.kind for f in told(provider, closed.attempt_id)} == {FactKind.SESSION_EXPIRED}
    with pytest.raises(AssertionError):
        provider.pay(session)
    paid = provider.gateway.open_checkout(order(provider)).session_id
    provider.pay(paid)
    with pytest.raises(GatewayRefusedError) as refused:
        provider.gateway.expire_checkout(paid)
    assert refused.value.code == "gateway.checkout_complete"


def test_a_refund_is_made_once_by_its_key_and_never_more_than_was_paid(provider: Provider) -> None:
    asked = order(provider)
    payment = provider.pay(provider.gateway.open_checkout(asked).session_id)
    refund = provider.gateway.refund(payment, Money(2345), f"refund/{asked.attempt_id}")
    assert provider.gateway.refund(payment, Money(2345), f"refund/{asked.attempt_id}") == refund
    provider.finish_refund(refund)
    back = [f for f in told(provider, asked.attempt_id) if f.kind is FactKind.REFUNDED]
    assert {(f.object_ref, f.payment_ref, f.amount) for f in back} == {(refund, payment, Money(2345))}
    for amount in (Money(12346), Money(100, "USD")):
        with pytest.raises(GatewayRefusedError):
            provider.gateway.refund(payment, amount, "too much")


def test_money_that_goes_away_later_names_its_payment(provider: Provider) -> None:
    asked = order(provider)
    payment = provider.pay(provider.gateway.open_checkout(asked).session_id)
    provider.take_back(payment)
    lost = [f for f in provider.gateway.fetch_payment(payment) if f.kind is FactKind.DISPUTE_LOST]
    assert [(f.payment_ref, f.amount) for f in lost] == [(payment, Money(12345))]
    assert lost[0].object_ref != payment


def test_what_it_cannot_do_or_read_it_refuses_by_code(provider: Provider) -> None:
    for body in (b"", b"[]", b"{}", b"\xff\x00"):
        with pytest.raises(GatewayRefusedError) as refused:
            provider.gateway.facts_of(body)
        assert refused.value.code == "gateway.malformed_event"
    if Capability.TRANSFERS not in provider.gateway.capabilities:
        with pytest.raises(GatewayRefusedError) as refused:
            provider.gateway.transfer_account("CU1")
        assert refused.value.code == "gateway.not_offered"


class Shop:
    """A supplier that is paid through one provider, then another."""

    def __init__(self, works: Works, supplier: Supplier, both: dict[str, Provider]) -> None:
        self.works, self.supplier, self.both = works, supplier, both
        self.provider = next(iter(both.values()))

    def change_to(self, name: str) -> None:
        self.provider = self.both[name]
        with self.works.begin(self.supplier.supplier_id) as work:
            open_account(
                work,
                KEYRING,
                provider=name,
                key=self.provider.key,
                webhook_secret=self.provider.secret,
                base_url=self.provider.url,
                live=False,
            )

    def gateway_for(self, work: Work, account_id: UUID | None = None) -> Gateway:
        return open_gateway(active_account(work, KEYRING, account_id), network_retries=0)

    def open_by_link(self, token: str) -> None:
        """Somebody follows a pay link and presses the button."""
        known = read_token(token)
        assert known is not None
        with self.works.begin(known[0]) as work:
            link = find_link(work, known[1])
            assert link is not None
            account_id = active_account(work, KEYRING).account_id
        request = CheckoutRequest(
            supplier_id=known[0],
            supplier_name=self.supplier.name,
            plan=AimsPlan({link.invoice_id: None}),
            return_url="https://portal.example/p/token",
            language="fr",
            lifetime=timedelta(minutes=60),
            method=self.provider.method,
        )
        assert start_checkout(self.works, request, account_id, self.gateway_for).url

    def session(self, invoice: Invoice) -> str:
        """The checkout of the latest attempt for an invoice."""
        with self.works.begin(self.supplier.supplier_id) as work:
            found: str = work.scalar(
                "SELECT session_ref FROM payment_attempts JOIN reservations USING (supplier_id, attempt_id) "
                "WHERE supplier_id = :supplier AND invoice_id = :invoice ORDER BY created_at DESC LIMIT 1",
                invoice=invoice.invoice_id,
            )
        return found

    def hear(self, *names: str) -> None:
        """Take in and post the webhooks of the named providers."""
        for name in names:
            with self.works.begin(self.supplier.supplier_id) as work:
                accept(work, name, self.both[name].events())
                work.execute("UPDATE inbox SET next_try_at = now() WHERE supplier_id = :supplier")
        receivers = {name: self._receiver(name) for name in self.both}
        Worker(self.works, receivers, {}).drain_inbox_of(self.supplier.supplier_id)

    def _receiver(self, name: str) -> Any:
        return lambda work, messages: receive_events(
            work, messages, lambda here: self.gateway_for(here, account_at(here, name))
        )

    def open_minor(self, invoice: Invoice) -> int:
        with self.works.begin(self.supplier.supplier_id) as work:
            return due_on_invoice(work, invoice.invoice_id).open_minor

    def attempt_states(self) -> list[str]:
        with self.works.begin(self.supplier.supplier_id) as work:
            return [
                row["state"]
                for row in work.rows(
                    "SELECT state FROM payment_attempts WHERE supplier_id = :supplier ORDER BY created_at"
                )
            ]


@pytest.fixture
def shop(works: Works, supplier: Supplier, both: dict[str, Provider]) -> Shop:
    shop = Shop(works, supplier, both)
    shop.change_to("stripe")
    return shop


def linked_invoice(shop: Shop) -> tuple[Invoice, str]:
    with shop.works.begin(shop.supplier.supplier_id) as work:
        invoice = issue(work)
        return invoice, mint_link(work, KEYRING, invoice.invoice_id, "mail")


@contextmanager
def checked(shop: Shop) -> Iterator[None]:
    yield
    with shop.works.begin(shop.supplier.supplier_id) as work:
        assert [each for each in run_checks(work) if each.gap] == []


def test_the_same_link_pays_through_one_provider_then_the_other_and_back(shop: Shop) -> None:
    with checked(shop):
        for name in ("stripe", "gocardless", "stripe"):
            invoice, token = linked_invoice(shop)
            if name != "stripe" or shop.provider.name != "stripe":
                shop.change_to(name)
            shop.open_by_link(token)
            shop.provider.pay(shop.session(invoice))
            shop.hear(name)
            assert shop.open_minor(invoice) == 0, name


def test_a_link_minted_before_the_change_opens_at_the_new_provider_and_the_old_attempt_ends(shop: Shop) -> None:
    with checked(shop):
        invoice, token = linked_invoice(shop)
        shop.open_by_link(token)
        old = shop.session(invoice)
        shop.change_to("gocardless")
        shop.open_by_link(token)
        shop.provider.pay(shop.session(invoice))
        shop.hear("gocardless", "stripe")
        assert shop.open_minor(invoice) == 0
        assert shop.attempt_states()[-1] == "succeeded"
        assert shop.attempt_states()[0] == "superseded"
        assert tend_checkouts(shop.works, shop.supplier.supplier_id, shop.gateway_for) == 1
        assert shop.attempt_states()[0] == "expired"
        with pytest.raises(AssertionError):
            shop.both["stripe"].pay(old)


def test_a_payer_on_the_old_providers_page_is_booked_after_the_change(shop: Shop) -> None:
    with checked(shop):
        invoice, token = linked_invoice(shop)
        shop.open_by_link(token)
        session = shop.session(invoice)
        shop.change_to("gocardless")
        shop.both["stripe"].pay(session)
        shop.hear("stripe")
        assert shop.open_minor(invoice) == 0


def test_a_late_return_from_the_old_provider_opens_the_invoice_again_by_webhook_or_by_asking(shop: Shop) -> None:
    with checked(shop):
        shop.change_to("gocardless")
        by_webhook, by_asking = linked_invoice(shop), linked_invoice(shop)
        payments = []
        for invoice, token in (by_webhook, by_asking):
            shop.open_by_link(token)
            payments.append(shop.provider.pay(shop.session(invoice)))
        shop.hear("gocardless")
        assert (shop.open_minor(by_webhook[0]), shop.open_minor(by_asking[0])) == (0, 0)
        shop.change_to("stripe")
        shop.both["gocardless"].take_back(payments[0])
        shop.hear("gocardless")
        assert shop.open_minor(by_webhook[0]) == by_webhook[0].payable_minor
        shop.both["gocardless"].take_back(payments[1])
        recover_missed_facts(shop.works, shop.supplier.supplier_id, shop.gateway_for)
        assert shop.open_minor(by_asking[0]) == by_asking[0].payable_minor
        shop.open_by_link(by_asking[1])
        shop.both["stripe"].pay(shop.session(by_asking[0]))
        shop.hear("stripe")
        assert shop.open_minor(by_asking[0]) == 0


def test_the_same_events_in_another_order_end_in_the_same_books(shop: Shop) -> None:
    shop.change_to("gocardless")
    invoice, token = linked_invoice(shop)
    shop.open_by_link(token)
    payment = shop.provider.pay(shop.session(invoice))
    shop.provider.take_back(payment)
    events = [each for each in shop.provider.events() if payment in each[1].decode()]
    with shop.works.begin(shop.supplier.supplier_id) as work:
        accept(work, "gocardless", list(reversed(events)))
    shop.hear()
    with shop.works.begin(shop.supplier.supplier_id) as work:
        backwards = state_hash(work)
    shop.hear("gocardless")
    with shop.works.begin(shop.supplier.supplier_id) as work:
        assert state_hash(work) == backwards
    assert shop.open_minor(invoice) == invoice.payable_minor


def test_a_debit_that_was_only_agreed_to_is_collected_and_an_old_checkout_closed(shop: Shop) -> None:
    with checked(shop):
        shop.change_to("gocardless")
        gocardless = shop.both["gocardless"]
        assert isinstance(gocardless, AtGoCardless)
        gocardless.method = "sepa_debit"
        try:
            invoice, token = linked_invoice(shop)
            shop.open_by_link(token)
        finally:
            gocardless.method = "instant"
        gocardless.sandbox.pay(shop.session(invoice))
        shop.hear("gocardless")
        assert shop.attempt_states() == ["processing"]
        assert tend_checkouts(shop.works, shop.supplier.supplier_id, shop.gateway_for) == 1
        assert tend_checkouts(shop.works, shop.supplier.supplier_id, shop.gateway_for) == 0
        with shop.works.begin(shop.supplier.supplier_id) as work:
            payment = work.scalar("SELECT payment_ref FROM payment_attempts WHERE supplier_id = :supplier")
        assert shop.open_minor(invoice) == invoice.payable_minor
        gocardless.sandbox.scenario("payment_confirmed", payment)
        shop.hear("gocardless")
        assert shop.open_minor(invoice) == 0
        other, token = linked_invoice(shop)
        shop.open_by_link(token)
        with shop.works.begin(shop.supplier.supplier_id) as work:
            work.execute(
                "UPDATE payment_attempts SET expires_at = now() - interval '1 minute' "
                "WHERE supplier_id = :supplier AND state = 'open'"
            )
        assert tend_checkouts(shop.works, shop.supplier.supplier_id, shop.gateway_for) == 1
        assert shop.attempt_states()[-1] == "expired"
        shop.hear("gocardless")
        assert shop.open_minor(other) == other.payable_minor


def test_payouts_of_the_second_provider_are_explained_booked_and_compared_to_the_cent(shop: Shop) -> None:
    with checked(shop):
        shop.change_to("gocardless")
        gocardless = shop.both["gocardless"]
        assert isinstance(gocardless, AtGoCardless)
        gocardless.sandbox.control("payouts", status="paid")
        payments = []
        for _ in range(3):
            invoice, token = linked_invoice(shop)
            shop.open_by_link(token)
            payments.append(gocardless.pay(shop.session(invoice)))
        shop.hear("gocardless")
        payout = gocardless.sandbox.control("payouts", status="paid")
        follow_payouts(shop.works, shop.supplier.supplier_id, shop.gateway_for)
        with shop.works.begin(shop.supplier.supplier_id) as work:
            row = work.row(
                "SELECT state, amount_minor, fee_minor, gap_minor FROM payouts "
                "WHERE supplier_id = :supplier AND payout_ref = :ref",
                ref=payout["id"],
            )
        assert row is not None
        assert dict(row) == {
            "state": "paid",
            "amount_minor": payout["amount"],
            "fee_minor": payout["deducted_fees"],
            "gap_minor": 0,
        }
        with shop.works.begin(shop.supplier.supplier_id) as work:
            moved = work.rows(
                "SELECT object_ref, sum(gross_minor) AS gross FROM provider_movements WHERE supplier_id = :supplier "
                "AND kind = 'payment' AND object_ref = ANY(:refs) GROUP BY object_ref",
                refs=payments,
            )
        assert {each["object_ref"]: each["gross"] for each in moved} == dict.fromkeys(payments, 10000)


def test_the_daily_comparison_with_the_second_provider_has_no_gap(works: Works, supplier: Supplier) -> None:
    with running_gocardless() as sandbox:
        alone = AtGoCardless(sandbox)
        shop = Shop(works, supplier, {"gocardless": alone})
        shop.provider = alone
        shop.change_to("gocardless")
        paid = []
        for _ in range(3):
            invoice, token = linked_invoice(shop)
            shop.open_by_link(token)
            paid.append(alone.pay(shop.session(invoice)))
        refund = alone.gateway.refund(paid[0], Money(2500), "refund/compare")
        alone.finish_refund(refund)
        shop.hear("gocardless")
        compare_providers(works, supplier.supplier_id, shop.gateway_for)
        assert gaps(shop) == []
        sandbox.control("payouts", status="paid")
        alone.take_back(paid[1])
        shop.hear("gocardless")
        follow_payouts(works, supplier.supplier_id, shop.gateway_for)
        compare_providers(works, supplier.supplier_id, shop.gateway_for)
        assert gaps(shop) == []


def gaps(shop: Shop) -> list[tuple[str, int, list[Any]]]:
    """What differs, by kind."""
    with shop.works.begin(shop.supplier.supplier_id) as work:
        return [
            (row["kind"], row["provider_minor"] - row["books_minor"], row["differing"])
            for row in work.rows(
                "SELECT kind, provider_minor, books_minor, differing FROM provider_comparisons "
                "WHERE supplier_id = :supplier AND (provider_minor <> books_minor OR differing <> '[]')"
            )
        ]


def test_a_planted_bug_that_reads_a_failure_without_its_history_is_caught(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.gateways.gocardless_telling.is_ambiguous", lambda _event: False)
    with pytest.raises(AssertionError):
        test_a_late_return_from_the_old_provider_opens_the_invoice_again_by_webhook_or_by_asking(shop)


def test_a_supplier_may_wait_for_the_payout_before_an_invoice_is_paid(shop: Shop) -> None:
    with checked(shop):
        shop.change_to("gocardless")
        with shop.works.begin(shop.supplier.supplier_id) as work:
            account_id = active_account(work, KEYRING).account_id
            change_settings(work, account_id, {FINAL_AT: "paid_out"}, "owner")
        invoice, token = linked_invoice(shop)
        shop.open_by_link(token)
        shop.provider.pay(shop.session(invoice))
        shop.hear("gocardless")
        assert shop.open_minor(invoice) == invoice.payable_minor
        gocardless = shop.both["gocardless"]
        assert isinstance(gocardless, AtGoCardless)
        gocardless.sandbox.control("payouts", status="paid")
        shop.hear("gocardless")
        assert shop.open_minor(invoice) == 0
