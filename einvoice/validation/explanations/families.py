"""Rules whose ids follow a pattern: the VAT categories, decimals, French variants, extensions and messages."""

from __future__ import annotations

import re

from einvoice.validation.explanations.catalogue import templates
from einvoice.validation.explanations.subject import Subject
from einvoice.validation.explanations.terms import terms_in

_VAT_RULE = re.compile(r"BR-(F[RX]EXT-)?(S|Z|E|AE|IC|G|O|AF|AG)-?(\d\d)(?:b|ini|rev)?")
_CATEGORIES = {
    "S": ("taux normal ou réduit (S)", "standard or reduced rate (S)"),
    "Z": ("taux zéro (Z)", "zero rate (Z)"),
    "E": ("exonéré (E)", "exempt (E)"),
    "AE": ("autoliquidation (AE)", "reverse charge (AE)"),
    "IC": ("livraison intracommunautaire (K)", "intra-community supply (K)"),
    "G": ("exportation hors de l'Union européenne (G)", "export outside the EU (G)"),
    "O": ("hors champ de la TVA (O)", "outside the scope of VAT (O)"),
    "AF": ("taxe des Canaries (L)", "tax of the Canary Islands (L)"),
    "AG": ("taxe de Ceuta et Melilla (M)", "tax of Ceuta and Melilla (M)"),
}
_WHAT = (
    ("Une ligne est", "A line is"),
    ("Une remise globale est", "A document discount is"),
    ("Des frais globaux sont", "A document charge is"),
)
_CATEGORY_TERMS = ("BT-151", "BT-95", "BT-102")
_RATE_TERMS = ("BT-152", "BT-96", "BT-103")
_TAXED = {"S", "AF", "AG"}
_IDENTIFIERS = {"AE": "VAT-02-BOTH", "IC": "VAT-02-IC", "G": "VAT-02-G", "O": "VAT-02-NONE"}
_RATES = {"S": "VAT-05-POSITIVE", "O": "VAT-05-ABSENT", "AF": "VAT-05-NONNEGATIVE", "AG": "VAT-05-NONNEGATIVE"}
_LINE_RULES, _RATE_RULES = range(2, 5), range(5, 8)
_SUMMARY, _BASE, _TAX, _REASON = 1, 8, 9, 10

_FRENCH_RULE = re.compile(r"BR-FR-((?:(?:CO|DEC|MV|BD)-)?\d+)(.*)", re.DOTALL)
_FRENCH_HEAD = re.compile(r"BR-FR-[A-Z0-9-]+/([^:\]]{2,60})[:\]]")
_FRENCH_TOKENS = re.compile(r"AAB|PMD|PMT|TXD|AFL|AVV|LM|\d+")
_NOTES = {"1": "PMT", "2": "PMD", "3": "AAB", "4": "TXD"}
_FRENCH_VARIANTS: dict[str, dict[str, str]] = {"05": _NOTES, "06": _NOTES, "15": {"2": "LM"}}
_MISNAMED = {
    "BR-FR-08_BT-151-2": ("FR-15-LM", ("BT-151",)),
    "BR-FR-15_BT-95_BT-118": ("FR-15", ("BT-118",)),
    "BR-FR-15_BT-95_BT-118_LM": ("FR-15-LM", ("BT-118",)),
    "BR-FR-15_BT-95_BT-151": ("FR-15", ("BT-151",)),
    "BR-FR-15_BT-95_BT-151_LM": ("FR-15-LM", ("BT-151",)),
    "BR-FR-30_BT-21": ("FR-31", ()),
    "BR-FR-MV-BD_BT-3": ("FR-BD-13", ()),
    "BR-FR-03_EXT-FR-FE-134": ("FR-03", ("BT-134",)),
    "BR-FR-03_EXT-FR-FE-135": ("FR-03", ("BT-135",)),
}
"""Ids of the published artefacts that name another rule or term than they test."""

_EXTENSION_RULE = re.compile(r"BR-F[RX]EXT-(?:BR-)?(.+)")
_EXTENSION_NAMES = {
    "01": "EXT-NOTE",
    "02": "EXT-LINE-NOTE",
    "03": "EXT-VAT-ONLY",
    "CL-20": "BR-CL-20",
    "CL-24": "BR-CL-24",
}
_RENAMED = {
    "BR-EXT-CL-07": "BR-CL-07",
    "CII-SR-470": "BR-CO-27",
    "UBL-FREXT-SR-48": "UBL-SR-48",
}
_DECIMALS = re.compile(r"BR-DEC-\d\d")
_DECIMAL_TERMS = dict(
    zip(
        ("01", "02", "05", "06", *(f"{n:02d}" for n in range(9, 15)), "15", "16", "17", "18", "19", "20"),
        ("92", "93", "99", "100", "106", "107", "108", "109", "110", "112", "111", "113", "114", "115", "116", "117"),
        strict=True,
    )
) | {"23": "131", "24": "136", "25": "137", "27": "141", "28": "142"}

