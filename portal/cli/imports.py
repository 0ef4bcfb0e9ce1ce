"""``quittance import``: invoices from a table, a document or an archive, with progress and what came back."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from config.safe_xml import UnsafeXmlError
from portal.cli.house import err, fail, named_supplier, out, services_of_house
from portal.imports.columns import remember
from portal.imports.invoices import PURPOSE
from portal.imports.issuing import IMPORT, give_back
from portal.imports.kept import keep_brought
from portal.imports.planning import Plan, plan_import
from portal.jobs.jobs import MAX_LINES, lines_of, start_job
from portal.jobs.kinds import KINDS
from portal.jobs.running import run_to_end
from receivables.errors import ReceivablesError
from receivables.services.accounting.sealing import seal_audit

if TYPE_CHECKING:
    from uuid import UUID

    from portal.jobs.jobs import JobView
    from portal.wiring import Services

ACTOR = "command line"


@click.command("import")
@click.argument("reference", metavar="SIREN")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@click.option(
    "--column", "columns", multiple=True, metavar="FIELD=HEADING", help="Which heading is what, where it is not clear."
)
@click.option("--dry-run", is_flag=True, help="Say what would be issued, and issue nothing.")
@click.option("--refused", "refused_to", type=click.Path(path_type=Path), help="Where to write what is refused.")
def import_(reference: str, path: Path, columns: tuple[str, ...], refused_to: Path | None, *, dry_run: bool) -> None:
    """Issue the invoices of a file (CSV, XLSX, UBL, CII, Factur-X, JSON, zip). Exit 1 if any is refused."""
    with services_of_house() as services:
        supplier_id = named_supplier(services, reference).supplier_id
        content = path.read_bytes()
        try:
            plan = _plan(services, supplier_id, path.name, content, columns)
        except (ReceivablesError, UnsafeXmlError) as error:
            fail(error)
            raise SystemExit(2) from error
        _tell(plan)
        if not plan.is_ready:
            raise SystemExit(2)
        if dry_run:
            return
        job_id = _start(services, supplier_id, path.name, content, plan)
        job = _watch(services, supplier_id, job_id)
        while services.works.run(supplier_id, seal_audit):  # there may be no worker in this house
            continue
        out.print(
            f"{job.done} issued, {job.known} known, {job.refused} refused. / "
            f"{job.done} émises, {job.known} déjà connues, {job.refused} refusées."
        )
        if job.refused:
            _give_back(services, supplier_id, job, refused_to)
            raise SystemExit(1)


def _plan(services: Services, supplier_id: UUID, filename: str, content: bytes, columns: tuple[str, ...]) -> Plan:
    with services.works.begin(supplier_id) as work:
        plan = plan_import(work, content, filename)
        if not columns or plan.table is None or plan.columns is None:
            return plan
        choice = {key: str(place + 1) for key, place in plan.columns.places.items()}
        for each in columns:
            key, _, heading = each.partition("=")
            choice[key] = str(plan.table.headings.index(heading) + 1) if heading in plan.table.headings else ""
        return plan_import(work, content, filename, choice)


def _tell(plan: Plan) -> None:
    out.print(f"{len(plan.lines)} invoices / {len(plan.lines)} factures")
    if plan.columns:
        for field in plan.columns.missing:
            err.print(f"[red]column.missing[/] {field.key}: {escape(field.english)} / {escape(field.french)}")
            err.print(f'  --column {field.key}="..."')
    for label, fault in plan.faults:
        err.print(f"  {escape(label or '-')}  [yellow]{fault.code}[/] {escape(str(fault))}")


def _start(services: Services, supplier_id: UUID, filename: str, content: bytes, plan: Plan) -> UUID:
    with services.works.begin(supplier_id) as work:
        keep_brought(work, filename, content, ACTOR)
        if plan.table and plan.columns:
            remember(work, PURPOSE, plan.table, plan.columns)
        return start_job(
            work,
            IMPORT,
            filename,
            content_sha256=hashlib.sha256(content).hexdigest(),
            options={"kind": plan.kind, **plan.options},
            actor=ACTOR,
            lines=plan.lines,
        )


def _watch(services: Services, supplier_id: UUID, job_id: UUID) -> JobView:
    shown = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[refused]} refused / refusées"),
        TimeRemainingColumn(),
    )
    with Progress(*shown, console=err, transient=True) as bar:
        task = bar.add_task("import", total=None, refused=0)
        return run_to_end(
            services,
            supplier_id,
            job_id,
            KINDS,
            progress=lambda job: bar.update(task, total=job.total, completed=job.looked_at, refused=job.refused),
        )


def _give_back(services: Services, supplier_id: UUID, job: JobView, target: Path | None) -> None:
    """Tell the first refusals, and write all of them into the file that was asked for."""
    with services.works.begin(supplier_id) as work:
        lines, _ = lines_of(work, job.job_id, state="refused", most=MAX_LINES)
    for line in lines[:20]:
        err.print(f"  {escape(line.label)}  [red]{escape(line.code or '')}[/] {escape(line.sentence or '')}")
        err.print(f"    [dim]{escape(line.sentence_fr or '')}[/]")
    if target:
        _, content = give_back(job, lines)
        target.write_bytes(content)
        out.print(f"{escape(str(target))}: {len(lines)}")
