"""The rules of dunning, without a database: levels, jumps, caps, grouping, and what consumers read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from config.law import table
from portal.dunning.words import OTHER_TEXTS, TEXTS, words_for
from receivables.domain.collecting.chasing import Hold
from receivables.domain.collecting.dunning import plan_reminders, still_right
from receivables.domain.collecting.reminders import CustomerFacts, Done, InvoiceFacts, Plan, Recipient
from receivables.domain.collecting.scenarios import Approval, Channel, Limits, Occasion, Scenario, read_steps, step_data
from receivables.errors import ReceivablesError
from receivables.services.collecting.dunning import TEMPLATES
from receivables.services.collecting.limitation import barred_on

DAY = date(2026, 11, 17)
USUAL = {
    row["segment"]: Scenario(UUID(int=n), row["segment"], 1, row["name"], read_steps(row["steps"], TEMPLATES))
    for n, row in enumerate(table("dunning")["scenarios"])
}
OFFICE = Recipient("Compta", "compta@client.example", "fr")


def invoice(late_days: int, minor: int = 100_000, number: int = 1, **changes: Any) -> InvoiceFacts:
    """An invoice that is late by so many days, of which all may be asked for."""
    late = late_days > 0
    facts = InvoiceFacts(
        UUID(int=number), f"F{number}", "EUR", DAY - timedelta(days=late_days), minor if late else 0, minor, minor
    )
    return replace(facts, **changes)


def customer(*invoices: InvoiceFacts, **changes: Any) -> CustomerFacts:
    """A business with an address."""
    facts = CustomerFacts(
        UUID(int=9), "Client", "business", "standard", "fr", invoices, {"payment": OFFICE, "manager": OFFICE}
    )
    return replace(facts, **changes)


def plan(*customers: CustomerFacts, day: date = DAY, is_open: bool = True) -> Plan:
    return plan_reminders(customers, USUAL, Occasion(day, is_open, Limits()))


def done(*levels: tuple[str, int], days_ago: int = 12) -> tuple[Done, ...]:
    return tuple(Done(step, level, DAY - timedelta(days=days_ago)) for step, level in levels)


FIRST, SECOND = ("relance-1", 1), ("relance-2", 2)
UP_TO_WARNING = (FIRST, SECOND, ("appel", 2), ("mise-en-garde", 3), ("mise-en-garde-courrier", 3))


def steps(found: Plan) -> set[str]:
    return {part.step.key for reminder in found.reminders for part in reminder.parts}


def whys(found: Plan) -> list[str]:
    return [each.why for each in found.silences]


def test_a_reminder_waits_for_its_day() -> None:
    assert whys(plan(customer(invoice(3)))) == ["up_to_date"]
    assert steps(plan(customer(invoice(4)))) == {"relance-1"}


def test_an_old_invoice_climbs_one_level_at_a_time() -> None:
    assert steps(plan(customer(invoice(90)))) == {"relance-1"}
    assert steps(plan(customer(invoice(90, done=done(FIRST, days_ago=6))))) == {"relance-2", "appel"}


def test_the_next_level_leaves_some_days_after_the_one_before() -> None:
    found = plan(customer(invoice(90, done=done(FIRST, days_ago=4))))
    assert whys(found) == ["up_to_date"]
    assert found.silences[0].until == DAY + timedelta(days=1)


def test_a_part_payment_does_not_begin_again() -> None:
    part_paid = invoice(20, 100_000, done=done(FIRST), late_minor=1_000)
    assert steps(plan(customer(part_paid))) == {"relance-2"}
    assert plan(customer(part_paid)).reminders[0].totals == {"EUR": 1_000}


def test_a_broken_promise_jumps_one_level_and_waits_for_no_day() -> None:
    found = plan(customer(invoice(6, done=done(FIRST, days_ago=5), promise_broken=True)))
    assert {part.why for each in found.reminders for part in each.parts} == {"broken_promise"}
    assert {each.level for each in found.reminders} == {3}


def test_no_jump_goes_beyond_the_formal_notice() -> None:
    late = invoice(45, done=done(*UP_TO_WARNING), promise_broken=True)
    assert [each.level for each in plan(customer(late)).reminders] == [4]


def test_a_debit_that_came_back_resumes_at_its_level() -> None:
    found = plan(customer(invoice(1, resume_level=2)))
    assert {each.level for each in found.reminders} == {2}
    assert {part.why for each in found.reminders for part in each.parts} == {"debit_back"}


def test_several_invoices_of_one_customer_go_in_one_mail_in_the_firmest_tone() -> None:
    found = plan(customer(invoice(5, number=1), invoice(20, number=2, done=done(FIRST)), invoice(30, number=3)))
    (mail,) = [each for each in found.reminders if each.channel is Channel.MAIL]
    assert (mail.level, len(mail.parts), mail.totals) == (2, 3, {"EUR": 300_000})


def test_one_mail_in_five_days_and_one_call_in_seven() -> None:
    late = invoice(20, done=done(FIRST))
    capped = plan(customer(late, last_mail_on=DAY - timedelta(days=4), last_call_on=DAY - timedelta(days=6)))
    assert (capped.reminders, whys(capped)) == ((), ["capped"])
    free = plan(customer(late, last_mail_on=DAY - timedelta(days=5), last_call_on=DAY - timedelta(days=7)))
    assert steps(free) == {"relance-2", "appel"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stopped_until": DAY + timedelta(days=1)}, "stopped"),
        ({"recipients": {}}, "no_address"),
        ({"recipients": {}, "mails_come_back": True}, "mails_come_back"),
        ({"credits": {"EUR": 100_000}}, "credited"),
    ],
)
def test_a_customer_is_left_alone_with_a_reason(changes: dict[str, Any], why: str) -> None:
    found = plan(customer(invoice(5), **changes))
    assert (found.reminders, whys(found)) == ((), [why])


def test_a_segment_without_a_scenario_is_reminded_like_others_of_its_kind() -> None:
    asked = plan(customer(invoice(5), segment="key accounts"))
    assert steps(asked) == steps(plan(customer(invoice(5))))
    person = plan(customer(invoice(5), segment="key accounts", kind="consumer"))
    assert steps(person) == steps(plan(customer(invoice(5), segment="consumer", kind="consumer")))


def test_without_any_scenario_nobody_is_reminded_and_the_reason_is_told() -> None:
    found = plan_reminders(
        [customer(invoice(5), segment="key accounts")], {}, Occasion(DAY, is_open=True, limits=Limits())
    )
    assert (found.reminders, whys(found)) == ((), ["no_scenario"])


def test_nothing_goes_out_on_a_holiday() -> None:
    found = plan(customer(invoice(5)), is_open=False)
    assert (found.reminders, whys(found)) == ((), ["closed_day"])


def test_a_customer_without_an_address_gets_the_letter_when_its_day_comes() -> None:
    found = plan(customer(invoice(40), recipients={}))
    assert {each.channel for each in found.reminders} == {Channel.CALL}, "the call of level 2 needs no address"
    later = plan(customer(invoice(40, done=done(SECOND, ("appel", 2))), recipients={}))
    assert {each.channel for each in later.reminders} == {Channel.LETTER}


def test_the_customer_s_own_money_is_counted_against_the_oldest_first() -> None:
    found = plan(customer(invoice(9, number=1), invoice(6, number=2), credits={"EUR": 130_000}))
    assert [(part.number, part.amount_minor) for part in found.reminders[0].parts] == [("F2", 70_000)]


def test_before_the_due_date_only_large_sums_of_new_or_risky_customers() -> None:
    soon = invoice(-7, 200_000)
    assert steps(plan(customer(soon, is_new=True))) == {"preventif"}
    assert steps(plan(customer(soon, is_risky=True))) == {"preventif"}
    assert steps(plan(customer(soon))) == set()
    assert whys(plan(customer(invoice(-7, 20_000), is_new=True))) == ["below_minimum"]
    assert whys(plan(customer(soon, is_new=True, autopay=True))) == ["autopay"]


def test_a_held_invoice_tells_what_holds_it() -> None:
    held = invoice(20, late_minor=0, coming_minor=0, holds=(Hold("disputed", 100_000),))
    assert whys(plan(customer(held))) == ["disputed"]


def test_a_promise_of_the_customer_stops_reminders_and_no_legal_step() -> None:
    reminded = done(*UP_TO_WARNING, ("mise-en-demeure", 4), days_ago=20)
    promised = invoice(
        70, late_minor=0, coming_minor=0, done=reminded, own_promise_minor=100_000, holds=(Hold("promised", 100_000),)
    )
    (task,) = plan(customer(promised)).reminders
    assert (task.channel, task.level) == (Channel.TASK, 5)
    assert plan(customer(replace(promised, own_promise_minor=0))).reminders == ()
    assert plan(customer(replace(promised, done=done(FIRST)))).reminders == ()


def test_a_formal_notice_waits_for_a_named_approver() -> None:
    (letter,) = plan(customer(invoice(45, done=done(*UP_TO_WARNING)))).reminders
    assert (letter.channel, letter.approval) == (Channel.REGISTERED, Approval.APPROVER)


def test_nobody_sues_a_consumer_or_the_state_by_scenario() -> None:
    for segment in ("consumer", "public"):
        assert all(step.level < 6 for step in USUAL[segment].steps)
    reminded = done(*UP_TO_WARNING, ("mise-en-demeure", 4), ("derniere-offre", 5), days_ago=60)
    consumer = customer(invoice(200, done=reminded), kind="consumer")
    assert whys(plan(consumer)) == ["all_done"], "a consumer in the usual segment is not sued either"


def test_a_reminder_is_not_right_any_more_once_less_is_due() -> None:
    asked = {UUID(int=1): 100_000}
    assert still_right(customer(invoice(5)), asked, DAY) is None
    assert still_right(customer(), asked, DAY) == "paid"
    assert still_right(customer(invoice(5, late_minor=99_999, coming_minor=0)), asked, DAY) == "part_paid"
    flying = invoice(5, late_minor=0, coming_minor=0, holds=(Hold("in_flight", 100_000),))
    assert still_right(customer(flying), asked, DAY) == "in_flight"
    assert still_right(customer(invoice(5), credits={"EUR": 1}), asked, DAY) == "credited"


def test_a_consumer_never_reads_of_the_indemnity_nor_of_recovery_costs() -> None:
    for template in TEXTS:
        words = words_for(template, "consumer")
        told = " ".join((words.subject, *words.opening, *words.closing))
        for forbidden in ("40 €", "indemnité", "pénalités", "L441-10", "commandes", "les frais"):
            assert forbidden not in told, (template, forbidden)
    assert "40 €" in " ".join(words_for("firm", "business").closing)
    assert ("formal_notice", "consumer") in OTHER_TEXTS


def test_a_formal_notice_says_the_words_of_the_law() -> None:
    for kind in ("business", "consumer", "public"):
        words = words_for("formal_notice", kind)
        told = " ".join((words.subject, *words.opening, *words.closing))
        for demanded in ("mettons en demeure", "article 1344", "%(total)s", "%(days)s jours"):
            assert demanded in told, (kind, demanded)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"key": ""}, "key"),
        ({"level": 9}, "level"),
        ({"offset_days": -3}, "level 0 is before"),
        ({"offset_days": 900}, "outside"),
        ({"template": "poem"}, "template"),
        ({"level": 4}, "registered letter"),
        ({"level": 5}, "task"),
        ({"min_minor": -1}, "below zero"),
        ({"colour": "red"}, "unknown"),
        ({"channel": "pigeon"}, "pigeon"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused_with_the_reason(changes: dict[str, Any], said: str) -> None:
    step = {"key": "one", "level": 1, "offset_days": 4, "channel": "mail", "template": "courteous"}
    with pytest.raises(ReceivablesError, match=said):
        read_steps([{**step, **changes}], TEMPLATES)


def test_steps_come_in_the_order_of_their_levels() -> None:
    late = [{"key": str(n), "level": n, "offset_days": 9 - n, "channel": "mail", "template": "firm"} for n in (1, 2)]
    with pytest.raises(ReceivablesError, match="lower level"):
        read_steps(late, TEMPLATES)
    with pytest.raises(ReceivablesError, match="needs a step"):
        read_steps([], TEMPLATES)


def test_steps_are_kept_and_read_back_to_the_same() -> None:
    for scenario in USUAL.values():
        assert read_steps([step_data(step) for step in scenario.steps], TEMPLATES) == scenario.steps


@pytest.mark.parametrize(
    ("kind", "until"),
    [("business", date(2031, 2, 28)), ("consumer", date(2028, 2, 28)), ("public", date(2030, 12, 31))],
)
def test_a_claim_is_barred_after_the_years_of_its_kind(kind: str, until: date) -> None:
    assert barred_on(kind, date(2026, 2, 28)) == until


def test_a_leap_day_is_barred_on_the_last_of_february() -> None:
    assert barred_on("business", date(2024, 2, 29)) == date(2029, 2, 28)
