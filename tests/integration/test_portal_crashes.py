"""``kill -9`` before every write of what the portal does in several steps: each thing happens once, or not at all.

Imports, recurring invoices, drafts, openings, webhooks, repeated calls of programs, account openings. Each act is begun
again by the next life, as the worker does, or a person or program that sees no answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from dying import MOST_LIVES, Fuse, die_everywhere
from import_builders import OPEN_ITEMS, csv_of, row
from invoicing_builders import BUYER, LINES, Writer
from sqlalchemy import text
from webhook_receiver import receiver

from config import typeset
from config.clock import new_id, today
from config.secrets import fingerprint, new_token
from einvoice.production import Producer
from einvoice.validation.check import Validator
from portal.access.context import bind_services
from portal.api.blueprints import API_BLUEPRINTS
from portal.api.tokens import create_token
from portal.app import create_app
from portal.background.duties import build_worker
from portal.imports import issuing as import_issuing
from portal.imports.issuing import IMPORT
from portal.imports.kept import keep_brought
from portal.imports.planning import plan_import
from portal.invoicing.buyers import buyer_of
from portal.invoicing.copying import again
from portal.invoicing.issuing import issue_draft
from portal.invoicing.recurring import run_recurring
from portal.invoicing.typed import to_kept
from portal.jobs import running
from portal.jobs.jobs import job_of, lines_of, start_job
from portal.jobs.kinds import KINDS
from portal.jobs.running import run_jobs
from portal.opening.booking import start_opening
from portal.opening.documents import seller_here
from portal.opening.items import Choices
from portal.opening.planning import plan_opening
from portal.webhooks.endpoints import EndpointWish, open_endpoint
from portal.webhooks.planning import WEBHOOK_PLANNED, plan_webhooks
from receivables.domain.invoicing.recurrence import Rhythm
from receivables.domain.told import Told
from receivables.services.accounting.checks import run_checks
from receivables.services.risk.opening import Opening, Wish, confirm_request, hold_request, set_opening
from receivables.store import outbox
from receivables.store.event_log import tell
from receivables.store.invoicing.drafts import NewDraft, get_draft, open_draft
from receivables.store.invoicing.recurring import NewRecurring, begin_recurring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from uuid import UUID

    from flask import Flask
    from flask.testing import FlaskClient

    from config.database import Database
    from config.settings import Settings
    from portal.wiring import Services
    from receivables.store.work import Work, Works


CUSTOMER = {"name": BUYER["name"], "siren": BUYER["siren"], "address": BUYER["address"]}
BOOKED = {"openings": 1, "opened_items": 3, "entries": 3, "customers": 1}
"""What the opening of these tests writes."""


class NoRules:
    """Finds nothing: every child would compile the published rules anew, and here nobody asks what they say."""

    def check(self, *_: object, **__: object) -> tuple[()]:
        return ()

    def patient(self) -> NoRules:
        return self


@dataclass
class Scene:
    """A supplier whose processes die all the time."""

    writer: Writer
    services: Services
    kill: Callable[..., int]

    @property
    def id(self) -> UUID:
        return self.writer.supplier.supplier_id

    def do(self, act: Callable[[Work], Any]) -> Any:
        with self.services.works.begin(self.id) as work:
            return act(work)

    def die(self, act: Callable[[Services], object], every: int = 1) -> int:
        """Run ``act`` in a house on the connections of a child, until a child survives; returns how many died."""
        return self.kill(
            lambda works, fuse: (act(replace(self.services, works=works, database=works.database)), fuse.burn()),
            every=every,
        )

    def count(self, table: str, condition: str = "true") -> int:
        return int(
            self.do(
                lambda work: work.scalar(f"SELECT count(*) FROM {table} WHERE supplier_id = :supplier AND {condition}")  # noqa: S608 -- names come from the test
            )
        )

    def numbers(self) -> list[str]:
        rows = self.do(lambda work: work.rows("SELECT number FROM invoices WHERE supplier_id = :supplier"))
        return sorted(each["number"] for each in rows)


@pytest.fixture
def scene(
    services: Services, database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    """No worker waits until a dead one's hold is over, and nobody sets a page: no test is about either.

    Typesetting has threads, which no child inherits: a child would wait for them for ever where its parent has set a
    page before. Its own deaths are those of tests/chaos.
    """
    monkeypatch.setattr(running, "HOLD", timedelta(0))
    monkeypatch.setattr(running, "MOST_TRIES", MOST_LIVES)
    monkeypatch.setattr(outbox, "LEASE", timedelta(0))
    monkeypatch.setattr(typeset, "_compile", lambda *_: b"")
    monkeypatch.setattr(Producer, "produce", lambda *_: ())
    rules: Any = NoRules()
    here = replace(services, engine=rules, validator=Validator(rules))

    def kill(act: Callable[[Works, Fuse], object], every: int) -> int:
        return die_everywhere(database, settings, tmp_path, act, every=every, only_writing=True)

    made = Scene(Writer(here), here, kill)
    yield made
    assert made.do(lambda work: [each for each in run_checks(work) if each.gap]) == []


def _import(scene: Scene) -> UUID:
    """The job of a file with two invoices, one of them of two lines, and a line that is wrong."""
    content = csv_of(row("A-1"), row("A-2"), row("A-2", Désignation="Frais"), row("A-3", TVA="vingt"))

    def start(work: Work) -> UUID:
        plan = plan_import(work, content, "octobre.csv")
        options = {"kind": plan.kind, **plan.options}
        return start_job(
            work, IMPORT, "octobre.csv", content_sha256="0" * 64, options=options, actor="test", lines=plan.lines
        )

    found: UUID = scene.do(start)
    return found


def _in_a_row(count: int) -> list[str]:
    return [f"F{today().year}-{number:05d}" for number in range(1, count + 1)]


def test_each_line_of_an_import_is_issued_once_by_a_worker_that_dies_everywhere(scene: Scene) -> None:
    job_id = _import(scene)
    assert scene.die(lambda house: run_jobs(house, scene.id, KINDS), every=5) > 5
    assert scene.numbers() == _in_a_row(2)
    job = scene.do(lambda work: job_of(work, job_id))
    assert (job.state, job.done + job.known, job.refused) == ("finished", 2, 1)
    lines, _ = scene.do(lambda work: lines_of(work, job_id))
    assert sorted(each.result["number"] for each in lines if each.state != "refused") == scene.numbers()


def test_a_planted_import_that_knows_no_line_again_issues_some_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_line = import_issuing._content_and_key
    monkeypatch.setattr(import_issuing, "_content_and_key", lambda *given: (of_line(*given)[0], new_id().hex))
    _import(scene)
    scene.die(lambda house: run_jobs(house, scene.id, KINDS), every=20)
    assert len(scene.numbers()) > 2


def _typed(scene: Scene) -> tuple[UUID, dict[str, Any]]:
    """What the form holds for an invoice like the first one, and its customer."""
    invoice = scene.writer.issue()
    return invoice.customer_id, to_kept(again(invoice, scene.do(lambda work: buyer_of(work, invoice.customer_id))))


def test_each_date_of_a_recurring_invoice_is_issued_once_by_a_worker_that_dies_everywhere(scene: Scene) -> None:
    customer_id, typed = _typed(scene)
    begun = today() - timedelta(days=15)
    plan = NewRecurring(customer_id, "Forfait", typed, Rhythm.WEEK, begun, None, automatic=True, actor="test")
    scene.do(lambda work: begin_recurring(work, plan))
    assert scene.die(lambda house: run_recurring(house, scene.id), every=3) > 5
    assert scene.numbers() == _in_a_row(4)
    assert scene.count("recurring_dates", "state = 'issued'") == scene.count("recurring_dates") == 3
    assert scene.count("invoice_drafts") == 0


def test_a_draft_is_issued_once_however_often_its_button_is_pressed_by_people_whose_server_dies(scene: Scene) -> None:
    customer_id, typed = _typed(scene)
    new = NewDraft(typed, "blank", "test", "Boulangerie", customer_id)
    draft_id = scene.do(lambda work: open_draft(work, new))
    revision = scene.do(lambda work: get_draft(work, draft_id)).revision

    def press_twice(house: Services) -> None:
        pressed = {
            issue_draft(house, scene.writer.supplier, draft_id, revision, actor="test", today=today()) for _ in range(2)
        }
        assert len(pressed) == 1

    assert scene.die(press_twice, every=2) > 5
    assert scene.numbers() == _in_a_row(2)
    assert scene.do(lambda work: get_draft(work, draft_id)).state == "issued"


def test_an_opening_is_booked_whole_or_not_at_all_by_a_worker_that_dies_everywhere(scene: Scene) -> None:
    def start(work: Work) -> None:
        file, choices = keep_brought(work, "balance.csv", OPEN_ITEMS, "test"), Choices(date(2026, 10, 1))
        plan = plan_opening(work, file, choices, profile=seller_here(work), actor="test")
        start_opening(work, plan, file, choices, None)

    def book(house: Services) -> None:
        with house.works.begin(scene.id) as work:
            left = {name: work.scalar(f"SELECT count(*) FROM {name} WHERE supplier_id = :supplier") for name in BOOKED}  # noqa: S608 -- fixed names
        assert left in (dict.fromkeys(BOOKED, 0), BOOKED), "the dead one left a part of it"
        run_jobs(house, scene.id, KINDS)

    scene.do(start)
    assert scene.die(book, every=3) > 5
    assert {name: scene.count(name) for name in BOOKED} == BOOKED
    assert scene.count("jobs", "state = 'finished' AND done + known = 3 AND refused = 0") == 1


def test_a_webhook_comes_at_least_once_and_always_under_its_id_from_a_worker_that_dies_everywhere(scene: Scene) -> None:
    with receiver() as listening:
        wish = EndpointWish("ERP", listening.url, (), "person 1")
        scene.do(lambda work: open_endpoint(scene.services, work, wish))
        for number in range(2):
            scene.do(lambda work, number=number: tell(work, [Told("message.sent", {"number": number})]))

        def send(house: Services) -> None:
            plan_webhooks(house.works, scene.id)
            worker = build_worker(house)
            while worker.drain_outbox_of(scene.id, WEBHOOK_PLANNED):
                continue

        assert scene.die(send) > 8
    heard = {headers["webhook-id"]: body for headers, body in listening.heard}
    assert len(heard) == len(set(heard.values())) == 2
    assert {(headers["webhook-id"], body) for headers, body in listening.heard} == set(heard.items())
    assert len(listening.heard) > 2, "nobody died between the call and its note"
    assert scene.count("webhook_deliveries", "state = 'delivered'") == scene.count("webhook_deliveries") == 2


def _program(scene: Scene) -> tuple[Flask, Callable[[FlaskClient, str, dict[str, Any]], tuple[int, bytes]]]:
    """The API, and a call with one and the same key."""
    token = scene.do(lambda work: create_token(work, "test"))
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "night-7"}

    def call(client: FlaskClient, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        answer = client.post(path, json=body, headers=headers)
        return answer.status_code, answer.data

    return create_app(scene.services, API_BLUEPRINTS), call


@pytest.mark.parametrize(
    ("path", "body", "table"),
    [
        pytest.param("/api/v1/customers", CUSTOMER, "customers", id="in one transaction"),
        pytest.param("/api/v1/invoices", {"buyer": BUYER, "lines": LINES}, "invoices", id="in several"),
    ],
)
def test_a_call_with_a_key_has_one_effect_and_one_answer_from_a_server_that_dies_everywhere(
    scene: Scene, tmp_path: Path, path: str, body: dict[str, Any], table: str
) -> None:
    app, call = _program(scene)
    answers = tmp_path / "answers"
    answers.mkdir()

    def send(house: Services) -> None:
        bind_services(app, house)
        status, told = call(app.test_client(), path, body)
        assert status in {201, 202}, told
        (answers / fingerprint(told).hex()).write_bytes(told)

    assert scene.die(send, every=1 if table == "customers" else 4) > 5
    bind_services(app, scene.services)
    status, told = call(app.test_client(), path, body)
    assert [each.read_bytes() for each in answers.iterdir()] == [told]
    assert scene.count(table) == scene.count("api_requests", f"status = {status}") == 1
    status, told = call(app.test_client(), path, {**body, "name": "Another"})
    assert (status, json.loads(told)["code"]) == (409, "request.key_reused")


def test_an_account_is_opened_once_with_its_limit_and_its_first_person_by_a_server_that_dies_everywhere(
    scene: Scene,
) -> None:
    request_id, secret = new_id(), new_token()
    wish = Wish("Garage du Port", "Sam Port", f"sam@{request_id.hex}.example", "fr", siren="552100554")
    scene.do(lambda work: set_opening(work, Opening(is_open=True), "test"))
    scene.do(lambda work: confirm_request(work, hold_request(work, wish, request_id, fingerprint(secret))))
    app = create_app(scene.services)
    client = app.test_client()
    scene.writer.sign_in(client)
    page = f"/s/requests/accounts/{request_id}"
    token = client.get(page).text.partition('name="form_token" value="')[2].partition('"')[0]

    def approve(house: Services) -> None:
        bind_services(app, house)
        form = {"form_token": token, "limit": "5 000,00", "reason": "Bienvenue"}
        answer = client.post(f"{page}/approve", data=form, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code in {303, 422}, answer.text

    assert scene.die(approve) > 8
    assert scene.count("customers", "name = 'Garage du Port'") == scene.count("customers") == 1
    assert scene.count("credit_limits", "amount_minor = 500000") == scene.count("credit_limits") == 1
    assert scene.count("mails", f"recipient = '{wish.email}'") == 1
    (state,) = scene.do(lambda work: work.rows("SELECT state FROM account_requests WHERE supplier_id = :supplier"))
    assert state["state"] == "approved"
    with scene.services.database.register() as connection:
        people = connection.execute(
            text("SELECT count(*) FROM memberships WHERE member_of = :supplier AND role = 'customer'"),
            {"supplier": scene.id},
        )
        assert people.scalar() == 1
