"""Whom to call: nobody for what is on its way, promised, disputed or held; random portfolios, with controls."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from catalogue import superuser
from dispute_builders import claim
from dunning_portfolios import Builder
from ledger_builders import customer_facts
from promise_builders import owed, promise_for

from config.clock import new_id, today
from receivables.domain.conversations.disputes import Scope
from receivables.services.collecting import chasing
from receivables.services.collecting import worklist as services
from receivables.services.collecting.speaking import Call, note_call
from receivables.services.collecting.worklist import Wanted, first_of, worklist
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.collecting.accounts import late_invoices
from receivables.store.customer_file.contacts import set_customer_files
from receivables.store.customer_file.finding import find
from receivables.store.register import create_supplier
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from uuid import UUID

    from dunning_portfolios import Portfolio
    from sqlalchemy import RowMapping

    from config.database import Database
    from config.embedded import EmbeddedPostgres
    from receivables.domain.collecting.worklist import Ranked
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.register import Supplier
    from receivables.store.work import Work

PORTFOLIOS, SEED = 120, 7


class Desk:
    """A supplier with random portfolios, and the list of whom to call."""

    def __init__(self, works: Works, builder: Builder, portfolios: list[Portfolio]) -> None:
        self.works, self.builder, self.portfolios = works, builder, portfolios

    def wrongs(self) -> list[str]:
        """Where what is to ask for is not what the model says of that customer."""
        with self.works.begin(self.builder.supplier_id) as work:
            ranked = worklist(work, self.builder.day, Wanted())
        asked = {each.account.customer_id: each.account.chaseable_minor for each in ranked}
        allowed = {each.customer_id: to_ask(each, self.builder) for each in self.portfolios}
        return [
            f"{asked.get(key, 0)} instead of {minor}" for key, minor in allowed.items() if asked.get(key, 0) != minor
        ]


def to_ask(portfolio: Portfolio, builder: Builder) -> int:
    """What a collector may ask of a customer, by the model: a stop of mails stops no call, proceedings do."""
    if portfolio.silent == "insolvent":
        return 0
    return sum(replace(portfolio, silent="").may_ask(builder.day).values())


@pytest.fixture(scope="module")
def desk(database: Database, postgres: EmbeddedPostgres) -> Iterator[Desk]:
    """Random portfolios, taken away again at the end."""
    supplier = create_supplier(database, f"DESK {new_id()}", "Random desk")
    builder = Builder(supplier.supplier_id, Random(SEED))
    with superuser(postgres) as connection:
        portfolios = builder.build(connection, PORTFOLIOS)
    yield Desk(Works(database), builder, portfolios)
    with superuser(postgres) as connection:
        builder.remove(connection)


def test_what_is_to_ask_for_is_exactly_what_nothing_holds(desk: Desk) -> None:
    assert desk.wrongs() == []
    assert sum(bool(to_ask(each, desk.builder)) for each in desk.portfolios) > PORTFOLIOS // 3, "something is asked for"


@pytest.mark.parametrize("forgotten", ["disputed", "promised", "to_match", "insolvent", "assigned"])
def test_a_reason_to_wait_that_is_forgotten_is_caught(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    kept = tuple(each for each in chasing.HOLDERS if each.__name__.lstrip("_") != forgotten)
    assert len(kept) < len(chasing.HOLDERS)
    monkeypatch.setattr(chasing, "HOLDERS", kept)
    assert desk.wrongs() != []


@pytest.mark.parametrize("count", [1, 10, 40, 500])
def test_the_first_accounts_are_those_of_the_whole_list(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    looked: list[int] = []

    def note(work: Work, on: date, ids: Sequence[UUID]) -> Sequence[RowMapping]:
        looked.append(len(ids))
        return late_invoices(work, on, ids)

    with desk.works.begin(desk.builder.supplier_id) as work:
        whole = worklist(work, desk.builder.day, Wanted())
        monkeypatch.setattr(services, "LOOKED_AT", 7)
        monkeypatch.setattr(services, "late_invoices", note)
        first = first_of(work, desk.builder.day, Wanted(), count)
    assert [each.account.customer_id for each in first.ranked] == [each.account.customer_id for each in whole[:count]]
    assert first.is_whole == (count >= len(whole))
    (late,) = first.late
    assert late[1:] == (len(whole), sum(each.account.late_minor for each in whole))
    if count <= 10:
        assert sum(looked) < len(whole), "the others cannot come before them"


def test_money_in_flight_that_is_forgotten_is_caught(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(work: Work, ids: Sequence[UUID], on: date | None = None) -> list[InvoiceDue]:
        return [replace(each, in_flight_minor=0) for each in due_on_invoices(work, ids, on)]

    monkeypatch.setattr("receivables.services.collecting.worklist.due_on_invoices", forgetful)
    assert desk.wrongs() != []


def ranked_of(work: Work, customer_id: UUID, wanted: Wanted | None = None) -> Ranked | None:
    """A customer on the list."""
    found = worklist(work, today(), wanted or Wanted())
    return next((each for each in found if each.account.customer_id == customer_id), None)


def test_a_promise_or_a_dispute_sinks_the_account_and_says_why(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        small = owed(work, 300_00, customer=customer_facts("Petit", None))
        large = owed(work, 900_00, customer=customer_facts("Grand", None))
        assert [each.account.name for each in worklist(work, today(), Wanted())] == ["Grand", "Petit"]
        promise_for(work, large, 500_00)
        claim(work, large, scope=Scope.AMOUNT, amount_minor=300_00)
        listed = worklist(work, today(), Wanted())
        assert [each.account.name for each in listed] == ["Petit", "Grand"]
        sunk = listed[1]
        assert sunk.account.chaseable_minor == 100_00
        held = {each.code: each.facts["minor"] for each in sunk.reasons if each.code.startswith("held_")}
        assert held == {"held_promised": 500_00, "held_disputed": 300_00}
        note_call(work, Call(small.customer_id, "reached", "person x", "Rappelle demain."))
        assert [each.code for each in (ranked_of(work, small.customer_id) or sunk).reasons] == ["late", "spoken"]


def test_a_list_is_narrowed_to_a_collector_a_segment_or_a_word_taken_as_it_is(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        mine = owed(work, customer=customer_facts("Cent % Bio", None)).customer_id
        owed(work, customer=customer_facts("Cent Ans", None))
        me = new_id()
        set_customer_files(work, [mine], "test", collector_id=me, segment="clés")
        assert [each.account.name for each in worklist(work, today(), Wanted(me))] == ["Cent % Bio"]
        assert [each.account.name for each in worklist(work, today(), Wanted(nobodys=True))] == ["Cent Ans"]
        assert [each.account.name for each in worklist(work, today(), Wanted(segment="clés"))] == ["Cent % Bio"]
        assert [each.account.name for each in worklist(work, today(), Wanted(words="% b"))] == ["Cent % Bio"]


def test_a_search_finds_each_kind_and_nothing_of_the_neighbour(
    works: Works, supplier: Supplier, database: Database
) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = owed(work, 123_45, customer=customer_facts("Zythologie", None))
        assert [each.title for each in find(work, "zytho", None)["customer"]] == ["Zythologie"]
        assert [each.id for each in find(work, invoice.number, None)["invoice"]] == [invoice.invoice_id]
        assert [each.id for each in find(work, "123,45", 123_45)["invoice"]] == [invoice.invoice_id]
        assert not any(find(work, "%", None).values()), "one character finds nothing"
        assert not any(find(work, "__", None).values()), "wildcards are taken as they are"
    other = create_supplier(database, f"OTHER {new_id()}", "Neighbour")
    with works.begin(other.supplier_id) as work:
        assert not any(find(work, "zytho", None).values())
