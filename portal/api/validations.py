"""``/api/v1/validations``: judge a file by program. Nothing is issued and nothing is kept."""

from __future__ import annotations

from typing import Any

from flask import request
from pydantic import BaseModel
from werkzeug.exceptions import RequestEntityTooLarge

from portal.access.context import services
from portal.api.answers import CallRefusedError
from portal.api.door import open_blueprint
from portal.api.operations import operation
from portal.validation.desk import DeskError, Queue
from portal.validation.told import tell
from portal.validation.uploads import clean_name

validations = open_blueprint("api_validations")

MULTIPART = "multipart/form-data"
KINDS = frozenset(
    {
        MULTIPART,
        "application/pdf",
        "application/xml",
        "text/xml",
        "application/octet-stream",
        "application/x-www-form-urlencoded",  # what curl says where nobody tells it
        "",
    }
)
"""Types of body that are taken; what the file really is is read from the file itself."""
MIB = 1024 * 1024


class ReportShape(BaseModel):
    """The report on a file: 200 whatever the verdict."""

    file: str
    kind: str
    verdict: str
    layers: list[dict[str, Any]]
    rules: list[dict[str, Any]]


@validations.post("/validations")
@operation(
    "invoices:read",
    "Judge a file without issuing it",
    "Vérifier un fichier sans l'émettre",
    ReportShape,
    files=("application/pdf", "application/xml", "multipart/form-data"),
    headers={"X-Filename": "Name of the file."},
)
def validate() -> dict[str, Any]:
    """The report on the body, or on the one file of a multipart body; 200 whatever the verdict."""
    content, filename = _file()
    try:
        report = services().desk.check(content, filename, Queue.API)
    except DeskError as error:
        status = 503 if error.code == "validation.busy" else 500
        raise CallRefusedError(status, error.code, error.sentence, error.sentence_fr) from error
    return tell(report)


def _file() -> tuple[bytes, str]:
    """The file of the call and its name.

    Raises:
        CallRefusedError: it is too large, of another type, or not exactly one.
    """
    if request.mimetype not in KINDS:
        raise CallRefusedError(
            415,
            "request.unknown_type",
            f"The type {request.mimetype!r} is not taken: send application/pdf, application/xml or "
            "multipart/form-data.",
            f"Le type {request.mimetype!r} n'est pas accepté : envoyez application/pdf, application/xml ou "
            "multipart/form-data.",
        )
    try:
        if request.mimetype != MULTIPART:
            return request.get_data(), clean_name(request.headers.get("X-Filename")) or "file"
        files = [each for group in request.files.listvalues() for each in group]
    except RequestEntityTooLarge as error:
        most = services().settings.max_upload_bytes // MIB
        raise CallRefusedError(
            413,
            "request.too_large",
            f"The file is larger than {most} MiB. Send it without its attachments.",
            f"Le fichier dépasse {most} Mio. Envoyez-le sans ses pièces jointes.",
        ) from error
    if len(files) != 1:
        raise CallRefusedError(
            400,
            "request.one_file",
            f"The body has {len(files)} files: send exactly one, or the file itself as the body.",
            f"Le corps contient {len(files)} fichiers : envoyez-en un seul, ou le fichier lui-même comme corps.",
        )
    return files[0].read(), clean_name(files[0].filename) or "file"
