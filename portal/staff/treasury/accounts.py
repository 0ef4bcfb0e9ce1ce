"""``/s/treasury/accounts``: payment providers: connect, check the key, methods and limits, webhook secrets, switching.

A key or a secret that was given is sealed and never shown again, here or anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import new_id, now
from payments.accounts import GatewayAccount, change_settings, forget_previous, open_account, rotate_secret
from payments.errors import PaymentError
from payments.gateways.opening import GOCARDLESS, STRIPE, open_gateway
from payments.gateways.port import Capability, GatewayError, GatewayInDoubtError, GatewayUnreachableError, KeyRights
from payments.gateways.stripe_facts import READERS
from payments.paying.methods import CAPABLE, DEFAULTS
from payments.treasury.provider_accounts import activate_account, find_provider_account, list_provider_accounts
from portal.access.context import actor, place, services, work_here
from portal.access.roles import BOOKKEEPING, OWNERS, Role, allow
from portal.access.step_up import fresh_proof
from portal.customer.disputing import read_amount
from portal.words import gettext, language, note_text, told_by
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from werkzeug import Response

    from payments.gateways.port import Gateway, MissingRight
    from payments.treasury.provider_accounts import AccountSeen
    from receivables.store.work import Work

blueprint = Blueprint("provider_accounts", __name__, url_prefix="/s/treasury/accounts")

LONGEST = 500
STRIPE_SECRET = "whsec_"  # noqa: S105 -- how every one of them begins
PROVIDERS = {
    STRIPE: ("Stripe", note_text("Cartes, prélèvement SEPA, virement, PayPal")),
    GOCARDLESS: ("GoCardless", note_text("Prélèvement SEPA, virement instantané")),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The form that connects a provider; ``faults`` by field, ``missing`` rights of the key in words."""

    provider: str = STRIPE
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    api_url: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@blueprint.get("")
@allow(*BOOKKEEPING)
def index() -> str:
    """Every account, the one in use first."""
    return _list()


@blueprint.get("/connect")
@allow(*OWNERS)
@fresh_proof
def ask_connection() -> str:
    """The form."""
    return _form(Asked())


@blueprint.post("/connect")
@allow(*OWNERS)
@fresh_proof
def connect() -> Response:
    """Check the key at the provider, then be paid through this account from now on."""
    asked = Asked(_typed("provider"), _typed("key"), _typed("secret"), _typed("api_url"))
    faults = _faults(asked)
    gateway: Gateway | None = None
    missing: tuple[str, ...] = ()
    if not faults:
        try:
            gateway = open_gateway(_candidate(asked))
            missing = check_key(gateway)
        except (GatewayUnreachableError, GatewayInDoubtError):
            faults["key"] = gettext("Le prestataire ne répond pas : la clé n'a pas pu être vérifiée. Réessayez.")
        except (GatewayError, PaymentError) as error:
            faults["key"] = gettext("Le prestataire n'accepte pas cette clé : %(why)s") % {"why": told_by(error)}
    if gateway is None or faults or (missing and not request.form.get("anyway")):
        return make_response(_form(replace(asked, key="", secret="", faults=faults, missing=missing)), 422)
    try:
        with work_here() as work:
            account_id = open_account(
                work,
                services().keyring,
                provider=asked.provider,
                key=asked.key,
                webhook_secret=asked.secret,
                base_url=asked.api_url or None,
                live=gateway.livemode,
                actor=actor(),
            )
    except PaymentError as error:
        return make_response(_form(replace(asked, key="", secret="", faults={"key": told_by(error)})), 422)
    return redirect(url_for("provider_accounts.index", _anchor=f"account-{account_id}"), 303)


@blueprint.post("/<uuid:account_id>/methods")
@allow(*OWNERS)
def choose_methods(account_id: UUID) -> Response:
    """Which methods payers are offered, and within which amounts."""
    with work_here() as work:
        account = _account(work, account_id)
    capable = sorted(CAPABLE.get(account.provider, frozenset()))
    chosen = [each for each in capable if request.form.get(f"use-{each}")]
    limits: dict[str, dict[str, int]] = {"from_minor": {}, "up_to_minor": {}}
    for name, limit in (("from", limits["from_minor"]), ("up_to", limits["up_to_minor"])):
        for method in chosen:
            typed = request.form.get(f"{name}-{method}", "")[:20].strip()
            minor = read_amount(typed, "EUR") if typed else None
            if typed and minor is None:
                return make_response(_list(gettext("« %(typed)s » n'est pas un montant.") % {"typed": typed}), 422)
            if minor is not None:
                limit[method] = minor
    if not chosen:
        return make_response(_list(gettext("Gardez au moins un moyen de paiement, ou changez de prestataire.")), 422)
    with work_here() as work:
        change_settings(work, account_id, {"methods": chosen, **limits}, actor())
    return redirect(url_for("provider_accounts.index", _anchor=f"account-{account_id}"), 303)


