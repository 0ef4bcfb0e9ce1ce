"""The delivery log: found by number, state and kind; remarks in words; files compared; sending again in the pages."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from portal_house import press
from story_builders import PlatformHouse, Story

from config.clock import new_id, now
from einvoice.validation.check import Validator
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from portal.navigation import STAFF_PAGES
from portal.staff.platform.remarks import CODES, explain_remarks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services

REFUSED = '[{"level": "Error", "item": "BT-3", "reason": "FlowTypeError", "message": "Not in your contract."}]'


@pytest.fixture(scope="module")
def platform(services: Services) -> Iterator[PlatformHouse]:
    """A platform with the real rules."""
    running = PlatformHouse(Validator(services.engine))
    yield running
    running.close()


@pytest.fixture
def story(services: Services, platform: PlatformHouse) -> Story:
    """A supplier connected to it."""
    return Story(services, platform)


def enter(client: FlaskClient, story: Story, role: Role = Role.OWNER) -> FlaskClient:
    """The browser of somebody of the supplier."""
    person = add_person(story.services.database, f"{role}@{story.siren}.example", "Camille")
    add_membership(story.services.database, person.person_id, story.id, role)
    client.set_cookie("session", open_session(story.services.database, story.services.settings, person.person_id))
    return client


def words(answer: TestResponse) -> str:
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text.replace("\u00a0", " ")))
    return plain.replace("&#39;", "'")


def tracking_of(story: Story) -> str:
    (row,) = story.rows("SELECT tracking_id FROM platform_flows WHERE supplier_id = :supplier")
    found: str = row["tracking_id"]
    return found


def sent(story: Story) -> str:
    """The tracking id of an invoice that the platform has accepted."""
    story.issue()
    story.until(lambda: story.flows() == [("invoice", "accepted", 1)])
    return tracking_of(story)


def refused(story: Story) -> str:
    """An invoice that the platform refused for its form."""
    story.issue()
    story.worker.drain_outbox_of(story.id, "invoice.issued")
    with story.services.works.begin(story.id) as work:
        work.execute("UPDATE outbox SET state = 'done' WHERE supplier_id = :supplier")
        work.execute(
            "UPDATE platform_flows SET state = 'refused', sends = 1, refusal = CAST(:remarks AS jsonb) "
            "WHERE supplier_id = :supplier",
            remarks=REFUSED,
        )
    return tracking_of(story)


def test_the_platforms_original_is_compared_byte_by_byte(client: FlaskClient, story: Story) -> None:
    tracking = sent(story)
    enter(client, story, Role.COLLECTOR)
    page = f"/s/platform/flows/{tracking}"
    answer = press(client, f"{page}/compare")
    assert answer.location.endswith("original=same")
    assert "même empreinte SHA-256" in words(client.get(answer.location))
    ours, theirs = client.get(f"{page}/sent"), client.get(f"{page}/held/original")
    assert ours.data == theirs.data
    assert theirs.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in theirs.headers["Content-Security-Policy"]
    desk = story.platform.app.extensions["platform_sandbox"] if story.platform else None
    assert desk is not None
    desk.store.tracked(f"sandbox/{story.siren}", tracking).content += b" changed there"
    answer = press(client, f"{page}/compare")
    assert answer.location.endswith("original=different")
    assert "Elle rend d'autres octets" in words(client.get(answer.location))


def test_a_file_that_the_platform_does_not_have_is_said_so(client: FlaskClient, story: Story) -> None:
    tracking = refused(story)
    enter(client, story)
    answer = client.get(f"/s/platform/flows/{tracking}/held/original")
    assert answer.status_code == 409
    assert "La plateforme n'a pas encore ce fichier" in words(answer)
    assert client.get(f"/s/platform/flows/{tracking}/held/metadata2").status_code == 404
    assert client.get("/s/platform/flows/no-such-flow").status_code == 404


def test_a_refused_flow_explains_itself_and_is_sent_again_once(client: FlaskClient, story: Story) -> None:
    tracking = refused(story)
    enter(client, story)
    page = words(client.get(f"/s/platform/flows/{tracking}"))
    assert "La plateforme n'attendait pas ce type de flux" in page
    assert "Not in your contract." in page
    ask = f"/s/platform/flows/{tracking}/again"
    assert "Appuyer deux fois ne fait qu'un envoi" in words(client.get(ask))
    assert press(client, ask).status_code == 422, "what was put right must be said"
    first, second = press(client, ask, note="Contrat étendu"), press(client, ask, note="Contrat étendu")
    assert (first.status_code, first.location) == (303, second.location)
    assert first.location != f"/s/platform/flows/{tracking}"
    story.until(lambda: [flow[1] for flow in story.flows()] == ["refused", "accepted"])
    assert "Toutes les reprises" in words(client.get(first.location))
    assert press(client, first.location + "/again", note="x").status_code == 409, "it is accepted"
    acts = [row["act"] for row in story.rows("SELECT act FROM audit_rows WHERE supplier_id = :supplier")]
    assert "flow.sent_again" in acts


def test_a_waiting_flow_is_tried_now_through_its_own_row(client: FlaskClient, story: Story) -> None:
    story.issue()
    story.worker.drain_outbox_of(story.id, "invoice.issued")
    with story.services.works.begin(story.id) as work:
        work.execute(
            "UPDATE outbox SET next_try_at = :at, reason = 'platform.unreachable: no answer' "
            "WHERE supplier_id = :supplier AND kind = 'flow.planned'",
            at=now() + timedelta(minutes=5),
        )
    enter(client, story)
    tracking = tracking_of(story)
    assert "La plateforme ne répond pas" in words(client.get(f"/s/platform/flows/{tracking}"))
    for _ in range(2):
        assert press(client, f"/s/platform/flows/{tracking}/now").status_code == 303
    story.worker.drain_outbox_of(story.id, "flow.planned")
    story.until(lambda: story.flows() == [("invoice", "accepted", 1)])
    assert len(story.at_platform()) == 1


def test_the_log_is_narrowed_searched_and_paged(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "auditor")
    invoice = house.invoices["paid"]
    with house.services.works.begin(house.supplier.supplier_id) as work:
        for number in range(60):
            work.execute(
                "INSERT INTO platform_flows (supplier_id, tracking_id, account_id, invoice_id, kind, document_id, "
                "state, sends, created_at, changed_at) SELECT supplier_id, :tracking, account_id, invoice_id, "
                "'status', document_id, 'sent', 1, :at, :at FROM platform_flows WHERE supplier_id = :supplier "
                "AND tracking_id = :like ON CONFLICT DO NOTHING",
                tracking=f"{number:02d}{new_id().hex}",
                like=house.flow(1),
                at=now() - timedelta(minutes=number // 7),
            )
    seen: list[str] = []
    address = "/s/platform/flows?kind=status&show=sent"
    while address:
        page = client.get(address).text
        seen += re.findall(r'class="key" href="/s/platform/flows/([^"]+)"', page)
        found = re.search(r'class="pager"><a class="button quiet" href="(\?[^"]+)"', page)
        address = f"/s/platform/flows{found[1].replace('&amp;', '&')}" if found else ""
    assert len(seen) == len(set(seen)) == 60
    refused_page = client.get("/s/platform/flows?show=refused").text
    assert re.findall(r'class="key" href="/s/platform/flows/([^"]+)"', refused_page) == [house.flow(2)]
    assert house.flow(1) in client.get(f"/s/platform/flows?kind=invoice&q={invoice.number}").text
    assert house.flow(2) in client.get(f"/s/platform/flows?q={house.flow(2)}").text
    assert "Aucun envoi ne correspond" in client.get("/s/platform/flows?q=%25").text
    for odd in ("?show=x&kind=y", "?after=nothing", "?q=" + "é" * 500, "?q=%00"):
        assert client.get(f"/s/platform/flows{odd}").status_code == 200


def test_every_reason_of_the_norm_has_words_and_a_next_step(app: Flask) -> None:
    with app.test_request_context("/?lang=fr"):
        for code in CODES:
            (told,) = explain_remarks([{"level": "Error", "reason": code, "message": "?"}])
            assert told.sentence
            assert told.fix
        rule, general, unknown = explain_remarks(
            [
                {"level": "Error", "reason": "BR-FR-05_BT-22_PMT", "message": "missing"},
                {"level": "Error", "reason": "InvalidSchema", "message": "rule BR-FR-05_BT-22_PMT is broken"},
                {"level": "Error", "reason": "NEVER_SEEN", "message": "?"},
            ]
        )
    assert rule.sentence == general.sentence, "a rule named in the message says more than a general code"
    assert "n'est pas dans la norme" in unknown.sentence


def test_the_menu_holds_what_exists_and_what_the_role_opens(client: FlaskClient, house: House, app: Flask) -> None:
    routes = {rule.rule.rstrip("/") for rule in app.url_map.iter_rules()}
    for who in ("owner", "accountant", "collector", "auditor"):
        house.sign_in(client, who)
        header = client.get("/s/problems").text.partition("<header")[2].partition("</header>")[0]
        shown = set(re.findall(r'href="(/s/[^"]*)"', header))
        assert {href.rstrip("/") for href in shown} <= routes
        assert ("/s/platform" in shown) == (who in {"owner", "accountant"})
        assert ("/s/platform/flows" in shown) == (who in {"collector", "auditor"})
        for href in shown:
            assert client.get(href).status_code == 200, (who, href)
        absent = {addresses[0] for addresses, _, _ in STAFF_PAGES if addresses[0].rstrip("/") not in routes}
        assert not absent & shown


def test_somebody_says_that_a_problem_is_dealt_with(client: FlaskClient, story: Story) -> None:
    refused(story)
    enter(client, story, Role.COLLECTOR)
    page = client.get("/s/problems").text
    cause = re.findall(r'name="cause" value="([^"]+)"', page)
    assert len(cause) == 1
    assert press(client, "/s/problems/set-aside", cause=cause[0], note="").status_code == 303
    assert "La plateforme agréée a refusé" in client.get("/s/problems").text
    press(client, "/s/problems/set-aside", cause=cause[0], note="Vu avec la plateforme")
    assert "La plateforme agréée a refusé" not in client.get("/s/problems").text


def test_an_invoice_says_where_it_stands_and_what_comes_next(client: FlaskClient, story: Story) -> None:
    issued = story.issue()
    enter(client, story, Role.COLLECTOR)
    page = f"/s/invoices/{issued.invoice.invoice_id}"
    story.until(lambda: "203" in story.codes())
    assert "Elle est chez le client" in words(client.get(page))
    assert story.platform is not None
    story.platform.play(issued.invoice.number, story.siren, status="207", reason="QTE_ERR")
    story.until(lambda: "207" in story.codes())
    assert "En litige : répondez au client" in words(client.get(page))
    time.sleep(1)  # messages tell whole seconds: of the same one, the claim would hold
    story.platform.play(issued.invoice.number, story.siren, status="205")
    story.until(lambda: "205" in story.codes())
    assert "il ne reste qu'à être payé" in words(client.get(page))
    story.pay(issued.invoice)
    story.settle()
    assert "Tout est fait" in words(client.get(page))


def test_an_invoice_that_the_platform_refused_is_ended_by_an_internal_credit_note(
    client: FlaskClient, story: Story
) -> None:
    issued = story.issue()
    story.worker.drain_outbox_of(story.id)
    with story.services.works.begin(story.id) as work:
        work.execute("UPDATE platform_flows SET state = 'refused' WHERE supplier_id = :supplier")
    named = [{"number": issued.invoice.number, "issue_date": issued.invoice.issued_on.isoformat()}]
    note = story.issue(type_code="381", preceding_invoices=named)
    story.settle()
    enter(client, story, Role.COLLECTOR)
    assert "Avoir interne" in words(client.get(f"/s/invoices/{note.invoice.invoice_id}"))
    assert "Soldée par avoir" in words(client.get(f"/s/invoices/{issued.invoice.invoice_id}"))


def test_a_consumers_invoice_that_the_platform_refused_is_said_to_be_declared_by_nobody(
    client: FlaskClient, story: Story
) -> None:
    camille = {"name": "Camille Renard", "consumer": True, "address": {"postcode": "35000", "city": "Rennes"}}
    issued = story.issue(buyer=camille)
    story.worker.drain_outbox_of(story.id)
    with story.services.works.begin(story.id) as work:
        work.execute("UPDATE platform_flows SET state = 'refused' WHERE supplier_id = :supplier")
    enter(client, story, Role.COLLECTOR)
    assert "personne ne la déclare" in words(client.get(f"/s/invoices/{issued.invoice.invoice_id}"))
