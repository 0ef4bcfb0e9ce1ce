"""The result of a customer file's check as CSV, for spreadsheets: no cell of a stranger's file becomes a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from einvoice.directory.checks import RowVerdict

HEADS = {
    "fr": (
        "ligne",
        "nom",
        "numéro donné",
        "SIREN",
        "état",
        "adresse (BT-49)",
        "pourquoi",
        "à faire",
        "codes routage",
        "acheteur public",
        "interrogé le",
    ),
    "en": (
        "line",
        "name",
        "number given",
        "SIREN",
        "state",
        "address (BT-49)",
        "why",
        "to do",
        "routing codes",
        "public buyer",
        "asked at",
    ),
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARK = "\ufeff"
"""Spreadsheets take a file for UTF-8 by it."""


def write_table(
    rows: Iterable[tuple[int, str, str, str | None, RowVerdict | None]], language: str, *, marked: bool = True
) -> str:
    """Rows (line, name, number given, SIREN, verdict) as CSV with ``;``; ``marked`` begins with a byte order mark."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADS[language])
    for line, name, given, siren, verdict in rows:
        told = _verdict_cells(verdict, language) if verdict else [""] * 7
        writer.writerow([line, *(_plain(cell) for cell in (name, given, siren or "", *told))])
    return (_MARK if marked else "") + out.getvalue()


def _verdict_cells(verdict: RowVerdict, language: str) -> list[str]:
    return [
        verdict.state,
        verdict.address or "",
        verdict.said(language),
        verdict.next_step(language),
        " ".join(verdict.codes),
        {True: "1", False: "0"}[verdict.public],
        verdict.asked_at or "",
    ]


def _plain(cell: str) -> str:
    """``cell`` as text: what a spreadsheet would run begins with an apostrophe."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
