"""What a bank line is and why, in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from portal.telling.states import Badge
from portal.words import gettext, note_text

if TYPE_CHECKING:
    from payments.banking.lines import BankLine

STATES = {
    "new": Badge(note_text("En attente"), "flight", "clock"),
    "matched": Badge(note_text("Rapprochée"), "paid", "check"),
    "proposed": Badge(note_text("À confirmer"), "part", "half"),
    "unidentified": Badge(note_text("Non identifiée"), "late", "unknown"),
    "payout": Badge(note_text("Versement du prestataire"), "paid", "transfer"),
    "debits": Badge(note_text("Prélèvements encaissés"), "paid", "check"),
    "returned": Badge(note_text("Retour, impayé"), "late", "back"),
    "refunded": Badge(note_text("Remboursement"), "plain", "back"),
    "not_ours": Badge(note_text("Hors clients"), "plain", "archive"),
    "split": Badge(note_text("Détaillée"), "plain", "receipt"),
}
FILTERS = {
    "all": (note_text("Toutes les lignes"), ()),
    "todo": (note_text("À traiter"), ("proposed", "unidentified", "new")),
    "matched": (note_text("Rapprochées"), ("matched", "debits")),
    "payout": (note_text("Versements"), ("payout",)),
    "returned": (note_text("Retours"), ("returned", "refunded")),
    "not_ours": (note_text("Hors clients"), ("not_ours", "split")),
}
FORMATS = {
    "camt.053": "camt.053",
    "camt.054": "camt.054",
    "cfonb120": "CFONB 120",
    "mt940": "MT940",
    "ofx": "OFX",
    "hand": note_text("saisie"),
}
_REASONS = {
    "match.nothing_found": note_text("Aucun client ni facture ne ressemble à cette ligne."),
    "match.set_aside": note_text("Mise de côté : à personne pour le moment."),
    "match.undone": note_text("Un rapprochement a été repris : à identifier de nouveau."),
    "match.confirmed": note_text("Confirmée par une personne."),
    "match.split": note_text("Partagée entre plusieurs clients par une personne."),
    "bank.outgoing": note_text("Sortie d'argent qui ne rend rien à un client."),
    "bank.typed": note_text("Saisie à la main, avant ou sans relevé."),
    "refund.came_back": note_text("Un remboursement que la banque du client a renvoyé : de nouveau à son crédit."),
    "debits.differs": note_text("Remise de prélèvements dont la somme diffère : la réponse de la banque est attendue."),
}
_DETAILS = {
    "bank_ref": note_text("Référence de la banque"),
    "own_ref": note_text("Notre référence"),
    "purpose": note_text("Nature"),
    "cheque": note_text("Numéro de chèque ou d'écriture"),
    "other_amount": note_text("Montant d'origine"),
    "return_text": note_text("Motif du retour"),
    "bank_text": note_text("Libellé de la banque"),
    "payment_text": note_text("Libellé de l'opération"),
    "label": note_text("Libellé de la banque"),
    "ultimate_payer": note_text("Payeur réel"),
    "ultimate_payee": note_text("Bénéficiaire réel"),
    "place": note_text("Place dans le fichier"),
}

_CODES = re.compile(r"[a-z_]+\.[a-z_.,]+|[A-Z]{2}\d{2}")
"""Codes of the matching and of the bank, which the page shows in its own block."""


def line_badge(state: str) -> Badge:
    """The badge of a line's state, in the reader's language."""
    return STATES[state].spoken()


def reason_of(line: BankLine) -> str:
    """Why a line is what it is; what a person wrote stands as they wrote it, codes of the matching are its own."""
    reason = line.reason or ""
    if reason in _REASONS:
        return gettext(_REASONS[reason])
    if reason.startswith("bank.parts:"):
        return gettext("Ses %(count)s parties comptent à sa place.") % {"count": reason.partition(":")[2]}
    if reason.startswith("deposit:"):
        return gettext("Remise %(reference)s.") % {"reference": reason.partition(":")[2]}
    if line.state == "payout":
        return gettext("Ce que votre prestataire de paiement vous devait.")
    return "" if _CODES.fullmatch(reason) else reason


def details_of(line: BankLine) -> list[tuple[str, str]]:
    """What else the bank said, by name."""
    return [(gettext(_DETAILS.get(name, name)), str(text)) for name, text in sorted(line.details.items()) if text]


def format_name(name: str) -> str:
    """The format of a statement."""
    return gettext(FORMATS.get(name, name))
