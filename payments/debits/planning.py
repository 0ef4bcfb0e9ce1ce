"""What is to be collected: due invoices under a usable mandate, planned once, announced once, recomputed at the end.

A planned debit takes nothing of its invoice: whoever pays meanwhile pays, and less or nothing is collected. It becomes
a payment when its file is made (`batching`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from config.law.days import BANKING, on_or_after
from payments.debits.mandates import CORE, find_mandate, mandates_of
from payments.debits.schedule import LAPSE_MONTHS, collection_day, first_day
from payments.debits.settings import demand_settings
from payments.errors import PaymentError
from receivables.services.collecting.chasing import chase_state
from receivables.services.invoicing.dues import due_on_invoice, due_on_invoices
from receivables.store.conversations.disputes import ENDED_BY
from receivables.store.customer_file.customers import lock_customers
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from payments.debits.mandates import Mandate
    from receivables.store.work import Work

HORIZON = timedelta(days=30)
"""Invoices that fall due later are not offered for collection yet."""
CURRENCY = "EUR"
PAGE = 50
LIVE = ("planned", "notified", "in_file", "sent")
"""States of a debit that is still to bring money."""


@dataclass(frozen=True, slots=True)
class Collectable:
    """An invoice that may be collected: how much now, under which mandate, on which day if planned now."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    due_on: date
    payable_minor: int
    currency: str
    mandate_id: UUID
    scheme: str
    rum: str


@dataclass(frozen=True, slots=True)
class Told:
    """A debit whose payer has to be told: for the first time, or that its day has moved."""

    debit_id: UUID
    invoice_id: UUID
    customer_id: UUID
    number: str
    amount_minor: int
    currency: str
    collect_on: date
    rum: str
    ics: str
    iban_last4: str
    once_more: bool
    moved: bool


def list_collectables(work: Work, *, after: UUID | None = None, limit: int = PAGE) -> list[Collectable]:
    """Invoices that may be planned now, the longest due first; one more than ``limit`` where there are more.

    Left out: what is disputed, paused, refused, replaced, on its way, planned already, or not in euros.
    """
    rows = work.rows(
        "SELECT invoice.invoice_id, invoice.number, invoice.customer_id, customer.name AS customer_name, "
        "invoice.due_on, (item.open_minor - coalesce((SELECT sum(amount_minor) FROM reservations "
        "WHERE supplier_id = :supplier AND invoice_id = invoice.invoice_id AND state = 'processing'), 0))::bigint "
        "AS payable_minor, invoice.currency, mandate.mandate_id, mandate.scheme, mandate.rum "
        "FROM (SELECT invoice_id, open_minor, due_on FROM receivable_items WHERE supplier_id = :supplier "
        "AND kind = 'invoice' AND open_minor > 0 AND currency = :currency AND due_on <= :until AND customer_id IN ("
        "SELECT customer_id FROM mandates WHERE supplier_id = :supplier AND state = 'usable') "
        "AND (CAST(:after AS uuid) IS NULL OR (due_on, invoice_id) > (SELECT due_on, invoice_id FROM invoices "
        "WHERE supplier_id = :supplier AND invoice_id = :after)) ORDER BY due_on, invoice_id OFFSET 0) AS item "
        "JOIN LATERAL (SELECT * FROM invoices WHERE supplier_id = :supplier "
        "AND invoice_id = item.invoice_id LIMIT 1) AS invoice ON true "
        "JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = invoice.customer_id "
        "JOIN LATERAL (SELECT mandate_id, scheme, rum FROM mandates WHERE supplier_id = :supplier "
        "AND customer_id = invoice.customer_id AND state = 'usable' "
        "AND coalesce(last_used_on, CAST(signed_at AT TIME ZONE 'Europe/Paris' AS date)) "
        "+ make_interval(months => :lapse) > :today "
        "AND (NOT once OR NOT EXISTS (SELECT 1 FROM debits WHERE supplier_id = :supplier "
        "AND debits.mandate_id = mandates.mandate_id AND debits.state IN ('planned', 'notified', 'in_file', 'sent', "
        "'collected'))) ORDER BY once, signed_at DESC LIMIT 1) AS mandate ON true "
        "WHERE NOT EXISTS (SELECT 1 FROM debits "
        "WHERE supplier_id = :supplier AND debits.invoice_id = invoice.invoice_id AND debits.state = ANY(:live)) "
        "AND NOT EXISTS (SELECT 1 FROM disputes WHERE supplier_id = :supplier "
        "AND disputes.invoice_id = invoice.invoice_id AND closed_at IS NULL AND merged_into IS NULL) "
        "AND NOT EXISTS (SELECT 1 FROM dunning_pauses AS pause WHERE pause.supplier_id = :supplier "
        "AND pause.invoice_id = invoice.invoice_id AND pause.until_on > :today) "
        "AND item.open_minor > coalesce((SELECT sum(amount_minor) FROM reservations WHERE supplier_id = :supplier "
        "AND invoice_id = invoice.invoice_id AND state = 'processing'), 0) "
        f"AND {ENDED_BY} IS NULL ORDER BY item.due_on, item.invoice_id LIMIT :limit",
        lapse=LAPSE_MONTHS,
        today=today(),
        until=today() + HORIZON,
        currency=CURRENCY,
        live=list(LIVE),
        after=after,
        limit=limit + 1,
    )
    dues = {due.invoice_id: due for due in due_on_invoices(work, [row["invoice_id"] for row in rows])}
    found = [(Collectable(**row), dues[row["invoice_id"]]) for row in rows]
    return [replace(each, payable_minor=due.asked_minor, due_on=due.next_due_on) for each, due in found]


