"""Refund orders: two people above a limit, one refund whatever happens, and the books that say what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ledger_builders import MORNING, issue
from treasury_builders import pay

from config.clock import new_id, now
from config.secrets import Keyring
from payments.accounts import open_account
from payments.banking.lines import get_line
from payments.errors import PaymentError
from payments.gateways.port import (
    FactKind,
    GatewayInDoubtError,
    GatewayRefusedError,
    GatewayUnreachableError,
    PaymentFact,
)
from payments.refunds.holdings import held_by
from payments.refunds.orders import NewRefund, agree_refund, ask_refund, get_refund, refuse_refund
from payments.refunds.sending import note_sent, recognise_refunds, send_refunds, transfers_to_make, what_reopens
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import MoneyReturned, MoneyReturnFailed
from receivables.services.accounting.checks import run_checks
from receivables.services.settlement.receipts import record_facts
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from payments.banking.lines import BankLine
    from payments.refunds.orders import RefundOrder
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.domain.money import Money
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

KEYRING = Keyring(b"a root secret for tests, 32 bytes.")
VAT_ROWS = (VatRow("S", Decimal(20), 50_010, 10_000), VatRow("S", Decimal("5.5"), 37_910, 2_080))
IBAN = "FR7630006000011234567890189"


@dataclass
class FakeProvider:
    """A provider that refunds once per key, and can lose its answer or refuse; it forgets keys on demand."""

    refunds: dict[str, tuple[str, str, Money]] = field(default_factory=dict)
    forgotten: list[tuple[str, str, Money]] = field(default_factory=list)
    before: list[Exception] = field(default_factory=list)
    after: list[Exception] = field(default_factory=list)
    asked: int = 0

    def refund(self, payment_ref: str, amount: Money, key: str) -> str:
        self.asked += 1
        if self.before:
            raise self.before.pop(0)
        made = self.refunds.setdefault(key, (f"re_{new_id().hex}", payment_ref, amount))
        if self.after:
            raise self.after.pop(0)
        return made[0]

    def forget_keys(self) -> None:
        self.forgotten += self.refunds.values()
        self.refunds.clear()

    def fetch_payment(self, payment_ref: str) -> tuple[PaymentFact, ...]:
        return tuple(
            PaymentFact(
                "stripe", FactKind.REFUNDED, ref, made, None, None, amount, now(), "card", None, None, livemode=False
            )
            for made, ref, amount in (*self.refunds.values(), *self.forgotten)
            if ref == payment_ref
        )

    @property
    def given_back_minor(self) -> int:
        """What really went back."""
        return sum(amount.minor for _, _, amount in (*self.refunds.values(), *self.forgotten))


class Desk:
    """One supplier, its provider, and people who ask and agree."""

    def __init__(self, works: Works, supplier: Supplier) -> None:
        self.works, self.supplier, self.provider = works, supplier, FakeProvider()
        with works.begin(supplier.supplier_id) as work:
            self.account_id = open_account(
                work, KEYRING, provider="stripe", key="sk_test_x", webhook_secret="whsec_x", base_url=None, live=False
            )

    def do(self, act: Callable[[Work], Any]) -> Any:
        with self.works.begin(self.supplier.supplier_id) as work:
            return act(work)

    def paid(self, *, amount_minor: int = 100_000) -> tuple[Invoice, UUID]:
        """An invoice and a payment of it."""

        def make(work: Work) -> tuple[Invoice, UUID]:
            invoice = issue(work, total_minor=100_000, payable_minor=100_000, vat_rows=VAT_ROWS)
            return invoice, pay(work, self.account_id, invoice, f"pi_{new_id().hex}", amount_minor)

        return self.do(make)  # type: ignore[no-any-return]

    def ask(self, attempt_id: UUID, minor: int, **changes: Any) -> RefundOrder:
        wish = {
            "order_id": new_id(),
            "road": "provider",
            "reason": "Livraison incomplète",
            "actor": "person a",
            **changes,
        }
        return self.do(lambda work: ask_refund(work, NewRefund(attempt_id=attempt_id, amount_minor=minor, **wish)))  # type: ignore[no-any-return]

    def agree(self, order: RefundOrder, actor: str = "person b") -> RefundOrder:
        return self.do(lambda work: agree_refund(work, order.order_id, actor))  # type: ignore[no-any-return]

    def send(self) -> int:
        return send_refunds(self.works, self.supplier.supplier_id, lambda _work, _account: self.provider)  # type: ignore[arg-type]

    def order(self, order: RefundOrder) -> RefundOrder:
        return self.do(lambda work: get_refund(work, order.order_id))  # type: ignore[no-any-return]

    def tell(self, order: RefundOrder, *, failed: bool = False) -> None:
        """What the provider's webhook says of a refund."""
        told = self.order(order)
        ref = told.refund_ref or ""
        fact = (
            MoneyReturnFailed(ref, told.payment_ref, told.amount_minor, "EUR", MORNING)
            if failed
            else MoneyReturned(ref, told.payment_ref, "refund", told.amount_minor, "EUR", MORNING)
        )
        self.do(lambda work: record_facts(work, [fact]))

    def see(self, minor: int) -> None:
        """The bank shows a line that names the transfer."""
        self.do(lambda work: recognise_refunds(work, [_line(work, minor)]))

    def open_minor(self, invoice: Invoice) -> int:
        return self.do(  # type: ignore[no-any-return]
            lambda work: work.scalar(
                "SELECT open_minor FROM receivable_items WHERE supplier_id = :supplier AND invoice_id = :id "
                "AND kind = 'invoice'",
                id=invoice.invoice_id,
            )
        )


