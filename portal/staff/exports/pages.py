"""``/s/exports``: journals in FEC form, closed periods, lists for a spreadsheet, and a check of anybody's FEC."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from config.clock import today
from config.law import LawUnknownError
from portal.access.context import actor, place, services, work_here
from portal.access.headers import FILE_POLICY
from portal.access.people import staff_of
from portal.access.roles import BOOKKEEPING, LEDGERS, OWNERS, STAFF, Role, allow
from portal.documents.fec_files import zip_fec
from portal.exports.handing import offer, wish_here
from portal.staff.jobs.files import ASK
from portal.statements.columns import AGEING, JOURNAL, OPEN
from portal.statements.words import read_day, read_span
from portal.tables import CHUNK_BYTES, Form, send_table
from portal.validation.uploads import clean_name
from portal.words import gettext, told_by
from receivables.domain.accounting.fec import ENCODINGS
from receivables.domain.accounting.fec_checking import check_fec
from receivables.domain.accounting.fec_rules import RULES
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.accounting.closing import (
    accounting_years,
    close_period,
    journal_states,
    period_acts,
    reopen_period,
    validate_entries,
    year_ends_of,
)
from receivables.services.accounting.fec import fec_of
from receivables.services.accounting.journals import ageing, journal_lines
from receivables.services.accounting.statements import open_lines
from receivables.store.accounting.periods import closed_until
from receivables.store.invoicing.rates import keep_rates, read_rates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from werkzeug import Response as AnyResponse

    from receivables.store.work import Work

blueprint = Blueprint("exports", __name__, url_prefix="/s/exports")
MAX_FILE_BYTES = 50 * 1024 * 1024
"""Largest FEC or table of rates that the page takes, in bytes; the command line has no limit."""
MAX_FORM_BYTES = MAX_FILE_BYTES + 64 * 1024
MONTHS_OFFERED = 18
UNPROCESSABLE = 422


@blueprint.get("")
@allow(*STAFF)
def overview() -> str:
    """How far the books are validated and closed, and what can be fetched."""
    return _overview()


@blueprint.post("/validate")
@allow(*BOOKKEEPING)
def validate() -> AnyResponse:
    """Number every entry until today."""
    return _act(lambda work: validate_entries(work, today(), actor()))


@blueprint.post("/close")
@allow(*BOOKKEEPING)
def close() -> AnyResponse:
    """Close the books until the end of a month."""
    until = _day("until") or abort(400)
    return _act(lambda work: close_period(work, until, actor()))


@blueprint.post("/reopen")
@allow(*OWNERS)
def reopen() -> AnyResponse:
    """Open the last closed month again, for a reason that is kept."""
    reason = request.form.get("reason", "")[:500]

    def act(work: Work) -> None:
        last = closed_until(work)
        reopen_period(work, _month_before(last) if last else None, reason, actor())

    return _act(act)


@blueprint.post("/rates")
@allow(*BOOKKEEPING)
def rates() -> AnyResponse:
    """Keep a table of rates, as the central bank publishes it."""
    file = request.files.get("file")
    text = file.read().decode("utf-8", "replace") if file else ""
    name = clean_name(file.filename) if file else ""
    return _act(lambda work: keep_rates(work, read_rates(text), name or "-", actor()))


@blueprint.get("/fec/<day>.zip")
@allow(*LEDGERS)
def fec(day: str) -> AnyResponse:
    """The FEC of an accounting year with its description."""
    encoding = request.args.get("encoding", "iso8859-15")
    try:
        large = offer(wish_here("fec", {"year": day, "encoding": encoding}), ASK)
        if large is not None:
            return large
        with work_here() as work:
            year = next((each for each in accounting_years(work) if each.ends_on.isoformat() == day), None)
            if year is None or encoding not in ENCODINGS:
                abort(404)
            made = fec_of(work, year)
            kept, totals = zip_fec(made, encoding)
            work.audit(actor(), "fec.fetched", made.name, entries=totals.entries, lines=totals.lines)
    except NotFoundError:
        abort(404)
    except (ReceivablesError, LawUnknownError) as error:
        return make_response(_overview(told_by(error)), UNPROCESSABLE)
    return _send_zip(kept, made.name.replace(".txt", ".zip"))


@blueprint.get("/check")
@allow(*STAFF)
def ask_check() -> str:
    """The form that takes any FEC."""
    return render_template("exports/check.html", verdict=None, rules=RULES, said="")


@blueprint.post("/check")
@allow(*STAFF)
def check() -> AnyResponse:
    """What the rules say of a file; nothing of it is kept."""
    file = request.files.get("file")
    content = file.read() if file else b""
    if not file or not content:
        said = gettext("Choisissez un fichier.")
        return make_response(render_template("exports/check.html", verdict=None, rules=RULES, said=said), UNPROCESSABLE)
    verdict = check_fec(clean_name(file.filename), content)
    return make_response(render_template("exports/check.html", verdict=verdict, rules=RULES, said=""))


@blueprint.get("/journal.<any(csv, xlsx, json):form>")
@allow(*LEDGERS)
def journal(form: str) -> AnyResponse:
    """Every line booked between two days."""
    with work_here() as work:
        span = read_span(request.args, year_ends_of(work).year_of(today()).starts_on, today())
    days = {"since": span.since.isoformat(), "until": span.until.isoformat()}
    if (large := _large("journal", form, days)) is not None:
        return large
    with work_here() as work:
        work.audit(actor(), "journal.fetched", f"{span.since}/{span.until}", form=form)
        return send_table(JOURNAL, journal_lines(work, span.since, span.until), Form(form), f"journal-{span.until}")


@blueprint.get("/open.<any(csv, xlsx, json):form>")
@allow(*STAFF)
def open_items(form: str) -> AnyResponse:
    """What was open on a day, line by line."""
    until = read_day(request.args, today())
    if (large := _large("open", form, {"until": until.isoformat()})) is not None:
        return large
    with work_here() as work:
        return send_table(OPEN, open_lines(work, until), Form(form), f"ouvert-{until}")


@blueprint.get("/ageing.<any(csv, xlsx, json):form>")
@allow(*STAFF)
def ages(form: str) -> AnyResponse:
    """The ageing balance on a day, by customer."""
    until = read_day(request.args, today())
    if (large := _large("ageing", form, {"until": until.isoformat()})) is not None:
        return large
    with work_here() as work:
        return send_table(AGEING, ageing(work, until), Form(form), f"balance-agee-{until}")


def _large(kind: str, form: str, days: dict[str, str]) -> AnyResponse | None:
    """The page that offers to make a long list apart."""
    return offer(wish_here(kind, {**days, "as": form, "form": request.args.get("form", "")}), ASK)


def _act(act: Callable[[Work], object]) -> AnyResponse:
    """Do it and come back to the page; a refusal is said there."""
    try:
        with work_here() as work:
            act(work)
    except ReceivablesError as error:
        return make_response(_overview(told_by(error)), UNPROCESSABLE)
    return redirect(url_for("exports.overview", done=1), 303)


def _overview(said: str = "") -> str:
    with work_here() as work:
        closed = closed_until(work)
        journals = journal_states(work)
        acts = period_acts(work)
        years = accounting_years(work)
        known_rates = work.row(
            "SELECT count(*) AS count, max(quoted_on) AS last FROM exchange_rates WHERE supplier_id = :supplier"
        )
        since = year_ends_of(work).year_of(today()).starts_on
    return render_template(
        "exports/overview.html",
        closed=closed,
        reopened_until=_month_before(closed) if closed else None,
        journals=journals,
        open_count=sum(each.open_count for each in journals),
        acts=acts,
        people={f"person {each.person_id}": each.name for each in staff_of(services().database, place().supplier_id)},
        years=years,
        months=_months_to_close(closed),
        rates=known_rates,
        since=since,
        today=today(),
        said=said,
        done=request.args.get("done") == "1",
        may_close=place().role in BOOKKEEPING,
        may_read=place().role in LEDGERS,
        may_reopen=place().role is Role.OWNER,
        forms=("csv", "xlsx", "json"),
    )


def _months_to_close(closed: date | None) -> list[date]:
    """Ends of past months that are open, the newest first."""
    found: list[date] = []
    last = today().replace(day=1) - timedelta(days=1)
    while len(found) < MONTHS_OFFERED and (closed is None or last > closed):
        found.append(last)
        last = last.replace(day=1) - timedelta(days=1)
    return found


def _month_before(closed: date) -> date:
    return closed.replace(day=1) - timedelta(days=1)


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        return None


def _send_zip(kept: IO[bytes], name: str) -> Response:
    def chunks() -> Iterator[bytes]:
        while chunk := kept.read(CHUNK_BYTES):
            yield chunk

    response = Response(chunks(), content_type="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.call_on_close(kept.close)
    return response
