"""Templates and recurring invoices: what is typed once and invoiced again and again."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import today
from portal.access.context import actor, work_here
from portal.access.roles import BOOKKEEPING, allow
from portal.fields import id_in
from portal.invoicing.recurring import resume
from portal.invoicing.typed import repeated, to_kept, to_typed, without_buyer
from portal.staff.invoicing.desk import lay_out
from portal.words import day, gettext, note_text, told_by
from receivables.domain.invoicing.recurrence import Rhythm, date_at
from receivables.errors import ConflictError
from receivables.store.invoicing.drafts import (
    close_draft,
    count_drafts,
    get_draft,
    keep_template,
    list_templates,
    remove_template,
)
from receivables.store.invoicing.recurring import (
    PAGE,
    NewRecurring,
    begin_recurring,
    change_recurring,
    dates_of,
    get_recurring,
    list_recurring,
    move_recurring,
)

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.invoicing.drafts import Draft
    from receivables.store.invoicing.recurring import Recurring
    from receivables.store.work import Work

blueprint = Blueprint("invoice_plans", __name__, url_prefix="/s/invoicing")

MAX_NAME = 80
RHYTHMS = {
    Rhythm.WEEK: note_text("Chaque semaine"),
    Rhythm.MONTH: note_text("Chaque mois"),
    Rhythm.TWO_MONTHS: note_text("Tous les deux mois"),
    Rhythm.QUARTER: note_text("Chaque trimestre"),
    Rhythm.HALF_YEAR: note_text("Chaque semestre"),
    Rhythm.YEAR: note_text("Chaque année"),
}
STATES = {
    "on": (note_text("En cours"), "paid", "check"),
    "paused": (note_text("En pause"), "part", "clock"),
    "ended": (note_text("Terminée"), "plain", "check"),
}
COMING = 4
"""Dates to come that the page shows."""


class PlanFormError(Exception):
    """The form of a recurring invoice makes no sense: the text says what to correct."""


@blueprint.get("/templates")
@allow(*BOOKKEEPING)
def templates() -> str:
    """Templates by name."""
    with work_here() as work:
        found, waiting = list_templates(work), count_drafts(work)
    return render_template("invoicing/templates.html", templates=found, waiting=waiting)


@blueprint.post("/templates")
@allow(*BOOKKEEPING)
def keep() -> Response:
    """Keep a draft as a template; the draft stays."""
    draft_id = id_in(request.form.get("draft"))
    with work_here() as work:
        draft = get_draft(work, draft_id) if draft_id else None
        if draft is not None:
            name = request.form.get("name", "").strip()[:MAX_NAME] or draft.label or gettext("Modèle")
            template_id = keep_template(work, name, to_kept(without_buyer(to_typed(draft.typed))), actor())
            work.audit(actor(), "template.kept", str(template_id), name=name)
    return redirect(url_for("invoice_plans.templates"), 303)


@blueprint.post("/templates/<uuid:template_id>/remove")
@allow(*BOOKKEEPING)
def remove(template_id: UUID) -> Response:
    """Nobody writes from it any more."""
    with work_here() as work:
        remove_template(work, template_id, actor())
        work.audit(actor(), "template.removed", str(template_id))
    return redirect(url_for("invoice_plans.templates"), 303)


@blueprint.get("/recurring")
@allow(*BOOKKEEPING)
def index() -> str:
    """Recurring invoices, the newest first."""
    with work_here() as work:
        found = list_recurring(work, id_in(request.args.get("after")))
        waiting = count_drafts(work)
    rows = [(each, to_typed(each.typed), gettext(RHYTHMS[each.rhythm]), _state(each)) for each in found[:PAGE]]
    return render_template("invoicing/recurring.html", rows=rows, more=len(found) > PAGE, waiting=waiting)


@blueprint.get("/recurring/new/<uuid:draft_id>")
@allow(*BOOKKEEPING)
def ask(draft_id: UUID) -> Response:
    """How often a draft is to come back."""
    return _ask(draft_id)


@blueprint.post("/recurring/new/<uuid:draft_id>")
@allow(*BOOKKEEPING)
def begin(draft_id: UUID) -> Response:
    """Begin: the draft becomes the plan."""
    try:
        with work_here() as work:
            draft = _finished(work, draft_id)
            recurring_id = begin_recurring(work, _plan_typed(draft.customer_id, draft.typed, draft.label))
            close_draft(work, draft_id, "discarded", actor())
            work.audit(actor(), "recurring.begun", str(recurring_id), name=draft.label)
    except (PlanFormError, ConflictError) as error:
        return _ask(draft_id, str(error) if isinstance(error, PlanFormError) else told_by(error))
    return redirect(url_for("invoice_plans.show", recurring_id=recurring_id), 303)


@blueprint.get("/recurring/<uuid:recurring_id>")
@allow(*BOOKKEEPING)
def show(recurring_id: UUID) -> Response:
    """One recurring invoice: its dates to come, and what became of those that passed."""
    return _show(recurring_id)


@blueprint.post("/recurring/<uuid:recurring_id>")
@allow(*BOOKKEEPING)
def change(recurring_id: UUID) -> Response:
    """Pause, go on, end, or issue by itself or not."""
    try:
        with work_here() as work:
            plan = get_recurring(work, recurring_id, held=True)
            act = request.form.get("act", "")
            _change(work, plan, act)
            work.audit(actor(), "recurring.changed", str(recurring_id), how=act)
    except (PlanFormError, ConflictError) as error:
        return _show(recurring_id, str(error) if isinstance(error, PlanFormError) else told_by(error))
    return redirect(url_for("invoice_plans.show", recurring_id=recurring_id), 303)


def _finished(work: Work, draft_id: UUID) -> Draft:
    """The draft that becomes the plan: it could be issued as it is.

    Raises:
        ConflictError: ``draft.closed``.
        PlanFormError: something is missing in it.
    """
    draft = get_draft(work, draft_id)
    if draft.state != "open":
        raise ConflictError(
            "draft.closed",
            "This draft was issued or thrown away.",
            "Ce brouillon a déjà été émis ou abandonné.",
        )
    if lay_out(work, draft).look.faults:
        raise PlanFormError(gettext("Terminez d'abord le brouillon : il doit pouvoir être émis tel quel."))
    return draft


def _change(work: Work, plan: Recurring, act: str) -> None:
    if plan.state == "ended":
        raise PlanFormError(gettext("Cette facture récurrente est terminée."))
    if act == "pause":
        move_recurring(work, plan, plan.position, plan.next_on, state="paused", actor=actor())
    elif act == "resume":
        resume(work, plan.recurring_id, today(), actor())
    elif act == "end":
        move_recurring(work, plan, plan.position, plan.next_on, state="ended", actor=actor())
    elif act == "keep":
        ends_on = _day("ends_on", gettext("Jour de fin"), optional=True)
        if ends_on and ends_on < max(plan.starts_on, today()):
            raise PlanFormError(gettext("La fin ne peut pas être passée : terminez plutôt maintenant."))
        change_recurring(work, plan, ends_on, automatic=request.form.get("automatic") == "yes", actor=actor())


def _plan_typed(customer_id: UUID | None, typed: dict[str, object], label: str) -> NewRecurring:
    """The plan that the form asks for.

    Raises:
        PlanFormError: a field makes no sense.
    """
    starts_on = _day("starts_on", gettext("Premier jour"))
    ends_on = _day("ends_on", gettext("Jour de fin"), optional=True)
    rhythm = request.form.get("rhythm", "")
    if starts_on is None or starts_on < today():
        raise PlanFormError(gettext("Commencez aujourd'hui ou plus tard."))
    if ends_on is not None and ends_on < starts_on:
        raise PlanFormError(gettext("La fin vient avant le début."))
    if rhythm not in set(Rhythm):
        raise PlanFormError(gettext("Choisissez à quel rythme elle revient."))
    name = request.form.get("name", "").strip()[:MAX_NAME] or label or gettext("Facture récurrente")
    return NewRecurring(
        customer_id,
        name,
        to_kept(repeated(to_typed(typed))),
        Rhythm(rhythm),
        starts_on,
        ends_on,
        request.form.get("automatic") == "yes",
        actor(),
    )


def _ask(draft_id: UUID, refused: str = "") -> Response:
    with work_here() as work:
        draft = get_draft(work, draft_id)
    page = render_template(
        "invoicing/recur.html",
        draft=draft,
        rhythms=RHYTHMS,
        refused=refused,
        asked=request.form,
        today=today(),
    )
    return make_response(page, 422 if refused else 200)


def _show(recurring_id: UUID, refused: str = "") -> Response:
    with work_here() as work:
        plan = get_recurring(work, recurring_id)
        told = dates_of(work, recurring_id)
    coming = [date_at(plan.starts_on, plan.rhythm, plan.position + step) for step in range(COMING)]
    page = render_template(
        "invoicing/plan.html",
        plan=plan,
        typed=to_typed(plan.typed),
        rhythm=gettext(RHYTHMS[plan.rhythm]),
        state=_state(plan),
        coming=[day(each) for each in coming if plan.state == "on" and (plan.ends_on is None or each <= plan.ends_on)],
        told=told,
        refused=refused,
    )
    return make_response(page, 409 if refused else 200)


def _state(plan: Recurring) -> tuple[str, str, str]:
    name, tone, symbol = STATES[plan.state]
    return gettext(name), tone, symbol


def _day(name: str, label: str, *, optional: bool = False) -> date | None:
    text = request.form.get(name, "").strip()
    if not text and optional:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PlanFormError(gettext("%(field)s : donnez un jour.") % {"field": label}) from None
