"""Agencies' opinions beside our score: by file and by call, over a real connection to a real server."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from bureau_server import bureau_server
from ledger_builders import customer_facts, issue

from config.outgoing import Reach
from portal.agencies.accounts import accounts_at, close_account, open_account
from portal.agencies.asking import ask_agency, read_report, take_file
from portal.agencies.calls import BureauClient
from portal.agencies.driver import AGENCY, INSURER, BureauError, driver_named, drivers
from receivables.store.risk.agency_reports import latest_reports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from bureau_server import Bureau

    from portal.wiring import Services
    from receivables.store.register import Supplier

SIREN = "732829320"
ANSWER = {
    "reported_on": "2026-11-02",
    "score": 61.5,
    "trend": "down",
    "advised_exposure": "12500.50",
    "legal_events": [{"kind": "privilege", "date": "2026-09-01", "text": "Inscription URSSAF"}],
}
FILE = (
    "siren;reported_on;score;trend;advised_exposure;currency;legal_events\n"
    "732 829 320;2026-11-02;61,5;baisse;12 500,50;EUR;Inscription URSSAF\n"
    "999999999;2026-11-02;90;;;EUR;\n"
)


@pytest.fixture
def bureau() -> Iterator[Bureau]:
    """An agency that is up."""
    with bureau_server() as server:
        yield server


def customer_of(services: Services, supplier: Supplier) -> UUID:
    with services.works.begin(supplier.supplier_id) as work:
        return issue(work, customer=customer_facts(siren=SIREN)).customer_id


def connect(services: Services, supplier: Supplier, url: str, driver: str = "general", key: str = "k3y") -> None:
    with services.works.begin(supplier.supplier_id) as work:
        open_account(services, work, AGENCY, driver, url, key, "test")


def test_an_agency_is_asked_by_siren_and_its_answer_is_kept_once(
    services: Services, supplier: Supplier, bureau: Bureau
) -> None:
    customer_id = customer_of(services, supplier)
    bureau.answers[f"GET /companies/{SIREN}/report"] = (200, ANSWER)
    connect(services, supplier, bureau.url)
    for _ in range(2):
        report = ask_agency(services, supplier.supplier_id, customer_id, "general", "test")
    assert (report.score, report.score_text, report.trend) == (62, "61.5", "down")
    assert (report.advised_minor, report.reported_on) == (1_250_050, date(2026, 11, 2))
    assert report.legal_events == [{"kind": "privilege", "on": "2026-09-01", "text": "Inscription URSSAF"}]
    assert bureau.asked[0][2]["Authorization"] == "Bearer k3y"
    with services.works.begin(supplier.supplier_id) as work:
        (kept,) = latest_reports(work, [customer_id])[customer_id]
        assert work.scalar("SELECT count(*) FROM agency_reports WHERE supplier_id = :supplier") == 1
    assert kept.advised_minor == 1_250_050


def test_a_driver_that_signs_in_finds_the_company_and_renews_a_token_that_was_refused(
    services: Services, supplier: Supplier, bureau: Bureau
) -> None:
    customer_id = customer_of(services, supplier)
    tokens = iter(["old", "new"])
    bureau.answers["POST /authenticate"] = (200, lambda _: (200, {"token": next(tokens)}))
    bureau.answers[f"GET /companies?countries=FR&regNo={SIREN}"] = (200, {"companies": [{"id": "FR-X-1"}]})
    report = {
        "creditScore": {"currentCreditRating": {"providerValue": {"value": "74"}, "creditLimit": {"value": 9000}}}
    }
    bureau.answers["GET /companies/FR-X-1"] = (
        200,
        lambda headers: (200, {"report": report}) if headers["Authorization"] == "new" else (401, {}),
    )
    connect(services, supplier, bureau.url, "creditsafe", "me:secret")
    found = ask_agency(services, supplier.supplier_id, customer_id, "creditsafe", "test")
    assert (found.score, found.advised_minor) == (74, 900_000)
    assert bureau.asked[0][3] == {"username": "me", "password": "secret"}


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [
        (401, {}, "bureau.unauthorised"),
        (500, {}, "bureau.refused"),
        (302, {}, "bureau.refused"),
        (404, {}, "bureau.unknown_company"),
        (200, b"<html>", "bureau.unreadable"),
        (200, {"score": 140}, "bureau.wrong_score"),
        (200, {"advised_exposure": "beaucoup"}, "bureau.wrong_amount"),
        (200, {"reported_on": "hier"}, "bureau.wrong_day"),
    ],
    ids=["key", "down", "redirect", "unknown", "html", "score", "amount", "day"],
)
def test_what_goes_wrong_at_an_agency_is_told_and_nothing_is_kept(  # noqa: PLR0917 -- fixtures and cases
    services: Services, supplier: Supplier, bureau: Bureau, status: int, told: object, code: str
) -> None:
    customer_id = customer_of(services, supplier)
    bureau.answers[f"GET /companies/{SIREN}/report"] = (status, told)
    connect(services, supplier, bureau.url)
    with pytest.raises(BureauError) as caught:
        ask_agency(services, supplier.supplier_id, customer_id, "general", "test")
    assert caught.value.code == code
    assert caught.value.sentence_fr
    with services.works.begin(supplier.supplier_id) as work:
        assert latest_reports(work, [customer_id]) == {}


def test_an_agency_that_is_gone_says_so(services: Services, supplier: Supplier) -> None:
    customer_id = customer_of(services, supplier)
    with bureau_server() as bureau:
        connect(services, supplier, bureau.url)
    with pytest.raises(BureauError, match="does not answer"):
        ask_agency(services, supplier.supplier_id, customer_id, "general", "test")


def test_a_public_house_does_not_call_its_own_network(bureau: Bureau) -> None:
    client = BureauClient(driver_named(AGENCY, "general"), bureau.url, "k", Reach.PUBLIC)
    with pytest.raises(BureauError) as caught:
        client.ask("report", siren=SIREN)
    assert caught.value.code == "bureau.address_refused"
    assert bureau.asked == []


def test_a_file_is_taken_as_one_set_and_strangers_are_told(services: Services, supplier: Supplier) -> None:
    customer_id = customer_of(services, supplier)
    with services.works.begin(supplier.supplier_id) as work:
        first = take_file(work, "general", FILE.encode(), "test")
        again = take_file(work, "general", FILE.encode("cp1252"), "test")
        (report,) = latest_reports(work, [customer_id])[customer_id]
    assert (first.new, first.strangers) == (1, ["999999999"])
    assert (again.new, again.known) == (0, 1)
    assert (report.score, report.trend, report.advised_minor) == (62, "down", 1_250_050)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("siren;score\n", "no column reported_on"),
        (FILE.replace("61,5", "161,5"), "Row 2"),
        (FILE.replace("2026-11-02;61", "le 2;61"), "Row 2"),
    ],
    ids=["columns", "score", "day"],
)
def test_a_file_that_is_wrong_is_refused_with_its_row(
    services: Services, supplier: Supplier, content: str, told: str
) -> None:
    customer_of(services, supplier)
    with services.works.begin(supplier.supplier_id) as work, pytest.raises(BureauError, match=told):
        take_file(work, "general", content.encode(), "test")


def test_a_french_file_of_an_agency_is_read_by_its_own_scale(services: Services, supplier: Supplier) -> None:
    customer_id = customer_of(services, supplier)
    content = f"SIREN;Date;Score;Tendance;Encours conseillé;Événement\n{SIREN};02/11/2026;13/20;stable;5 000;\n"
    with services.works.begin(supplier.supplier_id) as work:
        take_file(work, "altares", content.encode("cp1252"), "test")
        (report,) = latest_reports(work, [customer_id])[customer_id]
    assert (report.score, report.score_text, report.trend, report.advised_minor) == (65, "13/20", "flat", 500_000)


def test_accounts_are_sealed_replaced_and_left(services: Services, supplier: Supplier, bureau: Bureau) -> None:
    connect(services, supplier, bureau.url, key="first")
    connect(services, supplier, bureau.url, key="second")
    with services.works.begin(supplier.supplier_id) as work:
        assert list(accounts_at(work, AGENCY)) == ["general"]
        sealed = [
            row["sealed_key"]
            for row in work.rows("SELECT sealed_key FROM bureau_accounts WHERE supplier_id = :supplier")
        ]
        assert all(b"first" not in bytes(each) and b"second" not in bytes(each) for each in sealed)
        close_account(work, AGENCY, "general", "test")
        assert accounts_at(work, AGENCY) == {}


@pytest.mark.parametrize(("url", "key", "code"), [("ftp://x", "k", "bureau.wrong_url"), ("", "", "bureau.no_key")])
def test_an_account_that_cannot_work_is_refused(
    services: Services, supplier: Supplier, url: str, key: str, code: str
) -> None:
    with pytest.raises(BureauError) as caught:
        connect(services, supplier, url, key=key)
    assert caught.value.code == code


def test_a_driver_without_an_interface_is_for_files_only(services: Services, supplier: Supplier) -> None:
    with pytest.raises(BureauError, match="read from files"):
        connect(services, supplier, "https://example.com", "ellisphere")


@pytest.mark.parametrize("purpose", [AGENCY, INSURER])
def test_every_driver_says_what_was_verified_and_can_read_something(purpose: str) -> None:
    found = drivers(purpose)
    named = {
        AGENCY: {"altares", "creditsafe", "infolegale", "ellisphere"},
        INSURER: {"allianz-trade", "atradius", "coface"},
    }
    assert named[purpose] < found.keys()
    assert all(each.verified and (each.columns or each.web) for each in found.values())
    assert all(each.unverified for name, each in found.items() if name != "general")
    with pytest.raises(BureauError, match="no driver"):
        driver_named(purpose, "nobody")


def test_a_report_without_day_or_score_is_of_today_and_says_nothing(supplier: Supplier) -> None:
    report = read_report(driver_named(AGENCY, "general"), {"score": "favorable"}, supplier.supplier_id, SIREN, "file")
    assert (report.score, report.score_text, report.advised_minor) == (None, "favorable", None)
