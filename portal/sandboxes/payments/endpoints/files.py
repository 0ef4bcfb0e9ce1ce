"""Uploaded files: the evidence of disputes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.sandboxes.payments import shapes_of_money as shapes
from portal.sandboxes.payments.endpoints.calls import EXPAND, LISTING, Endpoint, listing, one
from portal.sandboxes.payments.parameters import need, one_of
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Json
    from portal.sandboxes.payments.endpoints.calls import Call

MOST_FILE_BYTES = 5 * 1024 * 1024
"""The largest evidence that the provider takes."""

TYPES = {b"%PDF-": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG": "png"}
"""What evidence may be, by how a file begins."""

PURPOSES = one_of("dispute_evidence", "customer_signature", "business_logo", "identity_document")


def create_file(call: Call) -> Json:
    """POST /v1/files, on the host for files: a multipart form."""
    purpose = need(call.params, "purpose")
    upload = need(call.uploads, "file")
    kind = next((kind for head, kind in TYPES.items() if upload.content.startswith(head)), None)
    if kind is None:
        raise StripeRefusal(f"A file must be one of {', '.join(TYPES.values())}.", param="file")
    if len(upload.content) > MOST_FILE_BYTES:
        raise StripeRefusal(f"A file has up to {MOST_FILE_BYTES} bytes.", param="file")
    identifier = call.books.new_id("file")
    call.books.contents[identifier] = upload.content
    told = shapes.file(
        identifier,
        call.books.now(),
        f"{call.base_url.rstrip('/')}/v1/files/{identifier}/contents",
        filename=upload.filename,
        purpose=purpose,
        size=len(upload.content),
        type=kind,
    )
    return call.books.add("file", told)


ENDPOINTS = (
    Endpoint("POST", "/v1/files", EXPAND | {"purpose": PURPOSES}, create_file, "file"),
    Endpoint("GET", "/v1/files", LISTING | {"purpose": PURPOSES}, listing("file", "purpose"), "file"),
    Endpoint("GET", "/v1/files/<id>", EXPAND, one("file"), "file"),
)
