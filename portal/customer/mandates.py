"""``/c/mandates``: a customer reads a mandate, signs it with a code sent by mail, changes its account, ends it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import now, today
from einvoice.archive.retention import retain_until
from payments.autopay.agreements import autopay_of
from payments.debits.amending import ask_amendment, confirm_amendment, find_amendment
from payments.debits.codes import new_code, use_code
from payments.debits.listing import debits_under
from payments.debits.mandate_page import draw_mandate
from payments.debits.mandates import (
    B2B,
    CORE,
    NewMandate,
    draft_mandate,
    end_mandate,
    find_mandate,
    mandates_of,
    sign_mandate,
)
from payments.debits.settings import find_settings
from payments.debits.wording import Terms, words_for, words_of
from payments.errors import PaymentError
from portal.access.context import actor, caller, customer_here, place, services, work_here
from portal.access.roles import Right, Role, allow
from portal.customer.downloads import send_bytes
from portal.customer.terms import note_terms, terms_agreed
from portal.mail.debit_mails import write_code_mail
from portal.telling.debit_words import DEBIT_STATES, MANDATE_STATES, SCHEMES, shown
from portal.words import gettext, language, moment, told_by
from receivables.domain.parties import CustomerKind
from receivables.store.customer_file.customers import get_customer

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from payments.debits.amending import Amendment
    from payments.debits.mandates import Mandate
    from payments.debits.wording import MandateWords
    from receivables.store.work import Work

blueprint = Blueprint("mandates", __name__, url_prefix="/c/mandates")

PDF = "application/pdf"
LONGEST_AGENT = 300
"""Characters kept of what a browser says of itself."""
SCHEMES_OFFERED = (CORE, B2B)


@blueprint.get("")
@allow(Role.CUSTOMER)
def index() -> str:
    """The customer's mandates with what is debited under them, and the standing agreement."""
    with work_here() as work:
        settings = find_settings(work)
        found = [each for each in mandates_of(work, customer_here()) if each.signed_at]
        rows = [
            (each, shown(MANDATE_STATES, each.stands_on(today())), debits_under(work, each.mandate_id, limit=5))
            for each in found
        ]
        agreed = autopay_of(work, customer_here())
    return render_template(
        "mandates/list.html",
        rows=rows,
        agreed=agreed,
        offered=settings is not None,
        schemes=SCHEMES,
        debit_badge=lambda state: shown(DEBIT_STATES, state),
        told=request.args.get("told", ""),
    )


@blueprint.get("/new")
@allow(Role.CUSTOMER, right=Right.PAY)
def ask() -> Response:
    """The text of the mandate, then the account."""
    return _form({})


@blueprint.post("/new")
@allow(Role.CUSTOMER, right=Right.PAY)
def draft() -> Response:
    """Keep what was typed, and send the code that signs it."""
    typed = {name: request.form.get(name, "")[:80].strip() for name in ("scheme", "once", "holder", "iban")}
    try:
        with work_here() as work:
            asked = NewMandate(
                customer_id=customer_here(),
                scheme=typed["scheme"] or CORE,
                once=typed["once"] == "yes",
                debtor_name=typed["holder"],
                iban=typed["iban"],
            )
            drafted = draft_mandate(work, services().keyring, asked, actor())
            _send_code(work, drafted.mandate_id)
    except PaymentError as error:
        return _form(typed, error)
    return redirect(url_for("mandates.confirm", mandate_id=drafted.mandate_id), 303)


@blueprint.get("/<uuid:mandate_id>/sign")
@allow(Role.CUSTOMER, right=Right.PAY)
def confirm(mandate_id: UUID) -> Response:
    """The whole mandate with its reference, and the field for the code."""
    return _confirm_page(mandate_id)


@blueprint.post("/<uuid:mandate_id>/sign")
@allow(Role.CUSTOMER, right=Right.PAY)
def sign(mandate_id: UUID) -> Response:
    """Sign by the code; a wrong one is one of five tries."""
    with work_here() as work:
        drafted = _own(work, mandate_id, "drafted")
        right = use_code(work, services().keyring, mandate_id, request.form.get("code", "")[:20])
        if right:
            words = words_for(drafted, _creditor(work), language())
            evidence, sha256 = _evidence(work, words)
            sign_mandate(work, mandate_id, actor(), evidence | terms_agreed(work), sha256)
    if not right:
        return _confirm_page(mandate_id, wrong=True)
    return redirect(url_for("mandates.index", told="signed"), 303)


