"""What dunning has to know, loaded as sets: one look per question for all customers of a page, none per invoice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.collecting.chasing import Hold
from receivables.domain.collecting.dunning import USUAL_SEGMENTS
from receivables.domain.collecting.reminders import CustomerFacts, Done, InvoiceFacts, Recipient
from receivables.domain.collecting.scenarios import FIRM
from receivables.services.collecting.chasing import chase_dues
from receivables.services.collecting.promising import promised_by_customer
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.collecting.dunning import COUNTS
from receivables.store.customer_file.contacts import STANDARD, recipients_by_role
from receivables.store.mail.wishes import EARLY, unwanted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.collecting.chasing import ChaseState
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.work import Work

RISKY_DAYS = 365
"""A firm reminder or a broken promise within this time makes a customer risky."""


def customers_with_open_invoices(
    work: Work, day: date, lead_days: int, *, after: UUID | None = None, limit: int = 500
) -> list[UUID]:
    """Customers with something open that is due within ``lead_days`` of a day, in ascending order of their ids."""
    rows = work.rows(
        "SELECT DISTINCT item.customer_id FROM receivable_items AS item WHERE item.supplier_id = :supplier "
        "AND item.kind = 'invoice' AND item.open_minor > 0 "
        "AND (CAST(:after AS uuid) IS NULL OR item.customer_id > :after) "
        "AND (item.due_on <= CAST(:day AS date) + :lead OR EXISTS (SELECT 1 FROM instalments AS part "
        "WHERE part.supplier_id = :supplier AND part.invoice_id = item.invoice_id "
        "AND part.due_on <= CAST(:day AS date) + :lead)) ORDER BY item.customer_id LIMIT :limit",
        day=day,
        lead=lead_days,
        after=after,
        limit=limit,
    )
    return [row["customer_id"] for row in rows]


def load_facts(
    work: Work, customer_ids: Sequence[UUID], day: date, roles: Collection[str], lead_days: int
) -> list[CustomerFacts]:
    """What is known of these customers on a day, by their ids in order; ``roles`` are contacts that a step may want."""
    ids = sorted(set(customer_ids))
    invoices = _invoices(work, ids, day, lead_days)
    reachable = _recipients(work, ids, roles)
    found = []
    for row in _customers(work, ids, day):
        customer_id, kind = row["customer_id"], row["kind"]
        segment = row["segment"] or STANDARD
        found.append(
            CustomerFacts(
                customer_id,
                row["name"],
                kind,
                USUAL_SEGMENTS.get(kind, segment) if segment == STANDARD else segment,
                row["language"],
                tuple(invoices[customer_id]),
                reachable[customer_id],
                row["mails_come_back"],
                row["credits"] or {},
                row["last_mail_on"],
                row["last_call_on"],
                row["stopped_until"],
                row["autopay"],
                is_new=not row["has_paid"],
                is_risky=row["is_risky"],
            )
        )
    return found


def _customers(work: Work, ids: list[UUID], day: date) -> Sequence[RowMapping]:
    last = "SELECT max(written_on) FROM dunning_notices AS notice WHERE notice.supplier_id = :supplier AND "
    last += f"notice.customer_id = customer.customer_id AND {COUNTS} AND notice.channel"
    return work.rows(
        "SELECT customer.customer_id, customer.name, customer.kind, customer.language, file.segment, "
        f"({last} = 'mail') AS last_mail_on, ({last} = 'call') AS last_call_on, "
        "(SELECT max(until_on) FROM dunning_stops AS stop WHERE stop.supplier_id = :supplier "
        "AND stop.customer_id = customer.customer_id AND stop.ended_at IS NULL) AS stopped_until, "
        "EXISTS (SELECT 1 FROM autopay WHERE autopay.supplier_id = :supplier "
        "AND autopay.customer_id = customer.customer_id AND autopay.state = 'on') AS autopay, "
        "EXISTS (SELECT 1 FROM customer_contacts AS contact WHERE contact.supplier_id = :supplier "
        "AND contact.customer_id = customer.customer_id AND contact.removed_at IS NULL "
        "AND contact.mail_state <> 'good') AS mails_come_back, "
        "EXISTS (SELECT 1 FROM receivable_items AS item WHERE item.supplier_id = :supplier "
        "AND item.customer_id = customer.customer_id AND item.kind = 'receipt') AS has_paid, "
        "(SELECT jsonb_object_agg(currency, minor) FROM (SELECT currency::text, sum(open_minor) AS minor "
        "FROM receivable_items AS item WHERE item.supplier_id = :supplier AND item.customer_id = customer.customer_id "
        "AND NOT item.debit AND item.open_minor > 0 GROUP BY currency) AS unused) AS credits, "
        "(EXISTS (SELECT 1 FROM dunning_notices AS notice WHERE notice.supplier_id = :supplier "
        f"AND notice.customer_id = customer.customer_id AND {COUNTS} AND notice.level >= :firm "
        "AND notice.written_on > CAST(:day AS date) - :risky) OR EXISTS (SELECT 1 FROM promises AS promise "
        "WHERE promise.supplier_id = :supplier AND promise.customer_id = customer.customer_id "
        "AND promise.state = 'broken' AND promise.promised_on > CAST(:day AS date) - :risky)) AS is_risky "
        "FROM customers AS customer LEFT JOIN customer_files AS file USING (supplier_id, customer_id) "
        "WHERE customer.supplier_id = :supplier AND customer.customer_id = ANY(:ids) ORDER BY customer.customer_id",
        ids=ids,
        firm=FIRM,
        day=day,
        risky=RISKY_DAYS,
    )


def _recipients(work: Work, ids: list[UUID], roles: Collection[str]) -> dict[UUID, dict[str, Recipient]]:
    found: dict[UUID, dict[str, Recipient]] = {customer_id: {} for customer_id in ids}
    if not roles:
        return found
    by_role = recipients_by_role(work, ids, sorted(roles))
    silent = unwanted(work, {one.email for chosen in by_role.values() for one in chosen.values() if one.email}, EARLY)
    for role, contacts in by_role.items():
        for customer_id, contact in contacts.items():
            found[customer_id][role] = Recipient(
                contact.name, contact.email or "", contact.language, contact.phone, contact.email not in silent
            )
    return found


@dataclass(frozen=True, slots=True)
class _Happened:
    """What befell one invoice since the last step on it."""

    done: tuple[Done, ...] = ()
    promise_broken: bool = False
    resume_level: int = 0


def _invoices(work: Work, customer_ids: list[UUID], day: date, lead_days: int) -> dict[UUID, list[InvoiceFacts]]:
    rows = work.rows(
        "SELECT item.customer_id, item.invoice_id FROM receivable_items AS item WHERE item.supplier_id = :supplier "
        "AND item.kind = 'invoice' AND item.open_minor > 0 AND item.customer_id = ANY(:ids) "
        "AND (item.due_on <= CAST(:day AS date) + :lead OR EXISTS (SELECT 1 FROM instalments AS part "
        "WHERE part.supplier_id = :supplier AND part.invoice_id = item.invoice_id "
        "AND part.due_on <= CAST(:day AS date) + :lead))",
        ids=customer_ids,
        day=day,
        lead=lead_days,
    )
    owner = {row["invoice_id"]: row["customer_id"] for row in rows}
    dues = due_on_invoices(work, list(owner), day) if owner else []
    states = chase_dues(work, dues, day) if owner else {}
    happened = _happened(work, {due.invoice_id: due.next_due_on for due in dues})
    promised = [each for each, state in states.items() if state.held_minor("promised")]
    own_word = promised_by_customer(work, promised) if promised else set()
    found: dict[UUID, list[InvoiceFacts]] = defaultdict(list)
    for due in dues:
        each = due.invoice_id
        facts = _facts(due, states[each], happened[each], own_word=each in own_word)
        found[owner[each]].append(facts)
    return found


def _facts(due: InvoiceDue, state: ChaseState, told: _Happened, *, own_word: bool) -> InvoiceFacts:
    """What may be asked for: of what fell due, what nothing holds; what is held counts against what is due first.

    An invoice under a payment plan is left to the plan's own notices, until it is kept or broken.
    """
    in_plan = bool(due.planned)
    holds = state.holds
    if in_plan and not any(hold.why == "planned" for hold in holds):
        holds = (Hold("planned", due.open_minor), *holds)
    held = sum(hold.amount_minor for hold in state.holds if hold.why != "in_flight")
    late = max(min(state.chaseable_minor, due.due_now_minor - held), 0)
    coming = max(min(state.chaseable_minor, due.asked_minor - held), 0)
    return InvoiceFacts(
        due.invoice_id,
        due.number,
        due.currency,
        due.next_due_on,
        0 if in_plan else late,
        0 if in_plan else coming,
        due.open_minor,
        holds,
        told.done,
        told.promise_broken,
        told.resume_level,
        state.held_minor("promised") if own_word else 0,
    )


def _happened(work: Work, late_from: Mapping[UUID, date]) -> dict[UUID, _Happened]:
    """The steps that were taken since each invoice is late, and what befell it after the last of them."""
    ids = list(late_from)
    done: dict[UUID, list[Done]] = defaultdict(list)
    last_at: dict[UUID, datetime] = {}
    broken: dict[UUID, datetime] = {}
    returned: dict[UUID, list[tuple[datetime, int]]] = defaultdict(list)
    for row in work.rows(_BEFALLEN, ids=ids) if ids else ():
        invoice_id = row["invoice_id"]
        if row["what"] == "broken":
            broken[invoice_id] = row["at"]
        elif row["what"] == "returned":
            returned[invoice_id].append((row["at"], row["level"]))
        elif row["late_from"] == late_from[invoice_id]:
            done[invoice_id].append(Done(row["step"], row["level"], row["written_on"]))
            last_at[invoice_id] = row["at"]
    return {
        each: _Happened(
            tuple(done[each]),
            each in broken and (each not in last_at or broken[each] > last_at[each]),
            max(
                (level for at, level in returned.get(each, ()) if each not in last_at or at > last_at[each]), default=0
            ),
        )
        for each in ids
    }


_BEFALLEN = (
    "SELECT 'reminded' AS what, part.invoice_id, notice.written_at AS at, part.level, part.step, part.late_from, "
    "notice.written_on, notice.notice_id FROM dunned_invoices AS part JOIN dunning_notices AS notice "
    f"USING (supplier_id, notice_id) WHERE part.supplier_id = :supplier AND part.invoice_id = ANY(:ids) AND {COUNTS} "
    "UNION ALL SELECT 'broken', part.invoice_id, max(promise.changed_at), NULL, NULL, NULL, NULL, NULL "
    "FROM promised_invoices AS part JOIN promises AS promise USING (supplier_id, promise_id) "
    "WHERE part.supplier_id = :supplier AND part.invoice_id = ANY(:ids) AND promise.state = 'broken' "
    "GROUP BY part.invoice_id "
    "UNION ALL SELECT 'returned', part.invoice_id, back.changed_at, CAST(substr(act.what, 7) AS integer), NULL, NULL, "
    "NULL, NULL FROM reservations AS part JOIN debit_returns AS back USING (supplier_id, attempt_id) "
    "CROSS JOIN jsonb_array_elements_text(back.done) AS act (what) WHERE part.supplier_id = :supplier "
    "AND part.invoice_id = ANY(:ids) AND back.state = 'done' AND act.what ~ '^level:[0-9]$' ORDER BY at, notice_id"
)
"""Of these invoices, in order: the steps taken, when the last promise turned out broken, and when debits came back with
the level at which reminders resume (config/law/returns.toml)."""