@blueprint.post("/<uuid:account_id>/secret")
@allow(*OWNERS)
@fresh_proof
def change_secret(account_id: UUID) -> Response:
    """Take a new webhook secret; the one before stays good until it is forgotten."""
    secret = request.form.get("secret", "").strip()[:LONGEST]
    with work_here() as work:
        account = _account(work, account_id)
    wrong = _fault_of_secret(account.provider, secret)
    if not wrong:
        try:
            with work_here() as work:
                rotate_secret(work, services().keyring, account_id, secret, actor())
        except PaymentError as error:
            wrong = told_by(error)
    if wrong:
        return make_response(_list(wrong), 422)
    return redirect(url_for("provider_accounts.index", _anchor=f"account-{account_id}"), 303)


@blueprint.post("/<uuid:account_id>/secret/forget")
@allow(*OWNERS)
@fresh_proof
def forget_secret(account_id: UUID) -> Response:
    """The provider signs with the new secret alone: forget the one before."""
    with work_here() as work:
        _account(work, account_id)
        forget_previous(work, account_id, actor())
    return redirect(url_for("provider_accounts.index", _anchor=f"account-{account_id}"), 303)


@blueprint.get("/<uuid:account_id>/activate")
@allow(*OWNERS)
@fresh_proof
def ask_switch(account_id: UUID) -> str:
    """What being paid through another account means."""
    with work_here() as work:
        account = _account(work, account_id)
        before = next((each for each in list_provider_accounts(work) if each.active), None)
    return render_template("treasury/switch.html", account=account, before=before)


@blueprint.post("/<uuid:account_id>/activate")
@allow(*OWNERS)
@fresh_proof
def switch(account_id: UUID) -> Response:
    """Be paid through this account from now on."""
    with work_here() as work:
        _account(work, account_id)
        activate_account(work, account_id, actor())
    return redirect(url_for("provider_accounts.index"), 303)


def _typed(name: str) -> str:
    return request.form.get(name, "").strip()[:LONGEST]


def check_key(gateway: Gateway) -> tuple[str, ...]:
    """Rights that the key lacks, in the reader's words; none where it may do everything.

    Raises:
        GatewayError: the provider does not accept the key, or does not answer.
    """
    if isinstance(gateway, KeyRights):
        return tuple(_right(each) for each in gateway.missing_rights())
    if Capability.PAYOUTS in gateway.capabilities:  # no rights to ask for: one question proves the key
        next(iter(gateway.payouts_since(now())), None)
    return ()


def _right(missing: MissingRight) -> str:
    return missing.sentence_fr if language() == "fr" else missing.sentence


def _candidate(asked: Asked) -> GatewayAccount:
    return GatewayAccount(new_id(), asked.provider, False, asked.api_url or None, asked.key, (asked.secret,))  # noqa: FBT003 -- the adapter reads the mode off the key


def _faults(asked: Asked) -> dict[str, str]:
    found = {}
    if asked.provider not in PROVIDERS:
        found["provider"] = gettext("Choisissez votre prestataire.")
    if not asked.key:
        found["key"] = gettext("Donnez la clé : elle est gardée sous scellé, jamais montrée de nouveau.")
    if wrong := _fault_of_secret(asked.provider, asked.secret):
        found["secret"] = wrong
    if asked.api_url and not services().settings.private_hosts_allowed:
        found["api_url"] = gettext("Une autre adresse ne sert qu'aux essais.")
    elif asked.api_url and urlsplit(asked.api_url).scheme not in {"http", "https"}:
        found["api_url"] = gettext("Donnez une adresse en http ou https.")
    return found


def _fault_of_secret(provider: str, secret: str) -> str:
    if not secret:
        return gettext("Donnez le secret de signature : sans lui, aucun message du prestataire n'est cru.")
    if provider == STRIPE and not secret.startswith(STRIPE_SECRET):
        return gettext("Le secret de signature de Stripe commence par whsec_ : copiez-le depuis la destination.")
    return ""


def _list(wrong: str = "") -> str:
    with work_here() as work:
        accounts = list_provider_accounts(work)
    return render_template(
        "treasury/accounts.html",
        accounts=accounts,
        capable={name: sorted(methods) for name, methods in CAPABLE.items()},
        defaults=DEFAULTS,
        hook=_hook,
        events=sorted(READERS),
        plain_amount=_plain_amount,
        wrong=wrong,
        may_change=place().role is Role.OWNER,
    )


def _form(asked: Asked) -> str:
    with work_here() as work:
        before = next((each for each in list_provider_accounts(work) if each.active), None)
    return render_template(
        "treasury/connect.html",
        asked=asked,
        before=before,
        providers=PROVIDERS,
        hook=_hook,
        events=sorted(READERS),
        may_try=services().settings.private_hosts_allowed,
    )


def _hook(provider: str) -> str:
    """Where the provider sends its messages."""
    return f"{services().settings.public_url}/hooks/{provider}/{place().supplier_id}"


def _plain_amount(minor: int | None) -> str:
    """An amount for a field: ``1234.50``, empty where none is set."""
    return "" if minor is None else str(Money(minor, "EUR").decimal)


def _account(work: Work, account_id: UUID) -> AccountSeen:
    return find_provider_account(work, account_id) or abort(404)