@blueprint.post("/<uuid:mandate_id>/code")
@allow(Role.CUSTOMER, right=Right.PAY)
def send_again(mandate_id: UUID) -> Response:
    """Another code, for the mandate or the change of account that waits for one."""
    amendment = request.form.get("amendment", "")
    try:
        with work_here() as work:
            _own(work, mandate_id)
            change = _waiting_change(work, mandate_id) if amendment else None
            _send_code(work, change or mandate_id)
    except PaymentError as error:
        return _confirm_page(mandate_id, refused=error) if not amendment else _change_page(mandate_id, {}, error)
    target = "mandates.confirm_change" if amendment else "mandates.confirm"
    return redirect(url_for(target, mandate_id=mandate_id, sent=1), 303)


@blueprint.get("/<uuid:mandate_id>/account")
@allow(Role.CUSTOMER, right=Right.PAY)
def ask_change(mandate_id: UUID) -> Response:
    """The form for a new account under the same mandate."""
    return _change_page(mandate_id, {})


@blueprint.post("/<uuid:mandate_id>/account")
@allow(Role.CUSTOMER, right=Right.PAY)
def change(mandate_id: UUID) -> Response:
    """Keep the new account until its code confirms it."""
    typed = {name: request.form.get(name, "")[:80].strip() for name in ("holder", "iban")}
    try:
        with work_here() as work:
            _own(work, mandate_id)
            asked = ask_amendment(
                work, services().keyring, mandate_id, name=typed["holder"], iban=typed["iban"], actor=actor()
            )
            _send_code(work, asked.amendment_id)
    except PaymentError as error:
        return _change_page(mandate_id, typed, error)
    return redirect(url_for("mandates.confirm_change", mandate_id=mandate_id), 303)


@blueprint.get("/<uuid:mandate_id>/account/confirm")
@allow(Role.CUSTOMER, right=Right.PAY)
def confirm_change(mandate_id: UUID) -> Response:
    """The field for the code of a change of account."""
    return _confirm_change_page(mandate_id)


@blueprint.post("/<uuid:mandate_id>/account/confirm")
@allow(Role.CUSTOMER, right=Right.PAY)
def take_change(mandate_id: UUID) -> Response:
    """Put the new account in the place of the old one, by the code."""
    with work_here() as work:
        mandate = _own(work, mandate_id)
        amendment_id = _waiting_change(work, mandate_id)
        if amendment_id is None:
            return redirect(url_for("mandates.index"), 303)
        right = use_code(work, services().keyring, amendment_id, request.form.get("code", "")[:20])
        if right:
            asked = find_amendment(work, amendment_id)
            words = words_for(mandate, _creditor(work), language())
            old, new = gettext("Ancien compte"), gettext("Nouveau compte")
            moved = ((old, f"•••• {asked.old_last4}"), (new, f"•••• {asked.iban_last4}, {asked.debtor_name}"))
            evidence, sha256 = _evidence(work, words, moved)
            confirm_amendment(work, amendment_id, actor(), evidence, sha256)
    if not right:
        return _confirm_change_page(mandate_id, wrong=True)
    return redirect(url_for("mandates.index", told="changed"), 303)


@blueprint.post("/<uuid:mandate_id>/revoke")
@allow(Role.CUSTOMER, right=Right.PAY)
def revoke(mandate_id: UUID) -> Response:
    """End a mandate, at once."""
    with work_here() as work:
        _own(work, mandate_id)
        end_mandate(work, mandate_id, actor(), "revoked")
    return redirect(url_for("mandates.index", told="revoked"), 303)


@blueprint.get("/<uuid:mandate_id>/document")
@allow(Role.CUSTOMER)
def document(mandate_id: UUID) -> Response:
    """The signed mandate as it was archived."""
    with work_here() as work:
        found = _own(work, mandate_id)
        if found.evidence_sha256 is None or found.origin != "portal":
            abort(404)
        work.audit(actor(), "mandate.fetched", str(mandate_id))
    return send_bytes(services().archive.get(found.evidence_sha256), PDF, f"mandat-{found.rum}.pdf")


def _form(typed: dict[str, str], wrong: PaymentError | None = None) -> Response:
    with work_here() as work:
        settings, customer = find_settings(work), get_customer(work, customer_here())
    if settings is None:
        return redirect(url_for("mandates.index"), 303)
    scheme = typed.get("scheme") or request.args.get("scheme", CORE)
    offered = (CORE,) if customer.kind is CustomerKind.CONSUMER else SCHEMES_OFFERED
    scheme = scheme if scheme in offered else CORE
    once = typed.get("once") == "yes"
    terms = Terms(settings.creditor, settings.ics, scheme, once, settings.notice_days)
    page = render_template(
        "mandates/new.html",
        words=words_of(terms, language()),
        scheme=scheme,
        offered=offered,
        schemes=SCHEMES,
        typed=typed,
        holder=typed.get("holder") or customer.name,
        wrong=told_by(wrong) if wrong else "",
        wrong_field=_field_of(wrong),
    )
    return make_response(page, 422 if wrong else 200)


