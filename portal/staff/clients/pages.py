"""``/s/clients``: the customers as a supplier keeps them, found in the directory, checked at VIES."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, url_for

from einvoice.directory.customer_file import identify
from einvoice.validation.payment_terms import GENERAL, PUBLIC
from portal.access.context import actor, place, services, work_here
from portal.access.roles import COLLECTING, READERS, allow
from portal.lists import MAX_WANTED
from portal.staff.clients.form import (
    COUNTED,
    KINDS,
    blank,
    countries,
    read_details,
    read_terms,
    typed_from,
    typed_from_directory,
)
from portal.staff.settings.law import beyond_the_law
from portal.staff.settings.typed import UNPROCESSABLE, Typed
from portal.vat_numbers.checking import check_vat_number, is_checkable
from portal.words import gettext, language, note_text, told_by
from receivables.domain.parties import CustomerKind
from receivables.errors import ConflictError
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.details import (
    MOST_LISTED,
    add_customer,
    agree_terms,
    change_customer,
    customer_details,
    customer_terms,
    list_customers,
)
from receivables.store.customer_file.vat_checks import Answer, checks_of

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.domain.settlement.payment_terms import PaymentTerms
    from receivables.store.work import Work

blueprint = Blueprint("clients", __name__, url_prefix="/s/clients")

ANSWERS = {
    Answer.VALID: ("paid", "check", note_text("Numéro valable")),
    Answer.INVALID: ("late", "alert", note_text("Numéro non valable")),
    Answer.UNANSWERED: ("flight", "clock", note_text("Pas de réponse")),
}
MOST_CODE = 20
ABROAD = note_text(
    "Ce numéro est étranger : l'annuaire ne connaît que les entreprises françaises. Remplissez la fiche ci-dessous."
)


@blueprint.get("")
@allow(*READERS)
def index() -> str:
    """The customers, page by page."""
    wanted = request.args.get("q", "").strip()[:MAX_WANTED]
    asked = request.args.get("kind", "")
    kind = CustomerKind(asked) if asked in set(CustomerKind) else None
    after = request.args.get("after", "")[:MOST_CODE]
    with work_here() as work:
        rows = list_customers(work, wanted, kind=kind, after=after, limit=MOST_LISTED + 1)
    return render_template(
        "clients/list.html",
        rows=rows[:MOST_LISTED],
        more=len(rows) > MOST_LISTED,
        wanted=wanted,
        kind=kind or "",
        kinds=KINDS,
        may_change=place().role in COLLECTING,
    )


@blueprint.get("/new")
@allow(*COLLECTING)
def ask() -> str:
    """The form of a new customer, filled from the directory where a number is given."""
    number = request.args.get("number", "").strip()[:40]
    if not number:
        return _form(blank(), None)
    known = identify(number)
    if known.siren is None:
        typed = blank()
        typed.values = {**typed.values, "vat_id": "".join(number.split()).upper()} if known.abroad else typed.values
        said = known.problem[language() != "fr"] if known.problem else gettext(ABROAD)
        return _form(typed, None, number=number, lookup=said)
    reach = services().directory.reach(place().supplier_id, known.siren)
    typed = typed_from_directory(reach.answer, known.siret) if reach.answer else blank()
    typed.values = {**typed.values, "siren": known.siren, "siret": known.siret or ""}
    return _form(typed, None, number=number, lookup=reach.sentence(language()))


@blueprint.post("/new")
@allow(*COLLECTING)
def add() -> Response | tuple[str, int]:
    """Open a customer."""
    typed = Typed.read()
    details, terms = read_details(typed), read_terms(typed)
    if not typed.faults:
        try:
            with work_here() as work:
                customer = add_customer(work, details, actor())
                agree_terms(work, customer.customer_id, terms, actor())
        except ConflictError as error:
            typed.faults[""] = told_by(error)
        else:
            return redirect(url_for("clients.show", customer_id=customer.customer_id, saved=1), 303)
    return _form(typed, None), UNPROCESSABLE


@blueprint.get("/<uuid:customer_id>")
@allow(*READERS)
def show(customer_id: UUID) -> str:
    """One customer as the supplier keeps it."""
    with work_here() as work:
        typed = typed_from(customer_details(work, customer_id), customer_terms(work, customer_id))
    return _form(typed, customer_id)


@blueprint.post("/<uuid:customer_id>")
@allow(*COLLECTING)
def save(customer_id: UUID) -> Response | tuple[str, int]:
    """Keep what was changed."""
    with work_here() as work:
        get_customer(work, customer_id)
    typed = Typed.read()
    details, terms = read_details(typed), read_terms(typed)
    if not typed.faults:
        try:
            with work_here() as work:
                change_customer(work, customer_id, details, actor())
                agree_terms(work, customer_id, terms, actor())
        except ConflictError as error:
            typed.faults[""] = told_by(error)
        else:
            return redirect(url_for("clients.show", customer_id=customer_id, saved=1), 303)
    return _form(typed, customer_id), UNPROCESSABLE


@blueprint.post("/<uuid:customer_id>/vat")
@allow(*COLLECTING)
def check_vat(customer_id: UUID) -> Response:
    """Ask VIES about the customer's VAT number."""
    with work_here() as work:
        vat_id = customer_details(work, customer_id).vat_id
    if vat_id and is_checkable(services(), vat_id):
        check_vat_number(services(), place().supplier_id, vat_id, actor())
    return redirect(url_for("clients.show", customer_id=customer_id, _anchor="vat"), 303)


def _form(typed: Typed, customer_id: UUID | None, *, number: str = "", lookup: str = "") -> str:
    vat_id = typed.get("vat_id")
    with work_here() as work:
        customer = get_customer(work, customer_id) if customer_id else None
        terms = customer_terms(work, customer_id) if customer_id else None
        checks = checks_of(work, vat_id) if customer_id and vat_id else []
        usual = _usual_days(work)
    return render_template(
        "clients/form.html",
        typed=typed,
        customer=customer,
        checks=checks,
        answers=ANSWERS,
        checkable=is_checkable(services(), vat_id),
        beyond=_beyond(terms, typed.get("kind")) if terms else "",
        kinds=[(kind, gettext(name), gettext(meaning)) for kind, (name, meaning) in KINDS.items()],
        counted=[(value, gettext(name)) for value, name in COUNTED.items()],
        countries=countries(),
        usual=usual,
        number=number,
        lookup=lookup,
        saved="saved" in request.args,
        may_change=place().role in COLLECTING,
    )


def _usual_days(work: Work) -> int:
    """The supplier's own terms in days."""
    stored = work.scalar("SELECT profile ->> 'terms_days' FROM supplier_profiles WHERE supplier_id = :supplier")
    return int(stored or 30)


def _beyond(terms: PaymentTerms, kind: str) -> str:
    """What the law says where an invoice of today would fall due too late; nothing where it would not."""
    if kind == CustomerKind.CONSUMER:
        return ""
    return beyond_the_law(terms, PUBLIC if kind == CustomerKind.PUBLIC else GENERAL)
