"""Webhooks to a supplier's programs: over a real connection, judged by the scheme's own library."""

from __future__ import annotations

import json
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ledger_builders import attempt, issue, received
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from webhook_receiver import Receiver, receiver

from config.clock import new_id, now
from config.outgoing import Reach
from portal.background.duties import build_worker
from portal.webhooks.calling import call
from portal.webhooks.endpoints import (
    BOTH_SIGN,
    EndpointWish,
    get_endpoint,
    open_endpoint,
    rotate_secret,
    set_state,
)
from portal.webhooks.payloads import name_of
from portal.webhooks.planning import (
    WEBHOOK_PLANNED,
    plan_test,
    plan_webhooks,
    replay_delivery,
    replay_since,
)
from portal.webhooks.sending import DISABLED_AFTER, MANY_FAILURES, WAITS_S
from receivables.domain.told import Told
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.settlement.receipts import record_facts
from receivables.store.event_log import tell
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import RowMapping

    from portal.wiring import Services
    from receivables.store.register import Supplier


class Desk:
    """A supplier with one address that listens."""

    def __init__(self, services: Services, supplier: Supplier, listening: Receiver, *kinds: str) -> None:
        self.services, self.id, self.listening = services, supplier.supplier_id, listening
        with services.works.begin(self.id) as work:
            wish = EndpointWish("ERP", listening.url, kinds, "person 1")
            self.endpoint_id, self.secret = open_endpoint(services, work, wish)
        self.worker = build_worker(services)

    def tell(self, kind: str = "message.sent", **data: Any) -> None:
        """Something happens."""
        with self.services.works.begin(self.id) as work:
            tell(work, [Told(kind, data)])

    def work(self) -> None:
        """What the worker does: number, plan, send what is due."""
        plan_webhooks(self.services.works, self.id)
        while self.worker.drain_outbox_of(self.id, WEBHOOK_PLANNED):
            continue

    def later(self) -> None:
        """As if the waits were over, of the outbox and of the address."""
        with self.services.works.begin(self.id) as work:
            work.execute("UPDATE outbox SET next_try_at = now() WHERE supplier_id = :supplier AND state = 'new'")
            work.execute("UPDATE webhook_endpoints SET paused_until = NULL WHERE supplier_id = :supplier")
        self.work()

    def deliveries(self) -> Sequence[RowMapping]:
        """What was planned, the oldest first."""
        with self.services.works.begin(self.id) as work:
            return work.rows(
                "SELECT * FROM webhook_deliveries WHERE supplier_id = :supplier ORDER BY created_at, delivery_id"
            )

    def waits_s(self) -> float:
        """In how many seconds the only waiting fact of the outbox is due."""
        with self.services.works.begin(self.id) as work:
            due = work.scalar(
                "SELECT next_try_at FROM outbox WHERE supplier_id = :supplier AND kind = :kind AND state = 'new'",
                kind=WEBHOOK_PLANNED,
            )
        return float((due - now()).total_seconds())


@pytest.fixture
def listening() -> Iterator[Receiver]:
    """A program that is up."""
    with receiver() as running:
        yield running


@pytest.fixture
def desk(services: Services, supplier: Supplier, listening: Receiver) -> Desk:
    """A supplier that tells everything to it."""
    return Desk(services, supplier, listening)


