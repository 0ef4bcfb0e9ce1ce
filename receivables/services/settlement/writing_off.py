"""Giving up much of a claim takes two people: one asks, another agrees (OWASP ASVS 5.0, 2.3.5).

What counts is all that is given up of one claim, so that many small steps make no large one. A rest of an invoice
needs no second person: above the supplier's tolerance it cannot be given up at all, only credited (waiving.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now
from receivables.domain.money import Money
from receivables.errors import ConflictError, NotFoundError
from receivables.services.collecting.forgoing import check_reason, waive_claim
from receivables.store.collecting.claims import get_claim
from receivables.store.customer_file.customers import lock_customers
from receivables.store.four_eyes import one_person_limit, set_one_person_limit

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from receivables.store.work import Work

LIMIT_FIELD = "write_off_limit_minor"
DEFAULT_LIMIT_MINOR = 20_000
"""200 euros: five indemnities of 40 euros, the usual gesture."""
MOST = 200
"""Of those that wait, shown on one page."""


@dataclass(frozen=True, slots=True)
class WriteOff:
    """What somebody wants to give up of a claim, in minor units."""

    write_off_id: UUID
    claim_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    amount_minor: int
    currency: str
    reason: str
    asked_by: str
    asked_at: datetime


def write_off_limit(work: Work) -> int:
    """Above how many cents of euro in all a second person has to agree."""
    return one_person_limit(work, LIMIT_FIELD, DEFAULT_LIMIT_MINOR)


def set_write_off_limit(work: Work, minor: int, actor: str) -> bool:
    """Up to ``minor`` cents of euro one person is enough from now on; false where the supplier has no profile yet."""
    changed = set_one_person_limit(work, LIMIT_FIELD, minor)
    if changed:
        work.audit(actor, "write_off.limit_set", LIMIT_FIELD, minor=minor)
    return changed


def give_up(work: Work, claim_id: UUID, amount_minor: int | None, *, reason: str, actor: str) -> UUID | None:
    """Give up what is open of a claim, or ``amount_minor`` of it; where it is much, ask for a second person instead.

    Returns the id of what waits for the second person, ``None`` where it is done.

    Raises:
        NotFoundError, ReceivablesError, ConflictError: as :func:`waive_claim`; ``write_off.waiting`` where another one
            of the same claim waits.
    """
    lock_customers(work, [get_claim(work, claim_id).customer_id])
    claim = get_claim(work, claim_id)
    amount = claim.open_minor if amount_minor is None else amount_minor
    if not 0 < amount <= claim.open_minor or claim.waived_minor + amount <= write_off_limit(work):
        waive_claim(work, claim_id, amount_minor, reason=reason, actor=actor)
        return None
    if open_write_offs(work, claim_id):
        raise ConflictError(
            "write_off.waiting",
            f"Something of {claim.number} waits to be agreed already: let it be decided first.",
            f"Un abandon sur {claim.number} attend déjà un accord : faites-le d'abord décider.",
        )
    found = new_id()
    work.execute(
        "INSERT INTO write_offs (supplier_id, write_off_id, claim_id, amount_minor, currency, reason, asked_by, "
        "asked_at, state) VALUES (:supplier, :id, :claim, :amount, :currency, :reason, :actor, :at, 'to_agree')",
        id=found,
        claim=claim_id,
        amount=amount,
        currency=claim.currency,
        reason=check_reason(reason),
        actor=actor,
        at=now(),
    )
    work.audit(actor, "write_off.asked", str(found), number=claim.number, amount_minor=amount)
    return found


def agree_write_off(work: Work, write_off_id: UUID, actor: str) -> None:
    """The second person agrees: it is given up now.

    Raises:
        NotFoundError: ``write_off.not_found``, also where it is decided.
        ConflictError: ``write_off.same_person``; ``claim.more_than_open`` where it was paid meanwhile.
    """
    found = _decide(work, write_off_id, "agreed", actor)
    waive_claim(work, found.claim_id, found.amount_minor, reason=found.reason, actor=actor)


def refuse_write_off(work: Work, write_off_id: UUID, actor: str) -> None:
    """It is not given up; whoever asked may take it back as well.

    Raises:
        NotFoundError: ``write_off.not_found``, also where it is decided.
    """
    _decide(work, write_off_id, "refused", actor)


def open_write_offs(work: Work, claim_id: UUID | None = None) -> list[WriteOff]:
    """What waits for a second person, the oldest first."""
    rows = work.rows(
        "SELECT write_off_id, claim_id, invoice.number, invoice.customer_id, customer.name AS customer_name, "
        "asked.amount_minor, asked.currency, asked.reason, asked_by, asked_at FROM write_offs AS asked "
        "JOIN invoices AS invoice ON invoice.supplier_id = asked.supplier_id AND invoice.invoice_id = asked.claim_id "
        "JOIN customers AS customer ON customer.supplier_id = invoice.supplier_id "
        "AND customer.customer_id = invoice.customer_id WHERE asked.supplier_id = :supplier "
        "AND asked.state = 'to_agree' AND (CAST(:claim AS uuid) IS NULL OR claim_id = :claim) "
        "ORDER BY write_off_id LIMIT :most",
        claim=claim_id,
        most=MOST,
    )
    return [WriteOff(**row) for row in rows]


def _decide(work: Work, write_off_id: UUID, state: str, actor: str) -> WriteOff:
    found = next((each for each in open_write_offs(work) if each.write_off_id == write_off_id), None)
    if found is None:
        raise NotFoundError("write_off.not_found", "Nothing of this waits.", "Rien de tel n'attend.")
    lock_customers(work, [found.customer_id])
    if state == "agreed" and found.asked_by == actor:
        raise ConflictError(
            "write_off.same_person",
            f"{Money(found.amount_minor, found.currency)} need a second person: somebody else has to agree.",
            f"{Money(found.amount_minor, found.currency)} demandent une seconde personne : quelqu'un d'autre doit "
            "donner son accord.",
        )
    decided = work.execute(
        "UPDATE write_offs SET state = :state, decided_by = :actor, decided_at = :at "
        "WHERE supplier_id = :supplier AND write_off_id = :id AND state = 'to_agree'",
        state=state,
        actor=actor,
        at=now(),
        id=write_off_id,
    )
    if not decided:
        raise NotFoundError("write_off.not_found", "Nothing of this waits.", "Rien de tel n'attend.")
    work.audit(actor, f"write_off.{state}", str(write_off_id), amount_minor=found.amount_minor)
    return found
