"""``/s/promises/plans``: payment plans, answered, proposed, followed and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import today
from portal.access.context import actor, services, work_here
from portal.access.roles import COLLECTING, STAFF, allow
from portal.lists import read_list_request
from portal.mail.plan_mails import AGREED, OFFERED, write_plan_mail
from portal.plan_forms import TypedError, choices_of, typed_terms
from portal.telling.plan_words import (
    PLAN_STATES,
    RHYTHMS,
    agreement_words,
    beyond_told,
    part_badge,
    reason_told,
    shown_state,
)
from portal.words import note_text, told_by
from receivables.domain.collecting.plans import Plan, PlanState
from receivables.domain.collecting.promises import Source
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.collecting.planning import (
    Proposer,
    agree_to_plan,
    draft_plan,
    proposals_waiting,
    propose_plan,
    refuse_plan,
    withdraw_plan,
)
from receivables.store.collecting.plans import PAGE, get_plan, list_plans, policy_of, signature_of
from receivables.store.customer_file.contacts import recipient_for
from receivables.store.customer_file.customers import customer_names, get_customer, lock_customers
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug import Response

    from portal.plan_forms import TypedTerms
    from receivables.store.work import Work

blueprint = Blueprint("plans", __name__, url_prefix="/s/promises/plans")

FILTERS = {
    "proposed": (note_text("À décider"), ("proposed",)),
    "accepted": (note_text("En cours"), ("accepted",)),
    "broken": (note_text("Rompus"), ("broken",)),
    "kept": (note_text("Soldés"), ("kept",)),
    "all": (note_text("Tous"), ("proposed", "accepted", "refused", "kept", "broken", "withdrawn")),
}


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """Plans, the newest first; what waits for an answer where anything does."""
    asked = read_list_request(request.args)
    with work_here() as work:
        waiting = proposals_waiting(work)
        chosen = request.args.get("show", "proposed" if waiting else "accepted")
        chosen = chosen if chosen in FILTERS else "accepted"
        found = list_plans(work, FILTERS[chosen][1], asked.after)
        names = customer_names(work, [each.customer_id for each in found])
    return render_template(
        "plans/plans.html",
        rows=[(each, shown_state(PLAN_STATES, each.state), each.late_part(today())) for each in found[:PAGE]],
        names=names,
        more=len(found) > PAGE,
        chosen=chosen,
        filters={key: name for key, (name, _) in FILTERS.items()},
        waiting=waiting,
    )


@blueprint.get("/<uuid:plan_id>")
@allow(*STAFF)
def show(plan_id: UUID) -> Response:
    """One plan: the proposal against the policy, every instalment, the customer's click."""
    return _show(plan_id)


@blueprint.post("/<uuid:plan_id>/agree")
@allow(*COLLECTING)
def agree(plan_id: UUID) -> Response:
    """Accept what the customer proposed."""

    def act(work: Work) -> None:
        write_plan_mail(services(), work, AGREED, agree_to_plan(work, plan_id, actor()))

    return _act(plan_id, act, "agreed")


@blueprint.post("/<uuid:plan_id>/refuse")
@allow(*COLLECTING)
def refuse(plan_id: UUID) -> Response:
    """Say no to what the customer proposed, and why."""

    def act(work: Work) -> None:
        plan = refuse_plan(work, plan_id, actor(), request.form.get("said", ""))
        write_plan_mail(services(), work, "refused", plan)

    return _act(plan_id, act, "refused")


@blueprint.post("/<uuid:plan_id>/withdraw")
@allow(*COLLECTING)
def withdraw(plan_id: UUID) -> Response:
    """Take a proposal of ours back, or end a plan: the customer is told why."""

    def act(work: Work) -> None:
        plan = withdraw_plan(work, plan_id, actor(), request.form.get("said", ""))
        write_plan_mail(services(), work, "withdrawn", plan)

    return _act(plan_id, act, "withdrawn")


