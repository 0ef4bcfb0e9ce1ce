"""``/s/receipts``: payments written down by hand or from a list, slips for the bank, and papers that bounce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import today
from payments.banking.accounts import known_accounts
from payments.banking.by_hand import (
    KINDS,
    bounce,
    get_receipt,
    list_receipts,
    record_by_hand,
    warnings_on,
)
from payments.banking.deposits import COUNTERS, get_deposit, list_deposits, make_deposit
from payments.banking.overview import invoices_of_attempts
from payments.banking.remittances import record_list
from payments.errors import PaymentError
from portal.access.context import actor, place, services, work_here
from portal.access.roles import COLLECTING, STAFF, allow
from portal.fields import id_in
from portal.lists import read_list_request
from portal.staff.receipts.form import Typed, open_invoices, read_receipt, read_typed
from portal.telling.states import Badge
from portal.words import gettext, language, note_text, told_by
from receivables.errors import NotFoundError, ReceivablesError
from receivables.store.customer_file.customers import get_customer

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response as AnyResponse

blueprint = Blueprint("receipts", __name__, url_prefix="/s/receipts")
UNPROCESSABLE = 422
MAX_LIST_BYTES = 2 * 1024 * 1024
"""Largest list of payments, in bytes: two thousand rows have a tenth of it."""
HELD_SHOWN = 200
"""Papers that a slip may be made of at once."""
KIND_NAMES = {
    "cheque": note_text("Chèque"),
    "bill": note_text("Effet (LCR, BOR)"),
    "cash": note_text("Espèces"),
    "transfer": note_text("Virement (étranger)"),
}
STATES = {
    "held": Badge(note_text("En caisse"), "plain", "clock"),
    "deposited": Badge(note_text("Remis à la banque"), "flight", "bank"),
    "banked": Badge(note_text("Encaissé"), "paid", "check"),
    "bounced": Badge(note_text("Impayé"), "late", "back"),
    "at_the_bank": Badge(note_text("À la banque"), "flight", "clock"),
}


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"receipt_kind": lambda kind: gettext(KIND_NAMES[kind]), "receipt_badge": _badge}


@blueprint.get("")
@allow(*STAFF)
def listing() -> str:
    """Payments written down, newest first, and the slips that are at the bank."""
    return _listing()


@blueprint.post("/list")
@allow(*COLLECTING)
def take_list() -> AnyResponse:
    """Write down a list of payments from a file; the answer says what came of each row."""
    file = request.files.get("file")
    try:
        results = record_list(services().works, place().supplier_id, file.read() if file else b"", actor())
    except PaymentError as error:
        return make_response(_listing(told_by(error)), UNPROCESSABLE)
    counts = {state: sum(each.state == state for each in results) for state in ("recorded", "known", "refused")}
    page = render_template("receipts_by_hand/list_result.html", results=results, counts=counts)
    return make_response(page, UNPROCESSABLE if counts["refused"] else 200)


@blueprint.get("/new")
@allow(*COLLECTING)
def new() -> str:
    """Who paid? Then the form."""
    asked = read_list_request(request.args)
    customer_id = id_in(request.args.get("customer", ""))
    if customer_id is not None:
        return _form(customer_id, Typed(on=today().isoformat()))
    with work_here() as work:
        found = work.rows(
            "SELECT customer_id, name, account_code, siren FROM customers WHERE supplier_id = :supplier "
            "AND (:wanted = '' OR name ILIKE :like OR account_code ILIKE :like OR siren = :wanted) "
            "ORDER BY name, customer_id LIMIT 30",
            wanted=asked.wanted,
            like=f"%{asked.wanted.replace('%', '').replace('_', '')}%",
        )
    return render_template("receipts_by_hand/who.html", customers=found, asked=asked)


@blueprint.post("/new/<uuid:customer_id>")
@allow(*COLLECTING)
def record(customer_id: UUID) -> AnyResponse:
    """Write the payment down; the same paper twice is one payment."""
    typed = read_typed(request.form)
    try:
        with work_here() as work:
            receipt = read_receipt(work, typed, customer_id, open_invoices(work, customer_id))
            kept = record_by_hand(work, receipt, actor())
    except PaymentError as error:
        return make_response(_form(customer_id, typed, told_by(error)), UNPROCESSABLE)
    except ReceivablesError as error:
        return make_response(_form(customer_id, typed, str(error)), UNPROCESSABLE)
    return redirect(url_for("receipts.show", receipt_id=kept.receipt_id), 303)


@blueprint.get("/<uuid:receipt_id>")
@allow(*STAFF)
def show(receipt_id: UUID) -> str:
    """One payment: what it paid, where the paper is, and what the law says about it."""
    return _show(receipt_id)


@blueprint.post("/<uuid:receipt_id>/bounce")
@allow(*COLLECTING)
def bounced(receipt_id: UUID) -> AnyResponse:
    """A paper that lies here will not be paid."""
    try:
        with work_here() as work:
            bounce(work, receipt_id, reason=request.form.get("reason", "")[:300], returned_on=today(), actor=actor())
    except PaymentError as error:
        if error.code == "hand.unknown":
            abort(404)
        return make_response(_show(receipt_id, told_by(error)), UNPROCESSABLE)
    return redirect(url_for("receipts.show", receipt_id=receipt_id), 303)


@blueprint.get("/deposit")
@allow(*COLLECTING)
def slip() -> str:
    """Choose the papers that go to the bank together."""
    return _slip()


@blueprint.post("/deposit")
@allow(*COLLECTING)
def deposit() -> AnyResponse:
    """Make the slip."""
    kind = request.form.get("kind", "")
    wanted = [found for each in request.form.getlist("paper") if (found := id_in(each)) is not None]
    try:
        with work_here() as work:
            made = make_deposit(
                work,
                kind if kind in COUNTERS else "cheque",
                wanted,
                reference=request.form.get("reference", "")[:40],
                deposited_on=today(),
                actor=actor(),
            )
    except PaymentError as error:
        return make_response(_slip(told_by(error)), UNPROCESSABLE)
    return redirect(url_for("receipts.deposit_page", deposit_id=made.deposit_id), 303)


@blueprint.get("/deposits/<uuid:deposit_id>")
@allow(*STAFF)
def deposit_page(deposit_id: UUID) -> str:
    """One slip, to print and to follow."""
    with work_here() as work:
        try:
            found = get_deposit(work, deposit_id)
        except PaymentError:
            abort(404)
        rows, _ = list_receipts(work, deposit_id=deposit_id, size=HELD_SHOWN)
    return render_template("receipts_by_hand/deposit.html", slip=found, rows=rows)


def _listing(said: str = "") -> str:
    asked = read_list_request(request.args)
    with work_here() as work:
        rows, more = list_receipts(work, after=asked.after)
        slips, _ = list_deposits(work)
    return render_template(
        "receipts_by_hand/listing.html",
        rows=rows,
        more=more,
        slips=slips[:8],
        said=said,
        may_write=place().role in COLLECTING,
    )


def _form(customer_id: UUID, typed: Typed, said: str = "") -> str:
    with work_here() as work:
        try:
            customer = get_customer(work, customer_id)
        except NotFoundError:
            abort(404)
        invoices, accounts = open_invoices(work, customer_id), sorted(known_accounts(work))
    return render_template(
        "receipts_by_hand/form.html",
        customer_id=customer_id,
        customer=customer,
        typed=typed,
        invoices=invoices,
        accounts=accounts,
        kinds=KINDS,
        said=said,
        today=today(),
    )


def _show(receipt_id: UUID, said: str = "") -> str:
    with work_here() as work:
        try:
            found = get_receipt(work, receipt_id)
        except PaymentError:
            abort(404)
        invoices = invoices_of_attempts(work, [found.attempt_id]).get(found.attempt_id, [])
        told = warnings_on(work, found)
    return render_template(
        "receipts_by_hand/show.html",
        receipt=found,
        invoices=invoices,
        warnings=[french if language() == "fr" else english for english, french in told],
        may_bounce=place().role in COLLECTING and found.may_bounce,
        said=said,
    )


def _slip(said: str = "") -> str:
    with work_here() as work:
        held = {kind: list_receipts(work, states=["held"], kinds=[kind], size=HELD_SHOWN)[0] for kind in COUNTERS}
    return render_template("receipts_by_hand/slip.html", held=held, said=said, today=today())


def _badge(state: str) -> Badge:
    return STATES[state].spoken()
