"""Which suppliers have something to do for a chore: asked of the register in one query, instead of each supplier.

In a large house most suppliers have nothing to do most of the time. The register sees *that* there is something, never
what it is (`WORK_TO_DO` in the migrations); each condition is one look into an index per supplier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import now

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from config.database import Database

PAID_ONLINE = "EXISTS (SELECT 1 FROM gateway_accounts AS account WHERE account.supplier_id = supplier.supplier_id)"
"""Has an account at a payment provider, the active one or an earlier one."""
CHECKOUTS_TO_TEND = (
    "EXISTS (SELECT 1 FROM gateway_accounts AS account WHERE account.supplier_id = supplier.supplier_id "
    "AND (provider <> 'stripe' OR NOT active))"
)
"""Is or was paid through a provider whose checkouts do not end by themselves, or has left one."""
REFUNDS_UNDER_WAY = (
    "EXISTS (SELECT 1 FROM refund_orders AS refund WHERE refund.supplier_id = supplier.supplier_id "
    "AND state IN ('to_send', 'sent'))"
)
REFUNDS = "EXISTS (SELECT 1 FROM refund_orders AS refund WHERE refund.supplier_id = supplier.supplier_id)"
OPEN_PAYOUTS = (
    "EXISTS (SELECT 1 FROM payouts WHERE payouts.supplier_id = supplier.supplier_id "
    "AND state IN ('on_its_way', 'paid'))"
)
UNFINISHED_STATEMENTS = (
    "EXISTS (SELECT 1 FROM statements WHERE statements.supplier_id = supplier.supplier_id AND finished_at IS NULL)"
)
WAITING_BANK_LINES = (
    "EXISTS (SELECT 1 FROM bank_lines AS line WHERE line.supplier_id = supplier.supplier_id "
    "AND state IN ('proposed', 'unidentified'))"
)
LATE_DISPUTES = (
    "EXISTS (SELECT 1 FROM disputes AS dispute WHERE dispute.supplier_id = supplier.supplier_id AND closed_at IS NULL "
    "AND merged_into IS NULL AND least(close_due_on, CASE WHEN answered_at IS NULL THEN answer_due_on END) "
    "< CAST(:now AS date))"
)
"""A dispute whose deadline passed."""
DEBITS = (
    "(EXISTS (SELECT 1 FROM debits WHERE debits.supplier_id = supplier.supplier_id) "
    "OR EXISTS (SELECT 1 FROM autopay WHERE autopay.supplier_id = supplier.supplier_id) "
    "OR EXISTS (SELECT 1 FROM debit_returns AS back WHERE back.supplier_id = supplier.supplier_id))"
)
"""Collects, or has ever collected, by itself."""
RIPE_ACCOUNTS = (
    "EXISTS (SELECT 1 FROM bank_accounts AS account WHERE account.supplier_id = supplier.supplier_id "
    "AND state IN ('proposed', 'confirmed') AND active_from <= :now)"
)
"""A change of bank account whose quarantine is over."""
PROMISES_TO_JUDGE = (
    "EXISTS (SELECT 1 FROM promises AS promise WHERE promise.supplier_id = supplier.supplier_id "
    "AND (state = 'pending' OR state = 'kept' AND judged_on >= CAST(:now AS timestamptz)::date - 60))"
)
"""A promise without a verdict, or one that was kept not long ago by money that may still go back."""
PLANS_UNDER_WAY = (
    "EXISTS (SELECT 1 FROM plans AS plan WHERE plan.supplier_id = supplier.supplier_id "
    "AND (state IN ('proposed', 'accepted') "
    "OR state = 'kept' AND changed_at >= CAST(:now AS timestamptz) - interval '90 days'))"
)
MAILS_TO_SEND = (
    "EXISTS (SELECT 1 FROM mails WHERE mails.supplier_id = supplier.supplier_id AND mails.state = 'to_send' "
    "AND mails.next_try_at <= :now)"
)
REMINDERS_TO_PLAN = (
    "EXISTS (SELECT 1 FROM dunning_settings AS dunning WHERE dunning.supplier_id = supplier.supplier_id "
    "AND dunning.automatic AND dunning.next_run_at <= :now)"
)
"""Reminds by itself, and its next day of reminders has begun."""
CREDIT_ENDING = (
    "(EXISTS (SELECT 1 FROM credit_limits AS held WHERE held.supplier_id = supplier.supplier_id "
    "AND held.ended_at IS NULL AND held.valid_until < (CAST(:now AS timestamptz) AT TIME ZONE 'Europe/Paris')::date) "
    "OR EXISTS (SELECT 1 FROM derogations AS asked WHERE asked.supplier_id = supplier.supplier_id "
    "AND asked.state IN ('asked', 'agreed') "
    "AND asked.expires_on < (CAST(:now AS timestamptz) AT TIME ZONE 'Europe/Paris')::date))"
)
"""A limit or a derogation whose day is past."""
UNSEALED_AUDIT = (
    "EXISTS (SELECT 1 FROM (SELECT written_in, audit_id FROM audit_rows AS written "
    "WHERE written.supplier_id = supplier.supplier_id ORDER BY written_in DESC, audit_id DESC LIMIT 1) AS newest "
    "LEFT JOIN (SELECT last_xid, last_audit_id FROM audit_seals AS seal "
    "WHERE seal.supplier_id = supplier.supplier_id ORDER BY block DESC LIMIT 1) AS sealed ON true "
    "WHERE last_xid IS NULL OR (written_in, audit_id) > (last_xid, last_audit_id))"
)

DUE_INDICATOR_MAILINGS = (
    "EXISTS (SELECT 1 FROM indicator_mailings AS mailing WHERE mailing.supplier_id = supplier.supplier_id "
    "AND state = 'on' AND next_on <= (CAST(:now AS timestamptz) AT TIME ZONE 'Europe/Paris')::date)"
)
"""Somebody is to be mailed the indicators."""

_TODAY = "date_trunc('day', CAST(:now AS timestamptz), 'Europe/Paris')"
SCORES_DUE = (
    "EXISTS (SELECT 1 FROM customers AS customer WHERE customer.supplier_id = supplier.supplier_id "
    f"AND customer.created_at < {_TODAY}) AND NOT EXISTS (SELECT 1 FROM watermarks AS scored "
    f"WHERE scored.supplier_id = supplier.supplier_id AND scored.name = 'scores' AND scored.reached_at >= {_TODAY})"
)
"""Had customers yesterday, whom nobody has scored for that day."""
_DIGEST_DUE_SINCE = (
    "date_trunc('week', CAST(:now AS timestamptz) - interval '6 hours', 'Europe/Paris') + interval '6 hours'"
)
DIGEST_DUE = (
    "EXISTS (SELECT 1 FROM customers AS customer WHERE customer.supplier_id = supplier.supplier_id "
    f"AND customer.created_at < {_DIGEST_DUE_SINCE}) AND NOT EXISTS (SELECT 1 FROM watermarks AS told "
    "WHERE told.supplier_id = supplier.supplier_id AND told.name = 'digest' "
    f"AND told.reached_at >= {_DIGEST_DUE_SINCE})"
)
"""Had customers last week, of which nobody was told since Monday at six in the morning."""
INSURANCE_DUE = (
    "EXISTS (SELECT 1 FROM insurance_policies AS policy WHERE policy.supplier_id = supplier.supplier_id) "
    "AND NOT EXISTS (SELECT 1 FROM watermarks AS tended WHERE tended.supplier_id = supplier.supplier_id "
    f"AND tended.name = 'insurance' AND tended.reached_at >= {_TODAY})"
)
"""Is insured, and nobody has looked at its deadlines today."""
SHORT_PAYMENTS = (
    "(EXISTS (SELECT 1 FROM tasks AS task WHERE task.supplier_id = supplier.supplier_id AND task.state = 'open' "
    "AND task.kind = 'dispute.short_payment') "
    "OR EXISTS (SELECT 1 FROM customers AS customer WHERE customer.supplier_id = supplier.supplier_id "
    f"AND customer.created_at < {_TODAY}) AND NOT EXISTS (SELECT 1 FROM watermarks AS tended WHERE "
    f"tended.supplier_id = supplier.supplier_id AND tended.name = 'short_payments' AND tended.reached_at >= {_TODAY}))"
)
"""Somebody is to ask why a payment was short, or nobody has looked for such payments today."""
CLAIMS_ASSIGNED = (
    "EXISTS (SELECT 1 FROM assignments AS claim WHERE claim.supplier_id = supplier.supplier_id "
    "AND (claim.state = 'assigned' OR claim.confidential AND claim.state = 'paid'))"
)

EVENTS_TO_NUMBER = (
    "EXISTS (SELECT 1 FROM event_log AS event WHERE event.supplier_id = supplier.supplier_id "
    "AND event.position IS NULL)"
)
"""Something happened that whoever listens has not heard of."""
OVERDUE_TO_TELL = (
    "EXISTS (SELECT 1 FROM customers AS customer WHERE customer.supplier_id = supplier.supplier_id "
    f"AND customer.created_at < {_TODAY}) AND NOT EXISTS (SELECT 1 FROM watermarks AS told WHERE "
    f"told.supplier_id = supplier.supplier_id AND told.name = 'overdue_told' AND told.reached_at >= {_TODAY})"
)
"""Had customers yesterday, and nobody has told today which invoices became overdue."""

JOBS_TO_DO = (
    "EXISTS (SELECT 1 FROM jobs AS job WHERE job.supplier_id = supplier.supplier_id AND job.state = 'running' "
    "AND (job.held_until IS NULL OR job.held_until < :now))"
)
"""A job with lines that wait, and nobody at it."""
STANDINGS_TURNING = (
    "EXISTS (SELECT 1 FROM customer_standings AS kept WHERE kept.supplier_id = supplier.supplier_id "
    "AND kept.turns_on <= (CAST(:now AS timestamptz) AT TIME ZONE 'Europe/Paris')::date)"
)
"""Something became late or older since its customer was counted."""
EXPORTS_TO_END = (
    "EXISTS (SELECT 1 FROM exports AS export WHERE export.supplier_id = supplier.supplier_id "
    "AND export.state = 'ready' AND export.expires_at <= :now)"
)
"""A file that was made for somebody, whose time is over."""
RECURRING_DUE = (
    "(EXISTS (SELECT 1 FROM recurring_invoices AS plan WHERE plan.supplier_id = supplier.supplier_id "
    "AND plan.state = 'on' AND plan.next_on <= (CAST(:now AS timestamptz) AT TIME ZONE 'Europe/Paris')::date) "
    "OR EXISTS (SELECT 1 FROM recurring_dates AS told WHERE told.supplier_id = supplier.supplier_id "
    "AND told.state = 'planned'))"
)
"""An invoice that comes back has reached its day, or was not finished."""

SENDERS_TO_CHECK = (
    "EXISTS (SELECT 1 FROM mail_senders AS sender WHERE sender.supplier_id = supplier.supplier_id "
    "AND sender.state <> 'ended' AND sender.next_check_at <= :now)"
)
"""Writes from an address of its own, whose DNS nobody has looked at lately."""


def suppliers_with(database: Database, condition: str) -> list[UUID]:
    """Suppliers that meet a ``condition`` of this module."""
    return _ask(database, condition)


def suppliers_with_contests(database: Database, watermark: str, overlap: timedelta) -> list[UUID]:
    """Suppliers with a complaint that changed since their ``watermark``, or was never looked at."""
    return _ask(
        database,
        "EXISTS (SELECT 1 FROM provider_disputes AS contest LEFT JOIN watermarks AS looked "
        "ON looked.supplier_id = contest.supplier_id AND looked.name = :watermark "
        "WHERE contest.supplier_id = supplier.supplier_id AND contest.state <> 'answered' "
        "AND (reached_at IS NULL OR contest.changed_at >= reached_at - CAST(:overlap AS interval)))",
        watermark=watermark,
        overlap=overlap,
    )


def _ask(database: Database, condition: str, **values: object) -> list[UUID]:
    with database.register() as connection:
        rows = connection.scalars(
            text(f"SELECT supplier_id FROM suppliers AS supplier WHERE {condition} ORDER BY supplier_id"),
            {"now": now(), **values} if ":now" in condition else values,
        )
        return list(rows)
