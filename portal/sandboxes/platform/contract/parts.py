"""Pieces that both documents are made of."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A reference to a schema of the same document."""
    return {"$ref": f"#/components/schemas/{name}"}


def group(*required: str, **properties: Schema) -> Schema:
    """An object; ``required`` names the fields that must be there."""
    schema: Schema = {"type": "object", "properties": properties}
    return schema | ({"required": sorted(required)} if required else {})


def text(**limits: Any) -> Schema:
    """A text with its limits (``maxLength``, ``pattern``, ``format``)."""
    return {"type": "string", **limits}


def choice(*values: str, **limits: Any) -> Schema:
    """One of a closed list of texts."""
    return {"type": "string", "enum": list(values), **limits}


def whole(**limits: Any) -> Schema:
    """A whole number with its limits."""
    return {"type": "integer", **limits}


def many(items: Schema, **limits: Any) -> Schema:
    """A list of ``items``."""
    return {"type": "array", "items": items, **limits}


def joined(*schemas: Schema, **more: Any) -> Schema:
    """Everything that each of ``schemas`` says, together."""
    return {"allOf": list(schemas), **more}


def json_content(schema: Schema) -> Schema:
    """``schema`` as the content of a JSON body."""
    return {"application/json": {"schema": schema}}


ERROR = group(
    "errorCode",
    errorCode=text(),
    errorMessage=text(),
    type=text(format="uri-reference", default="about:blank"),
    details=text(),
    instance=text(format="uri-reference"),
)
MEANINGS = {
    400: "The call is not of the form described here.",
    401: "No token, or one that is unknown or over.",
    403: "The token does not allow this.",
    404: "There is no such thing.",
    408: "The answer took too long.",
    413: "The file is over the limit.",
    422: "The call has the right form, but what it says does not hold together.",
    429: "Too many calls: come back after Retry-After seconds.",
    500: "The service failed.",
    501: "This is not offered.",
    503: "The service cannot answer now.",
}
"""What each refusal means."""


def refusals(*statuses: int) -> Schema:
    """The answers of these HTTP statuses, all of the ``Error`` form."""
    return {
        str(status): {"description": MEANINGS[status], "content": json_content(ref("Error"))} for status in statuses
    }


def security(token_url: str) -> Schema:
    """OAuth 2 client credentials, or the bearer token that they give. Paths are relative to the document's server."""
    return {
        "BearerAuth": {"type": "http", "scheme": "bearer"},
        "OAuth2": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": {}}}},
    }
