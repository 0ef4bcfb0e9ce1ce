"""camt.053 and camt.054 (ISO 20022): statements and notices in XML, any version from .02 on.

Names are looked for without their namespace: versions differ in wrappers (``Pty``, ``Sts/Cd``), not in what they say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from config.safe_xml import UnsafeXmlError, parse
from payments.statements.camt_lines import read_entry
from payments.statements.camt_tree import child, day_under, first, text_of, where
from payments.statements.errors import ASK_AGAIN, ASK_AGAIN_FR, StatementError, wrong
from payments.statements.fields import currency_of, iban_of, minor_of, tidy
from payments.statements.line import Remark, Statement

if TYPE_CHECKING:
    from datetime import date

    from lxml.etree import _Element

    from payments.statements.line import StatementLine

MAX_BYTES = 256 * 1024 * 1024
"""Largest file read, in bytes: a hundred thousand movements with details have about 120 MB."""
MAX_TAGS = 12_000_000
"""Most tags: a movement with details has about 60, each costs 130 bytes of memory."""
_BODIES = {"BkToCstmrStmt": ("camt.053", "Stmt"), "BkToCstmrDbtCdtNtfctn": ("camt.054", "Ntfctn")}
_OPENING, _CLOSING, _INTERIM = ("OPBD", "PRCD"), ("CLBD",), ("ITBD",)
_ROOM = {
    "xml.too_large": (
        "The file is larger than what is read at once. Ask the bank for one file per day or per account.",
        "Le fichier dépasse ce qui est lu d'un coup. Demandez à la banque un fichier par jour ou par compte.",
    ),
    "xml.doctype": (
        f"The file has a DOCTYPE or an entity, which no statement has. {ASK_AGAIN}",
        f"Le fichier a un DOCTYPE ou une entité, ce qu'aucun relevé n'a. {ASK_AGAIN_FR}",
    ),
    "xml.too_deep": (
        f"The file is nested deeper than any statement. {ASK_AGAIN}",
        f"Le fichier a plus de niveaux qu'aucun relevé. {ASK_AGAIN_FR}",
    ),
}


def read_camt(content: bytes) -> list[Statement]:
    """The statements or notices of a file; accounts reports (camt.052) are refused: their movements are not final.

    Raises:
        StatementError: with the entry and its line.
    """
    root = _parsed(content)
    for body_name, (kind, name) in _BODIES.items():
        body = child(root, body_name)
        if body is not None:
            return [_statement(each, kind) for each in body if first(each) == name]
    told = first(root[0]) if len(root) else first(root)
    raise StatementError(
        "statement.unknown_format",
        f"This XML is no camt.053 or camt.054 statement ({told}). Ask the bank for camt.053.",
        f"Ce XML n'est pas un relevé camt.053 ou camt.054 ({told}). Demandez du camt.053 à la banque.",
    )


def _parsed(content: bytes) -> _Element:
    try:
        return parse(content, max_bytes=MAX_BYTES, max_tags=MAX_TAGS)
    except UnsafeXmlError as error:
        told = _ROOM.get(error.code)
        if told is None:
            line = re.search(r"line (\d+)", str(error))
            raise wrong(
                "not_xml",
                "This is not well-formed XML.",
                "Ce n'est pas du XML bien formé.",
                f"l. {line[1]}" if line else "",
            ) from error
        raise StatementError(f"statement.{error.code.removeprefix('xml.')}", *told) from error


def _statement(told: _Element, kind: str) -> Statement:
    account, currency = _account(told)
    balances = _balances(told, currency) if kind == "camt.053" else {}
    lines: list[StatementLine] = []
    remarks: list[Remark] = []
    entries = [each for each in told if first(each) == "Ntry"]
    for number, entry in enumerate(entries, 1):
        found, remark = read_entry(entry, number, account, currency)
        lines += found
        remarks += [remark] if remark else []
    opening = _balance(balances, (*_OPENING, *_INTERIM), last=False)
    closing = _balance(balances, (*_CLOSING, *_INTERIM), last=True)
    period = child(told, "FrToDt")
    days = [line.booked_on for line in lines]
    from_on = (day_under(period, "FrDtTm") if period is not None else None) or (min(days) if days else None)
    to_on = (closing[1] if closing else None) or (max(days) if days else None)
    return Statement(
        format=kind,
        account=account,
        currency=currency,
        lines=tuple(lines),
        reference=tidy(text_of(told, "Id") or ""),
        from_on=from_on,
        to_on=to_on,
        opening_minor=opening[0] if opening else None,
        closing_minor=closing[0] if closing else None,
        is_notice=kind == "camt.054",
        remarks=tuple(remarks),
    )


def _account(told: _Element) -> tuple[str, str]:
    """The account's IBAN (or other number) and its currency; where that is not told, the one of a balance or entry."""
    account = child(told, "Acct")
    iban = text_of(account, "Id", "IBAN") if account is not None else None
    number = iban_of(iban) or tidy(iban or text_of(account, "Id", "Othr", "Id") or "").replace(" ", "").upper()
    if not number:
        raise wrong("no_account", "The account is not named (Acct/Id).", "Le compte manque (Acct/Id).", where(told))
    currency = text_of(account, "Ccy") if account is not None else None
    if currency is None:
        amount = next((e for e in told.iter() if first(e) == "Amt" and e.get("Ccy")), None)
        currency = amount.get("Ccy") if amount is not None else "EUR"
    return number, currency_of(currency or "", where(told))


def _balances(told: _Element, currency: str) -> dict[str, list[tuple[int, date | None]]]:
    """Balances by type, in their order: signed minor units and the day."""
    found: dict[str, list[tuple[int, date | None]]] = {}
    for each in told:
        if first(each) != "Bal":
            continue
        amount = child(each, "Amt")
        if amount is None or amount.get("Ccy", currency) != currency:
            continue
        minor = abs(minor_of(amount.text or "", currency, where(each)))
        sign = -1 if (text_of(each, "CdtDbtInd") or "").strip() == "DBIT" else 1
        kind = tidy(text_of(each, "Tp", "CdOrPrtry", "Cd") or "").upper()
        found.setdefault(kind, []).append((sign * minor, day_under(each, "Dt")))
    return found


def _balance(
    balances: dict[str, list[tuple[int, date | None]]], kinds: tuple[str, ...], *, last: bool
) -> tuple[int, date | None] | None:
    for kind in kinds:
        if told := balances.get(kind):
            return told[-1 if last else 0]
    return None
