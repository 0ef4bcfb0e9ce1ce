"""What the web server loads: the application of one server process."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from config.logging import log_to_stderr
from config.settings import Settings
from portal.api.blueprints import API_BLUEPRINTS
from portal.app import create_app
from portal.hooks.intake import WebhookIntake
from portal.hooks.mail import MailHook
from portal.hooks.one_click import OneClick
from portal.hooks.platform import PlatformHooks
from portal.wiring import build_services

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def build_web() -> WSGIApplication:
    """The web application with the webhook road ahead of it; one per process."""
    log_to_stderr()
    services = build_services(Settings())
    atexit.register(services.close)
    app = create_app(services, API_BLUEPRINTS)
    limit = services.settings.max_webhook_bytes
    hooks = PlatformHooks(MailHook(OneClick(app, services), services), services.works, services.keyring, limit)
    return WebhookIntake(hooks, services.database, services.works, services.keyring, limit)
