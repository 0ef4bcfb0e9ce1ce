"""The exposure counts everything once, at any date; limits are watched in the transaction that exceeds them."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from credit_builders import ask, buyer, codes, deliver, limit, named, order
from ledger_builders import attempt, customer_facts, issue, received, refunded

from config.clock import today
from receivables.domain.invoicing.invoices import NamedInvoice
from receivables.domain.risk.commitments import DELIVERY, ORDER, PURCHASE_ORDER
from receivables.domain.risk.credit import LimitKind
from receivables.domain.risk.exposure import COMPONENTS, LOWERING, Exposure
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.collecting.chasing import chase_state
from receivables.services.collecting.tasking import open_tasks
from receivables.services.risk.derogating import AskDerogation, agree_derogation, ask_derogation, refuse_derogation
from receivables.services.risk.exposing import exposure_lines, exposure_of
from receivables.services.risk.insolvency import (
    NewInsolvency,
    convert_insolvency,
    declaration_deadline,
    end_insolvency,
    note_insolvency,
    publish_insolvency,
)
from receivables.services.risk.limiting import NewLimit, end_limit, end_what_is_over, note_parent, set_limit, set_policy
from receivables.services.risk.ordering import close_commitment, reopen_commitment, say_what_for
from receivables.services.settlement.receipts import record_facts
from receivables.store.risk.credit import get_derogation, list_decisions

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


def figures(exposure: Exposure) -> dict[str, int]:
    """The components that are not zero, in minor units."""
    return {name: exposure.minor_of(name) for name in COMPONENTS if exposure.minor_of(name)}


def line_sums(work: Work, customer_id: UUID, on: date | None = None) -> dict[str, int]:
    """What the lines of every component add up to."""
    sums = {}
    for name in COMPONENTS:
        lines = exposure_lines(work, customer_id, "EUR", name, on, limit=1000)
        sums[name] = sum(each.minor for each in lines) * (-1 if name in LOWERING else 1)
    return {name: minor for name, minor in sums.items() if minor}


def bill(work: Work, *names: tuple[str, str], **changes: Any) -> Invoice:
    """An invoice of 100.00 of today that names orders and deliveries."""
    return issue(
        work,
        **{
            "issued_on": today(),
            "due_on": today() + timedelta(days=30),
            "commitments": tuple(named(*each) for each in names),
            **changes,
        },
    )


def emitted(work: Work) -> list[str]:
    """The keys of the alerts told so far."""
    rows = work.rows(
        "SELECT event_key FROM outbox WHERE supplier_id = :supplier AND kind = 'credit.limit_exceeded' "
        "ORDER BY outbox_id"
    )
    return [row["event_key"] for row in rows]


def balance(work: Work, account: str) -> int:
    """What an account holds, in minor units."""
    minor: int = work.scalar(
        "SELECT coalesce(sum(debit_minor - credit_minor), 0)::bigint FROM postings WHERE supplier_id = :supplier "
        "AND account = :account",
        account=account,
    )
    return minor


def test_complaint_22_from_order_to_final_money_the_exposure_moves_only_at_its_two_ends(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        seen = [exposure_of(work, who).total_minor]

        def look(**parts: int) -> None:
            exposure = exposure_of(work, who)
            assert figures(exposure) == {f"{name}": minor for name, minor in parts.items()}
            assert line_sums(work, who) == figures(exposure), "the lines add up to their component"
            seen.append(exposure.total_minor)

        order(work, who)
        look(ordered=10000)
        deliver(work, who, 6000)
        look(delivered=6000, ordered=4000)
        deliver(work, who, 4000, "BL-2")
        look(delivered=10000)
        invoice = bill(work, (DELIVERY, "BL-1"), (DELIVERY, "BL-2"), (ORDER, "CMD-1"))
        look(invoiced=10000)
        paid = attempt(work, invoice)
        record_facts(work, [AttemptMoved(paid, AttemptState.PROCESSING)])
        look(in_flight=10000)
        record_facts(work, [received(paid, 10000)])
        look()
        assert seen == [0, 10000, 10000, 10000, 10000, 10000, 0]
        record_facts(work, [refunded(paid, 10000)])
        look(invoiced=10000)


def test_a_delivery_is_counted_once_however_and_whenever_it_is_told(works: Works, supplier: Supplier) -> None:
    ends = set()
    for number, steps in enumerate(permutations(("order", "first", "second", "invoice"))):
        with works.begin(supplier.supplier_id) as work:
            who = buyer(work, f"Client {number}", None)
            ref = f"CMD-{number}"
            acts = {
                "order": lambda who=who, ref=ref: order(work, who, 10000, ref),
                "first": lambda who=who, ref=ref: deliver(work, who, 6000, f"{ref}/1", order_reference=ref),
                "second": lambda who=who, ref=ref: deliver(work, who, 2000, f"{ref}/2", order_reference=ref),
                "invoice": lambda number=number, ref=ref: bill(
                    work, (ORDER, ref), customer=customer_facts(f"Client {number}", None), total_minor=10000
                ),
            }
            for step in steps:
                acts[step]()
            ends.add(tuple(sorted(figures(exposure_of(work, who)).items())))
    assert ends == {(("invoiced", 10000),)}


def test_an_invoice_for_a_part_leaves_the_rest_and_a_replaced_one_passes_it_on(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        order(work, who, 30000, buyer_reference="PO-7")
        deliver(work, who, 15000)
        first = bill(work, (PURCHASE_ORDER, "PO-7"))
        assert figures(exposure_of(work, who)) == {"invoiced": 10000, "delivered": 5000, "ordered": 15000}
        bill(
            work,
            (PURCHASE_ORDER, "PO-7"),
            type_code="384",
            names=(NamedInvoice(first.number, first.issued_on.year),),
        )
        assert figures(exposure_of(work, who)) == {"invoiced": 10000, "delivered": 5000, "ordered": 15000}


def test_an_invoice_can_be_said_to_be_for_a_delivery_afterwards_once(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        deliver(work, who, 12000, order_reference=None)
        invoice = bill(work)
        assert exposure_of(work, who).total_minor == 22000, "nobody said that they are the same goods"
        for _ in range(2):
            say_what_for(work, invoice, named(DELIVERY, "BL-1"), actor="api", amount_minor=9000)
        assert figures(exposure_of(work, who)) == {"invoiced": 10000, "delivered": 3000}
        stranger = issue(work, customer=customer_facts("Garage du Port", "552100554"))
        with pytest.raises(ConflictError, match="another customer"):
            say_what_for(work, stranger, named(DELIVERY, "BL-1"), actor="api")


def test_a_deposit_is_asked_received_and_deducted_without_counting_twice(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        order(work, who, 30000)
        deposit = bill(work, (ORDER, "CMD-1"), type_code="386")
        assert figures(exposure_of(work, who)) == {"invoiced": 10000, "ordered": 20000}
        assert line_sums(work, who) == {"invoiced": 10000, "ordered": 20000}
        deliver(work, who, 30000)
        assert exposure_of(work, who).total_minor == 30000
        record_facts(work, [received(attempt(work, deposit), 10000)])
        assert figures(exposure_of(work, who)) == {"delivered": 30000, "deposits": 10000}
        thrice = tuple(
            VatRow(row.category, row.rate, 3 * row.taxable_minor, 3 * row.tax_minor) for row in deposit.vat_rows
        )
        totals = {"total_minor": 30000, "prepaid_minor": 10000, "payable_minor": 20000}
        bill(work, (DELIVERY, "BL-1"), process="S4", vat_rows=thrice, **totals)
        assert figures(exposure_of(work, who)) == line_sums(work, who) == {"invoiced": 20000}


def test_a_bulk_order_over_months_weighs_what_the_house_says(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        limit(work, who, 50000)
        order(work, who, 900000, weight_percent=0)
        assert ask(work, who, 10000).decision.verdict == "OK", "a year of bricks does not block (weight 0)"
        deliver(work, who, 60000)
        assert codes(ask(work, who)) == ["over_limit"], "what was delivered of it does"


def test_versions_count_by_their_number_whichever_comes_last(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        order(work, who, 10000, version=1)
        order(work, who, 25000, version=3)
        assert order(work, who, 99000, version=2).amount_minor == 25000, "version 2 came late"
        assert order(work, who, 25000, version=3).version == 3, "the same again changes nothing"
        with pytest.raises(ConflictError) as refused:
            order(work, who, 26000, version=3)
        assert refused.value.code == "order.version_taken"
        assert order(work, who, 26000).version == 4, "without a number, what differs is the next one"
        assert order(work, who, 26000).version == 4
        with pytest.raises(ConflictError, match="another customer"):
            order(work, buyer(work, "Garage du Port", "552100554"), 26000)


def test_an_order_that_is_opened_again_is_looked_at_like_a_new_one(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        limit(work, who, 15000)
        order(work, who, 20000)
        assert emitted(work) == [f"{who}/EUR/1"]
        close_commitment(work, ORDER, "CMD-1", "api", "annulée")
        assert exposure_of(work, who).total_minor == 0
        assert [task.kind for task in open_tasks(work, customer_id=who)] == []
        reopen_commitment(work, ORDER, "CMD-1", "api", "reprise")
        assert emitted(work) == [f"{who}/EUR/1", f"{who}/EUR/2"]
        assert codes(ask(work, who)) == ["over_limit"]


def test_the_alert_stands_or_falls_with_its_cause(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        limit(work, who, 15000)
        first = bill(work)
        assert emitted(work) == []
    with suppress(RuntimeError), works.begin(supplier.supplier_id) as work:
        bill(work)
        assert emitted(work) == [f"{who}/EUR/1"]
        raise RuntimeError
    with works.begin(supplier.supplier_id) as work:
        assert emitted(work) == []
        paid = attempt(work, first)
        record_facts(work, [received(paid, 10000)])
        bill(work)
        record_facts(work, [refunded(paid, 10000)])
        assert emitted(work) == [f"{who}/EUR/1"], "money that went back is a cause too"
        assert [task.kind for task in open_tasks(work, customer_id=who)] == ["credit.over_limit"]


def test_a_past_day_shows_what_it_held(works: Works, supplier: Supplier) -> None:
    yesterday, before = today() - timedelta(days=1), today() - timedelta(days=2)
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        order(work, who, 30000, began_on=before)
        deliver(work, who, 20000, began_on=yesterday)
        invoice = bill(work, (DELIVERY, "BL-1"), issued_on=yesterday)
        order(work, who, 40000)
        record_facts(work, [AttemptMoved(attempt(work, invoice), AttemptState.PROCESSING)])
        days = {day: exposure_of(work, who, on=day) for day in (before - timedelta(days=1), before, yesterday)}
        assert [figures(each) for each in days.values()] == [
            {},
            {"ordered": 30000},
            {"ordered": 10000, "delivered": 10000, "invoiced": 10000},
        ]
        assert all(line_sums(work, who, day) == figures(each) for day, each in days.items())
        assert figures(exposure_of(work, who)) == {"in_flight": 10000, "delivered": 10000, "ordered": 20000}
        assert line_sums(work, who) == figures(exposure_of(work, who))


def test_money_and_its_return_count_from_their_own_days(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        record_facts(work, [received(paid, 10000)])
        assert exposure_of(work, invoice.customer_id).total_minor == 0
        assert exposure_of(work, invoice.customer_id, on=date(2026, 10, 13)).total_minor == 10000
        assert exposure_of(work, invoice.customer_id, on=date(2026, 10, 14)).total_minor == 0
        assert exposure_of(work, invoice.customer_id, on=date(2026, 9, 30)).total_minor == 0


def test_a_temporary_limit_counts_within_its_days_and_ends_by_itself(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        limit(work, who, 8000)
        limit(work, who, 20000, LimitKind.TEMPORARY, valid_until=today())
        bill(work)
        assert codes(ask(work, who)) == []
        work.execute(
            "UPDATE credit_limits SET ended_at = now() WHERE supplier_id = :supplier AND kind = 'temporary'"
        )  # as the chore does the day after
        end_what_is_over(work)
        assert codes(ask(work, who)) == ["over_limit"]
        with pytest.raises(ReceivablesError, match="ends after it begins"):
            limit(work, who, 1, LimitKind.TEMPORARY, valid_until=today() - timedelta(days=1))


def test_a_group_shares_the_limit_of_its_parent(works: Works, supplier: Supplier) -> None:
    mother, daughter, grandchild = "552100554", "732829320", "404833048"
    with works.begin(supplier.supplier_id) as work:
        one, two = buyer(work), buyer(work, "Fournil Martin", grandchild)
        note_parent(work, daughter, mother, "Infogreffe", "person test")
        note_parent(work, grandchild, daughter, "Infogreffe", "person test")
        limit(work, one, 100000)
        limit(work, two, 100000)
        set_limit(work, NewLimit(LimitKind.GROUP, 15000, "groupe", "person test", group_siren=mother))
        bill(work)
        assert codes(ask(work, two)) == []
        order(work, two, 9000)
        assert codes(ask(work, two)) == ["group_over_limit"]
        assert emitted(work) == [f"group/{mother}/EUR/1"]
        with pytest.raises(ReceivablesError, match="above itself"):
            note_parent(work, mother, grandchild, "?", "person test")
        note_parent(work, grandchild, None, "cession", "person test")
        assert codes(ask(work, two)) == []


def test_nobody_agrees_to_their_own_derogation_and_it_ends_on_its_day(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        limit(work, who, 8000)
        bill(work)
        wish = AskDerogation(who, 5000, today() + timedelta(days=10), "commande urgente", "person a")
        derogation_id = ask_derogation(work, wish)
        assert codes(ask(work, who)) == ["over_limit"], "asked is not agreed"
        with pytest.raises(ConflictError) as refused:
            agree_derogation(work, derogation_id, "person a")
        assert refused.value.code == "derogation.four_eyes"
        agree_derogation(work, derogation_id, "person b", "vu")
        decided = ask(work, who)
        assert (decided.decision.verdict, codes(decided)) == ("WARN", ["derogated"])
        assert codes(ask(work, who, 3001)) == ["over_limit"]
        with pytest.raises(ConflictError, match="decided already"):
            agree_derogation(work, derogation_id, "person c")
        refuse_derogation(work, derogation_id, "person b", "plus nécessaire")
        assert get_derogation(work, derogation_id).state == "ended"
        assert codes(ask(work, who)) == ["over_limit"]
        assert emitted(work) == [f"{who}/EUR/1", f"{who}/EUR/2"]


def test_a_decision_is_kept_with_what_it_was_made_from(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        assert (ask(work, who, 100).decision.verdict, codes(ask(work, who, 100))) == ("REVIEW", ["no_limit"])
        policy = set_policy(work, {"default_limit_minor": 20000, "warn_percent": 50}, "person test")
        bill(work)
        decided = ask(work, who, 4000)
        assert (decided.decision.verdict, codes(decided)) == ("WARN", ["near_limit"])
        kept = list_decisions(work, who)[0]
        assert (kept.decision_id, kept.verdict, kept.policy_version) == (decided.decision_id, "WARN", policy.version)
        assert kept.facts["exposure"]["invoiced_minor"] == 10000
        assert kept.facts["available_minor"] == 10000
        limit_id = limit(work, who, 500000)
        end_limit(work, limit_id, "person test", "bilan déposé en retard")
        assert ask(work, who, 4000).facts.limit_minor == 20000
        with pytest.raises(ReceivablesError, match="warn_percent"):
            set_policy(work, {"warn_percent": 101}, "person test")


def test_late_undisputed_debts_block_and_only_final_money_lets_go(works: Works, supplier: Supplier) -> None:
    past = today() - timedelta(days=31)
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work, issued_on=past - timedelta(days=30), due_on=past)
        who = invoice.customer_id
        limit(work, who, 500000)
        assert codes(ask(work, who)) == ["overdue"]
        paid = attempt(work, invoice)
        record_facts(work, [AttemptMoved(paid, AttemptState.PROCESSING)])
        assert codes(ask(work, who)) == ["overdue"], "money in flight above the policy's amount does not"
        set_policy(work, {"provisional_minor": 10000}, "person test")
        assert codes(ask(work, who)) == []
        set_policy(work, {}, "person test")
        record_facts(work, [received(paid, 10000)])
        assert codes(ask(work, who)) == []


def test_an_insurer_that_withdraws_blocks_and_other_currencies_are_looked_at(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        who = buyer(work)
        limit(work, who, 500000)
        limit(work, who, 9000, LimitKind.INSURED)
        bill(work)
        assert codes(ask(work, who)) == ["not_covered"]
        limit(work, who, 3000, LimitKind.INSURED_TEMPORARY, valid_until=today())
        assert codes(ask(work, who)) == []
        limit(work, who, 0, LimitKind.INSURED)
        bill(work, currency="USD")
        decided = ask(work, who)
        assert decided.decision.verdict == "BLOCK"
        assert codes(decided) == ["insurer_withdrew", "other_currency"]


def test_proceedings_stop_sales_freeze_what_is_older_and_carry_it_to_416(works: Works, supplier: Supplier) -> None:
    opened = today() - timedelta(days=10)
    with works.begin(supplier.supplier_id) as work:
        old = issue(work, issued_on=opened - timedelta(days=40), due_on=opened - timedelta(days=10))
        young = issue(work, issued_on=opened, due_on=opened + timedelta(days=1))
        who = old.customer_id
        limit(work, who, 500000)
        told = NewInsolvency(who, "redressement", opened, "BODACC A n° 12", "person test")
        insolvency_id = note_insolvency(work, told)
        assert "insolvent" in codes(ask(work, who))
        assert (balance(work, "416000"), balance(work, "411000")) == (10000, 10000)
        assert exposure_of(work, who).total_minor == 20000, "doubtful is still owed"
        held = chase_state(work, old.invoice_id, today())
        assert (held.chaseable_minor, [each.why for each in held.holds]) == (0, ["insolvent"])
        assert chase_state(work, young.invoice_id, today()).chaseable_minor == 10000, "paid when due: L622-17"
        published = opened + timedelta(days=3)
        publish_insolvency(work, insolvency_id, published, "person test")
        task = next(each for each in open_tasks(work, customer_id=who) if each.kind == "insolvency.declare")
        assert task.due_on == declaration_deadline(published)
        with pytest.raises(ConflictError, match="noted already"):
            note_insolvency(work, told)
        record_facts(work, [received(attempt(work, old), 4000)])
        assert (balance(work, "416000"), balance(work, "411000")) == (6000, 10000), "a dividend leaves 416"
        convert_insolvency(work, insolvency_id, "liquidation", "person test")
        end_insolvency(work, insolvency_id, today(), "person test")
        assert (balance(work, "416000"), balance(work, "411000")) == (0, 16000)
        assert open_tasks(work, customer_id=who) == []
        assert [(each.code, each.gap) for each in run_checks(work) if each.gap] == []


@pytest.mark.parametrize(
    ("published", "deadline"),
    [
        (date(2026, 3, 10), date(2026, 5, 11)),  # 10 May 2026 is a Sunday
        (date(2026, 12, 31), date(2027, 3, 1)),  # no 31 February: its last day, a Sunday
        (date(2026, 9, 15), date(2026, 11, 16)),  # a Sunday
        (date(2026, 6, 2), date(2026, 8, 3)),  # a Sunday
        (date(2026, 9, 23), date(2026, 11, 23)),
    ],
)
def test_two_months_to_declare_end_on_an_open_day(published: date, deadline: date) -> None:
    assert declaration_deadline(published) == deadline
