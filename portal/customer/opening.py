"""``/open/<supplier>``: a company without an account asks for one; ``/opening``: its mailbox confirms the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import new_id, today
from config.secrets import fingerprint, token_text
from payments.errors import PaymentError
from portal.access.context import services
from portal.access.people import clean_email
from portal.access.roles import public
from portal.customer.desk import note_desk
from portal.customer.links import read_address
from portal.customer.mails import write_request_mail
from portal.customer.payment_words import read_amount
from portal.customer.terms import note_terms
from portal.words import language, suppose_language, told_by
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.risk.opening import (
    ADDRESS_FIELDS,
    MAX_FIELD,
    MAX_SAID,
    Wish,
    confirm_request,
    find_request,
    hold_request,
    opening_of,
)
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.register import find_supplier
from receivables.store.settlement.terms_versions import current_terms

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("account_opening", __name__)

FIELDS = ("company", "siren", "vat_id", "person", "email", "phone", *ADDRESS_FIELDS, "wanted", "said")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, and what is wrong with it."""

    typed: dict[str, str] = field(default_factory=dict)
    wrong: str = ""


@blueprint.get("/open/<reference>")
@public
def ask(reference: str) -> Response:
    """The form; after it was sent, what to do next."""
    with services().works.begin(_supplier(reference)) as work:
        return _form(work, reference, Asked())


@blueprint.post("/open/<reference>")
@public
def send(reference: str) -> Response:
    """Hold the request, and ask its mailbox."""
    typed = {name: request.form.get(name, "").strip()[: MAX_SAID + 1] for name in FIELDS}
    supplier_id = _supplier(reference)
    try:
        with services().works.begin(supplier_id) as work:
            _hold(work, typed)
    except NotFoundError:
        abort(404)
    except (ReceivablesError, PaymentError) as error:
        with services().works.begin(supplier_id) as work:
            return _form(work, reference, Asked(typed, told_by(error)))
    return redirect(url_for("account_opening.ask", reference=reference, sent=1), 303)


@blueprint.get("/opening/<token>")
@public
def confirm(token: str) -> Response:
    """What was asked, to be confirmed; looking changes nothing: mail programs look at links too."""
    return _confirmation(token)


@blueprint.post("/opening/<token>")
@public
def settle(token: str) -> Response:
    """Send it to the supplier."""
    supplier_id, token_hash = read_address(token)
    try:
        with services().works.begin(supplier_id) as work:
            found = find_request(work, token_hash, lock=True)
            if found is None:
                abort(404)
            confirm_request(work, found)
    except ReceivablesError as error:
        return _confirmation(token, told_by(error))
    return _confirmation(token, done=True)


def _hold(work: Work, typed: dict[str, str]) -> None:
    email = clean_email(typed["email"])
    if email is None:
        raise ReceivablesError(
            "opening.bad_address",
            "This is no e-mail address. Write it like name@company.example.",
            "Ce n'est pas une adresse électronique. Écrivez-la comme nom@societe.example.",
        )
    terms = current_terms(work, today())
    if terms and request.form.get("agreed") != "yes":
        raise ReceivablesError(
            "opening.terms",
            "Read and accept the terms and conditions first.",
            "Lisez et acceptez d'abord les conditions générales de vente.",
        )
    wish = Wish(
        company=" ".join(typed["company"].split()),
        person=" ".join(typed["person"].split()),
        email=email,
        language=language(),
        siren="".join(typed["siren"].split()) or None,
        vat_id="".join(typed["vat_id"].split()).upper() or None,
        phone=typed["phone"] or None,
        address={name: typed[name] for name in ADDRESS_FIELDS},
        wanted_minor=read_amount(typed["wanted"], "EUR") if typed["wanted"] else None,
        said="".join(c for c in typed["said"] if c.isprintable() or c in "\r\n\t"),
        version_id=terms.version_id if terms else None,
    )
    request_id = new_id()
    raw = work.supplier_id.bytes + services().keyring.derive("account-request", request_id.bytes)
    held = hold_request(work, wish, request_id, fingerprint(raw))
    told = (held.request_id, held.email, held.person, held.company, held.language)
    write_request_mail(services(), work, told, token_text(raw))


def _form(work: Work, reference: str, asked: Asked) -> Response:
    opening = opening_of(work)
    if not opening.is_open:
        abort(404)
    note_desk(work, None)
    note_terms(work)
    page = render_template(
        "opening/form.html",
        seller=supplier_name(work),
        reference=reference,
        welcome=(opening.welcome_en if language() == "en" else None) or opening.welcome,
        typed={name: asked.typed.get(name, "FR" if name == "country" else "") for name in FIELDS},
        wrong=asked.wrong,
        sent=request.args.get("sent") == "1",
        max_field=MAX_FIELD,
        max_said=MAX_SAID,
    )
    return make_response(page, 422 if asked.wrong else 200)


def _confirmation(token: str, wrong: str = "", *, done: bool = False) -> Response:
    supplier_id, token_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        found = find_request(work, token_hash)
        if found is None:
            abort(404)
        suppose_language(found.language)
        note_desk(work, None)
        page = render_template(
            "opening/confirm.html", found=found, seller=supplier_name(work), over=found.is_over, done=done, wrong=wrong
        )
    return make_response(page, 200 if done or not found.is_over else 410)


def _supplier(reference: str) -> UUID:
    found = find_supplier(services().database, reference[:40])
    if found is None:
        abort(404)
    return found.supplier_id
