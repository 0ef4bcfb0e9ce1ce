"""The provider's scenario simulators: what is made to happen to an object, by their published names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.sandboxes.gocardless import flow
from portal.sandboxes.gocardless.books import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.sandboxes.gocardless.books import Books

    Json = dict[str, Any]
    Scenario = Callable[[Books, Json], object]


def run(books: Books, name: str, identity: str) -> None:
    """Run a scenario on an object.

    Raises:
        Refusal: no such scenario or object, or it is in no state for it.
    """
    found = SCENARIOS.get(name)
    if found is None:
        raise Refusal(f"No scenario {name} here.", 404, "invalid_api_usage", reason="resource_not_found")
    kind, scenario = found
    scenario(books, books.get(kind, identity))


def _to(status: str, details: Json | None = None) -> Scenario:
    return lambda books, payment: flow.advance(books, payment, status, details)


def _failed(books: Books, payment: Json) -> None:
    flow.advance(books, payment, "submitted")
    flow.advance(books, payment, "failed", flow.NO_MONEY)


def _late_failure(books: Books, payment: Json) -> None:
    flow.advance(books, payment, "confirmed")
    flow.take_back(books, payment, "failed")


def _charged_back(books: Books, payment: Json) -> None:
    flow.advance(books, payment, "paid_out")
    flow.take_back(books, payment, "charged_back")


def _settled(scenario: Scenario) -> Scenario:
    def run_and_settle(books: Books, payment: Json) -> None:
        scenario(books, payment)
        flow.make_payout(books)

    return run_and_settle


def _chargeback_cancelled(books: Books, payment: Json) -> None:
    payment.pop("_owed", None)
    payment["status"] = "paid_out"
    books.emit("payments", "chargeback_cancelled", payment, {"scheme": payment["scheme"]})


def _fulfilled(books: Books, request: Json) -> None:
    flow.fulfil(books, request, "Successful", "606")


SCENARIOS: dict[str, tuple[str, Scenario]] = {
    "payment_submitted": ("payments", _to("submitted")),
    "payment_confirmed": ("payments", _to("confirmed")),
    "payment_paid_out": ("payments", _to("paid_out")),
    "payment_failed": ("payments", _failed),
    "payment_late_failure": ("payments", _late_failure),
    "payment_late_failure_settled": ("payments", _settled(_late_failure)),
    "payment_charged_back": ("payments", _charged_back),
    "payment_chargeback_settled": ("payments", _settled(_charged_back)),
    "refund_paid": ("refunds", lambda books, refund: flow.end_refund(books, refund, "paid")),
    "refund_bounced": ("refunds", lambda books, refund: flow.end_refund(books, refund, "bounced")),
    "payout_bounced": ("payouts", lambda books, payout: flow.end_payout(books, payout, "bounced")),
    "billing_request_fulfilled": ("billing_requests", _fulfilled),
}
"""By name: the kind of object, and what happens to it. Ours besides, on the control routes: a chargeback withdrawn."""
CHARGEBACK_CANCELLED = _chargeback_cancelled
