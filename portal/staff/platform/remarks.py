"""What a platform remarks on a flow, explained: what is wrong, what to do, and whether sending again can help.

Reason codes are those of XP Z12-013 1.3.0 (an open list); ids of rules are explained as everywhere in the house.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.lifecycle.reasons import REASONS
from einvoice.validation.explanations import explain, is_fallback
from einvoice.validation.verdict import Finding, Layer, Severity
from portal.words import fitted, gettext, language, note_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_RULE = re.compile(r"\b(?:BR|CII|UBL|PEPPOL|QT|EXT|G)-[A-Z0-9][A-Za-z0-9_./-]*\b")
"""The id of a published rule, wherever a platform puts it."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark: ``code`` and ``told`` as the platform wrote them, ``where`` in the file, then our words."""

    is_error: bool
    code: str
    where: str
    told: str
    sentence: str
    fix: str


_CORRECT = note_text("La facture elle-même est à corriger : annulez-la par un avoir, puis émettez-en une nouvelle.")
_OURS = note_text("Le fichier est en faute, pas vous : prévenez l'assistance de Quittance avec ce numéro de suivi.")
_AGAIN = note_text("Corrigez la cause chez la plateforme, puis renvoyez le même fichier.")
CODES: dict[str, tuple[str, str]] = {
    "EmptyAttachement": (note_text("Une pièce jointe est vide."), _CORRECT),
    "AttachmentTypeError": (note_text("Une pièce jointe est d'un type non admis."), _CORRECT),
    "EmptyFlow": (note_text("Le fichier est arrivé vide."), _AGAIN),
    "OtherTechnicalError": (note_text("La plateforme a eu un incident technique."), _AGAIN),
    "InvalidSchema": (note_text("Le fichier ne suit pas la grammaire ou les règles de son format."), _CORRECT),
    "FileSizeExceeded": (note_text("Le fichier est trop grand pour la plateforme."), _CORRECT),
    "FlowTypeError": (
        note_text("La plateforme n'attendait pas ce type de flux."),
        note_text("Vérifiez chez elle que votre contrat couvre ce type de flux, puis renvoyez."),
    ),
    "AlreadyExistingFlow": (
        note_text("La plateforme a déjà reçu ce fichier ou ce numéro."),
        note_text("Ne le renvoyez pas : cherchez-le chez elle, c'est là qu'il vit."),
    ),
    "VirusFound": (note_text("L'antivirus de la plateforme a arrêté le fichier."), _OURS),
    "ChecksumMismatch": (note_text("Le fichier a été abîmé en chemin : son empreinte ne correspond pas."), _AGAIN),
    "InvoiceLCInvalidStatus": (
        note_text("Ce statut ne peut pas suivre l'état où la plateforme voit la facture."),
        note_text("Comparez le cycle de vie de la facture ici et chez la plateforme."),
    ),
    "InvoiceLCStatusError": (note_text("La plateforme ne connaît pas ce statut, ou pas sous cette forme."), _OURS),
    "InvoiceLCRuleError": (
        note_text("Le statut enfreint une règle du cycle de vie."),
        note_text("Vérifiez que la plateforme a bien la facture dont il parle."),
    ),
    "InvoiceLCAccessDenied": (
        note_text("La plateforme ne nous laisse pas poser ce statut sur cette facture."),
        note_text("Vérifiez chez elle que la facture est bien la vôtre et que votre accès peut poser des statuts."),
    ),
    "InvoiceLCAmountError": (
        note_text("Les montants du statut ne vont pas avec la facture."),
        note_text("Comparez les encaissements déclarés avec la facture, ici et chez la plateforme."),
    ),
    "REJ_UNI": (
        note_text("La plateforme connaît déjà une facture de ce numéro et de cette année."),
        note_text("Cherchez-la chez elle. Si c'est une autre facture, annulez celle-ci et donnez un nouveau numéro."),
    ),
}


def explain_remarks(remarks: Iterable[Mapping[str, str]]) -> list[Remark]:
    """What a platform remarked, the errors first, in the reader's language."""
    told = [_explain(each) for each in remarks if not _is_demanded(each)]
    return sorted(told, key=lambda each: not each.is_error)


def _is_demanded(given: Mapping[str, str]) -> bool:
    """Whether a remark is about the one element that the CII grammar demands even empty: nobody can do better."""
    told = f"{given.get('reason')} {given.get('message')}"
    place = (given.get("item") or "").endswith("/ApplicableHeaderTradeDelivery[1]")
    return place and "PEPPOL-EN16931-R008" in told and given.get("level") == "Warning"


def _explain(given: Mapping[str, str]) -> Remark:
    code, message = given.get("reason") or "", given.get("message") or ""
    sentence, fix = _words(code, message, given.get("item") or None)
    return Remark(given.get("level") != "Warning", code, given.get("item") or "", message, sentence, fix)


def _words(code: str, message: str, where: str | None) -> tuple[str, str]:
    """The rule named by the code or in the message says more than a general code."""
    for text in (code, message):
        if match := _RULE.search(text):
            finding = Finding(match[0], Severity.FATAL, message, Layer.BR_FR, where)
            if not is_fallback(finding):
                told = explain(finding)
                english = language() == "en"
                return (
                    fitted(told.sentence_en if english else told.sentence_fr),
                    fitted(told.fix_en if english else told.fix_fr),
                )
    if code in CODES:
        sentence, fix = CODES[code]
        return gettext(sentence), gettext(fix)
    if code in REASONS:
        known = REASONS[code]
        return fitted(known.english if language() == "en" else known.french), gettext(_UNKNOWN_FIX)
    return gettext(_UNKNOWN), gettext(_UNKNOWN_FIX)


_UNKNOWN = note_text("La plateforme donne un motif qui n'est pas dans la norme.")
_UNKNOWN_FIX = note_text("Lisez son message ; s'il ne suffit pas, montrez-le à son assistance avec le numéro de suivi.")
