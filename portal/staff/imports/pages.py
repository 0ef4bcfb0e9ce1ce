"""``/s/imports``: drop a file of invoices, see what would be issued, then issue it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.safe_xml import UnsafeXmlError
from portal.access.context import actor, work_here
from portal.access.roles import BOOKKEEPING, allow
from portal.customer.downloads import send_bytes
from portal.fields import id_in
from portal.imports.columns import remember
from portal.imports.invoices import FIELDS, PURPOSE
from portal.imports.issuing import IMPORT
from portal.imports.kept import keep_brought
from portal.imports.planning import plan_import
from portal.imports.sheets import MAX_FILE_BYTES
from portal.jobs.jobs import job_of_file, list_jobs, start_job, sums_taken
from portal.staff.imports.brought import brought_here, dropped_file, samples_of
from portal.tables import MARK
from portal.words import language, price, told_by
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from werkzeug import Response as AnyResponse


blueprint = Blueprint("imports", __name__, url_prefix="/s/imports")
MAX_FORM_BYTES = MAX_FILE_BYTES + 64 * 1024
UNPROCESSABLE = 422
_EXAMPLE = {
    "reference": "CMD-1042",
    "buyer_name": "Boulangerie Martin",
    "buyer_siren": "732829320",
    "buyer_line1": "1 rue du Four",
    "buyer_postcode": "75006",
    "buyer_city": "Paris",
    "buyer_country": "FR",
    "type": "facture",
    "name": "Journée de conseil",
    "quantity": "2",
    "unit": "DAY",
    "net_price": "500,00",
    "vat_rate": "20",
}


@blueprint.get("")
@allow(*BOOKKEEPING)
def overview() -> str:
    """The form, and the imports of before."""
    return _overview()


@blueprint.post("")
@allow(*BOOKKEEPING)
def take() -> AnyResponse:
    """Keep the file that was dropped, where it can be read at all; the next page says what it would do."""
    content, filename = dropped_file("factures")
    try:
        with work_here() as work:
            plan_import(work, content, filename)
            brought = keep_brought(work, filename, content, actor())
    except (ReceivablesError, UnsafeXmlError) as error:
        return make_response(_overview(told_by(error)), UNPROCESSABLE)
    return redirect(url_for("imports.review", sha256=brought.sha256), 303)


@blueprint.get("/files/<sha256>")
@allow(*BOOKKEEPING)
def review(sha256: str) -> str:
    """What is in the file, which column is what, and what would be issued; nothing is yet."""
    return _review(sha256)


@blueprint.post("/files/<sha256>")
@allow(*BOOKKEEPING)
def start(sha256: str) -> AnyResponse:
    """Issue what is in the file, line by line; other columns than those that were shown are shown first."""
    brought = brought_here(sha256)
    choice = {field.key: request.form.get(field.key, "") for field in FIELDS} if "mapped" in request.form else None
    with work_here() as work:
        plan = plan_import(work, brought.content, brought.filename, choice)
        if not plan.is_ready:
            return make_response(_review(sha256, choice), UNPROCESSABLE)
        if choice and plan.columns and request.form.get("seen", "") != plan.columns.told:
            return make_response(_review(sha256, choice, is_changed=True))
        if plan.table and plan.columns:
            remember(work, PURPOSE, plan.table, plan.columns)
        job_id = start_job(
            work,
            IMPORT,
            brought.filename,
            content_sha256=sha256,
            options={"kind": plan.kind, **plan.options},
            actor=actor(),
            lines=plan.lines,
        )
    return redirect(url_for("jobs.show", job_id=job_id, follow="yes"), 303)


@blueprint.get("/files/<sha256>/original")
@allow(*BOOKKEEPING)
def original(sha256: str) -> AnyResponse:
    """The file as it was brought, to the byte."""
    brought = brought_here(sha256)
    with work_here() as work:
        work.audit(actor(), "import.fetched", sha256, filename=brought.filename)
    return send_bytes(brought.content, "application/octet-stream", brought.filename)


@blueprint.get("/template.csv")
@allow(*BOOKKEEPING)
def template() -> AnyResponse:
    """An empty table with every column, and one row as an example."""
    headings = ";".join(field.french for field in FIELDS)
    example = ";".join(_EXAMPLE.get(field.key, "") for field in FIELDS)
    content = f"{MARK}{headings}\r\n{example}\r\n".encode()
    return send_bytes(content, "text/csv; charset=utf-8", "factures-modele.csv")


def _overview(said: str = "") -> str:
    before = id_in(request.args.get("after"))
    with work_here() as work:
        jobs, more = list_jobs(work, [IMPORT], before)
        sums = sums_taken(work, [each.job_id for each in jobs])
    return render_template(
        "imports/overview.html", jobs=jobs, sums=sums, more=more, said=said, most_mib=MAX_FILE_BYTES // (1024 * 1024)
    )


def _review(sha256: str, choice: dict[str, str] | None = None, *, is_changed: bool = False) -> str:
    brought = brought_here(sha256)
    with work_here() as work:
        plan = plan_import(work, brought.content, brought.filename, choice)
        before = job_of_file(work, IMPORT, sha256)
    return render_template(
        "imports/review.html",
        file=brought,
        plan=plan,
        before=before,
        is_changed=is_changed,
        faults=[(reference, told_by(fault)) for reference, fault in plan.faults],
        fields=[(field, field.name(language())) for field in FIELDS],
        samples=samples_of(plan.table) if plan.table else [],
        totals=[price(minor, currency) for currency, minor in plan.net.items()],
    )