@blueprint.get("/new/<uuid:customer_id>")
@allow(*COLLECTING)
def ask(customer_id: UUID) -> Response:
    """The form of a plan to propose to a customer."""
    return _terms_form(customer_id, typed_terms(request.args))


@blueprint.get("/new/<uuid:customer_id>/review")
@allow(*COLLECTING)
def review(customer_id: UUID) -> Response:
    """The instalments, the words, and what the policy says, before the customer is asked."""
    typed = typed_terms(request.args)
    try:
        with work_here() as work:
            customer = get_customer(work, customer_id)
            plan = _draft(work, customer_id, typed)
            words = agreement_words(plan, supplier_name(work), customer.name)
    except NotFoundError:
        raise
    except (TypedError, ReceivablesError) as error:
        return _terms_form(customer_id, typed, told_by(error))
    page = render_template(
        "plans/propose.html",
        customer=customer,
        plan=plan,
        words=words,
        beyond=beyond_told(plan.beyond),
        sent=typed.sent,
        back=f"{url_for('plans.ask', customer_id=customer_id)}?{urlencode(typed.sent)}",
    )
    return make_response(page)


@blueprint.post("/new/<uuid:customer_id>")
@allow(*COLLECTING)
def propose(customer_id: UUID) -> Response:
    """Propose it: the customer is asked by mail, and agrees by a click."""
    typed = typed_terms(request.form)
    try:
        with work_here() as work:
            lock_customers(work, [customer_id])
            plan = propose_plan(work, _draft(work, customer_id, typed))
            written = write_plan_mail(services(), work, OFFERED, plan)
    except NotFoundError:
        raise
    except (TypedError, ReceivablesError) as error:
        return _terms_form(customer_id, typed, told_by(error))
    return redirect(url_for("plans.show", plan_id=plan.plan_id, told="proposed" if written else "no_mail"), 303)


def _draft(work: Work, customer_id: UUID, typed: TypedTerms) -> Plan:
    """The plan that is asked for, in the language of whoever answers it."""
    customer = get_customer(work, customer_id)
    choices = choices_of(work, customer_id)
    to = recipient_for(work, customer_id, "payment")
    by = Proposer(Source.COLLECTOR, actor(), (to.language if to else customer.language) or "fr")
    return draft_plan(work, customer_id, typed.picks, typed.terms(choices[0].currency if choices else "EUR"), by)


def _act(plan_id: UUID, act: Callable[[Work], None], told: str) -> Response:
    try:
        with work_here() as work:
            act(work)
    except NotFoundError:
        raise
    except ReceivablesError as error:
        return _show(plan_id, told_by(error))
    return redirect(url_for("plans.show", plan_id=plan_id, told=told), 303)


def _terms_form(customer_id: UUID, typed: TypedTerms, wrong: str = "") -> Response:
    with work_here() as work:
        customer = get_customer(work, customer_id)
        choices = choices_of(work, customer_id)
        policy = policy_of(work)
    page = render_template(
        "plans/offer.html",
        customer=customer,
        choices=choices,
        typed=typed,
        rhythms=RHYTHMS,
        policy=policy,
        wrong=wrong,
        today=today(),
    )
    return make_response(page, 422 if wrong else 200)


def _show(plan_id: UUID, refused: str = "") -> Response:
    with work_here() as work:
        plan = get_plan(work, plan_id)
        customer = get_customer(work, plan.customer_id)
        signed = signature_of(work, plan_id)
        words = agreement_words(plan, supplier_name(work), customer.name)
    page = render_template(
        "plans/staff_plan.html",
        plan=plan,
        customer=customer,
        badge=shown_state(PLAN_STATES, plan.state),
        parts_shown=[(each, part_badge(each, today())) for each in plan.parts],
        beyond=beyond_told(plan.beyond),
        reason=reason_told(plan.reason),
        signed=signed,
        text=signed.words if signed else words.text,
        to_decide=plan.state is PlanState.PROPOSED and plan.source is Source.CUSTOMER,
        refused=refused,
        told=request.args.get("told", ""),
    )
    return make_response(page, 409 if refused else 200)
