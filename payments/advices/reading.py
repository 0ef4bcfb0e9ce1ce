"""An advice as lines: what stands in a file, which invoice numbers it may name, which amounts it tells; no database.

Three kinds of files come: text lines of a PDF, tables (CSV), and bank notices of the payer (camt.053, camt.054). All of
them end as the same lines, so that one place decides which invoice is meant.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from payments.advices.errors import AdviceError
from payments.matching.numbers import read_mentions
from payments.matching.texts import plain
from payments.statements.camt import read_camt
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from payments.matching.numbers import Mention
    from payments.statements.line import StatementLine

MOST_ROWS = 5_000
MOST_LINES = 300
"""Lines that name an invoice: what a person can check on one page."""
MOST_SAID = 200
_MONEY = re.compile(
    r"(?<![\d,.])(?P<sign>[-\u2212(]?) ?(?P<whole>\d{1,3}(?:[ .']\d{3})+|\d{1,12})"
    r"[,.](?P<part>\d{2})(?!\d)(?P<after>[-)]?)"
)
_DAY = re.compile(
    r"(?<!\d)(?:(?P<d>[0-3]?\d)[/.](?P<m>[01]?\d)[/.](?P<y>20\d\d)|(?P<iy>20\d\d)-(?P<im>[01]\d)-(?P<id>[0-3]\d))(?!\d)"
)
_TOTAL = re.compile(
    r"\b(?:TOTAL|NET (?:A )?PAYE|NET A PAYER|MONTANT (?:DU |DE |TOTAL|REGLE|VIRE)|VOTRE (?:REGLEMENT|VIREMENT)"
    r"|AMOUNT PAID)\b"
)
_PAID_ON = re.compile(r"\b(?:VIREMENT|REGLEMENT|PAIEMENT|PAYMENT|VALUE DATE|EXECUTION|VALEUR)\b")
_NUMBER_HEADS = re.compile(r"FACTURE|INVOICE|PIECE|DOCUMENT|REFERENCE|NUMERO|\bN\b")
_AMOUNT_HEADS = re.compile(r"PAYE|PAID|REGLE|NET|MONTANT|AMOUNT|TTC")
_PLAIN_NUMBER = re.compile(r"[-\u2212]?\d{1,12}(?:[,.]\d{1,2})?-?")


@dataclass(frozen=True, slots=True)
class AdviceLine:
    """A line of an advice: its words, what may be invoice numbers in it, its amounts in hundredths, in their order."""

    said: str
    mentions: tuple[Mention, ...]
    amounts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReadAdvice:
    """What a file says: ``form`` is ``pdf``, ``csv`` or ``camt``; ``told_minor`` is the sum that it gives itself."""

    form: str
    lines: tuple[AdviceLine, ...]
    told_minor: int | None = None
    paid_on: date | None = None


def read_texts(texts: Sequence[str]) -> ReadAdvice:
    """The lines of a page."""
    lines, told, days = [], None, []
    for text in texts[:MOST_ROWS]:
        line = _line(text)
        words = plain(text)
        if _TOTAL.search(words) and line.amounts:
            told = abs(line.amounts[-1])
        elif line.mentions and line.amounts:
            lines.append(line)
        if _PAID_ON.search(words):
            days += _days(text)
    return ReadAdvice("pdf", tuple(lines[:MOST_LINES]), told or None, max(days, default=None))


def read_table(content: bytes) -> ReadAdvice:
    """The rows of a CSV file; columns are known by their heads, or by what stands in them.

    Raises:
        AdviceError: ``advice.no_text``.
    """
    rows = _rows(content)
    heads = [plain(cell) for cell in rows[0]] if not any(c.isdigit() for cell in rows[0] for c in cell) else []
    number_at = next((at for at, head in enumerate(heads) if _NUMBER_HEADS.search(head)), None)
    amount_at = _amount_column(heads)
    has_heads = number_at is not None or amount_at is not None
    lines, told = [], None
    for row in rows[1 if has_heads else 0 :]:
        amounts = _cell_amounts(row, amount_at)
        said = " · ".join(cell.strip() for cell in row if cell.strip())[:MOST_SAID]
        named = f"FACTURE {row[number_at]}" if number_at is not None and number_at < len(row) else said
        mentions = _numbers(named)
        if _TOTAL.search(plain(said)) and amounts:
            told = abs(amounts[-1])
        elif mentions and amounts:
            lines.append(AdviceLine(said, mentions, amounts))
    return ReadAdvice("csv", tuple(lines[:MOST_LINES]), told)


def read_notice(content: bytes, our_accounts: Iterable[str]) -> ReadAdvice:
    """The payments in a bank notice that went out to one of our accounts, or that name an invoice; nothing else of it.

    Raises:
        StatementError: it is no camt.053 or camt.054.
    """
    ours = set(our_accounts)
    found = [each for statement in read_camt(content) for each in statement.lines if each.amount_minor < 0]
    to_us = [each for each in found if each.counterparty_iban in ours] or [
        each for each in found if each.counterparty_iban is None and any(m.looks_like_ours for m in _mentions(each))
    ]
    lines = [
        AdviceLine(_said(each)[:MOST_SAID], _mentions(each), (_hundredths(each),)) for each in to_us if _mentions(each)
    ]
    told = sum(map(_hundredths, to_us))
    return ReadAdvice(
        "camt", tuple(lines[:MOST_LINES]), told or None, max((each.value_on for each in to_us), default=None)
    )


def _hundredths(line: StatementLine) -> int:
    """What went out, in hundredths as all amounts of an advice are, whatever the currency counts in."""
    return int(-Money(line.amount_minor, line.currency).decimal * 100)


def amounts_in(text: str) -> tuple[int, ...]:
    """The amounts in a line, in hundredths and in their order; below zero with a minus sign or in brackets."""
    spaced = re.sub(r"[\u00a0\u202f\t]", " ", text)
    found = []
    for told in _MONEY.finditer(spaced):
        minor = int(re.sub(r"\D", "", told["whole"])) * 100 + int(told["part"])
        negative = bool(told["sign"]) or told["after"] == "-"
        found.append(-minor if negative else minor)
    return tuple(found)


def _line(text: str) -> AdviceLine:
    return AdviceLine(" ".join(text.split())[:MOST_SAID], _numbers(text), amounts_in(text))


def _numbers(text: str) -> tuple[Mention, ...]:
    """What may be invoice numbers, once amounts in every way of writing them are out of the way."""
    return read_mentions(_MONEY.sub(" / ", text))


def _days(text: str) -> list[date]:
    found = []
    for told in _DAY.finditer(text):
        year, month, day = (int(told[a] or told[b]) for a, b in (("y", "iy"), ("m", "im"), ("d", "id")))
        if 1 <= month <= 12 and 1 <= day <= 28 + 3:  # noqa: PLR2004 -- of the calendar
            found += _existing(year, month, day)
    return found


def _existing(year: int, month: int, day: int) -> list[date]:
    try:
        return [date(year, month, day)]
    except ValueError:  # the 31st of a month that has none
        return []


def _rows(content: bytes) -> list[list[str]]:
    text = _decoded(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(";\t|,", key=lambda sign: (first.count(sign), -";\t|,".index(sign)))
    rows = [row for row in csv.reader(text.splitlines()[:MOST_ROWS], delimiter=delimiter) if any(map(str.strip, row))]
    if not rows:
        raise AdviceError(
            "advice.no_text",
            "There is no text in this file. Send the list with one invoice per line.",
            "Ce fichier ne contient aucun texte. Envoyez la liste avec une facture par ligne.",
        )
    return rows


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _amount_column(heads: Sequence[str]) -> int | None:
    """What was paid comes before what was asked for: the last column that the strongest word heads."""
    for word in ("PAYE", "PAID", "REGLE", "NET", "MONTANT", "AMOUNT", "TTC"):
        found = [at for at, head in enumerate(heads) if word in head and _AMOUNT_HEADS.search(head)]
        if found:
            return found[-1]
    return None


def _cell_amounts(row: Sequence[str], at: int | None) -> tuple[int, ...]:
    """The amounts of a row: of its column of amounts, else of every cell that is nothing but an amount."""
    if at is not None:
        return _cell(row[at]) if at < len(row) else ()
    return tuple(minor for cell in row for minor in amounts_in(cell))


def _cell(cell: str) -> tuple[int, ...]:
    """A cell of amounts; ``1200`` and ``1200,5`` are amounts there."""
    plainly = re.sub(r"[\s\u00a0\u202f'€]|EUR", "", cell)
    told = amounts_in(cell)
    if told or not _PLAIN_NUMBER.fullmatch(plainly):
        return told
    whole, _, part = plainly.strip("-\u2212").replace(",", ".").partition(".")
    minor = int(whole) * 100 + int(part.ljust(2, "0") or 0)
    return (-minor if plainly[0] in "-\u2212" or plainly[-1] == "-" else minor,)


def _said(line: StatementLine) -> str:
    return " ".join(each for each in (line.structured_reference, line.remittance, line.end_to_end_id) if each)


def _mentions(line: StatementLine) -> tuple[Mention, ...]:
    return _numbers(_said(line))
