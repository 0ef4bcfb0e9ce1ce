"""Promises and plans in the demonstration: an offer to answer, plans agreed to and proposed, promises awaited."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from portal.mail.plan_mails import OFFERED, write_plan_mail, write_promise_mail
from portal.telling.plan_words import agreement_words
from receivables.domain.collecting.promises import Source
from receivables.services.collecting.granting import grantable
from receivables.services.collecting.planning import Proposer, Terms, draft_plan, propose_plan
from receivables.services.collecting.promising import NewPromise, make_promise
from receivables.store.collecting.plans import Signature
from receivables.store.customer_file.customers import get_customer, lock_customers
from receivables.store.customer_file.overviews import list_customers, supplier_name

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.store.work import Work

ACTOR = "demo"
OFFERED_PARTS, PROPOSED_PARTS = 4, (3, 12)
"""Instalments of our offer, and of what two customers propose: one the policy agrees to, one a collector decides."""
PROMISES = 4
_FALLEN = "SELECT customer_id FROM insolvencies WHERE supplier_id = :supplier AND state = 'open'"


def add_promises(services: Services, supplier_id: UUID, payer_id: UUID) -> None:
    """An offer to the customer who may sign in, two plans of others, and promises of the next ones with money late."""
    with services.works.begin(supplier_id) as work:
        late = [
            each.customer_id for each in list_customers(work, today()) if each.late_minor and each.currency == "EUR"
        ]
        fallen = {row["customer_id"] for row in work.rows(_FALLEN)}
        others = [each for each in dict.fromkeys(late) if each != payer_id and each not in fallen]
        _plan(services, work, payer_id, OFFERED_PARTS, Source.COLLECTOR)
        for count, customer_id in zip(PROPOSED_PARTS, others, strict=False):
            _plan(services, work, customer_id, count, Source.CUSTOMER)
        for place, customer_id in enumerate(others[len(PROPOSED_PARTS) :][:PROMISES]):
            _promise(services, work, customer_id, place)


def _plan(services: Services, work: Work, customer_id: UUID, count: int, source: Source) -> None:
    """A plan over what may be planned of a customer, at most three invoices; none where nothing may."""
    picks = [each.invoice_id for each in grantable(work, customer_id) if not each.why and each.currency == "EUR"][:3]
    if not picks:
        return
    lock_customers(work, [customer_id])
    terms = Terms(today() + timedelta(days=7), count)
    plan = draft_plan(work, customer_id, picks, terms, Proposer(source, ACTOR))
    name = get_customer(work, customer_id).name
    words = agreement_words(plan, supplier_name(work), name)
    click = Signature(
        new_id(), name, "compta@demo.example", words.text, words.sha256, words.language, "192.0.2.7", "demo", now()
    )
    propose_plan(work, plan, click if source is Source.CUSTOMER else None)
    if source is Source.COLLECTOR:
        write_plan_mail(services, work, OFFERED, plan)


def _promise(services: Services, work: Work, customer_id: UUID, place: int) -> None:
    """A promise of what is free of a customer's oldest invoice; every second one was noted by a collector."""
    free = [each for each in grantable(work, customer_id) if each.free_minor and each.why in ("", "held")]
    if not free:
        return
    source = Source.COLLECTOR if place % 2 else Source.CUSTOMER
    wishes: dict[UUID, int | None] = {free[0].invoice_id: None}
    day = today() + timedelta(days=3 * place)
    promise = make_promise(work, NewPromise(customer_id, wishes, day, source, "Service comptable", ACTOR))
    if source is Source.COLLECTOR:
        write_promise_mail(services, work, promise)
