"""Builders for promises and payment plans: a click, a plan that is agreed to, money for it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger_builders import issue

from config.clock import new_id, now, today
from receivables.domain.collecting.plans import Plan, PlanState, Rhythm
from receivables.domain.collecting.promises import Source
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.terms import Instalment
from receivables.services.collecting.planning import Proposer, Terms, draft_plan, propose_plan
from receivables.services.collecting.promising import NewPromise, make_promise
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.store.collecting.plans import Signature, insert_plan
from receivables.store.customer_file.customers import lock_customers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from portal_house import House

    from receivables.domain.collecting.promises import Promise
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work


def owed(work: Work, minor: int = 120_00, *, late_days: int = 20, **changes: Any) -> Invoice:
    """An invoice without VAT that fell due ``late_days`` ago."""
    due_on = today() - timedelta(days=late_days)
    return issue(
        work,
        issued_on=due_on - timedelta(days=30),
        due_on=due_on,
        total_minor=minor,
        payable_minor=minor,
        vat_rows=(VatRow("E", Decimal(0), minor, 0),),
        **changes,
    )


def click(words: str = "Je m'engage.") -> Signature:
    """A customer's click."""
    return Signature(
        new_id(), "Dominique Payet", "compta@demo.example", words, "0" * 64, "fr", "127.0.0.1", "test", now()
    )


def plan_for(
    work: Work,
    invoices: Sequence[Invoice],
    count: int = 3,
    *,
    source: Source = Source.CUSTOMER,
    first_on: date | None = None,
    rhythm: Rhythm = Rhythm.MONTHLY,
    grace_days: int | None = None,
) -> Plan:
    """A plan over invoices, proposed: a customer's is agreed to at once where the policy allows it."""
    terms = Terms(first_on or today(), count, rhythm, grace_days=grace_days)
    by = Proposer(source, "test")
    lock_customers(work, [invoices[0].customer_id])
    plan = draft_plan(work, invoices[0].customer_id, [each.invoice_id for each in invoices], terms, by)
    return propose_plan(work, plan, click() if source is Source.CUSTOMER else None)


def promise_for(
    work: Work,
    invoice: Invoice,
    minor: int | None = None,
    *,
    days: int = 5,
    source: Source = Source.CUSTOMER,
) -> Promise:
    """A promise for an invoice, for a day from now."""
    wishes = {invoice.invoice_id: minor}
    return make_promise(
        work, NewPromise(invoice.customer_id, wishes, today() + timedelta(days=days), source, "Dominique", "test")
    )


def pay(work: Work, customer_id: UUID, aims: Mapping[UUID, int], on: date | None = None) -> UUID:
    """Final money for invoices; what no aim takes is the customer's credit."""
    return record_payment(
        work,
        RecordPayment(
            f"money-{new_id()}",
            customer_id,
            sum(aims.values()),
            "EUR",
            on or today(),
            "transfer",
            "bank",
            "bank",
            aims,
            "test",
        ),
    )


AGREEMENTS: dict[UUID, dict[str, UUID]] = {}


def agreement_things(house: House) -> dict[str, UUID]:
    """A plan that waits for the house's customer and a promise of theirs, about no invoice; made once."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in AGREEMENTS:
        at, promise_id = now(), new_id()
        plan = Plan(
            plan_id=new_id(),
            customer_id=house.customer_id,
            proposed_by="test",
            source=Source.COLLECTOR,
            currency="EUR",
            total_minor=200,
            interest=False,
            grace_days=8,
            language="fr",
            state=PlanState.PROPOSED,
            decided_by=None,
            reason=None,
            policy_version=0,
            beyond=("count",),
            proposed_at=at,
            accepted_at=None,
            changed_at=at,
            instalments=(Instalment(today(), 100), Instalment(today() + timedelta(days=30), 100)),
        )
        with house.services.works.begin(supplier_id) as work:
            insert_plan(work, plan)
            work.execute(
                "INSERT INTO promises (supplier_id, promise_id, customer_id, source, said_by, amount_minor, currency, "
                "promised_on, judged_on, state, made_at, changed_at) VALUES (:supplier, :id, :customer, 'customer', "
                "'Camille', 100, 'EUR', :day, :day, 'pending', :at, :at)",
                id=promise_id,
                customer=house.customer_id,
                day=today(),
                at=at,
            )
        AGREEMENTS[supplier_id] = {"plan": plan.plan_id, "promise": promise_id}
    return AGREEMENTS[supplier_id]
