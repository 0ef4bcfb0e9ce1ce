"""Tables of invoices as suppliers save them."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

import xlsxwriter

from portal.imports.issuing import IMPORT
from portal.imports.kept import keep_brought
from portal.imports.planning import plan_import
from portal.jobs.jobs import start_job
from portal.jobs.kinds import KINDS
from portal.jobs.running import run_to_end
from portal.opening.documents import seller_here
from portal.opening.history import HistoryChoices, plan_history
from portal.opening.items import Choices
from portal.opening.planning import plan_opening
from receivables.services.accounting.taking_history import take_history
from receivables.services.accounting.taking_over import book_opening

if TYPE_CHECKING:
    from uuid import UUID

    from portal_house import House

HEADINGS = (
    "N° pièce", "Client", "SIREN", "Adresse", "CP", "Ville", "Type", "Article", "Qté", "PU HT", "TVA",
    "Facture d'origine",
)  # fmt: skip
BUYERS = (("Boulangerie Martin", "732829320"), ("Garage du Port", "552100554"), ("Menuiserie Kerouac", "812345015"))


def row(reference: str, **changes: str) -> list[str]:
    """One line of an invoice: 2 x 50.00 at 20 %."""
    name, siren = BUYERS[sum(map(ord, reference)) % len(BUYERS)]
    told = {
        "Client": name, "SIREN": siren, "Adresse": "1 rue du Four", "CP": "75006", "Ville": "Paris",
        "Article": "Journée de conseil", "Qté": "2", "PU HT": "50,00", "TVA": "20", **changes,
    }  # fmt: skip
    return [reference, *(told.get(each, "") for each in HEADINGS[1:])]


def csv_of(*rows: list[str], headings: tuple[str, ...] = HEADINGS, encoding: str = "utf-8-sig") -> bytes:
    """A CSV file as French spreadsheets save it."""
    return "".join(";".join(cells) + "\r\n" for cells in (headings, *rows)).encode(encoding)


def xlsx_of(*rows: list[object], headings: tuple[str, ...] = HEADINGS) -> bytes:
    """An XLSX file; days, numbers and texts as a spreadsheet keeps them."""
    out = BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("Factures")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for line, cells in enumerate([list(headings), *rows]):
            for place, cell in enumerate(cells):
                if hasattr(cell, "year"):
                    sheet.write_datetime(line, place, cell, day)
                else:
                    sheet.write(line, place, cell)
    return out.getvalue()


def fec_of() -> bytes:
    """A FEC of a small year: one invoice settled by letters, one paid in part, one open, a credit note, loose money."""
    head = (
        "JournalCode|JournalLib|EcritureNum|EcritureDate|CompteNum|CompteLib|CompAuxNum|CompAuxLib|PieceRef|PieceDate|"
        "EcritureLib|Debit|Credit|EcritureLet|DateLet|ValidDate|Montantdevise|Idevise"
    )
    lines = [
        *_sale("1", "20260710", "FA-1", "CMART", "Boulangerie Martin", 1200_00, 200_00, letters="AB"),
        *_money("2", "20260810", "VIR-1", "CMART", "Boulangerie Martin", 1200_00, letters="AB"),
        *_sale("3", "20260801", "FA-2", "CMART", "Boulangerie Martin", 2400_00, 400_00, letters="ac", vat="445740"),
        *_money("4", "20260901", "VIR-2", "CMART", "Boulangerie Martin", 1000_00, letters="ac"),
        *_sale("5", "20260905", "FA-3", "CPORT", "Garage du Port", 360_00, 60_00),
        *_sale("6", "20260910", "AV-1", "CPORT", "Garage du Port", -120_00, -20_00),
        *_money("7", "20260920", "VIR-9", "CPORT", "Garage du Port", 50_00),
    ]
    return "\r\n".join([head, *lines, ""]).encode("iso8859-15")


def _sale(number, day, piece, code, name, total, tax, *, letters="", vat="445710"):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, PLR0917 -- columns of a line
    sides = [("411000", "Clients", code, name, total, letters), ("706000", "Prestations", "", "", tax - total, "")]
    return _entry("VE", number, day, piece, [*sides, (vat, "TVA", "", "", -tax, "")])


def _money(number, day, piece, code, name, amount, *, letters=""):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, PLR0917 -- columns of a line
    sides = [("411000", "Clients", code, name, -amount, letters), ("512000", "Banque", "", "", amount, "")]
    return _entry("BQ", number, day, piece, sides)


def _entry(journal, number, day, piece, sides):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 -- columns of a line
    return [
        "|".join(
            [journal, journal, number, day, account, label, code, name, piece, day, f"Pièce {piece}",
             _euros(max(amount, 0)), _euros(max(-amount, 0)), letters, day if letters else "", day, "", ""]
        )
        for account, label, code, name, amount, letters in sides
    ]  # fmt: skip


def _euros(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"


OPEN_ITEMS = (
    "Code client;Client;N° de facture;Date;Échéance;Total TTC;Reste dû;Taux de TVA;TVA à l'encaissement;Type\r\n"
    "CLEG;Librairie Le Goff;FA-101;15/08/2026;14/09/2026;1 200,00;900,00;20;oui;facture\r\n"
    "CLEG;Librairie Le Goff;FA-102;20/09/2026;20/10/2026;600,00;;;;facture\r\n"
    "CLEG;Librairie Le Goff;VIR-3;25/09/2026;;50,00;;;;règlement\r\n"
).encode()
LETTERS = (
    "Code client;Client;N° de pièce;Date;Échéance;Nature de pièce;Débit;Crédit;Lettrage;Date de lettrage\r\n"
    "CLEG;Librairie Le Goff;FA-7;01/03/2026;31/03/2026;facture;480,00;;AA;12/04/2026\r\n"
    "CLEG;Librairie Le Goff;VIR-7;12/04/2026;;règlement;;480,00;AA;12/04/2026\r\n"
    "CLEG;Librairie Le Goff;FA-8;01/05/2026;31/05/2026;facture;360,00;;AB;02/06/2026\r\n"
    "CLEG;Librairie Le Goff;VIR-8;02/06/2026;;règlement;;359,98;AB;02/06/2026\r\n"
).encode()
_THINGS: dict[UUID, dict[str, object]] = {}


def import_things(house: House) -> dict[str, object]:
    """A file that waits, a job with a refused line, open items on trial, and an opening that is booked."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in _THINGS:
        with house.services.works.begin(supplier_id) as work:
            content = csv_of(row("Z-1"), row("Z-2", TVA="vingt"))
            brought = keep_brought(work, "octobre.csv", content, "test")
            plan = plan_import(work, content, "octobre.csv")
            job_id = start_job(
                work, IMPORT, "octobre.csv", content_sha256=brought.sha256,
                options={"kind": plan.kind, **plan.options}, actor="test", lines=plan.lines[1:],
            )  # fmt: skip
            trial = keep_brought(work, "ouvertes.csv", OPEN_ITEMS.replace(b"FA-", b"FB-"), "test")
            opening = plan_opening(
                work, keep_brought(work, "balance.csv", OPEN_ITEMS, "test"), Choices(date(2026, 10, 1)),
                profile=seller_here(work), actor="test",
            )  # fmt: skip
            opening_id = book_opening(work, opening.opening)
            letters = keep_brought(work, "lettres.csv", LETTERS, "test")
            history = plan_history(work, LETTERS, HistoryChoices(date(2026, 10, 1)))
            taken = take_history(work, opening_id, history.groups, file_sha256=letters.sha256, opens_customers=False)
        run_to_end(house.services, supplier_id, job_id, KINDS, progress=lambda _job: None)
        _THINGS[supplier_id] = {
            "brought": brought.sha256,
            "job": job_id,
            "trial": trial.sha256,
            "opening": opening_id,
            "letters": letters.sha256,
            "former": taken[0].customer_id,
        }
    return _THINGS[supplier_id]
