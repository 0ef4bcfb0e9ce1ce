"""``/s/dunning``: who gets what today and why, who does not and why; one customer's reminder; what was sent."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import now, today
from config.law.days import on_or_after
from portal.access.context import actor, place, services, work_here
from portal.access.roles import COLLECTING, CREDIT, OWNERS, STAFF, Role, allow
from portal.customer.downloads import send_bytes
from portal.dunning.bundle import make_litigation_file
from portal.dunning.letters import reminder_letter
from portal.dunning.mails import reminder_mail
from portal.dunning.running import PDF, Writer, approve_reminder, send_reminders
from portal.dunning.view import view_reminder
from portal.exports.handing import offer, wish_here
from portal.fields import day_in, id_in
from portal.staff.dunning import shown
from portal.staff.jobs.files import ASK
from portal.words import gettext, told_by
from receivables.domain.collecting.reminders import Plan
from receivables.domain.collecting.scenarios import Approval, Channel
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.collecting.dunning import (
    adopt_usual_scenarios,
    customers_to_look_at,
    next_opening,
    plan_for,
    rules_of,
    why_not_any_more,
)
from receivables.store.collecting.dunning import (
    PAGE,
    Notice,
    get_notice,
    invoices_of,
    list_notices,
    note_posted,
    resume_customer,
    stop_customer,
    stop_of,
    withdraw_letter,
)
from receivables.store.customer_file.customers import customer_names, get_customer
from receivables.store.customer_file.happenings import find_mail

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.domain.collecting.reminders import Reminder
    from receivables.services.collecting.dunning import Rules
    from receivables.store.work import Work

blueprint = Blueprint("dunning", __name__, url_prefix="/s/dunning")

WINDOW = 500
"""Customers that are planned for one page of the list."""
FARTHEST = timedelta(days=92)
LONGEST_STOP = timedelta(days=366)
TABS = ("send", "approve", "silent")
UNPROCESSABLE = 422


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"dunning_words": shown}


@blueprint.get("")
@allow(*STAFF)
def index() -> Response:
    """The dry run of a day."""
    return _index_page()


@blueprint.post("/begin")
@allow(*OWNERS)
def begin() -> Response:
    """Begin with the usual scenarios; nothing goes out by itself yet."""
    with work_here() as work:
        adopt_usual_scenarios(work, actor())
    return redirect(url_for("dunning.index"), 303)


@blueprint.post("/run")
@allow(*COLLECTING)
def run() -> Response:
    """Send what needs nobody's approval, to all or to the chosen customers."""
    chosen = [found for each in request.form.getlist("customer")[:WINDOW] if (found := id_in(each))]
    try:
        tally = send_reminders(services(), place().supplier_id, actor(), today(), chosen or None)
    except ReceivablesError as error:
        return _index_page(told_by(error))
    return redirect(url_for("dunning.index", written=tally.written), 303)


@blueprint.get("/customers/<uuid:customer_id>")
@allow(*STAFF)
def customer(customer_id: UUID) -> Response:
    """What one customer would get, word for word, and why nothing about the rest."""
    return _customer_page(customer_id)


@blueprint.post("/customers/<uuid:customer_id>/approve")
@allow(*COLLECTING)
def approve(customer_id: UUID) -> Response:
    """Let a reminder go that somebody has looked at."""
    fingerprint = request.form.get("fingerprint", "")[:64]
    with work_here() as work:
        wanted = _reminder(work, customer_id, fingerprint)
    if wanted is not None and wanted.approval is Approval.APPROVER and place().role not in CREDIT:
        abort(403)
    try:
        writer = Writer(services(), actor(), today())
        notice_id = approve_reminder(writer, place().supplier_id, customer_id, fingerprint)
    except ReceivablesError as error:
        return _customer_page(customer_id, told_by(error))
    return redirect(url_for("dunning.notice", notice_id=notice_id), 303)


