"""Read a bank file of any format that we know: what it is, is seen from what it contains, never from its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from payments.statements.camt import read_camt
from payments.statements.cfonb import looks_like_cfonb, read_cfonb
from payments.statements.errors import StatementError
from payments.statements.fields import decoded
from payments.statements.mt940 import read_mt940
from payments.statements.ofx import read_ofx
from payments.statements.sums import checked

if TYPE_CHECKING:
    from payments.statements.line import Statement

_HEAD = 4096
"""Bytes that are enough to see what a file is."""
_MT940 = re.compile(r"^:(20|25|28C?|60[FM]):", re.MULTILINE)


def read_statement(content: bytes, filename: str) -> list[Statement]:
    """The statements in a file, each account's apart; ``filename`` is only for the sentences.

    Raises:
        StatementError: the only error, with a sentence that says what is wrong, where, and what to do.
    """
    head = content[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    upper = head.upper()
    if b"OFXHEADER" in upper or b"<OFX>" in upper:
        found = read_ofx(decoded(content))
    elif head.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        found = read_camt(content)
    else:
        found = _read_text(decoded(content), head, filename)
    if not found:
        raise StatementError(
            "statement.empty",
            f"{filename} has no account in it. Check that the right file was chosen.",
            f"{filename} ne contient aucun compte. Vérifiez que c'est le bon fichier.",
        )
    return [checked(each) for each in found]


def _read_text(text: str, head: bytes, filename: str) -> list[Statement]:
    if looks_like_cfonb(text):
        return read_cfonb(text)
    if _MT940.search(text[:_HEAD].replace("\r", "\n")):
        return read_mt940(text)
    if head.startswith(b"%PDF"):
        raise StatementError(
            "statement.pdf",
            f"{filename} is a PDF: a picture of a statement, not its data. {_WANTED}",
            f"{filename} est un PDF : l'image d'un relevé, pas ses données. {_WANTED_FR}",
        )
    raise StatementError(
        "statement.unknown_format",
        f"{filename} is no bank format that is read here. {_WANTED}",
        f"{filename} n'est pas dans un format bancaire lu ici. {_WANTED_FR}",
    )


_WANTED = "Ask the bank for camt.053, CFONB 120, MT940 or OFX."
_WANTED_FR = "Demandez à la banque du camt.053, du CFONB 120, du MT940 ou de l'OFX."
