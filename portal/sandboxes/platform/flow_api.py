"""The flow calls of XP Z12-013 1.3.0: send, search, fetch."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Response, g, jsonify, request

from einvoice.platform.port import MAX_TRACKING_ID, Direction, DocType, ProcessingRule, Profile, Syntax
from portal.sandboxes.platform.flows import StoredFlow, flow_json, iso
from portal.sandboxes.platform.guard import ApiError, bad, desk, service, too_large

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

_MAX_NAME = 255
_MAX_FLOW_INFO = 10_000
_DEFAULT_LIMIT, _MAX_LIMIT = 25, 100
_FILTERS = frozenset(
    {"updatedAfter", "updatedBefore", "processingRule", "flowType", "flowDirection", "trackingId", "ackStatus"}
)


@service.post("/v1/flows")
def send() -> ResponseReturnValue:
    """Take one file; its acknowledgement follows."""
    info, content = _parts()
    flow = _flow(info, content)
    with desk().store.lock:
        known = desk().store.tracked(flow.owner, flow.tracking_id) if flow.tracking_id else None
        if known:
            raise ApiError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "AlreadyExistingFlow",
                f"Tracking id {flow.tracking_id} was received as flow {known.flow_id}.",
            )
        desk().take(flow)
    if g.fault:
        desk().closing.wait(min(g.fault.hold_s, desk().options.hold_s))
    answer = {**info, "sha256": flow.sha256, "flowId": flow.flow_id, "submittedAt": iso(flow.submitted_at)}
    return jsonify(answer), HTTPStatus.ACCEPTED


def _parts() -> tuple[dict[str, Any], bytes]:
    given, file = request.form.get("flowInfo"), request.files.get("file")
    if given is None and "flowInfo" in request.files:
        given = request.files["flowInfo"].read(_MAX_FLOW_INFO).decode(errors="replace")
    if given is None or file is None:
        raise bad("MISSING_REQUIRED_FIELD", "The request needs the parts flowInfo and file.")
    try:
        info = json.loads(given)
    except ValueError as error:
        raise bad("INVALID_FORMAT", "flowInfo is not JSON.") from error
    if not isinstance(info, dict) or not all(isinstance(value, str) for value in info.values()):
        raise bad("INVALID_FORMAT", "flowInfo is not an object of texts.")
    limit = desk().options.max_file_bytes
    content = file.stream.read(limit + 1)
    if len(content) > limit:
        raise too_large()
    return info, content


def _flow(info: dict[str, str], content: bytes) -> StoredFlow:
    """The flow that ``flowInfo`` announces, checked against the norm and against the file."""
    for name in ("name", "flowSyntax"):
        if not info.get(name):
            raise bad("MISSING_REQUIRED_FIELD", f"flowInfo needs {name}.")
    if len(info["name"]) > _MAX_NAME or len(info.get("trackingId", "")) > MAX_TRACKING_ID:
        raise bad("INVALID_FIELD", "name or trackingId is too long.")
    for name, known in (("flowSyntax", Syntax), ("processingRule", ProcessingRule), ("flowProfile", Profile)):
        if name in info and info[name] not in set(known):
            raise bad("INVALID_FIELD", f"{name} {info[name]!r} is not of the norm.")
    if "processingRule" in info and desk().options.refuse_processing_rule:
        raise bad("UNEXPECTED_FIELD", "This platform computes processingRule.")
    if not content:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "EmptyFlow", "The file is empty.")
    sha256 = hashlib.sha256(content).hexdigest()
    if info.get("sha256", sha256) != sha256:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "ChecksumMismatch", "The file is not what sha256 announces.")
    return StoredFlow(
        owner=g.owner,
        name=info["name"],
        syntax=info["flowSyntax"],
        direction=Direction.OUT,
        content=content,
        tracking_id=info.get("trackingId"),
        processing_rule=info.get("processingRule"),
        profile=info.get("flowProfile"),
        sha256=sha256,
    )


@service.get("/v1/flows/<flow_id>")
def fetch(flow_id: str) -> ResponseReturnValue:
    """The metadata of a flow, or its file."""
    flow = desk().store.get(flow_id)
    if flow is None or flow.owner != g.owner:
        raise ApiError(HTTPStatus.NOT_FOUND, "MISSING_RESOURCE", "There is no such flow.")
    doc_type = request.args.get("docType", "Metadata")
    if doc_type == "Metadata":
        return jsonify(flow_json(flow))
    if doc_type not in set(DocType):
        raise bad("INVALID_FIELD", "docType is not of the norm.")
    if doc_type != DocType.ORIGINAL:
        raise ApiError(HTTPStatus.NOT_FOUND, "MISSING_RESOURCE", f"The flow has no {doc_type}.")
    answer = Response(flow.content, mimetype="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=flow.name)
    return answer


@service.post("/v1/flows/search")
def search() -> ResponseReturnValue:
    """Flows that fit every criterion, least recently changed first, page by page."""
    body = request.get_json(silent=True)
    where = body.get("where") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(where, dict) or not _FILTERS & where.keys():
        raise bad("MISSING_REQUIRED_FIELD", "A search needs at least one criterion under where.")
    limit = body.get("limit", _DEFAULT_LIMIT)
    if not isinstance(limit, int) or not 1 <= limit <= _MAX_LIMIT:
        raise bad("INVALID_FIELD", f"limit is not a whole number from 1 to {_MAX_LIMIT}.")
    after = _read_cursor(body["cursor"]) if body.get("cursor") else None
    found = [
        flow
        for flow in desk().store.ordered()
        if flow.owner == g.owner and (after is None or flow.position > after) and _fits(flow, where)
    ]
    content: dict[str, Any] = {"limit": limit, "filters": where, "results": [flow_json(flow) for flow in found[:limit]]}
    if len(found) > limit:
        content["nextCursor"] = _write_cursor(found[limit - 1])
    return jsonify(content)


def _fits(flow: StoredFlow, where: dict[str, Any]) -> bool:
    """Whether ``flow`` fits all criteria; ``updatedAfter`` is strict."""
    shown = flow_json(flow)
    for name in ("processingRule", "flowType", "flowDirection"):
        wanted = where.get(name)
        if wanted is not None and (not isinstance(wanted, list) or shown[name] not in wanted):
            return False
    return (
        ("updatedAfter" not in where or flow.updated_at > _moment(where["updatedAfter"]))
        and ("updatedBefore" not in where or flow.updated_at < _moment(where["updatedBefore"]))
        and where.get("trackingId", flow.tracking_id) == flow.tracking_id
        and where.get("ackStatus", flow.status.value) == flow.status.value
    )


def _moment(text: object) -> datetime:
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise bad("INVALID_FIELD", f"{text!r} is no time.") from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _write_cursor(flow: StoredFlow) -> str:
    return urlsafe_b64encode(f"{flow.updated_at.isoformat()} {flow.sequence}".encode()).decode()


def _read_cursor(text: object) -> tuple[datetime, int]:
    try:
        moment, sequence = urlsafe_b64decode(str(text)).decode().split(" ")
        return datetime.fromisoformat(moment), int(sequence)
    except ValueError as error:
        raise bad("INVALID_FIELD", "The cursor is not one of ours.") from error
