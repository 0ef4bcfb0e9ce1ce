"""Field 86 of MT940: free for each bank, structured in one of four ways, or not at all.

``?20text?32name`` (the banks' committee of Germany, used by groups), ``/EREF/x/REMI/y`` (SWIFT code words), CFONB
qualifiers between slashes or at the line's start (``/NPY/``, ``LIB``), and French words with a colon (``DE:``,
``MOTIF:``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payments.statements.fields import (
    MOST_PARTS,
    MOST_TEXT,
    given,
    iban_in,
    iban_of,
    joined,
    reference_in,
    rf_of,
    tidy,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERED = re.compile(r"\?(\d{2})")
_SLASHED = re.compile(r"/([A-Z0-9]{3,4})/")
_CODE_WORDS = frozenset(
    {"EREF", "REMI", "NAME", "IBAN", "ORDP", "BENM", "MARF", "CSID", "RTRN", "RREF", "TRTP", "PREF", "PURP", "SVWZ"}
    | {"NPY", "NBE", "NPO", "NBU", "RCN", "LCC", "LC2", "LCS", "LIB", "RET", "RUM", "REF", "IPY", "IBE", "CPY", "CBE"}
)
_FRENCH = re.compile(
    r"(?<![A-Z])(DE|POUR|MOTIF|REF|ID|LIB|RUM|MANDAT|CHEZ|DATE|REFDO|REFBEN|MDT|BENEF|EMETTEUR)\s?: ?", re.IGNORECASE
)
_SUBFIELD_86 = re.compile(r"(EREF|KREF|MREF|CRED|SVWZ|ABWA|ABWE|RREF)\+")
_RETURN = re.compile(r"(?<![A-Z0-9])(A[CGM]\d{2}|B[E]\d{2}|M[DS]\d{2}|RC\d{2}|RR\d{2}|SL01|CNOR|DNOR)(?![A-Z0-9])")
_NAMES_IN = ("NPY", "ORDP", "NAME", "DE", "EMETTEUR", "NPO")
_NAMES_OUT = ("NBE", "BENM", "NAME", "POUR", "BENEF", "NBU")


@dataclass(frozen=True, slots=True)
class Information:
    """What field 86 says, in our words."""

    name: str = ""
    iban: str | None = None
    remittance: str = ""
    structured: str | None = None
    end_to_end_id: str | None = None
    mandate_ref: str | None = None
    return_code: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def read_information(lines: list[str], *, incoming: bool) -> Information:
    """The text of a field 86, however the bank structures it; nothing is refused: it is free text by rule."""
    whole = "".join(lines[:MOST_PARTS])[:MOST_TEXT]
    if _NUMBERED.search(whole):
        return _from_words(_numbered(whole), incoming=incoming)
    words = _slashed(joined(lines))
    if words:
        return _from_words(words, incoming=incoming)
    text = joined(lines)
    words = _french(text)
    if words:
        return _from_words({**words, "ALL": text}, incoming=incoming)
    return Information(
        iban=iban_in(text), remittance=text, structured=reference_in(text), return_code=_return_code(text)
    )


def _numbered(whole: str) -> dict[str, str]:
    """Subfields ``?20`` to ``?29`` and ``?60`` are the text, ``?32``/``?33`` the name, ``?31`` the account."""
    pieces = _NUMBERED.split(whole)
    parts: dict[str, list[str]] = {}
    for number, text in zip(pieces[1::2], pieces[2::2], strict=True):
        name = "REMI" if number[0] in "26" else {"32": "NAME", "33": "NAME", "31": "IBAN", "00": "LABEL"}.get(number)
        if name:
            parts.setdefault(name, []).append(text)
    words = {name: joined(texts) if name == "REMI" else tidy("".join(texts)) for name, texts in parts.items()}
    marked = _SUBFIELD_86.split(words.get("REMI", ""))
    if len(marked) > 1:
        found = dict(zip(marked[1::2], (tidy(each) for each in marked[2::2]), strict=True))
        words["REMI"] = tidy(f"{marked[0]} {found.get('SVWZ', '')}")
        words |= {"EREF": found.get("EREF", ""), "MARF": found.get("MREF", "")}
    return words


def _slashed(text: str) -> dict[str, str]:
    pieces = _SLASHED.split(text)
    words: dict[str, str] = {}
    name = ""
    for index, piece in enumerate(pieces[1:]):
        if index % 2 == 0:
            name = piece
        elif name in _CODE_WORDS:
            words[name] = tidy(f"{words.get(name, '')} {piece.strip('/ ')}")
    return words


def _french(text: str) -> dict[str, str]:
    pieces = _FRENCH.split(text)
    return {name.upper(): tidy(told) for name, told in zip(pieces[1::2], pieces[2::2], strict=True)}


def _from_words(words: dict[str, str], *, incoming: bool) -> Information:
    remittance = _first(words, "REMI", "SVWZ", "LCC", "MOTIF", "LIB", "LCS")
    if "LC2" in words:
        remittance = f"{remittance}{words['LC2']}"
    structured = words.get("REMI", "").partition("CINV/")[0] or words.get("LCS", "")
    text = words.get("ALL", remittance)
    return_code = _return_code(_first(words, "RTRN", "RET"))
    names = _NAMES_IN if incoming != bool(return_code) else _NAMES_OUT
    return Information(
        name=_first(words, *names),
        iban=iban_of(_first(words, "IBAN", "CPY", "CBE", "IPY", "IBE"))
        or iban_in(_first(words, "ORDP", "BENM", "ALL")),
        remittance=tidy(text) or tidy(" ".join(words.values())),
        structured=rf_of(structured) or reference_in(f"{structured} {text}"),
        end_to_end_id=given(_first(words, "EREF", "RCN", "REFDO", "REF")),
        mandate_ref=given(_first(words, "MARF", "RUM", "MANDAT", "MDT")),
        return_code=return_code,
        details={
            name.lower(): text
            for name, text in words.items()
            if name in {"CSID", "PURP", "LABEL", "NPO", "NBU", "CHEZ", "ID", "RREF"} and text
        },
    )


def _first(words: Mapping[str, str], *names: str) -> str:
    return next((words[name] for name in names if words.get(name)), "")


def _return_code(text: str) -> str | None:
    found = _RETURN.search(text.upper())
    return found[1] if found else None
