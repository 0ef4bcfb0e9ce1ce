"""Sending again cannot double: a waiting flow keeps its one road, a refused one gets one next attempt."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from config.clock import new_id, now
from einvoice import resending
from einvoice.resending import CannotResendError, send_again, try_now
from receivables.store.outbox import LEASE, take

if TYPE_CHECKING:
    from uuid import UUID

    from story_builders import Story


def account_of(story: Story) -> UUID:
    (row,) = story.rows("SELECT account_id FROM platform_accounts WHERE supplier_id = :supplier")
    found: UUID = row["account_id"]
    return found


def invoice_flow(story: Story, state: str, remarks: str | None = None) -> str:
    """The flow of an issued invoice, put into ``state`` as if the platform had said so; its event is done."""
    issued = story.issue()
    story.worker.drain_outbox_of(story.id, "invoice.issued")
    with story.services.works.begin(story.id) as work:
        work.execute("UPDATE outbox SET state = 'done' WHERE supplier_id = :supplier")
        work.execute(
            "UPDATE platform_flows SET state = :state, refusal = CAST(:remarks AS jsonb), sends = 1 "
            "WHERE supplier_id = :supplier AND invoice_id = :invoice",
            state=state,
            remarks=remarks,
            invoice=issued.invoice.invoice_id,
        )
        found: str = work.scalar(
            "SELECT tracking_id FROM platform_flows WHERE supplier_id = :supplier AND invoice_id = :invoice",
            invoice=issued.invoice.invoice_id,
        )
    return found


def waiting_flow(story: Story, wait: timedelta) -> str:
    """A flow whose next try is ``wait`` away."""
    story.issue()
    story.worker.drain_outbox_of(story.id, "invoice.issued")
    with story.services.works.begin(story.id) as work:
        work.execute(
            "UPDATE outbox SET next_try_at = :at, reason = 'platform.unreachable: no answer' "
            "WHERE supplier_id = :supplier AND kind = 'flow.planned'",
            at=now() + wait,
        )
        found: str = work.scalar("SELECT tracking_id FROM platform_flows WHERE supplier_id = :supplier")
    return found


def planned(story: Story) -> list[Any]:
    return list(
        story.rows(
            "SELECT tracking_id, attempt, state FROM platform_flows WHERE supplier_id = :supplier ORDER BY attempt"
        )
    )


def press_now(story: Story, tracking: str) -> bool:
    return story.services.works.run(story.id, lambda work: try_now(work, tracking))


def taken(story: Story) -> list[str]:
    """What a worker that comes along now is given to send."""
    facts = story.services.works.run(story.id, lambda work: take(work, 9, "flow.planned"))
    return [each.event_key for each in facts]


def test_trying_now_makes_the_one_row_due_and_a_second_press_changes_nothing(story: Story) -> None:
    tracking = waiting_flow(story, timedelta(minutes=5))
    assert taken(story) == []
    assert press_now(story, tracking)
    assert not press_now(story, tracking), "it is due already"
    assert taken(story) == [tracking]
    assert not press_now(story, tracking), "a worker has it in hand"
    assert taken(story) == [], "and nobody else gets it"


def test_a_hasty_button_that_ignores_the_lease_would_give_the_flow_to_a_second_worker(story: Story) -> None:
    """The planted bug that the test above must catch."""
    tracking = waiting_flow(story, timedelta(minutes=5))
    assert press_now(story, tracking)
    assert taken(story) == [tracking]
    with story.services.works.begin(story.id) as work:
        work.execute(
            "UPDATE outbox SET next_try_at = now() WHERE supplier_id = :supplier AND event_key = :tracking",
            tracking=tracking,
        )
    assert taken(story) == [tracking], "two workers would have it at once"


def test_what_is_due_within_a_lease_is_left_to_itself(story: Story) -> None:
    tracking = waiting_flow(story, LEASE)
    with story.services.works.begin(story.id) as work:
        assert not try_now(work, tracking)


def test_a_flow_that_nobody_tries_any_more_is_taken_up_again(story: Story) -> None:
    tracking = waiting_flow(story, timedelta(minutes=5))
    with story.services.works.begin(story.id) as work:
        work.execute(
            "UPDATE outbox SET state = 'buried', tries = 400 WHERE supplier_id = :supplier AND event_key = :tracking",
            tracking=tracking,
        )
        assert try_now(work, tracking)
    story.until(lambda: story.flows() == [("invoice", "accepted", 1)])
    assert len(story.at_platform()) == 1


def press_twice(story: Story, tracking: str) -> list[str]:
    """Two people press the button at the same moment."""
    account_id = account_of(story)
    together, made = threading.Barrier(2), list[str]()

    def press() -> None:
        together.wait()
        made.append(story.services.works.run(story.id, lambda work: resending.send_again(work, tracking, account_id)))

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return made


def test_two_who_press_at_once_plan_one_attempt_and_the_platform_gets_one_file(story: Story) -> None:
    tracking = invoice_flow(story, "refused", '[{"level": "Error", "reason": "OtherTechnicalError"}]')
    made = press_twice(story, tracking)
    assert len(set(made)) == 1
    assert [(row["attempt"], row["state"]) for row in planned(story)] == [(1, "refused"), (2, "to_send")]
    assert press_twice(story, tracking) == made, "pressed again later, it is the same one"
    story.until(lambda: planned(story)[1]["state"] == "accepted")
    assert [flow["trackingId"] for flow in story.at_platform()] == [made[0]]


def test_a_button_with_ids_of_its_own_would_send_twice(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug that the test above must catch: no lock, and an id that does not follow from the flow."""
    tracking = invoice_flow(story, "refused", '[{"level": "Error", "reason": "OtherTechnicalError"}]')
    monkeypatch.setattr(resending, "tracking_id_for", lambda *_: new_id().hex)
    monkeypatch.setattr(resending, "_next_of", lambda *_: None)
    monkeypatch.setattr(resending, "_check", lambda *_: None)
    assert len(set(press_twice(story, tracking))) == 2


