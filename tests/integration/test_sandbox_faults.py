"""The platform sandbox on bad days: each fault strikes where and as often as it was asked to, and no more."""

from __future__ import annotations

import queue
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from test_platform_sandbox import app, bearer, build, client, post_flow, search, settle
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from config.clock import now
from portal.sandboxes.platform.faults import CALLS, FaultKind, Operation, RandomFaults, strikes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

__all__ = ["app", "client"]
EVERYTHING = {"where": {"updatedAfter": "2020-01-01T00:00:00Z"}}


def arm(client: FlaskClient, kind: str, **more: Any) -> None:
    assert client.post("/_sandbox/faults", json={"kind": kind, **more}).status_code == 204


def skip(client: FlaskClient, seconds: float) -> None:
    assert client.post("/_sandbox/clock", json={"skip_s": seconds}).get_json()["done"]


def received(client: FlaskClient) -> list[str]:
    """Names of what came in, in the order of a search."""
    results = search(client, where={"flowDirection": ["In"]}).get_json()["results"]
    return [flow["name"].rpartition("-")[2].removesuffix(".xml") for flow in results]


@pytest.mark.parametrize(
    ("kind", "status"), [("error_500", 500), ("error_503", 503), ("busy", 429), ("unavailable", 502)]
)
def test_a_failure_strikes_one_operation_as_often_as_asked_and_has_no_effect(
    client: FlaskClient, kind: str, status: int
) -> None:
    arm(client, kind, operation="send", times=2, retry_after_s=7)
    assert search(client, **EVERYTHING).status_code == 200, "another operation"
    answers = [post_flow(client) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 202]
    assert answers[0].headers.get("Retry-After") == ("7" if kind == "busy" else None)
    assert len(client.get("/_sandbox/flows").get_json()) == 1


def test_a_timeout_before_has_no_effect_and_one_after_has(client: FlaskClient) -> None:
    arm(client, "timeout_before", operation="send", hold_s=0.2)
    begun = now()
    assert post_flow(client).status_code == 503
    assert now() - begun >= timedelta(seconds=0.2)
    assert client.get("/_sandbox/flows").get_json() == []
    arm(client, "timeout_after_effect", hold_s=0.2)
    begun = now()
    assert post_flow(client, trackingId="mine").status_code == 202
    assert now() - begun >= timedelta(seconds=0.2)
    assert client.get("/_sandbox/flows").get_json()[0]["trackingId"] == "mine"


def test_a_slow_call_works(client: FlaskClient) -> None:
    arm(client, "slow", operation="search", hold_s=0.2)
    begun = now()
    assert search(client, **EVERYTHING).status_code == 200
    assert now() - begun >= timedelta(seconds=0.2)


def test_a_reset_cuts_the_connection_without_an_answer(app: Flask) -> None:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client, url = app.test_client(), f"http://127.0.0.1:{server.server_port}"
    form = {"flowInfo": '{"name": "x", "flowSyntax": "CII"}'}
    for kind, kept in (("reset", 0), ("reset_after_effect", 1)):
        arm(client, kind, operation="send")
        with pytest.raises(requests.ConnectionError):
            requests.post(f"{url}/v1/flows", data=form, files={"file": b"<a/>"}, headers=bearer(client), timeout=5)
        assert len(client.get("/_sandbox/flows").get_json()) == kept
    assert requests.get(f"{url}/v1/healthcheck", timeout=5).status_code == 200
    server.shutdown()
    server.server_close()


def test_a_malformed_answer_is_no_json_though_the_call_had_its_effect(client: FlaskClient) -> None:
    arm(client, "malformed", operation="send")
    answer = post_flow(client)
    assert (answer.status_code, answer.get_json(silent=True)) == (202, None)
    assert len(client.get("/_sandbox/flows").get_json()) == 1


def test_a_token_may_end_in_the_middle_of_the_work(client: FlaskClient) -> None:
    headers = bearer(client)
    arm(client, "token_expiry")
    for _ in range(2):
        assert client.post("/v1/flows/search", json=EVERYTHING, headers=headers).status_code == 401
    assert search(client, **EVERYTHING).status_code == 200, "with a new token"


def test_a_lost_page_of_a_search_is_empty_and_the_cursor_goes_on(client: FlaskClient) -> None:
    settle(client)
    arm(client, "lost_page")
    lost = search(client, **EVERYTHING, limit=2).get_json()
    assert lost["results"] == []
    rest = search(client, **EVERYTHING, limit=2, cursor=lost["nextCursor"]).get_json()["results"]
    everything = search(client, **EVERYTHING).get_json()["results"]
    assert [flow["flowId"] for flow in rest] == [flow["flowId"] for flow in everything[2:4]]


def test_a_status_may_come_twice_or_late(client: FlaskClient) -> None:
    arm(client, "duplicate")
    settle(client)
    skip(client, 0)
    assert received(client) == ["200", "202", "203", "200"]
    client.delete("/_sandbox/flows")
    arm(client, "out_of_order", hold_s=30)
    settle(client)
    skip(client, 0)
    assert received(client) == ["202", "203"]
    skip(client, 31)
    assert received(client) == ["202", "203", "200"]


