"""What payment plans that are under way ask for of each of their invoices, and when, in PostgreSQL."""

from __future__ import annotations

from receivables.store.collecting.plans import STANDING

_FREE = (
    "SELECT line.position, greatest(least(open_minor - held_minor, line.amount_minor), 0) AS free FROM ("
    f"SELECT named.position, named.amount_minor, {STANDING} FROM plan_invoices AS named JOIN invoices AS invoice "
    "USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND named.plan_id = own.plan_id) AS line"
)
"""The invoices of a plan in the order in which money settles them, with what nothing holds of each."""
PLANNED = (
    "SELECT own.invoice_id, part.due_on, (least(part.upto, sums.upto) "
    "- greatest(part.upto - part.amount_minor, sums.upto - sums.own))::bigint AS minor FROM plan_invoices AS own "
    "JOIN plans AS plan USING (supplier_id, plan_id) CROSS JOIN LATERAL ("
    "SELECT plan.total_minor - coalesce(sum(free) FILTER (WHERE position > own.position), 0) AS upto, "
    f"coalesce(sum(free) FILTER (WHERE position = own.position), 0) AS own FROM ({_FREE}) AS lines) AS sums "
    "CROSS JOIN LATERAL (SELECT due_on, amount_minor, sum(amount_minor) OVER (ORDER BY position) AS upto "
    "FROM plan_instalments WHERE supplier_id = :supplier AND plan_id = own.plan_id) AS part "
    "WHERE supplier_id = :supplier AND plan.state = 'accepted' AND part.upto > sums.upto - sums.own "
    "AND part.upto - part.amount_minor < sums.upto"
)
"""The days of a plan laid over its invoices, as :meth:`Plan.terms_of` does: a row for each invoice and day, with the
minor units asked for then. What is in flight or disputed is asked for on no day. More conditions may follow."""


def late_by_plan(condition: str = "") -> str:
    """What of each invoice in a plan is late by the plan: nothing as long as it is respected; more may narrow it."""
    return (
        "SELECT invoice_id, coalesce(sum(minor) FILTER (WHERE due_on < :today), 0)::bigint AS late "
        f"FROM ({PLANNED} {condition}) AS planned GROUP BY invoice_id"
    )
