"""``/c/autopay``: a customer agrees that invoices are collected when they fall due, and ends it any time."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import now, today
from payments.autopay.agreements import agree, autopay_of, collections_of, end_autopay, methods_saved
from payments.autopay.forgetting import forget_method
from payments.debits.mandates import mandates_of
from payments.debits.settings import find_settings
from payments.errors import PaymentError
from payments.gateways.port import GatewayError
from payments.paying.methods import may_keep
from portal.access.context import actor, caller, customer_here, place, services, work_here
from portal.access.roles import Right, Role, allow
from portal.customer.terms import note_terms, terms_agreed
from portal.fields import id_in
from portal.telling.debit_words import COLLECTION_STATES, dropped_words, reason_words, shown
from portal.words import gettext, language, told_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping
    from werkzeug import Response

    from payments.autopay.agreements import Autopay
    from payments.debits.mandates import Mandate

log = logging.getLogger("quittance.portal")

blueprint = Blueprint("autopay", __name__, url_prefix="/c/autopay")

MOST_TYPED = 200


@blueprint.get("")
@allow(Role.CUSTOMER)
def show() -> Response:
    """Whether invoices are collected by themselves, by what, and what was announced."""
    return _page()


@blueprint.post("")
@allow(Role.CUSTOMER, right=Right.PAY)
def start() -> Response:
    """Agree; what was shown is kept with who agreed, when and from where."""
    kind, _, chosen = request.form.get("means", "")[:MOST_TYPED].partition(":")
    text = _terms()
    evidence = {
        "text": text,
        "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "language": language(),
        "person_id": str(caller().person.person_id),
        "name": caller().person.name,
        "email": caller().person.email,
        "at": now().isoformat(),
        "ip": request.remote_addr or "",
        "user_agent": request.user_agent.string[:300],
    }
    try:
        with work_here() as work:
            agree(
                work,
                customer_here(),
                actor(),
                evidence | terms_agreed(work),
                mandate_id=id_in(chosen) if kind == "mandate" else None,
                method=_method(chosen) if kind == "method" else None,
            )
    except PaymentError as error:
        return _page(error)
    return redirect(url_for("autopay.show", told="on"), 303)


@blueprint.post("/end")
@allow(Role.CUSTOMER, right=Right.PAY)
def end() -> Response:
    """End it at once, with what was announced."""
    with work_here() as work:
        end_autopay(work, customer_here(), actor())
    return redirect(url_for("autopay.show", told="off"), 303)


@blueprint.post("/forget")
@allow(Role.CUSTOMER, right=Right.PAY)
def forget() -> Response:
    """Forget a method that was kept while paying, with the agreement that stands on it."""
    method = request.form.get("method", "")[:MOST_TYPED]
    try:
        forget_method(
            services().works,
            place().supplier_id,
            customer_here(),
            _method(method),
            actor=actor(),
            gateway_of=services().gateway_for,
        )
    except PaymentError as error:
        return _page(error)
    except GatewayError as error:
        log.warning("A method is forgotten here only: %s", error, extra={"supplier": str(place().supplier_id)})
        return redirect(url_for("autopay.show", told="forgotten_here", method=method), 303)
    return redirect(url_for("autopay.show", told="forgotten"), 303)


def _page(wrong: PaymentError | None = None) -> Response:
    with work_here() as work:
        note_terms(work)
        customer_id = customer_here()
        agreed = autopay_of(work, customer_id)
        mandates = [
            each
            for each in mandates_of(work, customer_id)
            if not each.once and each.stands_on(today()) in ("usable", "to_confirm")
        ]
        methods = methods_saved(work, customer_id)
        offered = find_settings(work) is not None
        keeps = may_keep(work)
        told = collections_of(work, customer_id)
    page = render_template(
        "mandates/autopay.html",
        agreed=agreed,
        mandates=mandates,
        methods=methods,
        means=_means(agreed, mandates, methods),
        keeps=keeps,
        offered=offered,
        terms=_terms(),
        rows=[(each, shown(COLLECTION_STATES, each["state"]), _why(each["state"], each["reason"])) for each in told],
        told=request.args.get("told", ""),
        again=request.args.get("method", "")[:MOST_TYPED],
        wrong=told_by(wrong) if wrong else "",
    )
    return make_response(page, 422 if wrong else 200)


def _means(agreed: Autopay | None, mandates: Sequence[Mandate], methods: Sequence[RowMapping]) -> str:
    """What is collected by, as its owner knows it; nothing where it cannot be used any more."""
    if agreed is None:
        return ""
    of_mandates = {each.mandate_id: f"{each.rum}, •••• {each.iban_last4}" for each in mandates}
    of_methods = {(each["account_id"], each["method_ref"]): str(each["label"]) for each in methods}
    if agreed.mandate_id:
        return of_mandates.get(agreed.mandate_id, "")
    return of_methods.get((agreed.account_id, agreed.method_ref), "")


def _method(text: str) -> tuple[UUID, str]:
    """A kept method as the forms name it, ``account/reference``; no account has the id zero."""
    account, _, method = text.partition("/")
    return id_in(account) or UUID(int=0), method


def _why(state: str, reason: str | None) -> str:
    if state == "withdrawn":
        return dropped_words(reason)
    return reason_words(reason, today()) if state == "failed" and reason else ""


def _terms() -> str:
    return gettext(
        "J'autorise %(supplier)s à encaisser mes factures à leur échéance par le moyen choisi. Chaque encaissement "
        "m'est annoncé 14 jours avant ; son montant ne dépasse jamais celui annoncé. J'arrête quand je veux, ici."
    ) % {"supplier": place().supplier_name}
