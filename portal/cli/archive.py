"""``quittance archive``: read everything again, and keep promises as long as the rows ask."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from config.clock import today
from einvoice.archive import ArchiveError, retain_until
from einvoice.archive.comparison import Tally, compare_all, compare_supplier
from portal.cli.house import fail, named_supplier, out, services_of_house, supplier_option
from receivables.store.register import list_suppliers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from einvoice.archive import ArchiveProblem
    from portal.wiring import Services
    from receivables.store.register import Supplier

MOST_LISTED = 1_000
"""Problems named one by one; all are counted."""


@click.group()
def archive() -> None:
    """The write-once store of legal documents."""


@archive.command()
@supplier_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(*, supplier: str | None, as_json: bool) -> None:
    """Read every archived object again and compare with the database, both ways. Exit 1 on any problem."""
    with services_of_house() as services:
        suppliers = _suppliers(services, supplier)
        tally = Tally()
        problems = _compare(services, suppliers, tally, whole=supplier is None)
        try:
            listed = _show(problems, quiet=as_json)
        except ArchiveError as error:
            fail(error)
            raise SystemExit(1) from error
    verdict = "problems" if tally.problems else "sound"
    if as_json:
        click.echo(json.dumps(_answer(verdict, tally, listed, whole=supplier is None), ensure_ascii=False, indent=2))
    else:
        _sum_up(tally, whole=supplier is None)
    if tally.problems:
        raise SystemExit(1)


@archive.command()
@supplier_option
def retain(*, supplier: str | None) -> None:
    """Prolong what is kept for less long than its rows ask, e.g. after another accounting year was set."""
    prolonged = failed = 0
    with services_of_house() as services:
        for each in _suppliers(services, supplier):
            for sha, until in _wanted(services, each):
                try:
                    if _is_short(services, sha, until):
                        services.archive.retain(sha, until)
                        prolonged += 1
                except ArchiveError as error:
                    failed += 1
                    fail(error)
    out.print(f"{prolonged} prolonged, {failed} failed / {prolonged} prolongés, {failed} échecs.")
    if failed:
        raise SystemExit(1)


def _suppliers(services: Services, reference: str | None) -> list[Supplier]:
    if reference is None:
        return list(list_suppliers(services.database))
    return [named_supplier(services, reference)]


def _compare(services: Services, suppliers: list[Supplier], tally: Tally, *, whole: bool) -> Iterator[ArchiveProblem]:
    ids = [each.supplier_id for each in suppliers]
    if whole:
        return compare_all(services.works, ids, services.archive, tally)
    return compare_supplier(services.works, ids[0], services.archive, tally)


def _show(problems: Iterable[ArchiveProblem], *, quiet: bool) -> list[ArchiveProblem]:
    """Print problems as they are met, and keep the first ones; the rest is only counted."""
    met = iter(problems)
    listed = []
    for each in islice(met, MOST_LISTED):
        listed.append(each)
        if not quiet:
            out.print(f"[red]{each.code}[/] {escape(each.path)}  {escape(each.sentence)}")
    for _ in met:
        continue
    return listed


def _answer(verdict: str, tally: Tally, listed: list[ArchiveProblem], *, whole: bool) -> dict[str, Any]:
    return {"verdict": verdict, "whole": whole, **asdict(tally), "listed": [asdict(each) for each in listed]}


def _sum_up(tally: Tally, *, whole: bool) -> None:
    megabytes = tally.size_bytes / 1_000_000
    out.print(f"{tally.objects} objects read again ({megabytes:.1f} MB), {tally.rows} rows compared.")
    if tally.on_their_way:
        out.print(f"{tally.on_their_way} objects of the last hour have no row yet; look again later.")
    if not whole:
        out.print("Objects of other suppliers were not looked at.")
    for code, count in sorted(tally.problems.items()):
        out.print(f"[red]{count:>9}[/] {code}")
    if tally.problems:
        out.print("[red]The archive has problems / l'archive a des défauts.[/]")
    else:
        out.print("[green]The archive is sound / l'archive est saine.[/]")


def _wanted(services: Services, supplier: Supplier) -> Iterator[tuple[str, date]]:
    """Every content with the day to which it must be kept: what its rows say, or the rule now where that is later."""
    after = ""
    while True:
        with services.works.begin(supplier.supplier_id) as work:
            rows = work.rows(
                'SELECT sha256 COLLATE "C" AS sha, max(document.retain_until) AS until, max(issued_on) AS issued_on '
                "FROM documents AS document JOIN invoices USING (supplier_id, invoice_id) "
                'WHERE supplier_id = :supplier AND sha256 COLLATE "C" > :after GROUP BY 1 ORDER BY 1 LIMIT 500',
                after=after,
            )
            wanted = [(row["sha"], max(row["until"], retain_until(work, row["issued_on"]))) for row in rows]
        if not rows:
            return
        yield from wanted
        after = rows[-1]["sha"]


def _is_short(services: Services, sha: str, until: date) -> bool:
    kept = services.archive.check(sha).retain_until
    return until >= today() and (kept is None or kept < until)