@pytest.mark.parametrize(
    ("state", "remarks", "code"),
    [
        ("accepted", None, "flow.not_refused"),
        ("to_send", None, "flow.not_refused"),
        ("in_doubt", None, "flow.not_refused"),
        ("refused", '[{"level": "Error", "reason": "AlreadyExistingFlow"}]', "flow.already_there"),
    ],
)
def test_what_must_not_be_sent_again_says_why(story: Story, state: str, remarks: str | None, code: str) -> None:
    tracking = invoice_flow(story, state, remarks)
    with story.services.works.begin(story.id) as work, pytest.raises(CannotResendError) as caught:
        send_again(work, tracking, account_of(story))
    assert caught.value.code == code
    assert len(planned(story)) == 1


def test_an_invoice_closed_by_a_status_is_not_sent_again(story: Story) -> None:
    tracking = invoice_flow(story, "refused", "[]")
    with story.services.works.begin(story.id) as work:
        work.execute(
            "INSERT INTO statuses (supplier_id, invoice_id, message_id, code, direction, set_at, created_at) "
            "SELECT supplier_id, invoice_id, 'm-1', '213', 'in', :at, :at FROM platform_flows "
            "WHERE supplier_id = :supplier AND tracking_id = :tracking",
            tracking=tracking,
            at=now(),
        )
    with story.services.works.begin(story.id) as work, pytest.raises(CannotResendError) as caught:
        send_again(work, tracking, account_of(story))
    assert caught.value.code == "flow.invoice_closed"


def test_an_unknown_flow_is_not_sent(story: Story) -> None:
    with story.services.works.begin(story.id) as work, pytest.raises(CannotResendError) as caught:
        send_again(work, "nothing", new_id())
    assert caught.value.code == "flow.unknown"
