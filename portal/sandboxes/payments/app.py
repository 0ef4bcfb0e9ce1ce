"""The payment sandbox as a Flask application of its own: the API, the hosted page, the control routes and page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from portal.sandboxes.payments.accounts import Accounts
from portal.sandboxes.payments.api import create_api
from portal.sandboxes.payments.control import create_control
from portal.sandboxes.payments.delivery import Postman
from portal.sandboxes.payments.faults import Faults
from portal.sandboxes.payments.levers import create_levers
from portal.sandboxes.payments.page import create_page
from portal.sandboxes.payments.settings import PaymentSandboxSettings

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Books

MOST_BODY_BYTES = 256 * 1024
"""The largest request that the API takes: a session has a few kilobytes. Files may be larger."""


@dataclass(frozen=True, slots=True)
class PaymentSandbox:
    """The moving parts, under ``app.extensions["payment_sandbox"]``; `close` ends the delivery thread."""

    accounts: Accounts
    faults: Faults
    postman: Postman

    @property
    def books(self) -> Books:
        """The books of the first account."""
        return self.accounts.first

    def close(self) -> None:
        """Stop delivering events."""
        self.postman.close()


def create_payment_sandbox(settings: PaymentSandboxSettings | None = None) -> Flask:
    """A running sandbox; its delivery thread starts with it and belongs to this process (serve it with one worker)."""
    app = Flask("payment_sandbox", template_folder=str(Path(__file__).parents[1] / "templates"), static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MOST_BODY_BYTES)
    accounts, faults = Accounts(settings or PaymentSandboxSettings()), Faults()
    sandbox = PaymentSandbox(accounts, faults, Postman(accounts, faults))
    app.extensions["payment_sandbox"] = sandbox
    app.register_blueprint(create_api(accounts, faults))
    app.register_blueprint(create_control(accounts, faults, sandbox.postman))
    app.register_blueprint(create_levers(accounts))
    app.register_blueprint(create_page(accounts))
    return app
