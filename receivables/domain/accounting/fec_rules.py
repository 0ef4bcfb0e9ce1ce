"""What can be tested of the law on a FEC (LPF art. A47 A-1, BOI-CF-IOR-60-40-20): one named rule, one sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """What a finding means."""

    REFUSED = "refused"
    """The file does not follow the law."""
    DOUBTFUL = "doubtful"
    """An auditor will ask about it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it asks for, and where the law says so."""

    name: str
    weight: Weight
    french: str
    english: str
    source: str


_R, _D = Weight.REFUSED, Weight.DOUBTFUL
_LAW, _NOTE = "LPF art. A47 A-1", "BOI-CF-IOR-60-40-20"
RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "file.name",
            _R,
            "Le fichier s'appelle SIREN, FEC, date de clôture (AAAAMMJJ).",
            "The file is called SIREN, FEC, closing date (YYYYMMDD).",
            f"{_LAW} X",
        ),
        Rule(
            "file.siren",
            _R,
            "Les neuf chiffres du nom sont un SIREN (clé de Luhn).",
            "The nine digits of the name are a SIREN (Luhn).",
            f"{_LAW} X",
        ),
        Rule(
            "file.empty", _R, "Le fichier contient au moins une écriture.", "The file holds at least one entry.", _LAW
        ),
        Rule(
            "file.encoding",
            _R,
            "Le fichier est en ASCII, ISO 8859-15 ou EBCDIC.",
            "The file is in ASCII, ISO 8859-15 or EBCDIC.",
            f"{_LAW} III 1°",
        ),
        Rule(
            "file.control_signs",
            _R,
            "Aucun champ ne contient de caractère de contrôle.",
            "No field holds a control character.",
            f"{_LAW} III",
        ),
        Rule(
            "file.separator",
            _R,
            "Les champs sont séparés par une tabulation ou une barre, la même partout.",
            "Fields are separated by a tab or a bar, the same everywhere.",
            f"{_LAW} I 4°, VI",
        ),
        Rule("file.blank_line", _D, "Aucune ligne n'est vide.", "No line is empty.", f"{_LAW} VI"),
        Rule(
            "header.fields",
            _R,
            "La première ligne nomme les 18 champs dans leur ordre.",
            "The first line names the 18 fields in their order.",
            f"{_LAW} VI, VII 1°",
        ),
        Rule(
            "line.width",
            _R,
            "Chaque ligne a autant de champs que l'en-tête.",
            "Every line has as many fields as the heading.",
            f"{_LAW} VI",
        ),
        Rule(
            "field.missing",
            _R,
            "Les champs obligatoires sont remplis.",
            "Fields that must be there are filled.",
            f"{_LAW} VII 1°",
        ),
        Rule(
            "field.date",
            _R,
            "Les dates s'écrivent AAAAMMJJ, sans séparateur.",
            "Dates are written YYYYMMDD, without separators.",
            f"{_LAW} VI",
        ),
        Rule(
            "field.amount",
            _R,
            "Les montants ont une virgule décimale et rien entre les milliers.",
            "Amounts have a decimal comma and nothing between thousands.",
            f"{_LAW} VI",
        ),
        Rule("field.side", _R, "Le sens vaut D ou C, +1 ou -1.", "The side is D or C, +1 or -1.", f"{_LAW} VII 2°"),
        Rule(
            "account.number",
            _R,
            "Un compte commence par trois chiffres du plan comptable.",
            "An account begins with three digits of the chart of accounts.",
            f"{_LAW} VII 1° 5",
        ),
        Rule("account.name", _D, "Un compte garde le même libellé.", "An account keeps its name.", _NOTE),
        Rule(
            "auxiliary.pair",
            _R,
            "Un compte auxiliaire a un numéro et un libellé, ou aucun des deux.",
            "An auxiliary account has a number and a name, or neither.",
            f"{_LAW} VII 1° 7, 8",
        ),
        Rule("journal.name", _D, "Un journal garde le même libellé.", "A journal keeps its name.", _NOTE),
        Rule(
            "amount.both_sides",
            _R,
            "Une ligne est au débit ou au crédit, pas aux deux.",
            "A line is on the debit or on the credit side, not on both.",
            f"{_LAW} VII 1° 12, 13",
        ),
        Rule("amount.none", _D, "Une ligne a un montant.", "A line has an amount.", _NOTE),
        Rule("entry.balance", _R, "Chaque écriture est équilibrée.", "Every entry balances.", "PCG art. 921-2"),
        Rule(
            "entry.days",
            _R,
            "Une écriture a une seule date et une seule validation.",
            "An entry has one date and one validation.",
            f"{_LAW} VII 1° 4, 16",
        ),
        Rule(
            "entry.together",
            _R,
            "Les lignes d'une écriture se suivent.",
            "The lines of an entry follow one another.",
            f"{_LAW} VII",
        ),
        Rule(
            "entry.continuous",
            _R,
            "Les numéros se suivent sans trou, par journal ou pour tout le fichier.",
            "Numbers follow one another without a gap, by journal or in the whole file.",
            f"{_LAW} VII 1° 3",
        ),
        Rule(
            "entry.result",
            _D,
            "Aucune écriture ne solde les comptes 6 et 7 au résultat.",
            "No entry closes accounts 6 and 7 to the result.",
            _NOTE,
        ),
        Rule(
            "order.validation",
            _R,
            "Les écritures sont dans l'ordre de leur validation.",
            "Entries are in the order of their validation.",
            f"{_LAW} VII",
        ),
        Rule(
            "date.year",
            _R,
            "Les écritures sont de l'exercice que le nom annonce.",
            "Entries are of the accounting year that the name says.",
            f"{_LAW} VII, X",
        ),
        Rule(
            "date.validated_before",
            _D,
            "Une écriture n'est pas validée avant sa date.",
            "An entry is not validated before its date.",
            _NOTE,
        ),
        Rule(
            "letters.pair",
            _R,
            "Lettrage et date de lettrage sont remplis ensemble.",
            "Letters and their date are filled together.",
            f"{_LAW} VII 1° 14, 15",
        ),
        Rule(
            "letters.balance",
            _R,
            "Un lettrage est soldé par compte et auxiliaire.",
            "A group of letters balances by account and auxiliary.",
            "PCG, pratique du lettrage",
        ),
        Rule(
            "letters.day",
            _R,
            "La date de lettrage n'est avant aucune écriture du groupe, et il n'y en a qu'une.",
            "The day of letters is before no entry of the group, and there is only one.",
            "PCG, pratique du lettrage",
        ),
        Rule(
            "currency.pair",
            _R,
            "Montant et code de devise sont remplis ensemble.",
            "The foreign amount and its currency are filled together.",
            f"{_LAW} VII 1° 17, 18",
        ),
        Rule(
            "currency.code",
            _R,
            "La devise est un code ISO 4217 autre que l'euro.",
            "The currency is an ISO 4217 code other than the euro.",
            f"{_LAW} VII 1° 18",
        ),
        Rule(
            "file.balance",
            _R,
            "Le total des débits est celui des crédits.",
            "Debits and credits have the same total.",
            "PCG art. 921-2",
        ),
    )
}
"""Every rule that is tested, in the order in which findings are told."""
