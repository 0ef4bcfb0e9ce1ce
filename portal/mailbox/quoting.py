"""What a person has written in an answer by mail, without the mail that they answer to."""

from __future__ import annotations

import re

MARK = "##-"
"""How the line of our mails begins above which answers are written."""
_MARKED = re.compile(r"^[>\s]*" + re.escape(MARK))
_ATTRIBUTED = re.compile(
    r"^(?:le|on|am|el|il|op)\b.{4,400}\b(?:a écrit|wrote|schrieb|escribió|ha scritto|schreef)\s*:\s*$",
    re.IGNORECASE | re.DOTALL,
)
"""``Le lun. 2 nov. 2026 à 10:03, Untel <u@example.com> a écrit :``, on up to three lines."""
_ORIGINAL = re.compile(
    r"^[-_\s]*(?:original message|message d.origine|message transféré|forwarded message|ursprüngliche nachricht)"
    r"[-_\s]*$",
    re.IGNORECASE,
)
_FROM = re.compile(r"^[*\s]*(?:de|from|von)\s*[*]?\s*:\s*\S", re.IGNORECASE)
_SENT = re.compile(r"^[*\s]*(?:envoyé|sent|date|gesendet|à|to|objet|subject)\s*[*]?\s*:", re.IGNORECASE)
_SIGNATURE = re.compile(r"^-- ?$")
_DEVICE = re.compile(r"^(?:envoyé (?:de|depuis) |sent from |get outlook for |télécharger outlook )", re.IGNORECASE)
_LINES_OF_ATTRIBUTION = 3
_LINES_OF_HEADER = 4
_LONGEST_ATTRIBUTION = 500


def cut_quoted(text: str) -> str:
    """The words of whoever answers: before what they quote; all of it where nothing else would be left.

    Answers written below or between quoted lines keep their own lines.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end = next((place for place in range(len(lines)) if _begins_quote(lines, place)), len(lines))
    own = _own(lines[:end])
    if own:
        return own
    return _own([each for each in lines if not _MARKED.match(each)]) or text.strip()


def _begins_quote(lines: list[str], place: int) -> bool:
    line = lines[place]
    if _MARKED.match(line) or _ORIGINAL.match(line) or _is_attribution(lines, place):
        return True
    return bool(_FROM.match(line)) and any(_SENT.match(each) for each in lines[place + 1 : place + _LINES_OF_HEADER])


def _is_attribution(lines: list[str], place: int) -> bool:
    """Whether the line that says who wrote when begins here: on up to three lines, with none of them empty.

    A sentence right before it may begin alike: the shortest reading counts.
    """
    for end in range(place + 1, min(place + _LINES_OF_ATTRIBUTION, len(lines)) + 1):
        if not lines[end - 1].strip():
            return False
        if _ATTRIBUTED.match(" ".join(lines[place:end])[:_LONGEST_ATTRIBUTION]):
            return not any(_ATTRIBUTED.match(" ".join(lines[later:end])) for later in range(place + 1, end))
    return False


def _own(lines: list[str]) -> str:
    """Lines that are not quoted, up to the signature, without what a telephone adds."""
    kept = []
    for line in lines:
        if _SIGNATURE.match(line):
            break
        if not line.startswith(">") and not _DEVICE.match(line.strip()):
            kept.append(line.rstrip())
    return "\n".join(kept).strip()
