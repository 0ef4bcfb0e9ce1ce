"""``/c/export``: a customer takes everything that it sees here along, as one zip of lists, files and explanations."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from flask import Blueprint, Response, make_response, render_template, request

from config.clock import today
from payments.banking.by_hand import printed_reference
from portal.access.context import caller, place, services, work_here
from portal.access.headers import FILE_POLICY
from portal.access.roles import Right, Role, allow
from portal.customer.people.register import colleagues_of
from portal.tables import guarded
from portal.words import gettext
from receivables.domain.money import Money
from receivables.errors import ReceivablesError
from receivables.store.customer_file.contacts import contacts_of
from receivables.store.customer_file.data import customer_files, customer_lists
from receivables.store.customer_file.details import customer_details
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from werkzeug import Response as AnyResponse

    from einvoice.archive import ArchivePort
    from receivables.store.customer_file.data import OwnFile
    from receivables.store.work import Work

blueprint = Blueprint("customer_export", __name__, url_prefix="/c/export")

MOST_FILES = 3_000
MOST_BYTES = 300 * 1024 * 1024
"""Files of one export together: more is asked for by period."""
IN_MEMORY_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@blueprint.get("")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def show() -> AnyResponse:
    """For which period."""
    return _page()


@blueprint.get("/file.zip")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def file() -> AnyResponse:
    """Everything of the period in one file."""
    first, last = _span()
    customer_id = _customer_id()
    with work_here() as work:
        files = customer_files(work, customer_id, first, last)
        try:
            _check_size(files)
        except ReceivablesError as error:
            return _page(gettext("Trop de documents pour un seul fichier : choisissez une période plus courte."), error)
        members = _members(work, customer_id, first, last)
        work.audit(
            f"person {caller().person.person_id}",
            "customer_data.exported",
            str(customer_id),
            first=first.isoformat(),
            last=last.isoformat(),
            files=len(files),
        )
    target = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 -- closed once it is sent
    write_zip(target, members, files, services().archive)
    response = Response(_sent(target), content_type="application/zip")
    name = f"quittance-{first.isoformat()}-{last.isoformat()}.zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


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


def _members(work: Work, customer_id: UUID, first: date, last: date) -> dict[str, bytes]:
    lists = customer_lists(work, customer_id, first, last)
    for each in lists["payments"]:
        each["reference"] = printed_reference(each["reference"])
    details = customer_details(work, customer_id)
    people = colleagues_of(services().database, work.supplier_id, customer_id)
    company = {
        "supplier": place().supplier_name,
        "company": details.facts,
        "contacts": [
            {"name": each.name, "role": each.role, "email": each.email, "phone": each.phone, "language": each.language}
            for each in contacts_of(work, [customer_id])[customer_id]
        ],
        "people": [{"name": each.name, "email": each.email, "rights": sorted(each.rights)} for each in people],
        "from": first,
        "to": last,
    }
    members = {
        gettext("LISEZMOI.txt"): _readme(first, last).encode(),
        "data.json": to_json({"company": company, **lists}).encode(),
    }
    return members | {f"{name}.csv": table_of(rows) for name, rows in lists.items() if rows}


def table_of(rows: Sequence[dict[str, Any]]) -> bytes:
    """A list as CSV with UTF-8's mark and semicolons: amounts as decimals, and no cell that a spreadsheet would run."""
    written = io.StringIO()
    table = csv.writer(written, delimiter=";")
    table.writerow([name.removesuffix("_minor") for name in rows[0]])
    for row in rows:
        table.writerow([_cell(name, value, row.get("currency")) for name, value in row.items()])
    return ("\ufeff" + written.getvalue()).encode()


def _cell(name: str, value: object, currency: str | None) -> str:
    if value is None:
        return ""
    if name.endswith("_minor") and isinstance(value, int):
        return f"{Money(value, currency or 'EUR').decimal:f}"
    if isinstance(value, list | dict):
        return to_json(value)
    return guarded(str(value))


def _readme(first: date, last: date) -> str:
    said = {"supplier": place().supplier_name, "first": first.isoformat(), "last": last.isoformat()}
    lines = (
        gettext("Vos données chez %(supplier)s, du %(first)s au %(last)s.") % said,
        gettext("data.json contient tout ; les fichiers .csv sont les mêmes listes, à ouvrir dans un tableur."),
        gettext("documents/ contient les fichiers de chaque facture, de vos messages et de vos avis, sans changement."),
        gettext("Les montants de data.json sont en centimes (…_minor)."),
    )
    return "\n\n".join(lines) + "\n"


def _check_size(files: Sequence[OwnFile]) -> None:
    if len(files) > MOST_FILES or sum(each.size_bytes for each in files) > MOST_BYTES:
        raise ReceivablesError(
            "export.too_large",
            f"These are more than {MOST_FILES} files or {MOST_BYTES // 1024**2} MiB. Choose a shorter period.",
            f"Plus de {MOST_FILES} fichiers ou de {MOST_BYTES // 1024**2} Mo. Choisissez une période plus courte.",
        )


def _page(wrong: str = "", error: ReceivablesError | None = None) -> AnyResponse:
    first, last = _span()
    page = render_template("customer/export.html", first=first, last=last, wrong=wrong)
    return make_response(page, 422 if error else 200)


def _span() -> tuple[date, date]:
    """The period in the address; this year and the one before where it makes no sense."""
    usual = date(today().year - 1, 1, 1), today()
    try:
        first, last = (date.fromisoformat(request.args.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return usual
    return (first, last) if first <= last else usual


def _sent(target: IO[bytes]) -> Iterator[bytes]:
    with target:
        while chunk := target.read(CHUNK_BYTES):
            yield chunk


def _safe(name: str) -> str:
    """A name within a zip: no folder of its own, nothing that leads out of it."""
    plain = "".join(c if c.isalnum() or c in "._- " else "_" for c in name).strip(". ")
    return plain[:120] or "_"


def _customer_id() -> UUID:
    customer_id = place().customer_id
    assert customer_id is not None  # noqa: S101 -- the tables give every customer's membership one
    return customer_id
