"""E-reporting for the accountant: each period, what is declared, made of what, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, redirect, render_template, request, url_for

from config.clock import today
from config.law import LawUnknownError
from einvoice.platform.accounts import active_platform
from einvoice.reporting import overview, store
from einvoice.reporting.company import OWN, company_of
from einvoice.reporting.errors import ReportError, no_platform, platform_reports
from einvoice.reporting.facts import Whose
from einvoice.reporting.leaving_out import WHY
from einvoice.reporting.lines import below_zero
from einvoice.reporting.periods import ReportKind, period_of
from portal.access.context import actor, caller, place, services, work_here
from portal.access.roles import BOOKKEEPING, STAFF, Role, allow
from portal.customer.downloads import note_download, send_document
from portal.fields import day_in
from portal.staff.reports.words import answer_words, block_words, category_words, regime_words, said
from receivables.store.customer_file.overviews import DocumentLine

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from einvoice.reporting.periods import Period
    from receivables.store.work import Work

blueprint = Blueprint("reports", __name__, url_prefix="/s/reports")
AT_THE_PLATFORM = frozenset({"report.no_platform", "report.no_platform_number", "report.platform_reports"})
"""Codes of what is put right where the platform is connected."""
PAGE = 20
"""Versions in the list of what was declared."""
LINES = 100
"""Lines of a period or a version that are shown at once."""


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "block_words": block_words,
        "category_words": category_words,
        "untold_words": lambda reason: said(*WHY[reason]),
        "answer_words": answer_words,
        "below_zero": below_zero,
    }


@blueprint.get("")
@allow(*STAFF)
def listing() -> str:
    """The running and the last periods, and every declaration that was made."""
    before = day_in(request.args.get("before", ""))
    with work_here() as work:
        standing, whose = _standing(work)
        why_not = standing and _sentence(standing)
        try:
            periods = overview.recent_periods(work, whose, today())
            regime, assumed = regime_words(company_of(work).regime), company_of(work).is_assumed
        except (ReportError, LawUnknownError) as error:
            why_not, periods, regime, assumed = _sentence(error), [], "", False
        made = store.list_declarations(work, limit=PAGE + 1, before=before)
        troubles = store.open_troubles(work)
    return render_template(
        "reports/listing.html",
        periods=periods,
        made=made[:PAGE],
        more=made[PAGE - 1].period.starts_on if len(made) > PAGE else None,
        troubles=[
            (row["starts_on"], said(row["sentence"], row["sentence_fr"]), row["code"] in AT_THE_PLATFORM)
            for row in troubles
        ],
        by_platform=standing is not None and whose is Whose.PLATFORMS,
        may_set=place().role is Role.OWNER,
        why_not=why_not,
        regime=regime,
        assumed=assumed,
        ours=whose is Whose.OURS,
        today=today(),
    )


@blueprint.get("/<any(transactions, payments):kind>/<day>")
@allow(*STAFF)
def period(kind: str, day: str) -> str:
    """One period as the books stand now: totals, what they are made of, and the versions that were declared."""
    with work_here() as work:
        asked = _period(work, kind, day)
        _, whose = _standing(work)
        page = overview.period_page(work, asked, whose, today())
        numbers = overview.numbers_of(work, [*page.facts.lines, *(page.difference.removed if page.difference else ())])
    return render_template(
        "reports/period.html",
        page=page,
        numbers=numbers,
        ours=whose is Whose.OURS,
        lines=_shown(len(page.facts.lines)),
        may_declare=bool({place().role} & set(BOOKKEEPING)),
        refusal=g.get("refusal"),
    )


@blueprint.post("/<any(transactions, payments):kind>/<day>/prepare")
@allow(*BOOKKEEPING)
def prepare(kind: str, day: str) -> Response | tuple[str, int]:
    """Make the next version of a period now."""
    with work_here() as work:
        asked = _period(work, kind, day)
    try:
        made = services().reporter.prepare(place().supplier_id, asked, by_hand=True)
    except ReportError as error:
        with work_here() as work:
            store.note_trouble(work, asked, error) if error.code == "report.invalid" else None
        g.refusal = _sentence(error)
        return period(kind, day), 409
    assert made is not None  # noqa: S101 -- by hand it is made or refused
    with work_here() as work:
        work.audit(actor(), "report.asked", made.number)
    return redirect(url_for("reports.version", report_id=made.report_id), code=303)  # type: ignore[return-value]


@blueprint.get("/<uuid:report_id>")
@allow(*STAFF)
def version(report_id: UUID) -> str:
    """One declaration: its totals, its lines, what it changed, what was answered and what to do."""
    with work_here() as work:
        page = overview.version_page(work, report_id)
    if page is None:
        abort(404)
    return render_template("reports/version.html", page=page, numbers=page.numbers, lines=_shown(len(page.lines)))


@blueprint.get("/<uuid:report_id>/file")
@allow(*STAFF)
def file(report_id: UUID) -> Response:
    """The file as it was archived and sent."""
    with work_here() as work:
        row = work.row(
            "SELECT document_id, form, filename, mime, sha256, size_bytes, documents.created_at FROM documents "
            "JOIN reports USING (supplier_id, document_id) WHERE supplier_id = :supplier AND report_id = :report",
            report=report_id,
        )
        found = DocumentLine(**row) if row else None
        note_download(work, caller().person.person_id, found)
    if found is None:
        abort(404)
    return send_document(services(), found)


def _standing(work: Work) -> tuple[ReportError | None, Whose]:
    """Why nothing is declared from here, if so, and whose declarations the page shows."""
    account = active_platform(work, services().keyring)
    if account is None:
        return no_platform(), Whose.OURS
    if account.settings.reporting == OWN:
        return None, Whose.OURS
    return platform_reports(), Whose.PLATFORMS


def _period(work: Work, kind: str, day: str) -> Period:
    starts_on = day_in(day)
    if starts_on is None:
        abort(404)
    known = work.row(
        "SELECT starts_on, ends_on, due_on FROM reports WHERE supplier_id = :supplier AND kind = :kind "
        "AND starts_on = :day LIMIT 1",
        kind=kind,
        day=starts_on,
    )
    try:
        found = period_of(company_of(work).regime, ReportKind(kind), starts_on)
    except (ReportError, LawUnknownError):
        abort(404)
    if known:
        return type(found)(found.kind, known["starts_on"], known["ends_on"], known["due_on"])
    return found


def _shown(count: int) -> dict[str, int | None]:
    """Which lines are shown: from the one asked for, and where the next ones begin."""
    asked = request.args.get("from", "")
    first = min(int(asked), count) if asked.isdecimal() and len(asked) < 9 else 0  # noqa: PLR2004 -- no more digits
    last = first + LINES
    return {"first": first, "last": last, "next": last if last < count else None}


def _sentence(error: Exception) -> str:
    return said(str(error), getattr(error, "sentence_fr", str(error)))
