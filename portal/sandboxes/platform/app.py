"""Build the platform sandbox as a Flask application."""

from __future__ import annotations

import atexit
import os
import socket
import struct
from typing import TYPE_CHECKING

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from portal.sandboxes.platform import access_api, control_parties, flow_api, page_parties, webhook_api
from portal.sandboxes.platform.contract.api import contract
from portal.sandboxes.platform.control import control
from portal.sandboxes.platform.desk import PlatformDesk
from portal.sandboxes.platform.directory.api import directory
from portal.sandboxes.platform.examination import Examiner
from portal.sandboxes.platform.guard import RESET_FLAG, answer_outside, service
from portal.sandboxes.platform.options import PlatformSandboxOptions
from portal.sandboxes.platform.page import pages
from portal.sandboxes.strangers import refuse_strangers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from portal.sandboxes.platform.options import Check, Extract

_FORM_ALLOWANCE = 1024 * 1024
"""Bytes of a request beside its file."""
CALLS = (access_api, flow_api, webhook_api, control_parties, page_parties)
"""Modules that put their routes on the blueprints of others."""


def create_platform_sandbox(
    *,
    check_invoice: Check,
    check_cdar: Check,
    extract_xml: Extract,
    check_report: Check | None = None,
    options: PlatformSandboxOptions | None = None,
) -> Flask:
    """A platform that judges with the checks it is given.

    Its ``PlatformDesk`` is ``app.extensions["platform_sandbox"]``; ``close()`` it at the end. The base URL of the Flow
    Service is that of the application, that of the Directory Service ``/directory-service``, the token endpoint
    ``/oauth2/token``, the page for people ``/``. An invoice to a buyer that is itself a client (its SIREN is a client
    id, an ``Organization-Id`` in use, the seller of an accepted invoice, or was added by ``POST
    /_sandbox/companies``) is delivered to that client.
    """
    options = options or PlatformSandboxOptions()
    app = Flask(__name__, static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=options.max_file_bytes + _FORM_ALLOWANCE,
        MAX_FORM_PARTS=20,
        JSON_AS_ASCII=False,
    )
    desk = PlatformDesk(Examiner(check_invoice, check_cdar, extract_xml, check_report), options)
    app.extensions["platform_sandbox"] = desk
    atexit.register(desk.close)
    for blueprint in (service, directory, contract, control, pages):
        app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, answer_outside)
    app.wsgi_app = _Resetting(app.wsgi_app)  # type: ignore[method-assign]
    refuse_strangers(app)
    app.after_request(_add_headers)
    return app


class _Resetting:
    """Cuts the connection where a fault asked for it: the caller sees a reset, never an answer."""

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._inner(environ, start_response)
        if environ.get(RESET_FLAG):
            _cut(environ.get("werkzeug.socket"))
            raise ConnectionResetError("a fault was asked for")
        return answer


def _cut(connection: socket.socket | None) -> None:
    """Close at once, with a reset (RST) instead of an orderly end (FIN)."""
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.detach())


def _add_headers(response: Response) -> Response:
    response.headers.setdefault(
        "Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response
