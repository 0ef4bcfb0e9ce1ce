"""Write down what was said with a customer outside our pages: a call, a visit, and when to speak again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, today
from receivables.errors import ReceivablesError
from receivables.services.collecting.tasking import NewTask, close_task, open_task
from receivables.store.customer_file.contacts import get_contact
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.journal import AccountEvent, note_event

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

OUTCOMES = ("reached", "voicemail", "no_answer", "wrong_number", "will_pay", "contests", "paid")
"""What a call came to."""
CALL_MADE, CALL_AGAIN = "call.made", "call_again"
MAX_NOTE = 2000


@dataclass(frozen=True, slots=True)
class Call:
    """A call: with whom, what it came to, what was said, and the day on which to call again."""

    customer_id: UUID
    outcome: str
    actor: str
    note: str = ""
    contact_id: UUID | None = None
    again_on: date | None = None
    task_id: UUID | None = None
    """The task that asked for it: done with this."""


def note_call(work: Work, call: Call) -> None:
    """Write a call down; what the customer said is the supplier's own business.

    Raises:
        NotFoundError: ``customer.not_found``, ``contact.not_found`` or ``task.not_found``.
        ReceivablesError: ``call.bad_outcome``, ``call.again_in_the_past``.
        ConflictError: ``task.closed``.
    """
    get_customer(work, call.customer_id)
    if call.outcome not in OUTCOMES:
        raise ReceivablesError(
            "call.bad_outcome",
            f"Say what the call came to: one of {', '.join(OUTCOMES)}.",
            "Dites ce que l'appel a donné : choisissez l'une des issues de la liste.",
        )
    if call.again_on and call.again_on < today():
        raise ReceivablesError(
            "call.again_in_the_past",
            "The day to call again is past: choose today or later.",
            "Le jour du prochain appel est passé : choisissez aujourd'hui ou plus tard.",
        )
    contact = get_contact(work, call.contact_id) if call.contact_id else None
    facts = {"outcome": call.outcome, "note": call.note.strip()[:MAX_NOTE], "with": contact.name if contact else ""}
    if call.again_on:
        facts["again_on"] = call.again_on.isoformat()
        key = f"call/{call.customer_id}/{new_id()}"
        open_task(work, NewTask(key, CALL_AGAIN, call.again_on, call.customer_id, facts={"note": facts["note"]}))
    if call.task_id:
        close_task(work, call.task_id, call.actor, call.outcome, call.note)
    note_event(work, AccountEvent(call.customer_id, CALL_MADE, call.actor, shown=False, facts=facts))
    work.audit(call.actor, CALL_MADE, str(call.customer_id), outcome=call.outcome)


def note_remark(work: Work, customer_id: UUID, said: str, actor: str) -> None:
    """Keep a remark about an account, for the supplier's people alone.

    Raises:
        NotFoundError: ``customer.not_found``.
        ReceivablesError: ``remark.empty``.
    """
    get_customer(work, customer_id)
    if not said.strip():
        raise ReceivablesError("remark.empty", "Write what is to be kept.", "Écrivez ce qui est à garder.")
    facts = {"note": said.strip()[:MAX_NOTE]}
    note_event(work, AccountEvent(customer_id, "remark.made", actor, shown=False, facts=facts))