def test_an_acknowledgement_may_be_late(client: FlaskClient) -> None:
    arm(client, "late", hold_s=600)
    flow_id = post_flow(client).get_json()["flowId"]
    skip(client, 1)
    read = client.get(f"/v1/flows/{flow_id}", headers=bearer(client)).get_json()
    assert read["acknowledgement"]["status"] == "Pending"
    skip(client, 600)
    read = client.get(f"/v1/flows/{flow_id}", headers=bearer(client)).get_json()
    assert read["acknowledgement"]["status"] == "Ok"


def test_the_clock_of_the_platform_may_be_wrong(client: FlaskClient) -> None:
    for skew_s in (-7200, 3600):
        client.post("/_sandbox/clock", json={"skew_s": skew_s})
        told = datetime.fromisoformat(post_flow(client).get_json()["submittedAt"])
        assert abs(told - now() - timedelta(seconds=skew_s)) < timedelta(seconds=30)
    for wrong in ({"skew_s": "much"}, {"skip_s": -1}, {"skip_s": True}, {"skip_s": 1e12}, []):
        assert client.post("/_sandbox/clock", json=wrong).status_code == 400, wrong


@pytest.fixture
def callbacks(client: FlaskClient) -> Iterator[queue.Queue[str]]:
    """What a webhook of the client is called with."""
    calls: queue.Queue[str] = queue.Queue()

    @Request.application
    def receiver(request: Request) -> Response:
        calls.put(request.get_json()["name"])
        return Response("")

    server = make_server("127.0.0.1", 0, receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    params = {"callbackUrl": f"http://127.0.0.1:{server.server_port}/", "flowDirection": "In"}
    assert client.post("/v1/webhooks", json=params, headers=bearer(client)).status_code == 201
    yield calls
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("kind", "count"), [("lost_webhook", 2), ("duplicate_webhook", 4)])
def test_a_webhook_may_be_lost_or_called_twice(
    client: FlaskClient, callbacks: queue.Queue[str], kind: str, count: int
) -> None:
    arm(client, kind)
    settle(client)
    skip(client, 0)
    called = [callbacks.get(timeout=10) for _ in range(count)]
    with pytest.raises(queue.Empty):
        callbacks.get(timeout=0.3)
    assert sum("200" in name for name in called) == (0 if kind == "lost_webhook" else 2)


def test_faults_that_are_drawn_strike_at_their_rate_and_are_the_same_again() -> None:
    def draw() -> list[FaultKind | None]:
        faults = RandomFaults(rate=0.2, seed=7)
        drawn = [faults.draw(Operation.SEND) for _ in range(1000)]
        assert sum(faults.struck.values()) == sum(fault is not None for fault in drawn)
        return [fault.kind if fault else None for fault in drawn]

    kinds = draw()
    assert kinds == draw()
    assert 150 < sum(kind is not None for kind in kinds) < 250
    assert {kind for kind in kinds if kind} == {kind for kind in FaultKind if Operation.SEND in strikes(kind)}


def test_drawn_faults_are_told_with_how_often_they_struck(client: FlaskClient) -> None:
    arm(client, "random", rate=1, kinds=["error_500"], operations=["search"], seed=3)
    assert [search(client, **EVERYTHING).status_code for _ in range(3)] == [500] * 3
    assert post_flow(client).status_code == 202
    (told,) = client.get("/_sandbox/faults").get_json()
    assert told == {"kind": "random", "rate": 1.0, "seed": 3, "struck": {"error_500": 3}}
    client.delete("/_sandbox/faults")
    assert search(client, **EVERYTHING).status_code == 200


@pytest.mark.parametrize("kind", FaultKind)
def test_every_fault_can_be_armed_where_it_makes_sense_and_nowhere_else(client: FlaskClient, kind: FaultKind) -> None:
    for operation in Operation:
        answer = client.post("/_sandbox/faults", json={"kind": kind, "operation": operation})
        assert answer.status_code == (204 if operation in strikes(kind) else 400), operation
    assert strikes(kind) <= CALLS or not strikes(kind) & CALLS


@pytest.mark.parametrize("body", [{"rate": 2}, {"rate": "often"}, {"kinds": ["earthquake"]}, {"operations": ["x"]}])
def test_drawn_faults_that_cannot_be_are_refused(client: FlaskClient, body: dict[str, Any]) -> None:
    assert client.post("/_sandbox/faults", json={"kind": "random", **body}).status_code == 400


def test_a_sandbox_that_is_closed_stops() -> None:
    built = build()
    desk = built.extensions["platform_sandbox"]
    arm(built.test_client(), "late", hold_s=600)
    post_flow(built.test_client())
    desk.close()
    assert not any(thread.name == "sandbox-platform" and thread.is_alive() for thread in [desk.agenda._thread])
