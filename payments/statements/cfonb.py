"""CFONB 120: the French statement in lines of 120 characters (Relevé de compte sur support informatique, July 2004).

Records: 01 old balance, 04 movement, 05 more about the movement before (August 2007 for transfers), 07 new balance.
Amounts are 14 characters; the last digit is a letter that carries the sign too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payments.statements.errors import wrong
from payments.statements.fields import (
    MOST_PARTS,
    MOST_TEXT,
    currency_of,
    day_of,
    french_iban,
    given,
    iban_of,
    reference_in,
    tidy,
)
from payments.statements.line import Statement, StatementLine
from receivables.domain.money import exponent

if TYPE_CHECKING:
    from datetime import date

WIDTH = 120
_START = re.compile(r"\s*01\d{5} {4}[0-9A-Z ]{5}[A-Z]{3}\d", re.ASCII)
_POSITIVE, _NEGATIVE = "{ABCDEFGHI", "}JKLMNOPQR"
_PAYERS = ("NPY", "NPO")
_PAYEES = ("NBE", "NBU")
_NAMED = {"NPO": "ultimate_payer", "NBU": "ultimate_payee", "IPY": "payer_id", "IBE": "payee_id", "LEM": "issuer_label"}
"""Qualifiers of record 05 that are kept as details under a name of ours."""
_RIB_FIELDS = slice(2, 7), slice(11, 16), slice(21, 32)


@dataclass(slots=True)
class _Movement:
    """One record 04 with the records 05 behind it."""

    place: str
    record: str
    more: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Account:
    """What stands between a record 01 and its record 07."""

    account: str
    currency: str
    opening_minor: int
    from_on: date
    movements: list[_Movement] = field(default_factory=list)


def looks_like_cfonb(text: str) -> bool:
    """Whether ``text`` begins with an old balance of CFONB 120."""
    return bool(_START.match(text))


def read_cfonb(text: str) -> list[Statement]:
    """The statements in ``text``: one from each old balance to its new one.

    Raises:
        StatementError: ``statement.wrong_record`` and what fields refuse, with the line.
    """
    found: list[Statement] = []
    current: _Account | None = None
    for place, record in _records(text):
        code = record[:2]
        if code == "01":
            if current is not None:
                raise _out_of_place(place, "01")
            current = _opened(record, place)
        elif current is None or code not in {"04", "05", "07"} or (code == "05" and not current.movements):
            raise _out_of_place(place, code)
        elif code == "07":
            found.append(_closed(current, record, place))
            current = None
        elif code == "04":
            current.movements.append(_Movement(place, record))
        else:
            _add(current.movements[-1], record)
    if current is not None:
        raise wrong(
            "cut_off",
            "The file ends before the new balance (record 07): it was cut off.",
            "Le fichier s'arrête avant le nouveau solde (enregistrement 07) : il est tronqué.",
            place,
        )
    return found


def _records(text: str) -> list[tuple[str, str]]:
    """The records of 120 characters with their place; a file without line ends is cut at 120."""
    lines = re.split(r"\r\n|\n|\r", text)
    if len(lines) == 1 and len(text.rstrip()) > WIDTH:
        lines = [text[start : start + WIDTH] for start in range(0, len(text.rstrip()), WIDTH)]
    records = []
    for number, line in enumerate(lines, 1):
        if not line.strip("\x1a\x00 \t\ufeff"):
            continue
        if len(line.rstrip()) > WIDTH:
            raise wrong(
                "wrong_record",
                f"The record has {len(line.rstrip())} characters instead of {WIDTH}.",
                f"L'enregistrement a {len(line.rstrip())} caractères au lieu de {WIDTH}.",
                f"l. {number}",
            )
        records.append((f"l. {number}", line.rstrip().lstrip("\ufeff").ljust(WIDTH)))
    return records


def _opened(record: str, place: str) -> _Account:
    currency = currency_of(record[16:19], place)
    if record[19] != str(exponent(currency)):
        raise wrong(
            "wrong_record",
            f"{record[19]!r} decimals are told for {currency}, which has {exponent(currency)}.",
            f"{record[19]!r} décimales sont annoncées pour {currency}, qui en a {exponent(currency)}.",
            place,
        )
    bank, branch, number = (record[each] for each in _RIB_FIELDS)
    account = french_iban(bank, branch, number) or tidy(f"{bank}{branch}{number}").replace(" ", "")
    return _Account(account, currency, _minor(record[90:104], place), _day(record[34:40], place) or _no_day(place))


def _closed(current: _Account, record: str, place: str) -> Statement:
    return Statement(
        format="cfonb120",
        account=current.account,
        currency=current.currency,
        lines=tuple(_line(each, current.currency, number) for number, each in enumerate(current.movements, 1)),
        from_on=current.from_on,
        to_on=_day(record[34:40], place) or _no_day(place),
        opening_minor=current.opening_minor,
        closing_minor=_minor(record[90:104], place),
    )


def _add(movement: _Movement, record: str) -> None:
    """Keep a record 05; the same qualifier twice goes on in the next 70 characters."""
    qualifier = tidy(record[45:48]).upper()
    told = movement.more.get(qualifier, "")
    if len(told) < MOST_TEXT and len(movement.more) < MOST_PARTS:
        movement.more[qualifier] = told + record[48:118]


def _line(movement: _Movement, currency: str, number: int) -> StatementLine:
    record, more, place = movement.record, movement.more, movement.place
    amount_minor = _minor(record[90:104], place)
    booked_on = _day(record[34:40], place) or _no_day(place)
    incoming = amount_minor > 0
    label, remittance = tidy(record[48:79]), _remittance(more)
    returned = re.match(r"[A-Z]{2}\d{2}", more.get("RET", "").lstrip())
    account = next((each for name in ("CPY", "IPY", "CBE", "IBE") if (each := iban_of(more.get(name, "")[:34]))), None)
    names = _PAYERS if incoming or returned else _PAYEES
    return StatementLine(
        place=place,
        booked_on=booked_on,
        value_on=_day(record[42:48], place) or booked_on,
        amount_minor=amount_minor,
        currency=currency,
        counterparty=next((tidy(more[name]) for name in names if more.get(name, "").strip()), ""),
        counterparty_iban=account,
        remittance=tidy(f"{label} {remittance}") if remittance else label,
        structured_reference=reference_in(f"{more.get('LCS', '')} {remittance}"),
        end_to_end_id=given(more.get("RCN", "")[:35]),
        mandate_ref=given(more.get("RUM", "")[:35]),
        bank_ref=given(more.get("REF", "")[:35]) or given(record[104:120]),
        bank_code=tidy(record[32:34]) or None,
        return_code=returned.group() if returned else None,
        charges_minor=_charges(more.get("FEE", ""), currency),
        entry=number,
        details=_details(record, more, label),
    )


def _remittance(more: dict[str, str]) -> str:
    """The payer's words: two fields of 70 that were cut out of 140, and the free label."""
    words = tidy(more.get("LCC", "") + more.get("LC2", ""))
    for name in ("LCS", "LIB"):
        told = tidy(more.get(name, ""))
        if told and told not in words:
            words = f"{words} {told}".strip()
    return words


