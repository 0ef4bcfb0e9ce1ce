"""``quittance web``, ``worker`` and ``sandbox``: the processes of a house."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from granian import Granian
from granian.constants import Interfaces
from werkzeug.serving import make_server

from config.embedded import EmbeddedPostgres
from config.logging import log_to_stderr
from einvoice.formats.pdf_reader import extract_invoice_xml
from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine
from portal.background.duties import build_worker
from portal.cli.house import services_of_house, settings_of_house
from portal.sandboxes.chorus import create_chorus_stub
from portal.sandboxes.gocardless import GoCardlessSandboxSettings, create_gocardless_sandbox
from portal.sandboxes.payments.app import create_payment_sandbox
from portal.sandboxes.payments.settings import PaymentSandboxSettings
from portal.sandboxes.platform.app import create_platform_sandbox
from portal.sandboxes.platform.options import PlatformSandboxOptions
from portal.sandboxes.platform.scenarios import shipped_scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from config.settings import Settings

PROCESSES = 2
"""Web processes: one per core of the smallest machine."""
THREADS = 32
"""Blocking threads per process: webhooks that wait for the same commit are stored together."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--processes", default=PROCESSES, show_default=True)
@click.option("--threads", default=THREADS, show_default=True)
def web(host: str, port: int, processes: int, threads: int) -> None:
    """Serve portal, API and webhooks."""
    with _database_of(settings_of_house()):
        Granian(
            "portal.serve:build_web",
            factory=True,
            interface=Interfaces.WSGI,
            address=host,
            port=port,
            workers=processes,
            blocking_threads=threads,
            log_enabled=False,
            respawn_failed_workers=True,
            websockets=False,
        ).serve()


@contextmanager
def _database_of(settings: Settings) -> Iterator[None]:
    """Start the embedded server once for all server processes, which are ended too hard to leave it in order."""
    if settings.database_url is not None:
        yield
        return
    postgres = EmbeddedPostgres(settings.data_dir / "postgres")
    assert settings.secret_key is not None  # noqa: S101 -- the settings' validator has made sure
    os.environ["DATABASE_URL"] = postgres.start()
    os.environ["QUITTANCE_SECRET_KEY"] = settings.secret_key.get_secret_value()
    try:
        yield
    finally:
        postgres.leave()


@click.command()
def worker() -> None:
    """Post what came in, send what must go out."""
    with services_of_house() as services:
        log_to_stderr()
        os.nice(services.settings.worker_niceness)
        build_worker(services).run()


@click.group()
def sandbox() -> None:
    """A payment provider and a platform to run against, without an account anywhere."""


@sandbox.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True)
@click.option("--merchant", default="Quittance", show_default=True)
@click.option("--settle-after", default=8.0, show_default=True, help="Seconds that a delayed payment is on its way.")
def payments(host: str, port: int, merchant: str, settle_after: float) -> None:
    """A payment provider that speaks Stripe's API, with its hosted page."""
    settings = PaymentSandboxSettings(merchant=merchant, settle_after_s=settle_after)
    _serve(create_payment_sandbox(settings), host, port)


@sandbox.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8005, show_default=True)
@click.option("--merchant", default="Quittance", show_default=True)
@click.option("--settle-after", default=12.0, show_default=True, help="Seconds that a debit is on its way.")
def gocardless(host: str, port: int, merchant: str, settle_after: float) -> None:
    """A payment provider that speaks GoCardless' API: instant bank pay and SEPA debit, with its hosted page."""
    settings = GoCardlessSandboxSettings(merchant=merchant, debit_after_s=settle_after)
    _serve(create_gocardless_sandbox(settings), host, port)


@sandbox.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8002, show_default=True)
@click.option("--clients", default="sandbox", show_default=True, help="Client ids, with commas; one per company.")
@click.option(
    "--secret", default="sandbox-secret", show_default=True, envvar="QUITTANCE_SANDBOX_SECRET", help="Of every client."
)
@click.option("--acknowledge-after", default=0.5, show_default=True, help="Seconds that a flow stays Pending.")
@click.option(
    "--scenario",
    type=click.Choice(sorted(shipped_scenarios())),
    help="What buyers do of whom nothing else is said; without it they stay silent.",
)
@click.option("--strict-directory", is_flag=True, help="Reject invoices to buyers that the directory does not know.")
@click.option("--empty-204", is_flag=True, help="Answer 204 where a search of the directory finds nothing.")
@click.option("--early-reports", is_flag=True, help="Take reports of periods that are not over.")
def platform(**given: Any) -> None:
    """An approved platform that speaks the AFNOR Flow and Directory API, with faults on demand. All in memory."""
    options = PlatformSandboxOptions(
        clients=dict.fromkeys(given["clients"].split(","), given["secret"]),
        acknowledge_after_s=given["acknowledge_after"],
        default_scenario=given["scenario"],
        unknown_buyer="rejected" if given["strict_directory"] else "delivered",
        empty_directory_is_204=given["empty_204"],
        early_reports=given["early_reports"],
    )
    with SchematronEngine() as engine:
        validator = Validator(engine)
        app = create_platform_sandbox(
            check_invoice=validator.check_invoice,
            check_cdar=validator.check_cdar,
            check_report=validator.check_flux10,
            extract_xml=lambda pdf: extract_invoice_xml(pdf).xml,
            options=options,
        )
        _serve(app, given["host"], given["port"])


@sandbox.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8003, show_default=True)
def chorus(host: str, port: int) -> None:
    """A stub of Chorus Pro: the published calls that our driver makes, and a control to play the public buyer."""
    _serve(create_chorus_stub(lambda pdf: extract_invoice_xml(pdf).xml), host, port)


def _serve(app: Flask, host: str, port: int) -> None:
    log_to_stderr()
    make_server(host, port, app, threaded=True).serve_forever()
