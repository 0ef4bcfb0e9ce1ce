"""Flows under two workers, over two platforms, and before a platform that fails."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError
from story_builders import PlatformHouse, Story

from config.clock import now
from einvoice import sending
from einvoice.declarants import serving_account
from einvoice.following import FIRST_INTERVAL, LONGEST_INTERVAL
from einvoice.platform.accounts import (
    AccountNotSettledError,
    accounts_to_follow,
    close_account,
    platform_account,
    reopen_account,
    unsettled,
)
from einvoice.platform.breaker import OPENS_AFTER, Circuit, GuardedPlatform
from einvoice.platform.port import (
    AccountClosedError,
    AckStatus,
    PlatformBusyError,
    PlatformError,
    PlatformPausedError,
    PlatformRefusedError,
    PlatformUnreachableError,
)
from einvoice.replanning import replan, replan_waiting
from einvoice.resending import CannotResendError
from einvoice.sending import FlowInHandError, FlowSender
from einvoice.validation.check import Validator
from receivables.domain.invoicing.invoices import Routing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from einvoice.platform.port import Flow, Platform, SentFlow
    from einvoice.validation.schematron import SchematronEngine
    from receivables.store.work import Work


@dataclass
class Slow:
    """A platform that takes a flow only after the test has seen what happens meanwhile."""

    platform: Platform
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go: threading.Event = field(default_factory=threading.Event)
    sends: list[str] = field(default_factory=list)

    def send_flow(self, flow: Flow) -> SentFlow:
        self.sends.append(flow.tracking_id)
        self.entered.release()
        assert self.go.wait(10)
        return self.platform.send_flow(flow)

    def find_flow(self, tracking_id: str, number: str | None = None) -> Any:
        return self.platform.find_flow(tracking_id, number)


class SenderWithoutHold(FlowSender):
    """The planted bug: nothing keeps a second worker from the same flow."""

    def _hold(self, held: Work, tracking_ids: Sequence[str]) -> list[str]:  # noqa: ARG002
        return list(tracking_ids)


def planned(story: Story) -> str:
    """The tracking id of an invoice's flow that waits to be sent."""
    issued = story.issue()
    story.services.submitter.submit_invoice(story.id, issued.invoice.invoice_id)
    return str(story.rows("SELECT tracking_id FROM platform_flows WHERE supplier_id = :supplier")[0]["tracking_id"])


def race(story: Story, kind: type[FlowSender]) -> tuple[list[str], list[str]]:
    """Two workers at the same flow: the tracking ids that were handed over, and the errors told."""
    tracking_id = planned(story)
    with story.services.works.begin(story.id) as work:
        found = story.services.platform_for(work)
    assert found is not None
    slow = Slow(found[1])
    sender = kind(story.services.works, story.services.archive, lambda *_: slow)
    errors: list[str] = []

    def send() -> None:
        try:
            sender.send(story.id, tracking_id)
        except (FlowInHandError, PlatformRefusedError) as error:
            errors.append(error.code)

    first, second = threading.Thread(target=send), threading.Thread(target=send)
    first.start()
    assert slow.entered.acquire(timeout=10)
    second.start()
    slow.entered.acquire(timeout=1)  # with the hold the second one never gets there
    slow.go.set()
    first.join()
    second.join()
    return slow.sends, errors


def test_two_workers_never_send_the_same_flow_at_once(story: Story) -> None:
    sends, errors = race(story, FlowSender)
    assert (len(sends), errors) == (1, ["flow.in_hand"])
    story.settle()
    assert story.flows() == [("invoice", "accepted", 1)]


def test_the_planted_sender_without_a_hold_is_seen_to_send_twice(story: Story) -> None:
    sends, _ = race(story, SenderWithoutHold)
    assert len(sends) == 2


