"""The collector's pages: who owes what, since when, what happened, and what stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for

from config.clock import today
from portal.access.context import actor, caller, place, services, work_here
from portal.access.roles import COLLECTING, READERS, STAFF, allow
from portal.customer.downloads import note_download, send_bundle, send_document
from portal.evidence.bundle import make_evidence
from portal.exports.handing import offer, wish_here
from portal.lists import read_list_request
from portal.staff.charts import age_chart
from portal.staff.directory.shown import show_routing
from portal.staff.disputes.told import tell_holds
from portal.staff.jobs.files import ASK
from portal.staff.platform.standing import standing_of
from portal.staff.troubles import troubles_here
from portal.staff.waiting import first_act, what_waits
from portal.telling.states import credit_left, state_of
from portal.telling.timeline import contested, tell
from receivables.services.collecting.chasing import chase_state
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.conversations.disputes import disputes_on
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.happenings import life_of_invoice
from receivables.store.customer_file.overviews import (
    PAGE,
    find_document,
    late_by_age,
    letters_on,
    list_customers,
    list_documents,
    sum_open,
)
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.invoicing.lists import list_invoices
from receivables.store.problems import set_aside

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response
    from werkzeug import Response as AnyResponse

blueprint = Blueprint("staff", __name__, url_prefix="/s")


@blueprint.get("/")
@allow(*READERS)
def dashboard() -> str:
    """The whole of what is owed, by age, and the customers to call first."""
    asked = read_list_request(request.args)
    with work_here() as work:
        totals = sum_open(work, today())
        customers = list_customers(work, today(), wanted=asked.wanted)
        currency = totals[0].currency if totals else "EUR"
        chart = age_chart(late_by_age(work, today(), currency), currency)
        problems = len(troubles_here(work))
        waiting = what_waits(work, caller().person.person_id)
    return render_template(
        "staff/dashboard.html",
        totals=totals,
        customers=customers,
        chart=chart,
        asked=asked,
        problems=problems,
        waiting=waiting,
        act=first_act(),
        today=today(),
    )


@blueprint.get("/invoices")
@allow(*READERS)
def invoices() -> str:
    """Every invoice, narrowed and searched."""
    asked = read_list_request(request.args)
    with work_here() as work:
        rows = list_invoices(work, today(), narrowed=asked.narrowed, wanted=asked.wanted, after=asked.after)
    return render_template("staff/invoices.html", rows=rows[:PAGE], more=len(rows) > PAGE, asked=asked)


@blueprint.get("/invoices/<uuid:invoice_id>")
@allow(*READERS)
def invoice(invoice_id: UUID) -> str:
    """One invoice with everything that ever happened to it."""
    with work_here() as work:
        found = get_invoice(work, invoice_id)
        due = due_on_invoice(work, invoice_id)
        left_minor = credit_left(work, found)
        life = life_of_invoice(work, invoice_id, internal=True)
        return render_template(
            "staff/invoice.html",
            invoice=found,
            due=due,
            left_minor=left_minor,
            state=state_of(found, due, today(), left_minor),
            standing=standing_of(work, found, due),
            customer=get_customer(work, found.customer_id),
            documents=list_documents(work, invoice_id),
            letters=letters_on(work, invoice_id),
            contested=contested(life),
            life=tell(life),
            routing=show_routing(work, invoice_id),
            disputes=disputes_on(work, invoice_id),
            holds=tell_holds(chase_state(work, invoice_id, today())),
        )


@blueprint.get("/invoices/<uuid:invoice_id>/documents/<uuid:document_id>")
@allow(*READERS)
def document(invoice_id: UUID, document_id: UUID) -> Response:
    """One file of an invoice."""
    with work_here() as work:
        found = find_document(work, invoice_id, document_id)
        note_download(work, caller().person.person_id, found)
    if found is None:
        abort(404)
    return send_document(services(), found)


@blueprint.get("/invoices/<uuid:invoice_id>/evidence")
@allow(*STAFF)
def evidence(invoice_id: UUID) -> AnyResponse:
    """Everything about one invoice in one zip; the worker makes one of very many files."""
    with work_here() as work:
        customer_id = get_invoice(work, invoice_id).customer_id
    if (large := offer(wish_here("evidence", {"invoice": str(invoice_id)}, customer_id), ASK)) is not None:
        return large
    return send_bundle(make_evidence(services(), place().supplier_id, invoice_id, actor()))


@blueprint.get("/problems")
@allow(*STAFF)
def problems() -> str:
    """What stopped, in plain words, with the next step."""
    with work_here() as work:
        found = troubles_here(work)
    return render_template("staff/problems.html", problems=found, may_settle=place().role in COLLECTING)


@blueprint.post("/problems/set-aside")
@allow(*COLLECTING)
def settle_problem() -> AnyResponse:
    """Somebody has dealt with a cause of trouble: it is shown again only for what happens after this."""
    note = request.form.get("note", "").strip()
    if note:
        with work_here() as work:
            set_aside(work, request.form.get("cause", ""), caller().person.person_id, note)
    return redirect(url_for("staff.problems"), 303)
