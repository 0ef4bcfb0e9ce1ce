"""What is invoiced at intervals: each date is planned once with its request frozen, then issued or laid ready.

After a stop every date that passed is caught up, each once: planning a date moves the plan on in the same transaction,
and issuing it goes under a key of its own, so that a crash between the two repeats the same request.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from config.clock import today
from einvoice.errors import EInvoiceError
from einvoice.validation.verdict import Verdict
from portal.documents.issuing import FilesPendingError, IssueOptions, issue_content, need_profile
from portal.invoicing.asking import ask_for
from portal.invoicing.buyers import buyer_of
from portal.invoicing.terms_choices import usual_terms
from portal.invoicing.typed import to_kept, to_typed
from receivables.domain.invoicing.recurrence import date_at, fill_in, first_from
from receivables.domain.money import MoneyError
from receivables.errors import ConflictError, ReceivablesError
from receivables.store.invoicing.drafts import NewDraft, invoice_under, open_draft
from receivables.store.invoicing.recurring import (
    RecurringDate,
    due_recurring,
    get_recurring,
    move_recurring,
    plan_date,
    planned_dates,
    settle_date,
)
from receivables.store.register import get_supplier
from receivables.store.work import to_json

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from portal.invoicing.typed import TypedInvoice
    from portal.wiring import Services
    from receivables.store.invoicing.recurring import Recurring
    from receivables.store.register import Supplier
    from receivables.store.work import Work

RECURRING = "recurring"
"""Who acts where the plan acts by itself."""


def run_recurring(services: Services, supplier_id: UUID) -> None:
    """Plan every date that has come, then issue what is planned; what cannot be issued becomes a draft with why."""
    supplier = get_supplier(services.database, supplier_id)
    if supplier is None:
        return
    while due := services.works.run(supplier_id, lambda work: due_recurring(work, today())):
        for recurring_id in due:
            with services.works.begin(supplier_id) as work:
                plan_next(work, supplier, recurring_id, today())
    with services.works.begin(supplier_id) as work:
        waiting = planned_dates(work)
    for each in waiting:
        _issue(services, supplier, each)


def plan_next(work: Work, supplier: Supplier, recurring_id: UUID, day: date) -> None:
    """Plan the next date of a plan where it has come, and move the plan on; the last date ends it."""
    plan = get_recurring(work, recurring_id, held=True)
    if plan.state != "on" or plan.next_on > day:
        return
    if plan.ends_on is None or plan.next_on <= plan.ends_on:
        _plan(work, supplier, plan)
    _move(work, plan, plan.position + 1, RECURRING)


def resume(work: Work, recurring_id: UUID, day: date, actor: str) -> None:
    """Go on after a pause: dates that passed in it are left out.

    Raises:
        ConflictError: ``recurring.not_paused``.
    """
    plan = get_recurring(work, recurring_id, held=True)
    if plan.state != "paused":
        raise ConflictError(
            "recurring.not_paused",
            "This recurring invoice is not paused.",
            "Cette facture récurrente n'est pas en pause.",
        )
    _move(work, plan, first_from(plan.starts_on, plan.rhythm, plan.position, day), actor)


def typed_on(plan: Recurring, day: date) -> TypedInvoice:
    """The form of one date: the words in braces put in."""
    typed = to_typed(plan.typed)
    lines = tuple(
        replace(
            each,
            name=fill_in(each.name, day, plan.rhythm),
            description=fill_in(each.description, day, plan.rhythm),
        )
        for each in typed.lines
    )
    return replace(typed, lines=lines, note=fill_in(typed.note, day, plan.rhythm))


def _move(work: Work, plan: Recurring, position: int, actor: str) -> None:
    next_on = date_at(plan.starts_on, plan.rhythm, position)
    over = plan.ends_on is not None and next_on > plan.ends_on
    move_recurring(work, plan, position, next_on, state="ended" if over else "on", actor=actor)


def _plan(work: Work, supplier: Supplier, plan: Recurring) -> None:
    typed = typed_on(plan, plan.next_on)
    if plan.customer_id:
        typed = replace(typed, buyer=buyer_of(work, plan.customer_id))
    asked = ask_for(typed, usual_terms(work, need_profile(work, supplier), plan.customer_id), today())
    request = to_json(asked.request)
    planned = RecurringDate(plan.recurring_id, plan.next_on, request, "planned", None, None)
    if not plan.automatic or asked.faults:
        reason = {"fr": asked.faults[0].sentence, "en": asked.faults[0].sentence} if asked.faults else None
        draft_id = open_draft(work, _draft(plan, typed, reason))
        planned = replace(planned, state="drafted", draft_id=draft_id)
    plan_date(work, planned)


def _issue(services: Services, supplier: Supplier, planned: RecurringDate) -> None:
    key = f"recurring {planned.recurring_id} {planned.date_on}"
    options = IssueOptions(supplier.reference, actor=RECURRING, request_key=key)
    refused: Exception | None = None
    try:
        issue_content(services, planned.request.encode(), "recurring", options)
    except FilesPendingError:
        refused = None  # issued; the worker makes its files
    except (EInvoiceError, ReceivablesError, MoneyError) as error:
        report = getattr(error, "report", None)
        if report is not None and report.verdict is Verdict.NOT_CHECKED:
            return  # judged again at the next look
        refused = error
    with services.works.begin(supplier.supplier_id) as work:
        invoice_id = invoice_under(work, key)
        if invoice_id:
            settle_date(work, planned, invoice_id=invoice_id)
            return
        plan = get_recurring(work, planned.recurring_id)
        reason = {"fr": str(getattr(refused, "sentence_fr", None) or refused), "en": str(refused)}
        draft_id = open_draft(work, _draft(plan, typed_on(plan, planned.date_on), reason))
        settle_date(work, planned, draft_id=draft_id)


def _draft(plan: Recurring, typed: TypedInvoice, reason: dict[str, str] | None) -> NewDraft:
    return NewDraft(to_kept(typed), RECURRING, RECURRING, typed.buyer.name, plan.customer_id, reason=reason)
