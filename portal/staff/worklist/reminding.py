"""``/s/work/remind``: the next reminder of several customers at once; who gets it, who does not and why, then send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, url_for

from config.clock import today
from portal.access.context import actor, place, services, work_here
from portal.access.roles import COLLECTING, allow
from portal.dunning.running import send_reminders
from portal.fields import ids_in
from portal.staff.account.dealings import leave_out
from receivables.domain.collecting.scenarios import Approval
from receivables.services.collecting.dunning import plan_for, rules_of
from receivables.store.customer_file.customers import customer_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from werkzeug import Response

blueprint = Blueprint("reminding", __name__, url_prefix="/s/work/remind")

MOST_AT_ONCE = 60
"""Customers in one address: a page of the list has fewer."""


@blueprint.get("")
@allow(*COLLECTING)
def show() -> str:
    """Who of the chosen gets what now, and who gets nothing and why."""
    chosen = read_customers(request.args.getlist("customer"))
    with work_here() as work:
        rules = rules_of(work)
        plan = plan_for(work, rules, chosen, today()) if rules.scenarios and chosen else None
        names = customer_names(work, chosen)
    reminders = plan.reminders if plan else ()
    ready = [each for each in reminders if each.approval is Approval.NOBODY]
    told = {each.customer_id for each in reminders}
    silent = [
        (each, leave_out(one for one in plan.silences if one.customer_id == each) if plan else [])
        for each in chosen
        if each not in told and each in names
    ]
    return render_template(
        "worklist/remind.html",
        ready=ready,
        waiting=[each for each in reminders if each.approval is not Approval.NOBODY],
        silent=silent,
        names=names,
        chosen=[each for each in chosen if each in names],
        has_rules=bool(rules.scenarios),
    )


@blueprint.post("")
@allow(*COLLECTING)
def send() -> Response:
    """Send what is due and needs nobody's approval."""
    chosen = read_customers(request.form.getlist("customer"))
    with work_here() as work:
        known = list(customer_names(work, chosen))
    written = 0
    if known:
        written = send_reminders(services(), place().supplier_id, actor(), today(), known).written
    return redirect(url_for("worklist.show", reminded=written), 303)


def read_customers(given: Sequence[str]) -> list[UUID]:
    """The ids among what was ticked, each once."""
    return ids_in(given[:MOST_AT_ONCE])
