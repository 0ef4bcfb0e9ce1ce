"""The GoCardless sandbox as a Flask application of its own: the API, the hosted page, the control routes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from portal.sandboxes.gocardless.api import create_api
from portal.sandboxes.gocardless.books import Books, GoCardlessSandboxSettings
from portal.sandboxes.gocardless.control import create_control
from portal.sandboxes.gocardless.delivery import Postman
from portal.sandboxes.gocardless.page import create_page
from portal.sandboxes.payments.faults import Faults

MOST_BODY_BYTES = 256 * 1024
"""The largest request that the API takes: a billing request has a few kilobytes."""


@dataclass(frozen=True, slots=True)
class GoCardlessSandbox:
    """The moving parts, under ``app.extensions["gocardless_sandbox"]``; `close` ends the delivery thread."""

    books: Books
    faults: Faults
    postman: Postman

    def close(self) -> None:
        """Stop delivering events."""
        self.postman.close()


def create_gocardless_sandbox(settings: GoCardlessSandboxSettings | None = None) -> Flask:
    """A running sandbox; its delivery thread starts with it and belongs to this process (serve it with one worker)."""
    app = Flask("gocardless_sandbox", template_folder=str(Path(__file__).parents[1] / "templates"), static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MOST_BODY_BYTES)
    books, faults = Books(settings or GoCardlessSandboxSettings()), Faults()
    sandbox = GoCardlessSandbox(books, faults, Postman(books, faults))
    app.extensions["gocardless_sandbox"] = sandbox
    app.register_blueprint(create_page(books))
    app.register_blueprint(create_control(books, faults, sandbox.postman))
    app.register_blueprint(create_api(books, faults))
    return app
