"""``/s/credit``: who is near or above their limit, one customer's exposure down to its lines, derogations, policy."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, abort, render_template, request

from config.clock import today
from portal.access.context import actor, place, services, work_here
from portal.access.people import get_person
from portal.access.roles import COLLECTING, CREDIT, READERS, allow
from portal.lists import read_list_request
from portal.staff.credit.shown import show_standing, tell_kept, uses_by
from portal.telling.credit_words import (
    COMPONENT_NAMES,
    DEROGATION_STATES,
    LIMIT_NAMES,
    LINE_KINDS,
    PROCEEDINGS,
    VERDICTS,
)
from portal.words import gettext, note_text
from receivables.domain.risk.credit import DEFAULT_CURRENCY, STOPPED_COVER, CreditPolicy, LimitKind
from receivables.domain.risk.exposure import COMPONENTS, LOWERING
from receivables.services.risk.exposing import PAGE, exposure_lines, exposure_of
from receivables.services.risk.insolvency import list_insolvencies, open_insolvency
from receivables.store.customer_file.customers import get_customer
from receivables.store.risk.commitments import list_commitments
from receivables.store.risk.credit import current_policy, limits_of, list_decisions, list_derogations, parent_of

if TYPE_CHECKING:
    from collections.abc import Mapping

blueprint = Blueprint("credit", __name__, url_prefix="/s/credit")

FILTERS = {
    "near": note_text("Proches ou au-delà"),
    "over": note_text("Au-delà"),
    "none": note_text("Sans limite"),
    "all": note_text("Toutes les limites"),
}
SHOWN_STATES = {"asked": ("asked",), "agreed": ("agreed",), "over": ("refused", "ended")}
STATE_FILTERS = {
    "asked": note_text("À décider"),
    "agreed": note_text("En vigueur"),
    "over": note_text("Refusées ou terminées"),
}
FIRST_DECISIONS = 5
FARTHEST = 1_000_000
LONGEST = 500


@blueprint.get("")
@allow(*READERS)
def index() -> str:
    """Customers by the use of their limits, what waits for a decision, open proceedings."""
    choice = request.args.get("show", "near")
    choice = choice if choice in FILTERS else "near"
    offset = read_offset(request.args)
    with work_here() as work:
        found = uses_by(work, FILTERS)
        rows = found[choice]
        return render_template(
            "credit/list.html",
            rows=rows[offset : offset + PAGE],
            total=len(rows),
            offset=offset,
            page=PAGE,
            chosen=choice,
            filters=FILTERS,
            counts={key: len(each) for key, each in found.items()},
            waiting=list_derogations(work, states=["asked"], limit=FIRST_DECISIONS),
            proceedings=list_insolvencies(work, limit=PAGE),
            proceedings_names=PROCEEDINGS,
            people=People(),
        )


@blueprint.get("/derogations")
@allow(*READERS)
def derogations() -> str:
    """Derogations, the newest first."""
    return derogation_page()


def derogation_page(wrong: str = "") -> str:
    """The list, with what went wrong."""
    choice = request.args.get("show", "asked")
    choice = choice if choice in SHOWN_STATES else "asked"
    with work_here() as work:
        rows = list_derogations(work, states=SHOWN_STATES[choice], after=read_list_request(request.args).after)
    return render_template(
        "credit/derogations.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        chosen=choice,
        filters=STATE_FILTERS,
        states=DEROGATION_STATES,
        people=People(),
        myself=actor(),
        may_decide=place().role in CREDIT,
        wrong=wrong,
        today=today(),
    )


@blueprint.get("/policy")
@allow(*READERS)
def policy() -> str:
    """By which rules is decided."""
    return policy_page()


def policy_page(wrong: str = "", typed: Mapping[str, str] | None = None) -> str:
    """The form of the policy, with what went wrong."""
    with work_here() as work:
        found = current_policy(work)
    return render_template(
        "credit/policy.html",
        policy=found,
        typed=typed or {},
        first=CreditPolicy(),
        verdicts=STOPPED_COVER,
        verdict_names=VERDICTS,
        may_set=place().role in CREDIT,
        wrong=wrong,
    )


@blueprint.get("/customers/<uuid:customer_id>")
@allow(*READERS)
def customer(customer_id: UUID) -> str:
    """One customer: exposure by component, at any date, limits, derogations, orders, decisions, proceedings."""
    return customer_page(customer_id)


def customer_page(customer_id: UUID, wrong: str = "", act: str = "") -> str:
    """The panel, with what went wrong in the form ``act``."""
    on, currency = read_on(request.args.get("on")), read_currency(request.args.get("currency"))
    with work_here() as work:
        found = get_customer(work, customer_id)
        standing = show_standing(work, customer_id, currency)
        decisions = list_decisions(work, customer_id, limit=FIRST_DECISIONS)
        limits = limits_of(work, [customer_id]).get((customer_id, currency), {})
        return render_template(
            "credit/customer.html",
            customer=found,
            standing=standing,
            exposure=exposure_of(work, customer_id, currency, on) if on else standing.facts.exposure,
            components=[(name, COMPONENT_NAMES[name], name in LOWERING) for name in COMPONENTS],
            on=on,
            currency=currency,
            today=today(),
            limits=[limits[kind] for kind in LimitKind if kind in limits],
            limit_names=LIMIT_NAMES,
            derogations=list_derogations(work, customer_id=customer_id, limit=PAGE),
            states=DEROGATION_STATES,
            orders=list_commitments(work, "order", customer_id=customer_id, left_only=True)[:PAGE],
            deliveries=list_commitments(work, "delivery", customer_id=customer_id, left_only=True)[:PAGE],
            decisions=[(each, tell_kept(each)) for each in decisions],
            insolvency=open_insolvency(work, customer_id),
            proceedings_names=PROCEEDINGS,
            parent=parent_of(work, found.siren) if found.siren else None,
            people=People(),
            myself=actor(),
            may_set=place().role in CREDIT,
            may_ask=place().role in COLLECTING,
            wrong=wrong,
            act=act,
            longest=LONGEST,
        )


@blueprint.get("/customers/<uuid:customer_id>/lines")
@allow(*READERS)
def lines(customer_id: UUID) -> str:
    """The lines that add up to one component of the exposure, now or on a past day."""
    component = request.args.get("component", "invoiced")
    if component not in COMPONENTS:
        abort(404)
    on, currency = read_on(request.args.get("on")), read_currency(request.args.get("currency"))
    offset = read_offset(request.args)
    with work_here() as work:
        found = get_customer(work, customer_id)
        exposure = exposure_of(work, customer_id, currency, on)
        rows = exposure_lines(work, customer_id, currency, component, on, offset=offset)
    return render_template(
        "credit/lines.html",
        customer=found,
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        offset=offset,
        page=PAGE,
        component=component,
        components=[(name, COMPONENT_NAMES[name]) for name in COMPONENTS],
        lowers=component in LOWERING,
        total_minor=exposure.minor_of(component),
        kinds=LINE_KINDS,
        on=on,
        currency=currency,
    )


@blueprint.get("/customers/<uuid:customer_id>/decisions")
@allow(*READERS)
def decisions(customer_id: UUID) -> str:
    """Every decision about a customer, the newest first."""
    with work_here() as work:
        found = get_customer(work, customer_id)
        rows = list_decisions(work, customer_id, after=read_list_request(request.args).after)
    return render_template(
        "credit/decisions.html",
        customer=found,
        rows=[(each, tell_kept(each)) for each in rows[:PAGE]],
        more=len(rows) > PAGE,
        people=People(),
    )


class People:
    """Names of those who did something, looked up once each."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __call__(self, told: str) -> str:
        """Who ``told`` (``person <id>``, ``api``, ``system``) is."""
        if told not in self._names:
            self._names[told] = self._look_up(told)
        return self._names[told]

    @staticmethod
    def _look_up(told: str) -> str:
        kind, _, key = told.partition(" ")
        if kind == "person":
            try:
                person = get_person(services().database, UUID(key))
            except ValueError:
                person = None
            return person.name if person else gettext("une personne")
        return {"api": gettext("votre logiciel (API)"), "system": gettext("le système")}.get(told, told)


def read_on(given: str | None) -> date | None:
    """A past day; ``None`` for the present, or where it is no day."""
    try:
        day = date.fromisoformat(given or "")
    except ValueError:
        return None
    return day if day < today() else None


def read_currency(given: str | None) -> str:
    """A currency; the house's where there is none."""
    known = given is not None and len(given) == len(DEFAULT_CURRENCY) and given.isascii() and given.isupper()
    return given if known and given else DEFAULT_CURRENCY


def read_offset(given: Mapping[str, str]) -> int:
    """Where a page of a list begins."""
    typed = given.get("offset", "0")
    return min(int(typed), FARTHEST) if typed.isascii() and typed.isdecimal() else 0
