"""``/s/scores``: every customer's score, what it is made of at any day, what agencies say, who is blocked."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import today
from portal.access.context import actor, place, services, work_here
from portal.access.roles import COLLECTING, CREDIT, READERS, STAFF, allow
from portal.agencies.accounts import accounts_at, close_account, open_account
from portal.agencies.asking import ask_agency, take_file
from portal.agencies.driver import AGENCY, drivers
from portal.agencies.reading import MAX_FILE_BYTES
from portal.lists import read_list_request
from portal.staff.scores.listed import (
    INSOLVENT,
    LETTERS,
    PAGE,
    TONES,
    ShownReport,
    count_letters,
    explain,
    former_books,
    list_scores,
    points,
)
from portal.words import told_by
from receivables.domain.risk.score import CURRENT, formula_of
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.risk.scoring import block, blocked_customers, end_of, history_of, score_on
from receivables.store.customer_file.customers import get_customer
from receivables.store.risk.agency_reports import latest_reports

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Response as AnyResponse

    from receivables.services.risk.scoring import DatedScore
    from receivables.store.risk.agency_reports import AgencyReport

blueprint = Blueprint("scores", __name__, url_prefix="/s/scores")
UNPROCESSABLE = 422
LONGEST_REASON, LONGEST_KEY, LONGEST_URL = 200, 300, 300
EARLIEST = date(2000, 1, 1)
"""Before, no customer has a score."""
HISTORY = 60


@blueprint.get("")
@allow(*READERS)
def index() -> str:
    """Customers by score, the lowest first."""
    asked = read_list_request(request.args)
    letter = request.args.get("class", "")
    after = _after(request.args.get("after", ""))
    with work_here() as work:
        rows = list_scores(work, letter=letter, wanted=asked.wanted, after=after)
        counts = count_letters(work)
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return render_template(
        "scores/index.html",
        rows=rows[:PAGE],
        more=f"{1001 if last.tenths is None else last.tenths}_{last.customer_id}" if last else "",
        asked=asked,
        letter=letter if letter in LETTERS else "",
        letters=LETTERS,
        counts=counts,
        tones=TONES,
        points=points,
    )


@blueprint.get("/customers/<uuid:customer_id>")
@allow(*READERS)
def show(customer_id: UUID) -> AnyResponse:
    """One score and its parts, today or at the end of a past day."""
    return _show(customer_id)


@blueprint.post("/customers/<uuid:customer_id>/block")
@allow(*COLLECTING)
def set_block(customer_id: UUID) -> AnyResponse:
    """Put a customer on the block list, or take it off."""
    blocked = request.form.get("blocked") == "1"
    reason = request.form.get("reason", "")[:LONGEST_REASON]

    def act() -> None:
        with work_here() as work:
            block(work, customer_id, blocked=blocked, reason=reason, actor=actor())

    return _act(customer_id, act)


@blueprint.post("/customers/<uuid:customer_id>/ask")
@allow(*COLLECTING)
def ask(customer_id: UUID) -> AnyResponse:
    """Ask an agency about a customer."""
    agency = request.form.get("agency", "")[:40]
    return _act(customer_id, lambda: ask_agency(services(), place().supplier_id, customer_id, agency, actor()))


@blueprint.get("/agencies")
@allow(*STAFF)
def agencies() -> AnyResponse:
    """Agencies: what each driver knows, which accounts are connected, files to take."""
    return _agencies()


@blueprint.post("/agencies/files")
@allow(*COLLECTING)
def take() -> AnyResponse:
    """Take a file of an agency's."""
    sent = request.files.get("file")
    content = sent.stream.read(MAX_FILE_BYTES + 1) if sent else b""
    try:
        with work_here() as work:
            taken = take_file(work, request.form.get("agency", "")[:40], content, actor())
    except ReceivablesError as error:
        return _agencies(told_by(error))
    return redirect(url_for("scores.agencies", new=taken.new, known=taken.known, strangers=len(taken.strangers)), 303)


@blueprint.post("/agencies/accounts")
@allow(*CREDIT)
def connect() -> AnyResponse:
    """Connect an account at an agency, or leave it."""
    driver = request.form.get("agency", "")[:40]
    url, key = request.form.get("url", "")[:LONGEST_URL], request.form.get("key", "")[:LONGEST_KEY]
    try:
        with work_here() as work:
            if request.form.get("leave") == "1":
                close_account(work, AGENCY, driver, actor())
            else:
                open_account(services(), work, AGENCY, driver, url, key, actor())
    except ReceivablesError as error:
        return _agencies(told_by(error))
    return redirect(url_for("scores.agencies", connected=1), 303)


def _show(customer_id: UUID, wrong: str = "") -> AnyResponse:
    day = _day(request.args.get("on", ""))
    with work_here() as work:
        customer = get_customer(work, customer_id)
        dated = score_on(work, day, customer_ids=[customer_id]).get(customer_id)
        if dated is None:
            raise NotFoundError(
                "score.not_a_customer_yet",
                "This customer was not known on that day.",
                "Ce client n'était pas encore connu ce jour-là.",
            )
        reports = latest_reports(work, [customer_id], end_of(day)).get(customer_id, [])
        blocked = blocked_customers(work, [customer_id]).get(customer_id)
        history = history_of(work, customer_id, HISTORY)
        connected = accounts_at(work, AGENCY)
    page = render_template(
        "scores/show.html",
        customer=customer,
        dated=dated,
        shares=explain(dated),
        points=points,
        former=former_books(dated),
        tone=TONES[dated.score.letter],
        formula=formula_of(CURRENT),
        reports=[_beside(each, dated) for each in reports],
        blocked=blocked,
        insolvent=dated.facts.blocked == INSOLVENT,
        history=history,
        connected=[(name, drivers(AGENCY)[name].title) for name in connected],
        today=today(),
        day=day,
        may_write=place().role in COLLECTING,
        longest=LONGEST_REASON,
        wrong=wrong,
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _beside(report: AgencyReport, dated: DatedScore) -> ShownReport:
    """Their score beside ours: how far they are apart, in points."""
    ours = dated.score.tenths
    gap = None if report.score is None or ours is None else report.score - (ours + 5) // 10
    known = drivers(AGENCY).get(report.agency)
    return ShownReport(report, known.title if known else report.agency, gap)


def _agencies(wrong: str = "") -> AnyResponse:
    with work_here() as work:
        connected = accounts_at(work, AGENCY)
    page = render_template(
        "scores/agencies.html",
        drivers=list(drivers(AGENCY).values()),
        connected=connected,
        may_write=place().role in COLLECTING,
        may_keep=place().role in CREDIT,
        taken={name: request.args.get(name, "")[:6] for name in ("new", "known", "strangers")},
        done=request.args.get("connected") == "1",
        most_mib=MAX_FILE_BYTES // 2**20,
        wrong=wrong,
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _act(customer_id: UUID, act: Callable[[], object]) -> AnyResponse:
    try:
        act()
    except NotFoundError:
        raise
    except ReceivablesError as error:
        return _show(customer_id, told_by(error))
    return redirect(url_for("scores.show", customer_id=customer_id), 303)


def _day(text: str) -> date:
    """A past day, today where none makes sense."""
    try:
        return min(max(date.fromisoformat(text[:10]), EARLIEST), today())
    except ValueError:
        return today()


def _after(text: str) -> tuple[int, UUID] | None:
    tenths, _, customer = text.partition("_")
    try:
        return int(tenths[:4]), UUID(customer)
    except ValueError:
        return None
