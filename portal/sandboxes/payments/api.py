"""The simulated API over HTTP: key, faults, parameters, idempotency, expansion, and answers in the provider's shape."""

from __future__ import annotations

import copy
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from portal.sandboxes.payments import flow, shapes
from portal.sandboxes.payments.parameters import read
from portal.sandboxes.payments.refusals import StripeRefusal
from portal.sandboxes.payments.resources import ENDPOINTS, Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.faults import Faults
    from portal.sandboxes.payments.resources import Endpoint

IDEMPOTENCY_S = 24 * 60 * 60
"""How long the provider remembers an idempotency key, in seconds."""

LONGEST_KEY = 255
DEEPEST_EXPANSION = 4


def create_api(books: Books, faults: Faults) -> Blueprint:
    """The blueprint with every endpoint of the API under /v1."""
    api = Blueprint("stripe_api", __name__)
    for endpoint in ENDPOINTS:
        api.add_url_rule(
            endpoint.rule,
            endpoint=f"{endpoint.method.lower()}{endpoint.rule.replace('/', '_')}",
            view_func=_view(endpoint, books, faults),
            methods=[endpoint.method],
        )

    def unknown_path(rest: str) -> Response:
        refusal = StripeRefusal(f"Unrecognized request URL ({request.method}: /v1/{rest}).", status=404)
        return _respond(404, {"error": refusal.error}, books.new_id("req"))

    api.add_url_rule("/v1/<path:rest>", view_func=unknown_path, methods=["GET", "POST", "DELETE"])
    return api


def allowed_in(books: Books) -> bool:
    """Whether the request carries the key, as a bearer token or as the user name of basic authorization."""
    sent = request.authorization
    key = (sent.token or sent.username or "") if sent else ""
    return hmac.compare_digest(key.encode(), books.settings.key.encode())


def _view(endpoint: Endpoint, books: Books, faults: Faults) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        request_id = books.new_id("req")
        fault = faults.for_call(request.method, request.path)
        status, body, replayed = _answer(endpoint, books, ids, fault.kind if fault else "")
        late = fault is not None and fault.kind == "timeout_after_effect"
        books.log.append(
            {
                "what": "call",
                "method": request.method,
                "path": request.path,
                "status": status,
                "request": request_id,
                "idempotency_key": request.headers.get("Idempotency-Key"),
                "replayed": replayed,
                "fault": fault.kind if fault else None,
            }
        )
        if late and fault is not None:
            time.sleep(fault.seconds)  # the client is gone by now; the effect stays
        return _respond(status, body, request_id, replayed=replayed)

    return view


def _answer(endpoint: Endpoint, books: Books, ids: dict[str, str], fault: str) -> tuple[int, Json, bool]:
    """Status, body and whether it is a replay."""
    try:
        if not allowed_in(books):
            raise StripeRefusal("Invalid API Key provided.", status=401)  # noqa: TRY301 - one place makes answers of refusals
        if fault == "http_500":
            raise StripeRefusal("An error that was asked for.", status=500, kind="api_error")  # noqa: TRY301 - same
        if fault == "http_429":
            raise StripeRefusal("Too many requests.", status=429, code="rate_limit")  # noqa: TRY301 - same
        pairs = list((request.form if request.method == "POST" else request.args).items(multi=True))
        params = read(pairs, endpoint.takes)
        with books.lock:
            flow.sweep(books)
            return _answer_once(endpoint, Call(books, ids, params, _base_url(books)), pairs)
    except StripeRefusal as refusal:
        return refusal.status, {"error": refusal.error}, False


def _answer_once(endpoint: Endpoint, call: Call, pairs: list[tuple[str, str]]) -> tuple[int, Json, bool]:
    """Answer, or repeat the answer that this idempotency key got before."""
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    if key is None:
        return 200, _expanded(endpoint.answer(call), call), False
    if len(key) > LONGEST_KEY:
        raise StripeRefusal(f"An idempotency key has up to {LONGEST_KEY} characters.", kind="idempotency_error")
    asked = hashlib.sha256(repr((request.method, request.path, sorted(pairs))).encode()).hexdigest()
    books = call.books
    known = books.answers.get(key)
    if known is not None and books.now() - known[3] < IDEMPOTENCY_S:
        if known[0] != asked:
            raise StripeRefusal(
                f"The idempotency key {key} was used for another request; use a new key for a new request.",
                kind="idempotency_error",
            )
        return known[1], known[2], True
    try:
        status, body = 200, _expanded(endpoint.answer(call), call)
    except StripeRefusal as refusal:
        status, body = refusal.status, {"error": refusal.error}
    books.remember_answer(key, asked, status, body)
    return status, body, False


def _expanded(answer: Json, call: Call) -> Json:
    """A copy of ``answer`` for the outside, with ids replaced by objects where the call asked for it."""
    told = shapes.public(copy.deepcopy(answer))
    if told.get("object") == "list" and not told["url"]:
        told["url"] = request.path
    for path in call.params.get("expand", ()):
        steps = path.split(".")
        if len(steps) > DEEPEST_EXPANSION + 1:
            raise StripeRefusal(f"You cannot expand more than {DEEPEST_EXPANSION} levels.", param="expand")
        if steps[0] == "data" and told.get("object") == "list":
            for thing in told["data"]:
                _expand(thing, steps[1:], call.books)
        else:
            _expand(told, steps, call.books)
    return told


def _expand(thing: Json, steps: list[str], books: Books) -> None:
    if not steps:
        return
    name, value = steps[0], thing.get(steps[0])
    if name == "line_items" and thing["object"] == "checkout.session":
        lines = books.get("cs", thing["id"])["_lines"]
        thing[name] = shapes.page([shapes.public(line) for line in lines], "", has_more=False)
        return
    if name == "refunds" and thing["object"] == "charge":
        refunds = [refund for refund in books.objects["re"].values() if refund["charge"] == thing["id"]]
        url = f"/v1/charges/{thing['id']}/refunds"
        thing[name] = shapes.page([shapes.public(refund) for refund in reversed(refunds)], url, has_more=False)
        return
    if isinstance(value, str):
        found = books.find(value)
        if found is not None:
            thing[name] = shapes.public(copy.deepcopy(found))
    elif name not in thing:
        raise StripeRefusal(f"This property cannot be expanded ({name}).", param="expand")
    if isinstance(thing[name], dict):
        _expand(thing[name], steps[1:], books)


def _base_url(books: Books) -> str:
    return books.settings.public_url or request.host_url


def _respond(status: int, body: Any, request_id: str, *, replayed: bool = False) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Request-Id"] = request_id
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
