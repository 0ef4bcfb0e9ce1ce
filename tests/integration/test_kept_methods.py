"""A method that a customer lets the provider keep while paying: agreed to, announced, charged later, forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from payment_sandbox import running_sandbox
from stripe_builders import IBAN, Desk

from config.clock import now, today
from payments.autopay.agreements import (
    agree,
    announce_collections,
    autopay_of,
    collections_of,
    collections_to_tell,
    methods_saved,
    note_told,
)
from payments.autopay.collecting import collect_due
from payments.autopay.forgetting import forget_method
from payments.errors import PaymentError
from payments.gateways.gocardless import GoCardlessGateway
from payments.gateways.port import Capability, GatewayError, SavedCharge
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe.checkouts import KEPT_FOR_LATER as KEPT_AT_STRIPE
from payments.paying.methods import KEPT_FOR_LATER, may_keep
from receivables.domain.money import Money
from receivables.services.invoicing.dues import due_on_invoice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from payment_sandbox import Sandbox

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Works

CARD = "4242424242424242"
NOTICE = timedelta(days=14)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def desk(works: Works, supplier: Supplier, running: Sandbox) -> Desk:
    running.receiver.received.clear()
    desk = Desk(works, supplier, running)
    with works.begin(supplier.supplier_id) as work:
        work.execute(
            "UPDATE gateway_accounts SET settings = CAST(:told AS jsonb) WHERE supplier_id = :supplier",
            told='{"methods": ["card", "sepa_debit", "transfer"]}',
        )
    return desk


def kept(desk: Desk, customer_id: UUID) -> list[tuple[UUID, str]]:
    with desk.works.begin(desk.supplier.supplier_id) as work:
        return [(row["account_id"], row["method_ref"]) for row in methods_saved(work, customer_id)]


def keep_one(desk: Desk, invoice: Invoice, method: str = "card", number: str = CARD) -> tuple[UUID, str]:
    """Pay an invoice and keep what it was paid with."""
    desk.press(invoice, method=method, save_method=True)
    told = desk.sandbox.pay(desk.attempts()[-1]["session_ref"], number, confirm=True)
    if method == "sepa_debit":
        desk.sandbox.control(f"settle/{told['payment_intent']}")
    desk.hear()
    assert desk.state(invoice) == "paid"
    (found,) = kept(desk, invoice.customer_id)
    return found


def announce(desk: Desk, customer_id: UUID, method: tuple[UUID, str]) -> Invoice:
    """Agree to be collected by ``method``, and tell of the next invoice."""
    invoice = desk.issue(due_on=today() + timedelta(days=10))
    with desk.works.begin(desk.supplier.supplier_id) as work:
        agree(work, customer_id, "customer", {"text": "..."}, method=method)
        assert announce_collections(work) == 1
        note_told(work, [each.announcement_id for each in collections_to_tell(work)])
    return invoice


def collect(desk: Desk, after: timedelta) -> int:
    with (
        patch("payments.autopay.collecting.now", lambda: now() + after),
        patch("payments.autopay.collecting.today", lambda: today() + after),
    ):
        return collect_due(desk.works, desk.supplier.supplier_id, desk.gateway_for)


@pytest.mark.parametrize(("method", "number"), [("card", CARD), ("sepa_debit", IBAN)])
def test_what_was_kept_while_paying_pays_the_next_invoice_fourteen_days_after_it_was_announced(
    desk: Desk, method: str, number: str
) -> None:
    first = desk.issue()
    invoice = announce(desk, first.customer_id, keep_one(desk, first, method, number))
    assert collect(desk, NOTICE - timedelta(days=1)) == 0, "the notice is not over"
    assert collect(desk, NOTICE + timedelta(minutes=1)) == 1
    if method == "sepa_debit":
        desk.sandbox.control(f"settle/{desk.attempts()[-1]['payment_ref']}")
    desk.hear()
    assert desk.state(invoice) == "paid"
    with desk.works.begin(desk.supplier.supplier_id) as work:
        assert [row["state"] for row in collections_of(work, first.customer_id)] == ["collected"]


def test_a_forgotten_method_ends_its_agreement_and_cannot_be_charged(desk: Desk) -> None:
    first = desk.issue()
    customer_id = first.customer_id
    method = keep_one(desk, first)
    invoice = announce(desk, customer_id, method)
    supplier_id = desk.supplier.supplier_id
    forget_method(desk.works, supplier_id, customer_id, method, actor="customer", gateway_of=desk.gateway_for)
    assert kept(desk, customer_id) == []
    assert collect(desk, timedelta(days=20)) == 0
    with desk.works.begin(supplier_id) as work:
        assert autopay_of(work, customer_id) is None
        assert [(row["state"], row["reason"]) for row in collections_of(work, customer_id)] == [
            ("withdrawn", "autopay_off")
        ]
        assert due_on_invoice(work, invoice.invoice_id).in_flight_minor == 0
        with pytest.raises(PaymentError) as refused:
            agree(work, customer_id, "customer", {}, method=method)
    assert refused.value.code == "autopay.no_means"
    charge = SavedCharge(supplier_id, first.invoice_id, desk.customer_ref(first), method[1], "F-2", Money(100))
    with pytest.raises(GatewayError):  # the provider has let go of it as well
        desk.gateway.charge_saved(charge)


def test_nobody_forgets_the_method_of_another(desk: Desk) -> None:
    first = desk.issue()
    method = keep_one(desk, first)
    with pytest.raises(PaymentError) as refused:
        forget_method(
            desk.works,
            desk.supplier.supplier_id,
            first.invoice_id,
            method,
            actor="another",
            gateway_of=desk.gateway_for,
        )
    assert refused.value.code == "method.unknown"
    assert kept(desk, first.customer_id) == [method]


def test_the_same_payment_with_and_without_keeping_is_not_the_same_order(desk: Desk) -> None:
    invoice = desk.issue()
    plain = desk.press(invoice)
    keeping = desk.press(invoice, save_method=True)
    assert keeping != plain
    assert desk.press(invoice, save_method=True) == keeping, "pressed again it is the same page"
    assert [row["state"] for row in desk.attempts()] == ["superseded", "open"]
    desk.sandbox.pay(desk.attempts()[-1]["session_ref"], confirm=True)
    desk.hear()
    assert len(kept(desk, invoice.customer_id)) == 1


def test_what_cannot_be_kept_is_paid_all_the_same(desk: Desk) -> None:
    invoice = desk.issue()
    assert desk.press(invoice, method="transfer", save_method=True)
    assert desk.rows("SELECT save_method FROM payment_attempts WHERE supplier_id = :supplier") == [
        {"save_method": False}
    ]


def test_only_providers_that_keep_methods_are_said_to(desk: Desk) -> None:
    able = {"stripe": StripeGateway.capabilities, "gocardless": GoCardlessGateway.capabilities}
    assert set(KEPT_FOR_LATER) == {name for name, capable in able.items() if Capability.SAVED_METHODS in capable}
    assert KEPT_FOR_LATER["stripe"] == set(KEPT_AT_STRIPE)
    with desk.works.begin(desk.supplier.supplier_id) as work:
        assert may_keep(work)
        work.execute(
            "UPDATE gateway_accounts SET settings = CAST(:told AS jsonb) WHERE supplier_id = :supplier",
            told='{"methods": ["transfer", "paypal"]}',
        )
        assert not may_keep(work)
