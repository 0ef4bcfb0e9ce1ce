"""Treasury lists as CSV: amounts in minor units beside their currency, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from payments.treasury.life import PaymentLine
    from payments.treasury.payouts import MovementLine
    from payments.treasury.positions import Comparison

CSV_MIME = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARK = "\ufeff"
"""Spreadsheets take a file for UTF-8 by it."""
HEADS = {
    "payments": {
        "fr": "paiement;commencé le;client;voie;moyen;état;référence;factures;monnaie;reçu;rendu;non imputé",
        "en": "payment;begun at;customer;road;method;state;reference;invoices;currency;received;returned;unallocated",
    },
    "movements": {
        "fr": "mouvement;jour;genre;objet;client;factures;monnaie;brut;frais;net;versement",
        "en": "movement;day;kind;object;customer;invoices;currency;gross;fee;net;payout",
    },
    "comparisons": {
        "fr": "jour;prestataire;genre;monnaie;nombre prestataire;prestataire;nombre livres;livres;écart;références",
        "en": "day;provider;kind;currency;provider count;provider;books count;books;gap;references",
    },
}


def payments_table(rows: Iterable[PaymentLine], language: str) -> str:
    """Payments, one per row."""
    return _table(
        "payments",
        language,
        (
            [
                str(row.attempt_id),
                row.at.isoformat(timespec="seconds"),
                row.customer_name,
                row.road,
                row.method,
                row.state,
                row.payment_ref or "",
                " ".join(row.invoices),
                row.currency,
                _amount(row.received_minor, row.currency),
                _amount(row.returned_minor, row.currency),
                _amount(row.credit_minor, row.currency),
            ]
            for row in rows
        ),
    )


def movements_table(rows: Iterable[MovementLine], language: str) -> str:
    """The movements of a payout, one per row."""
    return _table(
        "movements",
        language,
        (
            [
                row.movement_ref,
                row.moved_at.isoformat(timespec="seconds"),
                row.kind,
                row.object_ref,
                row.customer_name or "",
                " ".join(row.invoices),
                row.currency,
                _amount(row.gross_minor, row.currency),
                _amount(row.fee_minor, row.currency),
                _amount(row.net_minor, row.currency),
                row.payout_ref or "",
            ]
            for row in rows
        ),
    )


def comparisons_table(rows: Iterable[Comparison], language: str) -> str:
    """Daily comparisons, one per row."""
    return _table(
        "comparisons",
        language,
        (
            [
                row.compared_on.isoformat(),
                row.provider,
                row.kind,
                row.currency,
                str(row.provider_count),
                _amount(row.provider_minor, row.currency),
                str(row.books_count),
                _amount(row.books_minor, row.currency),
                _amount(row.gap_minor, row.currency),
                " ".join(str(each["ref"]) for each in row.differing),
            ]
            for row in rows
        ),
    )


def _table(name: str, language: str, rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADS[name][language].split(";"))
    for row in rows:
        writer.writerow([_plain(cell) for cell in row])
    return _MARK + out.getvalue()


def _amount(minor: int, currency: str) -> str:
    """``-12.30``: a number for every spreadsheet, never a formula."""
    return str(Money(minor, currency).decimal)


def _plain(cell: str) -> str:
    """``cell`` as text: what a spreadsheet would run begins with an apostrophe; a number below zero stays one."""
    number = cell.removeprefix("-").replace(".", "", 1).isdecimal()
    return f"'{cell}" if cell.startswith(_FORMULA) and not number else cell