@blueprint.get("/customers/<uuid:customer_id>/letters/<fingerprint>")
@allow(*STAFF)
def preview(customer_id: UUID, fingerprint: str) -> Response:
    """A letter as it would be, before anybody approves it."""
    with work_here() as work:
        reminder = _reminder(work, customer_id, fingerprint)
        if reminder is None or not reminder.channel.is_letter:
            abort(404)
        view = view_reminder(services(), work, reminder, today(), shown_only=True)
    pdf = reminder_letter(reminder, view)
    return send_bytes(pdf, PDF, "projet.pdf")


@blueprint.post("/customers/<uuid:customer_id>/stop")
@allow(*COLLECTING)
def stop(customer_id: UUID) -> Response:
    """Remind this customer of nothing until a day."""
    until_on = day_in(request.form.get("until", ""))
    if until_on is None or not today() < until_on <= today() + LONGEST_STOP:
        return _customer_page(customer_id, gettext("Choisissez un jour à venir, dans l'année."))
    try:
        with work_here() as work:
            get_customer(work, customer_id)
            stop_customer(work, customer_id, request.form.get("why", ""), until_on, actor())
    except NotFoundError:
        abort(404)
    except ReceivablesError as error:
        return _customer_page(customer_id, told_by(error))
    return redirect(url_for("dunning.customer", customer_id=customer_id), 303)


@blueprint.post("/customers/<uuid:customer_id>/resume")
@allow(*COLLECTING)
def resume(customer_id: UUID) -> Response:
    """Remind this customer again."""
    try:
        with work_here() as work:
            get_customer(work, customer_id)
            resume_customer(work, customer_id, actor())
    except NotFoundError:
        abort(404)
    return redirect(url_for("dunning.customer", customer_id=customer_id), 303)


@blueprint.get("/customers/<uuid:customer_id>/file")
@allow(*COLLECTING)
def litigation_file(customer_id: UUID) -> Response:
    """Everything that whoever sues needs, as one zip; the worker makes one of many invoices."""
    try:
        if (large := offer(wish_here("litigation", {}, customer_id), ASK)) is not None:
            return large
        made = make_litigation_file(services(), place().supplier_id, customer_id, actor())
    except NotFoundError:
        abort(404)
    return send_bytes(made.content, "application/zip", made.filename)


@blueprint.get("/sent")
@allow(*STAFF)
def sent() -> str:
    """What was written to whom, newest first."""
    after = id_in(request.args.get("after", ""))
    with work_here() as work:
        rows = list_notices(work, after=after)
    return render_template(
        "dunning/sent.html",
        rows=[(each, shown.notice_badge(each)) for each in rows[:PAGE]],
        more=len(rows) > PAGE,
    )


@blueprint.get("/sent/<uuid:notice_id>")
@allow(*STAFF)
def notice(notice_id: UUID) -> Response:
    """One notice as it was written."""
    return _notice_page(notice_id)


@blueprint.get("/sent/<uuid:notice_id>/letter")
@allow(*STAFF)
def letter(notice_id: UUID) -> Response:
    """The letter as it was made."""
    with work_here() as work:
        found = _notice_or_nothing(work, notice_id)
    if found.sha256 is None:
        abort(404)
    return send_bytes(services().archive.get(found.sha256), PDF, found.filename or "lettre.pdf")


@blueprint.post("/sent/<uuid:notice_id>/posted")
@allow(*COLLECTING)
def posted(notice_id: UUID) -> Response:
    """Say that a letter was posted, or that it is not posted after all."""
    posted_on = day_in(request.form.get("on", "")) or today()
    try:
        with work_here() as work:
            _notice_or_nothing(work, notice_id)
            if request.form.get("instead"):
                withdraw_letter(work, notice_id, request.form["instead"], actor())
            else:
                note_posted(work, notice_id, min(posted_on, today()), request.form.get("tracking", "")[:40], actor())
    except ReceivablesError as error:
        return _notice_page(notice_id, told_by(error))
    return redirect(url_for("dunning.notice", notice_id=notice_id), 303)


