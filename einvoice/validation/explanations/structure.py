"""Rules on which fields a file may hold: they name the field in their own message, not in their id.

Sources: CII-SR, CII-DT, UBL-CR, UBL-DT and UBL-SR of EN 16931-3, FX-SCH of the Factur-X profiles.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from einvoice.validation.explanations.subject import Subject
from einvoice.validation.explanations.terms import Step, steps_of, terms_around
from einvoice.validation.explanations.wording import Pair, field_at, named, quoted, surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

_RULES = re.compile(r"(?:CII|UBL)-(?:FREXT-?|EXT-)?(?:SR|DT|CR)-.*|FX-SCH-.*|schematron\.unnamed")
_LABEL = re.compile(r"^\s*\[[^\]]*\]\s*-?\s*")

_NOT_ALLOWED = re.compile(r"not include (?:the |an? )?(.*)")
_EXTRA = re.compile(r"(?:This value in )?@?([A-Za-z]+?) ?(?:should |shall )?not be (?:present|used)")
_AT_MOST = re.compile(
    r"(?:Only one )?([A-Za-z ]+?) ?(?:with TypeCode \d+ )?"
    r"(?:(?:should|shall) (?:exist maximum|occur at most) once|(?:should|shall) be present)"
)
_ONE_TERM = re.compile(r"Only one (BT-\d+) element is allowed")
_EXACTLY = re.compile(r"([A-Za-z]+) must exist exactly once")

_OCCURS = re.compile(r"(?:must occur|may occur at) (exactly|maximum|at least) (\d+) times")
_OCCURRENCES = {"exactly": "ST-EXACT", "maximum": "ST-ONCE", "at least": "ST-MISSING"}
_QUOTED = re.compile(r"(?:Element(?: variant)?|Attribute|Value of) '?(?:@|ram:|rsm:|udt:|qdt:)?([A-Za-z]+)")

_UBL_JOINED = {
    "scheme identifier": "schemeID",
    "Identification code listID": "IdentificationCode listID",
    "Allowance Reason Code": "AllowanceCharge AllowanceChargeReasonCode",
    "Allowance Reason": "AllowanceCharge AllowanceChargeReason",
    "Allowance Multiplier Factor": "AllowanceCharge MultiplierFactorNumeric",
    "Buyer Item Identification": "BuyersItemIdentification",
    "Sellers Item Identification": "SellersItemIdentification",
    "External Document": "Attachment",
}
"""Names of several elements that the messages of UBL-CR write as words."""
_UBL_ONCE = {
    "01": "BT-12", "02": "BT-15", "03": "BT-16", "04": "BT-18", "05": "BT-20", "06": "BT-25", "08": "BG-14",
    "09": "BT-27", "10": "BT-28", "11": "BT-30", "12": "BT-31", "13": "BT-32", "14": "BT-33", "15": "BT-44",
    "16": "BT-46", "17": "BT-47", "18": "BT-48", "19": "BT-59", "20": "BT-60", "21": "BT-61", "22": "BT-62",
    "23": "BT-63", "24": "BG-13", "25": "BT-70", "26": "BT-83", "27": "BT-82", "28": "BT-89", "29": "BT-90",
    "30": "BT-97", "31": "BT-104", "32": "BT-120", "33": "BT-123", "34": "BT-127", "35": "BT-132", "36": "BG-26",
    "37": "BT-147", "39": "BT-11", "40": "BT-45", "45": "BT-9", "46": "BT-82", "49": "BT-7", "50": "BT-154",
    "51": "BT-162 BT-163", "52": "BT-128", "54": "BG-18", "55": "BG-19", "56": "BT-17",
}  # fmt: skip
"""UBL-SR rules *at most once*, by number."""
_OWN_KEYS = {"UBL-CR-665": "ST-SCHEME-OBJECT", "UBL-CR-666": "ST-BOTH", "UBL-CR-673": "ST-BOTH"}
_UNNAMED = "UNNAMED"


def structure_of(rule: str, message: str, location: str | None) -> Subject | None:
    """The explanation of a structural rule from what its message names; ``None`` for any other rule."""
    if _RULES.fullmatch(rule) is None:
        return None
    if rule in _OWN_KEYS:
        return Subject(_OWN_KEYS[rule])
    if rule.startswith("UBL-SR-"):
        return _once_in_ubl(rule.removeprefix("UBL-SR-"))
    read = next((read for prefix, read in _READERS if rule.startswith(prefix)), None)
    return read(_LABEL.sub("", message), steps_of(location)) if read else None


def _once_in_ubl(number: str) -> Subject | None:
    if number not in _UBL_ONCE:
        return None
    terms = tuple(_UBL_ONCE[number].split())
    return Subject("ST-ONCE", terms, {"field": quoted(terms), "where": ("", "")})


def _excluded_from_ubl(text: str, steps: tuple[Step, ...]) -> Subject | None:
    match = _NOT_ALLOWED.search(text)
    if match is None:
        return None
    written = re.split(r" or it should| unless | except | for ", match.group(1))[0]
    for phrase, element in _UBL_JOINED.items():
        written = written.replace(phrase, element)
    names = [name for part in written.split() for name in part.rsplit(":", maxsplit=1)[-1].split("/") if name.isalnum()]
    path = (*(steps[:1] or (Step("Invoice", 1),)), *(Step(name, 1) for name in names))
    words: dict[str, Pair] = {"field": named(names[-1:]), "where": surroundings(names[:-1])}
    return Subject("ST-EXTRA", terms_around(path), words)


_UBL_ATTRIBUTES = {
    "Scheme name": "schemeName", "Scheme agency name": "schemeAgencyName", "Scheme data uri": "schemeDataURI",
    "Scheme uri": "schemeURI", "Format": "format", "Unit code list identifier": "unitCodeListID",
    "Unit code list agency identifier": "unitCodeListAgencyID", "Unit code list agency name": "unitCodeListAgencyName",
    "List agency name": "listAgencyName", "List name": "listName", "Name": "name", "Language identifier": "languageID",
    "List uri": "listURI", "List scheme uri": "listSchemeURI", "Language local identifier": "languageLocaleID",
    "Uri": "uri", "Currency code list version id": "currencyCodeListVersionID", "CharacterSetCode": "CharacterSetCode",
    "EncodingCode": "EncodingCode", "Scheme Agency ID": "schemeAgencyID", "List Agency ID": "listAgencyID",
}  # fmt: skip


def _attribute_of_ubl(text: str, steps: tuple[Step, ...]) -> Subject | None:
    label = re.split(r" (?:attribute )?should", text)[0]
    attribute = _UBL_ATTRIBUTES.get(label)
    if attribute is None:
        return None
    where = surroundings(step.name for step in steps)
    return Subject("ST-EXTRA", terms_around(steps), {"field": named([attribute]), "where": where})


def _in_cii(text: str, steps: tuple[Step, ...]) -> Subject | None:
    one_term = _ONE_TERM.search(text)
    if one_term:
        terms = (one_term.group(1),)
        return Subject("ST-ONCE", terms, {"field": quoted(terms), "where": ("", "")})
    for key, pattern in (("ST-EXACT", _EXACTLY), ("ST-EXTRA", _EXTRA), ("ST-ONCE", _AT_MOST)):
        match = pattern.search(text)
        if match:
            names = [word for word in match.group(1).split() if word not in {"of", "in"}]
            if " of " in match.group(1):  # "DefinedTradeContact of SellerTradeParty"
                names.reverse()
            return _at(key, (*steps, *(Step(name, 1) for name in names)), steps)
    return None


def _in_facturx(text: str, steps: tuple[Step, ...]) -> Subject:
    match = _QUOTED.search(text)
    if match is None:
        return Subject(_UNNAMED)
    here = (*steps, Step(match.group(1), 1))
    occurs = _OCCURS.search(text)
    if occurs:
        kind, number = occurs.groups()
        subject = _at("ST-TWICE" if kind == "maximum" and number != "1" else _OCCURRENCES[kind], here, steps)
        return Subject(subject.key, subject.terms, subject.words | {"number": (number, number)})
    if "is required" in text:
        return _at("ST-MISSING", here, steps)
    return _at("ST-VALUE" if "not allowed" in text else "ST-EXTRA", here, steps)


def _at(key: str, path: tuple[Step, ...], location: tuple[Step, ...]) -> Subject:
    """The field at ``path``; where the location already ends with it, the location itself."""
    inner = path[len(location) :]
    names = tuple(step.name for step in inner)
    if tuple(step.name for step in location[-len(names) :]) == names:
        path = location
    terms, words = field_at(path)
    return Subject(key, terms, words)


_READERS: tuple[tuple[str, Callable[[str, tuple[Step, ...]], Subject | None]], ...] = (
    ("UBL-CR-", _excluded_from_ubl),
    ("UBL-FREXT-CR-", _excluded_from_ubl),
    ("UBL-DT-", _attribute_of_ubl),
    ("CII-", _in_cii),
    ("FX-SCH-", _in_facturx),
    ("schematron.", _in_facturx),
)
