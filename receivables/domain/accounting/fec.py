"""The fichier des écritures comptables (FEC): its 18 fields, its name, how values are written (LPF art. A47 A-1).

VII 1° names the fields and their order, VI the structure, X the name of the file. Fields are separated by tabulations,
so that neither a tabulation nor a bar stands inside one: an expert's tools take either for a separator.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from receivables.domain.money import Money
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal

FIELDS = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
)
SEPARATOR, END = "\t", "\r\n"
ENCODINGS = {"iso8859-15": "ISO 8859-15", "utf-8": "UTF-8"}
"""What a file may be written in: the first is the law's; many programs that import ask for the second."""
JOURNALS = {
    "VE": "Journal des ventes",
    "BQ": "Journal de banque et d'encaissements",
    "OD": "Opérations diverses",
    "AN": "À-nouveaux",
}
WORDS = {
    "invoice": "Facture",
    "opening": "À nouveau",
    "receipt": "Encaissement",
    "return": "Retour ou remboursement",
    "return_failed": "Remboursement échoué",
    "reversal": "Annulation de facture",
    "settlement": "TVA exigible",
    "waiver": "Abandon d'un reste",
    "waived_back": "Reprise d'un abandon",
    "waived_vat": "TVA d'un abandon",
    "contested": "Paiement contesté",
    "contest_won": "Contestation gagnée",
    "payout": "Versement du prestataire",
    "payout_failed": "Versement échoué",
    "payout_banked": "Versement arrivé en banque",
    "fee": "Frais",
    "unidentified": "Virement à identifier",
    "transfer": "Virement interne",
    "claim": "Note de débit",
    "claim_credit": "Avoir sur note de débit",
    "doubtful": "Client douteux",
    "assignment": "Cession de créance",
    "assignment_back": "Reprise de créance cédée",
    "assignment_quiet": "Cession confidentielle",
    "factor_move": "Mouvement de l'affactureur",
}
"""What an entry says of itself, by the kind of its fact."""
_CODE = re.compile(r"[a-z0-9_.:/-]*")
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f|]+")
_SIREN = re.compile(r"\d{9}")
_SPELLED = {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "\u2013": "-", "\u2014": "-", "\u2019": "'"}
"""Likenesses that no decomposition finds."""


@dataclass(frozen=True, slots=True)
class FecLine:
    """One line of the file: amounts in cents of EUR; ``foreign_minor`` is signed, above zero on the debit side."""

    journal: str
    number: str
    booked_on: date
    account: str
    account_name: str
    auxiliary: str
    auxiliary_name: str
    piece: str
    piece_on: date
    label: str
    debit_minor: int
    credit_minor: int
    letters: str
    lettered_on: date | None
    validated_on: date
    foreign_minor: int | None = None
    currency: str = ""

    def cells(self) -> tuple[str, ...]:
        """The 18 values in their order."""
        foreign = "" if self.foreign_minor is None else amount(Money(self.foreign_minor, self.currency).decimal)
        return (
            self.journal,
            JOURNALS.get(self.journal, self.journal),
            self.number,
            day(self.booked_on),
            self.account,
            self.account_name,
            self.auxiliary,
            self.auxiliary_name,
            self.piece,
            day(self.piece_on),
            self.label,
            amount(Money(self.debit_minor).decimal),
            amount(Money(self.credit_minor).decimal),
            self.letters,
            day(self.lettered_on) if self.lettered_on else "",
            day(self.validated_on),
            foreign,
            self.currency,
        )


@dataclass(slots=True)
class FecTotals:
    """What was written; ``replaced`` counts values in which a sign had to be spelled otherwise."""

    lines: int = 0
    entries: int = 0
    debit_minor: int = 0
    credit_minor: int = 0
    replaced: int = 0


def day(value: date) -> str:
    """``AAAAMMJJ``."""
    return value.strftime("%Y%m%d")


def amount(value: Decimal) -> str:
    """``-1234,56``: a comma before the decimals, nothing between thousands, the sign first."""
    return f"{value:f}".replace(".", ",")


def number_of(journal: str, serial: int) -> str:
    """EcritureNum: the journal is part of it, for programs that group by the number alone; ``VE000042``."""
    return f"{journal}{serial:06d}"


def label_of(source_kind: str, label: str) -> str:
    """EcritureLib: what happened, and with whom where the entry names somebody."""
    word = WORDS.get(source_kind)
    if word is None:
        return label
    return word if _CODE.fullmatch(label) else f"{word} {label}"


def file_name(siren: str | None, closes_on: date) -> str:
    """``SIRENFECAAAAMMJJ.txt`` (LPF art. A47 A-1, X).

    Raises:
        ReceivablesError: ``fec.no_siren``: a supplier without SIREN keeps no French books.
    """
    if not siren or not _SIREN.fullmatch(siren):
        raise ReceivablesError(
            "fec.no_siren",
            "The name of the file holds the SIREN of the company, and this supplier has none.",
            "Le nom du fichier contient le SIREN de l'entreprise, et ce fournisseur n'en a pas.",
        )
    return f"{siren}FEC{day(closes_on)}.txt"


def write_fec(out: IO[bytes], lines: Iterable[FecLine], encoding: str = "iso8859-15") -> FecTotals:
    """Write the lines under their heading; only one is held at a time.

    Raises:
        ReceivablesError: ``fec.unknown_encoding``.
    """
    if encoding not in ENCODINGS:
        raise ReceivablesError(
            "fec.unknown_encoding",
            f"Write the file in one of {', '.join(ENCODINGS)}.",
            f"Écrivez le fichier dans l'un de ces encodages : {', '.join(ENCODINGS)}.",
        )
    totals, last = FecTotals(), ""
    out.write((SEPARATOR.join(FIELDS) + END).encode(encoding))
    for line in lines:
        values = []
        for cell in line.cells():
            written = plain(cell, encoding)
            totals.replaced += written != cell
            values.append(written)
        out.write((SEPARATOR.join(values) + END).encode(encoding))
        totals.lines += 1
        totals.entries += line.number != last
        totals.debit_minor += line.debit_minor
        totals.credit_minor += line.credit_minor
        last = line.number
    return totals


def plain(text: str, encoding: str) -> str:
    """``text`` without separators and controls, in signs that ``encoding`` has; ``?`` for those without a likeness."""
    if text.isascii() and text.isprintable() and "|" not in text and text == text.strip() and "  " not in text:
        return text  # nearly all of them
    text = " ".join(_UNWRITABLE.sub(" ", text).split())
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_spelled(sign, encoding) for sign in unicodedata.normalize("NFC", text))
    return text


def _spelled(sign: str, encoding: str) -> str:
    for candidate in (sign, _SPELLED.get(sign, sign), _bare(sign)):
        if candidate.encode(encoding, "ignore").decode(encoding) == candidate and candidate:
            return candidate
    return "?"


def _bare(sign: str) -> str:
    """The letter without its accents."""
    return "".join(each for each in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(each))
