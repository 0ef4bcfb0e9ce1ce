"""The directory over HTTP, its kept answers, files of customers, and what all this does to an invoice being issued."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import buyer, line
from directory_stub import DirectoryStub
from stdnum import luhn
from story_builders import Story, a_siren

from config.clock import now
from einvoice.directory.checks import (
    continue_checks,
    count_states,
    find_check,
    rows_of,
    start_check,
    stop_check,
)
from einvoice.directory.customer_file import CustomerRow
from einvoice.directory.desk import DirectoryDesk
from einvoice.directory.words import ReachReason, ReachState
from einvoice.kept import issued_document
from einvoice.platform.accounts import connect_platform
from einvoice.platform.directory import DirectoryClient, Mesh
from einvoice.platform.port import PlatformBusyError, PlatformRefusedError, PlatformUnreachableError
from einvoice.platform.settings import PlatformDriver, PlatformSettings
from einvoice.routing import DutyState, Listing, Road, routing_of
from einvoice.routing_words import Reason
from portal.documents.crediting import CreditOrder, credit_invoice
from portal.documents.issuing import IssueOptions
from receivables.domain.invoicing.invoices import Routing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from story_builders import PlatformHouse

    from portal.documents.issuing import Issued
    from portal.wiring import Services

SIREN = "552100554"


@pytest.fixture
def stub() -> Iterator[DirectoryStub]:
    running = DirectoryStub()
    yield running
    running.close()


@pytest.fixture
def client(stub: DirectoryStub) -> DirectoryClient:
    return DirectoryClient(stub.settings())


@pytest.fixture
def listed(services: Services, stub: DirectoryStub) -> Story:
    """A supplier whose platform offers the directory."""
    story = Story(services)
    connect(story, stub)
    return story


def connect(story: Story, stub: DirectoryStub, **changes: Any) -> None:
    with story.services.works.begin(story.id) as work:
        connect_platform(work, story.services.keyring, "Stub", stub.settings(**changes))


def a_siret(siren: str, nic: str = "0001") -> str:
    return siren + nic + luhn.calc_check_digit(siren + nic)


def searches(stub: DirectoryStub) -> int:
    return sum(path.endswith("/directory-line/search") for _, path, _ in stub.calls)


# --- the client -------------------------------------------------------------------------------------------------------


def test_an_unknown_company_is_none_and_an_empty_search_is_empty(client: DirectoryClient, stub: DirectoryStub) -> None:
    for status in (204, 404):
        stub.empty_status = status
        assert client.unit(SIREN) is None
        assert client.line(SIREN) is None
        assert client.facility(SIREN + "00013") is None
        assert client.routing_code(SIREN + "00013", "A") is None
        assert client.lines_of(SIREN).results == ()
        assert client.search_units("nobody").results == ()


def test_every_resource_is_found_and_searched(client: DirectoryClient, stub: DirectoryStub) -> None:
    siret = SIREN + "00013"
    stub.company(SIREN, "Imprimerie du Port")
    stub.line(f"{SIREN}_{siret}", siret=siret)
    stub.known["siret"].append({"siret": siret, "siren": SIREN, "name": "Siège"})
    stub.known["routing-code"].append({"routingIdentifier": "A/1", "siret": siret, "managesLegalCommitmentCode": True})
    unit, found, code = client.unit(SIREN), client.line(f"{SIREN}_{siret}"), client.routing_code(siret, "A/1")
    assert unit is not None
    assert unit.name == "Imprimerie du Port"
    assert found is not None
    assert found.mesh is Mesh.SIRET
    assert code is not None
    assert code.commitment
    assert [each.siret for each in client.facilities_of(SIREN).results] == [siret]
    assert [each.siren for each in client.search_units("Port").results] == [SIREN]


def test_all_pages_of_a_search_are_read_and_no_more_than_wanted(client: DirectoryClient, stub: DirectoryStub) -> None:
    for number in range(230):
        stub.line(f"{SIREN}_{number:03}")
    everything = client.lines_of(SIREN, 500)
    assert (len(everything.results), everything.complete) == (230, True)
    assert len({each.address for each in everything.results}) == 230
    some = client.lines_of(SIREN, 150)
    assert (len(some.results), some.complete) == (150, False)


def test_the_sense_of_sorting_is_named_as_the_platform_wants_it(stub: DirectoryStub) -> None:
    for name in ("order", "sortingOrder"):
        DirectoryClient(stub.settings(sorting_order_name=name)).lines_of(SIREN)
        assert stub.calls[-1][2]["sorting"] == [{"field": "addressingIdentifier", name: "ascending"}]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (408, PlatformUnreachableError),
        (429, PlatformBusyError),
        (500, PlatformUnreachableError),
        (501, PlatformUnreachableError),
        (503, PlatformBusyError),
        (422, PlatformRefusedError),
    ],
)
def test_a_failure_is_never_an_empty_directory(
    client: DirectoryClient, stub: DirectoryStub, status: int, error: type[Exception]
) -> None:
    stub.fault = (status, {"Retry-After": "7"})
    for ask in (lambda: client.unit(SIREN), lambda: client.lines_of(SIREN)):
        with pytest.raises(error):
            ask()


def test_a_platform_without_directory_has_no_client(stub: DirectoryStub) -> None:
    with pytest.raises(ValueError, match="offers no directory"):
        DirectoryClient(stub.settings(directory_url=None))


# --- kept answers -----------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_with_its_date_and_asked_once(listed: Story, stub: DirectoryStub) -> None:
    stub.company(SIREN)
    stub.line(SIREN)
    desk = listed.services.directory
    first, second = desk.reach(listed.id, SIREN), desk.reach(listed.id, SIREN)
    assert first.state is second.state is ReachState.REACHABLE
    assert searches(stub) == 1
    assert second.asked_at is not None
    assert now() - second.asked_at < timedelta(minutes=1)
    desk.reach(listed.id, SIREN, again=True)
    assert searches(stub) == 2


def test_what_is_too_old_is_asked_again(listed: Story, stub: DirectoryStub) -> None:
    desk = listed.services.directory
    assert desk.reach(listed.id, SIREN).reason is ReachReason.NOT_LISTED
    stub.company(SIREN)
    stub.line(SIREN)
    assert desk.reach(listed.id, SIREN).reason is ReachReason.NOT_LISTED
    expire(listed)
    assert desk.reach(listed.id, SIREN).reason is ReachReason.OPEN_LINE


def expire(story: Story) -> None:
    with story.services.works.begin(story.id) as work:
        work.execute(
            "UPDATE directory_answers SET answer = jsonb_set(answer, '{good_until}', '\"2020-01-01T00:00:00Z\"') "
            "WHERE supplier_id = :supplier"
        )


def test_a_directory_that_is_down_leaves_what_it_said_with_its_age(listed: Story, stub: DirectoryStub) -> None:
    stub.company(SIREN)
    stub.line(SIREN)
    desk = listed.services.directory
    desk.reach(listed.id, SIREN)
    expire(listed)
    stub.fault = (500, {})
    told = desk.reach(listed.id, SIREN)
    assert (told.state, told.stale) == (ReachState.REACHABLE, True)
    assert told.failure is not None
    unknown = desk.reach(listed.id, "732829320")
    assert (unknown.state, unknown.reason) == (ReachState.UNAVAILABLE, ReachReason.NO_ANSWER)


def test_an_answer_of_an_earlier_platform_does_not_count(listed: Story, stub: DirectoryStub) -> None:
    stub.company(SIREN)
    stub.line(SIREN)
    listed.services.directory.reach(listed.id, SIREN)
    connect(listed, stub)
    listed.services.directory.reach(listed.id, SIREN)
    assert searches(stub) == 2


def test_without_a_directory_nobody_is_called_reachable(
    services: Services, plain_story: Story, stub: DirectoryStub
) -> None:
    desk = services.directory
    assert desk.reach(plain_story.id, SIREN).state is ReachState.NO_DIRECTORY
    connect(plain_story, stub, directory_url=None)
    assert desk.reach(plain_story.id, SIREN).state is ReachState.NO_DIRECTORY
    assert stub.calls == []


def test_a_wrong_number_is_not_asked_about(listed: Story, stub: DirectoryStub) -> None:
    assert listed.services.directory.reach(listed.id, "552100555").reason is ReachReason.BAD_NUMBER
    assert stub.calls == []


def test_what_a_public_body_demands_is_looked_up_where_its_lines_do_not_say(listed: Story, stub: DirectoryStub) -> None:
    siret = a_siret(SIREN)
    stub.company(SIREN, "Commune de Valserine", entityType="Public")
    stub.line(f"{SIREN}_{siret}", siret=siret, platformType="DFH")
    stub.known["siret"].append({"siret": siret, "siren": SIREN, "b2gAdditionalData": {"serviceCodeStatus": True}})
    told = listed.services.directory.reach(listed.id, SIREN)
    assert told.answer is not None
    assert told.answer.is_public
    demands = told.answer.demands_of(siret)
    assert demands is not None
    assert demands.service_code is True


# --- at issue ---------------------------------------------------------------------------------------------------------


def decision_of(story: Story, issued: Issued) -> Any:
    with story.services.works.begin(story.id) as work:
        return routing_of(work, issued.invoice.invoice_id)


def warned(issued: Issued) -> list[str]:
    return [each.rule for each in issued.warnings if each.rule.startswith("QT-DIRECTORY")]


def party(siren: str, **more: Any) -> dict[str, Any]:
    return {**buyer(siren=siren, vat_id=None), **more}


def test_the_chosen_address_stands_in_the_invoice(listed: Story, stub: DirectoryStub) -> None:
    siren = a_siren()
    siret = a_siret(siren)
    stub.company(siren)
    stub.line(siren)
    stub.line(f"{siren}_{siret}", siret=siret)
    issued = listed.issue(buyer=party(siren, siret=siret))
    endpoint = issued_document(issued.invoice).buyer.endpoint
    assert endpoint is not None
    assert (endpoint.value, endpoint.scheme) == (f"{siren}_{siret}", "0225")
    assert warned(issued) == []
    decision = decision_of(listed, issued)
    assert (decision.reason, decision.facts.listing) == (Reason.DOMESTIC, Listing.PRIVATE)
    assert issued.routing == decision


def test_a_stated_address_is_kept_and_a_wrong_one_is_warned_of(listed: Story, stub: DirectoryStub) -> None:
    siren = a_siren()
    stub.company(siren)
    stub.line(siren)
    stated = {"value": f"{siren}_OLD", "scheme": "0225"}
    issued = listed.issue(buyer=party(siren, endpoint=stated))
    endpoint = issued_document(issued.invoice).buyer.endpoint
    assert endpoint is not None
    assert endpoint.value == f"{siren}_OLD"
    assert warned(issued) == ["QT-DIRECTORY-ADDRESS"]
    assert f"Active addresses: {siren}." in issued.warnings[0].message


def test_a_customer_without_platform_is_issued_to_and_warned_of(listed: Story, stub: DirectoryStub) -> None:
    siren = a_siren()
    stub.company(siren)
    stub.line(siren, "Disabled")
    issued = listed.issue(buyer=party(siren))
    assert (issued.invoice.routing, warned(issued)) == (Routing.B2B, ["QT-DIRECTORY-REACH"])


def test_a_company_that_is_not_listed_is_reported_like_a_consumer(listed: Story) -> None:
    issued = listed.issue(buyer=party(a_siren()))
    decision = decision_of(listed, issued)
    assert (issued.invoice.routing, decision.reason, decision.road) == (Routing.B2C, Reason.UNLISTED, Road.REPORT)
    assert warned(issued) == ["QT-DIRECTORY-REACH"]
    assert "2.3.3" in decision.sentence("fr")


def test_a_public_body_by_the_directory_goes_to_chorus_pro_and_its_demands_are_told(
    listed: Story, stub: DirectoryStub
) -> None:
    siren = a_siren()
    siret = a_siret(siren)
    stub.company(siren, "Commune de Valserine", entityType="Public")
    facility = {"siret": siret, "b2gAdditionalData": {"serviceCodeStatus": True, "managesLegalCommitmentCode": True}}
    stub.line(f"{siren}_{siret}", siret=siret, platformType="DFH", facility=facility)
    issued = listed.issue(buyer=party(siren, siret=siret))
    assert (issued.invoice.routing, decision_of(listed, issued).reason) == (Routing.B2G, Reason.PUBLIC_LISTED)
    assert warned(issued) == ["QT-DIRECTORY-DEMAND", "QT-DIRECTORY-DEMAND"]
    full = listed.issue(buyer=party(siren, siret=siret, service_code="VOIRIE", engagement="2026-17"))
    assert warned(full) == []


def test_a_public_body_without_its_siret_is_warned_of_and_credited_by_the_same_road(
    listed: Story, stub: DirectoryStub
) -> None:
    siren = a_siren()
    stub.company(siren, "Commune de Valserine", entityType="Public")
    stub.line(siren, platformType="DFH")
    issued = listed.issue(buyer=party(siren))
    assert issued.invoice.routing is Routing.B2G
    assert "QT-DIRECTORY-DEMAND" in warned(issued)
    with listed.services.works.begin(listed.id) as work:
        work.execute(
            "UPDATE directory_answers SET answer = answer || jsonb_build_object('good_until', '2026-01-01T00:00:00Z') "
            "WHERE supplier_id = :supplier"
        )  # asked too long ago
    order, options = CreditOrder(), IssueOptions(supplier=listed.siren)
    credited = credit_invoice(listed.services, listed.supplier, issued.invoice, order, options)
    assert (credited.invoice.type_code, credited.invoice.routing) == ("381", Routing.B2G)


def test_a_directory_that_is_down_neither_stops_nor_slows_issuing(listed: Story, stub: DirectoryStub) -> None:
    stub.fault = (500, {})
    issued = listed.issue(buyer=party(a_siren()))
    assert issued.invoice.routing is Routing.B2B
    assert warned(issued) == ["QT-DIRECTORY-REACH"]
    asked = len(stub.calls)
    for _ in range(3):
        listed.issue(buyer=party(a_siren()))
    assert len(stub.calls) == asked  # it has just failed: it is left alone for a while


def test_a_directory_that_hangs_costs_the_time_out_once(services: Services, stub: DirectoryStub) -> None:
    story = Story(services)
    connect(story, stub)
    hasty = DirectoryDesk(services.works, lambda _: (account, client))
    with services.works.begin(story.id) as work:
        found = services.directory_for(work)
    assert found is not None
    account, client = found[0], DirectoryClient(stub.settings())
    stub.slow_s = 5.0
    began = time.monotonic()
    assert hasty.address_of(story.id, SIREN) is None
    assert hasty.address_of(story.id, SIREN) is None
    assert time.monotonic() - began < 3.5  # the client's time-out is 2 s


def test_without_a_directory_an_invoice_is_as_before(plain_story: Story) -> None:
    issued = plain_story.issue()
    endpoint = issued_document(issued.invoice).buyer.endpoint
    assert endpoint is not None
    assert endpoint.value == "552100554"
    decision = decision_of(plain_story, issued)
    assert (decision.reason, decision.facts.listing, warned(issued)) == (Reason.DOMESTIC, Listing.NOT_ASKED, [])


@pytest.mark.parametrize(("size", "duty"), [("sme", DutyState.EARLY), ("large", DutyState.COMPULSORY)])
def test_the_suppliers_size_says_whether_it_must_already(services: Services, size: str, duty: DutyState) -> None:
    story = Story(services, size=size)
    issued = story.issue(issue_date="2026-11-02")
    decision = decision_of(story, issued)
    assert (decision.duty, decision.facts.size) == (duty, size)


def test_exempt_operations_are_outside(plain_story: Story) -> None:
    exempt = line(vat_category="E", vat_rate=None)
    reason = [{"vat_category": "E", "code": "VATEX-FR-CGI261-4"}]
    issued = plain_story.issue(exempt, vat_exemptions=reason)
    assert (issued.invoice.routing, decision_of(plain_story, issued).reason) == (Routing.OUT_OF_SCOPE, Reason.EXEMPT)
    franchise = plain_story.issue(exempt, vat_exemptions=[{"vat_category": "E", "code": "VATEX-FR-FRANCHISE"}])
    assert franchise.invoice.routing is Routing.B2B


def test_a_decision_is_kept_once_and_never_changed(plain_story: Story) -> None:
    plain_story.issue()
    with pytest.raises(Exception, match=r"permission denied|append"):
        plain_story.rows("UPDATE routing_decisions SET road = 'none' WHERE supplier_id = :supplier RETURNING road")


# --- a file of customers ----------------------------------------------------------------------------------------------


def rows_for(*numbers: str) -> list[CustomerRow]:
    return [CustomerRow(at, f"Client {at}", number) for at, number in enumerate(numbers, start=2)]


def test_a_file_is_looked_up_row_by_row_and_every_row_has_a_verdict(listed: Story, stub: DirectoryStub) -> None:
    open_, silent = a_siren(), a_siren()
    stub.company(open_)
    stub.line(open_)
    stub.company(silent)
    stub.line(silent, None)
    services = listed.services
    given = rows_for(open_, a_siret(open_), silent, a_siren(), "12", "BE0403170701", "")
    with services.works.begin(listed.id) as work:
        check_id = start_check(work, "clients.csv", given)
    assert continue_checks(services.directory, listed.id) == 7
    with services.works.begin(listed.id) as work:
        found, rows, counts = find_check(work, check_id), rows_of(work, check_id), count_states(work, check_id)
    assert found is not None
    assert (found.state, found.done, found.total) == ("done", 7, 7)
    assert counts == {"reachable": 2, "unknown": 4, "not_french": 1}
    verdicts = [verdict for _, verdict in rows if verdict]
    assert [verdict.address for verdict in verdicts[:3]] == [open_, open_, None]
    assert verdicts[2].reason == ReachReason.NO_STATUS
    assert "ni un SIREN" in verdicts[4].sentence_fr
    assert continue_checks(services.directory, listed.id) == 0


def test_a_check_waits_for_a_directory_that_is_down_and_goes_on(listed: Story, stub: DirectoryStub) -> None:
    services = listed.services
    with services.works.begin(listed.id) as work:
        check_id = start_check(work, "clients.csv", rows_for("12", a_siren(), a_siren()))
    stub.fault = (503, {"Retry-After": "0"})
    assert continue_checks(services.directory, listed.id) == 1
    stub.fault = None
    services.directory._quiet.clear()
    assert continue_checks(services.directory, listed.id) == 2
    with services.works.begin(listed.id) as work:
        found = find_check(work, check_id)
    assert found is not None
    assert found.state == "done"


def test_a_stopped_check_asks_nothing_more(listed: Story, stub: DirectoryStub) -> None:
    services = listed.services
    with services.works.begin(listed.id) as work:
        check_id = start_check(work, "clients.csv", rows_for(a_siren()))
        stop_check(work, check_id)
    assert continue_checks(services.directory, listed.id) == 0
    assert stub.calls == []
    with services.works.begin(listed.id) as work:
        found = find_check(work, check_id)
    assert found is not None
    assert (found.state, found.done) == ("stopped", 0)


def test_the_worker_has_the_chore(listed: Story) -> None:
    siren = a_siren()
    with listed.services.works.begin(listed.id) as work:
        check_id = start_check(work, "clients.csv", rows_for(siren))
    for every_s, chore in listed.worker.chores:
        if every_s == 1.0:
            chore()
    with listed.services.works.begin(listed.id) as work:
        found = find_check(work, check_id)
    assert found is not None
    assert found.done == 1


# --- the sandbox's directory ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("siren", "reason", "address"),
    [
        ("910000371", ReachReason.OPEN_LINE, "910000371"),
        ("910000744", ReachReason.OPEN_LINE, "910000744_Invoice"),
        ("910001114", ReachReason.UPCOMING, None),
        ("910001486", ReachReason.NO_PLATFORM, None),
        ("910001858", ReachReason.NO_PLATFORM, None),  # on the fictive platform 9998
        ("910002229", ReachReason.NO_STATUS, None),
        ("910002591", ReachReason.CEASED, None),
        ("910002963", ReachReason.OPEN_LINE, None),  # two services, no general address
        ("910003334", ReachReason.OPEN_LINE, "910003334_91000333400018"),
        ("732829320", ReachReason.NOT_LISTED, None),
    ],
)
def test_the_companies_of_the_sandbox_are_what_they_are_meant_to_be(
    services: Services, platform_house: PlatformHouse, siren: str, reason: ReachReason, address: str | None
) -> None:
    story = Story(services)
    url = platform_house.url
    driver = PlatformDriver("sandbox", url, f"{url}/oauth2/token", directory_url=f"{url}/directory-service")
    access = PlatformSettings(driver, "sandbox", "sandbox-secret", organization_id=story.siren)
    with services.works.begin(story.id) as work:
        connect_platform(work, services.keyring, "Sandbox", access)
    told = services.directory.reach(story.id, siren)
    assert told.reason is reason
    assert services.directory.address_of(story.id, siren) == address
