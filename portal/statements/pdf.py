"""The statement of account as a PDF (PDF/A-3, PDF/UA-1)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.dates import format_date

from config.typeset import compile_pdf
from portal.statements.words import age_name, movement_name
from portal.telling.references import told_reference
from portal.words import LOCALES, day, gettext, language, money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from receivables.services.accounting.statements import Movement, OpenLine, Statement

TEMPLATE = Path(__file__).parent / "statement.typ"


@dataclass(frozen=True, slots=True)
class Heading:
    """Who writes to whom: ``seller`` with its legal line for the foot, ``customer`` with its account and address."""

    seller: str
    seller_line: str
    customer: str
    account: str
    address: tuple[str, ...]
    colour: str


def statement_pdf(heading: Heading, statements: Sequence[Statement], since: date, until: date) -> bytes:
    """The PDF in the reader's language.

    Raises:
        TypesetError: ``page.missing_glyph`` where a name has signs that the font lacks.
    """
    span = gettext("Du %(since)s au %(until)s") % {"since": day(since), "until": day(until)}
    view = {
        "language": language(),
        "words": {
            "title": gettext("Relevé de compte"),
            "account": gettext("Compte client"),
            "nothing": gettext("Aucun mouvement sur ce compte."),
        },
        "colour": heading.colour,
        "seller": heading.seller,
        "customer": heading.customer,
        "account": heading.account,
        "address": list(heading.address),
        "span": span,
        "footer": heading.seller_line,
        "accounts": [_account(each, several=len(statements) > 1) for each in statements],
    }
    return compile_pdf(TEMPLATE, {"view": json.dumps(view, ensure_ascii=False)})


def _account(statement: Statement, *, several: bool) -> dict[str, Any]:
    """One currency."""
    currency = statement.currency
    opening = gettext("Solde au %(day)s, avant les mouvements") % {"day": day(statement.since)}
    closing = gettext("Solde au %(day)s") % {"day": day(statement.until)}
    return {
        "title": gettext("Mouvements en %(currency)s") % {"currency": currency} if several else gettext("Mouvements"),
        "heads": [
            gettext("Date"),
            gettext("Opération"),
            gettext("Échéance"),
            gettext("Débit"),
            gettext("Crédit"),
            gettext("Solde"),
            gettext("Lettre"),
        ],
        "opening": [opening, money(statement.opening_minor, currency)],
        "rows": [_movement(each, currency) for each in statement.movements],
        "closing": [
            closing,
            money(statement.debit_minor, currency),
            money(statement.credit_minor, currency),
            money(statement.closing_minor, currency),
        ],
        "open_title": gettext("Reste ouvert au %(day)s") % {"day": day(statement.until)},
        "open_heads": [gettext("Référence"), gettext("Échéance"), gettext("Ancienneté"), gettext("Reste")],
        "open": [_open(each, statement.until) for each in statement.open_lines],
        "ages": [[age_name(age), money(minor, currency)] for age, minor in statement.ages.items()],
    }


def _movement(movement: Movement, currency: str) -> dict[str, str]:
    return {
        "day": _figures(movement.told_on),
        "kind": movement_name(movement.kind),
        "reference": told_reference(movement.reference),
        "due": _figures(movement.due_on) if movement.kind == "invoice" else "",
        "debit": money(movement.debit_minor, currency) if movement.debit_minor else "",
        "credit": money(movement.credit_minor, currency) if movement.credit_minor else "",
        "balance": money(movement.balance_minor, currency),
        "letters": movement.letters or "",
    }


def _open(line: OpenLine, until: date) -> list[str]:
    due = _figures(line.due_on) if line.open_minor > 0 else ""
    name = f"{movement_name(line.kind)} {told_reference(line.reference)}".rstrip()
    return [name, due, age_name(line.age(until)), money(line.open_minor, line.currency)]


def _figures(value: date) -> str:
    return format_date(value, "dd/MM/y", locale=LOCALES[language()])
