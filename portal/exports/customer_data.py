"""What a customer sees here, as one zip of lists, files and explanations, in the language of whoever asked."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from payments.banking.by_hand import printed_reference
from portal.customer.people.register import colleagues_of
from portal.tables import FOR_PROGRAMS, guarded, manner_of
from portal.words import gettext, language
from receivables.domain.money import Money
from receivables.errors import ReceivablesError
from receivables.store.customer_file.contacts import contacts_of
from receivables.store.customer_file.data import MOST_ROWS, customer_files, customer_lists
from receivables.store.customer_file.details import customer_details
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from config.database import Database
    from einvoice.archive import ArchivePort
    from portal.tables import Manner
    from receivables.store.customer_file.data import OwnFile
    from receivables.store.work import Work

MOST_FILES = 15_000
MOST_BYTES = 1024**3
"""Files of one export together: more is asked for by period."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class OwnData:
    """Whose data, from which day to which; ``raw`` writes the lists for programs."""

    customer_id: UUID
    first: date
    last: date
    raw: bool = False

    @property
    def filename(self) -> str:
        """What the zip is called."""
        return f"quittance-{self.first.isoformat()}-{self.last.isoformat()}.zip"


def gather_own_data(work: Work, database: Database, asked: OwnData) -> tuple[dict[str, bytes], list[OwnFile]]:
    """The lists of the zip by their name in it, and the files of the archive that go with them.

    Raises:
        ReceivablesError: ``export.too_large``.
    """
    files = customer_files(work, asked.customer_id, asked.first, asked.last)
    lists = customer_lists(work, asked.customer_id, asked.first, asked.last)
    _check_size(files, max(map(len, lists.values())))
    return _members(work, database, asked, lists), files


def write_zip(target: IO[bytes], members: dict[str, bytes], files: Sequence[OwnFile], archive: ArchivePort) -> None:
    """The zip: lists first, then every file under its invoice's number; two of one name stay two.

    Raises:
        ArchiveError: a file cannot be read, or is not what it was; an export never leaves one out.
    """
    used: set[str] = set()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as written:
        for name, content in members.items():
            written.writestr(zipfile.ZipInfo(name, _EARLIEST), content, zipfile.ZIP_DEFLATED)
        for each in files:
            name = f"documents/{_safe(each.folder)}/{_safe(each.filename)}"
            name = (
                name if name not in used else f"documents/{_safe(each.folder)}/{each.sha256[:8]}-{_safe(each.filename)}"
            )
            if name in used:
                continue  # the same file of the same name, kept twice
            used.add(name)
            written.writestr(zipfile.ZipInfo(name, _EARLIEST), archive.get(each.sha256), zipfile.ZIP_DEFLATED)
    target.seek(0)


def _members(
    work: Work, database: Database, asked: OwnData, lists: dict[str, Sequence[dict[str, Any]]]
) -> dict[str, bytes]:
    customer_id = asked.customer_id
    for each in lists["payments"]:
        each["reference"] = printed_reference(each["reference"])
    details = customer_details(work, customer_id)
    people = colleagues_of(database, work.supplier_id, customer_id)
    supplier = supplier_name(work)
    company = {
        "supplier": supplier,
        "company": details.facts,
        "contacts": [
            {"name": each.name, "role": each.role, "email": each.email, "phone": each.phone, "language": each.language}
            for each in contacts_of(work, [customer_id])[customer_id]
        ],
        "people": [{"name": each.name, "email": each.email, "rights": sorted(each.rights)} for each in people],
        "from": asked.first,
        "to": asked.last,
    }
    manner = manner_of(language(), raw=asked.raw)
    members = {
        gettext("LISEZMOI.txt"): _readme(supplier, asked).encode(),
        "data.json": to_json({"company": company, **lists}).encode(),
    }
    return members | {f"{name}.csv": table_of(rows, manner) for name, rows in lists.items() if rows}


def table_of(rows: Sequence[dict[str, Any]], manner: Manner = FOR_PROGRAMS) -> bytes:
    """A list as CSV: amounts as the reader's spreadsheet takes them, and no cell that it would run."""
    written = io.StringIO()
    table = csv.writer(written, delimiter=manner.separator)
    table.writerow([name.removesuffix("_minor") for name in rows[0]])
    for row in rows:
        table.writerow([_cell(name, value, row.get("currency"), manner) for name, value in row.items()])
    return (manner.mark + written.getvalue()).encode()


def _cell(name: str, value: object, currency: str | None, manner: Manner) -> str:
    if value is None:
        return ""
    if name.endswith("_minor") and isinstance(value, int):
        return manner.decimal(Money(value, currency or "EUR").decimal)
    if isinstance(value, list | dict):
        return to_json(value)
    return guarded(str(value))


def _readme(supplier: str, asked: OwnData) -> str:
    said = {"supplier": supplier, "first": asked.first.isoformat(), "last": asked.last.isoformat()}
    lines = (
        gettext("Vos données chez %(supplier)s, du %(first)s au %(last)s.") % said,
        gettext("data.json contient tout ; les fichiers .csv sont les mêmes listes, à ouvrir dans un tableur."),
        gettext("documents/ contient les fichiers de chaque facture, de vos messages et de vos avis, sans changement."),
        gettext("Les montants de data.json sont en centimes (…_minor)."),
    )
    return "\n\n".join(lines) + "\n"


def _check_size(files: Sequence[OwnFile], longest: int) -> None:
    """An export is whole or refused: a list that reaches its limit may have been cut."""
    if len(files) > MOST_FILES or sum(each.size_bytes for each in files) > MOST_BYTES or longest >= MOST_ROWS:
        raise ReceivablesError(
            "export.too_large",
            f"These are more than {MOST_FILES} files, {MOST_ROWS} lines or {MOST_BYTES // 1024**2} MiB. "
            "Choose a shorter period.",
            "Trop de documents pour un seul fichier : choisissez une période plus courte.",
        )


def _safe(name: str) -> str:
    """A name within a zip: no folder of its own, nothing that leads out of it."""
    plain = "".join(c if c.isalnum() or c in "._- " else "_" for c in name).strip(". ")
    return plain[:120] or "_"
