"""``/s/iban``: the account that payers are told, and changing it with two people and 72 hours in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import now
from einvoice.composing.parties import check_account
from einvoice.errors import EInvoiceError
from payments.bank_accounts import (
    BY_LINK,
    LISTED,
    LONGEST_REASON,
    PROFILE,
    NewAccount,
    accounts_of,
    active_account_of,
    change_under_way,
    confirm_account,
    confirm_alone,
    propose_account,
    refuse_account,
)
from payments.errors import PaymentError
from portal.access.context import caller, place, services, work_here
from portal.access.roles import BOOKKEEPING, STAFF, Role, allow
from portal.access.step_up import fresh_proof
from portal.background.quarantine import deciders_of, is_confirm_key, name_of, run_quarantine, tell_deciders
from portal.customer.iban import bank_of
from portal.words import gettext, note_text, told_by

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from werkzeug import Response

    from payments.bank_accounts import BankAccount
    from portal.access.people import Person
    from receivables.store.work import Work

blueprint = Blueprint("iban", __name__, url_prefix="/s/iban")

LONGEST_HOLDER, LONGEST_IBAN, LONGEST_BIC, LONGEST_KEY = 70, 42, 11, 64
REFUSED = 422


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, and what is wrong with it; ``form`` is ``propose``, ``confirm``, ``refuse`` or empty."""

    form: str = ""
    holder: str = ""
    iban: str = ""
    bic: str = ""
    wrong: str = ""


_MISTYPED = {
    "party.bad_iban": note_text(
        "Cet IBAN n'est pas correct : un caractère est faux ou manque. Recopiez-le de votre RIB."
    ),
    "party.bad_bic": note_text("Ce BIC n'est pas correct : il a 8 ou 11 caractères. Recopiez-le de votre RIB."),
}


@blueprint.get("")
@allow(*STAFF)
def show() -> Response:
    """The active account, the change under way, what was before."""
    return _page(Asked())


@blueprint.post("")
@allow(*BOOKKEEPING)
@fresh_proof
def propose() -> Response:
    """Propose another account."""

    def typed(name: str, most: int) -> str:
        return request.form.get(name, "").strip()[:most]

    asked = Asked("propose", typed("holder", LONGEST_HOLDER), typed("iban", LONGEST_IBAN), typed("bic", LONGEST_BIC))
    try:
        account = check_account(asked.iban, asked.bic or None, asked.holder, "iban")
    except EInvoiceError as error:
        return _page(
            _with(asked, gettext(_MISTYPED[error.code]) if error.code in _MISTYPED else told_by(error)), REFUSED
        )

    def act(work: Work) -> None:
        propose_account(work, NewAccount(account.number, account.bic, asked.holder), _me())
        change = change_under_way(work)
        if change is not None:
            tell_deciders(services(), work, change, caller().person.name)

    return _act(asked, act)


@blueprint.post("/<uuid:account_id>/confirm")
@allow(*BOOKKEEPING)
@fresh_proof
def confirm(account_id: UUID) -> Response:
    """Confirm somebody else's change; one's own only alone, by the mailed link, once its quarantine is over."""
    key = request.form.get("key", "")[:LONGEST_KEY]

    def act(work: Work) -> None:
        change = change_under_way(work)
        if change is not None and change.proposed_by == _me() and _may_confirm_alone(change, key):
            confirm_alone(work, account_id, _me())
        else:
            confirm_account(work, account_id, _me())

    answer = _act(Asked("confirm"), act)
    run_quarantine(services(), place().supplier_id)
    return answer


@blueprint.post("/<uuid:account_id>/refuse")
@allow(*BOOKKEEPING)
def refuse(account_id: UUID) -> Response:
    """Refuse a change, or withdraw one's own."""
    reason = request.form.get("reason", "")[: LONGEST_REASON + 1]
    return _act(Asked("refuse"), lambda work: refuse_account(work, account_id, _me(), reason))


def _me() -> str:
    return name_of(caller().person)


def _may_confirm_alone(change: BankAccount, key: str) -> bool:
    """Whether nobody else could confirm, and the key comes from the mail that was sent after the quarantine."""
    alone = [name_of(each) for each in deciders_of(services().database, place().supplier_id)] == [_me()]
    return alone and is_confirm_key(services(), change, key)


def _act(asked: Asked, act: Callable[[Work], None]) -> Response:
    try:
        with work_here() as work:
            act(work)
    except PaymentError as error:
        return _page(_with(asked, told_by(error)), REFUSED)
    return redirect(url_for("iban.show", done=asked.form), 303)


def _with(asked: Asked, wrong: str) -> Asked:
    return Asked(asked.form, asked.holder, asked.iban, asked.bic, wrong)


def _page(asked: Asked, status: int = 200) -> Response:
    before = _instant(request.args.get("before"))
    people = deciders_of(services().database, place().supplier_id)
    with work_here() as work:
        active, change = active_account_of(work), change_under_way(work)
        listed = accounts_of(work, before)
    key = request.args.get("key", "")[:LONGEST_KEY]
    page = render_template(
        "iban/staff.html",
        asked=asked,
        active=active,
        bank=bank_of(active.iban) if active else None,
        change=change,
        change_bank=bank_of(change.iban) if change else None,
        ripe=change is not None and change.active_from <= now(),
        mine=change is not None and change.proposed_by == _me(),
        alone=len(people) == 1,
        key=key if change is not None and is_confirm_key(services(), change, key) else "",
        may_act=place().role in BOOKKEEPING,
        is_owner=place().role is Role.OWNER,
        listed=listed[:LISTED],
        more=listed[LISTED - 1].proposed_at.isoformat() if len(listed) > LISTED else "",
        named=_named(people),
        states=STATES,
        done=request.args.get("done", ""),
        most_reason=LONGEST_REASON,
    )
    return make_response(page, status)


def _named(people: list[Person]) -> dict[str, str]:
    """What those who act are called on the page."""
    found = {
        "command line": gettext("la ligne de commande"),
        PROFILE: gettext("le profil du fournisseur"),
        "system": "Quittance",
    }
    for each in people:
        found[name_of(each)] = each.name
        found[f"{name_of(each)}{BY_LINK}"] = gettext("%(name)s, par le lien du courriel") % {"name": each.name}
    return found


def _instant(text: str | None) -> datetime | None:
    try:
        read = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return read if read and read.tzinfo else None


STATES: Mapping[str, tuple[str, str]] = {
    "proposed": ("part", note_text("En quarantaine")),
    "confirmed": ("part", note_text("Confirmé, en quarantaine")),
    "active": ("paid", note_text("Actif")),
    "retired": ("plain", note_text("Ancien")),
    "refused": ("late", note_text("Écarté")),
}
"""Tone and name of each state."""
