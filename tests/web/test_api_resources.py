"""Resources by program, as an ERP uses them: what a call does is what the page would have done."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from dispute_builders import claim
from ledger_builders import customer_facts, issue

from config.clock import today
from portal.api.blueprints import API_BLUEPRINTS
from portal.api.schema import openapi
from portal.api.scopes import SCOPES
from portal.api.tokens import create_token
from portal.app import create_app
from portal.jobs.kinds import KINDS
from portal.jobs.running import run_jobs
from receivables.domain.money import Money
from receivables.store.event_log import number_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.wiring import Services
    from receivables.store.register import Supplier

Api = Any


@pytest.fixture
def api(services: Services, supplier: Supplier) -> Callable[..., Any]:
    """A call with a token that may do everything; its JSON, after its status was looked at."""
    client = create_app(services, API_BLUEPRINTS).test_client()
    with services.works.begin(supplier.supplier_id) as work:
        headers = {"Authorization": f"Bearer {create_token(work, 'test')}"}

    def call(path: str, body: object = None, *, expect: int = 200, method: str | None = None) -> Any:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        answer = client.open(
            f"/api/v1{path}", method=method or ("GET" if body is None else "POST"), data=data, headers=headers
        )
        assert answer.status_code == expect, answer.text
        return answer.json

    return call


def test_a_customer_is_opened_changed_and_found(api: Api) -> None:
    opened = api(
        "/customers",
        {"name": "Boulangerie Martin", "siren": "732829320", "address": {"city": "Paris"}, "terms": {"days": 45}},
        expect=201,
    )
    code = opened["account_code"]
    assert (opened["terms"], opened["kind"]) == ({"days": 45, "counted_from": "invoice"}, "business")
    changed = api(f"/customers/{code}", {"email": "Compta@Martin.example", "terms": None}, method="PATCH")
    assert (changed["email"], changed["terms"]) == ("compta@martin.example", None)
    assert changed["address"]["city"] == "Paris", "what is left out stays"
    assert api(f"/customers/{opened['customer_id']}") == changed
    assert [each["account_code"] for each in api("/customers?q=martin")["customers"]] == [code]
    assert api("/customers", {"name": "B", "siren": "732829320"}, expect=409)["code"] == "customer.exists"
    assert api("/customers", {"name": "B"}, expect=422)["code"] == "customer.siren_missing"
    person = {"name": "Mme Petit", "kind": "consumer"}
    assert api("/customers", person | {"siren": "732829320"}, expect=422)["code"] == "customer.consumer_with_number"


def test_a_cheque_is_written_down_settles_invoices_and_is_told_once(
    api: Api, services: Services, supplier: Supplier
) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        invoice = issue(work, customer=customer_facts("Chèque SARL", siren=None))
    cheque = {
        "kind": "cheque",
        "customer": str(invoice.customer_id),
        "amount": "60.00",
        "reference": "CHQ 1",
        "allocations": {str(invoice.invoice_id): "40.00"},
    }
    kept = api("/payments", cheque, expect=201)["payment"]
    assert (kept["amount"], kept["credit"]) == ("60.00", "20.00")
    assert [(each["number"], each["settled"]) for each in kept["allocations"]] == [(invoice.number, "40.00")]
    assert api("/payments", cheque, expect=201)["payment"]["payment_id"] == kept["payment_id"]
    assert len(api("/payments")["payments"]) == 1
    used = {
        "customer": str(invoice.customer_id),
        "invoices": [str(invoice.invoice_id)],
        "payments": [kept["payment_id"]],
    }
    assert api("/allocations", used, expect=201)["allocated_minor"] == 2000
    assert sorted(each["amount"] for each in api("/allocations")["allocations"]) == ["20.00", "40.00"]
    assert api("/allocations", used, expect=409)["code"] == "lettering.not_open"
    account = api(f"/customers/{invoice.customer_id}/statement")["statements"][0]
    assert account["closing"] == str(Money(invoice.payable_minor - 6000).decimal)
    assert sum(Decimal(each["open"]) for each in account["open_lines"]) == Decimal(account["closing"])


def test_a_dispute_is_answered_rejected_and_tells_its_story(api: Api, services: Services, supplier: Supplier) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        dispute = claim(work, issue(work))
    (listed,) = api("/disputes")["disputes"]
    assert listed["dispute_id"] == str(dispute.dispute_id)
    answered = api(f"/disputes/{dispute.dispute_id}/answer", {"said": "Nous vérifions."})
    assert answered["answered_at"]
    assert answered["events"][-1]["said"] == "Nous vérifions."
    rejected = api(f"/disputes/{dispute.dispute_id}/reject", {"said": "Le bon est signé."})
    assert (rejected["state"], api("/disputes")["disputes"]) == ("rejected", [])
    again = api(f"/disputes/{dispute.dispute_id}/reject", {"said": "Encore."}, expect=409)
    assert again["code"] == "dispute.closed"
    assert api(f"/disputes/{dispute.dispute_id}/close", {"said": "x"}, expect=409)["code"] == "dispute.not_refused"


def test_a_message_is_written_and_read_in_its_conversation(api: Api, services: Services, supplier: Supplier) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
    said = api("/messages", {"invoice_id": str(invoice.invoice_id), "said": "Bonjour,\nvotre avoir part."}, expect=201)
    shown = api(f"/messages/{said['thread_id']}")
    assert [(each["side"], each["said"]) for each in shown["messages"]] == [("supplier", "Bonjour,\nvotre avoir part.")]
    assert api("/messages")["threads"][0]["invoice_id"] == str(invoice.invoice_id)
    assert api(f"/messages/{said['thread_id']}/close", {})["state"] == "closed"
    assert api("/messages", {"said": "À qui ?"}, expect=400)["code"] == "message.no_subject"


def test_a_promise_is_written_down_and_taken_back(api: Api, services: Services, supplier: Supplier) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
    wish = {
        "customer": str(invoice.customer_id),
        "promised_on": today().isoformat(),
        "said_by": "Mme Martin",
        "invoices": {str(invoice.invoice_id): None},
    }
    made = api("/promises", wish, expect=201)
    assert (made["state"], made["invoices"][0]["invoice_id"]) == ("pending", str(invoice.invoice_id))
    back = api(f"/promises/{made['promise_id']}/withdraw", {"reason": "Erreur"})
    assert back["state"] == "withdrawn"
    assert api("/promises?state=pending")["promises"] == []
    assert api("/plans")["plans"] == api("/claims")["claims"] == []


def test_events_are_read_from_where_one_stopped(api: Api, services: Services, supplier: Supplier) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        claim(work, issue(work))
        number_events(work)
    read = api("/events")
    kinds = [each["kind"] for each in read["events"]]
    assert "dispute.opened" in kinds
    assert [each["position"] for each in read["events"]] == list(range(1, len(kinds) + 1))
    one = read["events"][0]
    assert api(f"/events/{one['event_id']}") == one
    nothing = api(f"/events?after={read['next_after']}")
    assert (nothing["events"], nothing["next_after"]) == ([], read["next_after"])
    only = api("/events?kind=dispute.opened")["events"]
    assert {each["kind"] for each in only} == {"dispute.opened"}
    assert api("/events?kind=dispute.eaten", expect=400)["code"] == "event.unknown_kind"


def test_a_bulk_call_is_a_job_with_a_report_line_by_line(api: Api, services: Services, supplier: Supplier) -> None:
    lines = [{"name": "Un", "siren": "732829320"}, {"name": "Deux"}, {"name": "Un", "siren": "732829320"}]
    body = b"\n".join(json.dumps(each).encode() for each in lines) + b"\n{not json\n"
    job = api("/bulk/customers", body, expect=202)
    assert (job["state"], job["total"], job["done"]) == ("running", 4, 0)
    run_jobs(services, supplier.supplier_id, KINDS)
    done = api(f"/jobs/{job['job_id']}")
    assert (done["state"], done["done"], done["known"], done["refused"]) == ("finished", 1, 1, 2)
    refused = api(f"/jobs/{job['job_id']}/lines?state=refused")["lines"]
    assert [(each["position"], each["code"]) for each in refused] == [
        (2, "customer.siren_missing"),
        (4, "request.bad_json"),
    ]
    first = api(f"/jobs/{job['job_id']}/lines?state=done")["lines"][0]["result"]["account_code"]
    told = {"reference": "CMD-1", "customer": first, "amount": 120.5}
    orders = api("/bulk/orders", json.dumps(told).encode(), expect=202)
    run_jobs(services, supplier.supplier_id, KINDS)
    assert api(f"/jobs/{orders['job_id']}")["done"] == 1
    assert api("/orders/CMD-1")["amount"] == "120.50"
    assert api("/bulk/customers", b"\n", expect=400)["code"] == "bulk.no_lines"


def test_the_published_schema_names_every_scope_and_every_call_once() -> None:
    schema = openapi()
    told = [each for methods in schema["paths"].values() for each in methods.values()]
    names = [each["operationId"] for each in told]
    assert len(set(names)) == len(names)
    used = {scope for each in told for scope in each["security"][1]["client"]}
    assert used == set(SCOPES)
    text = json.dumps(schema)
    referred = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred == schema["components"]["schemas"].keys() & referred
    writes = [each for methods in schema["paths"].values() for name, each in methods.items() if name != "get"]
    assert all(any(p["name"] == "Idempotency-Key" for p in each["parameters"]) for each in writes)
