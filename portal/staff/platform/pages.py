"""Platforms: which one, since when, is it well, what waits; and connecting, testing, changing, closing one."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.secrets import SealBrokenError
from einvoice.errors import EInvoiceError
from einvoice.flow_log import list_accounts
from einvoice.platform.accounts import (
    AccountNotSettledError,
    close_account,
    connect_platform,
    platform_account,
    renew_access,
    unsettled,
)
from einvoice.platform.hooks import end_hooks
from einvoice.platform.port import PlatformError
from einvoice.replanning import replan_waiting
from portal.access.context import actor, caller, place, services, work_here
from portal.access.roles import BOOKKEEPING, OWNERS, allow
from portal.access.step_up import fresh_proof
from portal.staff.platform.form import (
    DEPARTURES,
    OTHER,
    URLS,
    Asked,
    asked_of,
    drivers,
    label_asked,
    label_of,
    read_asked,
    seal_secret,
    settings_of,
)
from portal.staff.platform.steps import may_be_saved
from portal.staff.platform.trying import keep_trial, last_trial, try_account, try_settings
from portal.staff.platform.verdicts import put_into_words
from portal.staff.platform.wellness import wellness_of
from portal.staff.troubles import troubles_here
from portal.words import language

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from einvoice.flow_log import AccountLine
    from einvoice.platform.accounts import Unsettled
    from einvoice.platform.port import Platform
    from einvoice.platform.settings import PlatformSettings
    from portal.staff.platform.steps import Step
    from portal.staff.platform.trying import Trial
    from portal.staff.platform.verdicts import Verdict
    from portal.staff.platform.wellness import Wellness

log = logging.getLogger("quittance.platform")

blueprint = Blueprint("platform", __name__, url_prefix="/s/platform")

SHOWN_PROBLEMS = 5
OF_PLATFORM = ("/s/platform", "/s/reports", "/s/invoices", "/s/disputes", "/s/purchases")
"""Where troubles lead that a platform has to do with; the others stand on the page of every trouble."""


@dataclass(frozen=True, slots=True)
class ShownAccount:
    """One account with everything that the page says of it."""

    line: AccountLine
    wellness: Wellness
    trial: Trial | None
    verdicts: list[Verdict]
    left: Unsettled


@blueprint.get("")
@allow(*BOOKKEEPING)
def overview() -> str:
    """Every platform that is not closed, how it fares, and what waits."""
    with work_here() as work:
        shown = []
        for line in list_accounts(work):
            trial = last_trial(work, line.account_id)
            verdicts = put_into_words(trial.steps) if trial else []
            shown.append(
                ShownAccount(line, wellness_of(line, trial), trial, verdicts, unsettled(work, line.account_id))
            )
        problems = [each for each in troubles_here(work) if each.href and each.href.startswith(OF_PLATFORM)]
    return render_template(
        "platform/overview.html",
        accounts=shown,
        problems=problems[:SHOWN_PROBLEMS],
        may_change=place().role in OWNERS,
        label_of=label_of,
    )


@blueprint.get("/connect")
@allow(*OWNERS)
@fresh_proof
def ask_connection() -> str:
    """The form that connects a platform."""
    return _form(Asked())


@blueprint.post("/connect")
@allow(*OWNERS)
@fresh_proof
def connect() -> Response:
    """Test what was typed, and save it where sending would work, or where the owner insists."""
    asked = _read()
    if asked.faults:
        return make_response(_form(asked), 422)
    settings = settings_of(asked)
    steps = try_settings(services(), place().supplier_id, settings)
    if not may_be_saved(steps) and not request.form.get("anyway"):
        return make_response(_form(asked, steps=steps), 422)
    with work_here() as work:
        account_id = connect_platform(work, services().keyring, label_asked(asked), settings)
        replan_waiting(work)
        keep_trial(work, account_id, steps)
        work.audit(actor(), "platform.saved", str(account_id), tested=may_be_saved(steps))
    return redirect(url_for("platform.overview", _anchor=f"account-{account_id}"), 303)


@blueprint.get("/accounts/<uuid:account_id>/access")
@allow(*OWNERS)
@fresh_proof
def ask_access(account_id: UUID) -> str:
    """The form that gives an account another client, secret or setting."""
    line, settings = _account(account_id)
    return _form(asked_of(settings, line.label), account=line)


@blueprint.post("/accounts/<uuid:account_id>/access")
@allow(*OWNERS)
@fresh_proof
def change_access(account_id: UUID) -> Response:
    """Test another access to the same account, and save it as above: what waits there goes on with it."""
    line, known = _account(account_id)
    asked = _read(asked_of(known, line.label))
    if asked.faults:
        return make_response(_form(asked, account=line), 422)
    settings = replace(
        known,
        driver=replace(known.driver, matricule=asked.matricule or known.driver.matricule),
        client_id=asked.client_id,
        client_secret=asked.client_secret,
        technical_account=asked.technical_account or known.technical_account,
        organization_id=asked.organization_id or None,
        reporting="own" if asked.reporting == "own" else "platform",
    )
    steps = try_settings(services(), place().supplier_id, settings)
    if not may_be_saved(steps) and not request.form.get("anyway"):
        return make_response(_form(asked, account=line, steps=steps), 422)
    with work_here() as work:
        renew_access(work, services().keyring, account_id, settings, actor())
        keep_trial(work, account_id, steps)
    return redirect(url_for("platform.overview", _anchor=f"account-{account_id}"), 303)


@blueprint.post("/accounts/<uuid:account_id>/test")
@allow(*BOOKKEEPING)
def test(account_id: UUID) -> Response:
    """Test an account as it is saved."""
    _account(account_id)
    try_account(services(), place().supplier_id, account_id)
    return redirect(url_for("platform.overview", _anchor=f"account-{account_id}"), 303)


@blueprint.get("/accounts/<uuid:account_id>/close")
@allow(*OWNERS)
@fresh_proof
def ask_closing(account_id: UUID) -> str:
    """What closing an account means, and what still needs it."""
    line, _ = _account(account_id)
    return _closing(line)


@blueprint.post("/accounts/<uuid:account_id>/close")
@allow(*OWNERS)
@fresh_proof
def close(account_id: UUID) -> Response:
    """Ask nothing of an earlier platform any more, where nothing needs it."""
    line, _ = _account(account_id)
    platform = _platform_of(account_id)
    try:
        with work_here() as work:
            close_account(work, account_id, actor(), though_unpaid=bool(request.form.get("though_unpaid")))
    except AccountNotSettledError as error:
        return make_response(_closing(line, error.sentence_fr if language() == "fr" else error.sentence), 409)
    if platform is not None:
        _end_calls(platform, account_id)
    return redirect(url_for("platform.overview"), 303)


def _platform_of(account_id: UUID) -> Platform | None:
    """The platform of an account that is not closed yet; ``None`` where our access to it cannot be read."""
    try:
        with work_here() as work:
            return services().platform_of(work, account_id)
    except (EInvoiceError, SealBrokenError):
        return None


def _end_calls(platform: Platform, account_id: UUID) -> None:
    """Have a platform call us no more; where it does not answer, its calls are hints that nobody follows."""
    try:
        end_hooks(services().works, platform, place().supplier_id, account_id)
    except PlatformError as error:
        log.warning("Subscriptions of account %s are left at its platform: %s", account_id, error)


def _closing(line: AccountLine, said: str = "") -> str:
    with work_here() as work:
        left = unsettled(work, line.account_id)
    return render_template("platform/close.html", account=line, left=left, said=said)


def _form(asked: Asked, *, account: AccountLine | None = None, steps: tuple[Step, ...] = ()) -> str:
    """The form with what was typed, the verdict of the test, and the secret sealed."""
    with work_here() as work:
        before = [] if account else [(each, unsettled(work, each.account_id)) for each in list_accounts(work)]
    return render_template(
        "platform/connect.html",
        asked=asked,
        account=account,
        drivers=[(name, label_of(name)) for name in drivers()],
        other=OTHER,
        departures=DEPARTURES,
        verdicts=put_into_words(steps),
        sealed=seal_secret(asked, services().keyring, _session()),
        before=[each for each in before if each[0].active],
        public_url=services().settings.public_url,
    )


def _read(kept: Asked | None = None) -> Asked:
    """The form as it came; of an account that exists its platform and whom it serves stay as they are."""
    given = request.form.to_dict()
    if kept is None:
        return read_asked(given, services().keyring, _session())
    fixed = {name: getattr(kept, name) for name in ("driver", "label", "serves", *URLS)}
    return read_asked({**given, **fixed}, services().keyring, _session())


def _account(account_id: UUID) -> tuple[AccountLine, PlatformSettings]:
    """An account that is not closed, or 404."""
    with work_here() as work:
        line = next((each for each in list_accounts(work) if each.account_id == account_id), None)
        if line is None:
            abort(404)
        return line, platform_account(work, services().keyring, account_id).settings


def _session() -> str:
    return caller().session_hash.hex()
