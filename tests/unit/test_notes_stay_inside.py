"""Internal notes are read by one page of the staff and by nothing else: kept so by the source itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "receivables", "einvoice", "payments", "portal")
READERS = {"portal/staff/messages/pages.py"}
"""The one place that may read notes: a page that no customer may open."""
WRITERS = {"receivables/services/conversations/messaging.py"}
HOME = "receivables/store/conversations/notes.py"


def leaks(root: Path) -> list[str]:
    """Modules that could read a note and are not the page that may: by their imports, or by the table's name."""
    found = []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            place, source = path.relative_to(root).as_posix(), path.read_text()
            if place == HOME:
                continue
            if "internal_notes" in source or (
                re.search(r"\b(notes_in|store\.notes|store import notes)\b", source) and place not in READERS | WRITERS
            ):
                found.append(place)
            if place in WRITERS and "notes_in" in source:
                found.append(place)
    return found


def test_no_module_but_the_staffs_page_can_read_a_note() -> None:
    assert (ROOT / HOME).exists()
    assert leaks(ROOT) == []


def test_templates_for_customers_name_no_note() -> None:
    for name in ("thread.html", "list.html", "by_link.html", "confirm.html"):
        source = (ROOT / "portal/templates/messages" / name).read_text()
        assert "entries" not in source, name
        assert not re.search(r"\bnotes?\b", source), name


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("portal/customer/messages.py", "from receivables.store.conversations.notes import notes_in\n"),
        ("portal/evidence/facts.py", "SQL = 'SELECT said FROM internal_notes'\n"),
        (
            "receivables/services/conversations/messaging.py",
            "from receivables.store.conversations.notes import append_note, notes_in\n",
        ),
        ("portal/mail/message_mails.py", "from receivables.store import notes\n"),
    ],
    ids=range(4),
)
def test_a_planted_leak_is_found(tmp_path: Path, place: str, source: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(source)
    assert leaks(tmp_path) == [place]
