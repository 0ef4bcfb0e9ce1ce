"""What paying refuses, each with a stable code and a sentence for the payer in both languages."""

from __future__ import annotations


class PaymentError(Exception):
    """A payment that cannot begin; ``code`` is stable."""

    def __init__(self, code: str, sentence: str, sentence_fr: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence_fr = sentence_fr