@pytest.fixture
def desk(works: Works, supplier: Supplier) -> Iterator[Desk]:
    made = Desk(works, supplier)
    yield made
    with works.begin(supplier.supplier_id) as work:
        assert [each for each in run_checks(work) if each.gap] == []


def test_a_small_refund_goes_at_once_and_is_done_when_the_books_hold_it(desk: Desk) -> None:
    _, payment = desk.paid()
    order = desk.ask(payment, 50_000)
    assert order.state == "to_send"
    assert desk.send() == 1
    assert desk.order(order).state == "sent"
    desk.tell(order)
    desk.send()
    assert desk.order(order).state == "done"
    assert desk.provider.given_back_minor == 50_000


def test_above_the_limit_a_second_person_has_to_agree(desk: Desk) -> None:
    _, payment = desk.paid()
    order = desk.ask(payment, 50_001)
    assert order.state == "to_agree"
    assert desk.send() == 0
    with pytest.raises(PaymentError, match="somebody else has to agree") as refused:
        desk.agree(order, "person a")
    assert refused.value.code == "refund.same_person"
    assert desk.agree(order).state == "to_send"
    assert desk.send() == 1


def test_a_large_refund_cannot_be_cut_into_small_ones(desk: Desk) -> None:
    _, payment = desk.paid()
    assert desk.ask(payment, 30_000).state == "to_send"
    assert desk.ask(payment, 20_001).state == "to_agree"


def test_the_limit_is_the_suppliers_own(desk: Desk) -> None:
    _, payment = desk.paid()
    desk.do(
        lambda work: work.execute(
            "INSERT INTO supplier_profiles (supplier_id, profile, changed_at) "
            "VALUES (:supplier, CAST(:profile AS jsonb), :at)",
            profile=to_json({"refund_limit_minor": 1000}),
            at=now(),
        )
    )
    assert desk.ask(payment, 1001).state == "to_agree"
    assert desk.ask(payment, 1000).state == "to_send"


def test_trying_everything_twice_refunds_once(desk: Desk) -> None:
    _, payment = desk.paid()
    first = desk.ask(payment, 60_000)
    assert desk.ask(payment, 60_000, order_id=first.order_id) == first
    desk.agree(first)
    desk.agree(first)
    desk.agree(first, "person c")
    assert desk.order(first).agreed_by == "person b"
    desk.send()
    desk.send()
    desk.tell(first)
    desk.tell(first)
    desk.send()
    assert desk.provider.given_back_minor == 60_000
    assert desk.order(first).state == "done"


def test_an_answer_that_was_lost_is_asked_for_again_under_the_same_key(desk: Desk) -> None:
    _, payment = desk.paid()
    order = desk.ask(payment, 10_000)
    desk.provider.after = [GatewayInDoubtError("Time out.")]
    assert desk.send() == 0
    assert desk.order(order).state == "to_send"
    assert "gateway.in_doubt" in (desk.order(order).failure or "")
    assert desk.send() == 1
    assert (desk.provider.asked, desk.provider.given_back_minor) == (2, 10_000)
    assert desk.order(order).failure is None


