"""The two documents, served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, jsonify

from portal.sandboxes.platform.contract import directory, flow

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

contract = Blueprint("platform_contract", __name__, url_prefix="/openapi")


@contract.get("/flow.json")
def flow_document() -> ResponseReturnValue:
    """The Flow Service."""
    return jsonify(flow.DOCUMENT)


@contract.get("/directory.json")
def directory_document() -> ResponseReturnValue:
    """The Directory Service."""
    return jsonify(directory.DOCUMENT)
