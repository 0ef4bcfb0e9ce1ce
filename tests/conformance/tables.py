"""The figures as tables of Markdown, and the place in ``docs/conformance.md`` where they stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.explained import EXPLAINED
from conformance.invoices import GROUPS
from conformance.judges import tally
from conformance.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.benches import Outcome
    from conformance.thirdparty import Tried

PAGE = ROOT / "docs" / "conformance.md"


def catalogue_table() -> str:
    """How many invoices of each group."""
    rows = [(name, str(len(group()))) for name, group in GROUPS.items()]
    total = sum(int(count) for _, count in rows)
    return _table(("group", "invoices"), [*rows, ("all", str(total))])


def judges_table(outcomes: Iterable[Outcome]) -> str:
    """Per judge: files, files with errors, files with warnings, and whether it found its planted fault."""
    return _table(
        ("judge", "errors", "files with a warning", "planted fault"),
        [
            (
                each.name,
                each.reason or f"{sum(bool(one.errors) for one in each.judged)} / {len(each.judged)}",
                "" if each.reason else str(sum(bool(one.warnings) for one in each.judged)),
                "" if each.reason else ("found" if each.control_found else "MISSED"),
            )
            for each in outcomes
        ],
    )


def warnings_table(outcomes: Sequence[Outcome]) -> str:
    """Every kind of warning, in how many files, and why."""
    counts = tally(one.warnings for each in outcomes for one in each.judged)
    return _table(
        ("warning", "files", "why"),
        [(name, str(count), EXPLAINED.get(name, "NOT EXPLAINED")) for name, count in counts.items()],
    )


def thirdparty_table(tried: Iterable[Tried]) -> str:
    """Accepted, refused, read."""
    return _table(("what", "files"), [(each.name, f"{each.good} / {each.of}") for each in tried])


def stated(name: str) -> str:
    """The generated part ``name`` of the page as it stands."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise LookupError(f"docs/conformance.md has no part {name!r}.")
    return found[1]


def write(name: str, text: str) -> None:
    """Put ``text`` in the place of the generated part ``name``."""
    page = PAGE.read_text(encoding="utf-8")
    stated(name)
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    PAGE.write_text(marked.sub(lambda match: match[1] + text + match[2], page), encoding="utf-8")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
