"""Derogations (dérogations): more than the limit, for a time; one person asks and another one agrees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.tasking import NewTask, drop_tasks, open_task
from receivables.services.risk.watching import watch_limits
from receivables.store.customer_file.customers import get_customer, lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event
from receivables.store.risk.credit import current_policy, get_derogation

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.risk.credit import Derogation
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class AskDerogation:
    """A wish: ``amount_minor`` more than the limit until the end of a day, and why."""

    customer_id: UUID
    amount_minor: int
    expires_on: date
    reason: str
    asked_by: str
    currency: str = "EUR"


def ask_derogation(work: Work, wish: AskDerogation) -> UUID:
    """Ask for more than the limit; nothing changes until somebody else agrees. Returns its id.

    Raises:
        NotFoundError: ``customer.not_found``.
        ReceivablesError: ``derogation.bad_amount``, ``derogation.bad_day``, ``derogation.no_reason``.
    """
    get_customer(work, wish.customer_id)
    _check(wish, current_policy(work).derogation_days)
    derogation_id, at = new_id(), now()
    work.execute(
        "INSERT INTO derogations (supplier_id, derogation_id, customer_id, amount_minor, currency, expires_on, reason, "
        "state, asked_by, asked_at, changed_at) VALUES (:supplier, :id, :customer, :amount, :currency, :expires, "
        ":reason, 'asked', :asked_by, :at, :at)",
        id=derogation_id,
        customer=wish.customer_id,
        amount=wish.amount_minor,
        currency=wish.currency,
        expires=wish.expires_on,
        reason=wish.reason.strip(),
        asked_by=wish.asked_by,
        at=at,
    )
    told = {
        "amount_minor": wish.amount_minor,
        "currency": wish.currency,
        "expires_on": wish.expires_on,
        "reason": wish.reason.strip(),
    }
    work.audit(wish.asked_by, "derogation.asked", str(derogation_id), **told)
    note_event(work, AccountEvent(wish.customer_id, "derogation.asked", wish.asked_by, shown=False, facts=told))
    open_task(work, NewTask(f"derogation/{derogation_id}", "derogation.decide", today(), wish.customer_id, facts=told))
    return derogation_id


def agree_derogation(work: Work, derogation_id: UUID, decided_by: str, note: str = "") -> None:
    """Agree to a derogation: it counts from now to the end of its day.

    Raises:
        NotFoundError: ``derogation.not_found``.
        ConflictError: ``derogation.decided``, ``derogation.over``, ``derogation.four_eyes`` (nobody agrees to their
            own).
    """
    found = _to_decide(work, derogation_id)
    if found.asked_by == decided_by:
        raise ConflictError(
            "derogation.four_eyes",
            "You asked for this derogation: somebody else has to agree to it.",
            "Vous avez demandé cette dérogation : une autre personne doit l'accorder.",
        )
    if found.expires_on < today():
        raise ConflictError(
            "derogation.over",
            f"The day of this derogation, {found.expires_on}, is past: ask for another one.",
            f"L'échéance de cette dérogation, le {found.expires_on:%d/%m/%Y}, est passée : demandez-en une autre.",
        )
    _decide(work, found, "agreed", decided_by, note)
    watch_limits(work, [found.customer_id])


def refuse_derogation(work: Work, derogation_id: UUID, decided_by: str, note: str) -> None:
    """Refuse a derogation, or take one's own wish back; or end one that was agreed before its day.

    Raises:
        NotFoundError: ``derogation.not_found``.
        ConflictError: ``derogation.decided``.
        ReceivablesError: ``derogation.no_reason``.
    """
    if not note.strip():
        raise _no_reason()
    found = _locked(work, derogation_id)
    if found.state not in ("asked", "agreed"):
        raise _decided()
    _decide(work, found, "refused" if found.state == "asked" else "ended", decided_by, note)
    watch_limits(work, [found.customer_id])


def _decide(work: Work, found: Derogation, state: str, decided_by: str, note: str) -> None:
    work.execute(
        "UPDATE derogations SET state = :state, decided_by = :by, decided_at = :at, note = :note, changed_at = :at "
        "WHERE supplier_id = :supplier AND derogation_id = :id",
        id=found.derogation_id,
        state=state,
        by=decided_by,
        note=note.strip() or None,
        at=now(),
    )
    told = {
        "amount_minor": found.amount_minor,
        "currency": found.currency,
        "expires_on": found.expires_on,
        "note": note.strip(),
    }
    work.audit(decided_by, f"derogation.{state}", str(found.derogation_id), **told)
    note_event(work, AccountEvent(found.customer_id, f"derogation.{state}", decided_by, shown=False, facts=told))
    drop_tasks(work, f"derogation/{found.derogation_id}", state)


def _locked(work: Work, derogation_id: UUID) -> Derogation:
    lock_customers(work, [get_derogation(work, derogation_id).customer_id])
    return get_derogation(work, derogation_id)


def _to_decide(work: Work, derogation_id: UUID) -> Derogation:
    found = _locked(work, derogation_id)
    if found.state != "asked":
        raise _decided()
    return found


def _decided() -> ConflictError:
    return ConflictError(
        "derogation.decided",
        "This derogation is decided already: somebody else was faster.",
        "Cette dérogation est déjà décidée : quelqu'un d'autre a été plus rapide.",
    )


def _no_reason() -> ReceivablesError:
    return ReceivablesError("derogation.no_reason", "Say why: it is kept.", "Dites pourquoi : c'est gardé.")


def _check(wish: AskDerogation, most_days: int) -> None:
    if wish.amount_minor <= 0:
        raise ReceivablesError(
            "derogation.bad_amount",
            "Give how much more than the limit may be owed: above zero.",
            "Indiquez de combien la limite peut être dépassée : plus que zéro.",
        )
    if not today() <= wish.expires_on <= today() + timedelta(days=most_days):
        raise ReceivablesError(
            "derogation.bad_day",
            f"A derogation ends today at the earliest and in {most_days} days at the latest.",
            f"Une dérogation finit au plus tôt aujourd'hui et au plus tard dans {most_days} jours.",
        )
    if not wish.reason.strip():
        raise _no_reason()
