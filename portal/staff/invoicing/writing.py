"""The form of an invoice: kept at every step, looked at while it is written, reviewed, issued."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request, url_for

from config.clock import today
from einvoice.composing.public_buyers import is_public
from einvoice.errors import EInvoiceError
from einvoice.request.reading import parse_request
from einvoice.routing import decide_routing, facts_of
from portal.access.context import actor, services, work_here
from portal.access.headers import let_script_ask
from portal.access.roles import BOOKKEEPING, allow
from portal.invoicing.faults import faults_of, once
from portal.invoicing.issuing import issue_draft, key_of
from portal.invoicing.looking import draw
from portal.invoicing.typed import read_form, to_typed
from portal.staff.directory.shown import ROADS
from portal.staff.invoicing.desk import (
    fill_from_catalogue,
    keep,
    lay_out,
    profile_here,
    read_revision,
    supplier_here,
    with_blank_line,
)
from portal.staff.invoicing.shown import faults_by_field, show_aside, show_form
from portal.wiring import branding_of
from portal.words import fitted, gettext, language, told_by
from receivables.domain.money import MoneyError
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.store.invoicing.drafts import close_draft, get_draft, hold_draft, invoice_under

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response as AnyResponse

    from portal.invoicing.typed import TypedInvoice
    from portal.staff.invoicing.desk import Desk
    from receivables.store.invoicing.drafts import Draft
    from receivables.store.work import Work

blueprint = Blueprint("invoice_form", __name__, url_prefix="/s/invoicing/drafts/<uuid:draft_id>")

MAX_FORM_BYTES = 1024 * 1024
"""A hundred lines with long descriptions."""
KEPT_S = 300
"""Seconds for which a browser keeps a picture of a draft: its address changes with what it shows."""


@blueprint.get("")
@allow(*BOOKKEEPING)
def write(draft_id: UUID) -> AnyResponse:
    """The form, with the page and the verdict beside it."""
    with work_here() as work:
        draft = get_draft(work, draft_id)
        if draft.state != "open":
            return _gone(work, draft)
        return _form(work, lay_out(work, draft))


@blueprint.post("")
@allow(*BOOKKEEPING)
def save(draft_id: UUID) -> AnyResponse:
    """Keep what is typed, then do what the button says."""
    act = request.form.get("act", "save")
    with work_here() as work:
        draft = get_draft(work, draft_id)
        if draft.state != "open":
            return _gone(work, draft)
        typed = _acted(work, _read(draft), act)
        desk = lay_out(work, draft, typed)
        try:
            hold_draft(work, draft_id, read_revision())
        except ConflictError as error:
            return _form(work, desk, refused=told_by(error), status=409)
        keep(work, desk)
        if act == "review" and not desk.look.is_ready:
            return _form(work, _again(work, desk), strictly=True, status=422)
    if act == "review":
        return redirect(url_for("invoice_form.review", draft_id=draft_id), 303)
    place = "#lines" if act.startswith(("add", "remove")) else "#verdict"
    return redirect(url_for("invoice_form.write", draft_id=draft_id) + place, 303)


@blueprint.post("/look")
@allow(*BOOKKEEPING)
def look(draft_id: UUID) -> AnyResponse:
    """Keep what is typed and say what is to be said of it, for the script that shows it beside the form."""
    with work_here() as work:
        draft = get_draft(work, draft_id)
        typed = fill_from_catalogue(work, _read(draft))
        desk = lay_out(work, draft, typed)
        try:
            hold_draft(work, draft_id, read_revision())
        except ConflictError as error:
            return make_response(jsonify(refused=told_by(error)), 409)
        revision = keep(work, desk)
    return jsonify(
        revision=revision,
        aside=render_template("invoicing/aside.html", draft=draft, **show_aside(desk)),
        faults=faults_by_field(desk.look.faults, strictly=False),
        lines=[
            {"name": line.name, "unit": line.unit, "price": line.price, "vat": line.vat, "code": line.code}
            for line in typed.lines
        ],
    )


@blueprint.get("/page-<int:number>.png")
@allow(*BOOKKEEPING)
def picture(draft_id: UUID, number: int) -> Response:
    """A picture of one page of a draft as it is kept."""
    with work_here() as work:
        desk = lay_out(work, get_draft(work, draft_id))
        branding = branding_of(work)
    if desk.look.document is None:
        abort(404)
    try:
        pages = draw(desk.look.document, branding, services().settings.public_url)
    except EInvoiceError:
        abort(404)
    if not 0 < number <= len(pages):
        abort(404)
    answer = Response(pages[number - 1], mimetype="image/png")
    answer.headers["Cache-Control"] = f"private, max-age={KEPT_S}"
    return answer


@blueprint.get("/review")
@allow(*BOOKKEEPING)
def review(draft_id: UUID) -> AnyResponse:
    """The whole page, where it goes, and the button that issues it."""
    with work_here() as work:
        draft = get_draft(work, draft_id)
        if draft.state != "open":
            return _gone(work, draft)
        desk = lay_out(work, draft)
        if not desk.look.is_ready or desk.look.document is None:
            return _form(work, desk, strictly=True, status=422)
        request_made = parse_request(desk.look.content)
        decision = decide_routing(facts_of(work, desk.look.document, stated_public=is_public(request_made.buyer)))
        try:
            pages = len(draw(desk.look.document, branding_of(work), services().settings.public_url))
        except EInvoiceError as error:
            return _form(work, desk, refused=told_by(error), status=422)
    page = render_template(
        "invoicing/review.html",
        draft=draft,
        desk=desk,
        document=desk.look.document,
        pages=range(1, pages + 1),
        road=gettext(ROADS[decision.road]),
        reason=fitted(decision.sentence(language())),
        **show_aside(desk),
    )
    return make_response(page)


@blueprint.post("/issue")
@allow(*BOOKKEEPING)
def issue(draft_id: UUID) -> AnyResponse:
    """Issue it; pressed twice, both presses end at the one invoice."""
    try:
        invoice_id = issue_draft(services(), supplier_here(), draft_id, read_revision(), actor=actor(), today=today())
    except NotFoundError:
        raise
    except (EInvoiceError, ReceivablesError, MoneyError) as error:
        with work_here() as work:
            draft = get_draft(work, draft_id)
            if draft.state != "open":
                return _gone(work, draft)
            desk = lay_out(work, draft)
            told = tuple(once(faults_of(error, desk.look.asked.places)))
            shown = replace(desk, look=replace(desk.look, faults=told))
            return _form(work, shown, refused=told[0].sentence, strictly=True, status=409)
    return redirect(url_for("staff.invoice", invoice_id=invoice_id, told="issued"), 303)


@blueprint.post("/discard")
@allow(*BOOKKEEPING)
def discard(draft_id: UUID) -> AnyResponse:
    """Throw a draft away: it has no number, so nothing is missing."""
    with work_here() as work:
        draft = get_draft(work, draft_id)
        if draft.state == "open":
            close_draft(work, draft_id, "discarded", actor())
            work.audit(actor(), "draft.discarded", str(draft_id), label=draft.label)
    return redirect(url_for("invoicing.home"), 303)


def _read(draft: Draft) -> TypedInvoice:
    return read_form(request.form, to_typed(draft.typed), known_buyer=draft.customer_id is not None)


def _acted(work: Work, typed: TypedInvoice, act: str) -> TypedInvoice:
    """What the button asks of the form itself: a line more, a line less, an item's price."""
    filled = fill_from_catalogue(work, typed)
    if act.startswith("remove-") and act.removeprefix("remove-").isdigit():
        gone = int(act.removeprefix("remove-"))
        filled = replace(filled, lines=tuple(line for at, line in enumerate(filled.lines) if at != gone))
    return with_blank_line(profile_here(work), filled, one_more=act == "add")


def _again(work: Work, desk: Desk) -> Desk:
    """The draft as it was just kept, so that the form carries its revision."""
    return replace(desk, draft=get_draft(work, desk.draft.draft_id))


def _form(work: Work, desk: Desk, *, refused: str = "", strictly: bool = False, status: int = 200) -> AnyResponse:
    let_script_ask()
    draft = get_draft(work, desk.draft.draft_id)
    page = render_template(
        "invoicing/form.html",
        draft=draft,
        desk=desk,
        typed=desk.typed,
        faults=faults_by_field(desk.look.faults, strictly=strictly),
        refused=refused,
        **show_form(work, desk),
        **show_aside(desk),
    )
    return make_response(page, status)


def _gone(work: Work, draft: Draft) -> AnyResponse:
    """A draft that was issued opens its invoice; one that was thrown away, the list."""
    invoice_id = invoice_under(work, key_of(draft.draft_id))
    if invoice_id:
        return redirect(url_for("staff.invoice", invoice_id=invoice_id), 303)
    return redirect(url_for("invoicing.home"), 303)
