"""Units of measure (BT-130): which codes exist, what they are called, and which one somebody meant.

Source: UN/ECE recommendations 20 and 21 as EN 16931 restricts them (BR-CL-23); the words are ours.
"""

from __future__ import annotations

import unicodedata
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

UNITS: Mapping[str, tuple[str, str, str, str]] = {
    "2N": ("dB", "dB", "dB", "dB"),
    "4K": ("mA", "mA", "mA", "mA"),
    "4L": ("Mo", "Mo", "MB", "MB"),
    "ACR": ("acre", "acres", "acre", "acres"),
    "ACT": ("activité", "activités", "activity", "activities"),
    "AMP": ("A", "A", "A", "A"),
    "ANN": ("an", "ans", "year", "years"),
    "BAR": ("bar", "bars", "bar", "bars"),
    "C62": ("unité", "unités", "unit", "units"),
    "CEL": ("°C", "°C", "°C", "°C"),
    "CLT": ("cl", "cl", "cl", "cl"),
    "CMK": ("cm²", "cm²", "cm²", "cm²"),
    "CMQ": ("cm³", "cm³", "cm³", "cm³"),
    "CMT": ("cm", "cm", "cm", "cm"),
    "CTM": ("carat", "carats", "carat", "carats"),
    "DAY": ("jour", "jours", "day", "days"),
    "DMQ": ("dm³", "dm³", "dm³", "dm³"),
    "DMT": ("dm", "dm", "dm", "dm"),
    "DTN": ("quintal", "quintaux", "decitonne", "decitonnes"),
    "DZN": ("douzaine", "douzaines", "dozen", "dozen"),
    "DZP": ("douzaine de paquets", "douzaines de paquets", "dozen packs", "dozen packs"),
    "E34": ("Go", "Go", "GB", "GB"),
    "E35": ("To", "To", "TB", "TB"),
    "E48": ("prestation", "prestations", "service", "services"),
    "E49": ("jour ouvré", "jours ouvrés", "working day", "working days"),
    "E51": ("tâche", "tâches", "job", "jobs"),
    "E54": ("trajet", "trajets", "trip", "trips"),
    "EA": ("pièce", "pièces", "each", "each"),
    "GRM": ("g", "g", "g", "g"),
    "GRO": ("grosse", "grosses", "gross", "gross"),
    "H18": ("ha", "ha", "ha", "ha"),
    "H87": ("pièce", "pièces", "piece", "pieces"),
    "HLT": ("hl", "hl", "hl", "hl"),
    "HUR": ("heure", "heures", "hour", "hours"),
    "IE": ("personne", "personnes", "person", "people"),
    "KGM": ("kg", "kg", "kg", "kg"),
    "KMT": ("km", "km", "km", "km"),
    "KVA": ("kVA", "kVA", "kVA", "kVA"),
    "KVT": ("kV", "kV", "kV", "kV"),
    "KWH": ("kWh", "kWh", "kWh", "kWh"),
    "KWT": ("kW", "kW", "kW", "kW"),
    "LEF": ("feuille", "feuilles", "leaf", "leaves"),
    "LM": ("m linéaire", "m linéaires", "linear m", "linear m"),
    "LPA": ("l d'alcool pur", "l d'alcool pur", "l of pure alcohol", "l of pure alcohol"),
    "LS": ("forfait", "forfaits", "lump sum", "lump sums"),
    "LTR": ("l", "l", "l", "l"),
    "MAW": ("MW", "MW", "MW", "MW"),
    "MGM": ("mg", "mg", "mg", "mg"),
    "MIL": ("millier", "milliers", "thousand", "thousand"),
    "MIN": ("min", "min", "min", "min"),
    "MLT": ("ml", "ml", "ml", "ml"),
    "MMK": ("mm²", "mm²", "mm²", "mm²"),
    "MMT": ("mm", "mm", "mm", "mm"),
    "MON": ("mois", "mois", "month", "months"),
    "MTK": ("m²", "m²", "m²", "m²"),
    "MTQ": ("m³", "m³", "m³", "m³"),
    "MTR": ("m", "m", "m", "m"),
    "MWH": ("MWh", "MWh", "MWh", "MWh"),
    "NAR": ("article", "articles", "article", "articles"),
    "NMI": ("mille marin", "milles marins", "nautical mile", "nautical miles"),
    "NMP": ("paquet", "paquets", "pack", "packs"),
    "NPT": ("pièce", "pièces", "part", "parts"),
    "OA": ("panneau", "panneaux", "panel", "panels"),
    "P1": ("%", "%", "%", "%"),
    "PR": ("paire", "paires", "pair", "pairs"),
    "QAN": ("trimestre", "trimestres", "quarter", "quarters"),
    "RM": ("rame", "rames", "ream", "reams"),
    "SAN": ("semestre", "semestres", "half-year", "half-years"),
    "SEC": ("s", "s", "s", "s"),
    "SET": ("lot", "lots", "set", "sets"),
    "SMI": ("mille", "milles", "mile", "miles"),
    "STN": ("tonne courte", "tonnes courtes", "short ton", "short tons"),
    "TKM": ("t·km", "t·km", "t·km", "t·km"),
    "TNE": ("t", "t", "t", "t"),
    "VLT": ("V", "V", "V", "V"),
    "WEE": ("semaine", "semaines", "week", "weeks"),
    "WHR": ("Wh", "Wh", "Wh", "Wh"),
    "WTT": ("W", "W", "W", "W"),
    "XBE": ("ballot", "ballots", "bundle", "bundles"),
    "XBG": ("sac", "sacs", "bag", "bags"),
    "XBO": ("bouteille", "bouteilles", "bottle", "bottles"),
    "XBX": ("boîte", "boîtes", "box", "boxes"),
    "XCA": ("canette", "canettes", "can", "cans"),
    "XCR": ("cageot", "cageots", "crate", "crates"),
    "XCS": ("caisse", "caisses", "case", "cases"),
    "XCT": ("carton", "cartons", "carton", "cartons"),
    "XCY": ("bouteille de gaz", "bouteilles de gaz", "cylinder", "cylinders"),
    "XDR": ("fût", "fûts", "drum", "drums"),
    "XEN": ("enveloppe", "enveloppes", "envelope", "envelopes"),
    "XJR": ("bocal", "bocaux", "jar", "jars"),
    "XKG": ("fût de bière", "fûts de bière", "keg", "kegs"),
    "XPA": ("paquet", "paquets", "packet", "packets"),
    "XPK": ("colis", "colis", "package", "packages"),
    "XPP": ("pièce", "pièces", "piece", "pieces"),
    "XPX": ("palette", "palettes", "pallet", "pallets"),
    "XRO": ("rouleau", "rouleaux", "roll", "rolls"),
    "XSA": ("sac", "sacs", "sack", "sacks"),
    "XTU": ("tube", "tubes", "tube", "tubes"),
    "XUN": ("unité", "unités", "unit", "units"),
}
"""Words of the units that French invoices use: French singular and plural, English singular and plural."""

