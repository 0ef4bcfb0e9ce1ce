"""``quittance law``: rates of late interest that are known, and new ones by half-year."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from config.law.interest import FOLDER, KINDS, LawImportError, import_rates, known_until, rates, read_imported_from
from portal.cli.house import fail, out, settings_of_house

NAMES = {"ecb": "ECB / BCE", "legal": "legal / légal"}


@click.group()
def law() -> None:
    """Dated law that changes by decree: rates of late interest."""


@law.command("rates")
def list_rates() -> None:
    """Every known rate by half-year, and where it was read."""
    read_imported_from(settings_of_house().data_dir / FOLDER)
    for kind in KINDS:
        for each in rates(kind).values():
            out.print(f"{NAMES[kind]:14} {each.half}  {each.percent:>6} %  {each.source}", markup=False)
        out.print(f"{NAMES[kind]:14} known until / connu jusqu'au {known_until(kind)}", markup=False)


@law.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_file(file: Path) -> None:
    """Add the rates in a TOML file: [[ecb]] or [[legal]] rows with half, percent and source (docs/interest.md)."""
    folder = settings_of_house().data_dir / FOLDER
    read_imported_from(folder)
    try:
        fresh = import_rates(file.read_text(encoding="utf-8"), folder)
    except (LawImportError, UnicodeDecodeError) as error:
        fail(error)
        raise SystemExit(1) from error
    for each in fresh:
        out.print(f"[green]added[/] {NAMES[each.kind]} {each.half}  {each.percent} %  {escape(each.source)}")
    if not fresh:
        out.print("Nothing new: these rates are known. / Rien de nouveau : ces taux sont connus.")
