"""What the platform sends back lands on its invoice once, or is kept for a human with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from shared_material import shared
from story_builders import Story

from einvoice.platform.port import PlatformError
from receivables.store.inbox import accept

if TYPE_CHECKING:
    from story_builders import PlatformHouse


def inbox(story: Story) -> list[tuple[str, str | None]]:
    return [
        (row["state"], row["reason"])
        for row in story.rows("SELECT state, reason FROM inbox WHERE supplier_id = :supplier ORDER BY inbox_id")
    ]


def test_the_life_of_an_invoice_comes_in_through_the_inbox(story: Story, platform_house: PlatformHouse) -> None:
    issued = story.issue()
    story.until(lambda: "200" in story.codes())
    platform_house.play(issued.invoice.number, story.siren, status="204")
    platform_house.play(issued.invoice.number, story.siren, status="205")
    story.until(lambda: "205" in story.codes())
    assert {"200", "202", "203", "204", "205"} <= set(story.codes())
    assert {state for state, _ in inbox(story)} == {"done"}
    assert len(inbox(story)) == len(story.codes())


def test_a_dispute_comes_with_its_reason(story: Story, platform_house: PlatformHouse) -> None:
    issued = story.issue()
    story.until(lambda: "200" in story.codes())
    platform_house.play(issued.invoice.number, story.siren, status="207", reason="QTE_ERR", comment="Deux manquent")
    story.until(lambda: "207" in story.codes())
    (row,) = story.rows("SELECT reasons, note FROM statuses WHERE supplier_id = :supplier AND code = '207'")
    assert [reason["code"] for reason in row["reasons"]] == ["QTE_ERR"]


def test_asking_again_brings_nothing_twice(story: Story) -> None:
    story.issue()
    story.until(lambda: "203" in story.codes())
    before = (story.codes(), inbox(story))
    for _ in range(3):
        assert story.services.poller.poll(story.id) == 0
        story.step()
    assert (story.codes(), inbox(story)) == before


def test_a_status_told_twice_stands_once(story: Story, platform_house: PlatformHouse) -> None:
    platform_house.arm("duplicate", times=1)
    story.issue()
    story.until(lambda: "203" in story.codes())
    for _ in range(3):
        story.step()
    assert len(story.codes()) == len(set(story.codes()))
    assert len(inbox(story)) == len(story.codes()) + 1, "it came as two flows"


def test_a_platform_that_fails_while_it_is_asked_loses_nothing(story: Story, platform_house: PlatformHouse) -> None:
    issued = story.issue()
    story.until(lambda: "203" in story.codes())
    platform_house.play(issued.invoice.number, story.siren, status="204")
    platform_house.arm("error_500", operation="fetch", times=1)
    with pytest.raises(PlatformError):
        story.services.poller.poll(story.id)
    assert "204" not in story.codes()
    story.until(lambda: "204" in story.codes())


def test_a_status_of_an_invoice_that_we_never_issued_is_kept_for_a_human(story: Story) -> None:
    foreign = shared("samples/cdar/UC3_F202500005_04-CDV-210_Refusee.xml").read_bytes()
    body = foreign.replace(b"100000009", story.siren.encode())
    with story.services.works.begin(story.id) as work:
        accept(
            work,
            "platform",
            [(str(n), each) for n, each in enumerate((body, foreign, b"<html/>", b"<!DOCTYPE x><x/>"))],
        )
    story.worker.drain_inbox_of(story.id)
    reasons = [str(reason) for state, reason in inbox(story) if state == "buried"]
    assert len(reasons) == 4
    assert reasons[0].startswith("status.unknown_invoice: status 210 for ")
    assert reasons[1].startswith("status.other_seller: ")
    assert reasons[3].startswith("xml.doctype: ")
    assert all(": " in reason for reason in reasons)


def test_one_supplier_s_statuses_never_reach_another(story: Story, platform_house: PlatformHouse) -> None:
    other = Story(story.services, platform_house)
    story.issue()
    story.until(lambda: "203" in story.codes())
    assert other.services.poller.poll(other.id) == 0
    assert inbox(other) == []
