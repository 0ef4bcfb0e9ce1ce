"""Ask an agency about a customer, or take a file of its: reports are kept once, and told in the journals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import today
from portal.agencies.accounts import open_client
from portal.agencies.driver import AGENCY, BureauError, driver_named
from portal.agencies.reading import (
    at_path,
    read_day,
    read_minor,
    read_rows,
    read_score,
    told_hash,
    values_of,
    word,
)
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.journal import AccountEvent, note_events
from receivables.store.risk.agency_reports import AgencyReport, customers_by_siren, keep_reports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from portal.agencies.driver import Driver
    from portal.wiring import Services
    from receivables.store.work import Work

MOST_EVENTS = 50
"""Legal events that are kept of one report."""
MOST_TEXT = 300
"""Characters of one."""


@dataclass(frozen=True, slots=True)
class TakenFile:
    """What a file came to: reports that are new, those known before, and SIREN numbers of nobody's."""

    new: int
    known: int
    strangers: list[str]


def ask_agency(services: Services, supplier_id: UUID, customer_id: UUID, driver_name: str, actor: str) -> AgencyReport:
    """Ask an agency about one customer; the call is made outside of any transaction.

    Raises:
        BureauError: ``bureau.*``: no account there, no SIREN, unknown to the agency, or the call failed.
        NotFoundError: ``customer.not_found``.
    """
    driver = driver_named(AGENCY, driver_name)
    with services.works.begin(supplier_id) as work:
        siren = get_customer(work, customer_id).siren
        client = open_client(services, work, AGENCY, driver)
    if siren is None:
        raise BureauError(
            "bureau.no_siren",
            "This customer has no SIREN: agencies know French companies by it.",
            "Ce client n'a pas de SIREN : c'est par lui que les agences connaissent les entreprises.",
        )
    answer = client.ask("report", siren=siren)
    if answer is None:
        raise BureauError(
            "bureau.unknown_company",
            f"{driver.title} knows no company {siren}.",
            f"{driver.title} ne connaît pas l'entreprise {siren}.",
        )
    report = read_report(driver, values_of(answer, driver), customer_id, siren, "http")
    with services.works.begin(supplier_id) as work:
        _keep(work, [report], actor)
    return report


def take_file(work: Work, driver_name: str, content: bytes, actor: str) -> TakenFile:
    """Take a file of an agency's: one row for each company, known by its SIREN; as one set.

    Raises:
        BureauError: ``bureau.*``: the file, with the row where there is one.
    """
    driver = driver_named(AGENCY, driver_name)
    rows = read_rows(content, driver)
    owners = customers_by_siren(work, {_siren(row) for row in rows})
    reports = []
    for number, row in enumerate(rows, start=2):
        siren = _siren(row)
        if siren in owners:
            try:
                reports.append(read_report(driver, row, owners[siren], siren, "file"))
            except BureauError as error:
                raise BureauError(
                    error.code, f"Row {number}: {error}", f"Ligne {number} : {error.sentence_fr}"
                ) from error
    new = _keep(work, reports, actor)
    strangers = sorted({_siren(row) for row in rows} - owners.keys())
    return TakenFile(new, len(reports) - new, strangers)


def read_report(driver: Driver, told: Mapping[str, Any], customer_id: UUID, siren: str, source: str) -> AgencyReport:
    """A report from what was told, by the names that our fields have.

    Raises:
        BureauError: ``bureau.wrong_day``, ``bureau.wrong_amount`` or ``bureau.wrong_score``.
    """
    score = told.get("score")
    kept = {name: value for name, value in told.items() if value not in (None, "")}
    return AgencyReport(
        agency=driver.name,
        customer_id=customer_id,
        siren=siren,
        reported_on=read_day(told.get("reported_on"), driver, "reported_on") or today(),
        score_text=str(score) if score not in (None, "") else None,
        score=read_score(score, driver) if score not in (None, "") else None,
        trend=word(told.get("trend"), driver, "trend"),
        advised_minor=read_minor(told.get("advised"), driver, "advised"),
        currency=str(told.get("currency") or "EUR"),
        source=source,
        told_sha256=told_hash(kept),
        legal_events=_events(told.get("events"), driver),
        told=kept,
    )


def _keep(work: Work, reports: list[AgencyReport], actor: str) -> int:
    new = keep_reports(work, reports, actor)
    if new:
        facts = {each.customer_id: {"agency": each.agency, "score": each.score_text or "?"} for each in reports}
        events = [AccountEvent(each, "agency.told", actor, shown=False, facts=told) for each, told in facts.items()]
        note_events(work, events)
        work.audit(actor, "agency.reports_taken", reports[0].agency, new=new)
    return new


def _siren(row: Mapping[str, str]) -> str:
    """The SIREN in a cell: spaces are no error, and a SIRET begins with one."""
    return "".join(row.get("siren", "").split())[:9]


def _events(told: Any, driver: Driver) -> list[dict[str, str]]:
    """Legal events: a list of documents, or one text."""
    if isinstance(told, str):
        return [{"kind": "", "on": "", "text": told[:MOST_TEXT]}] if told.strip() else []
    if not isinstance(told, list):
        return []
    names = {"kind": driver.fields.get("event_kind", "kind"), "on": driver.fields.get("event_on", "date")}
    names["text"] = driver.fields.get("event_text", "text")
    return [
        {ours: str(at_path(each, path) or "")[:MOST_TEXT] for ours, path in names.items()}
        for each in told[:MOST_EVENTS]
    ]
