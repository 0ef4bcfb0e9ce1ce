"""MT940 (SWIFT): statements in tagged lines, with the ways in which banks structure field 86.

An own reader: the one library there is merges the statements of a file, has no line numbers, and takes a cancelled
credit (``RC``) for money that came in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payments.statements.errors import wrong
from payments.statements.fields import currency_of, day_of, french_iban, given, iban_of, minor_of, reference_in, tidy
from payments.statements.line import Statement, StatementLine
from payments.statements.mt940_texts import read_information

if TYPE_CHECKING:
    from datetime import date

_TAG = re.compile(r":(\d{2}[A-Z]?):(.*)", re.ASCII)
_LINE = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4})?(?P<sign>R?[CD])(?P<funds>[A-Z])?(?P<amount>\d[\d,]{0,14})"
    r"(?P<kind>[A-Z][A-Z0-9]{3})(?P<own>.*?)(?://(?P<bank>.*))?",
    re.ASCII,
)
_BALANCE = re.compile(r"([CD])(\d{2})(\d{2})(\d{2})([A-Z]{3})(\d[\d,]{0,17})", re.ASCII)
_SIGNS = {"C": 1, "D": -1, "RC": -1, "RD": 1}
"""A cancelled credit takes money away again, a cancelled debit gives it back (SWIFT, field 61 subfield 3)."""
_HALF_A_YEAR = 6
_KEPT = frozenset({"20", "25", "28C", "28", "60F", "60M", "61", "86", "62F", "62M"})


@dataclass(slots=True)
class _Field:
    tag: str
    place: str
    lines: list[str]


@dataclass(slots=True)
class _Open:
    """A statement that is being read."""

    reference: str = ""
    account: str = ""
    currency: str = ""
    opening: tuple[int, date] | None = None
    lines: list[StatementLine] = field(default_factory=list)
    pending: _Field | None = None


def read_mt940(text: str) -> list[Statement]:
    """The statements in ``text``; pages of one statement (60M, 62M) are put together.

    Raises:
        StatementError: with the line.
    """
    found: list[Statement] = []
    current = _Open()
    for each in _fields(text):
        if each.tag in {"60F", "60M"}:
            if each.tag == "60F" or current.opening is None:
                current.currency, current.opening = _balance(each)
        elif each.tag in {"62F", "62M"}:
            _settle(current, None)
            if each.tag == "62F":
                found.append(_closed(current, each))
                current = _Open()
        else:
            _take(current, each)
    if current.opening is not None or current.lines or current.pending:
        raise wrong(
            "cut_off",
            "The file ends before the closing balance (62F): it was cut off.",
            "Le fichier s'arrête avant le solde de clôture (62F) : il est tronqué.",
            each.place,
        )
    return found


def _fields(text: str) -> list[_Field]:
    """Tagged fields with the lines that go on; envelopes (``{1:...}``) and ``-`` between messages are passed over."""
    fields: list[_Field] = []
    for number, raw in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        line = re.sub(r"^\{.*\}\{4:", "", raw)  # spaces at its end may be part of a text that goes on
        tagged = _TAG.match(line)
        if tagged:
            fields.append(_Field(tagged[1], f"l. {number}", [tagged[2]]))
        elif line.rstrip() in {"-", "-}", ""} or line.startswith(("{", "-}")):
            continue
        elif fields:
            fields[-1].lines.append(line)
    return [each for each in fields if each.tag in _KEPT]


def _take(current: _Open, each: _Field) -> None:
    if each.tag == "20":
        current.reference = tidy(each.lines[0])
    elif each.tag == "25":
        current.account = _account(each)
    elif each.tag == "61":
        if current.opening is None:
            raise wrong(
                "wrong_record",
                "A movement (61) stands before the opening balance (60F).",
                "Un mouvement (61) précède le solde d'ouverture (60F).",
                each.place,
            )
        _settle(current, each)
    elif each.tag == "86" and current.pending is not None:
        current.lines.append(_line(current, current.pending, each.lines))
        current.pending = None


def _settle(current: _Open, following: _Field | None) -> None:
    """A movement without a field 86 is complete when the next field begins."""
    if current.pending is not None:
        current.lines.append(_line(current, current.pending, []))
    current.pending = following


def _account(told: _Field) -> str:
    """Field 25: an IBAN, a French RIB with or without its key, or what the bank writes."""
    text = tidy("".join(told.lines)).replace(" ", "").upper()
    parts = [each for each in re.split(r"[/.-]", text) if each]
    for each in (text, *parts[::-1]):
        if iban := iban_of(each[:-3] if re.fullmatch(r"[A-Z0-9]{15,34}(EUR|USD|GBP|CHF)", each) else each):
            return iban
    digits = "".join(parts)
    if re.fullmatch(r"\d{10}[0-9A-Z]{11}(\d{2})?", digits, re.ASCII):
        return french_iban(digits[:5], digits[5:10], digits[10:21]) or text
    if not text:
        raise wrong("no_account", "The account (25) is empty.", "Le compte (25) est vide.", told.place)
    return text


def _balance(told: _Field) -> tuple[str, tuple[int, date]]:
    """Fields 60 and 62: currency, signed minor units, day.

    Raises:
        StatementError: ``statement.wrong_balance``.
    """
    parts = _BALANCE.fullmatch(tidy(told.lines[0]).replace(" ", ""))
    if not parts:
        raise wrong(
            "wrong_balance",
            f"{told.lines[0][:40]!r} is not a balance.",
            f"{told.lines[0][:40]!r} n'est pas un solde.",
            told.place,
        )
    currency = currency_of(parts[5], told.place)
    minor = minor_of(parts[6], currency, told.place)
    return currency, (minor if parts[1] == "C" else -minor, day_of(parts[2], parts[3], parts[4], told.place))


def _closed(current: _Open, told: _Field) -> Statement:
    currency, (closing_minor, to_on) = _balance(told)
    if current.opening is None or not current.account or currency != current.currency:
        raise wrong(
            "wrong_record",
            "A closing balance (62F) without its account (25) and opening balance (60F) in the same currency.",
            "Un solde de clôture (62F) sans son compte (25) et son solde d'ouverture (60F) dans la même devise.",
            told.place,
        )
    return Statement(
        format="mt940",
        account=current.account,
        currency=currency,
        lines=tuple(current.lines),
        reference=current.reference,
        from_on=min([current.opening[1], *(line.booked_on for line in current.lines)]),
        to_on=to_on,
        opening_minor=current.opening[0],
        closing_minor=closing_minor,
    )


def _line(current: _Open, told: _Field, information: list[str]) -> StatementLine:
    parts = _LINE.fullmatch(told.lines[0].rstrip())
    if not parts:
        raise wrong(
            "wrong_record",
            f"{told.lines[0][:60]!r} is not a movement (61).",
            f"{told.lines[0][:60]!r} n'est pas un mouvement (61).",
            told.place,
        )
    value = parts["value"]
    value_on = day_of(value[:2], value[2:4], value[4:], told.place)
    amount_minor = minor_of(parts["amount"], current.currency, told.place) * _SIGNS[parts["sign"]]
    text = read_information(information, incoming=amount_minor > 0)
    extra = tidy(" ".join(told.lines[1:]))
    remittance = text.remittance or extra
    return StatementLine(
        place=told.place,
        booked_on=_booked_on(parts["entry"], value_on, told.place),
        value_on=value_on,
        amount_minor=amount_minor,
        currency=current.currency,
        counterparty=text.name,
        counterparty_iban=text.iban,
        remittance=remittance,
        structured_reference=text.structured or reference_in(remittance),
        end_to_end_id=text.end_to_end_id,
        mandate_ref=text.mandate_ref,
        bank_ref=given(parts["bank"]),
        bank_code=parts["kind"],
        return_code=text.return_code,
        entry=len(current.lines) + 1,
        details={
            name: kept
            for name, kept in {"own_ref": given(parts["own"]), "bank_text": extra, **text.details}.items()
            if kept
        },
    )


def _booked_on(month_and_day: str | None, value_on: date, place: str) -> date:
    """The booking day has no year: the one that lies nearest to the value day."""
    if month_and_day is None:
        return value_on
    month = int(month_and_day[:2])
    year = value_on.year
    if month - value_on.month > _HALF_A_YEAR:
        year -= 1
    elif value_on.month - month > _HALF_A_YEAR:
        year += 1
    return day_of(f"{year:04d}", month_and_day[:2], month_and_day[2:], place)
