"""Read what an agency or insurer told: facts out of a JSON answer or a row of a file, as their driver says."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from portal.agencies.driver import BureauError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.agencies.driver import Driver

MAX_ROWS = 20_000
"""Rows of one file: a portfolio of customers."""
MAX_FILE_BYTES = 16 * 1024 * 1024
"""Largest file, in bytes: twenty thousand rows of long text."""


def read_json(content: bytes, driver: Driver) -> Any:
    """A JSON document with its numbers exact.

    Raises:
        BureauError: ``bureau.unreadable``.
    """
    try:
        return json.loads(content, parse_float=Decimal)
    except ValueError as error:
        raise BureauError(
            "bureau.unreadable",
            f"{driver.title} answered with something that is no JSON.",
            f"{driver.title} a répondu autre chose que du JSON.",
        ) from error


def at_path(document: Any, path: str) -> Any:
    """What stands at ``a.b.0.c`` of a document, ``None`` where nothing does; an empty path is the document itself."""
    found = document
    for step in path.split(".") if path else ():
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def read_rows(content: bytes, driver: Driver) -> list[dict[str, str]]:
    """The rows of a CSV file (UTF-8, or Windows-1252 as spreadsheets write it), by the names that our fields have.

    Raises:
        BureauError: ``bureau.file_too_large``, ``bureau.no_file_format`` or ``bureau.wrong_columns``.
    """
    if not driver.columns:
        raise BureauError(
            "bureau.no_file_format",
            f"No file format is known of {driver.title}: use the general one.",
            f"Aucun format de fichier n'est connu pour {driver.title} : prenez le format général.",
        )
    if len(content) > MAX_FILE_BYTES:
        raise BureauError(
            "bureau.file_too_large",
            f"The file has more than {MAX_FILE_BYTES // 2**20} MiB: split it.",
            f"Le fichier dépasse {MAX_FILE_BYTES // 2**20} Mio : coupez-le.",
        )
    reader = csv.DictReader(io.StringIO(_text(content)), delimiter=driver.delimiter)
    missing = [name for name in _needed(driver) if name not in (reader.fieldnames or ())]
    if missing:
        raise BureauError(
            "bureau.wrong_columns",
            f"The file has no column {', '.join(missing)}; {driver.title} has {', '.join(driver.columns.values())}.",
            f"Il manque au fichier : {', '.join(missing)}. {driver.title} a : {', '.join(driver.columns.values())}.",
        )
    rows: list[dict[str, str]] = []
    for row in reader:
        if len(rows) == MAX_ROWS:
            raise BureauError(
                "bureau.file_too_large",
                f"The file has more than {MAX_ROWS} rows: split it.",
                f"Le fichier a plus de {MAX_ROWS} lignes : coupez-le.",
            )
        rows.append({field: (row.get(column) or "").strip() for field, column in driver.columns.items()})
    return rows


def values_of(document: Any, driver: Driver) -> dict[str, Any]:
    """The facts of a JSON document, by the names that ours have."""
    return {name: at_path(document, path) for name, path in driver.fields.items()}


def read_day(told: Any, driver: Driver, field: str) -> date | None:
    """A day as the driver writes it, or in ISO 8601; ``None`` where none is told.

    Raises:
        BureauError: ``bureau.wrong_day``.
    """
    text = str(told or "").strip()
    if not text:
        return None
    for pattern in (driver.day_format, "%Y-%m-%d"):
        try:
            return datetime.strptime(text[:10], pattern).date()  # noqa: DTZ007 -- a day has no time zone
        except ValueError:
            continue
    raise BureauError(
        "bureau.wrong_day",
        f"{driver.title}: {field} is {text[:20]!r}, which is no day written as {driver.day_format}.",
        f"{driver.title} : {field} vaut {text[:20]!r}, qui n'est pas une date au format {driver.day_format}.",
    )


def read_minor(told: Any, driver: Driver, field: str) -> int | None:
    """An amount in whole cents: ``12 345,67``, ``12345.67`` or a number; ``None`` where none is told.

    Raises:
        BureauError: ``bureau.wrong_amount``.
    """
    exact = _decimal(told, driver, field)
    if exact is None:
        return None
    minor = exact * 100
    if minor < 0 or minor != minor.to_integral_value():
        raise _wrong_amount(told, driver, field)
    return int(minor)


def read_score(told: Any, driver: Driver) -> int | None:
    """A score on 0 to 100, from the driver's own scale; ``None`` where it is in words.

    Raises:
        BureauError: ``bureau.wrong_score``: beyond the scale.
    """
    try:
        exact = Decimal(str(told).strip().replace(",", ".").partition("/")[0])
    except InvalidOperation:
        return None
    if not 0 <= exact <= driver.scale:
        raise BureauError(
            "bureau.wrong_score",
            f"{driver.title}: the score {told} is beyond its scale, 0 to {driver.scale}.",
            f"{driver.title} : la note {told} sort de son échelle, de 0 à {driver.scale}.",
        )
    return int((exact * 100 / driver.scale).to_integral_value())


def word(told: Any, driver: Driver, field: str) -> str | None:
    """A word of the other side in ours; ``None`` where the driver does not know it."""
    known = driver.words.get(field, {})
    text = str(told or "").strip()
    return known.get(text) or known.get(text.lower())


def told_hash(told: Mapping[str, Any]) -> str:
    """The SHA-256 by which the same answer is known again."""
    return hashlib.sha256(to_json(dict(sorted(told.items()))).encode()).hexdigest()


def _needed(driver: Driver) -> list[str]:
    return [column for name, column in driver.columns.items() if name in {"siren", "reported_on", "reference"}]


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _decimal(told: Any, driver: Driver, field: str) -> Decimal | None:
    text = "".join(str(told if told is not None else "").split()).replace("\u202f", "").replace(",", ".")
    if not text:
        return None
    try:
        found = Decimal(text.rstrip("€"))
    except InvalidOperation as error:
        raise _wrong_amount(told, driver, field) from error
    if not found.is_finite():
        raise _wrong_amount(told, driver, field)
    return found


def _wrong_amount(told: Any, driver: Driver, field: str) -> BureauError:
    shown = str(told)[:30]
    return BureauError(
        "bureau.wrong_amount",
        f"{driver.title}: {field} is {shown!r}, which is no amount.",
        f"{driver.title} : {field} vaut {shown!r}, qui n'est pas un montant.",
    )
