"""The exposure in PostgreSQL: sums by component for many customers now, lines of one customer now or on a past day.

One row of :data:`SUMS` is read from indexes alone; no table holds a sum that could drift from its lines.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from receivables.domain.invoicing.invoices import CREDIT_NOTES
from receivables.domain.risk.commitments import DELIVERY, ORDER, PURCHASE_ORDER, Commitment, plan_left
from receivables.domain.risk.exposure import COMPONENTS, ExposureLine
from receivables.store.accounting.factors import AT_RISK
from receivables.store.risk.commitments import commitment_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from receivables.domain.risk.commitments import Billing
    from receivables.store.work import Work

WHOLE = 100
_COUNTED = "left_minor * weight_percent / 100"
_NOTES = ", ".join(f"'{each}'" for each in sorted(CREDIT_NOTES))
_DEPOSITED = (
    "CASE WHEN type_code IN ('386', '500') THEN -coalesce(moved.minor, 0) WHEN type_code = '503' THEN payable_minor "
    f"WHEN type_code IN ({_NOTES}) THEN -greatest(prepaid_minor, 0) ELSE greatest(prepaid_minor, 0) END"
)
"""What a document adds to the exposure by deposits: less by what a deposit invoice collected, more by what a final
invoice deducts or a credit note gives back of it."""
_ABOUT_DEPOSITS = "(type_code IN ('386', '500', '503') OR process LIKE '_4')"
_NOT_REPLACED = (
    "NOT EXISTS (SELECT 1 FROM replacements WHERE replacements.supplier_id = :supplier "
    "AND replaced_id = invoice.invoice_id)"
)
_OF_ORDER = (
    "(claim.kind = 'order' AND (told.kind = 'order' AND told.reference = claim.reference "
    "OR told.order_reference = claim.reference) OR claim.kind = 'purchase_order' AND ("
    "told.buyer_reference = claim.reference OR told.order_reference IN (SELECT reference FROM commitments AS bought "
    "WHERE bought.supplier_id = :supplier AND bought.customer_id = claim.customer_id AND bought.kind = 'order' "
    "AND bought.buyer_reference = claim.reference)))"
)


def _branch(source: str, **sums: str) -> str:
    """One part of the sums: some components of its customers, nothing of the others."""
    parts = ", ".join(f"{sums.get(name, '0')} AS {name}" for name in COMPONENTS)
    return f"SELECT customer_id, {parts} FROM {source} GROUP BY customer_id"


SUMS = (
    "SELECT customer_id, "
    + ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in COMPONENTS)
    + " FROM ("
    + " UNION ALL ".join(
        (
            _branch(
                "receivable_items WHERE supplier_id = :supplier AND open_minor > 0 AND currency = :currency {who}",
                invoiced="sum(open_minor) FILTER (WHERE debit)",
                credits="-sum(open_minor) FILTER (WHERE NOT debit)",
            ),
            _branch(
                "(SELECT item.customer_id, least(flying, open_minor) AS minor FROM (SELECT invoice_id, "
                "sum(held.amount_minor) AS flying FROM payment_attempts JOIN reservations AS held "
                "USING (supplier_id, attempt_id) WHERE supplier_id = :supplier "
                "AND payment_attempts.state = 'processing' "
                "AND held.state = 'processing' {who} GROUP BY invoice_id) AS flight JOIN receivable_items AS item "
                "USING (invoice_id) WHERE item.supplier_id = :supplier AND item.kind = 'invoice' "
                "AND item.currency = :currency AND open_minor > 0) AS flown",  # paid meanwhile
                invoiced="-sum(minor)",
                in_flight="sum(minor)",
            ),
            _branch(
                "(SELECT customer_id, contest.amount_minor AS minor FROM provider_disputes AS contest "
                "JOIN payment_attempts USING (supplier_id, attempt_id) WHERE supplier_id = :supplier "
                "AND contest.state IN ('open', 'answered') AND contest.currency = :currency {who}) AS contested",
                contested="sum(minor)",
            ),
            _branch(
                f"assignments WHERE supplier_id = :supplier AND {AT_RISK} AND state = 'assigned' "
                "AND currency = :currency {who}",
                assigned="sum(open_minor)",
            ),
            _branch(
                "commitments WHERE supplier_id = :supplier AND left_minor > 0 AND currency = :currency {who}",
                delivered=f"sum({_COUNTED}) FILTER (WHERE kind = 'delivery')",
                ordered=f"sum({_COUNTED}) FILTER (WHERE kind = 'order')",
            ),
            _branch(
                "(SELECT customer_id, least(asked, counted) AS minor FROM (SELECT customer_id, kind, reference, "
                "sum(open_minor) AS asked FROM (SELECT DISTINCT ON (billed.invoice_id) billed.customer_id, "
                "billed.kind, "
                "billed.reference, item.open_minor FROM billed_references AS billed JOIN receivable_items AS item "
                "ON item.supplier_id = :supplier AND item.invoice_id = billed.invoice_id AND item.kind = 'invoice' "
                "AND item.open_minor > 0 AND item.currency = :currency WHERE billed.supplier_id = :supplier "
                "AND billed.deposit {billed} ORDER BY billed.invoice_id, billed.kind) AS named "
                "GROUP BY customer_id, kind, reference) AS claim CROSS JOIN LATERAL ("
                f"SELECT coalesce(sum({_COUNTED}), 0) AS counted FROM commitments AS told "
                "WHERE told.supplier_id = :supplier AND told.customer_id = claim.customer_id "
                f"AND told.currency = :currency AND told.left_minor > 0 AND {_OF_ORDER}) AS rest) AS claimed",
                ordered="-sum(minor)",
            ),
            _branch(
                f"(SELECT customer_id, {_DEPOSITED} AS minor FROM invoices AS invoice LEFT JOIN LATERAL ("
                "SELECT sum(amount_minor) AS minor FROM collections WHERE collections.supplier_id = :supplier "
                "AND collections.invoice_id = invoice.invoice_id) AS moved ON true WHERE supplier_id = :supplier "
                f"AND currency = :currency AND {_ABOUT_DEPOSITS} {{who}} AND {_NOT_REPLACED}) AS deposited",
                deposits="sum(minor)",
            ),
        )
    )
    + ") AS parts GROUP BY customer_id"
)
"""The components of every customer, signed as they count; ``{who}`` and ``{billed}`` narrow it to some."""

_NOW = (
    "items AS (SELECT posting_id, invoice_id, reference, kind, debit, booked_on, due_on, open_minor "
    "FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer AND currency = :currency "
    "AND open_minor > 0), "
)
_THEN = (
    "pairs AS (SELECT debit_posting_id, credit_posting_id, allocation.amount_minor FROM allocations AS allocation "
    "JOIN receivable_items AS debit ON debit.supplier_id = :supplier AND debit.posting_id = debit_posting_id "
    "JOIN receivable_items AS credit ON credit.supplier_id = :supplier AND credit.posting_id = credit_posting_id "
    "WHERE allocation.supplier_id = :supplier AND allocation.customer_id = :customer "
    "AND greatest(allocation.effective_on, debit.booked_on, credit.booked_on) <= :day), "
    "settled AS (SELECT posting_id, sum(minor) AS minor FROM (SELECT debit_posting_id AS posting_id, "
    "amount_minor AS minor FROM pairs UNION ALL SELECT credit_posting_id, amount_minor FROM pairs) AS both_sides "
    "GROUP BY posting_id), "
    "items AS (SELECT posting_id, invoice_id, reference, kind, debit, booked_on, due_on, "
    "(amount_minor - coalesce(settled.minor, 0))::bigint AS open_minor FROM receivable_items "
    "LEFT JOIN settled USING (posting_id) WHERE supplier_id = :supplier AND customer_id = :customer "
    "AND currency = :currency AND booked_on <= :day AND amount_minor > coalesce(settled.minor, 0)), "
)
"""Open lines of a past day: allocations count from the later day of their lines, below zero from what undid them."""
_END = "(CAST(:day AS date) + 1)::timestamp AT TIME ZONE 'Europe/Paris'"
_LINES = (
    "flight AS (SELECT invoice_id, sum(held.amount_minor)::bigint AS flying FROM payment_attempts AS attempt "
    "JOIN reservations AS held USING (supplier_id, attempt_id) WHERE supplier_id = :supplier "
    f"AND customer_id = :customer AND flew_at < {_END} AND (landed_at IS NULL OR landed_at >= {_END}) "
    "GROUP BY invoice_id), "
    "open_items AS (SELECT items.*, CASE WHEN kind = 'invoice' THEN least(coalesce(flying, 0), open_minor) ELSE 0 END "
    "AS flying FROM items LEFT JOIN flight USING (invoice_id)), "
    "lines AS (SELECT 'invoiced' AS component, kind, reference, booked_on AS began_on, due_on, "
    "open_minor - flying AS minor, invoice_id FROM open_items WHERE debit AND open_minor > flying "
    "UNION ALL SELECT 'in_flight', kind, reference, booked_on, due_on, flying, invoice_id FROM open_items "
    "WHERE flying > 0 UNION ALL SELECT 'credits', kind, reference, booked_on, due_on, -open_minor, invoice_id "
    "FROM open_items WHERE NOT debit "
    "UNION ALL SELECT 'contested', 'contest', dispute_ref, (opened_at AT TIME ZONE 'Europe/Paris')::date, NULL, "
    "contest.amount_minor, NULL FROM provider_disputes AS contest JOIN payment_attempts AS paid "
    "USING (supplier_id, attempt_id) WHERE supplier_id = :supplier AND customer_id = :customer "
    f"AND contest.currency = :currency AND opened_at < {_END} "
    f"AND (contest.state IN ('open', 'answered') OR contest.changed_at >= {_END}) "
    "UNION ALL SELECT 'assigned', 'assigned', number, assigned_on, due_on, sum(moved.amount_minor)::bigint, invoice_id "
    "FROM assignments AS taken JOIN assignment_moves AS moved USING (supplier_id, assignment_id) "
    "JOIN entries AS entry USING (supplier_id, entry_id) JOIN invoices AS invoice USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND taken.customer_id = :customer AND taken.currency = :currency "
    f"AND {AT_RISK} AND entry.booked_on <= :day GROUP BY assignment_id, number, assigned_on, due_on, invoice_id "
    "HAVING sum(moved.amount_minor) > 0 "
    "UNION ALL SELECT 'deposits', CASE WHEN type_code IN ('386', '500') THEN 'deposit' ELSE 'deducted' END, number, "
    f"issued_on, NULL, ({_DEPOSITED})::bigint, invoice_id FROM invoices AS invoice LEFT JOIN LATERAL ("
    "SELECT sum(amount_minor) AS minor FROM collections WHERE collections.supplier_id = :supplier "
    "AND collections.invoice_id = invoice.invoice_id AND collected_on <= :day) AS moved ON true "
    "WHERE supplier_id = :supplier AND customer_id = :customer AND currency = :currency "
    f"AND {_ABOUT_DEPOSITS} AND issued_on <= :day AND {_NOT_REPLACED}) "
)


def sum_exposures(work: Work, customer_ids: Sequence[UUID] | None, currency: str) -> dict[UUID, dict[str, int]]:
    """The components of the given customers (of all that have any without them), signed as they count."""
    if customer_ids is None:
        rows = work.rows(SUMS.format(who="", billed=""), currency=currency)
    else:
        narrowed = SUMS.format(who="AND customer_id = ANY(:ids)", billed="AND billed.customer_id = ANY(:ids)")
        rows = work.rows(narrowed, currency=currency, ids=list(customer_ids))
    return {row["customer_id"]: {name: row[name] for name in COMPONENTS} for row in rows}


def _books(day: date) -> str:
    return f"WITH {_NOW if day >= date.max else _THEN}{_LINES}"


def sums_in_books(work: Work, customer_id: UUID, currency: str, day: date) -> dict[str, int]:
    """The sum by component of what the books held at the end of ``day``, signed; orders and deliveries apart."""
    rows = work.rows(
        _books(day) + "SELECT component, sum(minor)::bigint AS minor FROM lines GROUP BY component",
        customer=customer_id,
        currency=currency,
        day=day,
    )
    return {row["component"]: row["minor"] for row in rows}


def lines_in_books(
    work: Work, customer_id: UUID, currency: str, component: str, *, day: date, page: tuple[int, int]
) -> list[ExposureLine]:
    """A page (offset, limit) of the lines of one component at the end of ``day``, the oldest first."""
    rows = work.rows(
        _books(day) + "SELECT component, kind, reference, began_on, due_on, minor, invoice_id FROM lines "
        "WHERE component = :component AND minor <> 0 ORDER BY began_on, reference, minor OFFSET :offset LIMIT :limit",
        customer=customer_id,
        currency=currency,
        component=component,
        day=day,
        offset=page[0],
        limit=page[1],
    )
    return [ExposureLine(**row) for row in rows]


def planned_lines(
    work: Work,
    customer_id: UUID,
    currency: str,
    facts: tuple[Sequence[Commitment], Sequence[Billing]] | None,
    day: date,
) -> list[ExposureLine]:
    """Orders and deliveries with what is left of them; from ``facts`` of a past day, or as they stand now.

    What open deposit invoices ask for of an order lowers it: the invoice counts already.
    """
    if facts is None:
        rows = work.rows(
            "SELECT commitment_id, kind, reference, amount_minor, began_on, state, order_reference, buyer_reference, "
            "weight_percent, left_minor FROM commitments WHERE supplier_id = :supplier AND customer_id = :customer "
            "AND currency = :currency AND left_minor > 0",
            customer=customer_id,
            currency=currency,
        )
        left = [(commitment_of(row), row["left_minor"]) for row in rows]
        orders = [each for each, _ in left]
    else:
        plan = plan_left(*facts)
        orders = list(facts[0])
        left = [(each, plan[each.commitment_id]) for each in orders if plan[each.commitment_id]]
    counted = {each.commitment_id: minor * each.weight_percent // WHOLE for each, minor in left}
    lines = [
        ExposureLine(
            "delivered" if each.kind == DELIVERY else "ordered",
            each.kind,
            each.reference,
            each.began_on,
            None,
            counted[each.commitment_id],
        )
        for each, _ in left
        if counted[each.commitment_id]
    ]
    return lines + _claims(_asked(work, customer_id, currency, day), orders, counted)


def _asked(work: Work, customer_id: UUID, currency: str, day: date) -> list[tuple[str, str, int, date]]:
    """What open deposit invoices ask for: the order or purchase order, minor units, the day of the invoice."""
    rows = work.rows(
        _books(day)
        + "SELECT DISTINCT ON (invoice_id) billed.kind, billed.reference, items.open_minor, items.booked_on "
        "FROM items JOIN billed_references AS billed USING (invoice_id) WHERE billed.supplier_id = :supplier "
        "AND billed.deposit AND items.kind = 'invoice' ORDER BY invoice_id, billed.kind",
        customer=customer_id,
        currency=currency,
        day=day,
    )
    return [(row["kind"], row["reference"], row["open_minor"], row["booked_on"]) for row in rows]


def _claims(
    asked: Sequence[tuple[str, str, int, date]], orders: Sequence[Commitment], counted: Mapping[UUID, int]
) -> list[ExposureLine]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    first: dict[tuple[str, str], date] = {}
    for kind, reference, minor, began_on in asked:
        sums[kind, reference] += minor
        first[kind, reference] = min(began_on, first.get((kind, reference), began_on))
    lines = []
    for (kind, reference), minor in sums.items():
        named = {
            each.reference
            for each in orders
            if each.kind == ORDER
            and (each.reference == reference if kind == ORDER else each.buyer_reference == reference)
        } | ({reference} if kind == ORDER else set())
        rest = sum(
            counted.get(each.commitment_id, 0)
            for each in orders
            if (each.reference if each.kind == ORDER else each.order_reference) in named
        )
        if taken := min(minor, rest) if kind in (ORDER, PURCHASE_ORDER) else 0:
            lines.append(ExposureLine("ordered", "deposit_claim", reference, first[kind, reference], None, -taken))
    return lines
