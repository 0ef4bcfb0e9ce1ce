"""``/s/debits/mandates``: every mandate, one with its proof and its debits, and mandates taken over from elsewhere."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import now, today
from payments.debits.batching import ibans_of
from payments.debits.importing import COLUMNS, MOST_BYTES, import_mandates
from payments.debits.listing import MANDATE_FILTERS, PAGE, debits_under, list_mandates
from payments.debits.mandate_page import draw_mandate
from payments.debits.mandates import (
    B2B,
    CORE,
    NewMandate,
    confirm_by_bank,
    end_mandate,
    find_mandate,
    move_mandate,
    take_over,
)
from payments.debits.settings import find_settings
from payments.debits.wording import words_for_bank
from payments.errors import PaymentError
from portal.access.context import actor, place, services, work_here
from portal.access.roles import BOOKKEEPING, COLLECTING, STAFF, allow
from portal.customer.downloads import send_bytes
from portal.customer.mandates import PDF
from portal.lists import read_list_request
from portal.telling.debit_words import DEBIT_STATES, MANDATE_STATES, SCHEMES, reason_words, shown
from portal.words import fitted, gettext, language, moment, note_text, told_by
from receivables.services.settlement.paying import noon
from receivables.store.customer_file.customers import get_customer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from werkzeug import Response

    from payments.debits.importing import RowFault
    from payments.debits.mandates import Mandate
    from receivables.store.work import Work

blueprint = Blueprint("debit_mandates", __name__, url_prefix="/s/debits/mandates")

FILTERS = {
    "live": note_text("En vigueur"),
    "to_confirm": note_text("Attendent la banque"),
    "blocked": note_text("Bloqués"),
    "lapsed": note_text("Caducs"),
    "ended": note_text("Terminés"),
    "all": note_text("Tous"),
}
SHOWN_FAULTS = 20
MAX_FORM_BYTES = MOST_BYTES + 64 * 1024


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """Mandates, narrowed and searched."""
    asked = read_list_request(request.args)
    chosen = request.args.get("show", "live")
    chosen = chosen if chosen in MANDATE_FILTERS else "live"
    with work_here() as work:
        rows = list_mandates(work, chosen, wanted=asked.wanted, after=asked.after)
        found = [find_mandate(work, each["mandate_id"]).stands_on(today()) for each in rows[:PAGE]]
    return render_template(
        "debits/mandates.html",
        rows=[(each, shown(MANDATE_STATES, state)) for each, state in zip(rows[:PAGE], found, strict=True)],
        more=len(rows) > PAGE,
        asked=asked,
        chosen=chosen,
        filters=FILTERS,
        schemes=SCHEMES,
        may_take=place().role in BOOKKEEPING,
    )


@blueprint.get("/<uuid:mandate_id>")
@allow(*STAFF)
def show(mandate_id: UUID) -> str:
    """One mandate: what it says, its proof, its debits."""
    with work_here() as work:
        found = _or_nothing(work, mandate_id)
        customer = get_customer(work, found.customer_id)
        rows = debits_under(work, mandate_id)
    return render_template(
        "debits/mandate.html",
        mandate=found,
        state=found.stands_on(today()),
        badge_of=shown(MANDATE_STATES, found.stands_on(today())),
        why=_why(found.reason),
        customer=customer,
        rows=[(each, shown(DEBIT_STATES, each["state"]), _code(each["return_code"])) for each in rows],
        schemes=SCHEMES,
        may_act=place().role in COLLECTING,
        may_copy=place().role in BOOKKEEPING and found.evidence is not None,
    )


@blueprint.get("/<uuid:mandate_id>/document")
@allow(*STAFF)
def document(mandate_id: UUID) -> Response:
    """The signed mandate as it was archived."""
    with work_here() as work:
        found = _or_nothing(work, mandate_id)
        if found.evidence_sha256 is None:
            abort(404)
        work.audit(actor(), "mandate.fetched", str(mandate_id))
    return send_bytes(services().archive.get(found.evidence_sha256), PDF, f"mandat-{found.rum}.pdf")


@blueprint.get("/<uuid:mandate_id>/bank-copy")
@allow(*BOOKKEEPING)
def bank_copy(mandate_id: UUID) -> Response:
    """The signed mandate with its whole IBAN, which is kept sealed: for our bank, where a debit is contested."""
    with work_here() as work:
        found = _or_nothing(work, mandate_id)
        if found.evidence is None or found.evidence_sha256 is None:
            abort(404)
        settings = find_settings(work)
        creditor = settings.creditor if settings else place().supplier_name
        iban = ibans_of(work, services().keyring, {mandate_id})[mandate_id]
        work.audit(actor(), "mandate.copied_for_bank", str(mandate_id))
    proof = found.evidence
    signature = (
        (gettext("Signé par"), proof["name"]),
        (gettext("Adresse vérifiée par code"), proof["email"]),
        (gettext("Le"), moment(datetime.fromisoformat(proof["at"]))),
        (gettext("Adresse IP"), proof["ip"]),
        (gettext("Mandat archivé (SHA-256)"), found.evidence_sha256),
    )
    words = words_for_bank(found, creditor, proof["language"], iban)
    return send_bytes(
        draw_mandate(words, signature, proof["text_sha256"], today()), PDF, f"mandat-{found.rum}-banque.pdf"
    )


@blueprint.post("/<uuid:mandate_id>/confirm")
@allow(*COLLECTING)
def confirm(mandate_id: UUID) -> Response:
    """The payer's bank has confirmed a B2B mandate."""
    with work_here() as work:
        _or_nothing(work, mandate_id)
        try:
            confirm_by_bank(work, mandate_id, actor())
        except PaymentError:
            return redirect(url_for("debit_mandates.show", mandate_id=mandate_id), 303)
    return redirect(url_for("debit_mandates.show", mandate_id=mandate_id), 303)


