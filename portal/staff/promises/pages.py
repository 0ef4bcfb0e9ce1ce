"""``/s/promises``: promises with their verdicts, a promise noted after a call, and the supplier's policy."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import today
from payments.errors import PaymentError
from portal.access.context import actor, place, services, work_here
from portal.access.roles import COLLECTING, OWNERS, STAFF, Role, allow
from portal.customer.basket import plain_amount
from portal.customer.payment_words import read_amount
from portal.lists import MAX_WANTED, read_list_request
from portal.mail.plan_mails import write_promise_mail
from portal.plan_forms import TypedError, choices_of, read_day, read_ids, wishes_of
from portal.telling.plan_words import PROMISE_STATES, reason_told, shown_state
from portal.words import gettext, note_text, told_by
from receivables.domain.collecting.plans import PlanPolicy
from receivables.domain.collecting.promises import Source
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.collecting.granting import LIMITS, set_policy
from receivables.services.collecting.planning import proposals_waiting
from receivables.services.collecting.promising import MOST_DAYS_OF_COLLECTOR, NewPromise, make_promise, withdraw_promise
from receivables.store.collecting.plans import policy_of
from receivables.store.collecting.promises import PAGE, list_promises
from receivables.store.customer_file.contacts import contacts_of
from receivables.store.customer_file.customers import customer_names, get_customer
from receivables.store.customer_file.overviews import list_customers

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response


blueprint = Blueprint("promises", __name__, url_prefix="/s/promises")

FILTERS = {
    "pending": (note_text("Attendues"), ("pending",)),
    "broken": (note_text("Non tenues"), ("broken", "partly")),
    "kept": (note_text("Tenues"), ("kept",)),
    "all": (note_text("Toutes"), ("pending", "kept", "partly", "broken", "withdrawn")),
}
AMOUNTS = ("max_minor", "smallest_minor")
FIGURE_NAMES = {
    "max_minor": note_text("Somme la plus haute, en euros"),
    "max_instalments": note_text("Nombre d'échéances, au plus"),
    "max_days": note_text("Durée, au plus, en jours"),
    "first_percent": note_text("Première échéance, au moins, en pour cent du total"),
    "first_days": note_text("Première échéance sous, en jours"),
    "smallest_minor": note_text("Plus petite échéance, en euros"),
    "max_late_days": note_text("Âge de la plus ancienne facture, au plus, en jours de retard"),
    "clean_months": note_text("Aucun échéancier rompu depuis, en mois"),
    "max_broken_promises": note_text("Promesses non tenues en douze mois, au plus"),
    "grace_days": note_text("Jours de grâce après une échéance, avant la rupture"),
    "promise_days": note_text("Promesse d'un client, au plus dans, en jours"),
}
FIGURES = tuple(FIGURE_NAMES)


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """Promises, the newest first."""
    asked = read_list_request(request.args)
    chosen = request.args.get("show", "pending")
    chosen = chosen if chosen in FILTERS else "pending"
    with work_here() as work:
        found = list_promises(work, FILTERS[chosen][1], asked.after)
        names = customer_names(work, [each.customer_id for each in found])
        waiting = proposals_waiting(work)
    return render_template(
        "plans/promises.html",
        rows=[(e, shown_state(PROMISE_STATES, e.state), reason_told(e.reason)) for e in found[:PAGE]],
        names=names,
        more=len(found) > PAGE,
        chosen=chosen,
        filters={key: name for key, (name, _) in FILTERS.items()},
        waiting=waiting,
        today=today(),
        told=request.args.get("told", ""),
    )


@blueprint.get("/customers")
@allow(*COLLECTING)
def choose_customer() -> str:
    """For whom: customers by name, those with most that is late first."""
    asked = read_list_request(request.args)
    with work_here() as work:
        rows = list_customers(work, today(), wanted=asked.wanted)
    return render_template("plans/customers.html", rows=rows, asked=asked, max_wanted=MAX_WANTED)


@blueprint.get("/new/<uuid:customer_id>")
@allow(*COLLECTING)
def ask(customer_id: UUID) -> Response:
    """The form of a promise that was made to us."""
    return _form(customer_id)


@blueprint.post("/new/<uuid:customer_id>")
@allow(*COLLECTING)
def take(customer_id: UUID) -> Response:
    """Note a promise, and tell the customer what was noted."""
    try:
        with work_here() as work:
            picks = read_ids(request.form.getlist("pick"))
            command = NewPromise(
                customer_id,
                wishes_of(request.form, picks, choices_of(work, customer_id)),
                read_day(request.form.get("promised_on", "")),
                Source.COLLECTOR,
                request.form.get("said_by", "")[:200],
                actor(),
            )
            written = write_promise_mail(services(), work, make_promise(work, command))
    except NotFoundError:
        raise
    except (TypedError, ReceivablesError) as error:
        return _form(customer_id, told_by(error))
    return redirect(url_for("promises.index", told="noted" if written else "no_mail"), 303)


@blueprint.post("/<uuid:promise_id>/withdraw")
@allow(*COLLECTING)
def withdraw(promise_id: UUID) -> Response:
    """Take a promise back that was noted wrongly or does not hold any more."""
    with work_here() as work:
        withdraw_promise(work, promise_id, actor(), request.form.get("said", ""))
    return redirect(url_for("promises.index", told="withdrawn"), 303)


@blueprint.get("/policy")
@allow(*STAFF)
def show_policy() -> Response:
    """What is agreed to without looking."""
    return _policy_page()


@blueprint.post("/policy")
@allow(*OWNERS)
def save_policy() -> Response:
    """Set it, as a new version."""
    try:
        with work_here() as work:
            set_policy(work, _typed_policy(), actor())
    except (TypedError, ReceivablesError) as error:
        return _policy_page(told_by(error))
    return redirect(url_for("promises.show_policy", told="saved"), 303)


def _form(customer_id: UUID, wrong: str = "") -> Response:
    with work_here() as work:
        customer = get_customer(work, customer_id)
        choices = [each for each in choices_of(work, customer_id) if each.free_minor and each.why != "planned"]
        contacts = contacts_of(work, [customer_id])[customer_id]
    given = request.form if wrong else request.args
    page = render_template(
        "plans/note.html",
        customer=customer,
        contacts=contacts,
        choices=choices,
        picks=read_ids(given.getlist("pick")),
        typed={each.invoice_id: given.get(f"a.{each.invoice_id}", "")[:20] for each in choices},
        plain=plain_amount,
        promised_on=given.get("promised_on", "")[:10],
        said_by=given.get("said_by", "")[:200],
        wrong=wrong,
        most_days=MOST_DAYS_OF_COLLECTOR,
        today=today(),
    )
    return make_response(page, 422 if wrong else 200)


def _typed_policy() -> PlanPolicy:
    """The policy in the form, over the version that it was shown with.

    Raises:
        TypedError: a figure makes no sense.
    """
    figures: dict[str, Any] = {}
    for name in (*FIGURES, "version"):
        text = request.form.get(name, "")[:20].strip()
        try:
            figures[name] = read_amount(text, "EUR") if name in AMOUNTS else int(text)
        except (ValueError, PaymentError):
            shown = gettext(FIGURE_NAMES.get(name, name))
            raise TypedError(gettext("« %(name)s » n'est pas un nombre.") % {"name": shown}) from None
    figures |= {name: request.form.get(name) == "yes" for name in ("automatic", "interest")}
    return PlanPolicy(**figures)


def _policy_page(wrong: str = "") -> Response:
    with work_here() as work:
        policy = policy_of(work)
    values = {each.name: getattr(policy, each.name) for each in fields(policy)}
    shown = {
        name: request.form.get(name, "")[:20]
        if wrong
        else (plain_amount(values[name], "EUR") if name in AMOUNTS else str(values[name]))
        for name in FIGURES
    }
    page = render_template(
        "plans/policy.html",
        policy=policy,
        figures=[(name, FIGURE_NAMES[name], shown[name], LIMITS[name]) for name in FIGURES],
        automatic=request.form.get("automatic") == "yes" if wrong else policy.automatic,
        interest=request.form.get("interest") == "yes" if wrong else policy.interest,
        may_change=place().role is Role.OWNER,
        wrong=wrong,
        told=request.args.get("told", ""),
    )
    return make_response(page, 422 if wrong else 200)
