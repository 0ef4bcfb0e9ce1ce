"""Credit in the reader's words: decisions with their reasons, components of the exposure, kinds of limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.words import catalogue, language, money, note_text
from receivables.domain.risk.credit import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

VERDICTS: dict[str, tuple[str, str, str]] = {
    Verdict.OK: (note_text("Accord"), "paid", "check"),
    Verdict.WARN: (note_text("Attention"), "part", "alert"),
    Verdict.REVIEW: (note_text("À examiner"), "flight", "search"),
    Verdict.BLOCK: (note_text("Bloqué"), "late", "alert"),
}
"""Name, tone and icon of each decision."""
REASONS = {
    "no_limit": note_text("Aucune limite n'est fixée, pour un encours de %(reached)s."),
    "over_limit": note_text("Encours de %(reached)s pour une limite de %(limit)s : %(over)s de trop."),
    "derogated": note_text(
        "Encours de %(reached)s au-dessus de la limite de %(limit)s : une dérogation de %(derogation)s le permet."
    ),
    "near_limit": note_text("Encours de %(reached)s, soit %(percent)s %% de la limite de %(limit)s."),
    "insolvent": note_text("Une procédure collective est ouverte : %(kind)s."),
    "broken_plan": note_text("Un échéancier accordé n'a pas été tenu."),
    "overdue": note_text("%(overdue)s sont échus depuis plus de %(days)s jours, sans litige."),
    "other_currency": note_text("Un encours existe aussi dans une autre devise : %(currencies)s."),
    "insurer_withdrew": note_text("L'assureur-crédit a retiré sa garantie."),
    "cover_stopped": note_text(
        "La garantie de l'assureur est arrêtée : une facture a plus de retard que la police ne l'admet."
    ),
    "not_covered": note_text("Encours de %(reached)s, dont l'assureur-crédit couvre %(insured)s."),
    "group_over_limit": note_text("Encours du groupe (SIREN %(siren)s) : %(reached)s pour une limite de %(limit)s."),
    "group_near_limit": note_text("Encours du groupe (SIREN %(siren)s) : %(reached)s, près de sa limite de %(limit)s."),
}
"""Why a decision is not OK; amounts are filled in the reader's words."""
PROCEEDINGS = {
    "sauvegarde": note_text("sauvegarde"),
    "redressement": note_text("redressement judiciaire"),
    "liquidation": note_text("liquidation judiciaire"),
}
COMPONENT_NAMES = {
    "invoiced": note_text("Factures ouvertes"),
    "in_flight": note_text("Paiements non définitifs"),
    "contested": note_text("Paiements contestés"),
    "assigned": note_text("Cédé avec recours"),
    "delivered": note_text("Livré, non facturé"),
    "ordered": note_text("Commandes fermes"),
    "deposits": note_text("Acomptes reçus"),
    "credits": note_text("Avoirs et trop-perçus"),
}
LINE_KINDS = {
    "invoice": note_text("Facture"),
    "credit_note": note_text("Avoir"),
    "receipt": note_text("Versement non imputé"),
    "refund": note_text("Remboursement"),
    "refund_failed": note_text("Remboursement revenu"),
    "order": note_text("Commande ferme"),
    "delivery": note_text("Livraison à facturer"),
    "deposit_claim": note_text("Acompte déjà demandé par facture"),
    "deposit": note_text("Acompte encaissé"),
    "deducted": note_text("Acompte déduit ou rendu"),
    "contest": note_text("Contestation en cours"),
    "assigned": note_text("Facture chez l'affactureur"),
}
LIMIT_NAMES = {
    "internal": note_text("Limite interne"),
    "temporary": note_text("Limite temporaire"),
    "insured": note_text("Garantie de l'assureur"),
    "insured_temporary": note_text("Garantie temporaire de l'assureur"),
    "group": note_text("Limite du groupe"),
}
DEROGATION_STATES = {
    "asked": (note_text("Demandée"), "part", "clock"),
    "agreed": (note_text("Accordée"), "paid", "check"),
    "refused": (note_text("Refusée"), "late", "alert"),
    "ended": (note_text("Terminée"), "plain", "dot"),
}


def reason_sentence(code: str, facts: Mapping[str, Any], currency: str, spoken: str | None = None) -> str:
    """One reason as a sentence, in the reader's language or in ``spoken`` (``fr``, ``en``)."""
    spoken = spoken or language()
    said = {
        name.removesuffix("_minor"): money(value, currency, spoken) if name.endswith("_minor") else value
        for name, value in facts.items()
    }
    if code == "insolvent":
        said["kind"] = catalogue(spoken).gettext(PROCEEDINGS.get(str(facts["kind"]), str(facts["kind"])))
    return catalogue(spoken).gettext(REASONS[code]) % said
