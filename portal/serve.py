"""What the web server loads: the application of one server process."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from config.logging import log_to_stderr
from config.settings import Settings
from portal.api.credit import credit
from portal.api.customers import customers
from portal.api.directory import directory
from portal.api.invoices import api
from portal.api.orders import orders
from portal.api.statements import statements
from portal.api.validations import validations
from portal.app import create_app
from portal.hooks.intake import WebhookIntake
from portal.hooks.mail import MailHook
from portal.hooks.platform import PlatformHooks
from portal.wiring import build_services

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def build_web() -> WSGIApplication:
    """The web application with the webhook road ahead of it; one per process."""
    log_to_stderr()
    services = build_services(Settings())
    atexit.register(services.close)
    app = create_app(services, [api, credit, customers, orders, directory, statements, validations])
    limit = services.settings.max_webhook_bytes
    hooks = PlatformHooks(MailHook(app, services), services.works, services.keyring, limit)
    return WebhookIntake(hooks, services.database, services.works, services.keyring, limit)
