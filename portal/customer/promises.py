"""``/c/plans``: a customer promises a payment, proposes a payment plan or agrees to one by a click, and pays it.

What is shown before a click is what is agreed to: the hash of the words goes with the form, and where the books moved
meanwhile the words are shown again instead of being signed. An instalment is paid through the basket, like everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import today
from portal.access.context import actor, caller, customer_here, services, work_here
from portal.access.roles import Right, Role, allow
from portal.customer.basket import plain_amount
from portal.mail.plan_mails import AGREED, RECEIVED, write_plan_mail
from portal.plan_forms import (
    TypedError,
    TypedTerms,
    choices_of,
    read_day,
    read_ids,
    signature_by,
    typed_terms,
    wishes_of,
)
from portal.telling.plan_words import (
    PLAN_STATES,
    PROMISE_STATES,
    RHYTHMS,
    agreement_words,
    part_badge,
    reason_told,
    shown_state,
)
from portal.words import language, told_by
from receivables.domain.collecting.plans import Plan, PlanState
from receivables.domain.collecting.promises import Source
from receivables.errors import ReceivablesError
from receivables.services.collecting.plan_reviews import last_day_of
from receivables.services.collecting.planning import (
    Proposer,
    draft_plan,
    propose_plan,
    refuse_plan,
    sign_plan,
    withdraw_plan,
)
from receivables.services.collecting.promising import NewPromise, make_promise
from receivables.store.collecting.plans import get_plan, live_plans, plans_of, policy_of, signature_of
from receivables.store.collecting.promises import promises_of
from receivables.store.customer_file.customers import get_customer, lock_customers
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from portal.telling.plan_words import AgreementWords
    from receivables.domain.collecting.plans import Part
    from receivables.store.work import Work

blueprint = Blueprint("agreements", __name__, url_prefix="/c/plans")

SHOWN = 20


@blueprint.get("")
@allow(Role.CUSTOMER)
def index() -> str:
    """What was agreed: plans and promises, the newest first, and what else may be asked for."""
    with work_here() as work:
        plans = plans_of(work, customer_here(), SHOWN)
        promises = promises_of(work, customer_here(), SHOWN)
        open_ = choices_of(work, customer_here())
    return render_template(
        "plans/mine.html",
        plans=[(each, shown_state(PLAN_STATES, each.state), each.next_part()) for each in plans],
        promises=[(each, shown_state(PROMISE_STATES, each.state), reason_told(each.reason)) for each in promises],
        may_ask=any(not each.why for each in open_),
        told=request.args.get("told", ""),
    )


@blueprint.get("/promise")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def ask_promise() -> Response:
    """The form of a promise: which invoices, how much, when."""
    return _promise_form()


@blueprint.post("/promise")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def promise() -> Response:
    """Write the promise down."""
    person = caller().person
    try:
        with work_here() as work:
            picks = read_ids(request.form.getlist("pick"))
            command = NewPromise(
                customer_here(),
                wishes_of(request.form, picks, choices_of(work, customer_here())),
                read_day(request.form.get("promised_on", "")),
                Source.CUSTOMER,
                person.name,
                actor(),
            )
            make_promise(work, command)
    except (TypedError, ReceivablesError) as error:
        return _promise_form(told_by(error))
    return redirect(url_for("agreements.index", told="promised"), 303)


@blueprint.get("/new")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def ask() -> Response:
    """The form of a plan."""
    return _terms_form(typed_terms(request.args))


@blueprint.get("/review")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def review() -> Response:
    """The instalments and the words, before anything is agreed to."""
    return _review(typed_terms(request.args))


@blueprint.post("")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def propose() -> Response:
    """The click: what was shown is proposed, and holds at once where the supplier's policy says so."""
    typed = typed_terms(request.form)
    try:
        with work_here() as work:
            lock_customers(work, [customer_here()])
            plan = _draft(work, typed)
            words = _words(work, plan)
            moved = words.sha256 != request.form.get("sha256")
            if not moved:
                plan = propose_plan(work, plan, signature_by(caller().person, words, request))
                accepted = plan.state is PlanState.ACCEPTED
                write_plan_mail(services(), work, AGREED if accepted else RECEIVED, plan)
    except (TypedError, ReceivablesError) as error:
        return _terms_form(typed, told_by(error))
    if moved:
        return _review(typed, moved=True)
    return redirect(url_for("agreements.show", plan_id=plan.plan_id, told="accepted" if accepted else "sent"), 303)


@blueprint.get("/<uuid:plan_id>")
@allow(Role.CUSTOMER)
def show(plan_id: UUID) -> Response:
    """One plan: every instalment as it stands, what to pay now, the words."""
    return _show(plan_id)


@blueprint.post("/<uuid:plan_id>/accept")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def accept(plan_id: UUID) -> Response:
    """The click by which a plan of the supplier's is agreed to."""
    try:
        with work_here() as work:
            lock_customers(work, [customer_here()])
            words = _words(work, _own(work, plan_id))
            moved = words.sha256 != request.form.get("sha256")
            if not moved:
                done = sign_plan(work, plan_id, signature_by(caller().person, words, request))
                write_plan_mail(services(), work, AGREED, done)
    except ReceivablesError as error:
        return _show(plan_id, refused=told_by(error))
    if moved:
        return _show(plan_id, moved=True)
    return redirect(url_for("agreements.show", plan_id=plan_id, told="accepted"), 303)


