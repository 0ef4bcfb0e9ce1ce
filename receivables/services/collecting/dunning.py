"""Dunning (relances): what is planned for a day, whether a reminder is still right, when the next look is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from config.clock import PARIS, legal_day
from config.law import table
from config.law.days import is_open, on_or_after
from receivables.domain.collecting.dunning import plan_reminders, still_right
from receivables.domain.collecting.scenarios import BEFORE, Limits, Occasion, Scenario, read_steps, step_data
from receivables.services.collecting.dunning_facts import customers_with_open_invoices, load_facts
from receivables.store.collecting.dunning import (
    DunningSettings,
    add_scenario,
    find_settings,
    get_notice,
    invoices_of,
    save_settings,
    scenarios_in_force,
    settings_and_scenarios,
)
from receivables.store.customer_file.contacts import closed_addresses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from receivables.domain.collecting.reminders import CustomerFacts, Plan
    from receivables.store.work import Work

TEMPLATES = frozenset({"before", "courteous", "firm", "warning", "formal_notice", "last_offer", "litigation", "call"})
"""Texts that a step may name."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides for one supplier: its settings, and its scenarios by segment."""

    settings: DunningSettings
    scenarios: Mapping[str, Scenario]

    @property
    def roles(self) -> frozenset[str]:
        """Contacts that some step wants."""
        return frozenset(step.role for each in self.scenarios.values() for step in each.steps) | {"payment"}

    @property
    def lead_days(self) -> int:
        """How many days before the due date the first step stands."""
        return max((each.lead_days for each in self.scenarios.values()), default=0)

    def on(self, day: date) -> Occasion:
        """A day under these rules."""
        settings = self.settings
        limits = Limits(settings.mail_every_days, settings.call_every_days, settings.opens_at, settings.closes_at)
        return Occasion(day, is_open(day), limits)


def rules_of(work: Work) -> Rules:
    """What decides for this supplier now."""
    settings, rows = settings_and_scenarios(work)
    found = {
        row.segment: Scenario(row.scenario_id, row.segment, row.version, row.name, read_steps(row.steps, TEMPLATES))
        for row in rows
    }
    return Rules(settings or DunningSettings(), found)


def adopt_usual_scenarios(work: Work, actor: str, *, automatic: bool = False) -> None:
    """Begin with the usual steps (config/law/dunning.toml), for the segments that have no scenario yet."""
    known = {row.segment for row in scenarios_in_force(work)}
    for usual in table("dunning")["scenarios"]:
        if usual["segment"] not in known:
            steps = [step_data(step) for step in read_steps(usual["steps"], TEMPLATES)]
            add_scenario(work, usual["segment"], usual["name"], steps, actor)
    if find_settings(work) is None:
        settings = DunningSettings(automatic=automatic)
        save_settings(work, settings, None, actor)


def keep_settings(work: Work, settings: DunningSettings, at: datetime, actor: str) -> None:
    """Keep the settings; where reminders go by themselves, the worker looks at the next opening."""
    save_settings(work, settings, next_opening(settings, at) if settings.automatic else None, actor)


def next_opening(settings: DunningSettings, at: datetime) -> datetime:
    """``at`` itself where something may go out then; otherwise the first instant from which it may."""
    local = at.astimezone(PARIS)
    day = local.date()
    if is_open(day) and settings.opens_at <= local.time() < settings.closes_at:
        return at
    if not is_open(day) or local.time() >= settings.closes_at:
        day = on_or_after(day + timedelta(days=1))
    return datetime.combine(day, settings.opens_at, PARIS)


def opening_after(settings: DunningSettings, at: datetime) -> datetime:
    """The opening of the next open day: reminders are planned once a day."""
    return datetime.combine(on_or_after(legal_day(at) + timedelta(days=1)), settings.opens_at, PARIS)


def facts_on(work: Work, rules: Rules, customer_ids: Sequence[UUID], day: date) -> list[CustomerFacts]:
    """What is known of these customers on a day."""
    return load_facts(work, customer_ids, day, rules.roles, rules.lead_days)


def plan_for(work: Work, rules: Rules, customer_ids: Sequence[UUID], day: date) -> Plan:
    """What goes to these customers on a day, and what does not and why."""
    return plan_reminders(facts_on(work, rules, customer_ids, day), rules.scenarios, rules.on(day))


def customers_to_look_at(
    work: Work, rules: Rules, day: date, *, after: UUID | None = None, limit: int = 500
) -> list[UUID]:
    """Customers of whom something may have to be asked on a day."""
    return customers_with_open_invoices(work, day, rules.lead_days, after=after, limit=limit)


def why_not_any_more(work: Work, notice_id: UUID, day: date) -> str | None:
    """Why a reminder that was written is not right any more, or ``None``: asked right before its mail goes out.

    It is not where some of what it asks for was paid, is on its way, or is held since; nor where its customer is left
    alone now, or its address takes no mail.
    """
    notice = get_notice(work, notice_id)
    if notice.state != "written":
        return notice.state
    email = notice.contact.get("email")
    if email and closed_addresses(work, [email]):
        return "mails_come_back"
    rules = rules_of(work)
    (customer,) = facts_on(work, rules, [notice.customer_id], day)
    rows = invoices_of(work, notice_id)
    if notice.level == BEFORE and any(row["late_from"] < day for row in rows):
        return "too_late"
    return still_right(customer, {row["invoice_id"]: row["amount_minor"] for row in rows}, day)