def _field_of(error: PaymentError | None) -> str:
    """The field that a refusal is about."""
    if error is None:
        return ""
    return {"debit.bad_iban": "iban", "debit.iban_outside_sepa": "iban", "debit.bad_name": "holder"}.get(error.code, "")


def _confirm_page(mandate_id: UUID, *, wrong: bool = False, refused: PaymentError | None = None) -> Response:
    with work_here() as work:
        found = _own(work, mandate_id)
        if found.state != "drafted":
            return redirect(url_for("mandates.index"), 303)
        words = words_for(found, _creditor(work), language())
        note_terms(work)
    action = url_for("mandates.sign", mandate_id=mandate_id)
    return _code_page(found, words, action, wrong=wrong, refused=told_by(refused) if refused else "")


def _confirm_change_page(mandate_id: UUID, *, wrong: bool = False) -> Response:
    with work_here() as work:
        found = _own(work, mandate_id)
        amendment_id = _waiting_change(work, mandate_id)
        asked = find_amendment(work, amendment_id) if amendment_id else None
        words = words_for(found, _creditor(work), language())
    if asked is None:
        return redirect(url_for("mandates.index"), 303)
    action = url_for("mandates.take_change", mandate_id=mandate_id)
    return _code_page(found, words, action, wrong=wrong, amendment=asked)


def _code_page(
    mandate: Mandate,
    words: MandateWords,
    action: str,
    *,
    wrong: bool,
    refused: str = "",
    amendment: Amendment | None = None,
) -> Response:
    """The whole mandate, and the field for the code that signs it, or the change of its account."""
    page = render_template(
        "mandates/sign.html",
        words=words,
        mandate=mandate,
        email=caller().person.email,
        wrong=wrong,
        refused=refused,
        sent="sent" in request.args,
        action=action,
        amendment=amendment,
    )
    return make_response(page, 422 if wrong or refused else 200)


def _change_page(mandate_id: UUID, typed: dict[str, str], wrong: PaymentError | None = None) -> Response:
    with work_here() as work:
        found = _own(work, mandate_id)
    page = render_template(
        "mandates/account.html",
        mandate=found,
        typed=typed,
        wrong=told_by(wrong) if wrong else "",
        wrong_field=_field_of(wrong),
    )
    return make_response(page, 422 if wrong else 200)


def _evidence(work: Work, words: MandateWords, more: tuple[tuple[str, str], ...] = ()) -> tuple[dict[str, Any], str]:
    """What proves the signature, and the hash of its document in the archive."""
    person, at = caller().person, now()
    text = "\n".join((words.text, *(f"{name} : {value}" for name, value in more)))
    text_sha256 = hashlib.sha256(text.encode()).hexdigest()
    agent = (request.user_agent.string or "")[:LONGEST_AGENT]
    address = request.remote_addr or ""
    signature = (
        *more,
        (gettext("Signé par"), person.name),
        (gettext("Adresse vérifiée par code"), person.email),
        (gettext("Le"), moment(at)),
        (gettext("Adresse IP"), address),
    )
    sha256 = services().archive.put(draw_mandate(words, signature, text_sha256, today()), retain_until(work, today()))
    evidence = {
        "text": text,
        "text_sha256": text_sha256,
        "language": words.language,
        "person_id": str(person.person_id),
        "name": person.name,
        "email": person.email,
        "at": at.isoformat(),
        "ip": address,
        "user_agent": agent,
    }
    return evidence, sha256


def _send_code(work: Work, object_id: UUID) -> None:
    person = caller().person
    write_code_mail(work, new_code(work, services().keyring, object_id, person.email), language())


def _waiting_change(work: Work, mandate_id: UUID) -> UUID | None:
    found: UUID | None = work.scalar(
        "SELECT amendment_id FROM mandate_amendments WHERE supplier_id = :supplier AND mandate_id = :id "
        "AND state = 'drafted' ORDER BY asked_at DESC LIMIT 1",
        id=mandate_id,
    )
    return found


def _own(work: Work, mandate_id: UUID, state: str | None = None) -> Mandate:
    """A mandate of the caller's customer: somebody else's looks like none."""
    try:
        found = find_mandate(work, mandate_id, customer_id=customer_here())
    except PaymentError:
        abort(404)
    return found if state in (None, found.state) else abort(redirect(url_for("mandates.index"), 303))


def _creditor(work: Work) -> str:
    settings = find_settings(work)
    return settings.creditor if settings else place().supplier_name
