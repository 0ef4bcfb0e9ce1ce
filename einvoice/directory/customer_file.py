"""A file of customers to be looked up: CSV as spreadsheets and ERP systems write it, read row by row with its lines.

Separator ``;``, ``,`` or tab; UTF-8 or Windows-1252; columns found by their names in French or English. A row that
cannot be understood is kept with what is wrong with it; a file that cannot be is refused with its line and the way out.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stdnum.fr import siren as siren_numbers
from stdnum.fr import siret as siret_numbers

from einvoice.errors import EInvoiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEPARATORS = ";\t,"
MOST_CHARACTERS = 200
"""Of a name or number that is kept of a row."""
SIREN_DIGITS, SIRET_DIGITS = 9, 14
_NAMES = re.compile(r"^(nom|name|raisonsociale|societe|entreprise|company|customer|client|denomination|libelle)")
_COUNTRIES = frozenset({"pays", "country", "codepays", "countrycode"})
_BLANKS = re.compile(r"[\s.\-_\u00a0\u202f]+")
_DECIMALS = re.compile(r"[.,]0+$")
"""Of a number that a spreadsheet took for an amount."""
_SHORTENED = re.compile(r"^\d([.,]\d+)?E\+?\d+$", re.IGNORECASE)
_FOREIGN_VAT = re.compile(r"^(?!FR)[A-Z]{2}(?=[0-9A-Z+*]*\d[0-9A-Z+*]*\d)[0-9A-Z+*]{2,14}$", re.ASCII)


class CustomerFileError(EInvoiceError):
    """The file is no customer file: ``directory.file_*``."""


@dataclass(frozen=True, slots=True)
class Identified:
    """What a number says of a customer: its SIREN, with its SIRET where it is one, or what is wrong (fr, en)."""

    siren: str | None = None
    siret: str | None = None
    abroad: bool = False
    problem: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One customer of the file; ``line`` counts from 1 in the file as it came."""

    line: int
    name: str
    given: str


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the numbers and the name stand; several numbers are tried in this order."""

    numbers: tuple[int, ...]
    name: int | None
    country: int | None


def read_customer_file(content: bytes, *, max_bytes: int, max_rows: int) -> tuple[CustomerRow, ...]:
    """The customers in ``content``; empty rows are left out.

    Raises:
        CustomerFileError: ``directory.file_empty``, ``directory.file_too_large``, ``directory.file_no_table``,
            ``directory.file_no_column``, ``directory.file_too_many_rows`` or ``directory.file_broken``.
    """
    if len(content) > max_bytes:
        raise CustomerFileError(
            "directory.file_too_large",
            f"The file has {len(content)} bytes, more than {max_bytes}. Keep the columns SIREN and name, or split it.",
            f"Le fichier compte {len(content)} octets, plus que {max_bytes}. Gardez les colonnes SIREN et nom, ou "
            "coupez-le.",
        )
    text = _text_of(content)
    table = _table_of(text)
    first_line, first = next(table, (0, []))
    if not first:
        raise CustomerFileError(
            "directory.file_empty",
            "The file is empty. Give a CSV file with a column SIREN.",
            "Le fichier est vide. Donnez un fichier CSV avec une colonne SIREN.",
        )
    columns = _columns_of(first)
    rows: list[CustomerRow] = []
    if columns is None:
        columns = _columns_without_header(first, first_line)
        rows.append(_row(first_line, first, columns))
    for line, cells in table:
        if len(rows) == max_rows:
            raise CustomerFileError(
                "directory.file_too_many_rows",
                f"Line {line}: the file has more than {max_rows} customers. Split it.",
                f"Ligne {line} : le fichier compte plus de {max_rows} clients. Coupez-le.",
            )
        rows.append(_row(line, cells, columns))
    if not rows:
        raise CustomerFileError(
            "directory.file_empty",
            "The file has a header and no customer below it. Export it again with its rows.",
            "Le fichier a un en-tête et aucun client au-dessous. Exportez-le de nouveau avec ses lignes.",
        )
    return tuple(rows)


def identify(given: str) -> Identified:
    """The company behind a SIREN, SIRET or VAT number as people write it."""
    number = _BLANKS.sub("", _DECIMALS.sub("", given.strip())).upper()
    if not number:
        return Identified(problem=("Ni SIREN, ni SIRET, ni numéro de TVA.", "Neither SIREN, SIRET nor VAT number."))
    if _FOREIGN_VAT.match(number):
        return Identified(abroad=True)
    if number.startswith("FR") and len(number) == 4 + SIREN_DIGITS:
        number = number[4:]
    if _SHORTENED.match(given.strip()):
        return Identified(
            problem=(
                f"« {_short(given)} » : le tableur a abrégé le numéro ; mettez la colonne au format texte.",
                f'"{_short(given)}": the spreadsheet has shortened the number; format the column as text.',
            )
        )
    if len(number) == SIREN_DIGITS and number.isdigit() and siren_numbers.is_valid(number):
        return Identified(number)
    if len(number) == SIRET_DIGITS and number.isdigit() and siret_numbers.is_valid(number):
        return Identified(number[:SIREN_DIGITS], number)
    return Identified(
        problem=(
            f"« {_short(given)} » n'est ni un SIREN (9 chiffres), ni un SIRET (14), ni un numéro de TVA : vérifiez-le.",
            f'"{_short(given)}" is no SIREN (9 digits), SIRET (14) or VAT number: check it for typing errors.',
        )
    )


_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f]|^%PDF-")
"""Controls that no table holds, or another kind of file by its first signs."""


def _text_of(content: bytes) -> str:
    """UTF-8, with or without mark, else Windows-1252; a spreadsheet's own file or other bytes are refused."""
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise CustomerFileError(
            "directory.file_no_table",
            "This is a spreadsheet's own file. Save it as CSV (File, Save as), then give the CSV.",
            "C'est un classeur de tableur. Enregistrez-le en CSV (Fichier, Enregistrer sous), puis donnez le CSV.",
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    strange = _NO_TEXT.search(text)
    if strange:
        line = text[: strange.start()].count("\n") + 1
        raise CustomerFileError(
            "directory.file_no_table",
            f"Line {line} holds bytes that are no text: this is no CSV file. Export the customers as CSV.",
            f"La ligne {line} contient des octets qui ne sont pas du texte : ce n'est pas un CSV. Exportez les clients "
            "en CSV.",
        )
    return text


def _table_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, each with the line on which it begins."""
    start = text.lstrip("\r\n \t").partition("\n")[0]
    separator = max(SEPARATORS, key=start.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CustomerFileError(
                "directory.file_broken",
                f"Line {line} cannot be read ({error}). Look for a quotation mark that is not closed.",
                f"La ligne {line} est illisible ({error}). Cherchez un guillemet qui n'est pas refermé.",
            ) from error
        if any(cell.strip() for cell in cells):
            yield line, [cell.strip() for cell in cells]
        line = reader.line_num + 1


def _columns_of(header: Sequence[str]) -> _Columns | None:
    """The columns by their names; SIRET first, because it says more than the SIREN."""
    plain = [_plain(cell) for cell in header]
    numbers = [
        [at for at, name in enumerate(plain) if word in name and "taux" not in name and "rate" not in name]
        for word in ("siret", "siren", "tva", "vat")
    ]
    found = tuple(dict.fromkeys(at for group in numbers for at in group))
    if not found:
        return None
    name = next((at for at, each in enumerate(plain) if _NAMES.match(each) and at not in found), None)
    return _Columns(found, name, next((at for at, each in enumerate(plain) if each in _COUNTRIES), None))


def _columns_without_header(first: Sequence[str], line: int) -> _Columns:
    """A table without header, where its first row holds a number that stands for a company."""
    numbers = tuple(at for at, cell in enumerate(first) if identify(cell).siren)
    if not numbers:
        seen = ", ".join(_short(cell) for cell in first[:8])
        raise CustomerFileError(
            "directory.file_no_column",
            f"Line {line} names no column SIREN, SIRET or TVA (found: {seen}). Name one of them in the header.",
            f"La ligne {line} ne nomme aucune colonne SIREN, SIRET ou TVA (trouvé : {seen}). Nommez-en une dans "
            "l'en-tête.",
        )
    return _Columns(numbers[:1], next((at for at, cell in enumerate(first) if at not in numbers and cell), None), None)


def _row(line: int, cells: Sequence[str], columns: _Columns) -> CustomerRow:
    """The first number that stands for a company; where none does, the first that is there at all."""
    given = [cells[at] for at in columns.numbers if at < len(cells) and cells[at]]
    best = next((each for each in given if identify(each).siren or identify(each).abroad), given[0] if given else "")
    name = cells[columns.name] if columns.name is not None and columns.name < len(cells) else ""
    country = cells[columns.country] if columns.country is not None and columns.country < len(cells) else ""
    if not best and len(country) == 2 and country.upper() != "FR":  # noqa: PLR2004 -- ISO 3166-1 alpha-2
        best = f"{country.upper()}000"
    return CustomerRow(line, _short(name), _short(best))


def _plain(text: str) -> str:
    """A column's name without case, accents and signs."""
    bare = unicodedata.normalize("NFKD", text.lower())
    return "".join(char for char in bare if char.isascii() and char.isalnum())


def _short(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:MOST_CHARACTERS]
