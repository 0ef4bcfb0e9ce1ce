"""The payment sandbox as a Flask application of its own: the API, the hosted page, the control routes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from portal.sandboxes.payments.api import create_api
from portal.sandboxes.payments.books import Books
from portal.sandboxes.payments.control import create_control
from portal.sandboxes.payments.delivery import Postman
from portal.sandboxes.payments.faults import Faults
from portal.sandboxes.payments.page import create_page
from portal.sandboxes.payments.settings import PaymentSandboxSettings

MOST_BODY_BYTES = 256 * 1024
"""The largest request that the API takes: a session has a few kilobytes."""


@dataclass(frozen=True, slots=True)
class PaymentSandbox:
    """The moving parts, under ``app.extensions["payment_sandbox"]``; `close` ends the delivery thread."""

    books: Books
    faults: Faults
    postman: Postman

    def close(self) -> None:
        """Stop delivering events."""
        self.postman.close()


def create_payment_sandbox(settings: PaymentSandboxSettings | None = None) -> Flask:
    """A running sandbox; its delivery thread starts with it and belongs to this process (serve it with one worker)."""
    app = Flask("payment_sandbox", template_folder=str(Path(__file__).parents[1] / "templates"), static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MOST_BODY_BYTES)
    books, faults = Books(settings or PaymentSandboxSettings()), Faults()
    sandbox = PaymentSandbox(books, faults, Postman(books, faults))
    app.extensions["payment_sandbox"] = sandbox
    app.register_blueprint(create_api(books, faults))
    app.register_blueprint(create_control(books, faults, sandbox.postman))
    app.register_blueprint(create_page(books))
    return app