def test_a_payment_arrives_signed_so_that_the_schemes_own_library_believes_it(desk: Desk) -> None:
    with desk.services.works.begin(desk.id) as work:
        invoice = issue(work)
        record_facts(work, [received(attempt(work, invoice), 10000)])
    desk.work()
    told = {json.loads(body)["type"]: (headers, body) for headers, body in desk.listening.heard}
    assert set(told) == {"invoice.issued", "payment.received", "invoice.paid"}
    headers, body = told["invoice.paid"]
    verified = Webhook(desk.secret).verify(body, headers)
    assert verified["data"] == {
        "customer_id": str(invoice.customer_id),
        "invoice_id": str(invoice.invoice_id),
        "sequence": 1,
        "by": "cash",
        "amount_minor": 10000,
        "open_minor": 0,
        "currency": "EUR",
        "collected_on": "2026-10-14",
    }
    assert verified["id"] == headers["webhook-id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(desk.secret).verify(body.replace(b"10000", b"99999"), headers)
    assert {each["state"] for each in desk.deliveries()} == {"delivered"}


def test_only_the_kinds_that_were_chosen_are_sent(services: Services, supplier: Supplier, listening: Receiver) -> None:
    desk = Desk(services, supplier, listening, "dispute.opened")
    desk.tell("message.sent")
    desk.tell("dispute.opened", state="open")
    desk.work()
    assert [json.loads(body)["type"] for _, body in listening.heard] == ["dispute.opened"]


def test_a_failure_is_tried_again_with_the_same_id_and_bytes_until_it_is_taken(desk: Desk) -> None:
    desk.listening.answer(500, 503, 200, body=b"later")
    desk.tell()
    desk.work()
    assert 0 < desk.waits_s() <= WAITS_S[0]
    desk.later()
    assert WAITS_S[0] < desk.waits_s() <= WAITS_S[1]
    desk.later()
    (delivery,) = desk.deliveries()
    assert (delivery["state"], delivery["tries"], delivery["last_status"]) == ("delivered", 3, 200)
    assert len({(headers["webhook-id"], body) for headers, body in desk.listening.heard}) == 1
    for headers, body in desk.listening.heard:
        Webhook(desk.secret).verify(body, headers)
    with desk.services.works.begin(desk.id) as work:
        attempts = work.rows(
            "SELECT status, answer FROM webhook_attempts WHERE supplier_id = :supplier ORDER BY number"
        )
        assert get_endpoint(work, desk.endpoint_id).failures == 0
    assert [(each["status"], each["answer"]) for each in attempts] == [(500, "later"), (503, "later"), (200, "later")]


def test_a_receiver_that_asks_for_time_gets_it(desk: Desk) -> None:
    desk.listening.answer(429, headers={"Retry-After": "7200"})
    desk.tell()
    desk.work()
    assert 7000 < desk.waits_s() <= 7200


def test_after_the_last_try_nobody_tries_any_more(desk: Desk) -> None:
    desk.listening.answer(500)
    desk.tell()
    desk.work()
    for _ in WAITS_S:
        desk.later()
    (delivery,) = desk.deliveries()
    assert (delivery["state"], delivery["tries"]) == ("failed", len(WAITS_S) + 1)
    heard = len(desk.listening.heard)
    desk.later()
    assert len(desk.listening.heard) == heard == len(WAITS_S) + 1


def test_an_address_that_keeps_failing_is_left_in_peace_for_a_while(desk: Desk) -> None:
    desk.listening.answer(500)
    for _ in range(MANY_FAILURES + 3):
        desk.tell()
    desk.work()
    assert len(desk.listening.heard) == MANY_FAILURES
    with desk.services.works.begin(desk.id) as work:
        assert get_endpoint(work, desk.endpoint_id).paused_until > now()  # type: ignore[operator] -- it is set


@pytest.mark.parametrize("how", ["gone", "days"])
def test_an_address_that_is_gone_or_failed_for_days_is_disabled_with_its_reason(desk: Desk, how: str) -> None:
    if how == "days":
        with desk.services.works.begin(desk.id) as work:
            work.execute(
                "UPDATE webhook_endpoints SET failures = 40, failing_since = :since WHERE supplier_id = :supplier",
                since=now() - DISABLED_AFTER - timedelta(minutes=1),
            )
    desk.listening.answer(410 if how == "gone" else 500)
    desk.tell()
    desk.work()
    with desk.services.works.begin(desk.id) as work:
        left = get_endpoint(work, desk.endpoint_id)
    reason = "webhook.gone" if how == "gone" else "webhook.failed_for_days"
    assert (left.state, left.reason) == ("disabled", reason)
    desk.tell()
    desk.later()
    assert len(desk.listening.heard) == 1
    assert [each["state"] for each in desk.deliveries()] == ["failed"]


def test_a_redirect_is_no_answer_and_is_not_followed(desk: Desk) -> None:
    with receiver() as elsewhere:
        desk.listening.answer(307, headers={"Location": elsewhere.url})
        desk.tell()
        desk.work()
        assert elsewhere.heard == []
    assert [(each["state"], each["last_status"]) for each in desk.deliveries()] == [("to_send", 307)]


def test_while_a_secret_changes_both_verify_and_afterwards_only_the_new_one(desk: Desk) -> None:
    with desk.services.works.begin(desk.id) as work:
        new = rotate_secret(desk.services, work, desk.endpoint_id, "person 1")
    desk.tell()
    desk.work()
    headers, body = desk.listening.heard[-1]
    for secret in (desk.secret, new):
        Webhook(secret).verify(body, headers)
    with desk.services.works.begin(desk.id) as work:
        work.execute(
            "UPDATE webhook_endpoints SET before_until = before_until - CAST(:span AS interval) "
            "WHERE supplier_id = :supplier",
            span=BOTH_SIGN,
        )
    desk.tell()
    desk.work()
    headers, body = desk.listening.heard[-1]
    Webhook(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(desk.secret).verify(body, headers)


def test_one_delivery_and_all_since_a_moment_are_sent_again_with_their_ids(desk: Desk) -> None:
    desk.tell()
    desk.tell()
    desk.work()
    first = [headers["webhook-id"] for headers, _ in desk.listening.heard]
    with desk.services.works.begin(desk.id) as work:
        again = next(each for each in desk.deliveries() if name_of(each["event_id"]) == first[0])
        replay_delivery(work, again["delivery_id"], "person 1")
    desk.work()
    assert desk.listening.heard[2][0]["webhook-id"] == first[0]
    with desk.services.works.begin(desk.id) as work:
        assert replay_since(work, desk.endpoint_id, now() - timedelta(hours=1), "person 1") == 2
        assert replay_since(work, desk.endpoint_id, now() + timedelta(hours=1), "person 1") == 0
    desk.work()
    assert [headers["webhook-id"] for headers, _ in desk.listening.heard[3:]] == first


def test_a_test_is_signed_tried_once_and_does_not_count_against_the_address(desk: Desk) -> None:
    desk.listening.answer(500)
    with desk.services.works.begin(desk.id) as work:
        plan_test(work, desk.endpoint_id, "person 1")
    desk.work()
    headers, body = desk.listening.heard[0]
    assert Webhook(desk.secret).verify(body, headers)["type"] == "webhook.test"
    assert [each["state"] for each in desk.deliveries()] == ["failed"]
    with desk.services.works.begin(desk.id) as work:
        assert get_endpoint(work, desk.endpoint_id).failures == 0
        set_state(work, desk.endpoint_id, "disabled", "person 1")
        with pytest.raises(ConflictError) as refused:
            plan_test(work, desk.endpoint_id, "person 1")
    assert refused.value.code == "webhook.disabled"


def test_one_suppliers_events_never_reach_another_suppliers_address(desk: Desk, other_desk: Desk) -> None:
    desk.tell(number="mine")
    other_desk.tell(number="theirs")
    desk.work()
    other_desk.work()
    assert b"theirs" not in b"".join(body for _, body in desk.listening.heard)
    assert [json.loads(body)["data"] for _, body in desk.listening.heard] == [{"number": "mine"}]


@pytest.fixture
def other_desk(services: Services) -> Iterator[Desk]:
    """Another supplier with an address of its own."""
    with receiver() as running:
        yield Desk(services, create_supplier(services.database, f"{new_id().int % 10**9:09d}", "Autre"), running)


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example/hooks",
        "https://user:secret@erp.example/",
        "https://erp.example/#part",
        "ftp://erp.example/",
        "https://",
        "https://erp.example:99999/",
        "https://erp.example/a b",
    ],
)
def test_an_address_that_is_no_plain_https_address_is_refused(
    services: Services, supplier: Supplier, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    open_to_the_world(services, monkeypatch)
    assert refusal_of(services, supplier, url) == "webhook.wrong_url"


PRIVATE = [
    "https://127.0.0.1/",
    "https://localhost/",
    "https://10.1.2.3/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[fd00:ec2::254]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://0x7f000001/",
    "https://2130706433/",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_an_address_inside_is_refused_when_it_is_entered_and_when_it_is_called(
    services: Services, supplier: Supplier, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: opened.append(address))
    assert call(url, b"{}", {}, Reach.PUBLIC).error == "address.refused"
    assert opened == []
    monkeypatch.undo()
    open_to_the_world(services, monkeypatch)
    assert refusal_of(services, supplier, url) == "webhook.address_refused"


def test_a_name_that_turns_to_the_inside_after_it_was_entered_is_not_called(
    services: Services, supplier: Supplier, listening: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(listening.url.split(":")[2].split("/")[0])
    answers = [["93.184.215.14"], ["127.0.0.1"], ["93.184.215.14", "127.0.0.1"]]
    real = socket.getaddrinfo

    def resolve(host: str, *args: Any, **kwargs: Any) -> Any:
        if host != "erp.example":
            return real(host, *args, **kwargs)
        told = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in told]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    open_to_the_world(services, monkeypatch)
    desk = Desk(services, supplier, Receiver(f"https://erp.example:{port}/hooks"))
    desk.tell()
    desk.work()
    desk.later()
    assert [(each["tries"], each["last_error"]) for each in desk.deliveries()] == [(2, "address.refused")]
    assert listening.heard == []


def test_of_a_long_answer_only_the_beginning_is_kept_and_no_control_character(desk: Desk) -> None:
    desk.listening.answer(500, body=b"\x1b[31m\x00bad" + b"x" * 100_000)
    desk.tell()
    desk.work()
    with desk.services.works.begin(desk.id) as work:
        kept = work.scalar("SELECT answer FROM webhook_attempts WHERE supplier_id = :supplier")
    assert kept.startswith("[31m bad")
    assert len(kept) <= 500


def test_nobody_listening_is_an_answer_of_its_own(desk: Desk) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert call(f"http://127.0.0.1:{port}/", b"{}", {}, Reach.PRIVATE).error == "webhook.unreachable"
    assert call(desk.listening.url.replace("http:", "https:"), b"{}", {}, Reach.PRIVATE).error == (
        "webhook.bad_certificate"
    )


def open_to_the_world(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A house as it runs outside: public addresses alone."""
    monkeypatch.setattr(services, "settings", services.settings.model_copy(update={"private_hosts_allowed": False}))


def refusal_of(services: Services, supplier: Supplier, url: str) -> str:
    with pytest.raises(ReceivablesError) as refused, services.works.begin(supplier.supplier_id) as work:
        open_endpoint(services, work, EndpointWish("ERP", url, (), "person 1"))
    return refused.value.code
