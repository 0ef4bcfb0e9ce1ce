"""``/c/company``: what the supplier knows of the customer: company data by request, contacts directly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from portal.access.context import actor, customer_here, work_here
from portal.access.people import read_email
from portal.access.roles import Right, Role, allow
from portal.words import LANGUAGES, known_language, language, note_text, told_by
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.risk.company_changes import FIELDS, MAX_FIELD, MAX_SAID, ask_change, changes_of, data_of
from receivables.store.customer_file.contacts import (
    ROLES,
    Contact,
    add_contact,
    change_contact,
    contacts_of,
    get_contact,
    remove_contact,
)
from receivables.store.customer_file.details import customer_details

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("customer_company", __name__, url_prefix="/c/company")

FIELD_NAMES = {
    "name": note_text("Nom de la société"),
    "vat_id": note_text("Numéro de TVA"),
    "email": note_text("Adresse électronique"),
    "siret": note_text("SIRET"),
    "line1": note_text("Adresse"),
    "line2": note_text("Complément d'adresse"),
    "postcode": note_text("Code postal"),
    "city": note_text("Ville"),
    "country": note_text("Pays (deux lettres)"),
    "phone": note_text("Téléphone"),
}
ROLE_NAMES = {
    "payment": note_text("Paiements"),
    "billing": note_text("Factures"),
    "manager": note_text("Direction"),
    "purchasing": note_text("Achats"),
    "legal": note_text("Juridique"),
    "other": note_text("Autre"),
}
CHANGE_STATES = {
    "asked": note_text("En attente"),
    "taken": note_text("Reprise"),
    "refused": note_text("Non reprise"),
}


@blueprint.get("")
@allow(Role.CUSTOMER)
def show() -> Response:
    """The company and its contacts."""
    return _page()


@blueprint.post("")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def ask() -> Response:
    """Ask the supplier to change what stands on invoices."""
    given = {name: request.form.get(name, "")[: MAX_FIELD + 1] for name in FIELDS}
    said = request.form.get("said", "").strip()[: MAX_SAID + 1]
    try:
        read_email(given["email"])
        with work_here() as work:
            ask_change(work, customer_here(), given, said, actor())
    except ReceivablesError as error:
        return _page(told_by(error), typed={**given, "said": said})
    return redirect(url_for("customer_company.show", told="asked"), 303)


@blueprint.post("/contacts")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def add() -> Response:
    """Add a contact."""
    try:
        with work_here() as work:
            add_contact(work, _typed(None), actor())
    except ReceivablesError as error:
        return _page(wrong_contact=told_by(error))
    return redirect(url_for("customer_company.show", told="contact", _anchor="contacts"), 303)


@blueprint.post("/contacts/<uuid:contact_id>")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def change(contact_id: UUID) -> Response:
    """Change or remove a contact of one's own company."""
    try:
        with work_here() as work:
            known = _own(work, contact_id)
            if request.form.get("do") == "remove":
                remove_contact(work, contact_id, actor())
            else:
                change_contact(work, _typed(known), actor())
    except NotFoundError:
        raise
    except ReceivablesError as error:
        return _page(wrong_contact=told_by(error))
    return redirect(url_for("customer_company.show", told="contact", _anchor="contacts"), 303)


def _page(wrong: str = "", *, wrong_contact: str = "", typed: Mapping[str, str] | None = None) -> Response:
    with work_here() as work:
        details = customer_details(work, customer_here())
        page = render_template(
            "customer/company.html",
            details=details,
            data=data_of(details),
            typed=typed or data_of(details),
            field_names=FIELD_NAMES,
            contacts=contacts_of(work, [customer_here()])[customer_here()],
            role_names=ROLE_NAMES,
            changes=changes_of(work, customer_here())[:5],
            change_states=CHANGE_STATES,
            wrong=wrong,
            wrong_contact=wrong_contact,
            told=request.args.get("told", ""),
            max_field=MAX_FIELD,
            max_said=MAX_SAID,
            spoken=language(),
        )
    return make_response(page, 422 if wrong or wrong_contact else 200)


def _typed(known: Contact | None) -> Contact:
    """A contact as the form says it; the supplier's own note on it stays.

    Raises:
        ReceivablesError: ``contact.bad_email``.
    """
    form = request.form
    role = form.get("role", "other")
    return Contact(
        known.contact_id if known else None,
        customer_here(),
        form.get("name", "")[:MAX_FIELD],
        role if role in ROLES else "other",
        read_email(form.get("email", "")[:320]),
        form.get("phone", "").strip()[:40] or None,
        known_language(form.get("language"), LANGUAGES[0]),
        note=known.note if known else None,
    )


def _own(work: Work, contact_id: UUID) -> Contact:
    contact = get_contact(work, contact_id)
    if contact.customer_id != customer_here():
        raise NotFoundError("contact.not_found", "There is no such contact.", "Ce contact n'existe pas.")
    return contact