def _index_page(wrong: str = "") -> Response:
    day = _asked_day()
    tab = request.args.get("show", "send")
    tab = tab if tab in TABS else "send"
    after = id_in(request.args.get("after", ""))
    with work_here() as work:
        rules = rules_of(work)
        ids = customers_to_look_at(work, rules, day, after=after, limit=WINDOW)
        plan = plan_for(work, rules, ids, day) if rules.scenarios else Plan((), ())
        names = customer_names(work, ids)
    ready, waiting = _by_approval(plan)
    page = render_template(
        "dunning/index.html",
        rules=rules,
        day=day,
        is_today=day == today(),
        opens_at=next_opening(rules.settings, now()),
        tab=tab,
        counts={"send": len(ready), "approve": len(waiting), "silent": len(plan.silences)},
        reminders=ready if tab == "send" else waiting,
        silences=sorted(plan.silences, key=lambda each: (each.why, str(each.customer_id)))[:WINDOW],
        reasons=Counter(each.why for each in plan.silences).most_common(),
        names=names,
        more=ids[-1] if len(ids) == WINDOW else None,
        may_act=place().role in COLLECTING,
        may_begin=place().role is Role.OWNER,
        wrong=wrong,
        written=request.args.get("written", ""),
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _customer_page(customer_id: UUID, wrong: str = "") -> Response:
    day = on_or_after(today())
    with work_here() as work:
        try:
            found = get_customer(work, customer_id)
        except NotFoundError:
            abort(404)
        rules = rules_of(work)
        plan = plan_for(work, rules, [customer_id], day)
        page = render_template(
            "dunning/customer.html",
            customer=found,
            previews=[_preview(work, each) for each in plan.reminders],
            silences=plan.silences,
            stop=stop_of(work, customer_id, today()),
            notices=[(each, shown.notice_badge(each)) for each in list_notices(work, customer_id=customer_id)[:PAGE]],
            day=day,
            is_today=day == today(),
            tomorrow=today() + timedelta(days=1),
            may_act=place().role in COLLECTING,
            may_sign=place().role in CREDIT,
            wrong=wrong,
        )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _preview(work: Work, reminder: Reminder) -> dict[str, object]:
    """A reminder with the text that would go out."""
    text = ""
    if reminder.channel is Channel.MAIL:
        view = view_reminder(services(), work, reminder, today(), shown_only=True)
        mail = reminder_mail(services(), work, reminder, view, None)
        text = f"{mail.subject}\n\n{mail.text_body}" if mail else ""
    return {"reminder": reminder, "text": text}


def _notice_page(notice_id: UUID, wrong: str = "") -> Response:
    with work_here() as work:
        found = _notice_or_nothing(work, notice_id)
        waits = found.sha256 is not None and found.state == "written"
        page = render_template(
            "dunning/notice.html",
            notice=found,
            state=shown.notice_badge(found),
            rows=invoices_of(work, notice_id),
            mail=find_mail(work, found.mail_id) if found.mail_id else None,
            waits=waits,
            not_any_more=why_not_any_more(work, notice_id, today()) if waits else None,
            today=today(),
            may_act=place().role in COLLECTING,
            wrong=wrong,
        )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _by_approval(plan: Plan) -> tuple[list[Reminder], list[Reminder]]:
    ready = [each for each in plan.reminders if each.approval is Approval.NOBODY]
    return ready, [each for each in plan.reminders if each.approval is not Approval.NOBODY]


def _reminder(work: Work, customer_id: UUID, fingerprint: str) -> Reminder | None:
    rules: Rules = rules_of(work)
    plan = plan_for(work, rules, [customer_id], today())
    return next((each for each in plan.reminders if each.fingerprint == fingerprint), None)


def _notice_or_nothing(work: Work, notice_id: UUID) -> Notice:
    try:
        return get_notice(work, notice_id)
    except NotFoundError:
        abort(404)


def _asked_day() -> date:
    """The day asked for, within three months; today otherwise."""
    asked = day_in(request.args.get("on", ""))
    return asked if asked is not None and today() <= asked <= today() + FARTHEST else today()
