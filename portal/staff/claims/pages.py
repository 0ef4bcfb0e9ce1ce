"""``/s/claims``: what has run on late invoices, claims made, waivers, and what the terms of sale ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import today
from config.law.interest import ECB, known_until, statutory_rate_on
from portal.access.context import actor, place, services, work_here
from portal.access.roles import BOOKKEEPING, COLLECTING, STAFF, allow
from portal.claims.producing import keep_claim
from portal.customer.disputing import read_amount
from portal.fields import ids_in
from portal.lists import MAX_WANTED, read_list_request
from portal.staff.claims.shown import BASES, BOOKINGS, STATES, debtors_of, tell_stretch, tell_why_not
from portal.words import gettext, told_by
from receivables.domain.money import Money
from receivables.errors import ReceivablesError
from receivables.services.collecting.claiming import MOST_LINES, MakeClaim, make_claim
from receivables.services.collecting.forgoing import MOST_REASON, correct_claims, waive_running
from receivables.services.collecting.reckoning import reckon_known, set_terms, terms_of
from receivables.services.settlement.writing_off import give_up, open_write_offs
from receivables.store.collecting.claims import (
    BOOKED,
    MEMO,
    InterestTerms,
    get_claim,
    lines_of_claim,
    list_claims,
    terms_known,
    waivers_of,
)
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import PAGE, list_documents

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug import Response

    from receivables.services.collecting.reckoning import Reckoned
    from receivables.store.work import Work

blueprint = Blueprint("claims", __name__, url_prefix="/s/claims")


@dataclass(frozen=True, slots=True)
class Found:
    """What has run, to the end of which day, and why not to the day that was asked for."""

    reckoned: list[Reckoned]
    through_on: date
    why: str


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """By customer what may be claimed now, and the claims that were made."""
    asked = read_list_request(request.args)
    with work_here() as work:
        found = _reckon(work, today())
        claims = list_claims(work, after=asked.after, wanted=asked.wanted, limit=PAGE)
    return render_template(
        "claims/list.html",
        debtors=debtors_of(found.reckoned),
        found=found,
        claims=claims[:PAGE],
        more=len(claims) > PAGE,
        asked=asked,
        states=STATES,
        max_wanted=MAX_WANTED,
        may_act=place().role in COLLECTING,
    )


@blueprint.get("/new/<uuid:customer_id>")
@allow(*STAFF)
def ask(customer_id: UUID) -> Response:
    """What has run on a customer's invoices, to choose from."""
    return _form(customer_id)


@blueprint.post("/new/<uuid:customer_id>")
@allow(*COLLECTING)
def make(customer_id: UUID) -> Response:
    """Make a claim for the invoices chosen."""
    chosen = tuple(_ids(request.form.getlist("late")))
    through = _day(request.form.get("through", "")) or today()
    expected = request.form.get("expected", "")
    try:
        with work_here() as work:
            claim = make_claim(
                work,
                MakeClaim(
                    customer_id,
                    chosen,
                    through,
                    actor(),
                    int(expected) if expected.isdecimal() and len(chosen) == len(_ids(_shown())) else None,
                ),
            )
    except ReceivablesError as error:
        return _form(customer_id, wrong=told_by(error), chosen=frozenset(chosen))
    keep_claim(services(), place().supplier_id, claim.claim_id)
    return redirect(url_for("claims.show", claim_id=claim.claim_id), 303)


@blueprint.post("/new/<uuid:customer_id>/forgo")
@allow(*COLLECTING)
def forgo(customer_id: UUID) -> Response:
    """Give up what has run on the invoices chosen, without having asked for it."""
    chosen = _ids(request.form.getlist("late"))
    through = _day(request.form.get("through", "")) or today()
    try:
        with work_here() as work:
            for late_id in chosen or _nothing_chosen():
                waive_running(work, late_id, through, reason=request.form.get("reason", ""), actor=actor())
    except ReceivablesError as error:
        return _form(customer_id, wrong=told_by(error), chosen=frozenset(chosen))
    return redirect(url_for("claims.ask", customer_id=customer_id), 303)


@blueprint.post("/new/<uuid:customer_id>/correct")
@allow(*COLLECTING)
def correct(customer_id: UUID) -> Response:
    """Take back what was claimed too much of a customer, as the facts stand now."""
    try:
        with work_here() as work:
            get_customer(work, customer_id)
            late_ids = [each.late.invoice_id for each in _reckon(work, today(), customer_id).reckoned]
            reason = gettext("Recalculé : paiements et litiges tels qu'ils sont connus aujourd'hui")
            correct_claims(work, late_ids, reason=reason, actor=actor())
    except ReceivablesError as error:
        return _form(customer_id, wrong=told_by(error))
    return redirect(url_for("claims.ask", customer_id=customer_id), 303)


@blueprint.get("/<uuid:claim_id>")
@allow(*STAFF)
def show(claim_id: UUID) -> Response:
    """One claim: what it asks for and why, its document, what was paid and waived."""
    return _claim_page(claim_id)


@blueprint.post("/<uuid:claim_id>/waive")
@allow(*COLLECTING)
def waive(claim_id: UUID) -> Response:
    """Give up what is open of a claim, or a part, with a reason."""

    def act(work: Work) -> None:
        claim = get_claim(work, claim_id)
        typed = request.form.get("amount", "")[:20].strip()
        minor = read_amount(typed, claim.currency) if typed else None
        if typed and minor is None:
            raise ReceivablesError("claim.bad_amount", f"{typed!r} is no amount.", f"« {typed} » n'est pas un montant.")
        give_up(work, claim_id, minor, reason=request.form.get("reason", ""), actor=actor())

    return _act_on(claim_id, act)


