"""Every export that may be too long for a request: who may have it, how large it is, how it is made.

Which it is, is counted before the work begins. A small one is made while its reader waits.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

from config.clock import today
from portal.access.roles import COLLECTING, LEDGERS, STAFF, Access, Door, Right, Role
from portal.documents.fec_files import zip_fec
from portal.dunning.bundle import make_litigation_file
from portal.evidence.bundle import MIME as ZIP
from portal.evidence.bundle import make_evidence
from portal.exports.customer_data import OwnData, gather_own_data, write_zip
from portal.exports.trail import TRAIL, asked_acts
from portal.statements.columns import AGEING, JOURNAL, OPEN
from portal.tables import RAW, Form, write_table
from portal.words import note_text
from receivables.domain.accounting.fec import ENCODINGS
from receivables.errors import NotFoundError
from receivables.services.accounting.closing import accounting_years
from receivables.services.accounting.fec import fec_of
from receivables.services.accounting.journals import ageing, journal_lines
from receivables.services.accounting.statements import open_lines
from receivables.store.audit_trail import count_audit, every_audit
from receivables.store.customer_file.customers import get_customer
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.sizes import (
    count_documents,
    count_entry_lines,
    count_late,
    count_open_items,
    size_of_own_data,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from portal.exports.kept import Wish
    from portal.tables import Column
    from portal.wiring import Services
    from receivables.domain.accounting.years import AccountingYear
    from receivables.store.work import Work

    Make = Callable[[Services, UUID, Wish, IO[bytes]], tuple[str, str]]
    """Writes the file, and returns its name and its media type."""

AT_ONCE_LINES = 20_000
"""Lines of a list that are written while somebody waits: two seconds in the slowest form."""
AT_ONCE_FILES = 200
AT_ONCE_BYTES = 32 * 1024 * 1024
"""Files that are read and packed while somebody waits."""
AT_ONCE_INVOICES = 10
"""Late invoices whose proofs are put together while somebody waits; each is a bundle of its own."""
PATIENCE = "600s"
"""How long one query of an export may take where nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much an export is: lines of a list, or files of the archive."""

    lines: int = 0
    files: int = 0
    bytes: int = 0
    invoices: int = 0

    @property
    def is_small(self) -> bool:
        """Whether it is made while its reader waits."""
        of_files = self.files <= AT_ONCE_FILES and self.bytes <= AT_ONCE_BYTES
        return self.lines <= AT_ONCE_LINES and of_files and self.invoices <= AT_ONCE_INVOICES


@dataclass(frozen=True, slots=True)
class ExportKind:
    """``name`` is French; ``options`` the words of the address that count; ``access`` who may ask for it and fetch it.

    ``size`` and ``make`` raise a ``ReceivablesError`` where there is no such thing to export.
    """

    name: str
    options: tuple[str, ...]
    access: Access
    size: Callable[[Work, Wish], Size]
    make: Make

    def title(self, wish: Wish) -> str:
        """What the export is called before it has a file: its options in short."""
        told = [value for key in self.options if (value := wish.options.get(key))]
        return " ".join(each[:40] for each in told) or "-"


def _staff(*roles: Role, whole: bool = False) -> Access:
    return Access(Door.SESSION, frozenset(roles), whole=whole)


def _day(wish: Wish, name: str) -> date:
    try:
        return date.fromisoformat(wish.options.get(name, ""))
    except ValueError:
        raise NotFoundError("export.bad_day", f"{name} is no day.", f"{name} n'est pas un jour.") from None


def _form(wish: Wish) -> Form:
    try:
        return Form(wish.options.get("as", Form.CSV))
    except ValueError:
        raise NotFoundError("export.bad_form", "There is no such form.", "Cette forme n'existe pas.") from None


def _is_raw(wish: Wish) -> bool:
    return wish.options.get("form") == RAW


def _be_patient(work: Work) -> None:
    """Let the query and the writing of the file between its rows take as long as a large house needs."""
    work.execute(f"SET LOCAL statement_timeout = '{PATIENCE}'")
    work.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{PATIENCE}'")


def _table_of(
    columns: Sequence[Column[Any]], rows: Callable[[Work, Wish], Iterable[Any]], name: Callable[[Wish], str]
) -> Make:
    """Makes a list in the form that was asked for."""

    def make(services: Services, supplier_id: UUID, wish: Wish, out: IO[bytes]) -> tuple[str, str]:
        form = _form(wish)
        with services.works.begin(supplier_id) as work:
            _be_patient(work)
            write_table(out, columns, rows(work, wish), form, wish.language, raw=_is_raw(wish))
        return f"{name(wish)}.{form}", form.mime

    return make


def _year(work: Work, wish: Wish) -> AccountingYear:
    for year in accounting_years(work):
        if year.ends_on.isoformat() == wish.options.get("year"):
            return year
    raise NotFoundError("export.no_year", "There is no such accounting year.", "Cet exercice n'existe pas.")


def _size_of_fec(work: Work, wish: Wish) -> Size:
    year = _year(work, wish)
    if wish.options.get("encoding") not in ENCODINGS:
        raise NotFoundError("export.bad_form", "There is no such encoding.", "Cet encodage n'existe pas.")
    return Size(count_entry_lines(work, year.starts_on, year.ends_on))


def _make_fec(services: Services, supplier_id: UUID, wish: Wish, out: IO[bytes]) -> tuple[str, str]:
    with services.works.begin(supplier_id) as work:
        _be_patient(work)
        made = fec_of(work, _year(work, wish))
        kept, totals = zip_fec(made, wish.options["encoding"])
        work.audit(f"person {wish.asked_by}", "fec.fetched", made.name, entries=totals.entries, lines=totals.lines)
    with kept:
        shutil.copyfileobj(kept, out)
    return made.name.replace(".txt", ".zip"), ZIP


def _invoice(wish: Wish) -> UUID:
    try:
        return UUID(wish.options.get("invoice", ""))
    except ValueError:
        raise NotFoundError("invoice.not_found", "There is no such invoice.", "Cette facture n'existe pas.") from None


def _size_of_evidence(work: Work, wish: Wish) -> Size:
    found = get_invoice(work, _invoice(wish))
    if found.customer_id != wish.customer_id:
        raise NotFoundError("invoice.not_found", "There is no such invoice.", "Cette facture n'existe pas.")
    files, size = count_documents(work, found.invoice_id)
    return Size(files=files, bytes=size)


def _make_evidence(services: Services, supplier_id: UUID, wish: Wish, out: IO[bytes]) -> tuple[str, str]:
    bundle = make_evidence(services, supplier_id, _invoice(wish), f"person {wish.asked_by}")
    out.write(bundle.content)
    return bundle.filename, ZIP


def _size_of_litigation(work: Work, wish: Wish) -> Size:
    return Size(invoices=count_late(work, get_customer(work, _customer(wish)).customer_id, today()))


def _make_litigation(services: Services, supplier_id: UUID, wish: Wish, out: IO[bytes]) -> tuple[str, str]:
    made = make_litigation_file(services, supplier_id, _customer(wish), f"person {wish.asked_by}")
    out.write(made.content)
    return made.filename, ZIP


def _own_data(wish: Wish) -> OwnData:
    return OwnData(_customer(wish), _day(wish, "from"), _day(wish, "to"), _is_raw(wish))


def _size_of_own_data(work: Work, wish: Wish) -> Size:
    asked = _own_data(wish)
    return Size(*size_of_own_data(work, asked.customer_id, asked.first, asked.last))


def _make_own_data(services: Services, supplier_id: UUID, wish: Wish, out: IO[bytes]) -> tuple[str, str]:
    asked = _own_data(wish)
    with services.works.begin(supplier_id) as work:
        _be_patient(work)
        members, files = gather_own_data(work, services.database, asked)
    write_zip(out, members, files, services.archive)
    return asked.filename, ZIP


def _customer(wish: Wish) -> UUID:
    if wish.customer_id is None:
        raise NotFoundError("customer.not_found", "There is no such customer.", "Ce client n'existe pas.")
    return wish.customer_id


def _size_of_journal(work: Work, wish: Wish) -> Size:
    _form(wish)
    return Size(count_entry_lines(work, _day(wish, "since"), _day(wish, "until")))


def _size_of_open(work: Work, wish: Wish) -> Size:
    """As many as are open or were: for a past day more cannot be known without making the list."""
    _form(wish)
    return Size(count_open_items(work, _day(wish, "until")))


def _size_of_trail(work: Work, wish: Wish) -> Size:
    _form(wish)
    return Size(count_audit(work, asked_acts(wish.options)))


KINDS: Mapping[str, ExportKind] = {
    "fec": ExportKind(
        note_text("Fichier des écritures comptables (FEC)"),
        ("year", "encoding"),
        _staff(*LEDGERS, whole=True),
        _size_of_fec,
        _make_fec,
    ),
    "journal": ExportKind(
        note_text("Journal des écritures"),
        ("since", "until", "as", "form"),
        _staff(*LEDGERS, whole=True),
        _size_of_journal,
        _table_of(
            JOURNAL,
            lambda work, wish: journal_lines(work, _day(wish, "since"), _day(wish, "until")),
            lambda wish: f"journal-{_day(wish, 'until')}",
        ),
    ),
    "open": ExportKind(
        note_text("Postes ouverts"),
        ("until", "as", "form"),
        _staff(*STAFF, whole=True),
        _size_of_open,
        _table_of(
            OPEN, lambda work, wish: open_lines(work, _day(wish, "until")), lambda wish: f"ouvert-{_day(wish, 'until')}"
        ),
    ),
    "ageing": ExportKind(
        note_text("Balance âgée"),
        ("until", "as", "form"),
        _staff(*STAFF, whole=True),
        _size_of_open,
        _table_of(
            AGEING,
            lambda work, wish: ageing(work, _day(wish, "until")),
            lambda wish: f"balance-agee-{_day(wish, 'until')}",
        ),
    ),
    "audit": ExportKind(
        note_text("Journal d'audit"),
        ("q", "actor", "area", "since", "until", "as", "form"),
        _staff(*LEDGERS),
        _size_of_trail,
        _table_of(
            TRAIL,
            lambda work, wish: every_audit(work, asked_acts(wish.options)),
            lambda _wish: f"journal-d-audit-{today()}",
        ),
    ),
    "evidence": ExportKind(
        note_text("Dossier de preuve"), ("invoice",), _staff(*STAFF), _size_of_evidence, _make_evidence
    ),
    "litigation": ExportKind(
        note_text("Dossier contentieux"), (), _staff(*COLLECTING), _size_of_litigation, _make_litigation
    ),
    "customer_data": ExportKind(
        note_text("Données du compte"),
        ("from", "to", "form"),
        Access(Door.SESSION, frozenset({Role.CUSTOMER}), Right.ADMINISTER),
        _size_of_own_data,
        _make_own_data,
    ),
}
"""By the name that stands in ``exports.kind``."""
ABOUT_A_CUSTOMER = frozenset({"evidence", "litigation", "customer_data"})