def _details(record: str, more: dict[str, str], label: str) -> dict[str, str]:
    told = {name: tidy(more[qualifier]) for qualifier, name in _NAMED.items() if tidy(more.get(qualifier, ""))}
    told |= {
        "label": label,
        "purpose": tidy(more.get("RCN", "")[35:]),
        "reject_code": tidy(record[40:42]),
        "return_text": tidy(more.get("RET", "")),
        "other_amount": _foreign(more.get("MMO", "")),
        "cheque": tidy(record[81:88]).strip("0"),
    }
    known = {*_NAMED, "LCC", "LC2", "LCS", "LIB", "RCN", "RUM", "REF", "NPY", "NBE", "RET", "MMO", "FEE"}
    told |= {name.lower(): tidy(text) for name, text in more.items() if name not in known}
    return {name: text for name, text in told.items() if name and text}


def _foreign(told: str) -> str:
    """The amount in the payer's currency: currency, decimals, 14 digits (``USD2`` and ``00000000012345``)."""
    found = re.match(r"([A-Z]{3})(\d)(\d{14})", told, re.ASCII)
    if not found:
        return ""
    digits, decimals = found[3].lstrip("0").zfill(int(found[2]) + 1), int(found[2])
    return f"{digits[: len(digits) - decimals]}{'.' if decimals else ''}{digits[len(digits) - decimals :]} {found[1]}"


def _charges(told: str, currency: str) -> int | None:
    found = re.match(r"([A-Z]{3})(\d)(\d{14})", told, re.ASCII)
    return int(found[3]) if found and found[1] == currency else None


def _minor(text: str, place: str) -> int:
    """Minor units of 13 digits and a letter: ``{`` and A to I add, ``}`` and J to R take away.

    Raises:
        StatementError: ``statement.wrong_amount``.
    """
    digits, letter = text[:13].replace(" ", "0"), text[13:14].upper()
    letter = {"é": "{", "É": "{", "è": "}", "È": "}"}.get(letter, letter)  # the French set of ISO 646 has no braces
    if not (digits.isdecimal() and digits.isascii() and letter and letter in _POSITIVE + _NEGATIVE):
        raise wrong(
            "wrong_amount",
            f"{text!r} is not an amount (13 digits and a letter).",
            f"{text!r} n'est pas un montant (13 chiffres et une lettre).",
            place,
        )
    if letter in _POSITIVE:
        return int(digits) * 10 + _POSITIVE.index(letter)
    return -(int(digits) * 10 + _NEGATIVE.index(letter))


def _day(text: str, place: str) -> date | None:
    """The day written ddmmyy; ``None`` where there is nothing."""
    return day_of(text[4:6], text[2:4], text[:2], place) if text.strip() and text != "000000" else None


def _no_day(place: str) -> date:
    raise wrong("wrong_date", "The date is missing.", "La date manque.", place)


def _out_of_place(place: str, code: str) -> Exception:
    return wrong(
        "wrong_record",
        f"A record {code!r} cannot stand here (01 old balance, 04 and 05 movements, 07 new balance).",
        f"Un enregistrement {code!r} n'a pas sa place ici (01 ancien solde, 04 et 05 mouvements, 07 nouveau solde).",
        place,
    )