def test_a_worker_whose_hold_was_lost_sends_nothing(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database fails over between the claim and the call: another worker may hold the flow by now."""
    tracking_id = planned(story)
    doubt = sending._doubt

    def lose(work: Work, *told: Any) -> None:
        doubt(work, *told)
        with psycopg.connect(story.services.database.url, autocommit=True) as owner:
            (ended,) = owner.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ).fetchone() or (0,)
        assert ended == 1

    monkeypatch.setattr(sending, "_doubt", lose)
    with pytest.raises(OperationalError):
        story.services.sender.send(story.id, tracking_id)
    monkeypatch.undo()
    assert story.at_platform() == []
    story.settle()
    assert len(story.at_platform()) == 1


def test_a_search_that_lags_behind_is_waited_for_before_a_flow_is_sent_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking_id = planned(story)
    with story.services.works.begin(story.id) as work:
        work.execute(
            "UPDATE platform_accounts SET driver = jsonb_set(driver, '{driver,search_delay_s}', '60') "
            "WHERE supplier_id = :supplier"
        )
        found = story.services.platform_for(work)
    assert found is not None
    send = found[1].send_flow

    def lose_the_answer(flow: Flow) -> SentFlow:
        send(flow)
        raise PlatformUnreachableError("lost", "perdu", in_doubt=True)

    with monkeypatch.context() as patch:
        patch.setattr(found[1], "send_flow", lose_the_answer)
        patch.setattr(found[1], "find_flow", lambda *_: None)
        with pytest.raises(PlatformUnreachableError):
            story.services.sender.send(story.id, tracking_id)
        with pytest.raises(PlatformBusyError) as waits:
            story.services.sender.send(story.id, tracking_id)
    assert waits.value.code == "flow.in_doubt"
    assert 30 < (waits.value.retry_after_s or 0) <= 60
    story.settle()
    assert story.flows() == [("invoice", "accepted", 1)]


# --- changing platform -----------------------------------------------------------------------------------------------


@pytest.fixture
def other_house(shared_engine: SchematronEngine) -> Iterator[PlatformHouse]:
    """Another platform."""
    running = PlatformHouse(Validator(shared_engine))
    yield running
    running.close()


def at(story: Story, house: PlatformHouse) -> list[tuple[str, str]]:
    """(syntax, acknowledgement) of every flow that a platform has from this supplier."""
    return [
        (flow["flowSyntax"], flow["acknowledgement"]["status"])
        for flow in house.flows(story.siren)
        if flow["flowDirection"] == "Out"
    ]


def test_after_a_change_of_platform_the_earlier_one_is_followed_and_hears_of_its_receipts(
    story: Story, platform_house: PlatformHouse, other_house: PlatformHouse
) -> None:
    issued = story.issue()
    story.worker.drain_outbox_of(story.id)
    story.worker.drain_outbox_of(story.id)
    assert story.flows() == [("invoice", "sent", 1)]
    with story.services.works.begin(story.id) as work:
        earlier = accounts_to_follow(work)[0]
    newer = story.connect(other_house)
    story.until(lambda: story.flows() == [("invoice", "accepted", 1)] and "203" in story.codes())
    story.pay(issued.invoice)
    story.settle()
    assert at(story, platform_house) == [("Factur-X", "Ok"), ("CDAR", "Ok")]
    assert at(story, other_house) == []
    second = story.issue()
    story.until(lambda: at(story, other_house) == [("Factur-X", "Ok")])
    with story.services.works.begin(story.id) as work:
        assert accounts_to_follow(work) == [newer, earlier]
        with pytest.raises(AccountNotSettledError, match="new invoices"):
            close_account(work, newer, "test")
        close_account(work, earlier, "test")
        assert accounts_to_follow(work) == [newer]
        with pytest.raises(AccountClosedError, match="Sandbox"):
            story.services.platform_of(work, earlier)
        reopen_account(work, earlier, "test")
        assert accounts_to_follow(work) == [newer, earlier]
    assert second.invoice.number != issued.invoice.number


def test_an_account_with_an_unpaid_invoice_is_closed_only_on_purpose(story: Story, other_house: PlatformHouse) -> None:
    story.issue()
    story.settle()
    with story.services.works.begin(story.id) as work:
        earlier = accounts_to_follow(work)[0]
    story.connect(other_house)
    with story.services.works.begin(story.id) as work:
        left = unsettled(work, earlier)
        assert (left.flows, left.invoices) == (0, 1)
        with pytest.raises(AccountNotSettledError, match="1 invoice"):
            close_account(work, earlier, "test")
        close_account(work, earlier, "test", though_unpaid=True)
        assert earlier not in accounts_to_follow(work)


def test_an_invoice_that_never_left_goes_to_the_new_platform(
    story: Story, platform_house: PlatformHouse, other_house: PlatformHouse
) -> None:
    platform_house.arm("unavailable", times=None)
    story.issue()
    story.worker.drain_outbox_of(story.id)
    story.worker.drain_outbox_of(story.id)
    assert story.flows() == [("invoice", "to_send", 0)]
    story.connect(other_house)
    with story.services.works.begin(story.id) as work:
        assert replan_waiting(work) == 1
        assert replan_waiting(work) == 0
    platform_house.lift()
    story.settle()
    assert (at(story, platform_house), at(story, other_house)) == ([], [("Factur-X", "Ok")])


def test_an_invoice_that_may_have_left_stays_where_it_may_be(story: Story, other_house: PlatformHouse) -> None:
    tracking_id = planned(story)
    with story.services.works.begin(story.id) as work:
        sending._doubt(work, [tracking_id], now())
    newer = story.connect(other_house)
    with story.services.works.begin(story.id) as work, pytest.raises(CannotResendError) as stays:
        replan(work, tracking_id, newer)
    assert stays.value.code == "flow.may_be_there"


def test_public_buyers_may_be_served_by_a_platform_of_their_own(story: Story, other_house: PlatformHouse) -> None:
    public = story.connect(other_house, serves="public")
    with story.services.works.begin(story.id) as work:
        assert serving_account(work, Routing.B2G) == public
        assert serving_account(work, Routing.B2B) != public
        found = story.services.platform_for(work)
        assert platform_account(work, story.services.keyring, public).settings.serves == "public"
    assert found is not None
    assert found[0] != public


# --- following -------------------------------------------------------------------------------------------------------


def test_a_flow_that_nobody_judges_is_asked_about_less_and_less(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.issue()
    for _ in range(2):
        story.worker.drain_outbox_of(story.id)
    with story.services.works.begin(story.id) as work:
        found = story.services.platform_for(work)
    assert found is not None
    asked: list[str] = []

    def pending(flow_id: str) -> Any:
        asked.append(flow_id)
        (row,) = story.rows("SELECT tracking_id FROM platform_flows WHERE supplier_id = :supplier")
        state = found[1].find_flow(row["tracking_id"])
        assert state is not None
        return replace(state, status=AckStatus.PENDING)

    monkeypatch.setattr(found[1], "flow_state", pending)
    gaps: list[timedelta] = []
    for _ in range(12):
        with story.services.works.begin(story.id) as work:
            work.execute("UPDATE platform_flows SET ask_at = now() WHERE supplier_id = :supplier")
        story.services.follower.follow(story.id)
        (row,) = story.rows("SELECT ask_at FROM platform_flows WHERE supplier_id = :supplier")
        gaps.append(row["ask_at"] - now())
        assert story.services.follower.follow(story.id) == 0, "not due"
    assert len(asked) == 12
    assert gaps[0] <= FIRST_INTERVAL
    assert gaps[:9] == sorted(gaps[:9])
    assert LONGEST_INTERVAL - timedelta(seconds=5) < gaps[-1] <= LONGEST_INTERVAL


# --- the circuit breaker ---------------------------------------------------------------------------------------------


class Failing:
    """A platform that does what the test wants."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = PlatformUnreachableError("down", "en panne")

    def flow_state(self, _flow_id: str) -> str:
        self.calls += 1
        if self.error:
            raise self.error
        return "fine"


def circuits(story: Story) -> tuple[UUID, Failing, GuardedPlatform, GuardedPlatform]:
    """One failing platform seen by two processes."""
    with story.services.works.begin(story.id) as work:
        account = accounts_to_follow(work)[0]
    failing: Any = Failing()
    one, two = (GuardedPlatform(failing, Circuit(story.services.works, story.id, account)) for _ in range(2))
    return account, failing, one, two


def call_row(story: Story) -> Any:
    return story.rows("SELECT failures, opened_at, retry_at, reason FROM platform_calls WHERE supplier_id = :supplier")[
        0
    ]


def rest_is_over(story: Story) -> None:
    with story.services.works.begin(story.id) as work:
        work.execute("UPDATE platform_calls SET retry_at = now() - interval '1 s' WHERE supplier_id = :supplier")


def test_after_failures_in_a_row_nothing_is_asked_by_any_process_until_one_may_try(story: Story) -> None:
    _, failing, one, two = circuits(story)
    for _ in range(OPENS_AFTER):
        with pytest.raises(PlatformUnreachableError):
            one.flow_state("1")
    for process in (one, two):
        with pytest.raises(PlatformPausedError) as paused:
            process.flow_state("1")
        assert 1 <= (paused.value.retry_after_s or 0) <= 6
    assert failing.calls == OPENS_AFTER
    assert (call_row(story)["failures"], call_row(story)["reason"]) == (OPENS_AFTER, "down")
    opened_at = call_row(story)["opened_at"]
    rest_is_over(story)
    with pytest.raises(PlatformUnreachableError):
        two.flow_state("1")
    with pytest.raises(PlatformPausedError):
        one.flow_state("1")
    assert failing.calls == OPENS_AFTER + 1, "half open: one call tried, and its failure closed the door again"
    assert call_row(story)["opened_at"] == opened_at
    rest_is_over(story)
    failing.error = None
    assert one.flow_state("1") == "fine"
    assert (call_row(story)["failures"], call_row(story)["opened_at"]) == (0, None)
    assert two.flow_state("1") == "fine"


def test_of_several_that_may_try_one_does(story: Story) -> None:
    _, failing, one, two = circuits(story)
    for _ in range(OPENS_AFTER):
        with pytest.raises(PlatformUnreachableError):
            one.flow_state("1")
    rest_is_over(story)
    one._circuit.let_pass()
    with pytest.raises(PlatformPausedError):
        two._circuit.let_pass()
    assert failing.calls == OPENS_AFTER


def test_a_refusal_is_an_answer_and_a_429_pauses_without_being_a_failure(story: Story) -> None:
    _, failing, one, two = circuits(story)
    failing.error = PlatformRefusedError("no", "non", error_code="X", http_status=404)
    for _ in range(OPENS_AFTER + 2):
        with pytest.raises(PlatformRefusedError):
            one.flow_state("1")
    failing.error = PlatformBusyError("later", "plus tard", retry_after_s=40, http_status=429)
    with pytest.raises(PlatformBusyError):
        one.flow_state("1")
    with pytest.raises(PlatformPausedError) as paused:
        two.flow_state("1")
    assert 38 <= (paused.value.retry_after_s or 0) <= 40
    assert (call_row(story)["failures"], call_row(story)["opened_at"]) == (0, None)


# --- refusals in the answer itself -----------------------------------------------------------------------------------


def refusing(story: Story, monkeypatch: pytest.MonkeyPatch, http_status: int) -> str:
    """A flow whose sending is refused while we wait; its tracking id."""
    tracking_id = planned(story)
    with story.services.works.begin(story.id) as work:
        found = story.services.platform_for(work)
    assert found is not None

    def refuse(_flow: Flow) -> SentFlow:
        raise PlatformRefusedError("no", "non", error_code="BR-X", http_status=http_status, told="BR-X: no amount")

    monkeypatch.setattr(found[1], "send_flow", refuse)
    return tracking_id


def test_a_platform_that_judges_while_we_wait_has_refused_the_file(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.services.sender.send(story.id, refusing(story, monkeypatch, 400))
    (row,) = story.rows("SELECT state, refusal FROM platform_flows WHERE supplier_id = :supplier")
    assert (row["state"], row["refusal"][0]["reason"]) == ("refused", "BR-X")
    assert row["refusal"][0]["message"] == "BR-X: no amount"


def test_a_refusal_of_our_connection_lets_the_flow_wait(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking_id = refusing(story, monkeypatch, 403)
    with pytest.raises(PlatformRefusedError):
        story.services.sender.send(story.id, tracking_id)
    assert story.flows() == [("invoice", "to_send", 0)]
    monkeypatch.undo()
    story.settle()
    assert story.flows() == [("invoice", "accepted", 1)]


def test_a_double_that_the_platform_refuses_is_found_there(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the tracking id already, and we did not know."""
    tracking_id = refusing(story, monkeypatch, 409)
    with story.services.works.begin(story.id) as work:
        found = story.services.platform_for(work)
        (row,) = sending._waiting(work, [tracking_id])
    assert found is not None
    found[1].platform.send_flow(story.services.sender._flow(tracking_id, row))  # type: ignore[attr-defined]
    story.services.sender.send(story.id, tracking_id)
    assert story.flows() == [("invoice", "sent", 1)]


def test_a_platform_that_is_down_does_not_hide_the_news_of_the_other(
    story: Story, platform_house: PlatformHouse, other_house: PlatformHouse
) -> None:
    story.issue()
    for _ in range(2):
        story.worker.drain_outbox_of(story.id)
    story.connect(other_house)
    story.issue()
    for _ in range(2):
        story.worker.drain_outbox_of(story.id)
    platform_house.arm("unavailable", times=None)
    for _ in range(100):
        with story.services.works.begin(story.id) as work:
            work.execute("UPDATE platform_flows SET ask_at = now() WHERE supplier_id = :supplier")
        with pytest.raises(PlatformError):
            story.services.follower.follow(story.id)
        if [state for _, state, _ in story.flows()] == ["sent", "accepted"]:
            break
        threading.Event().wait(0.1)
    assert [state for _, state, _ in story.flows()] == ["sent", "accepted"]
    platform_house.lift()
    story.settle()
    assert [state for _, state, _ in story.flows()] == ["accepted", "accepted"]
