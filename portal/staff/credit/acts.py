"""Acts on the credit pages: limits, derogations with a second pair of eyes, proceedings, the policy, a decision."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID  # noqa: TC003 -- read where the view is registered

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug import Response  # noqa: TC002 -- read where the view is registered

from portal.access.context import actor, work_here
from portal.access.roles import COLLECTING, CREDIT, allow
from portal.customer.disputing import read_amount
from portal.staff.credit.pages import (
    LONGEST,
    customer_page,
    derogation_page,
    policy_page,
    read_currency,
)
from portal.words import gettext, told_by
from receivables.domain.risk.credit import DEFAULT_CURRENCY, CreditPolicy, LimitKind
from receivables.errors import ReceivablesError
from receivables.services.risk.deciding import AskDecision, decide_credit
from receivables.services.risk.derogating import AskDerogation, agree_derogation, ask_derogation, refuse_derogation
from receivables.services.risk.insolvency import (
    NewInsolvency,
    convert_insolvency,
    end_insolvency,
    get_insolvency,
    note_insolvency,
    publish_insolvency,
)
from receivables.services.risk.limiting import NewLimit, end_limit, note_parent, set_limit, set_policy
from receivables.store.customer_file.customers import get_customer

if TYPE_CHECKING:
    from collections.abc import Callable

    from receivables.store.work import Work

blueprint = Blueprint("credit_acts", __name__, url_prefix="/s/credit")

SET_BY_HAND = ("internal", "temporary", "insured", "insured_temporary", "group")
AMOUNTS = ("default_limit_minor", "cap_minor", "overdue_minor", "provisional_minor")
NUMBERS = ("warn_percent", "overdue_days", "order_weight_percent", "derogation_days", "coverage_percent")


class _FormError(Exception):
    """What was typed cannot be read; the text says so in the reader's language."""


@blueprint.post("/customers/<uuid:customer_id>/limits")
@allow(*CREDIT)
def limit(customer_id: UUID) -> Response:
    """Set a limit of the customer, or of the group whose parent it is or has."""

    def act(work: Work) -> None:
        currency = read_currency(_typed("currency"))
        kind = _typed("kind")
        if kind not in SET_BY_HAND:
            raise _FormError(gettext("Choisissez de quelle limite il s'agit."))
        found = get_customer(work, customer_id)
        group = _typed("siren") or found.siren if kind == LimitKind.GROUP else None
        if kind == LimitKind.GROUP and not group:
            raise _FormError(gettext("Donnez le SIREN de la société mère."))
        set_limit(
            work,
            NewLimit(
                LimitKind(kind),
                _amount("amount", currency),
                _typed("reason"),
                actor(),
                currency,
                None if group else customer_id,
                group,
                _day("from"),
                _day("until"),
            ),
        )

    return _on_customer(customer_id, "limit", act)


@blueprint.post("/customers/<uuid:customer_id>/limits/<uuid:limit_id>/end")
@allow(*CREDIT)
def stop_limit(customer_id: UUID, limit_id: UUID) -> Response:
    """End a limit before its day."""
    return _on_customer(customer_id, "limit", lambda work: end_limit(work, limit_id, actor(), _typed("reason")))


@blueprint.post("/customers/<uuid:customer_id>/derogations")
@allow(*COLLECTING)
def ask(customer_id: UUID) -> Response:
    """Ask for more than the limit."""

    def act(work: Work) -> None:
        currency, until = read_currency(_typed("currency")), _day("until")
        if until is None:
            raise _FormError(gettext("Dites jusqu'à quel jour."))
        wish = AskDerogation(customer_id, _amount("amount", currency), until, _typed("reason"), actor(), currency)
        ask_derogation(work, wish)

    return _on_customer(customer_id, "derogation", act)


@blueprint.post("/derogations/<uuid:derogation_id>/agree")
@allow(*CREDIT)
def agree(derogation_id: UUID) -> Response:
    """The second person says yes."""
    return _on_derogation(lambda work: agree_derogation(work, derogation_id, actor(), _typed("note")))


@blueprint.post("/derogations/<uuid:derogation_id>/refuse")
@allow(*CREDIT)
def refuse(derogation_id: UUID) -> Response:
    """No, or no longer, with a reason."""
    return _on_derogation(lambda work: refuse_derogation(work, derogation_id, actor(), _typed("note")))


