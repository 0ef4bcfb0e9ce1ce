"""Codes that people read in one place and type in another."""

from __future__ import annotations

CODE_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Nothing that is read for something else: no I, L, O, U, 0 or 1."""
CODE_LENGTH = 8


def spell_code(drawn: bytes, length: int = CODE_LENGTH) -> str:
    """``length`` letters from secret bytes: 4.9 bits each."""
    rest = int.from_bytes(drawn, "big")
    letters = []
    for _ in range(length):
        rest, index = divmod(rest, len(CODE_LETTERS))
        letters.append(CODE_LETTERS[index])
    return "".join(letters)


def read_code(typed: str) -> str:
    """A code as it was typed, with or without spaces, dashes and capitals."""
    return "".join(typed.split()).replace("-", "").upper()


def in_halves(code: str) -> str:
    """A code as it is shown: ``ABCD-EFGH``."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"
