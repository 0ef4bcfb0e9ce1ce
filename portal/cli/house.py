"""What every command needs: the services of this house, and errors as sentences."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from config.database import UnsafeDatabaseError
from config.logging import log_to_stderr
from config.settings import Settings
from einvoice.archive import ArchiveError
from portal.wiring import Services, build_services
from receivables.store.invoicing.invoices import find_by_number
from receivables.store.register import find_supplier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Terminal(Console):
    """Shows control characters instead of obeying them: what a stranger's file says must not steer the terminal."""

    def render_str(self, text: str, **styled: Any) -> Text:
        """``text`` with its markup, without anything that a terminal takes for a command."""
        return super().render_str(_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text), **styled)


out = Terminal(highlight=False, soft_wrap=True)
err = Terminal(stderr=True, highlight=False, soft_wrap=True)


def settings_of_house() -> Settings:
    """The settings of the environment, or one sentence and exit 2."""
    try:
        return Settings()
    except ValidationError as error:
        for each in error.errors():
            err.print(f"[red]Settings:[/] {escape(each['msg'])}")
        raise SystemExit(2) from error


@contextmanager
def services_of_house(settings: Settings | None = None) -> Iterator[Services]:
    """The services of this house, closed at the end."""
    log_to_stderr(logging.WARNING)
    try:
        services = build_services(settings or settings_of_house())
    except (UnsafeDatabaseError, ArchiveError) as error:
        err.print(f"[red]{error.code}[/] {escape(str(error))}")
        raise SystemExit(2) from error
    try:
        yield services
    finally:
        services.close()


def named_supplier(services: Services, reference: str) -> Supplier:
    """The supplier with this SIREN or foreign id, or one sentence and exit 1."""
    found = find_supplier(services.database, reference)
    if found is None:
        err.print(f"[red]supplier.unknown[/] No supplier {escape(reference)} is known here.")
        raise SystemExit(1)
    return found


def named_invoice(work: Work, number: str, year: int) -> Invoice:
    """The invoice with this number, or one sentence and exit 1."""
    found = find_by_number(work, number, year)
    if found is None:
        err.print(f"[red]invoice.not_found[/] No invoice {escape(number)} of {year}.")
        raise SystemExit(1)
    return found


def fail(error: Exception) -> None:
    """Print an error as ``code`` and sentence."""
    code = getattr(error, "code", type(error).__name__)
    err.print(f"[red]{code}[/] {escape(str(error))}")
    french = getattr(error, "sentence_fr", None)
    if french:
        err.print(f"  [dim]{escape(french)}[/]")


supplier_option = click.option("--supplier", metavar="SIREN", help="The supplier, by SIREN or foreign id.")
