"""Fields of statements, read strictly: amounts in minor units, legal days, account numbers, broken texts."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from stdnum import iban as ibans
from stdnum.exceptions import ValidationError

from payments.statements.errors import wrong
from receivables.domain.money import Money, MoneyError

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING_GIVEN = frozenset({"", "NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOREF", "NONE", "NONPROVIDED"})
"""What stands where a reference has to stand and there is none (EPC rule book, SWIFT)."""
_AMOUNT = re.compile(r"[+-]?\d{1,15}([.,]\d{0,5})?", re.ASCII)
_REFERENCE = re.compile(r"(?<![A-Z0-9])RF ?\d{2}(?: ?[A-Z0-9]){1,21}(?![A-Z0-9])")
_IN_TEXT = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Z0-9])")
_SPACES = re.compile(r"\s+")
_WIDTHS = (27, 35, 65, 70, 140)
"""Widths at which banks break texts: MT940 subfields and lines, CFONB and SEPA fields."""
MOST_TEXT = 4_000
"""Characters kept of one text: a payer has 140, a list of a hundred invoices 1,500. Whatever else a file says there is
cut off, so that no text costs more than its reading."""
MOST_PARTS = 200
"""Parts of one broken text; SWIFT has six lines, French banks up to twenty."""
_LONGEST_IBAN = 34
_MOD = 97
_PIVOT = "80"
"""Two-digit years: 80 and later are of the last century."""


def minor_of(text: str, currency: str, place: str) -> int:
    """Minor units of an amount written with a point or a comma; its sign is kept.

    Raises:
        StatementError: ``statement.wrong_amount``.
    """
    plain = text.strip().replace("\u00a0", "").replace(" ", "")
    try:
        return Money.of(plain.replace(",", ".") if _AMOUNT.fullmatch(plain) else "", currency).minor
    except MoneyError as error:
        raise wrong(
            "wrong_amount",
            f"{text[:40]!r} is not an amount in {currency}.",
            f"{text[:40]!r} n'est pas un montant en {currency}.",
            place,
        ) from error


def currency_of(text: str, place: str) -> str:
    """An ISO 4217 code.

    Raises:
        StatementError: ``statement.wrong_currency``.
    """
    code = text.strip().upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise wrong(
            "wrong_currency",
            f"{text[:20]!r} is not a currency code such as EUR.",
            f"{text[:20]!r} n'est pas un code de devise comme EUR.",
            place,
        )
    return code


def day_of(year: str, month: str, day: str, place: str) -> date:
    """The day that three texts name; years of two digits are of 1980 to 2079.

    Raises:
        StatementError: ``statement.wrong_date``.
    """
    century = {2: "19" if year >= _PIVOT else "20"}.get(len(year), "")
    try:
        return date.fromisoformat(f"{century}{year}-{month}-{day}")
    except ValueError as error:
        raise wrong(
            "wrong_date",
            f"{year}-{month}-{day} is not a day (year, month, day).",
            f"{year}-{month}-{day} n'est pas une date (année, mois, jour).",
            place,
        ) from error


def iban_of(text: str | None) -> str | None:
    """The IBAN in compact form, or ``None`` where it is none (ISO 13616, check digits included)."""
    compact = _SPACES.sub("", text or "").upper()
    if len(compact) > _LONGEST_IBAN:
        return None
    try:
        return str(ibans.validate(compact, check_country=False)) if compact else None
    except ValidationError:
        return None


def iban_in(text: str) -> str | None:
    """The first valid IBAN that stands in a free text."""
    return next((found for each in _IN_TEXT.findall(text.upper()) if (found := iban_of(each))), None)


def french_iban(bank: str, branch: str, account: str) -> str | None:
    """The IBAN of a French account: the RIB key and the check digits are computed (CFONB, ISO 7064)."""
    rib = f"{bank}{branch}{account}".upper()
    if not re.fullmatch(r"\d{10}[0-9A-Z]{11}", rib, re.ASCII):
        return None
    digits = "".join(_rib_digit(each) for each in rib)
    key = _MOD - (89 * int(digits[:5]) + 15 * int(digits[5:10]) + 3 * int(digits[10:])) % _MOD
    bban = f"{rib}{key:02d}"
    number = "".join(str(int(each, 36)) for each in f"{bban}FR00")
    return f"FR{98 - int(number) % _MOD:02d}{bban}"


def _rib_digit(letter: str) -> str:
    """The digit behind a letter of an account number: A and J are 1, S is 2 (CFONB)."""
    if letter.isdigit():
        return letter
    place = ord(letter) - ord("A")
    return str((place + (place > 17)) % 9 + 1)  # noqa: PLR2004 -- from S on the row starts at 2


def reference_in(text: str) -> str | None:
    """The first valid creditor reference (ISO 11649, ``RF18...``) in a text, without spaces."""
    for found in _REFERENCE.findall(text.upper()):
        words = found.split(" ")
        for count in range(len(words), 0, -1):  # the reference may end before the text does
            if reference := rf_of("".join(words[:count])):
                return reference
    return None


def rf_of(text: str) -> str | None:
    """The creditor reference in compact form, or ``None`` where it is none (ISO 11649: 25 characters, modulo 97)."""
    compact = _SPACES.sub("", text).upper()
    if not re.fullmatch(r"RF\d{2}[A-Z0-9]{1,21}", compact, re.ASCII):
        return None
    number = "".join(str(int(each, 36)) for each in compact[4:] + compact[:4])
    return compact if int(number) % _MOD == 1 else None


def given(text: str | None) -> str | None:
    """A reference without the words that stand for none."""
    told = tidy(text or "")
    return None if told.upper() in NOTHING_GIVEN else told


def tidy(text: str) -> str:
    """``text`` with single spaces and nothing that does not print, in at most `MOST_TEXT` characters."""
    return _SPACES.sub(" ", "".join(each if each.isprintable() else " " for each in text[:MOST_TEXT])).strip()


def joined(parts: Sequence[str]) -> str:
    """Texts that were broken into ``parts``: put together without a space where they were broken at full width.

    A part that fills a width at which banks break went on in the next part; every other part ended a word.
    """
    text, parts = "", parts[:MOST_PARTS]
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        text += part if last or _is_full(parts, index) else f"{part} "
    return tidy(text)


def _is_full(parts: Sequence[str], index: int) -> bool:
    width = len(parts[index])
    return width in _WIDTHS and all(len(each) == width for each in parts[: len(parts) - 1])


def decoded(content: bytes) -> str:
    """The text of a file of old: UTF-8 where it is that, else Windows-1252 (a superset of Latin-1 in print)."""
    plain = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return plain.decode("cp1252")
    except UnicodeDecodeError:
        return plain.decode("latin-1")
