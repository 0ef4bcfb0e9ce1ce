"""What stopped, by cause: one line for a platform that is down, whatever waits for it; set aside by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from einvoice.resending import send_again
from portal.staff.troubles import troubles_here
from receivables.store import problems as problems_module
from receivables.store.problems import STUCK_AFTER, list_problems, set_aside

if TYPE_CHECKING:
    import pytest
    from story_builders import Story

    from portal.staff.troubles import Trouble
    from receivables.store.problems import Problem

LONG_AGO = STUCK_AFTER + timedelta(minutes=5)


def announce(story: Story, kind: str, key: str, **columns: Any) -> None:
    """A fact of the outbox, as old and as often tried as told."""
    given = {"state": "new", "tries": 7, "reason": None, "age": LONG_AGO, "wait": timedelta(minutes=4), **columns}
    with story.services.works.begin(story.id) as work:
        work.execute(
            "INSERT INTO outbox (supplier_id, kind, event_key, payload, state, tries, reason, created_at, next_try_at) "
            "VALUES (:supplier, :kind, :key, '{}', :state, :tries, :reason, :created, :next)",
            kind=kind,
            key=key,
            created=now() - given.pop("age"),
            next=now() + given.pop("wait"),
            **given,
        )


def problems(story: Story) -> list[Problem]:
    with story.services.works.begin(story.id) as work:
        return list_problems(work)


def troubles(story: Story) -> list[Trouble]:
    with story.services.works.begin(story.id) as work:
        return troubles_here(work)


def flows_that_wait(story: Story, count: int, reason: str) -> None:
    """So many invoices whose sending was tried and failed."""
    for _ in range(count):
        story.issue()
    story.worker.drain_outbox_of(story.id, "invoice.issued")
    with story.services.works.begin(story.id) as work:
        work.execute(
            "UPDATE outbox SET reason = :reason, tries = 9, next_try_at = :next "
            "WHERE supplier_id = :supplier AND kind = 'flow.planned'",
            reason=reason,
            next=now() + timedelta(minutes=3),
        )


def test_a_platform_that_is_down_is_one_line_however_much_waits_for_it(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows_that_wait(story, 3, "platform.unreachable: Sandbox gives no answer (ConnectTimeout).")
    for number in range(12):
        announce(story, "cash.collected", str(number), reason=f"platform.invoice_pending: invoice F-{number} waits.")
    assert [each.title for each in troubles(story)] == ["Une annonce attend d'être faite"], "the flows are young yet"
    monkeypatch.setattr(problems_module, "STUCK_AFTER", timedelta(0))
    (found,) = troubles(story)
    assert found.title == "La plateforme Sandbox ne répond pas"
    assert "3 envois attendent" in found.step
    assert "rien n'est perdu" in found.step.lower()
    assert (found.cause, found.href) == ("", "/s/platform/flows?show=waiting"), "it heals by itself: nobody hides it"


def test_a_refused_access_comes_before_a_mere_silence(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems_module, "STUCK_AFTER", timedelta(0))
    flows_that_wait(story, 2, "platform.unreachable: no answer.")
    with story.services.works.begin(story.id) as work:
        work.execute(
            "UPDATE outbox SET reason = 'platform.unauthorised: wrong secret.' WHERE supplier_id = :supplier "
            "AND event_key = (SELECT min(tracking_id) FROM platform_flows WHERE supplier_id = :supplier)"
        )
    (found,) = troubles(story)
    assert (found.title, found.tone) == ("La plateforme Sandbox refuse notre accès", "late")


def test_what_waits_is_a_problem_by_its_age_and_not_by_its_tries(story: Story) -> None:
    announce(story, "some.fact", "young", reason="ConnectError: refused", tries=90, age=timedelta(minutes=1))
    assert problems(story) == []
    announce(story, "some.fact", "old", reason="ConnectError: refused", tries=1)
    (found,) = problems(story)
    assert (found.place, found.code, found.count) == ("stuck", "ConnectError", 1)


def test_facts_that_nobody_has_tried_say_that_no_worker_runs(story: Story) -> None:
    for number in range(40):
        announce(story, "some.fact", str(number), tries=0, wait=-LONG_AGO)
    (found,) = problems(story)
    assert (found.place, found.count) == ("idle", 40)
    (told,) = troubles(story)
    assert "programme de fond" in told.title


def test_a_hundred_messages_buried_for_one_reason_are_one_line(story: Story) -> None:
    with story.services.works.begin(story.id) as work:
        for number in range(100):
            work.execute(
                "INSERT INTO inbox (supplier_id, source, external_id, body, state, reason) VALUES (:supplier, "
                "'platform', :id, '', 'buried', :reason)",
                id=str(number),
                reason=f"status.unknown_invoice: status 205 for F-{number}, which we never issued.",
            )
    (found,) = problems(story)
    assert (found.count, found.code) == (100, "status.unknown_invoice")


def test_a_problem_set_aside_comes_back_only_with_what_happens_later(story: Story) -> None:
    announce(story, "some.fact", "1", state="buried", reason="ValueError: no", wait=-LONG_AGO)
    (found,) = problems(story)
    person = new_id()
    with story.services.works.begin(story.id) as work:
        assert set_aside(work, found.cause, person, "Appelé la banque")
        assert not set_aside(work, found.cause, person, "again"), "it is not there any more"
        assert not set_aside(work, "no/such/cause", person, "x")
    assert problems(story) == []
    announce(story, "some.fact", "2", state="buried", reason="ValueError: no", wait=timedelta(seconds=1))
    (again,) = problems(story)
    assert (again.count, again.cause) == (1, found.cause), "the first one stays dealt with"
    (row,) = story.rows("SELECT actor, details FROM audit_rows WHERE supplier_id = :supplier AND act LIKE 'problem.%'")
    assert row["actor"] == f"person {person}"
    assert row["details"] == {"note": "Appelé la banque", "count": 1}


def test_a_refused_flow_is_no_problem_once_it_was_sent_again(story: Story) -> None:
    story.issue()
    story.worker.drain_outbox_of(story.id, "invoice.issued")
    with story.services.works.begin(story.id) as work:
        work.execute(
            "UPDATE platform_flows SET state = 'refused', refusal = CAST(:remarks AS jsonb) "
            "WHERE supplier_id = :supplier",
            remarks='[{"level": "Warning", "reason": "BR-FR-05"}, {"level": "Error", "reason": "FlowTypeError"}]',
        )
        row = work.row("SELECT tracking_id, account_id FROM platform_flows WHERE supplier_id = :supplier")
    (found,) = problems(story)
    assert (found.place, found.code, found.label) == ("refused", "FlowTypeError", "Sandbox")
    assert row is not None
    with story.services.works.begin(story.id) as work:
        send_again(work, row["tracking_id"], row["account_id"])
    assert problems(story) == []
