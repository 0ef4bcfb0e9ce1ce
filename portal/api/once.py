"""``Idempotency-Key``: a call that is repeated has its effect once, and is answered with the same bytes.

The key stands in the transaction of the effect: a racer with the same key waits for the first one there, and a call
that is refused leaves no trace, so that it may be sent again corrected. Calls that take several transactions keep
the key first and their answer last; what they do is told apart by their own means (the request key of an invoice, the
hash of a file), so that one that broke off half-way is simply done again.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from flask import Response, g, request
from sqlalchemy.exc import OperationalError

from config.clock import now
from portal.access.context import services
from portal.api.answers import REFUSALS, CallRefusedError
from receivables.errors import ConflictError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from receivables.store.work import Work

HEADER = "Idempotency-Key"
MAX_KEY_LENGTH = 255
"""Longest Idempotency-Key, in characters."""
REPLAYED = "Idempotent-Replayed"
KEPT_HEADERS = ("Location", "Link")
LOCK_NOT_AVAILABLE = "55P03"
RELEASED = b""
"""Stands for the input of a key whose call was refused."""


def read_key() -> str | None:
    """The caller's key, if there is one.

    Raises:
        CallRefusedError: ``request.bad_key``.
    """
    key = request.headers.get(HEADER)
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isprintable()):
        raise CallRefusedError(
            400,
            "request.bad_key",
            f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters.",
            f"Une Idempotency-Key compte de 1 à {MAX_KEY_LENGTH} caractères.",
        )
    return key


def once_in_one_work(run: Callable[[Work], Response]) -> Response:
    """Run a call that is one transaction, with its key and its answer in it.

    Raises:
        ConflictError: ``request.key_reused``.
        CallRefusedError: ``request.in_progress``.
    """
    key, supplier_id = read_key(), _supplier_id()

    def attempt(work: Work) -> Response:
        if key is None:
            return run(work)
        kept = _claim(work, key)
        if kept is not None:
            return kept
        response = run(work)
        _keep(work, key, response)
        return response

    return services().works.run(supplier_id, attempt)


def once_in_several_works(run: Callable[[], Response]) -> Response:
    """Run a call that takes several transactions and may be done again without a second effect.

    Raises:
        ConflictError: ``request.key_reused``.
    """
    key, works = read_key(), services().works
    if key is None:
        return run()
    with works.begin(_supplier_id()) as work:
        kept = _claim(work, key)
    if kept is not None:
        return kept
    try:
        response = run()
    except REFUSALS:
        with works.begin(_supplier_id()) as work:
            _release(work, key)
        raise
    with works.begin(_supplier_id()) as work:
        _keep(work, key, response)
        return _kept_answer(work, key) or response


def _claim(work: Work, key: str) -> Response | None:
    """Take the key, or the answer that stands under it; ``None`` where there is none yet."""
    try:
        fresh = work.execute(
            "INSERT INTO api_requests (supplier_id, request_key, input_hash, created_at) "
            "VALUES (:supplier, :key, :hash, :at) ON CONFLICT (supplier_id, request_key) DO UPDATE "
            "SET input_hash = excluded.input_hash WHERE api_requests.input_hash = :released",
            key=key,
            hash=_input_hash(),
            released=RELEASED,
            at=now(),
        )
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise CallRefusedError(
            409,
            "request.in_progress",
            "A call with this Idempotency-Key is still under way: send it again in a moment.",
            "Un appel avec cette Idempotency-Key est encore en cours : renvoyez-le dans un instant.",
            headers={"Retry-After": "1"},
        ) from error
    return None if fresh else _kept_answer(work, key)


def _kept_answer(work: Work, key: str) -> Response | None:
    row = work.row(
        "SELECT input_hash, status, headers, answer FROM api_requests WHERE supplier_id = :supplier "
        "AND request_key = :key",
        key=key,
    )
    if row is None or bytes(row["input_hash"]) != _input_hash():
        raise ConflictError(
            "request.key_reused",
            "This Idempotency-Key was used with another input. Send the same input, or take a new key.",
            "Cette Idempotency-Key a servi avec un autre envoi. Renvoyez le même, ou changez de clé.",
        )
    if row["status"] is None:
        return None
    response = Response(bytes(row["answer"]), row["status"])
    response.headers.update(row["headers"])
    response.headers[REPLAYED] = "true"
    return response


def _keep(work: Work, key: str, response: Response) -> None:
    """Keep an answer, unless a racer has kept theirs: the first one counts for all."""
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    work.execute(
        "UPDATE api_requests SET status = :status, headers = CAST(:headers AS jsonb), answer = :answer, "
        "answered_at = :at WHERE supplier_id = :supplier AND request_key = :key AND status IS NULL",
        key=key,
        status=response.status_code,
        headers=to_json(headers | {"Content-Type": response.content_type}),
        answer=response.get_data(),
        at=now(),
    )


def _release(work: Work, key: str) -> None:
    """A refused call leaves its key to the call that is sent after it, corrected."""
    work.execute(
        "UPDATE api_requests SET input_hash = :released WHERE supplier_id = :supplier AND request_key = :key "
        "AND status IS NULL AND input_hash = :hash",
        key=key,
        hash=_input_hash(),
        released=RELEASED,
    )


def _input_hash() -> bytes:
    """SHA-256 of what was asked: method, address and body."""
    asked = json.dumps([request.method, request.path, sorted(request.args.items(multi=True))]).encode()
    return hashlib.sha256(asked + b"\n" + request.get_data()).digest()


def _supplier_id() -> UUID:
    found: UUID = g.supplier_id
    return found