def test_a_refund_in_doubt_for_longer_than_keys_live_is_looked_for_first(desk: Desk) -> None:
    _, payment = desk.paid()
    order = desk.ask(payment, 10_000)
    desk.provider.after = [GatewayInDoubtError("Time out.")]
    desk.send()
    desk.provider.forget_keys()
    desk.do(
        lambda work: work.execute(
            "UPDATE refund_orders SET tried_at = tried_at - :day WHERE supplier_id = :supplier", day=timedelta(hours=21)
        )
    )
    assert desk.send() == 1
    assert desk.provider.given_back_minor == 10_000
    assert desk.order(order).refund_ref == desk.provider.forgotten[0][0]


def test_a_provider_that_is_down_is_asked_again_and_one_that_refuses_ends_the_order(desk: Desk) -> None:
    _, payment = desk.paid()
    order = desk.ask(payment, 10_000)
    desk.provider.before = [GatewayUnreachableError("Down."), GatewayRefusedError("Too late.")]
    assert desk.send() == 0
    assert desk.order(order).state == "to_send"
    assert desk.send() == 0
    failed = desk.order(order)
    assert (failed.state, failed.failure) == ("failed", "gateway.refused: Too late.")
    assert desk.ask(payment, 100_000).state == "to_agree", "what did not go may be asked for again"


def test_complaint_13_a_refund_of_nothing_is_refused_and_a_refund_told_twice_is_booked_once(desk: Desk) -> None:
    invoice, payment = desk.paid()
    unpaid = new_id()
    with pytest.raises(PaymentError) as refused:
        desk.ask(unpaid, 1000)
    assert refused.value.code == "refund.nothing_held"
    order = desk.ask(payment, 40_000)
    desk.send()
    for _ in range(3):
        desk.tell(order)
    assert desk.open_minor(invoice) == 40_000
    with pytest.raises(PaymentError, match=r"Only 600.00 EUR of this payment") as refused:
        desk.ask(payment, 60_001)
    assert refused.value.code == "refund.too_much"


def test_complaint_8_an_overpayment_is_credit_that_can_be_given_back_without_touching_the_invoice(desk: Desk) -> None:
    invoice, payment = desk.paid(amount_minor=120_000)
    held = desk.do(lambda work: held_by(work, payment))
    assert (held.credit_minor, desk.open_minor(invoice)) == (20_000, 0)
    assert desk.do(lambda work: what_reopens(work, held, 20_000)) == ()
    order = desk.ask(payment, 20_000)
    desk.send()
    desk.tell(order)
    assert desk.open_minor(invoice) == 0
    assert desk.do(lambda work: held_by(work, payment)).credit_minor == 0


def test_the_warning_names_what_the_refund_then_reopens(desk: Desk) -> None:
    invoice, payment = desk.paid(amount_minor=120_000)
    held = desk.do(lambda work: held_by(work, payment))
    (warned,) = desk.do(lambda work: what_reopens(work, held, 50_000))
    assert (warned.number, warned.amount_minor) == (invoice.number, 30_000)
    order = desk.ask(payment, 50_000)
    assert desk.open_minor(invoice) == 0, "a warning changes nothing"
    desk.send()
    desk.tell(order)
    assert desk.open_minor(invoice) == 30_000


def test_a_refund_that_comes_back_has_failed_and_its_money_may_be_refunded_again(desk: Desk) -> None:
    invoice, payment = desk.paid()
    order = desk.ask(payment, 40_000)
    desk.send()
    desk.tell(order)
    desk.send()
    desk.tell(order, failed=True)
    desk.send()
    assert desk.order(order).state == "failed"
    assert desk.open_minor(invoice) == 0
    assert desk.do(lambda work: held_by(work, payment)).left_minor == 100_000


