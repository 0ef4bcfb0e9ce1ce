"""What the core refuses, each with a stable code and a sentence that says what to do."""

from __future__ import annotations


class ReceivablesError(Exception):
    """A command that the core refuses; ``code`` is stable, the text for people: English, and French where given."""

    def __init__(self, code: str, sentence: str, sentence_fr: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence_fr = sentence_fr


class NotFoundError(ReceivablesError):
    """The object does not exist, or belongs to somebody else: both look the same."""


class ConflictError(ReceivablesError):
    """The command meets a state that forbids it, e.g. a number already used."""
