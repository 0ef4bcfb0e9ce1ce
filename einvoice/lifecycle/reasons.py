"""The reason codes (*motifs*, MDT-113) that a status may carry, with short labels.

Which code goes with which status: rule BR-FR-CDV-CL-09 of the CDAR Schematron 1.4. Wanted actions: BR-FR-CDV-CL-10.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """A reason (MDT-113) with the label shown to people."""

    code: str
    french: str
    english: str


REASONS: dict[str, ReasonCode] = {
    code: ReasonCode(code, french, english)
    for code, french, english in (
        ("ADR_ERR", "Adresse de facturation électronique erronée", "Wrong electronic address"),
        ("ART_ERR", "Article incorrect", "Wrong item"),
        ("AUTRE", "Autre motif", "Other reason"),
        ("CALCUL_ERR", "Erreur de calcul", "Calculation error"),
        ("CMD_ERR", "Numéro de commande absent ou faux", "Order number missing or wrong"),
        ("CODE_ROUTAGE_ERR", "Code routage absent ou faux", "Routing code missing or wrong"),
        ("CONTACT_ACHTR", "Contacter l'acheteur", "Contact the buyer"),
        ("CONTRAT_TERM", "Contrat terminé", "Contract ended"),
        ("COORD_BANC_ERR", "Coordonnées bancaires fausses", "Wrong bank details"),
        ("DEST_ERR", "Mauvais destinataire", "Wrong recipient"),
        ("DEST_INC", "Destinataire inconnu", "Unknown recipient"),
        ("DOUBLE_FACT", "Données déjà facturées", "Already invoiced"),
        ("DOUBLON", "Facture en double", "Duplicate invoice"),
        ("EMMET_INC", "Fournisseur inconnu", "Unknown supplier"),
        ("IRR_ANTIVIRUS", "Fichier refusé par l'antivirus", "File refused by the virus scanner"),
        ("IRR_EXT_DOC", "Type de pièce jointe non admis", "Attachment type not allowed"),
        ("IRR_NOM_F", "Nom de fichier non admis", "File name not allowed"),
        ("IRR_NOM_PJ", "Nom de pièce jointe non admis", "Attachment name not allowed"),
        ("IRR_SYNTAX", "Syntaxe du fichier fausse", "Wrong file syntax"),
        ("IRR_TAILLE_F", "Fichier trop grand", "File too large"),
        ("IRR_TAILLE_PJ", "Pièce jointe trop grande", "Attachment too large"),
        ("IRR_TYPE_F", "Type de fichier non admis", "File type not allowed"),
        ("IRR_VIDE_F", "Fichier vide", "Empty file"),
        ("IRR_VID_PJ", "Pièce jointe vide", "Empty attachment"),
        ("JUSTIF_ABS", "Pièce justificative absente", "Supporting document missing"),
        ("LIVR_INCOMP", "Livraison incomplète", "Incomplete delivery"),
        ("MODPAI_ERR", "Conditions de paiement fausses", "Wrong payment terms"),
        ("MONTANTTOTAL_ERR", "Montant total faux", "Wrong total"),
        ("NON_CONFORME", "Mention légale manquante", "Legal mention missing"),
        ("NON_TRANSMISE", "Non transmise au destinataire", "Not transmitted to the recipient"),
        ("PU_ERR", "Prix unitaire faux", "Wrong unit price"),
        ("QTE_ERR", "Quantité fausse", "Wrong quantity"),
        ("QUALITE_ERR", "Qualité livrée incorrecte", "Poor quality delivered"),
        ("REF_CT_ABSENT", "Référence contractuelle absente", "Contract reference missing"),
        ("REF_ERR", "Référence fausse", "Wrong reference"),
        ("REJ_ADR", "Rejet : adresse", "Rejected: address"),
        ("REJ_ASS_PJ", "Rejet : rattachement d'une pièce jointe", "Rejected: attachment not linked"),
        ("REJ_COH", "Rejet : incohérence", "Rejected: inconsistent"),
        ("REJ_CONT_B2G", "Rejet : contrôle secteur public", "Rejected: public sector control"),
        ("REJ_REF_PJ", "Rejet : référence d'une pièce jointe", "Rejected: attachment reference"),
        ("REJ_SEMAN", "Rejet : règle sémantique", "Rejected: semantic rule"),
        ("REJ_UNI", "Rejet : unicité", "Rejected: not unique"),
        ("REM_ERR", "Remise fausse", "Wrong discount"),
        ("RETRAIT_MAN_SERV", "Retrait demandé par le service", "Withdrawn by the department"),
        ("ROUTAGE_ERR", "Erreur de routage", "Routing error"),
        ("SIRET_ERR", "SIRET absent ou faux", "SIRET missing or wrong"),
        ("ST_CT_NON_DECLAR", "Sous-traitant ou cotraitant non déclaré", "Undeclared subcontractor"),
        ("SUPPR_COMP_AVOIR", "Supprimée par compensation d'avoir", "Removed: offset by a credit note"),
        ("TRANSAC_INC", "Transaction inconnue", "Unknown transaction"),
        ("TRANSF_PMNT_REGIE", "Transférée pour paiement en régie", "Moved to payment by an imprest account"),
        ("TX_TVA_ERR", "Taux de TVA faux", "Wrong VAT rate"),
    )
}
"""Every reason code of the CDAR rules, by code."""

_PARTLY = (
    "AUTRE CMD_ERR SIRET_ERR CODE_ROUTAGE_ERR REF_CT_ABSENT REF_ERR PU_ERR REM_ERR QTE_ERR ART_ERR MODPAI_ERR "
    "QUALITE_ERR LIVR_INCOMP"
)
_DISPUTED = (
    f"{_PARTLY} COORD_BANC_ERR TX_TVA_ERR MONTANTTOTAL_ERR CALCUL_ERR NON_CONFORME DOUBLON DEST_INC DEST_ERR "
    "TRANSAC_INC EMMET_INC CONTRAT_TERM DOUBLE_FACT ADR_ERR"
)
_REFUSED = (
    "TX_TVA_ERR MONTANTTOTAL_ERR CALCUL_ERR NON_CONFORME DOUBLON DEST_ERR TRANSAC_INC EMMET_INC CONTRAT_TERM "
    "DOUBLE_FACT CMD_ERR ADR_ERR REF_CT_ABSENT"
)
_REJECTED = (
    "MONTANTTOTAL_ERR CALCUL_ERR DOUBLON DEST_INC ADR_ERR REJ_SEMAN REJ_UNI REJ_COH REJ_ADR REJ_CONT_B2G REJ_REF_PJ "
    "REJ_ASS_PJ"
)
_INADMISSIBLE = (
    "IRR_VIDE_F IRR_TYPE_F IRR_SYNTAX IRR_TAILLE_PJ IRR_NOM_PJ IRR_VID_PJ IRR_EXT_DOC IRR_TAILLE_F IRR_ANTIVIRUS "
    "IRR_NOM_F"
)

ALLOWED: dict[str, frozenset[str]] = {
    status: frozenset(codes.split())
    for status, codes in {
        "200": "NON_TRANSMISE",
        "206": _PARTLY,
        "207": _DISPUTED,
        "208": "JUSTIF_ABS COORD_BANC_ERR CMD_ERR SIRET_ERR CODE_ROUTAGE_ERR REF_CT_ABSENT REF_ERR",
        "210": _REFUSED,
        "213": _REJECTED,
        "221": "ROUTAGE_ERR",
        "501": _INADMISSIBLE,
    }.items()
}
"""The reasons that each status may carry between private parties."""

PUBLIC_BUYER_REFUSALS = ALLOWED["210"] | {
    "RETRAIT_MAN_SERV",
    "ST_CT_NON_DECLAR",
    "SUPPR_COMP_AVOIR",
    "TRANSF_PMNT_REGIE",
    "AUTRE",
    "COORD_BANC_ERR",
    "LIVR_INCOMP",
}
"""The reasons of a 210 that comes from Chorus Pro (sender 9999)."""

ACTIONS: dict[str, tuple[str, str]] = {
    "NOA": ("Aucune action", "No action"),
    "PIN": ("Fournir une information", "Provide information"),
    "NIN": ("Créer une facture rectificative", "Issue a corrective invoice"),
    "CNF": ("Créer un avoir total", "Issue a full credit note"),
    "CNP": ("Créer un avoir partiel", "Issue a partial credit note"),
    "CNA": ("Créer un avoir de ce montant", "Issue a credit note of this amount"),
    "OTH": ("Autre action", "Other action"),
}
"""What the other side is asked to do (MDT-121), with French and English labels."""


def reason(code: str) -> ReasonCode:
    """The reason of ``code``; a code outside the list is kept and labelled by itself."""
    return REASONS.get(code) or ReasonCode(code, code, code)
