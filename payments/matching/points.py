"""How much each piece of evidence counts, in points of a thousand, and its words for people.

The figures are one opinion, kept in one place: docs/matching.md says how they fit together. What matters is which of
them together pass `AUTOMATIC`: two independent kinds, or one that cannot be coincidence.
"""

from __future__ import annotations

from dataclasses import dataclass

AUTOMATIC = 700
"""From here on a line is booked without asking, where nothing else speaks against it."""
MARGIN = 120
"""How far the next reading of a line must be behind."""
LEAST_SHOWN = 120
"""Readings below are not worth a person's time."""
MOST = 1000
PROPOSALS = 5
"""Readings that are kept for a line, best first."""

REFERENCE, WHO, AMOUNT, DOUBT = "reference", "who", "amount", "doubt"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One kind of evidence: its family, its points, its words; ``%s`` stands for what it is about."""

    family: str
    points: int
    french: str
    english: str


EVIDENCE: dict[str, Evidence] = {
    "ref.payment": Evidence(REFERENCE, 500, "Notre identifiant de paiement", "Our own payment id"),
    "ref.rf": Evidence(REFERENCE, 450, "Référence de paiement RF de %s", "RF payment reference of %s"),
    "ref.number": Evidence(REFERENCE, 380, "Numéro de facture %s", "Invoice number %s"),
    "ref.yeared": Evidence(REFERENCE, 350, "Année et numéro de %s, sans préfixe", "Year and serial of %s, no prefix"),
    "ref.worded": Evidence(REFERENCE, 260, "Numéro de %s, sans l'année", "Serial of %s, without its year"),
    "ref.slip": Evidence(REFERENCE, 180, "Numéro de %s, à un signe près", "Number of %s, one sign wrong"),
    "ref.bare": Evidence(REFERENCE, 120, "Un nombre comme celui de %s", "A figure like the serial of %s"),
    "ref.more": Evidence(REFERENCE, 60, "%s factures nommées ensemble", "%s invoices named together"),
    "who.iban": Evidence(WHO, 340, "IBAN déjà confirmé pour ce client", "IBAN confirmed before for this customer"),
    "who.iban_shared": Evidence(
        WHO, 60, "IBAN qui paie pour plusieurs clients", "IBAN that pays for several customers"
    ),
    "who.siren": Evidence(WHO, 340, "SIREN du client dans le libellé", "The customer's SIREN in the text"),
    "who.code": Evidence(WHO, 340, "Compte client %s dans le libellé", "Customer account %s in the text"),
    "who.name": Evidence(WHO, 300, "Nom du client", "The customer's name"),
    "who.name_known": Evidence(WHO, 300, "Nom déjà confirmé pour ce client", "Name confirmed before for this customer"),
    "who.name_cut": Evidence(WHO, 280, "Nom du client, coupé par la banque", "The customer's name, cut by the bank"),
    "who.name_shared": Evidence(WHO, 180, "Nom que portent plusieurs clients", "A name that several customers bear"),
    "who.name_close": Evidence(WHO, 150, "Nom proche de celui du client", "A name close to the customer's"),
    "who.name_alike": Evidence(WHO, 60, "Nom qui ressemble un peu", "A name somewhat alike"),
    "who.more": Evidence(WHO, 40, "Encore une preuve de l'identité", "One more proof of who pays"),
    "who.asked": Evidence(
        WHO, 200, "Le client dit que ce paiement est le sien", "The customer says it is their payment"
    ),
    "who.advised": Evidence(
        WHO, 200, "Le client a envoyé un avis de paiement", "The customer sent a remittance advice"
    ),
    "ref.advice": Evidence(REFERENCE, 60, "Facture de l'avis de paiement : %s", "Invoice of the remittance advice: %s"),
    "sum.advised": Evidence(
        AMOUNT, 400, "Exactement le total de l'avis de paiement", "Exactly the total of the remittance advice"
    ),
    "sum.named": Evidence(
        AMOUNT, 400, "Exactement le reste dû de ce qui est nommé", "Exactly what is open on what is named"
    ),
    "sum.named_common": Evidence(
        AMOUNT, 300, "Le reste dû, mais un montant courant", "What is open, yet a common amount"
    ),
    "sum.one": Evidence(
        AMOUNT, 420, "Exactement le reste dû d'une seule facture", "Exactly what is open on one invoice"
    ),
    "sum.one_common": Evidence(
        AMOUNT, 360, "Le reste dû d'une seule facture, à un prix courant", "Open on one invoice, at a common price"
    ),
    "sum.alike": Evidence(AMOUNT, 280, "Le reste dû de plusieurs factures au choix", "What is open on any of several"),
    "sum.common": Evidence(
        AMOUNT, 160, "Un montant ouvert chez plusieurs clients", "An amount open at several customers"
    ),
    "sum.total": Evidence(AMOUNT, 420, "Exactement tout ce qui est ouvert", "Exactly everything that is open"),
    "sum.due": Evidence(AMOUNT, 420, "Exactement tout ce qui est échu", "Exactly everything that is due"),
    "sum.oldest": Evidence(AMOUNT, 400, "Exactement les plus anciennes", "Exactly the oldest ones"),
    "sum.oldest_or": Evidence(
        AMOUNT, 280, "Les plus anciennes, ou d'autres de même somme", "The oldest, or others that make as much"
    ),
    "sum.several": Evidence(AMOUNT, 330, "Somme de plusieurs factures, sans autre", "The one sum of several invoices"),
    "sum.credits": Evidence(AMOUNT, 400, "Reste dû moins les avoirs %s", "What is open less credit notes %s"),
    "sum.instalment": Evidence(AMOUNT, 400, "Exactement une échéance", "Exactly one instalment"),
    "sum.charges": Evidence(
        AMOUNT, 400, "Reste dû moins les frais dits par la banque", "Open less the told bank charges"
    ),
    "sum.terms": Evidence(
        AMOUNT, 400, "Reste dû moins l'escompte de %s %% promis", "Open less the %s %% discount that it promises"
    ),
    "sum.discount": Evidence(AMOUNT, 200, "Reste dû moins un escompte de %s %%", "What is open less a %s %% discount"),
    "sum.tolerance": Evidence(AMOUNT, 150, "Reste dû à quelques centimes près", "What is open but for some cents"),
    "sum.fees": Evidence(AMOUNT, 80, "Frais retenus par une banque étrangère ?", "Charges kept by a foreign bank?"),
    "sum.part": Evidence(AMOUNT, 0, "Une partie de ce qui est nommé", "A part of what is named"),
    "sum.over": Evidence(AMOUNT, -50, "Plus que ce qui est nommé", "More than what is named"),
    "sum.none": Evidence(AMOUNT, -60, "Aucune facture de ce montant", "No invoice of this amount"),
    "sum.round": Evidence(DOUBT, -40, "Montant rond : peut-être un acompte", "Round amount: an advance, perhaps"),
    "day.due": Evidence(AMOUNT, 20, "Payé autour de l'échéance", "Paid around the due date"),
    "doubt.name": Evidence(DOUBT, -150, "Le nom est celui d'un autre", "The name is somebody else's"),
    "doubt.elsewhere": Evidence(DOUBT, -200, "Le libellé nomme %s", "The text names %s"),
    "doubt.paid": Evidence(DOUBT, 0, "%s est déjà réglée", "%s is settled already"),
    "doubt.advance": Evidence(DOUBT, -150, "Le libellé parle d'un acompte", "The text speaks of an advance"),
    "doubt.unknown": Evidence(
        DOUBT, -100, "Le libellé nomme une facture inconnue", "The text names an unknown invoice"
    ),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A piece of evidence in a reading: its code in `EVIDENCE`, its points, and what it is about."""

    code: str
    points: int
    about: str = ""

    def words(self, language: str) -> str:
        """The reason for people."""
        told = EVIDENCE[self.code]
        text = told.french if language == "fr" else told.english
        return text % self.about if "%s" in text else text


def reason(code: str, about: str = "") -> Reason:
    """The reason of this code, with its points."""
    return Reason(code, EVIDENCE[code].points, about)


def families(reasons: tuple[Reason, ...]) -> frozenset[str]:
    """The independent kinds of evidence that speak for a reading."""
    return frozenset(EVIDENCE[each.code].family for each in reasons if each.points > 0 and each.code != "day.due")
