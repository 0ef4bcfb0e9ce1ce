"""What reading a statement refuses: one error type, with the place in the file."""

from __future__ import annotations

from payments.errors import PaymentError


class StatementError(PaymentError):
    """A file that cannot be read as a statement; ``place`` is where, empty where it is the whole file."""

    def __init__(self, code: str, sentence: str, sentence_fr: str, place: str = "") -> None:
        if place:
            sentence, sentence_fr = f"{place}: {sentence}", f"{place} : {sentence_fr}"
        super().__init__(code, sentence, sentence_fr)
        self.place = place


ASK_AGAIN = "Download the file from the bank again; if it stays wrong, show the bank this sentence."
ASK_AGAIN_FR = "Téléchargez à nouveau le fichier à la banque ; s'il reste faux, montrez-lui cette phrase."


def wrong(code: str, what: str, what_fr: str, place: str) -> StatementError:
    """A field that cannot be what it should be: what, where, and what to do."""
    return StatementError(f"statement.{code}", f"{what} {ASK_AGAIN}", f"{what_fr} {ASK_AGAIN_FR}", place)