def plan_debit(
    work: Work,
    invoice_id: UUID,
    actor: str,
    *,
    chosen_by: str = "collector",
    mandate_id: UUID | None = None,
    at: datetime | None = None,
) -> UUID:
    """Plan the collection of what is due on an invoice; where it is planned already, that debit.

    Raises:
        PaymentError: ``debit.not_set_up``, ``debit.no_mandate``, ``debit.nothing_to_collect``,
            ``debit.other_currency``.
        NotFoundError: ``invoice.not_found``.
    """
    invoice, settings, at = get_invoice(work, invoice_id), demand_settings(work), at or now()
    lock_customers(work, [invoice.customer_id])
    known: UUID | None = work.scalar(
        "SELECT debit_id FROM debits WHERE supplier_id = :supplier AND invoice_id = :invoice AND state = ANY(:live)",
        invoice=invoice_id,
        live=list(LIVE),
    )
    if known is not None:
        return known
    if invoice.currency != CURRENCY:
        raise PaymentError(
            "debit.other_currency",
            f"{invoice.number} is in {invoice.currency}: SEPA debits are in euros.",
            f"{invoice.number} est en {invoice.currency} : les prélèvements SEPA sont en euros.",
        )
    amount = amount_to_collect(work, invoice_id)
    if amount <= 0 or invoice.is_assigned:
        raise PaymentError(
            "debit.nothing_to_collect",
            f"Nothing is to be collected on {invoice.number}: it is paid, disputed, paused, refused or a factor's.",
            f"Rien n'est à prélever sur {invoice.number} : elle est réglée, contestée, suspendue, refusée ou cédée.",
        )
    mandate = choose_mandate(work, invoice.customer_id, mandate_id)
    due_on = due_on_invoice(work, invoice_id).next_due_on
    day = collection_day(settings, mandate.scheme, due_on, mandate.notice_days, at)
    debit_id = insert_debit(
        work, mandate.mandate_id, invoice_id, amount_minor=amount, collect_on=day, chosen_by=chosen_by, actor=actor
    )
    work.audit(actor, "debit.planned", str(debit_id), invoice=invoice.number, amount_minor=amount, rum=mandate.rum)
    return debit_id


def insert_debit(
    work: Work,
    mandate_id: UUID,
    invoice_id: UUID,
    *,
    amount_minor: int,
    collect_on: date,
    chosen_by: str,
    actor: str,
    tries: int = 1,
) -> UUID:
    """Write a planned debit down; the caller holds the customer's lock."""
    debit_id = new_id()
    work.execute(
        "INSERT INTO debits (supplier_id, debit_id, mandate_id, invoice_id, end_to_end_id, amount_minor, currency, "
        "collect_on, state, tries, chosen_by, planned_by, created_at, changed_at) VALUES (:supplier, :id, :mandate, "
        ":invoice, :reference, :amount, 'EUR', :day, 'planned', :tries, :chosen_by, :actor, :at, :at)",
        id=debit_id,
        mandate=mandate_id,
        invoice=invoice_id,
        reference=f"QT{debit_id.hex}",
        amount=amount_minor,
        day=collect_on,
        tries=tries,
        chosen_by=chosen_by,
        actor=actor,
        at=now(),
    )
    return debit_id


def amount_to_collect(work: Work, invoice_id: UUID) -> int:
    """What of an invoice may be collected next, in minor units: the instalment that is asked for, or all of it.

    Nothing where any of it is disputed, paused (the payer announced a transfer), refused or replaced. What was
    announced is what is collected; what lies at the bank already is not. A payment plan gives its own instalments.
    """
    state = chase_state(work, invoice_id, today())
    if any(hold.why not in {"in_flight", "to_match", "announced", "planned"} for hold in state.holds):
        return 0
    agreed = state.held_minor("announced") + state.held_minor("planned")
    return min(state.chaseable_minor + agreed, due_on_invoice(work, invoice_id).asked_minor)


def why_nothing(work: Work, invoice_id: UUID) -> str:
    """Why nothing of an invoice is collected: ``assigned`` to a factor, ``insolvent``, or else ``nothing_left``."""
    if due_on_invoice(work, invoice_id).assigned_minor:
        return "assigned"
    held = {hold.why for hold in chase_state(work, invoice_id, today()).holds}
    return "insolvent" if "insolvent" in held else "nothing_left"


