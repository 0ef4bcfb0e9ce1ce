"""The words of the readable page, French first, and what the codes of the document mean in both languages.

Each entry is ``(French, English)``. A code without an entry is shown as it is: no meaning is ever guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

Words = tuple[str, str]

LABELS: Mapping[str, Words] = {
    "account_debited": ("Compte débité", "Debited account"),
    "accounting_reference": ("Référence comptable", "Accounting reference"),
    "allowance": ("Remise", "Discount"),
    "allowances": ("Remises", "Discounts"),
    "amount": ("Montant HT", "Net amount"),
    "attachment": ("Pièce jointe", "Attachment"),
    "bank_holder": ("Titulaire", "Account holder"),
    "bic": ("BIC", "BIC"),
    "buyer": ("Facturé à", "Billed to"),
    "buyer_item": ("Réf. client", "Your item"),
    "buyer_reference": ("Référence client", "Buyer reference"),
    "card": ("Carte", "Card"),
    "card_holder": ("Titulaire de la carte", "Card holder"),
    "charge": ("Frais", "Charge"),
    "charges": ("Frais", "Charges"),
    "class": ("Classement", "Class"),
    "consult": ("Consulter en ligne", "View online"),
    "contract": ("Contrat", "Contract"),
    "credited": ("À votre crédit", "Credit to you"),
    "creditor_id": ("Identifiant créancier SEPA (ICS)", "SEPA creditor identifier"),
    "currency": ("Devise de la facture", "Invoice currency"),
    "currency_accounting": ("Devise de comptabilisation de la TVA", "VAT accounting currency"),
    "delivered_on": ("Livraison ou exécution", "Supplied on"),
    "delivery": ("Livré à", "Delivered to"),
    "description": ("Désignation", "Description"),
    "despatch_advice": ("Bon d'expédition", "Despatch advice"),
    "due": ("À payer", "Amount due"),
    "due_on": ("Échéance", "Due date"),
    "endpoint_buyer": ("Adresse électronique du client", "Buyer's electronic address"),
    "endpoint_seller": ("Adresse électronique du vendeur", "Seller's electronic address"),
    "exemption": ("Exonération de TVA", "VAT exemption"),
    "frame": ("Cadre de facturation", "Business process"),
    "gross_price": ("Prix brut", "List price"),
    "holder_account": ("Compte", "Account"),
    "iban": ("IBAN", "IBAN"),
    "issued_on": ("Date d'émission", "Issue date"),
    "line_object": ("Objet facturé", "Invoiced object"),
    "lines_total": ("Total des lignes HT", "Sum of lines"),
    "mandate": ("Référence de mandat (RUM)", "Mandate reference"),
    "means": ("Moyen de paiement", "Payment means"),
    "number": ("N°", "No."),
    "object": ("Objet facturé", "Invoiced object"),
    "of_base": ("sur", "of"),
    "operation": ("Catégorie de l'opération", "Category of operation"),
    "order": ("Commande", "Order"),
    "order_line": ("Ligne de commande", "Order line"),
    "origin": ("Origine", "Origin"),
    "page": ("page", "page"),
    "parent_line": ("sous la ligne", "below line"),
    "pay": ("Payer {amount} en ligne", "Pay {amount} online"),
    "pay_heading": ("Régler cette facture", "Pay this invoice"),
    "pay_scan": ("Scanner pour payer en ligne", "Scan to pay online"),
    "payee": ("Payer à", "Pay to"),
    "payment_heading": ("Paiement", "Payment"),
    "per": ("par", "per"),
    "period": ("Période", "Period"),
    "preceding": ("Facture d'origine", "Original invoice"),
    "prepaid": ("Déjà payé", "Already paid"),
    "price": ("Prix unitaire HT", "Unit price"),
    "price_discount": ("remise", "discount"),
    "profile": ("Profil", "Profile"),
    "project": ("Projet", "Project"),
    "quantity": ("Quantité", "Quantity"),
    "receiving_advice": ("Avis de réception", "Receiving advice"),
    "remittance": ("Référence à rappeler", "Payment reference"),
    "representative": ("Représentant fiscal", "Tax representative"),
    "rounding": ("Arrondi", "Rounding"),
    "sales_order": ("Commande vendeur", "Sales order"),
    "scan_view": ("Scanner pour consulter", "Scan to view"),
    "seller": ("Émetteur", "From"),
    "seller_item": ("Réf.", "Item"),
    "sepa_scan": ("Virement SEPA : scanner avec l'application bancaire", "SEPA transfer: scan with your banking app"),
    "settle_in_favour": ("Solde en votre faveur", "Balance in your favour"),
    "settled": ("Reste à payer", "Balance due"),
    "structured": ("Données de la facture électronique", "Electronic invoice data"),
    "tax_id": ("Identifiant fiscal", "Tax registration"),
    "tax_point": ("Exigibilité de la TVA", "VAT due"),
    "tax_point_date": ("Date d'exigibilité de la TVA", "VAT point date"),
    "tender": ("Appel d'offres ou lot", "Tender or lot"),
    "terms": ("Conditions de paiement", "Payment terms"),
    "trading_name": ("Nom commercial", "Trading name"),
    "type": ("Type de document", "Document type"),
    "vat": ("TVA", "VAT"),
    "vat_accounting": ("dont TVA en {currency}", "VAT in {currency}"),
    "vat_base": ("Base HT", "Taxable amount"),
    "vat_heading": ("Ventilation de la TVA", "VAT breakdown"),
    "vat_id": ("TVA", "VAT"),
    "vat_rate": ("Taux", "Rate"),
    "vat_total": ("Total TVA", "Total VAT"),
    "with_vat": ("Total TTC", "Total incl. VAT"),
    "without_vat": ("Total HT", "Total excl. VAT"),
}

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
    "ABL": ("Informations légales", "Legal information"),
    "ACC": ("Affacturage", "Factoring"),
    "BAR": ("Traitement", "Processing"),
    "BLU": ("Éco-contribution", "Eco-contribution"),
    "PAI": ("Instructions de paiement", "Payment instructions"),
    "PMD": ("Pénalités de retard", "Late-payment penalties"),
    "PMT": ("Indemnité de recouvrement", "Recovery indemnity"),
    "REG": ("Informations légales", "Legal information"),
    "SUR": ("Remarque du vendeur", "Supplier's remark"),
    "TXD": ("Régime de TVA", "VAT regime"),
}
"""Titles of notes by BT-21 (UNTDID 4451, as France uses them)."""
NOTE: Words = ("Note", "Note")

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
    "0228": ("RIDET", "RIDET"),
    "0229": ("TAHITI", "TAHITI"),
    "0231": ("Assujetti unique", "Single taxable person"),
}
"""Names of identifier schemes (ISO 6523)."""
IDENTIFIER: Words = ("Identifiant", "Identifier")

UNITS: Mapping[str, tuple[str, str, str, str]] = {
    "4L": ("Mo", "Mo", "MB", "MB"),
    "ACT": ("activité", "activités", "activity", "activities"),
    "ANN": ("an", "ans", "year", "years"),
    "C62": ("unité", "unités", "unit", "units"),
    "CMT": ("cm", "cm", "cm", "cm"),
    "DAY": ("jour", "jours", "day", "days"),
    "DZN": ("douzaine", "douzaines", "dozen", "dozen"),
    "E34": ("Go", "Go", "GB", "GB"),
    "E35": ("To", "To", "TB", "TB"),
    "E48": ("prestation", "prestations", "service", "services"),
    "E49": ("jour ouvré", "jours ouvrés", "working day", "working days"),
    "E51": ("tâche", "tâches", "job", "jobs"),
    "E54": ("trajet", "trajets", "trip", "trips"),
    "EA": ("pièce", "pièces", "each", "each"),
    "GRM": ("g", "g", "g", "g"),
    "H87": ("pièce", "pièces", "piece", "pieces"),
    "HLT": ("hl", "hl", "hl", "hl"),
    "HUR": ("heure", "heures", "hour", "hours"),
    "IE": ("personne", "personnes", "person", "people"),
    "KGM": ("kg", "kg", "kg", "kg"),
    "KMT": ("km", "km", "km", "km"),
    "KWH": ("kWh", "kWh", "kWh", "kWh"),
    "LM": ("m linéaire", "m linéaires", "linear m", "linear m"),
    "LS": ("forfait", "forfaits", "lump sum", "lump sums"),
    "LTR": ("l", "l", "l", "l"),
    "MIN": ("min", "min", "min", "min"),
    "MLT": ("ml", "ml", "ml", "ml"),
    "MMT": ("mm", "mm", "mm", "mm"),
    "MON": ("mois", "mois", "month", "months"),
    "MTK": ("m²", "m²", "m²", "m²"),
    "MTQ": ("m³", "m³", "m³", "m³"),
    "MTR": ("m", "m", "m", "m"),
    "MWH": ("MWh", "MWh", "MWh", "MWh"),
    "NAR": ("article", "articles", "article", "articles"),
    "NPT": ("pièce", "pièces", "part", "parts"),
    "P1": ("%", "%", "%", "%"),
    "PR": ("paire", "paires", "pair", "pairs"),
    "QAN": ("trimestre", "trimestres", "quarter", "quarters"),
    "SAN": ("semestre", "semestres", "half-year", "half-years"),
    "SEC": ("s", "s", "s", "s"),
    "SET": ("lot", "lots", "set", "sets"),
    "TKM": ("t·km", "t·km", "t·km", "t·km"),
    "TNE": ("t", "t", "t", "t"),
    "WEE": ("semaine", "semaines", "week", "weeks"),
    "XBG": ("sac", "sacs", "bag", "bags"),
    "XBO": ("bouteille", "bouteilles", "bottle", "bottles"),
    "XBX": ("boîte", "boîtes", "box", "boxes"),
    "XCS": ("caisse", "caisses", "case", "cases"),
    "XCT": ("carton", "cartons", "carton", "cartons"),
    "XPA": ("paquet", "paquets", "packet", "packets"),
    "XPK": ("colis", "colis", "package", "packages"),
    "XPP": ("pièce", "pièces", "piece", "pieces"),
    "XPX": ("palette", "palettes", "pallet", "pallets"),
    "XRO": ("rouleau", "rouleaux", "roll", "rolls"),
    "XUN": ("unité", "unités", "unit", "units"),
}
"""UN/ECE recommendation 20 and 21 units that French invoices use: singular and plural in each language."""

LANGUAGES = ("fr", "en")


def choose(words: Words, language: str) -> str:
    """The word in ``language`` (``fr`` or ``en``)."""
    return words[LANGUAGES.index(language)]


def meaning(codes: Mapping[str, Words], code: str, language: str) -> str:
    """What ``code`` means, or the code itself where we have no word for it."""
    return choose(codes[code], language) if code in codes else code


def unit_word(code: str, quantity: Decimal, language: str) -> str:
    """The unit in words for ``quantity``: French counts as plural from 2 on, English everything but 1."""
    if code not in UNITS:
        return code
    singular_fr, plural_fr, singular_en, plural_en = UNITS[code]
    if language == "fr":
        return plural_fr if abs(quantity) >= 2 else singular_fr  # noqa: PLR2004 # French grammar: 1,99 is singular
    return singular_en if abs(quantity) == 1 else plural_en