_MESSAGE_RULE = re.compile(r"BR-FR-CDV-((?:CL-)?\d\d)_(?:MDT|MDG)-(.*)")
_STATUSES = {
    "200": ("déposée (200)", "submitted (200)"),
    "206": ("approuvée partiellement (206)", "partially approved (206)"),
    "207": ("en litige (207)", "disputed (207)"),
    "208": ("suspendue (208)", "suspended (208)"),
    "210": ("refusée (210)", "refused (210)"),
    "210B2G": ("refusée, secteur public (210)", "refused, public sector (210)"),
    "213": ("rejetée (213)", "rejected (213)"),
    "221": ("erreur de routage (221)", "routing error (221)"),
    "501": ("irrecevable (501)", "inadmissible (501)"),
}


def family_of(rule: str, message: str) -> Subject | None:
    """The explanation of a rule whose id follows a pattern; ``None`` where it follows none."""
    for resolve in (_renamed, _vat, _decimals, _lifecycle, _french, _extension, _own):
        subject = resolve(rule, message)
        if subject is not None and subject.key in templates():
            return subject
    return None


def _renamed(rule: str, _message: str) -> Subject | None:
    return Subject(_RENAMED[rule]) if rule in _RENAMED else None


def _vat(rule: str, _message: str) -> Subject | None:
    match = _VAT_RULE.fullmatch(rule)
    if match is None:
        return None
    category, number = match.group(2), int(match.group(3))
    words = {"cat": _CATEGORIES[category]}
    if number in _LINE_RULES:
        place = number - _LINE_RULES.start
        key = _IDENTIFIERS.get(category, "VAT-02-SELLER")
        return Subject(key, (_CATEGORY_TERMS[place],), words | {"what": _WHAT[place]})
    if number in _RATE_RULES:
        place = number - _RATE_RULES.start
        key = _RATES.get(category, "VAT-05-ZERO")
        return Subject(key, (_RATE_TERMS[place], _CATEGORY_TERMS[place]), words | {"what": _WHAT[place]})
    keys = {
        _SUMMARY: "VAT-01-SOME" if category in _TAXED else "VAT-01-ONE",
        _BASE: "VAT-08-TOLERANCE" if match.group(1) else "VAT-08",
        _TAX: "VAT-09" if category in _TAXED else "VAT-09-ZERO",
        _REASON: "VAT-10-NO-REASON" if category in {*_TAXED, "Z"} else "VAT-10-REASON",
    }
    return Subject(keys[number], words=words) if number in keys else None


def _decimals(rule: str, _message: str) -> Subject | None:
    term = _DECIMAL_TERMS.get(rule.removeprefix("BR-DEC-")) if _DECIMALS.fullmatch(rule) else None
    return Subject("FR-DEC-01", (f"BT-{term}",)) if term else None


def _lifecycle(rule: str, _message: str) -> Subject | None:
    match = _MESSAGE_RULE.fullmatch(rule)
    if match is None:
        return None
    number, rest = match.groups()
    variant = re.split(r"[_-]", rest)[-1]
    if number == "CL-09" and variant in _STATUSES:
        return Subject("CDV-CL-09-STATUS", words={"status": _STATUSES[variant]})
    key = f"CDV-{number}-{variant}"
    return Subject(key if key in templates() else f"CDV-{number}")


def _french(rule: str, message: str) -> Subject | None:
    if rule in _MISNAMED:
        key, terms = _MISNAMED[rule]
        return Subject(key, terms)
    match = _FRENCH_RULE.fullmatch(rule)
    if match is None:
        return None
    number, rest = match.groups()
    head = _FRENCH_HEAD.search(message)
    terms = (terms_in(head.group(1)) if head else ()) or terms_in(rest)
    return Subject(_french_key(number, rest), terms)


def _french_key(number: str, rest: str) -> str:
    if number == "01" and re.search(r"-\d+-2$", rest):
        return "FR-02"  # the UBL rules test length and characters under one number
    variants = _FRENCH_VARIANTS.get(number, {})
    for token in reversed(_FRENCH_TOKENS.findall(rest)):
        key = f"FR-{number}-{variants.get(token, token)}"
        if key in templates():
            return key
    return f"FR-{number}"


def _extension(rule: str, _message: str) -> Subject | None:
    match = _EXTENSION_RULE.fullmatch(rule)
    if match is None:
        return None
    name = match.group(1)
    return Subject(_EXTENSION_NAMES.get(name, f"EXT-{name}"))


def _own(rule: str, _message: str) -> Subject | None:
    """Codes of ours such as ``engine.died`` or ``container.no_xmp``: their own entry was sought before."""
    area, dot, _ = rule.partition(".")
    return Subject(area) if dot and area.islower() else None
