"""The simulated API over HTTP: token, faults, parameters, idempotency, pages by cursor, answers in their envelopes."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from portal.sandboxes.gocardless import flow, scenarios
from portal.sandboxes.gocardless.books import Refusal, public
from portal.sandboxes.gocardless.parameters import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.sandboxes.gocardless.books import Books
    from portal.sandboxes.payments.faults import Faults

    Json = dict[str, Any]
    Maker = Callable[[Books, Json], Json]

MOST_PER_PAGE = 500
USUAL_PER_PAGE = 50
LISTED = ("billing_requests", "customers", "mandates", "payments", "refunds", "payouts", "events", "creditors")
READ = (*LISTED, "customer_bank_accounts")


def create_api(books: Books, faults: Faults) -> Blueprint:
    """The blueprint with every endpoint of the API."""
    api = Blueprint("gocardless_api", __name__)
    _answer_refusals(api, books, faults)
    for kind in READ:
        api.add_url_rule(f"/{kind}/<identity>", f"read_{kind}", _reader(books, kind), methods=["GET"])
    for kind in LISTED:
        api.add_url_rule(f"/{kind}", f"list_{kind}", _lister(books, kind), methods=["GET"])
    for kind, maker in MAKERS.items():
        api.add_url_rule(f"/{kind}", f"make_{kind}", _maker(books, kind, maker), methods=["POST"])
    for (kind, action), act in ACTIONS.items():
        rule = f"/{kind}/<identity>/actions/{action}"
        api.add_url_rule(rule, f"{action}_{kind}", _actor(books, kind, act), methods=["POST"])
    _special_routes(api, books)
    return api


def allowed_in(books: Books) -> bool:
    """Whether the request carries the access token."""
    sent = request.authorization
    return hmac.compare_digest(((sent.token or "") if sent else "").encode(), books.settings.key.encode())


def _answer_refusals(api: Blueprint, books: Books, faults: Faults) -> None:
    @api.before_request
    def let_in() -> None:
        if not allowed_in(books):
            raise Refusal("The access token is wrong.", 401, "invalid_api_usage", reason="access_token_not_found")
        fault = faults.for_call(request.method, request.path)
        request.environ["sandbox.fault"] = fault
        if fault is not None and fault.kind == "http_500":
            raise Refusal("An error that was asked for.", 500, "gocardless")
        if fault is not None and fault.kind == "http_429":
            raise Refusal("Too many requests.", 429, "invalid_api_usage", reason="rate_limit_exceeded")
        flow.sweep(books)

    @api.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> tuple[Response, int]:
        return jsonify(refusal.body), refusal.status

    @api.after_request
    def write_down(response: Response) -> Response:
        fault = request.environ.get("sandbox.fault")
        books.log.append(
            {"what": "call", "method": request.method, "path": request.path, "status": response.status_code}
            | {"idempotency_key": request.headers.get("Idempotency-Key"), "fault": fault.kind if fault else None}
        )
        if fault is not None and fault.kind == "timeout_after_effect":
            time.sleep(fault.seconds)  # the client is gone by now; the effect stays
        return response


def _reader(books: Books, kind: str) -> Callable[[str], Response]:
    def read(identity: str) -> Response:
        with books.lock:
            return jsonify({kind: public(books.get(kind, identity))})

    return read


def _lister(books: Books, kind: str) -> Callable[[], Response]:
    def listing() -> Response:
        with books.lock:
            found = [public(each) for each in reversed(list(books.objects[kind].values())) if _fits(each)]
        return _page(kind, found)

    return listing


def _fits(thing: Json) -> bool:
    """Whether the filters of the request let this through."""
    since = request.args.get("created_at[gte]")
    if since is not None and thing["created_at"] < _stamp(since):
        return False
    links = {name: value for name, value in request.args.items() if name not in {"created_at[gte]", "limit", "after"}}
    return all((thing.get("links") or {}).get(name, thing.get(name)) == value for name, value in links.items())


def _stamp(text: str) -> str:
    return text.replace("+00:00", "Z") if "." in text else text.replace("+00:00", ".000Z")


def _page(kind: str, found: list[Json]) -> Response:
    limit = min(int(request.args.get("limit", USUAL_PER_PAGE)), MOST_PER_PAGE)
    after = request.args.get("after")
    start = next((place + 1 for place, each in enumerate(found) if each["id"] == after), 0) if after else 0
    part = found[start : start + limit]
    more = part[-1]["id"] if start + limit < len(found) else None
    return jsonify({kind: part, "meta": {"cursors": {"before": None, "after": more}, "limit": limit}})


def _maker(books: Books, kind: str, make: Maker) -> Callable[[], tuple[Response, int]]:
    def create() -> tuple[Response, int]:
        params = check(kind, _body(kind))
        key = request.headers.get("Idempotency-Key")
        with books.lock:
            known = books.made.get((kind, key or ""))
            if known is not None:
                raise Refusal(
                    "A resource has already been created with this idempotency key",
                    409,
                    "invalid_state",
                    reason="idempotent_creation_conflict",
                    links={"conflicting_resource_id": known},
                )
            made = make(books, params)
            if key:
                books.made[kind, key] = made["id"]
            return jsonify({kind: public(made)}), 201

    return create


def _actor(books: Books, kind: str, act: Callable[[Books, Json], object]) -> Callable[[str], Response]:
    def acted(identity: str) -> Response:
        with books.lock:
            thing = books.get(kind, identity)
            act(books, thing)
            return jsonify({kind: public(thing)})

    return acted


def _special_routes(api: Blueprint, books: Books) -> None:
    @api.get("/payout_items")
    def payout_items() -> Response:
        with books.lock:
            books.get("payouts", request.args.get("payout", ""))
            found = books.items.get(request.args["payout"], [])
        return jsonify({"payout_items": found, "meta": {"cursors": {"before": None, "after": None}, "limit": 500}})

    @api.get("/balances")
    def balances() -> Response:
        with books.lock:
            books.get("creditors", request.args.get("creditor", ""))
            rows = [
                {
                    "amount": amount,
                    "balance_type": kind,
                    "currency": "EUR",
                    "links": {"creditor": request.args["creditor"]},
                }
                for kind, amount in flow_balances(books).items()
            ]
        return jsonify({"balances": rows, "meta": {"cursors": {"before": None, "after": None}, "limit": 50}})

    @api.post("/scenario_simulators/<name>/actions/run")
    def simulate(name: str) -> Response:
        told = (request.get_json(silent=True) or {}).get("data", {})
        with books.lock:
            scenarios.run(books, name, (told.get("links") or {}).get("resource", ""))
        return jsonify({"scenario_simulators": {"id": name}})


def flow_balances(books: Books) -> dict[str, int]:
    """What lies there: confirmed less what was taken back since, payouts that have not left, submitted payments."""
    payments = list(books.objects["payments"].values())
    confirmed = sum(each["amount"] for each in payments if each["status"] == "confirmed")
    owed = sum(each["amount"] for each in payments if each.get("_owed"))
    refunds = books.objects["refunds"].values()
    back = sum(each["amount"] for each in refunds if each["status"] == "paid" and not each.get("_out"))
    pending = sum(each["amount"] for each in books.objects["payouts"].values() if each["status"] == "pending")
    under_way = sum(each["amount"] for each in payments if each["status"] == "submitted")
    return {
        "confirmed_funds": confirmed - owed - back,
        "pending_payouts": pending,
        "pending_payments_submitted": under_way,
    }


def _body(kind: str) -> Json:
    told = request.get_json(silent=True)
    inner = told.get(kind) if isinstance(told, dict) else None
    if not isinstance(inner, dict):
        raise Refusal(f"The body must be an object with the key {kind}.", 400, "invalid_api_usage")
    return inner


def _make_request(books: Books, params: Json) -> Json:
    given = dict(params)
    links = given.pop("links", None) or {}
    made = books.add(
        "billing_requests",
        {
            "status": "pending",
            "metadata": {},
            "fallback_enabled": False,
            "fallback_occurred": False,
            "payment_request": None,
            "mandate_request": None,
            "actions": [],
            "links": dict(links),
            **given,
        },
    )
    books.emit("billing_requests", "created", made)
    return made


def _make_flow(books: Books, params: Json) -> Json:
    wanted = books.get("billing_requests", params["links"]["billing_request"])
    if wanted["status"] not in flow.OPEN:
        raise Refusal("This billing request is closed.", 422, "invalid_state", reason="billing_request_not_open")
    made = books.add("billing_request_flows", {"language": "fr", **params})
    base = books.settings.public_url or request.host_url
    made["authorisation_url"] = f"{base.rstrip('/')}/flow/{made['id']}"
    return made


def _make_payment(books: Books, params: Json) -> Json:
    mandate = books.get("mandates", (params.get("links") or {}).get("mandate", ""))
    if mandate["status"] not in flow.DEBITABLE:
        raise Refusal("The mandate is over.", 422, "invalid_state", reason="mandate_is_inactive")
    return flow.make_payment(books, {"metadata": {}, **params}, flow.SEPA, mandate["_outcome"])


MAKERS: dict[str, Maker] = {
    "billing_requests": _make_request,
    "billing_request_flows": _make_flow,
    "customers": lambda books, params: books.add("customers", {"metadata": {}, **params}),
    "payments": _make_payment,
    "refunds": flow.make_refund,
}
ACTIONS: dict[tuple[str, str], Callable[[Books, Json], object]] = {
    ("billing_requests", "cancel"): flow.cancel_request,
    ("mandates", "cancel"): flow.end_mandate,
}
