"""The description that goes with a FEC (LPF art. A47 A-1, II): every field, every code, how the file is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from receivables.domain.accounting.fec import ENCODINGS, FIELDS, JOURNALS, WORDS

if TYPE_CHECKING:
    from receivables.domain.accounting.fec import FecTotals

MEANINGS = dict(
    zip(
        FIELDS,
        (
            ("texte", "code du journal"),
            ("texte", "libellé du journal"),
            ("texte", "numéro de l'écriture : code du journal et rang, continu par journal et par exercice"),
            ("date", "date de comptabilisation"),
            ("texte", "numéro du compte du plan comptable général"),
            ("texte", "libellé du compte"),
            ("texte", "compte auxiliaire du client ; vide hors des comptes de clients"),
            ("texte", "nom du client ; vide hors des comptes de clients"),
            ("texte", "référence de la pièce : numéro de facture, référence du paiement, de la ligne de banque"),
            ("date", "date de la pièce ; avant la date de comptabilisation si la période était déjà clôturée"),
            ("texte", "nature de l'écriture, et nom du client s'il y en a un"),
            ("montant", "débit en euros"),
            ("montant", "crédit en euros"),
            ("texte", "lettrage : présent sur les groupes soldés seulement"),
            ("date", "date de lettrage : la plus récente des écritures du groupe"),
            ("date", "date de validation de l'écriture"),
            ("montant", "montant dans la devise d'origine, positif au débit, négatif au crédit ; vide en euros"),
            ("texte", "code ISO 4217 de la devise d'origine ; vide en euros"),
        ),
        strict=True,
    )
)


def describe_fec(name: str, period: str, totals: FecTotals, encoding: str, left_out: tuple[str, ...]) -> str:
    """The notice as text; ``left_out`` are sentences about what is not in the file."""
    lines = [
        f"Description du fichier {name}",
        "",
        f"Exercice : {period}. {totals.entries} écritures, {totals.lines} lignes.",
        "Contenu : journaux des ventes, des encaissements et opérations diverses des comptes de clients. Le fichier ne",
        "remplace pas le FEC de toute la comptabilité : il n'a ni à-nouveaux, ni achats, ni paie, et se joint à elle.",
        *left_out,
        "",
        "Technique",
        f"- jeu de caractères : {ENCODINGS[encoding]} ; un signe absent du jeu devient le plus proche, ou ?",
        "- fichier à plat de structure unique, longueur variable ; première ligne : nom des champs",
        "- séparateur de champs : tabulation ; fin d'enregistrement : retour chariot et saut de ligne",
        "- dates : AAAAMMJJ ; montants : virgule décimale, sans séparateur de milliers, signe en tête",
        "- ordre : date de validation, journal, numéro d'écriture",
        "",
        "Champs",
        *(f"{place:2}. {field} ({MEANINGS[field][0]}) : {MEANINGS[field][1]}" for place, field in enumerate(FIELDS, 1)),
        "",
        "Codes",
        *(f"- journal {code} : {label}" for code, label in JOURNALS.items()),
        f"- natures d'écriture : {', '.join(dict.fromkeys(WORDS.values()))}",
        "- lettrage : AA à ZZ puis AAA, par compte auxiliaire et année ; suivi de deux chiffres de l'année si",
        "  l'exercice couvre deux années civiles",
        "- devises : montants convertis au taux que porte la facture, sinon au taux du jour de la pièce",
        "",
    ]
    return "\r\n".join(lines)