@blueprint.get("/terms")
@allow(*STAFF)
def terms() -> Response:
    """What the terms of sale ask for, and since when."""
    return _terms_page({}, "")


@blueprint.post("/terms")
@allow(*BOOKKEEPING)
def change_terms() -> Response:
    """Write what the terms of sale ask for, for invoices from a day on."""
    given = {name: request.form.get(name, "")[:20].strip() for name in ("percent", "since", "least", "booking")}
    given["indemnity"] = request.form.get("indemnity", "")[:3]
    try:
        with work_here() as work:
            set_terms(work, _read_terms(given), actor())
    except ReceivablesError as error:
        return _terms_page(given, told_by(error))
    return redirect(url_for("claims.terms"), 303)


def _read_terms(given: dict[str, str]) -> InterestTerms:
    since = _day(given["since"])
    least = read_amount(given["least"], "EUR") if given["least"] else 0
    try:
        percent = Decimal(given["percent"].replace(",", ".")) if given["percent"] else None
    except InvalidOperation:
        percent = Decimal("NaN")
    if since is None or least is None or (percent is not None and not percent.is_finite()):
        raise ReceivablesError(
            "interest.bad_terms",
            "Give a rate in percent or none, a day, and an amount.",
            "Donnez un taux en pour cent ou aucun, une date et un montant.",
        )
    booking = BOOKED if given["booking"] == BOOKED else MEMO
    return InterestTerms(since, percent, given["indemnity"] == "yes", booking, least)


def _reckon(work: Work, through: date, customer_id: UUID | None = None) -> Found:
    """What has run to the end of a day; where the law's rate is not known so far, to the last day that it is."""
    run = reckon_known(work, today(), through, customer_id)
    return Found(run.reckoned, run.through_on, told_by(run.error) if run.error else "")


def _form(customer_id: UUID, *, wrong: str = "", chosen: frozenset[UUID] | None = None) -> Response:
    through = _day(request.values.get("through", "")) or today()
    with work_here() as work:
        customer = get_customer(work, customer_id)
        found = _reckon(work, min(through, today()), customer_id)
        waived = waivers_of(work, customer_id=customer_id)
        terms = terms_of(work).on(today())
    claimable = [each for each in found.reckoned if each.claimable_minor][:MOST_LINES]
    page = render_template(
        "claims/new.html",
        customer=customer,
        found=found,
        claimable=claimable,
        frozen=[each for each in found.reckoned if not each.claimable_minor and each.interest.frozen_minor],
        debtor=next(iter(debtors_of(found.reckoned)), None),
        total_minor=sum(each.claimable_minor for each in claimable),
        chosen=chosen,
        waived=waived,
        terms=terms,
        wrong=wrong,
        reason=request.form.get("reason", "")[:MOST_REASON],
        most_reason=MOST_REASON,
        bases=BASES,
        tell_stretch=tell_stretch,
        tell_why_not=tell_why_not,
        today=today(),
        may_act=place().role in COLLECTING,
    )
    return make_response(page, 422 if wrong else 200)


def _claim_page(claim_id: UUID, wrong: str = "") -> Response:
    with work_here() as work:
        claim = get_claim(work, claim_id)
        page = render_template(
            "claims/show.html",
            claim=claim,
            lines=lines_of_claim(work, claim_id),
            waived=waivers_of(work, claim_id=claim_id),
            waiting=open_write_offs(work, claim_id),
            documents=list_documents(work, claim_id),
            states=STATES,
            wrong=wrong,
            typed={name: request.form.get(name, "")[:MOST_REASON] for name in ("amount", "reason")},
            most_reason=MOST_REASON,
            may_act=place().role in COLLECTING,
        )
    return make_response(page, 422 if wrong else 200)


def _terms_page(typed: dict[str, str], wrong: str) -> Response:
    with work_here() as work:
        known, present = terms_known(work), terms_of(work).on(today())
    last = known_until(ECB)
    page = render_template(
        "claims/terms.html",
        known=known,
        typed=typed or _as_typed(present),
        wrong=wrong,
        bookings=BOOKINGS,
        statutory=statutory_rate_on("business", last),
        known_until=last,
        may_set=place().role in BOOKKEEPING,
    )
    return make_response(page, 422 if wrong else 200)


def _as_typed(terms: InterestTerms) -> dict[str, str]:
    """Terms as somebody would type them."""
    percent = "" if terms.percent is None else f"{terms.percent.normalize():f}".replace(".", ",")
    least = Money(terms.least_minor, "EUR").decimal
    return {
        "percent": percent,
        "since": terms.since.isoformat(),
        "least": f"{least:f}".replace(".", ",") if terms.least_minor else "",
        "booking": terms.booking,
        "indemnity": "yes" if terms.indemnity else "",
    }


def _act_on(claim_id: UUID, act: Callable[[Work], None]) -> Response:
    try:
        with work_here() as work:
            act(work)
    except ReceivablesError as error:
        return _claim_page(claim_id, told_by(error))
    return redirect(url_for("claims.show", claim_id=claim_id), 303)


def _nothing_chosen() -> list[UUID]:
    raise ReceivablesError("claim.nothing", "Choose an invoice.", "Choisissez une facture.")


def _shown() -> list[str]:
    return request.form.get("shown", "").split(",")


def _ids(given: list[str]) -> list[UUID]:
    return ids_in(given[: 2 * MOST_LINES])


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed.strip()[:10])
    except ValueError:
        return None
