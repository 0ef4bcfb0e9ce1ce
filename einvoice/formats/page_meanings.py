"""What the codes of a document mean in words, French first.

Each entry is ``(French, English)``. A code without an entry is shown as it is: no meaning is ever guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from einvoice.formats.page_words import Words

TITLES: Mapping[str, Words] = {
    "261": ("Avoir", "Credit note"),
    "262": ("Avoir de remise globale", "Consolidated credit note"),
    "380": ("Facture", "Invoice"),
    "381": ("Avoir", "Credit note"),
    "384": ("Facture rectificative", "Corrective invoice"),
    "386": ("Facture d'acompte", "Deposit invoice"),
    "389": ("Facture", "Invoice"),
    "393": ("Facture affacturée", "Factored invoice"),
    "396": ("Avoir affacturé", "Factored credit note"),
    "471": ("Facture rectificative", "Corrective invoice"),
    "472": ("Facture rectificative affacturée", "Factored corrective invoice"),
    "473": ("Facture rectificative affacturée", "Factored corrective invoice"),
    "500": ("Facture d'acompte", "Deposit invoice"),
    "501": ("Facture affacturée", "Factored invoice"),
    "502": ("Avoir affacturé", "Factored credit note"),
    "503": ("Avoir d'acompte", "Deposit credit note"),
}
"""Titles by BT-3 (UNTDID 1001, the codes of BR-FR-04)."""
TITLE_OF_CREDIT: Words = ("Avoir", "Credit note")
TITLE_OF_INVOICE: Words = ("Facture", "Invoice")

DEPOSIT_FIGURE = "4"
"""Figure of BT-23 of an invoice after deposits, whose preceding invoices (BG-3) are those deposits."""

SELF_BILLED_TYPES = frozenset({"261", "389", "471", "473", "500", "501", "502"})
SELF_BILLED: Words = ("Autofacturation", "Self-billing")
"""The mention of CGI ann. II art. 242 nonies A where the buyer draws up the invoice."""

OPERATIONS: Mapping[str, Words] = {
    "B": ("Livraison de biens", "Supply of goods"),
    "S": ("Prestation de services", "Supply of services"),
    "M": ("Livraison de biens et prestation de services", "Supply of goods and of services"),
}
"""By the first letter of BT-23 (cadre de facturation)."""

TAX_POINTS: Mapping[str, Words] = {
    "invoice": ("à la date de la facture", "on the invoice date"),
    "delivery": ("à la livraison", "on delivery"),
    "payment": ("à l'encaissement", "on collection"),
}

VAT_ON_DEBITS: Words = (
    "Option pour le paiement de la taxe d'après les débits",
    "Option to pay VAT on debits (d'après les débits)",
)
"""The mention of a seller of services who took the option (décret 2022-1299)."""

VAT_CATEGORIES: Mapping[str, Words] = {
    "S": ("Taxé", "Taxed"),
    "Z": ("Taux zéro", "Zero rate"),
    "E": ("Exonéré", "Exempt"),
    "AE": ("Autoliquidation", "Reverse charge"),
    "K": ("Livraison intracommunautaire", "Intra-Community supply"),
    "G": ("Exportation", "Export"),
    "O": ("Hors champ", "Outside scope"),
    "L": ("IGIC", "IGIC"),
    "M": ("IPSI", "IPSI"),
}

NOTES: Mapping[str, Words] = {
    "AAB": ("Escompte", "Early-payment discount"),
    "AAI": ("Information", "Information"),
    "ABL": ("Immatriculation", "Registration"),
    "ACC": ("Affacturage", "Factoring"),
    "BAR": ("Traitement", "Processing"),
    "BLU": ("Éco-contribution", "Eco-contribution"),
    "PAI": ("Instructions de paiement", "Payment instructions"),
    "PMD": ("Pénalités de retard", "Late-payment penalties"),
    "PMT": ("Indemnité de recouvrement", "Recovery indemnity"),
    "REG": ("Statut juridique", "Legal status"),
    "SUR": ("Remarque du vendeur", "Supplier's remark"),
    "TXD": ("Régime de TVA", "VAT regime"),
}
"""Titles of notes by BT-21 (UNTDID 4451, as France uses them)."""

PAYMENT_MEANS: Mapping[str, Words] = {
    "10": ("Espèces", "Cash"),
    "20": ("Chèque", "Cheque"),
    "30": ("Virement", "Credit transfer"),
    "42": ("Versement sur compte bancaire", "Payment to bank account"),
    "48": ("Carte bancaire", "Bank card"),
    "49": ("Prélèvement", "Direct debit"),
    "54": ("Carte de crédit", "Credit card"),
    "55": ("Carte de débit", "Debit card"),
    "57": ("Accord permanent", "Standing agreement"),
    "58": ("Virement SEPA", "SEPA credit transfer"),
    "59": ("Prélèvement SEPA", "SEPA direct debit"),
    "68": ("Paiement en ligne", "Online payment"),
    "97": ("Compensation", "Clearing between partners"),
    "ZZZ": ("Selon accord", "Mutually defined"),
}
"""BT-81 (UNTDID 4461)."""

LINE_KINDS: Mapping[str, Words] = {
    "DETAIL": ("Détail", "Detail"),
    "GROUP": ("Regroupement, non additionné", "Group, not added up"),
    "INFORMATION": ("Pour information, non additionné", "For information, not added up"),
}
"""Kinds of sub-lines of EXTENDED profiles (EXT-FR-FE-163)."""

SCHEMES: Mapping[str, Words] = {
    "0002": ("SIREN", "SIREN"),
    "0009": ("SIRET", "SIRET"),
    "0060": ("DUNS", "DUNS"),
    "0088": ("GLN", "GLN"),
    "0160": ("GTIN", "GTIN"),
    "0199": ("LEI", "LEI"),
    "0223": ("N° TVA UE", "EU VAT number"),
    "0224": ("Code routage", "Routing code"),
    "0225": ("Adresse électronique", "Electronic address"),
    "0227": ("N° TVA hors UE", "Non-EU VAT number"),
    "0228": ("RIDET", "RIDET"),
    "0229": ("TAHITI", "TAHITI"),
    "0231": ("Assujetti unique", "Single taxable person"),
}
"""Names of identifier schemes (ISO 6523)."""
IDENTIFIER: Words = ("Identifiant", "Identifier")

PROCESSINGS: Mapping[str, Words] = {
    "ARCHIVEONLY": ("archivage seul", "archiving only"),
    "B2B": ("entre professionnels en France", "between businesses in France"),
    "B2BINT": ("entre professionnels, à l'international", "between businesses, international"),
    "B2C": ("à un particulier", "to a consumer"),
    "B2CINT": ("à un particulier, à l'international", "to a consumer, international"),
    "OUTOFSCOPE": ("hors du champ de la réforme", "outside the mandate"),
}
"""Values of the note BAR (BR-FR-20)."""
REGIMES: Mapping[str, Words] = {
    "MEMBRE_ASSUJETTI_UNIQUE": ("membre d'un assujetti unique", "member of a VAT group"),
}
"""Values of the note TXD."""

STANDINGS: Mapping[str, Words] = {
    "1": ("dépôt d'une facture", "invoice submitted"),
    "2": ("facture déjà payée", "invoice already paid"),
    "3": ("sous-traitant à paiement direct", "subcontractor paid directly"),
    "4": ("facture définitive après acompte", "final invoice after a deposit"),
    "5": ("facture d'un sous-traitant", "invoice of a subcontractor"),
    "6": ("facture d'un cotraitant", "invoice of a co-contractor"),
    "7": ("TVA déjà déclarée", "VAT already reported"),
    "8": ("facture de plusieurs vendeurs", "invoice of several sellers"),
    "9": ("autofacturation dans les deux sens", "two-way self-billing"),
}
"""The figure of BT-23 (cadre de facturation)."""

SUPPORTING_DOCUMENTS: Mapping[str, Words] = {
    "BON_COMMANDE": ("Bon de commande", "Purchase order"),
    "BON_LIVRAISON": ("Bon de livraison", "Delivery note"),
    "BORDEREAU_SUIVI": ("Bordereau de suivi", "Tracking slip"),
    "BORDEREAU_SUIVI_VALIDATION": ("Bordereau de suivi validé", "Validated tracking slip"),
    "DOCUMENT_ANNEXE": ("Document annexe", "Annex"),
    "ETAT_ACOMPTE": ("État d'acompte", "Statement of deposit"),
    "FACTURE_PAIEMENT_DIRECT": ("Facture en paiement direct", "Invoice for direct payment"),
    "FEUILLE_DE_STYLE": ("Feuille de style", "Style sheet"),
    "LISIBLE": ("Version lisible", "Readable version"),
    "PJA": ("Pièce jointe", "Attachment"),
    "RECAPITULATIF_COTRAITANCE": ("Récapitulatif de cotraitance", "Co-contracting summary"),
    "RIB": ("Relevé d'identité bancaire", "Bank details"),
}
"""BT-123 (the closed list of BR-FR-17)."""

ROLES: Mapping[str, Words] = {
    "AB": ("agent de l'acheteur", "buyer's agent"),
    "BY": ("acheteur", "buyer"),
    "DL": ("affactureur", "factor"),
    "II": ("émetteur de la facture", "issuer of the invoice"),
    "IV": ("destinataire de la facture", "invoicee"),
    "PE": ("bénéficiaire", "payee"),
    "PR": ("payeur", "payer"),
    "SE": ("vendeur", "seller"),
    "SR": ("agent du vendeur", "seller's agent"),
}
"""Roles of parties (UNTDID 3035)."""
