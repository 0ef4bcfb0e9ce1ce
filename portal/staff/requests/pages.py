"""``/s/requests``: what customers ask for and send in, and what is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from payments.advices.keeping import advices_of, amounts_of, get_advice, lines_of
from payments.errors import PaymentError
from portal.access.context import actor, caller, place, services, work_here
from portal.access.people import get_person
from portal.access.roles import COLLECTING, CREDIT, EVERY_RIGHT, OWNERS, STAFF, allow
from portal.customer.company import FIELD_NAMES
from portal.customer.downloads import note_download, send_document
from portal.customer.mails import write_change_mail, write_decision_mail
from portal.customer.payment_words import read_amount
from portal.customer.people.register import colleagues_of, let_in
from portal.documents.message_files import find_message_file
from portal.words import told_by
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.risk.company_changes import CompanyChange, changes_of, refuse_change, take_change
from receivables.services.risk.opening import (
    MAX_SAID,
    Opening,
    approve_request,
    get_request,
    opening_of,
    refuse_request,
    requests_here,
    set_opening,
)
from receivables.store.customer_file.customers import get_customer
from receivables.store.register import get_supplier
from receivables.store.settlement.terms_versions import terms_version

if TYPE_CHECKING:
    from flask import Response
    from werkzeug import Response as AnyResponse

    from receivables.services.risk.opening import AccountRequest
    from receivables.store.work import Work

blueprint = Blueprint("requests", __name__, url_prefix="/s/requests")

STATES = {"asked": "flight", "approved": "paid", "taken": "paid", "refused": "plain"}
"""The tone of a request's badge."""


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """What waits for an answer, and what was answered lately."""
    with work_here() as work:
        changes = changes_of(work)
        advices = [(each, get_customer(work, each.customer_id).name) for each in advices_of(work)[:20]]
        return render_template(
            "requests/list.html",
            accounts=requests_here(work),
            changes=changes,
            advices=advices,
            field_names=FIELD_NAMES,
            tones=STATES,
            told=request.args.get("told", ""),
        )


@blueprint.get("/accounts/<uuid:request_id>")
@allow(*STAFF)
def account(request_id: UUID) -> AnyResponse:
    """One request for an account."""
    with work_here() as work:
        return _account(work, request_id)


@blueprint.post("/accounts/<uuid:request_id>/approve")
@allow(*CREDIT)
def approve(request_id: UUID) -> AnyResponse:
    """Open the customer with its limit, and let in who asked; pressed again after a crash, only what is left to do."""
    typed = request.form.get("limit", "").strip()[:30]
    try:
        with work_here() as work:
            found = get_request(work, request_id)
            if _is_nobody_in(found):
                approved = found
            else:
                limit = read_amount(typed, found.currency) if typed else None
                approved = approve_request(work, request_id, limit, actor(), _reason())
                write_decision_mail(services(), work, _asker(approved), approved=True, reason=_reason())
        _let_in(approved)
    except NotFoundError:
        raise
    except (ReceivablesError, PaymentError) as error:
        with work_here() as work:
            return _account(work, request_id, told_by(error))
    return redirect(url_for("requests.index", told="approved"), 303)


@blueprint.post("/accounts/<uuid:request_id>/refuse")
@allow(*CREDIT)
def refuse(request_id: UUID) -> AnyResponse:
    """Open no account, and say why."""
    try:
        with work_here() as work:
            refused = refuse_request(work, request_id, actor(), _reason())
            write_decision_mail(services(), work, _asker(refused), approved=False, reason=_reason())
    except NotFoundError:
        raise
    except ReceivablesError as error:
        with work_here() as work:
            return _account(work, request_id, told_by(error))
    return redirect(url_for("requests.index", told="refused"), 303)


@blueprint.post("/changes/<uuid:change_id>/take")
@allow(*COLLECTING)
def take(change_id: UUID) -> AnyResponse:
    """Say of the customer what it asked for."""
    with work_here() as work:
        _tell(work, take_change(work, change_id, actor()), taken=True)
    return redirect(url_for("requests.index", told="taken"), 303)


@blueprint.post("/changes/<uuid:change_id>/leave")
@allow(*COLLECTING)
def leave(change_id: UUID) -> AnyResponse:
    """Leave everything as it is, and say why."""
    with work_here() as work:
        _tell(work, refuse_change(work, change_id, actor(), _reason()), taken=False)
    return redirect(url_for("requests.index", told="refused"), 303)


