"""Nobody is reminded of money that is paid, in flight, promised, disputed or held: random portfolios, with controls.

``QUITTANCE_PORTFOLIOS`` says how many (``make reminders`` takes ten thousand).
"""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from catalogue import superuser
from dunning_portfolios import HELD_IN_PART, HELD_WHOLLY, Builder, wrongs

from config.clock import new_id
from receivables.domain.collecting.reminders import Plan
from receivables.services.collecting import chasing, dunning_facts
from receivables.services.collecting.dunning import customers_to_look_at, plan_for, rules_of
from receivables.store.collecting.dunning import add_scenario
from receivables.store.register import create_supplier
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from dunning_portfolios import Portfolio

    from config.database import Database
    from config.embedded import EmbeddedPostgres
    from receivables.domain.collecting.chasing import Hold
    from receivables.store.work import Work

PORTFOLIOS = int(os.environ.get("QUITTANCE_PORTFOLIOS", "400"))
SEED = int(os.environ.get("QUITTANCE_SEED", "2026"))
AT_ONCE = 500
ONE_STEP = [{"key": "one", "level": 1, "offset_days": 1, "channel": "mail", "template": "courteous"}]


class Lot:
    """A supplier with its random portfolios."""

    def __init__(self, works: Works, supplier_id: UUID, builder: Builder, portfolios: list[Portfolio]) -> None:
        self.works, self.supplier_id, self.day = works, supplier_id, builder.day
        self.portfolios = portfolios

    def plan(self) -> Plan:
        """What would go out, page by page as the worker does it."""
        reminders, silences, after = [], [], None
        while True:
            with self.works.begin(self.supplier_id) as work:
                rules = rules_of(work)
                ids = customers_to_look_at(work, rules, self.day, after=after, limit=AT_ONCE)
                found = plan_for(work, rules, ids, self.day)
            reminders += found.reminders
            silences += found.silences
            if len(ids) < AT_ONCE:
                return Plan(tuple(reminders), tuple(silences))
            after = ids[-1]

    def wrongs(self) -> list[str]:
        """Where the plan is not what the model says."""
        return wrongs(self.plan(), self.portfolios, self.day)


@pytest.fixture(scope="module")
def lot(database: Database, postgres: EmbeddedPostgres) -> Iterator[Lot]:
    """Random portfolios, taken away again at the end."""
    supplier = create_supplier(database, f"RANDOM {new_id()}", "Random portfolios")
    works = Works(database)
    builder = Builder(supplier.supplier_id, Random(SEED))
    with works.begin(supplier.supplier_id) as work:
        for segment in ("standard", "consumer", "public"):
            add_scenario(work, segment, segment, ONE_STEP, "test")
    with superuser(postgres) as connection:
        portfolios = builder.build(connection, PORTFOLIOS)
    yield Lot(works, supplier.supplier_id, builder, portfolios)
    with superuser(postgres) as connection:
        builder.remove(connection)


def test_reminders_ask_for_exactly_what_nothing_holds(lot: Lot) -> None:
    plan = lot.plan()
    found = wrongs(plan, lot.portfolios, lot.day)
    asked = sum(len(reminder.parts) for reminder in plan.reminders)
    claims = [claim for each in lot.portfolios for claim in each.claims]
    print(f"{len(lot.portfolios)} portfolios, {len(claims)} open invoices, {asked} asked for, {len(found)} wrong")
    assert found == []
    assert asked > len(claims) // 10, "something was asked for"


def test_every_open_invoice_is_asked_for_or_has_a_reason(lot: Lot) -> None:
    plan = lot.plan()
    told = {part.invoice_id for reminder in plan.reminders for part in reminder.parts}
    silent = {each.invoice_id for each in plan.silences}
    assert not told & silent
    due = {claim.invoice_id for each in lot.portfolios for claim in each.claims if claim.late_from <= lot.day}
    assert due <= told | silent
    assert all(each.why for each in plan.silences)


def test_the_portfolios_hold_money_for_every_reason(lot: Lot) -> None:
    claims = [claim for each in lot.portfolios if not each.silent for claim in each.claims]
    for what in (*HELD_IN_PART, *HELD_WHOLLY):
        assert any(what in claim.held for claim in claims), what


def _without(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Chasing that forgets one reason."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(chasing, "HOLDERS", tuple(h for h in chasing.HOLDERS if h.__name__.lstrip("_") != name))

    return plant


def _forget_plans(patch: pytest.MonkeyPatch) -> None:
    """A plan is looked at twice: where money is held, and where its days are read."""
    real = chasing.due_on_invoices

    def planless(work: Work, ids: list[UUID], on: object = None) -> list[object]:
        return [replace(each, planned=()) for each in real(work, ids, on)]  # type: ignore[arg-type]

    _without("planned")(patch)
    patch.setattr(dunning_facts, "due_on_invoices", planless)


def _forget_money_in_flight(patch: pytest.MonkeyPatch) -> None:
    real = chasing.due_on_invoices

    def forgetful(work: Work, ids: list[UUID], on: object = None) -> list[object]:
        return [replace(each, in_flight_minor=0) for each in real(work, ids, on)]  # type: ignore[arg-type]

    patch.setattr(chasing, "due_on_invoices", forgetful)
    patch.setattr(dunning_facts, "due_on_invoices", forgetful)


def _forget_loose_money(patch: pytest.MonkeyPatch) -> None:
    keep = dunning_facts._customers
    patch.setattr(dunning_facts, "_customers", lambda *given: [{**row, "credits": None} for row in keep(*given)])


def _hold_twice(patch: pytest.MonkeyPatch) -> None:
    """The other way round: what is disputed holds the whole invoice, so that the rest is never asked for."""
    real = chasing.HOLDERS

    def too_much(work: Work, ids: list[UUID], day: object) -> dict[UUID, Hold]:
        found: dict[UUID, Hold] = {}
        for holder in real:
            if holder.__name__ == "_disputed":
                found = {key: replace(each, amount_minor=10**9) for key, each in holder(work, ids, day).items()}  # type: ignore[arg-type]
        return found

    patch.setattr(chasing, "HOLDERS", (*real, too_much))


PLANTED = {
    **{name: _without(name) for name in ("to_match", "disputed", "announced", "promised", "paused")},
    "planned": _forget_plans,
    "insolvent": _without("insolvent"),
    "assigned": _without("assigned"),
    "in_flight": _forget_money_in_flight,
    "loose_money": _forget_loose_money,
    "held_too_much": _hold_twice,
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_bug_is_caught(lot: Lot, monkeypatch: pytest.MonkeyPatch, planted: str) -> None:
    PLANTED[planted](monkeypatch)
    assert lot.wrongs() != []