def test_orders_that_wait_are_deducted_from_what_may_be_asked_for(desk: Desk) -> None:
    _, payment = desk.paid()
    waiting = desk.ask(payment, 90_000)
    with pytest.raises(PaymentError) as refused:
        desk.ask(payment, 10_001)
    assert refused.value.code == "refund.too_much"
    desk.do(lambda work: refuse_refund(work, waiting.order_id, "person b", "Le client a repris"))
    assert desk.ask(payment, 10_001).state == "to_send"
    with pytest.raises(PaymentError) as decided:
        desk.agree(waiting)
    assert decided.value.code == "refund.decided"


def test_a_customer_asks_for_credit_alone_and_somebody_agrees(desk: Desk) -> None:
    _, payment = desk.paid(amount_minor=110_000)
    customer = desk.do(lambda work: held_by(work, payment)).customer_id
    with pytest.raises(PaymentError) as refused:
        desk.ask(payment, 10_001, of_customer=customer, actor="customer c")
    assert refused.value.code == "refund.too_much"
    with pytest.raises(PaymentError) as foreign:
        desk.ask(payment, 100, of_customer=new_id(), actor="customer d")
    assert foreign.value.code == "refund.not_yours"
    assert desk.ask(payment, 10_000, of_customer=customer, actor="customer c").state == "to_agree"


def test_money_that_a_bank_takes_back_is_not_refunded_as_well(desk: Desk) -> None:
    _, payment = desk.paid()
    held = desk.do(lambda work: held_by(work, payment))
    desk.do(
        lambda work: work.execute(
            "INSERT INTO provider_disputes (supplier_id, dispute_ref, account_id, payment_ref, amount_minor, currency, "
            "reason, state, opened_at, changed_at) VALUES (:supplier, 'dp_1', :account, :payment, 1, 'EUR', 'general', "
            "'open', :at, :at)",
            account=desk.account_id,
            payment=held.payment_ref,
            at=now(),
        )
    )
    with pytest.raises(PaymentError, match="twice") as refused:
        desk.ask(payment, 100)
    assert refused.value.code == "refund.contested"


def test_a_refund_by_transfer_is_booked_on_512_when_the_bank_shows_it(desk: Desk) -> None:
    invoice, payment = desk.paid()
    with pytest.raises(PaymentError) as refused:
        desk.ask(payment, 100, road="transfer", transfer_iban="FR7630006000011234567890188")
    assert refused.value.code == "refund.bad_iban"
    order = desk.ask(payment, 25_000, road="transfer", transfer_iban=IBAN)
    assert order.state == "to_agree", "money that goes to another account wants a second look"
    desk.agree(order)
    assert desk.send() == 0, "no provider is asked"
    assert [each.order_id for each in desk.do(transfers_to_make)] == [order.order_id]
    desk.do(lambda work: note_sent(work, order.order_id, "QR1"))
    for minor in (-24_999, -25_000, -25_000):
        desk.see(minor)
    assert desk.order(order).state == "done"
    assert desk.open_minor(invoice) == 25_000
    on_bank = desk.do(
        lambda work: work.scalar(
            "SELECT sum(credit_minor) FROM postings WHERE supplier_id = :supplier AND account = '512000'"
        )
    )
    assert on_bank == 25_000


def _line(work: Work, minor: int) -> BankLine:
    """A line of the bank's that names the transfer, as the import keeps it."""
    line_id, statement_id = new_id(), new_id()
    work.execute(
        "INSERT INTO statements (supplier_id, statement_id, sha256, filename, format, account, currency, lines, "
        "fresh_lines, imported_by, imported_at) VALUES (:supplier, :id, :sha, 'a.xml', 'camt.053', :iban, 'EUR', 1, 1, "
        "'house', :at)",
        id=statement_id,
        sha=str(statement_id),
        iban=IBAN,
        at=now(),
    )
    work.execute(
        "INSERT INTO bank_lines (supplier_id, line_id, line_key, entry_key, statement_id, account, booked_on, "
        "value_on, amount_minor, currency, end_to_end_id, state, created_at, changed_at) VALUES (:supplier, :id, :key, "
        ":key, :statement, :iban, :on, :on, :minor, 'EUR', 'QR1', 'new', :at, :at)",
        id=line_id,
        key=str(line_id),
        statement=statement_id,
        iban=IBAN,
        on=date(2026, 11, 3),
        minor=minor,
        at=now(),
    )
    return get_line(work, line_id)
