"""The log for the outside: what happened stands there once, in the order of commits, with ids and amounts alone."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from dispute_builders import claim
from ledger_builders import attempt, issue, received, refunded
from promise_builders import promise_for

from config.clock import new_id, now, today
from receivables.domain.conversations.messages import Channel, Side, Subject
from receivables.domain.told import Told
from receivables.services.collecting.overdue_telling import tell_overdue
from receivables.services.conversations.messaging import Say, say
from receivables.services.settlement.receipts import record_facts
from receivables.store.event_log import MOST_NUMBERED, events_since, number_events, tell

if TYPE_CHECKING:
    from receivables.store.event_log import LoggedEvent
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


def numbered(work: Work) -> list[LoggedEvent]:
    """The whole log, everything in it numbered."""
    number_events(work)
    return events_since(work, 0, 500)


def test_a_payment_is_told_with_what_is_left_open_and_its_return_as_well(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        first, second = attempt(work, invoice, 4000), attempt(work, invoice, 6000, minutes=1)
        record_facts(work, [received(first, 4000)])
        record_facts(work, [received(second, 6000)])
        record_facts(work, [refunded(second, 6000)])
        told = [each for each in numbered(work) if each.kind.startswith(("invoice.", "payment."))]
    kinds = [each.kind for each in told]
    assert kinds == [
        "invoice.issued",
        "payment.received",
        "invoice.part_paid",
        "payment.received",
        "invoice.paid",
        "payment.returned",
        "invoice.payment_reversed",
    ]
    moved = [(each.data["amount_minor"], each.data["open_minor"]) for each in told if "sequence" in each.data]
    assert moved == [(4000, 6000), (6000, 0), (-6000, 6000)]
    assert told[0].data["number"] == invoice.number
    assert {each.customer_id for each in told} == {invoice.customer_id}
    assert [each.position for each in told] == sorted({each.position for each in told})


def test_a_fact_told_twice_is_logged_once(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        paid = attempt(work, issue(work))
        for _ in range(3):
            record_facts(work, [received(paid, 10000)])
        assert [each.kind for each in numbered(work)].count("payment.received") == 1


def test_what_is_rolled_back_was_never_told(works: Works, supplier: Supplier) -> None:
    def fail(work: Work) -> None:
        issue(work)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        works.run(supplier.supplier_id, fail)
    with works.begin(supplier.supplier_id) as work:
        assert numbered(work) == []


def test_words_and_names_stay_inside(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        claim(work, invoice, said="Le carton de Madame Secret était vide")
        subject = Subject(invoice.customer_id, invoice.invoice_id)
        say(work, Say(subject, Side.CUSTOMER, Channel.PAGE, "person 1", "Monsieur Secret", "Secret", new_id().hex))
        owed = issue(work, due_on=today())
        promise_for(work, owed)
        told = numbered(work)
    kinds = {each.kind for each in told}
    assert {"dispute.opened", "message.received", "promise.made"} <= kinds
    assert not any(word in str(told) for word in ("Secret", "Dominique", "Boulangerie"))


def test_an_invoice_is_told_overdue_once_and_not_before_its_first_late_day(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        yesterday = today() - timedelta(days=1)
        late = issue(work, issued_on=yesterday - timedelta(days=30), due_on=yesterday)
        issue(work, issued_on=yesterday, due_on=today())
        paid = issue(work, issued_on=yesterday - timedelta(days=30), due_on=yesterday)
        record_facts(work, [received(attempt(work, paid), 10000)])
        assert (tell_overdue(work), tell_overdue(work)) == (1, 0)
        (told,) = [each for each in numbered(work) if each.kind == "invoice.overdue"]
    assert (told.invoice_id, told.data["open_minor"]) == (late.invoice_id, 10000)


def test_a_reader_misses_nothing_of_a_transaction_that_was_slower_than_a_later_one(
    works: Works, supplier: Supplier
) -> None:
    here = supplier.supplier_id

    def mention(work: Work) -> None:
        tell(work, [Told("message.sent", {"number": new_id().hex})])

    with works.begin(here) as slow:
        mention(slow)
        with works.begin(here) as fast:
            mention(fast)
        with works.begin(here) as reader:
            (first,) = numbered(reader)
    with works.begin(here) as reader:
        number_events(reader)
        (second,) = events_since(reader, first.position)
    assert (first.position, second.position) == (1, 2)
    assert second.happened_at < first.happened_at, "the one that began first was committed last"


def test_positions_have_no_gap_and_no_twin_when_several_number_at_once(works: Works, supplier: Supplier) -> None:
    here = supplier.supplier_id
    with works.begin(here) as work:
        tell(work, [Told("message.sent", {"number": str(each)}) for each in range(MOST_NUMBERED + 50)])
    threads = [threading.Thread(target=works.run, args=(here, number_events)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with works.begin(here) as work:
        assert work.scalar("SELECT count(*) FROM event_log WHERE supplier_id = :supplier AND position IS NULL") == 0
        assert work.scalar("SELECT max(position) FROM event_log WHERE supplier_id = :supplier") == MOST_NUMBERED + 50
        assert len({each.position for each in events_since(work, 10, 500)}) == 500


def test_events_are_narrowed_by_kind_and_by_time(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        old = now() - timedelta(days=2)
        tell(work, [Told("message.sent", happened_at=old), Told("message.received"), Told("message.sent")])
        number_events(work)
        assert [each.kind for each in events_since(work, kinds=["message.received"])] == ["message.received"]
        assert len(events_since(work, since=old + timedelta(hours=1))) == 2