def choose_mandate(work: Work, customer_id: UUID, mandate_id: UUID | None = None) -> Mandate:
    """The mandate to debit under: the one asked for, or the newest that may be used; recurrent ones first.

    Raises:
        PaymentError: ``debit.no_mandate``.
    """
    day = today()
    known = [find_mandate(work, mandate_id, customer_id=customer_id)] if mandate_id else mandates_of(work, customer_id)
    usable = [each for each in known if each.is_usable(day) and not (each.once and _is_used_up(work, each.mandate_id))]
    if not usable:
        raise PaymentError(
            "debit.no_mandate",
            "This customer has no mandate that may be used: unsigned, not confirmed, lapsed after 36 months or ended.",
            "Ce client n'a aucun mandat utilisable : non signé, non confirmé, caduc après 36 mois ou terminé.",
        )
    return min(usable, key=lambda each: each.once)


def cancel_debit(work: Work, debit_id: UUID, actor: str, reason: str) -> bool:
    """Give up a debit that is in no file yet; whether it was."""
    row = work.row(
        "SELECT invoice.customer_id FROM debits JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND debit_id = :id",
        id=debit_id,
    )
    if row is None:
        return False
    lock_customers(work, [row["customer_id"]])
    given_up = cancel_debits(work, {debit_id: reason})
    if given_up:
        work.audit(actor, "debit.cancelled", str(debit_id), reason=reason)
    return bool(given_up)


def cancel_debits(work: Work, reasons: dict[UUID, str]) -> int:
    """Give up debits that are in no file yet, each for its reason; the caller holds the customers' locks."""
    count = 0
    for reason in set(reasons.values()):
        ids = [debit_id for debit_id, why in reasons.items() if why == reason]
        count += work.execute(
            "UPDATE debits SET state = 'cancelled', reason = :reason, changed_at = :at WHERE supplier_id = :supplier "
            "AND debit_id = ANY(:ids) AND state IN ('planned', 'notified')",
            ids=ids,
            reason=reason,
            at=now(),
        )
        work.execute(
            "UPDATE collections_announced SET state = 'withdrawn', reason = :reason, changed_at = :at "
            "WHERE supplier_id = :supplier AND debit_id = ANY(:ids) AND state = 'announced'",
            ids=ids,
            reason=reason,
            at=now(),
        )
    return count


def debits_to_tell(work: Work, *, limit: int = 200) -> list[Told]:
    """Debits that their payers have not been told of, or whose day moved since they were."""
    rows = work.rows(
        "SELECT debit_id, debits.invoice_id, invoice.customer_id, invoice.number, debits.amount_minor, "
        "debits.currency, collect_on, mandate.rum, mandate.ics, mandate.iban_last4, tries > 1 AS once_more, "
        "told_for IS NOT NULL AS moved FROM debits JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "JOIN mandates AS mandate USING (supplier_id, mandate_id) WHERE supplier_id = :supplier "
        "AND debits.state IN ('planned', 'notified', 'in_file') AND told_for IS DISTINCT FROM collect_on "
        "ORDER BY debits.created_at LIMIT :limit FOR UPDATE OF debits SKIP LOCKED",
        limit=limit,
    )
    return [Told(**row) for row in rows]


def note_told(work: Work, told: Sequence[Told]) -> None:
    """The payers of these debits have been told."""
    work.execute(
        "UPDATE debits SET told_for = collect_on, told_minor = amount_minor, "
        "notified_at = coalesce(notified_at, :at), "
        "state = CASE state WHEN 'planned' THEN 'notified' ELSE state END, changed_at = :at "
        "WHERE supplier_id = :supplier AND debit_id = ANY(:ids)",
        ids=[each.debit_id for each in told],
        at=now(),
    )
    work.execute(
        "UPDATE collections_announced SET told_at = coalesce(told_at, :at) WHERE supplier_id = :supplier "
        "AND debit_id = ANY(:ids)",
        ids=[each.debit_id for each in told],
        at=now(),
    )


def retry_day(work: Work, at: datetime) -> date | None:
    """The day on which a debit that lacked funds is presented once more; ``None`` where the supplier never does."""
    settings = demand_settings(work)
    if not settings.retry_days:
        return None
    wished = on_or_after(today() + timedelta(days=settings.retry_days), BANKING)
    return max(wished, first_day(settings, CORE, at))


def _is_used_up(work: Work, mandate_id: UUID) -> bool:
    """Whether a one-off mandate has had its debit; one that came back may be presented again."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM debits WHERE supplier_id = :supplier AND mandate_id = :id "
            "AND state IN ('planned', 'notified', 'in_file', 'sent', 'collected'))",
            id=mandate_id,
        )
    )