@blueprint.post("/customers/<uuid:customer_id>/decisions")
@allow(*COLLECTING)
def decide(customer_id: UUID) -> Response:
    """Ask for a decision about a sale; it is kept."""

    def act(work: Work) -> None:
        currency = read_currency(_typed("currency"))
        asked = AskDecision(customer_id, _amount("amount", currency), actor(), currency, _typed("purpose") or None)
        decide_credit(work, asked)

    return _on_customer(customer_id, "decision", act)


@blueprint.post("/customers/<uuid:customer_id>/insolvency")
@allow(*COLLECTING)
def insolvency(customer_id: UUID) -> Response:
    """Note that proceedings were opened."""

    def act(work: Work) -> None:
        opened = _day("opened")
        if opened is None:
            raise _FormError(gettext("Donnez le jour du jugement d'ouverture."))
        told = NewInsolvency(customer_id, _typed("kind"), opened, _typed("source"), actor(), _day("published"))
        note_insolvency(work, told)

    return _on_customer(customer_id, "insolvency", act)


@blueprint.post("/insolvencies/<uuid:insolvency_id>")
@allow(*COLLECTING)
def change_insolvency(insolvency_id: UUID) -> Response:
    """Note the publication, the conversion or the end of proceedings."""
    with work_here() as work:
        customer_id = get_insolvency(work, insolvency_id).customer_id

    def act(work: Work) -> None:
        what, day = _typed("act"), _day("on")
        if what == "convert":
            convert_insolvency(work, insolvency_id, _typed("kind"), actor())
            return
        if day is None:
            raise _FormError(gettext("Donnez un jour."))
        change = {"publish": publish_insolvency, "end": end_insolvency}.get(what)
        if change is None:
            raise _FormError(gettext("Choisissez ce qui a changé."))
        change(work, insolvency_id, day, actor())

    return _on_customer(customer_id, "insolvency", act)


@blueprint.post("/customers/<uuid:customer_id>/parent")
@allow(*CREDIT)
def parent(customer_id: UUID) -> Response:
    """Note whose subsidiary the customer is."""

    def act(work: Work) -> None:
        found = get_customer(work, customer_id)
        if found.siren is None:
            raise _FormError(gettext("Ce client n'a pas de SIREN : un groupe se suit par les SIREN."))
        siren = "".join(_typed("siren").split())
        note_parent(work, found.siren, siren or None, _typed("source") or gettext("saisi à la main"), actor())

    return _on_customer(customer_id, "parent", act)


@blueprint.post("/policy")
@allow(*CREDIT)
def change_policy() -> Response:
    """Decide by other rules from now on."""
    rules: dict[str, Any] = {}
    try:
        for name in AMOUNTS:
            optional = name in {"default_limit_minor", "cap_minor"}
            rules[name] = None if optional and not _typed(name) else _amount(name, DEFAULT_CURRENCY)
        rules |= {name: _whole(name) for name in NUMBERS}
        rules["cover_stopped"] = _typed("cover_stopped") or CreditPolicy().cover_stopped
        with work_here() as work:
            set_policy(work, rules, actor())
    except (_FormError, ReceivablesError) as error:
        return make_response(policy_page(_said(error), request.form), 422)
    return redirect(url_for("credit.policy", saved=1), 303)


def _on_customer(customer_id: UUID, name: str, act: Callable[[Work], object]) -> Response:
    """Do it and show the customer; or say in the form ``name`` why not, with nothing done."""
    try:
        with work_here() as work:
            act(work)
    except (_FormError, ReceivablesError) as error:
        return make_response(customer_page(customer_id, _said(error), name), 422)
    return redirect(url_for("credit.customer", customer_id=customer_id, _anchor=name), 303)


def _on_derogation(act: Callable[[Work], object]) -> Response:
    try:
        with work_here() as work:
            act(work)
    except ReceivablesError as error:
        return make_response(derogation_page(_said(error)), 409)
    return redirect(url_for("credit.derogations"), 303)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, _FormError) else told_by(error)


def _typed(name: str) -> str:
    return request.form.get(name, "")[:LONGEST].strip()


def _amount(name: str, currency: str) -> int:
    typed = _typed(name)[:20]
    minor = read_amount(typed, currency)
    if minor is None:
        raise _FormError(gettext("« %(typed)s » n'est pas un montant.") % {"typed": typed})
    return minor


def _whole(name: str) -> int:
    typed = _typed(name)[:6]
    if not (typed.isascii() and typed.isdecimal()):
        raise _FormError(gettext("« %(typed)s » n'est pas un nombre entier.") % {"typed": typed})
    return int(typed)


def _day(name: str) -> date | None:
    typed = _typed(name)
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise _FormError(gettext("« %(typed)s » n'est pas une date.") % {"typed": typed}) from error
