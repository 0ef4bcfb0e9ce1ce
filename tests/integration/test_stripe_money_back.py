"""Refund orders and answers to disputes through the real adapter, over HTTP, to the end of each road."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from payment_sandbox import running_sandbox
from sandbox_flows import Flows
from stripe_builders import Desk

from config.clock import new_id
from payments.errors import PaymentError
from payments.gateways.port import DisputeEvidence, GatewayInDoubtError, GatewayRefusedError
from payments.providers.disputes import answer_dispute
from payments.refunds.orders import NewRefund, ask_refund, get_refund
from payments.refunds.sending import send_refunds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from payment_sandbox import Sandbox

    from payments.gateways.port import Gateway
    from payments.refunds.orders import RefundOrder
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

PDF = b"%PDF-1.7 proof"


class Hasty(Desk):
    """Waits for no answer for long."""

    def hasty_gateway(self, work: Work, account_id: UUID) -> Gateway:
        del work, account_id
        return self.sandbox.new_gateway(timeout_s=0.4)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(automatic_payouts=False) as running:
        yield running


@pytest.fixture
def desk(works: Works, supplier: Supplier, sandbox: Sandbox) -> Hasty:
    sandbox.delivered()
    sandbox.receiver.received.clear()
    return Hasty(works, supplier, sandbox)


@pytest.fixture
def invoice(desk: Hasty) -> Invoice:
    return desk.issue()


def _ask(desk: Hasty, minor: int) -> RefundOrder:
    """Ask for part of the latest payment back."""
    attempt_id = desk.attempts()[-1]["attempt_id"]
    with desk.works.begin(desk.supplier.supplier_id) as work:
        return ask_refund(work, NewRefund(new_id(), attempt_id, minor, "provider", "Livraison incomplète", "person a"))


def _send(desk: Hasty, *, hasty: bool = False) -> int:
    return send_refunds(desk.works, desk.supplier.supplier_id, desk.hasty_gateway if hasty else desk.gateway_for)


def _order(desk: Hasty, order: RefundOrder) -> RefundOrder:
    with desk.works.begin(desk.supplier.supplier_id) as work:
        return get_refund(work, order.order_id)


def _settled(desk: Hasty, order: RefundOrder) -> str:
    """What became of an order once its webhooks are heard."""
    desk.hear()
    _send(desk)
    return _order(desk, order).state


def test_a_full_refund_opens_the_invoice_and_is_done_once_it_is_told(desk: Hasty, invoice: Invoice) -> None:
    desk.paid(invoice)
    desk.hear()
    order = _ask(desk, 10_000)
    assert _send(desk) == 1
    assert _settled(desk, order) == "done"
    assert desk.state(invoice) == "due"
    assert desk.balances() == {"customers": 10_000}


def test_a_part_goes_back_and_the_rest_stays_paid(desk: Hasty, invoice: Invoice) -> None:
    desk.paid(invoice)
    desk.hear()
    first, second = _ask(desk, 2_500), _ask(desk, 1_500)
    assert _send(desk) == 2
    assert (_settled(desk, first), _settled(desk, second)) == ("done", "done")
    assert desk.balances() == {"provider_clearing": 6_000, "customers": 4_000}


def test_a_refund_that_the_payers_bank_sends_back_has_failed_and_its_money_is_ours_again(
    desk: Hasty, invoice: Invoice
) -> None:
    desk.paid(invoice)
    desk.hear()
    order = _ask(desk, 10_000)
    _send(desk)
    assert _settled(desk, order) == "done"
    desk.sandbox.control(f"refunds/{_order(desk, order).refund_ref}/fail")
    assert _settled(desk, order) == "failed"
    assert desk.state(invoice) == "paid"
    assert desk.balances() == {"provider_clearing": 10_000}
    again = _ask(desk, 10_000)
    _send(desk)
    assert _settled(desk, again) == "done"


def test_a_refund_whose_answer_was_lost_is_made_once(desk: Hasty, invoice: Invoice) -> None:
    payment = desk.paid(invoice)
    desk.hear()
    order = _ask(desk, 4_000)
    desk.sandbox.fault("timeout_after_effect", method="POST", path="/v1/refunds", seconds=1.0)
    assert _send(desk, hasty=True) == 0
    doubtful = _order(desk, order)
    assert (doubtful.state, doubtful.tries) == ("to_send", 1)
    assert (doubtful.failure or "").startswith("gateway.in_doubt")
    assert _send(desk) == 1
    assert _settled(desk, order) == "done"
    made = desk.sandbox.http.get("/v1/refunds", params={"payment_intent": payment}).json()["data"]
    assert [each["amount"] for each in made] == [4_000]
    assert desk.balances() == {"provider_clearing": 6_000, "customers": 4_000}


def test_what_was_refunded_in_the_providers_own_office_is_not_refunded_again(desk: Hasty, invoice: Invoice) -> None:
    payment = desk.paid(invoice)
    desk.hear()
    order = _ask(desk, 10_000)
    Flows(desk.sandbox).v1.refunds.create(params={"payment_intent": payment})
    assert _send(desk) == 0
    refused = _order(desk, order)
    assert refused.state == "failed"
    assert (refused.failure or "").startswith("gateway.")
    desk.hear()
    assert desk.balances() == {"customers": 10_000}


def _contested(desk: Hasty, invoice: Invoice) -> str:
    payment = desk.paid(invoice)
    dispute = str(desk.sandbox.control(f"disputes/{payment}", reason="product_not_received")["id"])
    desk.hear()
    return dispute


def _answer(desk: Hasty, dispute: str, text: str, content: bytes = PDF, *, hasty: bool = False) -> None:
    answer_dispute(
        desk.works,
        desk.supplier.supplier_id,
        dispute,
        DisputeEvidence(text, "preuves.pdf", content),
        "anna",
        desk.hasty_gateway if hasty else desk.gateway_for,
    )


def _row(desk: Hasty) -> dict[str, object]:
    (row,) = desk.rows(
        "SELECT state, answered_by, evidence_sha256 FROM provider_disputes WHERE supplier_id = :supplier"
    )
    return row


@pytest.mark.parametrize(
    ("text", "state", "balances"),
    [
        ("winning_evidence", "won", {"provider_clearing": 10_000}),
        ("losing_evidence", "lost", {"customers": 10_000}),
    ],
)
def test_an_answered_dispute_is_won_or_lost(
    desk: Hasty, invoice: Invoice, text: str, state: str, balances: dict[str, int]
) -> None:
    dispute = _contested(desk, invoice)
    _answer(desk, dispute, text)
    assert _row(desk)["state"] == "answered"
    desk.hear()
    assert (_row(desk)["state"], _row(desk)["answered_by"]) == (state, "anna")
    assert desk.balances() == balances
    assert desk.state(invoice) == ("paid" if state == "won" else "due")


def test_an_answer_that_was_lost_on_the_way_back_is_noted_at_the_next_try(desk: Hasty, invoice: Invoice) -> None:
    dispute = _contested(desk, invoice)
    desk.sandbox.fault("timeout_after_effect", method="POST", path=f"/v1/disputes/{dispute}", seconds=1.0)
    with pytest.raises(GatewayInDoubtError):
        _answer(desk, dispute, "Livré.", hasty=True)
    assert (_row(desk)["state"], _row(desk)["answered_by"]) == ("open", None)
    _answer(desk, dispute, "Livré.")
    assert (_row(desk)["state"], _row(desk)["answered_by"]) == ("answered", "anna")
    files = desk.sandbox.http.get(f"/v1/disputes/{dispute}").json()["evidence_details"]["submission_count"]
    assert files == 1


def test_another_answer_after_one_that_was_lost_does_not_pass_for_it(desk: Hasty, invoice: Invoice) -> None:
    dispute = _contested(desk, invoice)
    desk.sandbox.fault("timeout_after_effect", method="POST", path=f"/v1/disputes/{dispute}", seconds=1.0)
    with pytest.raises(GatewayInDoubtError):
        _answer(desk, dispute, "Livré.", hasty=True)
    first = _row(desk)["evidence_sha256"]
    with pytest.raises(PaymentError, match=r"answered"):
        _answer(desk, dispute, "Autre.", b"%PDF-1.7 other")
    assert (_row(desk)["state"], _row(desk)["evidence_sha256"]) == ("answered", first)


def test_what_the_provider_refuses_is_noted_as_nothing(desk: Hasty, invoice: Invoice) -> None:
    dispute = _contested(desk, invoice)
    with pytest.raises(GatewayRefusedError):
        _answer(desk, dispute, "Livré.", bytes(4_500_001))
    assert _row(desk) == {"state": "open", "answered_by": None, "evidence_sha256": None}