@blueprint.post("/<uuid:mandate_id>/unblock")
@allow(*COLLECTING)
def unblock(mandate_id: UUID) -> Response:
    """What blocked a mandate is settled: it may be used again."""
    with work_here() as work:
        found = _or_nothing(work, mandate_id)
        if found.state == "blocked":
            move_mandate(work, mandate_id, "usable", None)
            work.audit(actor(), "mandate.unblocked", str(mandate_id), reason=found.reason)
    return redirect(url_for("debit_mandates.show", mandate_id=mandate_id), 303)


@blueprint.post("/<uuid:mandate_id>/end")
@allow(*COLLECTING)
def end(mandate_id: UUID) -> Response:
    """End a mandate on our side."""
    with work_here() as work:
        _or_nothing(work, mandate_id)
        end_mandate(work, mandate_id, actor(), "by_staff")
    return redirect(url_for("debit_mandates.show", mandate_id=mandate_id), 303)


@blueprint.get("/new")
@allow(*BOOKKEEPING)
def ask() -> Response:
    """The form for a mandate that was signed elsewhere, and for a table of them."""
    return _form({})


@blueprint.post("/new")
@allow(*BOOKKEEPING)
def take() -> Response:
    """Take one mandate over."""
    typed = {name: value[:80].strip() for name, value in request.form.items()}
    try:
        with work_here() as work:
            asked = NewMandate(
                customer_id=_customer(work, typed.get("customer", "")),
                scheme=typed.get("scheme", CORE),
                once=False,
                debtor_name=typed.get("holder", ""),
                iban=typed.get("iban", ""),
                rum=typed.get("rum", ""),
            )
            signed = _day(typed.get("signed_on", ""))
            used = _day(typed["last_used_on"]) if typed.get("last_used_on") else None
            at = min(noon(signed), now())
            made = take_over(work, services().keyring, asked, signed_at=at, last_used_on=used, actor=actor())
    except PaymentError as error:
        return _form(typed, told_by(error))
    return redirect(url_for("debit_mandates.show", mandate_id=made.mandate_id), 303)


@blueprint.post("/import")
@allow(*BOOKKEEPING)
def take_table() -> Response:
    """Take a table of mandates over: all of it, or nothing."""
    sent = request.files.get("table")
    data = sent.stream.read(MOST_BYTES + 1) if sent else b""
    try:
        with work_here() as work:
            made, faults = import_mandates(work, services().keyring, data, actor())
    except PaymentError as error:
        return _form({}, told_by(error))
    if faults:
        return _form({}, gettext("Rien n'a été repris : corrigez ces lignes."), faults)
    return redirect(url_for("debit_mandates.index", taken=len(made)), 303)


def _form(typed: dict[str, str], wrong: str = "", faults: Sequence[RowFault] = ()) -> Response:
    page = render_template(
        "debits/take_over.html",
        typed=typed,
        wrong=wrong,
        faults=[
            (each.row, fitted(each.sentence_fr if language() == "fr" else each.sentence))
            for each in faults[:SHOWN_FAULTS]
        ],
        columns=COLUMNS,
        schemes=SCHEMES,
        offered=(CORE, B2B),
    )
    return make_response(page, 422 if wrong else 200)


def _customer(work: Work, key: str) -> UUID:
    found: UUID | None = work.scalar(
        "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND (account_code = :key OR siren = :key)",
        key=key.upper().replace(" ", ""),
    )
    if found is None:
        raise PaymentError(
            "debit.unknown_customer",
            "No customer has this account code or SIREN.",
            "Aucun client n'a ce code de compte ou ce SIREN.",
        )
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PaymentError(
            "debit.bad_day", "Give the day of the signature.", "Indiquez le jour de signature."
        ) from error


def _why(reason: str | None) -> str:
    """Why a mandate is blocked or over: the code of a return, or nothing more to say."""
    _, returned, code = (reason or "").partition("returned_")
    return reason_words(code, today()) if returned else ""


def _code(code: str | None) -> str:
    return reason_words(code, today()) if code else ""


def _or_nothing(work: Work, mandate_id: UUID) -> Mandate:
    try:
        found = find_mandate(work, mandate_id)
    except PaymentError:
        abort(404)
    return found if found.signed_at else abort(404)