MEANT: Mapping[str, str] = {
    "annee": "ANN",
    "forfaitaire": "LS",
    "gramme": "GRM",
    "h": "HUR",
    "hectare": "H18",
    "heures": "HUR",
    "hrs": "HUR",
    "j": "DAY",
    "jh": "DAY",
    "journee": "DAY",
    "jours": "DAY",
    "kilo": "KGM",
    "kilogramme": "KGM",
    "kilometre": "KMT",
    "km": "KMT",
    "kwh": "KWH",
    "litre": "LTR",
    "m2": "MTK",
    "m3": "MTQ",
    "metre": "MTR",
    "metre carre": "MTK",
    "metre cube": "MTQ",
    "metre lineaire": "LM",
    "minute": "MIN",
    "ml": "LM",
    "mois": "MON",
    "nuit": "DAY",
    "nuitee": "DAY",
    "pce": "H87",
    "pcs": "H87",
    "piece": "H87",
    "pieces": "H87",
    "tonne": "TNE",
    "u": "C62",
    "unite": "C62",
    "unites": "C62",
}
"""What people write instead of a code, without accents and in small letters."""


@cache
def unit_codes() -> frozenset[str]:
    """Every code that an invoice may use."""
    text = resources.files("einvoice.codelists").joinpath("units.txt").read_text(encoding="ascii")
    return frozenset(code for line in text.splitlines() if not line.startswith("#") for code in line.split())


def label(code: str, language: str, quantity: Decimal | None = None) -> str:
    """The unit in words for ``quantity``, French (``fr``) or English; the code itself where we have no word for it.

    French counts as plural from 2 on, English everything but 1.
    """
    if code not in UNITS:
        return code
    singular_fr, plural_fr, singular_en, plural_en = UNITS[code]
    if quantity is None:
        return singular_fr if language == "fr" else singular_en
    if language == "fr":
        return plural_fr if abs(quantity) >= 2 else singular_fr  # noqa: PLR2004 -- French grammar: 1,99 is singular
    return singular_en if abs(quantity) == 1 else plural_en


def suggest(written: str) -> str | None:
    """The code that somebody who wrote ``written`` probably meant (``HEURE`` gives ``HUR``), or ``None``."""
    plain = _plain(written)
    if plain.upper() in unit_codes():
        return plain.upper()
    words = _words()
    if plain in words:
        return words[plain]
    close = get_close_matches(plain, words, n=1)
    return words[close[0]] if close else None


@cache
def _words() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for code, (one_fr, more_fr, one_en, more_en) in UNITS.items():
        for word in (one_fr, more_fr, one_en, more_en):
            found.setdefault(_plain(word), code)
    return {**found, **MEANT}


def _plain(text: str) -> str:
    """``text`` in small letters without accents; the sign of a square or a cube becomes its digit."""
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
