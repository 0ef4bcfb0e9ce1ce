"""The simulated API over HTTP: keys, faults, parameters, idempotency, and answers in the provider's shape."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from portal.sandboxes.payments import clockwork
from portal.sandboxes.payments.endpoints import ENDPOINTS, Call
from portal.sandboxes.payments.endpoints.calls import Upload
from portal.sandboxes.payments.endpoints.files import MOST_FILE_BYTES
from portal.sandboxes.payments.expansion import expanded
from portal.sandboxes.payments.parameters import read
from portal.sandboxes.payments.refusals import StripeRefusal, missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.sandboxes.payments.accounts import Accounts
    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.endpoints import Endpoint
    from portal.sandboxes.payments.faults import Faults

IDEMPOTENCY_S = 24 * 60 * 60
"""How long the provider remembers an idempotency key, in seconds."""

LONGEST_KEY = 255
FORM_LEEWAY_BYTES = 64 * 1024
"""What a form may have around a file, in bytes."""

NO_KEY = "You did not provide an API key."


def create_api(accounts: Accounts, faults: Faults) -> Blueprint:
    """The blueprint with every endpoint of the API under /v1."""
    api = Blueprint("stripe_api", __name__)
    for endpoint in ENDPOINTS:
        api.add_url_rule(
            endpoint.rule,
            endpoint=f"{endpoint.method.lower()}{endpoint.rule.replace('/', '_')}",
            view_func=_view(endpoint, accounts, faults),
            methods=[endpoint.method],
        )

    def unknown_path(rest: str) -> Response:
        refusal = StripeRefusal(f"Unrecognized request URL ({request.method}: /v1/{rest}).", status=404)
        return _respond(404, {"error": refusal.error}, accounts.first.new_id("req"))

    api.add_url_rule("/v1/<path:rest>", view_func=unknown_path, methods=["GET", "POST", "DELETE"])
    api.add_url_rule("/v1/files/<file_id>/contents", view_func=_contents(accounts), methods=["GET"])
    return api


def sent_key() -> str:
    """The key in the request, as a bearer token or as the user name of basic authorization."""
    sent = request.authorization
    return (sent.token or sent.username or "") if sent else ""


def books_of_request(accounts: Accounts, resource: str | None = None) -> Books:
    """The books that the request's key and Stripe-Account header name.

    ``resource`` is what the key needs a permission for; None where only secret keys are let in.

    Raises:
        StripeRefusal: 401 without a known key, 403 where the key is not for this.
    """
    sent = sent_key()
    key = accounts.key(sent)
    if key is None:
        raise StripeRefusal("Invalid API Key provided." if sent else NO_KEY, status=401)
    books = accounts.books_for(key, request.headers.get("Stripe-Account"))
    writes = request.method != "GET"
    if key.permissions is not None and (resource is None or not key.permits(resource, writes=writes)):
        wanted = f"rak_{resource}_{'write' if writes else 'read'}"
        raise StripeRefusal(
            f"The provided key '{key.masked}' does not have the required permissions for this endpoint on account "
            f"'{books.account_id}'. Having the '{wanted}' permission would allow this request to continue.",
            status=403,
        )
    return books


def _view(endpoint: Endpoint, accounts: Accounts, faults: Faults) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        request_id = accounts.first.new_id("req")
        if endpoint.rule == "/v1/files":
            request.max_content_length = MOST_FILE_BYTES + FORM_LEEWAY_BYTES
        fault = faults.for_call(request.method, request.path)
        status, body, replayed = _answer(endpoint, accounts, ids, fault.kind if fault else "")
        late = fault is not None and fault.kind == "timeout_after_effect"
        accounts.first.log.append(
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


def _answer(endpoint: Endpoint, accounts: Accounts, ids: dict[str, str], fault: str) -> tuple[int, Json, bool]:
    """Status, body and whether it is a replay."""
    try:
        books = books_of_request(accounts, endpoint.resource)
        if fault == "http_500":
            raise StripeRefusal("An error that was asked for.", status=500, kind="api_error")  # noqa: TRY301 - one place makes answers of refusals
        if fault == "http_429":
            raise StripeRefusal("Too many requests.", status=429, code="rate_limit")  # noqa: TRY301 - same
        pairs = list((request.form if request.method == "POST" else request.args).items(multi=True))
        params = read(pairs, endpoint.takes)
        uploads = {name: Upload(sent.filename or "", sent.read()) for name, sent in request.files.items()}
        with books.lock:
            clockwork.sweep(books)
            call = Call(books, ids, params, base_url(books), uploads)
            return _answer_once(endpoint, call, pairs)
    except StripeRefusal as refusal:
        return refusal.status, {"error": refusal.error}, False


def _answer_once(endpoint: Endpoint, call: Call, pairs: list[tuple[str, str]]) -> tuple[int, Json, bool]:
    """Answer, or repeat the answer that this idempotency key got before."""
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    if key is None:
        return 200, expanded(endpoint.answer(call), call), False
    if len(key) > LONGEST_KEY:
        raise StripeRefusal(f"An idempotency key has up to {LONGEST_KEY} characters.", kind="idempotency_error")
    files = [(name, hashlib.sha256(upload.content).hexdigest()) for name, upload in sorted(call.uploads.items())]
    asked = hashlib.sha256(repr((request.method, request.path, sorted(pairs), files)).encode()).hexdigest()
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
        status, body = 200, expanded(endpoint.answer(call), call)
    except StripeRefusal as refusal:
        status, body = refusal.status, {"error": refusal.error}
    books.remember_answer(key, asked, status, body)
    return status, body, False


def _contents(accounts: Accounts) -> Callable[[str], Response]:
    def contents(file_id: str) -> Response:
        """The bytes of an uploaded file."""
        try:
            found = books_of_request(accounts, "file").contents.get(file_id)
            if found is None:
                raise missing("file", file_id)
        except StripeRefusal as refusal:
            return _respond(refusal.status, {"error": refusal.error}, accounts.first.new_id("req"))
        return Response(found, mimetype="application/octet-stream")

    return contents


def base_url(books: Books) -> str:
    """Where browsers reach the hosted page."""
    return books.settings.public_url or request.host_url


def _respond(status: int, body: Any, request_id: str, *, replayed: bool = False) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Request-Id"] = request_id
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
