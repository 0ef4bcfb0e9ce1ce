"""The words of a text in HTML, as a reader would see them. Strangers wrote it: each sign is looked at once.

The standard library's reader needs the square of a text's length where marks are left open: minutes for a mail of
60 kB. Nothing here is shown as HTML, so a reader of marks that is simple and never looks back is enough.
"""

from __future__ import annotations

import re
from html import unescape

_SKIPPED = {"script", "style", "head", "title"}
_BREAKING = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "table", "ul", "ol", "hr"}
_MARK = re.compile(
    r"""<!--.*?(?:-->|\Z)|<[!?][^<>]*>|<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]*)(?:[^<>"']|"[^<"]*"|'[^<']*')*>""",
    re.DOTALL,
)
"""A remark, a declaration, or a tag. No sign of opening stands within one, so that a search ends at the next."""
_SPACES = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"\n{3,}")
_NO_CHARACTER = re.compile(r"&#[0-9]{8,};?")
"""Numbers greater than that of any character."""


def plain_of_html(marked: str) -> str:
    """The words of an HTML text; what it quotes gets the sign of quoted lines."""
    words, place = _Words(), 0
    for found in _MARK.finditer(marked):
        words.say(marked[place : found.start()])
        place = found.end()
        if found["tag"]:
            words.mark(found["tag"].lower(), ends=bool(found["end"]))
    words.say(marked[place:])
    return _BLANK_LINES.sub("\n\n", words.text()).strip()


class _Words:
    """Collects what a reader would see, line by line."""

    def __init__(self) -> None:
        self._lines: list[list[str]] = [[]]
        self._start = ""
        self._quoted = 0
        self._skipped = 0

    def mark(self, tag: str, *, ends: bool) -> None:
        """A tag: it begins or ends what is skipped or quoted, or a line."""
        if tag in _SKIPPED:
            self._skipped = max(0, self._skipped - 1) if ends else self._skipped + 1
        elif tag == "blockquote":
            self._quoted = max(0, self._quoted - 1) if ends else self._quoted + 1
            self._break()
        elif tag in _BREAKING and not (ends and tag == "br"):
            self._break()

    def say(self, data: str) -> None:
        """Words between two tags."""
        if data and not self._skipped:
            self._lines[-1].append(_SPACES.sub(" ", unescape(_NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", data))))

    def text(self) -> str:
        """All of it."""
        return "\n".join("".join(each).rstrip() for each in self._lines)

    def _break(self) -> None:
        """Begin a line; one that holds nothing but the sign of quoting is written over."""
        start = "> " * min(self._quoted, 5)
        line = "".join(self._lines[-1])
        if line.strip("> ") or not line:
            self._lines.append([start])
        else:
            self._lines[-1] = [start]
