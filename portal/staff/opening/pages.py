"""``/s/opening``: what was open before, from a table or a FEC, with a dry run that balances to the cent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import today
from config.safe_xml import UnsafeXmlError
from portal.access.context import actor, work_here
from portal.access.roles import BOOKKEEPING, allow
from portal.customer.downloads import send_bytes
from portal.fields import id_in
from portal.imports.cells import CellError, read_cents, read_number
from portal.imports.columns import remember
from portal.imports.kept import keep_brought
from portal.opening.booking import start_opening
from portal.opening.documents import seller_here
from portal.opening.items import FIELDS, FORMER_PLATFORM, PLATFORM_HERE, PURPOSE, Choices
from portal.opening.planning import plan_opening
from portal.staff.imports.brought import brought_here, dropped_file, samples_of
from portal.tables import MARK
from portal.words import gettext, language, told_by
from receivables.domain.invoicing.number_series import OWN_SERIES
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.accounting.taking_over import opening_of, start_series
from receivables.services.accounting.undoing_openings import undo_opening
from receivables.store.accounting.former_lines import count_former
from receivables.store.accounting.openings import list_openings, opened_items
from receivables.store.invoicing.numbers import series_states

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from uuid import UUID

    from werkzeug import Response as AnyResponse

    from portal.imports.kept import BroughtFile
    from portal.opening.planning import OpeningPlan
    from receivables.store.work import Work

blueprint = Blueprint("opening", __name__, url_prefix="/s/opening")
MAX_FILE_BYTES = 64 * 1024 * 1024
"""Largest file of an opening, in bytes: a FEC of half a million lines. Other files that are taken in are smaller."""
MAX_FORM_BYTES = MAX_FILE_BYTES + 64 * 1024
UNPROCESSABLE = 422
SHOWN = 20
MAX_TERMS_DAYS = 365


@blueprint.get("")
@allow(*BOOKKEEPING)
def overview() -> str:
    """What there is to take over, in order, and what was taken over."""
    return _overview()


@blueprint.post("")
@allow(*BOOKKEEPING)
def take() -> AnyResponse:
    """Keep the file that was dropped, where it can be read at all; nothing is booked."""
    content, filename = dropped_file("reprise")
    try:
        with work_here() as work:
            brought = keep_brought(work, filename, content, actor())
            plan_opening(work, brought, Choices(today()), profile=None, actor=actor())
    except (ReceivablesError, UnsafeXmlError) as error:
        return make_response(_overview(told_by(error)), UNPROCESSABLE)
    return redirect(url_for("opening.review", sha256=brought.sha256), 303)


@blueprint.post("/series")
@allow(*BOOKKEEPING)
def series() -> AnyResponse:
    """Let a series of numbers go on behind the last one that it gave elsewhere."""
    name, last = request.form.get("series", ""), request.form.get("last", "").strip()
    try:
        with work_here() as work:
            if name not in OWN_SERIES:
                abort(400)
            start_series(work, name, today().year, int(last[:9]) if last.isdecimal() else 0, actor())
    except ReceivablesError as error:
        return make_response(_overview(series_said=told_by(error)), UNPROCESSABLE)
    return redirect(url_for("opening.overview"), 303)


@blueprint.get("/files/<sha256>")
@allow(*BOOKKEEPING)
def review(sha256: str) -> AnyResponse:
    """The dry run: what would be booked, item by item and in all, against what the other books say."""
    return _review(brought_here(sha256), request.args)


@blueprint.post("/files/<sha256>")
@allow(*BOOKKEEPING)
def book(sha256: str) -> AnyResponse:
    """Book it, where it balances."""
    brought = brought_here(sha256)
    try:
        choices, stated = _read_choices(request.form)
    except CellError as error:
        return _review(brought, request.form, told_by(error))
    choice = _columns(request.form)
    with work_here() as work:
        plan = _plan(work, brought, choices, stated, choice)
        if plan.table and plan.columns and choice is not None:
            remember(work, PURPOSE, plan.table, plan.columns)
        job_id = start_opening(work, plan, brought, choices, choice) if plan.is_ready else None
    if job_id is None:
        return _review(brought, request.form)
    return redirect(url_for("jobs.show", job_id=job_id, follow="yes"), 303)


@blueprint.get("/template.csv")
@allow(*BOOKKEEPING)
def template() -> AnyResponse:
    """An empty table with every column."""
    content = f"{MARK}{';'.join(field.french for field in FIELDS)}\r\n".encode()
    return send_bytes(content, "text/csv; charset=utf-8", "reprise-modele.csv")


@blueprint.get("/<uuid:opening_id>")
@allow(*BOOKKEEPING)
def show(opening_id: UUID) -> AnyResponse:
    """One opening: its report, its items with what is left of them, and how to undo it."""
    return make_response(show_opening(opening_id))


@blueprint.post("/<uuid:opening_id>/undo")
@allow(*BOOKKEEPING)
def undo(opening_id: UUID) -> AnyResponse:
    """Take an opening back, for a reason that is kept."""
    try:
        with work_here() as work:
            undo_opening(work, opening_id, request.form.get("reason", "")[:500], actor())
    except NotFoundError:
        abort(404)
    except ReceivablesError as error:
        return make_response(show_opening(opening_id, told_by(error)), UNPROCESSABLE)
    return redirect(url_for("opening.show", opening_id=opening_id), 303)


def _overview(said: str = "", series_said: str = "") -> str:
    before = id_in(request.args.get("after"))
    with work_here() as work:
        openings, more = list_openings(work, before)
        states = [each for each in series_states(work, today().year) if each.series in {"F", "A", "D"}]
    return render_template(
        "opening/overview.html",
        openings=openings,
        more=more,
        states=states,
        said=said,
        series_said=series_said,
        most_mib=MAX_FILE_BYTES // (1024 * 1024),
    )


def _review(brought: BroughtFile, given: Mapping[str, str], said: str = "") -> AnyResponse:
    try:
        choices, stated = _read_choices(given)
    except CellError as error:
        choices, stated, said = Choices(today()), None, told_by(error)
    with work_here() as work:
        try:
            plan = _plan(work, brought, choices, stated, _columns(given))
        except ReceivablesError as error:
            return make_response(_overview(told_by(error)), UNPROCESSABLE)
    page = render_template(
        "opening/review.html",
        file=brought,
        plan=plan,
        choices=choices,
        given=given,
        said=said,
        items=plan.opening.items[:SHOWN],
        faults=[(label, told_by(error)) for label, error in plan.faults[:SHOWN]],
        fields=[(field, field.name(language())) for field in FIELDS],
        samples=samples_of(plan.table) if plan.table else [],
    )
    return make_response(page, UNPROCESSABLE if request.method == "POST" else 200)


def _plan(
    work: Work,
    brought: BroughtFile,
    choices: Choices,
    stated: dict[str, int] | None,
    choice: Mapping[str, str] | None,
) -> OpeningPlan:
    return plan_opening(
        work, brought, choices, profile=seller_here(work), actor=actor(), stated_minor=stated, choice=choice
    )


def _read_choices(given: Mapping[str, str]) -> tuple[Choices, dict[str, int] | None]:
    """What the form says of the whole file.

    Raises:
        CellError: with the field.
    """
    opened = given.get("opened_on", "")
    terms, rate, stated = given.get("terms_days", ""), given.get("rate", "").strip(), given.get("stated", "").strip()
    try:
        opened_on = date.fromisoformat(opened) if opened else today()
    except ValueError:
        opened_on = today()
    choices = Choices(
        opened_on=opened_on,
        terms_days=min(int(terms), MAX_TERMS_DAYS) if terms.isdecimal() else 30,
        on_collection=given.get("on_collection") == "yes",
        rate=_rate(rate),
        receipts_told_by=PLATFORM_HERE if given.get("receipts_told_by") == PLATFORM_HERE else FORMER_PLATFORM,
        history=given.get("history") == "yes" if "opened_on" in given else True,
    )
    return choices, {"EUR": read_cents(stated, gettext("Solde du 411"))} if stated else None


def _rate(text: str) -> Decimal | None:
    return read_number(text, gettext("Taux de TVA")) if text else None


def _columns(given: Mapping[str, str]) -> dict[str, str] | None:
    return {field.key: given.get(field.key, "") for field in FIELDS} if "mapped" in given else None


def show_opening(opening_id: UUID, said: str = "", history_said: str = "") -> str:
    """The page of one opening; ``said`` is why it was not undone, ``history_said`` why letters cannot be read."""
    after = request.args.get("after", "0")
    with work_here() as work:
        try:
            opening = opening_of(work, opening_id)
        except NotFoundError:
            abort(404)
        items, more = opened_items(work, opening_id, int(after[:9]) if after.isdecimal() else 0)
        counts = count_former(work, opening_id)
    return render_template(
        "opening/opening.html",
        opening=opening,
        items=items,
        more=more,
        said=said,
        history=counts,
        history_said=history_said,
        most_mib=MAX_FILE_BYTES // (1024 * 1024),
    )