@blueprint.get("/advices/<uuid:advice_id>")
@allow(*STAFF)
def advice(advice_id: UUID) -> str:
    """One remittance advice, as it was read and confirmed."""
    with work_here() as work:
        found = get_advice(work, _customer_of(work, advice_id), advice_id)
        return render_template(
            "requests/advice.html",
            advice=found,
            customer=get_customer(work, found.customer_id),
            lines=lines_of(work, advice_id),
            amounts=amounts_of(work, advice_id),
        )


@blueprint.get("/advices/<uuid:advice_id>/file")
@allow(*STAFF)
def file(advice_id: UUID) -> Response:
    """The file as the customer sent it."""
    with work_here() as work:
        found = get_advice(work, _customer_of(work, advice_id), advice_id)
        document = find_message_file(work, found.document_id)
        note_download(work, caller().person.person_id, document)
    if document is None:
        abort(404)
    return send_document(services(), document)


@blueprint.get("/opening")
@allow(*STAFF)
def ask_opening() -> str:
    """Whether companies may ask for an account, and at which address."""
    with work_here() as work:
        opening = opening_of(work)
        supplier = get_supplier(services().database, work.supplier_id)
    address = f"{services().settings.public_url}/open/{supplier.reference}" if supplier else ""
    return render_template(
        "requests/opening.html", opening=opening, address=address, told=request.args.get("told"), most=MAX_SAID
    )


@blueprint.post("/opening")
@allow(*OWNERS)
def keep_opening() -> AnyResponse:
    """Take requests, or none any more."""
    form = request.form
    welcome, welcome_en = (form.get(name, "").strip()[:MAX_SAID] or None for name in ("welcome", "welcome_en"))
    with work_here() as work:
        is_open = {"yes": True, "no": False}.get(form.get("open", ""), opening_of(work).is_open)
        set_opening(work, Opening(is_open, welcome, welcome_en), actor())
    return redirect(url_for("requests.ask_opening", told=1), 303)


def _account(work: Work, request_id: UUID, wrong: str = "") -> AnyResponse:
    found = get_request(work, request_id)
    if found.state == "held":  # its mailbox has not confirmed it
        abort(404)
    page = render_template(
        "requests/account.html",
        found=found,
        nobody_in=_is_nobody_in(found),
        terms=terms_version(work, found.version_id) if found.version_id else None,
        tones=STATES,
        typed=request.form if wrong else None,
        wrong=wrong,
        most=MAX_SAID,
    )
    return make_response(page, 422 if wrong else 200)


def _is_nobody_in(found: AccountRequest) -> bool:
    """Whether an account was opened and nobody let in yet: the house stopped between the two."""
    here = place().supplier_id
    return found.customer_id is not None and not colleagues_of(services().database, here, found.customer_id)


def _let_in(approved: AccountRequest) -> None:
    """Who asked administers the new account; done again, it is done once."""
    assert approved.customer_id is not None  # noqa: S101 -- an approved request has its customer
    who = (approved.email, approved.person, approved.language)
    let_in(services().database, place().supplier_id, approved.customer_id, who, EVERY_RIGHT)


def _tell(work: Work, change: CompanyChange, *, taken: bool) -> None:
    """Tell the person who asked for other data, where they are still known."""
    person = get_person(services().database, UUID(change.actor.removeprefix("person ")))
    if person is not None:
        reader = (person.email, person.name, person.language)
        write_change_mail(services(), work, change.change_id, reader, taken=taken, reason=_reason())


def _asker(found: AccountRequest) -> tuple[UUID, str, str, str, str]:
    return (found.request_id, found.email, found.person, found.company, found.language)


def _customer_of(work: Work, advice_id: UUID) -> UUID:
    customer_id: UUID | None = work.scalar(
        "SELECT customer_id FROM remittance_advices WHERE supplier_id = :supplier AND advice_id = :id", id=advice_id
    )
    if customer_id is None:
        raise NotFoundError("advice.not_found", "There is no such advice.", "Cet avis n'existe pas.")
    return customer_id


def _reason() -> str:
    return request.form.get("reason", "").strip()[:MAX_SAID]
