"""Build the platform sandbox as a Flask application."""

from __future__ import annotations

import atexit
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, request

from portal.sandboxes.platform import access_api, flow_api, webhook_api
from portal.sandboxes.platform.control import control
from portal.sandboxes.platform.desk import PlatformDesk
from portal.sandboxes.platform.examination import Examiner
from portal.sandboxes.platform.guard import service
from portal.sandboxes.platform.options import PlatformSandboxOptions
from portal.sandboxes.platform.page import pages

if TYPE_CHECKING:
    from portal.sandboxes.platform.options import Check, Extract

_FORM_ALLOWANCE = 1024 * 1024
"""Bytes of a request beside its file."""
CALLS = (access_api, flow_api, webhook_api)
"""The modules whose routes make up the Flow Service."""


def create_platform_sandbox(
    *,
    check_invoice: Check,
    check_cdar: Check,
    extract_xml: Extract,
    check_report: Check | None = None,
    options: PlatformSandboxOptions | None = None,
) -> Flask:
    """A platform that judges with the checks it is given.

    Its ``PlatformDesk`` is ``app.extensions["platform_sandbox"]``; ``close()`` it at the end. The base URL of the
    service is that of the application, its token endpoint ``/oauth2/token``, its page for people ``/``.
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
    for blueprint in (service, control, pages):
        app.register_blueprint(blueprint)
    app.before_request(_refuse_foreign_pages)
    app.after_request(_add_headers)
    return app


def _refuse_foreign_pages() -> None:
    """A page of another site must not play with the sandbox through somebody's browser."""
    if request.method not in {"GET", "HEAD"} and request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
        abort(HTTPStatus.FORBIDDEN)


def _add_headers(response: Response) -> Response:
    response.headers.setdefault(
        "Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response
