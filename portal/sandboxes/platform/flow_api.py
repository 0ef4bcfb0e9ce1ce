"""The flow calls of XP Z12-013 1.3.0: send, search, fetch."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import g, jsonify, request

from einvoice.platform.port import MAX_TRACKING_ID, Direction, DocType
from portal.sandboxes.platform.contract.flow import DEFAULT_LIMIT, SCHEMAS
from portal.sandboxes.platform.contract.shapes import mismatch
from portal.sandboxes.platform.conversion import NoConversionError, convert, show
from portal.sandboxes.platform.download import as_download
from portal.sandboxes.platform.faults import FaultKind
from portal.sandboxes.platform.flows import StoredFlow, flow_json, iso
from portal.sandboxes.platform.guard import ApiError, bad, desk, json_body, service, too_large

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

METADATA = "Metadata"
_TOLD = tuple(SCHEMAS["CoreFlowInfo"]["properties"])
"""What the answer to a sending repeats."""
_MAX_FLOW_INFO = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    told = {name: info[name] for name in _TOLD if name in info}
    answer = {**told, "sha256": flow.sha256, "flowId": flow.flow_id, "submittedAt": iso(flow.submitted_at)}
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
    _check(info, "FlowInfo", "flowInfo")
    limit = desk().options.max_file_bytes
    content = file.stream.read(limit + 1)
    if len(content) > limit:
        raise too_large()
    return info, content


def _check(value: Any, schema: str, where: str) -> None:
    """Refuse what does not fit the contract."""
    problem = mismatch(value, SCHEMAS[schema], SCHEMAS, where)
    if problem:
        raise bad("MISSING_REQUIRED_FIELD" if " lacks " in problem else "INVALID_FIELD", problem)


def _flow(info: dict[str, str], content: bytes) -> StoredFlow:
    """The flow that ``flowInfo`` announces, checked against the file."""
    if "processingRule" in info and desk().options.refuse_processing_rule:
        raise bad("UNEXPECTED_FIELD", "This platform computes processingRule.")
    if not content:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "EmptyFlow", "The file is empty.")
    sha256 = hashlib.sha256(content).hexdigest()
    if info.get("sha256", sha256).lower() != sha256:
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
    """The metadata of a flow, or one of its files."""
    doc_type = request.args.get("docType", METADATA)
    if doc_type not in {METADATA, *DocType} or len(flow_id) > MAX_TRACKING_ID:
        raise bad("INVALID_FIELD", "docType or flowId is not of the norm.")
    flow = desk().store.get(flow_id)
    if flow is None or flow.owner != g.owner or flow.held_back:
        raise ApiError(HTTPStatus.NOT_FOUND, "MISSING_RESOURCE", "There is no such flow.")
    if doc_type == METADATA:
        return jsonify(flow_json(flow))
    content, name = _file(flow, DocType(doc_type))
    return as_download(content, name)


def _file(flow: StoredFlow, doc_type: DocType) -> tuple[bytes, str]:
    try:
        if doc_type is DocType.CONVERTED:
            return convert(flow, desk().extract_xml)
        if doc_type is DocType.READABLE_VIEW:
            return show(flow)
    except NoConversionError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "MISSING_RESOURCE", str(error)) from error
    return flow.content, flow.name


@service.post("/v1/flows/search")
def search() -> ResponseReturnValue:
    """Flows that fit every criterion, least recently changed first, page by page."""
    body = json_body()
    _check(body, "Search", "body")
    where, limit = body["where"], body.get("limit", DEFAULT_LIMIT)
    after = _read_cursor(body["cursor"]) if "cursor" in body else None
    found = [
        flow
        for flow in desk().store.ordered()
        if flow.owner == g.owner
        and not flow.held_back
        and (after is None or _place(flow) > after)
        and _fits(flow, where)
    ]
    lost = g.fault is not None and g.fault.kind is FaultKind.LOST_PAGE
    shown = [] if lost else [flow_json(flow) for flow in found[:limit]]
    content: dict[str, Any] = {"limit": limit, "filters": where, "results": shown}
    if len(found) > limit:
        moment, sequence = _place(found[limit - 1])
        content["nextCursor"] = f"{moment}-{sequence}"
    return jsonify(content)


def _fits(flow: StoredFlow, where: dict[str, Any]) -> bool:
    """Whether ``flow`` fits all criteria; ``updatedAfter`` is strict."""
    shown = flow_json(flow)
    return (
        all(shown[name] in where[name] for name in ("processingRule", "flowType", "flowDirection") if name in where)
        and ("updatedAfter" not in where or flow.updated_at > _moment(where["updatedAfter"]))
        and ("updatedBefore" not in where or flow.updated_at < _moment(where["updatedBefore"]))
        and where.get("trackingId", flow.tracking_id) == flow.tracking_id
        and where.get("ackStatus", flow.status.value) == flow.status.value
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())


def _place(flow: StoredFlow) -> tuple[int, int]:
    """Where the flow stands in a search: milliseconds of its last change, then its number."""
    return (flow.updated_at - _EPOCH) // timedelta(milliseconds=1), flow.sequence


def _read_cursor(text: str) -> tuple[int, int]:
    moment, _, sequence = text.partition("-")
    return int(moment), int(sequence)
