"""``quittance rules``: install newer sets of rules, see which are in force, go back to an earlier one."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import click
from rich.markup import escape

from config.clock import PARIS, now
from einvoice.errors import EInvoiceError
from einvoice.validation.installing import install as install_rules
from einvoice.validation.rule_sets import RuleFolder, RuleSets
from einvoice.validation.schematron import SchematronEngine
from einvoice.validation.standards import ALL_DEMANDS, StandardMissingError, Standards
from portal.cli.house import fail, out, settings_of_house

SOURCE = click.Path(exists=True, path_type=Path)
since_option = click.option(
    "--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="First legal day on which it applies; now if absent."
)


@click.group()
def rules() -> None:
    """The sets of rules (XSD, Schematron) that judge invoices and messages."""


@rules.command("install")
@click.argument("source", type=SOURCE, metavar="DIR|ZIP")
@since_option
@click.option("--name", help="How to call it; the name of the folder or zip if absent.")
def install(source: Path, since: datetime | None, name: str | None) -> None:
    """Install a set of rules from a folder or zip, tried on an invoice of ours first. No restart is needed.

    A set's stylesheets are programs: install only what its publisher gave you.
    """
    sets = _sets()
    with SchematronEngine() as engine:
        try:
            done = install_rules(sets, source, engine, name=name, since=_instant(since))
        except EInvoiceError as error:
            fail(error)
            raise SystemExit(1) from error
    out.print(f"[green]installed[/] {escape(done.folder.name)} ({done.folder.short_key}), from {_when(done.since)}")
    for place, file in sorted(done.folder.files.items()):
        out.print(f"  {file.name}  {file.version or '-'}  {escape(place)}", markup=False)
    for each in done.older:
        out.print(f"  [yellow]older / plus ancien[/] {escape(each)}")
    if done.left:
        out.print(f"  left aside / laissés de côté : {len(done.left)}")
        for path in done.left:
            out.print(f"    {path}", markup=False)


@rules.command("list")
def list_rules() -> None:
    """The installed sets, the one in front first, since when they apply, and which file judges what today."""
    sets = _sets()
    since = {use.key: use.since for use in sets.uses()}  # the one in front last
    order = list(since)
    for folder in sorted(sets.installed(), key=lambda each: order.index(each.key) if each.key in since else -1)[::-1]:
        state = f"from {_when(since[folder.key])}" if folder.key in since else "not in use / hors service"
        out.print(f"[bold]{escape(folder.name)}[/] ({folder.short_key}) {state}, {len(folder.files)} files")
    if not sets.installed():
        out.print(
            "No set is installed: the packages' rules apply. / Aucun jeu installé : ceux des paquets s'appliquent."
        )
    standards = Standards(sets)
    for demand in ALL_DEMANDS:
        try:
            found = standards.artefact(demand).rule_set
            out.print(f"  {demand.name:28} {found.version:44} sha256 {found.sha256[:16]}", markup=False)
        except StandardMissingError as error:
            absent = "-" if demand.package is None else str(error)
            out.print(f"  {demand.name:28} {absent}", markup=False)


@rules.command("use")
@click.argument("name")
@since_option
def use(name: str, since: datetime | None) -> None:
    """Put an installed set in front again, e.g. an earlier one."""
    sets = _sets()
    try:
        folder = sets.find(name)
    except EInvoiceError as error:
        fail(error)
        raise SystemExit(1) from error
    moment = _instant(since) or now()
    sets.use(folder, moment)
    out.print(f"[green]in front[/] {escape(folder.name)} ({folder.short_key}), from {_when(moment)}")


@rules.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Take a set out of use now. Its files stay, because reports name it."""
    sets = _sets()
    try:
        folder: RuleFolder = sets.find(name)
        sets.withdraw(folder)
    except EInvoiceError as error:
        fail(error)
        raise SystemExit(1) from error
    out.print(f"[green]out of use[/] {escape(folder.name)} ({folder.short_key}); its files are kept")


def _sets() -> RuleSets:
    return RuleSets(settings_of_house().data_dir / "rules")


def _instant(day: datetime | None) -> datetime | None:
    """The beginning of a legal day in Europe/Paris."""
    return datetime.combine(day.date(), time.min, PARIS).astimezone(UTC) if day else None


def _when(instant: datetime) -> str:
    return instant.astimezone(PARIS).strftime("%Y-%m-%d %H:%M")
