"""What a supplier knows of the directory: kept answers of every kind, a file half checked, a routing decision."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now, today
from einvoice.directory.checks import RowVerdict, start_check
from einvoice.directory.customer_file import CustomerRow
from einvoice.directory.desk import save_answer
from einvoice.directory.reach import CompanyAnswer
from einvoice.platform.directory import Demands, DirectoryLine, Facility, LegalUnit, LineStatus, RoutingCode
from einvoice.routing import RoutingFacts, decide_routing, record_routing
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

OPEN, SILENT, TOWN = "552100554", "910001486", "910002963"
TOWN_HALL = "91000296300015"


def answers() -> tuple[CompanyAnswer, ...]:
    """A company that is reachable, one that has named no platform, and a public body with its demands."""
    hall = Facility(TOWN_HALL, "Mairie", place="01200 Valserine", demands=Demands(service_code=True, commitment=True))
    roads = RoutingCode("VOIRIE", TOWN_HALL, "Service de la voirie")
    return (
        CompanyAnswer(
            OPEN,
            LegalUnit(OPEN, "Garage du Port", "PrivateVatRegistered"),
            (
                DirectoryLine(OPEN, LineStatus.ENABLED, OPEN, platform_type="WK"),
                DirectoryLine(f"{OPEN}_STATUTS", LineStatus.ENABLED, OPEN, suffix="STATUTS", platform_type="WK"),
                DirectoryLine(f"{OPEN}_BIENTOT", LineStatus.UPCOMING, OPEN, suffix="BIENTOT", platform_type="WK"),
            ),
        ),
        CompanyAnswer(
            SILENT,
            LegalUnit(SILENT, "Scierie du Haut-Doubs", "PrivateVatRegistered"),
            (DirectoryLine(SILENT, LineStatus.ENABLED, SILENT, platform_type="DFH"),),
        ),
        CompanyAnswer(
            TOWN,
            LegalUnit(TOWN, "Commune de Valserine", "Public"),
            (
                DirectoryLine(
                    f"{TOWN}_{TOWN_HALL}_VOIRIE",
                    LineStatus.ENABLED,
                    TOWN,
                    TOWN_HALL,
                    "VOIRIE",
                    platform_type="DFH",
                    code=roads,
                    facility=hall,
                ),
            ),
            (hall,),
        ),
    )


def keep_directory(services: Services, work: Work, invoice: Invoice) -> UUID:
    """Answers kept for a day, a file with rows of every state, and why ``invoice`` took its road; returns the check."""
    connected = services.directory_for(work)
    assert connected is not None
    for answer in answers():
        save_answer(work, connected[0], answer, now(), now() + timedelta(days=1))
    facts = RoutingFacts(today(), seller_siren="732829320", buyer_siren=OPEN)
    record_routing(work, invoice.invoice_id, decide_routing(facts))
    numbers = (OPEN, SILENT, f"{TOWN_HALL}", "12 34", "BE0403170701", "732829320")
    rows = [CustomerRow(at, f"Client {at}", number) for at, number in enumerate(numbers, start=2)]
    check_id = start_check(work, "clients-2026.csv", rows)
    address = f"{TOWN}_{TOWN_HALL}_VOIRIE"
    for line, verdict in (
        (4, RowVerdict("reachable", "open_line", "Joignable.", "Reachable.", address=address, codes=("VOIRIE",))),
        (5, RowVerdict("unknown", "bad_number", "Ce n'est pas un SIREN.", "This is no SIREN.")),
    ):
        work.execute(
            "UPDATE directory_check_rows SET state = 'done', verdict = CAST(:verdict AS jsonb) "
            "WHERE supplier_id = :supplier AND check_id = :check AND line = :line",
            check=check_id,
            line=line,
            verdict=to_json({name: getattr(verdict, name) for name in RowVerdict.__dataclass_fields__}),
        )
    work.execute(
        "UPDATE directory_checks SET done = 2 WHERE supplier_id = :supplier AND check_id = :check", check=check_id
    )
    return check_id
