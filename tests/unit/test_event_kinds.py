"""Every kind of event is described, named on the pages, and lets out nothing but what its table says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from portal.webhooks.words import FAMILIES
from receivables.domain import events
from receivables.domain.told import KINDS, Told, kind_of_journal, told_of_journal

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text()
ROWS = {
    kind: tuple(re.findall(r"`(\w+)`", fields))
    for kind, fields in re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| .* \| (.*) \|$", PAGE, re.MULTILINE)
}


def test_the_page_about_webhooks_lists_every_kind_with_its_fields() -> None:
    assert ROWS == KINDS


def test_every_fact_of_the_outbox_is_told_or_said_to_stay_inside() -> None:
    facts = {value for name, value in vars(events).items() if name.isupper() and isinstance(value, str)}
    inside = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", PAGE.rpartition("stay inside")[2]))
    assert facts - KINDS.keys() == inside


def test_every_kind_has_words_on_the_pages_once() -> None:
    named = [kind for _, kinds in FAMILIES for kind, _ in kinds]
    assert sorted(named) == sorted(KINDS)


def test_an_event_that_says_more_than_its_table_is_refused() -> None:
    with pytest.raises(ValueError, match="does not say author"):
        Told("message.received", {"number": "F-1", "author": "Madame Martin"})


def test_lines_of_the_journal_leave_without_words_and_names() -> None:
    facts = {"author": "Madame Martin", "number": "F-1", "reason": "elle a téléphoné"}
    assert told_of_journal("message.received", facts) == {"number": "F-1"}
    assert kind_of_journal("limit.set.insurer") == "limit.set"
    assert kind_of_journal("dunning.sent") == "reminder.sent"
    assert kind_of_journal("note.written") is None
    assert kind_of_journal("call.made") is None
