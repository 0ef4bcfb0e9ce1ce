"""``/s/customers/<id>``: one customer, and what a collector does about them, each act answered on the same page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, url_for

from config.clock import today
from payments.paying.methods import methods_for
from payments.treasury.contests import contests_on_customer
from portal.access.context import actor, place, services, work_here
from portal.access.headers import let_script_run
from portal.access.people import read_email, staff_of
from portal.access.roles import COLLECTING, READERS, allow
from portal.fields import day_in, id_in
from portal.plan_forms import TypedError
from portal.staff.account.life import life_of_account
from portal.staff.account.panels import known_of, show_panels
from portal.staff.worklist.words import CONTACT_ROLES
from portal.telling.account_words import OUTCOMES, task_words
from portal.words import gettext, told_by
from receivables.domain.money import Money
from receivables.errors import ReceivablesError
from receivables.services.collecting.speaking import Call, note_call, note_remark
from receivables.services.collecting.tasking import close_task, open_tasks, postpone_task
from receivables.services.settlement.credits import available_credits
from receivables.store.customer_file.contacts import (
    Contact,
    CustomerFile,
    add_contact,
    change_contact,
    contacts_of,
    file_and_segments,
    remove_contact,
    set_customer_file,
)
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import list_money, sum_open
from receivables.store.invoicing.lists import list_invoices

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("account", __name__, url_prefix="/s/customers/<uuid:customer_id>")

MOST_LINES = 15
"""Invoices and payments of one page: all of them are in the lists, and in the statement."""


@blueprint.get("")
@allow(*READERS)
def show(customer_id: UUID) -> str:
    """One customer: what is owed and held, whom to call, what was said, what is to be done."""
    with work_here() as work:
        return account_page(work, customer_id)


@blueprint.post("/call")
@allow(*COLLECTING)
def call(customer_id: UUID) -> Response | tuple[str, int]:
    """Write a call down."""
    form = request.form
    return act_on(
        customer_id,
        "call",
        lambda work, actor: note_call(
            work,
            Call(
                customer_id,
                form.get("outcome", ""),
                actor,
                form.get("note", ""),
                id_in(form.get("contact", "")),
                day_in(form.get("again_on", "")),
                id_in(form.get("task", "")),
            ),
        ),
    )


@blueprint.post("/remark")
@allow(*COLLECTING)
def remark(customer_id: UUID) -> Response | tuple[str, int]:
    """Keep a remark."""
    said = request.form.get("note", "")
    return act_on(customer_id, "remark", lambda work, actor: note_remark(work, customer_id, said, actor))


@blueprint.post("/tasks/<uuid:task_id>")
@allow(*COLLECTING)
def task(customer_id: UUID, task_id: UUID) -> Response | tuple[str, int]:
    """Say that a task is done, or put it off."""
    form = request.form
    until = day_in(form.get("due_on", ""))
    if form.get("act") == "later" and until:
        return act_on(customer_id, "tasks", lambda work, actor: postpone_task(work, task_id, until, actor))
    return act_on(
        customer_id, "tasks", lambda work, actor: close_task(work, task_id, actor, "done", form.get("note", ""))
    )


@blueprint.post("/contacts")
@allow(*COLLECTING)
def new_contact(customer_id: UUID) -> Response | tuple[str, int]:
    """Add a contact."""
    return act_on(customer_id, "contacts", lambda work, actor: add_contact(work, _contact(customer_id, None), actor))


@blueprint.post("/contacts/<uuid:contact_id>")
@allow(*COLLECTING)
def contact(customer_id: UUID, contact_id: UUID) -> Response | tuple[str, int]:
    """Change a contact, or remove it."""
    if request.form.get("act") == "remove":
        return act_on(customer_id, "contacts", lambda work, actor: remove_contact(work, contact_id, actor))
    return act_on(
        customer_id, "contacts", lambda work, actor: change_contact(work, _contact(customer_id, contact_id), actor)
    )


@blueprint.post("/file")
@allow(*COLLECTING)
def file(customer_id: UUID) -> Response | tuple[str, int]:
    """Say who looks after the customer, and in which segment it is."""
    collector = id_in(request.form.get("collector", ""))
    if collector not in {each.person_id for each in staff_of(services().database, place().supplier_id)}:
        collector = None
    wanted = CustomerFile(
        customer_id,
        collector,
        request.form.get("segment", "")[:40],
        request.form.get("note", "").strip()[:2000] or None,
    )
    return act_on(customer_id, "file", lambda work, actor: set_customer_file(work, wanted, actor))


def act_on(
    customer_id: UUID, form: str, act: Callable[[Work, str], object], anchor: str = ""
) -> Response | tuple[str, int]:
    """Do it, and show the page again: with what was typed and the reason where it was refused."""
    try:
        with work_here() as work:
            get_customer(work, customer_id)
            act(work, actor())
    except (ReceivablesError, TypedError) as refusal:
        return refuse(customer_id, form, told_by(refusal))
    return redirect(f"{url_for('account.show', customer_id=customer_id)}#{anchor or form}", 303)


def refuse(customer_id: UUID, form: str, why: str) -> tuple[str, int]:
    """The page again, with why beside the form and what was typed in it."""
    with work_here() as work:
        return account_page(work, customer_id, form, why), 422


def account_page(work: Work, customer_id: UUID, form: str = "", wrong: str = "") -> str:
    """The whole page; ``form`` is the one that was refused, and ``wrong`` why."""
    customer = get_customer(work, customer_id)
    people = staff_of(services().database, place().supplier_id)
    totals = sum_open(work, today(), customer_id)
    kept, in_use = file_and_segments(work, customer_id)
    known = known_of(work, customer_id)
    asked = Money(totals[0].due_minor, totals[0].currency) if totals and totals[0].due_minor else Money(10_000)
    let_script_run()
    return render_template(
        "account/show.html",
        customer=customer,
        totals=totals,
        asked=asked,
        methods=methods_for(work, customer_id, asked, today()),
        invoices=list_invoices(work, today(), customer_id=customer_id, limit=MOST_LINES)[:MOST_LINES],
        money_lines=list_money(work, customer_id, limit=MOST_LINES),
        credits=[each for each in available_credits(work, customer_id) if each.attempt_id],
        contests=contests_on_customer(work, customer_id) if "contests" in known else [],
        life=life_of_account(work, customer_id, {f"person {each.person_id}": each.name for each in people}),
        tasks=[(each, task_words(each.kind, each.facts)) for each in open_tasks(work, customer_id=customer_id)],
        contacts=contacts_of(work, [customer_id])[customer_id],
        file=kept,
        collector=next((each.name for each in people if each.person_id == kept.collector_id), ""),
        segments=in_use,
        people=people,
        panels=show_panels(work, customer, today(), known),
        roles={key: gettext(name) for key, name in CONTACT_ROLES.items()},
        outcomes={key: gettext(name) for key, name in OUTCOMES.items()},
        may_act=place().role in COLLECTING,
        told=request.args.get("told", ""),
        today=today(),
        opened=form,
        wrong=wrong,
        typed=request.form,
    )


def _contact(customer_id: UUID, contact_id: UUID | None) -> Contact:
    """The contact in the form.

    Raises:
        ReceivablesError: ``contact.bad_email``.
    """
    form = request.form
    email = read_email(form.get("email", "")[:320])
    language = "en" if form.get("language") == "en" else "fr"
    phone = form.get("phone", "").strip()[:40] or None
    note = form.get("contact_note", "").strip()[:500] or None
    return Contact(
        contact_id, customer_id, form.get("name", "")[:120], form.get("role", ""), email, phone, language, note=note
    )
