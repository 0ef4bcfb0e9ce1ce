"""Payer names: what is left of one when a bank has cut it, and how like a customer's it is."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from payments.matching.texts import is_one_slip, plain

_LEGAL_FORMS = frozenset(
    {
        "SA",
        "SAS",
        "SASU",
        "SARL",
        "EURL",
        "SCI",
        "SNC",
        "SCP",
        "SCA",
        "SCM",
        "SELARL",
        "SELAS",
        "SCOP",
        "SEM",
        "SPL",
        "GIE",
        "EI",
        "EIRL",
        "EARL",
        "GAEC",
        "SCEA",
        "SCIC",
        "GMBH",
        "AG",
        "KG",
        "LTD",
        "LIMITED",
        "PLC",
        "LLC",
        "INC",
        "CORP",
        "BV",
        "NV",
        "SPRL",
        "SRL",
        "SPA",
        "SL",
        "SE",
        "OY",
        "AB",
        "ASSOCIATION",
        "ASSO",
        "SOCIETE",
        "STE",
        "ETS",
        "ETABLISSEMENTS",
        "ETABLISSEMENT",
        "ENTREPRISE",
        "ENT",
        "ENTP",
        "MONSIEUR",
        "MADAME",
        "MADEMOISELLE",
        "MR",
        "MME",
        "MLLE",
        "MELLE",
        "MRS",
        "CIE",
        "COMPAGNIE",
        "OU",
    }
)
_LINKS = frozenset(
    {"DE", "DU", "DES", "D", "LA", "LE", "LES", "L", "ET", "AND", "THE", "A", "AU", "AUX", "EN", "SUR", "PAR", "POUR"}
)
_BANK_WORDS = frozenset(
    {
        "VIR",
        "VIRT",
        "VRT",
        "VIREMENT",
        "VIREMENTS",
        "SEPA",
        "INST",
        "INSTANTANE",
        "INSTANT",
        "RECU",
        "RECUS",
        "DE",
        "FAVEUR",
        "TIERS",
        "DONNEUR",
        "ORDRE",
        "CREDIT",
        "PERMANENT",
        "PERM",
        "ORIGINE",
        "EMETTEUR",
        "NOM",
    }
)
"""What banks write before a name: ``VIR SEPA RECU /DE``, ``VIR INST``."""
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}[A-Z]?\b\.?")
_NAMED = re.compile(r"(?:^|\s)/?(?:DE|FROM|NOM)\s+(.+?)(?=\s*/|\s+(?:MOTIF|REF|LIB|ID|NOTPROVIDED)\b|$)")
_WORD = re.compile(r"[A-Z0-9]+")
MOST_BANK_WORDS = 6
LEAST_CUT = 12
"""Letters that a cut name must still have to speak for a customer: fewer begin too many names."""
PREFIX = 10
"""First letters under which cut names are looked up."""
LEAST_WORD = 4
MOST_WORDS = 4
_CLOSE, _ALIKE = 70, 45
"""Percent of the letters of two names that stand in words which both have."""


class Likeness(StrEnum):
    """How like the payer's name is a customer's."""

    SAME = "same"
    CUT = "cut"
    CLOSE = "close"
    ALIKE = "alike"
    OTHER = "other"
    UNTOLD = "untold"
    """The line has no name."""


@lru_cache(maxsize=300_000)
def words_of(name: str) -> tuple[str, ...]:
    """The words that tell one company from another: no legal forms, no links; all of them where nothing is left."""
    joined = _INITIALS.sub(lambda found: found.group().replace(".", ""), plain(name).replace("'", " "))
    every = tuple(_WORD.findall(joined))
    telling = tuple(each for each in every if each not in _LEGAL_FORMS and each not in _LINKS)
    return telling or every


def payer_of(counterparty: str, remittance: str) -> str:
    """The payer's name of a line: its own field without the bank's words, or what the text says behind ``/DE``."""
    if counterparty.strip():
        return _without_bank_words(plain(counterparty))
    text = plain(remittance)
    if not text.startswith(("VIR", "VRT", "SEPA", "/DE", "RECU")):
        return ""
    found = _NAMED.search(text)
    return _without_bank_words(found.group(1)) if found else ""


def _without_bank_words(name: str) -> str:
    words = re.split(r"[\s/]+", name.strip())
    if words[0] not in _BANK_WORDS - {"DE", "CREDIT", "TIERS"}:
        return " ".join(words)
    for _ in range(MOST_BANK_WORDS):
        if len(words) > 1 and words[0] in _BANK_WORDS:
            words = words[1:]
    return " ".join(words)


def keys_of(name: str) -> frozenset[str]:
    """Under which keys a name is looked up: whole, in any order, by its first letters, by its words."""
    words = words_of(name)
    whole = "".join(words)
    keys = {f"f:{whole}", f"s:{''.join(sorted(words))}"}
    if len(whole) >= PREFIX:
        keys.add(f"p:{whole[:PREFIX]}")
    long_words = [each for each in words if len(each) >= LEAST_WORD]
    return frozenset(keys | {f"w:{each}" for each in long_words[:MOST_WORDS]})


def prefix_key(name: str) -> str:
    """The key that every name which begins like this one shares."""
    return f"p:{''.join(words_of(name))[:PREFIX]}"


@lru_cache(maxsize=300_000)
def likeness(payer: str, customer: str) -> Likeness:
    """How like a payer's name of a bank line is a customer's."""
    told, known = words_of(payer) if payer else (), words_of(customer)
    if not told:
        return Likeness.UNTOLD
    whole_told, whole_known = "".join(told), "".join(known)
    if whole_told == whole_known or sorted(told) == sorted(known):
        return Likeness.SAME
    if len(whole_told) >= LEAST_CUT and whole_known.startswith(whole_told):
        return Likeness.CUT
    share = _shared(told, known)
    if share >= _CLOSE:
        return Likeness.CLOSE
    return Likeness.ALIKE if share >= _ALIKE else Likeness.OTHER


def _shared(told: tuple[str, ...], known: tuple[str, ...]) -> int:
    """Percent of letters in words that both names have, an abbreviation or a slip counting as the word."""
    left = list(known)
    common = 0
    for word in told:
        found = next((each for each in left if _is_same_word(word, each)), None)
        if found is not None:
            left.remove(found)
            common += len(word) + len(found)
    return common * 100 // (sum(map(len, told)) + sum(map(len, known)))


def _is_same_word(one: str, other: str) -> bool:
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= LEAST_WORD and (
        long.startswith(short) or (len(short) > LEAST_WORD and is_one_slip(one, other))
    )