@blueprint.post("/<uuid:plan_id>/refuse")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def refuse(plan_id: UUID) -> Response:
    """Say no to a plan of the supplier's, or take one's own proposal back."""
    said = request.form.get("said", "")
    try:
        with work_here() as work:
            own = _own(work, plan_id)
            end = withdraw_plan if own.source is Source.CUSTOMER else refuse_plan
            if own.state is PlanState.PROPOSED:  # one under way is ended by the supplier alone
                end(work, plan_id, actor(), said)
    except ReceivablesError as error:
        return _show(plan_id, refused=told_by(error))
    return redirect(url_for("agreements.index", told="ended"), 303)


def standing_plans(work: Work, customer_id: UUID, invoice_id: UUID | None = None) -> list[tuple[Plan, Part | None]]:
    """The plans under way, and those that wait for the customer's answer, of all or of one invoice."""
    return [
        (plan, plan.next_part())
        for plan in live_plans(work, customer_id)
        if invoice_id is None or any(each.invoice_id == invoice_id for each in plan.invoices)
    ]


def pay_address(plan: Plan) -> str:
    """The basket's preview with what the plan asks for now, invoice by invoice; empty where nothing is."""
    if plan.state is not PlanState.ACCEPTED:
        return ""
    shares = plan.shares(plan.asked_minor(today()))
    fields = [("currency", plan.currency)]
    for invoice_id, minor in shares.items():
        fields += [("pick", str(invoice_id)), (f"a.{invoice_id}", plain_amount(minor, plan.currency))]
    return f"{url_for('basket.review')}?{urlencode(fields)}" if shares else ""


def _draft(work: Work, typed: TypedTerms) -> Plan:
    """The plan that is asked for; interest and grace are the supplier's to set."""
    choices = choices_of(work, customer_here())
    currency = choices[0].currency if choices else "EUR"
    asked = TypedTerms(typed.picks, typed.first_on, typed.count, typed.rhythm, typed.first).terms(currency)
    return draft_plan(work, customer_here(), typed.picks, asked, Proposer(Source.CUSTOMER, actor(), language()))


def _words(work: Work, plan: Plan) -> AgreementWords:
    return agreement_words(plan, supplier_name(work), get_customer(work, plan.customer_id).name)


def _review(typed: TypedTerms, *, moved: bool = False) -> Response:
    try:
        with work_here() as work:
            plan = _draft(work, typed)
            words = _words(work, plan)
    except (TypedError, ReceivablesError) as error:
        return _terms_form(typed, told_by(error))
    page = render_template(
        "plans/review.html",
        plan=plan,
        words=words,
        sent=typed.sent,
        back=f"{url_for('agreements.ask')}?{urlencode(typed.sent)}",
        moved=moved,
    )
    return make_response(page, 409 if moved else 200)


def _terms_form(typed: TypedTerms, wrong: str = "") -> Response:
    with work_here() as work:
        choices = choices_of(work, customer_here())
        policy = policy_of(work)
    page = render_template(
        "plans/ask.html",
        choices=choices,
        typed=typed,
        wrong=wrong,
        rhythms=RHYTHMS,
        policy=policy,
        today=today(),
    )
    return make_response(page, 422 if wrong else 200)


def _promise_form(wrong: str = "") -> Response:
    with work_here() as work:
        choices = [each for each in choices_of(work, customer_here()) if each.free_minor and each.why != "planned"]
        policy = policy_of(work)
    given = request.form if wrong else request.args
    page = render_template(
        "plans/promise.html",
        choices=choices,
        picks=read_ids(given.getlist("pick")),
        typed={each.invoice_id: given.get(f"a.{each.invoice_id}", "")[:20] for each in choices},
        plain=plain_amount,
        promised_on=given.get("promised_on", "")[:10],
        wrong=wrong,
        policy=policy,
        today=today(),
    )
    return make_response(page, 422 if wrong else 200)


def _show(plan_id: UUID, *, moved: bool = False, refused: str = "") -> Response:
    with work_here() as work:
        plan = _own(work, plan_id)
        words, signed = _words(work, plan), signature_of(work, plan_id)
    page = render_template(
        "plans/plan.html",
        plan=plan,
        badge=shown_state(PLAN_STATES, plan.state),
        parts_shown=[(each, part_badge(each, today())) for each in plan.parts],
        asked_minor=plan.asked_minor(today()) if plan.state is PlanState.ACCEPTED else 0,
        late=plan.late_part(today()) if plan.state is PlanState.ACCEPTED else None,
        last_day_of=last_day_of,
        pay=pay_address(plan),
        words=words,
        signed=signed,
        reason=reason_told(plan.reason),
        to_sign=plan.state is PlanState.PROPOSED and plan.source is Source.COLLECTOR,
        moved=moved,
        refused=refused,
        told=request.args.get("told", ""),
    )
    return make_response(page, 409 if moved or refused else 200)


def _own(work: Work, plan_id: UUID) -> Plan:
    """A plan of the caller's customer: somebody else's looks like none."""
    found = get_plan(work, plan_id)
    return found if found.customer_id == customer_here() else abort(404)
