"""Assign invoices to a factor (affacturage, cession de créances), take claims back, follow what debtors pay.

Where the debtor is told (225), the claim leaves account 411 for 467: the invoice asks for nothing any more here, and
the debtor's pages name the factor alone. What the debtor pays the factor is a receipt over 467, so that the status 212
and VAT due on collection follow it as they follow any cash. In confidence (226) nothing that the debtor can see
changes: 411 stays as it is, a sub-account of 411 (`assigned_quietly`) carries the assignment against 467, and what the
debtor pays us we owe to the factor. Sources: C. mon. fin. L313-23 ff., C. civ. 1346-1 (subrogation).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now, today
from receivables.domain.collecting.chasing import Hold
from receivables.domain.events import Event
from receivables.domain.money import Money
from receivables.domain.settlement.lettering import ASSIGNED
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.factoring.assignable import refusals
from receivables.services.factoring.assigned_books import book_assigned, book_quiet, take_back
from receivables.services.invoicing.dues import due_on_invoice, due_on_invoices
from receivables.services.risk.watching import watch_limits
from receivables.services.settlement.aiming import aim
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.store.accounting.factors import (
    Assignment,
    change_accounts,
    change_open,
    get_assignment,
    get_factor,
    insert_moves,
    quiet_assignments,
    standing_assignments,
)
from receivables.store.customer_file.customers import lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_events
from receivables.store.settlement.books import known_sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.accounting.factors import Factor
    from receivables.store.work import Work

ASSIGNMENT_TOLD = "assignment.told"
"""Something of an assignment is to be told by a status: its code is in the payload."""
FACTORED, QUIETLY, PAYEE_CHANGED, NOT_FACTORED = "225", "226", "227", "228"
ASSIGNABLE = 500
"""Invoices of one batch at most: one transaction holds their customers."""
RULE = "rule"
"""The actor of what follows by itself."""
_EVERYTHING = 1 << 62


@dataclass(frozen=True, slots=True)
class AssignInvoices:
    """Assign what is open of invoices to a factor; what is not said is as the factor's contract has it."""

    factor_id: UUID
    invoice_ids: Sequence[UUID]
    actor: str
    on: date | None = None
    confidential: bool | None = None
    recourse: bool | None = None


@dataclass(frozen=True, slots=True)
class AssignedBatch:
    """What a batch came to: the assignments made, and why the others were not, by invoice."""

    batch_id: UUID
    made: list[Assignment]
    refused: dict[UUID, ReceivablesError] = field(default_factory=dict)


def assign_invoices(work: Work, command: AssignInvoices) -> AssignedBatch:
    """Assign a batch of invoices; one that may not be assigned is refused alone, with its reason.

    Raises:
        NotFoundError: ``factor.not_found``.
        ReceivablesError: ``assignment.too_many``, or ``assignment.factor_left``.
    """
    factor = get_factor(work, command.factor_id)
    if not factor.active:
        raise ReceivablesError(
            "assignment.factor_left",
            f"{factor.name} is not used any more: choose another factor.",
            f"{factor.name} n'est plus utilisé : choisissez un autre affactureur.",
        )
    ids = list(dict.fromkeys(command.invoice_ids))
    if len(ids) > ASSIGNABLE:
        raise ReceivablesError(
            "assignment.too_many",
            f"A batch has at most {ASSIGNABLE} invoices: assign the rest in another.",
            f"Un lot compte {ASSIGNABLE} factures au plus : cédez le reste dans un autre.",
        )
    owners = _owners(work, ids)
    lock_customers(work, (owner["customer_id"] for owner in owners.values()))
    refused = refusals(work, ids, factor.siren)
    batch_id = new_id()
    made = [
        _made(command, factor, batch_id, due, owners[due.invoice_id])
        for due in due_on_invoices(work, ids)
        if due.invoice_id not in refused
    ]
    entries = book_assigned(work, made, command.on or today(), command.actor)
    at = now()
    work.insert("assignments", [{**asdict(each), "assigned_by": command.actor, "changed_at": at} for each in made])
    moves = [_move(each, ASSIGNED, each.amount_minor, entries[each.assignment_id]) for each in made]
    insert_moves(work, [{**move, "actor": command.actor} for move in moves])
    _tell(work, [each for each in made if each.confidential], QUIETLY, "1")
    _tell(work, [each for each in made if not each.confidential], FACTORED, "1")
    _note(work, made, "factor.assigned", command.actor)
    work.audit(command.actor, "factor.batch_assigned", str(batch_id), made=len(made), refused=len(refused))
    return AssignedBatch(batch_id, made, refused)


def note_factor_paid(
    work: Work, assignment_id: UUID, amount_minor: int, paid_on: date, *, reference: str, actor: str
) -> Assignment:
    """The debtor paid the factor: a receipt over 467, that settles the invoice and is told by 212; once per reference.

    Raises:
        NotFoundError: ``assignment.not_found``.
        ConflictError: ``assignment.not_standing``, ``assignment.too_much``, or ``assignment.confidential``: then the
            debtor pays us.
    """
    payment_ref = f"factor/{assignment_id}/{reference.strip()}"
    if known_sources(work, "receipt", [payment_ref]):
        return get_assignment(work, assignment_id)
    assignment = _standing(work, assignment_id, amount_minor)
    entry_id = take_back(work, assignment, paid_on, actor)
    record_payment(
        work,
        RecordPayment(
            payment_ref=payment_ref,
            customer_id=assignment.customer_id,
            amount_minor=amount_minor,
            currency=assignment.currency,
            received_on=paid_on,
            method="transfer",
            road="hand",
            counter="factor",
            aims={assignment.invoice_id: amount_minor},
            actor=actor,
        ),
    )
    return _go_on(work, assignment, amount_minor, _Left("paid", entry_id, actor, paid_on))


def hand_over(work: Work, assignment_id: UUID, attempt_id: UUID, amount_minor: int, actor: str) -> Assignment:
    """The debtor paid us by mistake: the money settles the invoice, and we owe it to the factor (467).

    Raises:
        NotFoundError: ``assignment.not_found`` or ``payment.not_found``.
        ConflictError: ``assignment.not_standing``, ``assignment.too_much``, ``assignment.confidential`` or
            ``aim.too_much``: the payment has less left.
    """
    assignment = _standing(work, assignment_id, amount_minor)
    before = due_on_invoice(work, assignment.invoice_id)
    entry_id = take_back(work, assignment, today(), actor)
    taken = before.open_minor + assignment.open_minor - due_on_invoice(work, assignment.invoice_id).open_minor
    if taken < amount_minor:  # a payment that named the invoice took its place as soon as the claim was back
        aim(work, attempt_id, assignment.invoice_id, amount_minor - taken, actor)
    left = _Left("received_by_us", entry_id, actor, today())
    return _go_on(work, assignment, max(taken, amount_minor), left)


def give_back(work: Work, assignment_id: UUID, *, reason: str, actor: str) -> Assignment:
    """The factor gives a claim back (recourse, refused cover, a mistake): the debtor owes us again, and is told (228).

    Raises:
        NotFoundError: ``assignment.not_found``.
        ReceivablesError: ``assignment.no_reason``.
        ConflictError: ``assignment.not_standing``.
    """
    if not reason.strip():
        raise ReceivablesError(
            "assignment.no_reason",
            "Say why the claim comes back: the books and the factor's account show it.",
            "Dites pourquoi la créance revient : les écritures et le compte de l'affactureur le montrent.",
        )
    assignment = _standing(work, assignment_id, None)
    if assignment.confidential:
        entry_id = book_quiet(work, assignment, -assignment.open_minor, today(), actor)
    else:
        entry_id = take_back(work, assignment, today(), actor)
    move = _move(assignment, "given_back", -assignment.open_minor, entry_id)
    insert_moves(work, [{**move, "actor": actor, "reason": reason.strip()}])
    change_open(work, assignment, 0, "given_back")
    if not assignment.confidential:  # a debtor who never heard of the assignment does not hear of its end either
        _tell(work, [assignment], NOT_FACTORED, "1")
    watch_limits(work, [assignment.customer_id])
    _note(work, [assignment], "factor.given_back", actor, reason=reason.strip())
    return get_assignment(work, assignment_id)


def follow_quiet(work: Work, invoice_id: UUID) -> None:
    """Bring a confidential assignment to what its invoice asks for: what the debtor paid us is owed to the factor.

    Money that went back raises the claim again. Any number of calls, in any order of facts, come to the same.
    """
    found = quiet_assignments(work, invoice_id)
    if found is None:
        return
    lock_customers(work, [found.customer_id])
    found = quiet_assignments(work, invoice_id)
    assert found is not None  # noqa: S101 -- nobody deletes one
    wanted = min(found.amount_minor, due_on_invoice(work, invoice_id).open_minor)
    delta = wanted - found.open_minor
    if not delta:
        return
    entry_id = book_quiet(work, found, delta, today(), RULE)
    kind = "received_by_us" if delta < 0 else "taken_again"
    insert_moves(work, [{**_move(found, kind, delta, entry_id), "actor": RULE}])
    change_open(work, found, wanted, ASSIGNED if wanted else "paid")
    _note(work, [found], f"factor.{kind}", RULE, amount_minor=abs(delta))


def release_replaced(work: Work, invoice_id: UUID) -> None:
    """A corrective invoice took the place of an assigned one: the claim that the factor took is no more."""
    found = standing_assignments(work, [invoice_id]).get(invoice_id)
    if found is not None:
        give_back(work, found.assignment_id, reason="replaced", actor=RULE)


def change_payee(
    work: Work, factor_id: UUID, holder: str, iban: str, bic: str | None, *, actor: str
) -> list[Assignment]:
    """The factor has another account: debtors of its claims are told (227), and their pages show it.

    ``iban`` and ``bic`` are checked by the caller, without blanks.

    Raises:
        NotFoundError: ``factor.not_found``.
    """
    factor = get_factor(work, factor_id)
    changed = [get_assignment(work, each) for each in change_accounts(work, factor_id, holder, iban, bic)]
    _tell(work, changed, PAYEE_CHANGED, iban)
    work.audit(actor, "factor.account_changed", str(factor_id), before=factor.iban, after=iban)
    _note(work, changed, "factor.account_changed", actor)
    return changed


def assigned(work: Work, invoice_ids: Sequence[UUID], _today: date) -> dict[UUID, Hold]:
    """Nobody chases what a factor collects itself; a confidential assignment leaves the chasing to us."""
    rows = work.rows(
        "SELECT invoice_id FROM assignments WHERE supplier_id = :supplier AND invoice_id = ANY(:ids) "
        "AND state = 'assigned' AND NOT confidential",
        ids=list(invoice_ids),
    )
    return {row["invoice_id"]: Hold("assigned", _EVERYTHING) for row in rows}


def _owners(work: Work, ids: Sequence[UUID]) -> dict[UUID, RowMapping]:
    rows = work.rows(
        "SELECT invoice_id, customer_id, customer.name FROM invoices JOIN customers AS customer "
        "USING (supplier_id, customer_id) WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
        ids=list(ids),
    )
    return {row["invoice_id"]: row for row in rows}


def _made(command: AssignInvoices, factor: Factor, batch_id: UUID, due: InvoiceDue, owner: RowMapping) -> Assignment:
    return Assignment(
        assignment_id=new_id(),
        batch_id=batch_id,
        invoice_id=due.invoice_id,
        customer_id=owner["customer_id"],
        factor_id=factor.factor_id,
        confidential=factor.confidential if command.confidential is None else command.confidential,
        recourse=factor.recourse if command.recourse is None else command.recourse,
        amount_minor=due.open_minor,
        open_minor=due.open_minor,
        currency=due.currency,
        state=ASSIGNED,
        holder=factor.holder,
        iban=factor.iban,
        bic=factor.bic,
        assigned_on=command.on or today(),
        number=due.number,
        due_on=due.due_on,
        customer_name=owner["name"],
        factor_name=factor.name,
        mention=factor.mention,
    )


@dataclass(frozen=True, slots=True)
class _Left:
    """How a part of a claim left the factor's hands, by which entry and when."""

    kind: str
    entry_id: UUID
    actor: str
    day: date


def _go_on(work: Work, assignment: Assignment, less_minor: int, why: _Left) -> Assignment:
    """Note what left the claim, and assign what is left of it again: no more than the invoice asks for."""
    asked = due_on_invoice(work, assignment.invoice_id).open_minor
    left = max(min(assignment.open_minor - less_minor, asked), 0)
    move = _move(assignment, why.kind, left - assignment.open_minor, why.entry_id)
    insert_moves(work, [{**move, "actor": why.actor}])
    if left:
        book_assigned(work, [replace(assignment, open_minor=left)], max(why.day, assignment.assigned_on), why.actor)
    change_open(work, assignment, left, ASSIGNED if left else "paid")
    _note(work, [assignment], f"factor.{why.kind}", why.actor, amount_minor=assignment.open_minor - left)
    return get_assignment(work, assignment.assignment_id)


def _standing(work: Work, assignment_id: UUID, amount_minor: int | None) -> Assignment:
    """An assignment that stands, its customer locked.

    With an amount: a told one, of which at least that is open. In confidence its debtor pays us.
    """
    lock_customers(work, [get_assignment(work, assignment_id).customer_id])
    found = get_assignment(work, assignment_id)
    if found.state != ASSIGNED:
        raise ConflictError(
            "assignment.not_standing",
            f"{found.number} is not in the factor's hands any more.",
            f"{found.number} n'est plus entre les mains de l'affactureur.",
        )
    if amount_minor is not None and found.confidential:
        raise ConflictError(
            "assignment.confidential",
            f"{found.number} is assigned in confidence: its debtor pays us, and what comes in is owed by itself.",
            f"{found.number} est cédée en confidentialité : le client nous paie, et la dette suit d'elle-même.",
        )
    if amount_minor is not None and not 0 < amount_minor <= found.open_minor:
        left = Money(found.open_minor, found.currency)
        raise ConflictError(
            "assignment.too_much",
            f"The factor waits for {left} of {found.number}: give an amount above zero, up to that.",
            f"L'affactureur attend {left} de {found.number} : donnez un montant positif, au plus celui-là.",
        )
    return found


def _move(assignment: Assignment, kind: str, amount_minor: int, entry_id: UUID) -> dict[str, Any]:
    return {
        "assignment_id": assignment.assignment_id,
        "kind": kind,
        "amount_minor": amount_minor,
        "entry_id": entry_id,
        "moved_on": today(),
    }


def _tell(work: Work, assignments: Sequence[Assignment], code: str, serial: str) -> None:
    work.emit(
        [
            Event(
                ASSIGNMENT_TOLD,
                f"{each.assignment_id}/{code}/{serial}",
                {"assignment_id": str(each.assignment_id), "code": code},
            )
            for each in assignments
        ]
    )


def _note(work: Work, assignments: Sequence[Assignment], kind: str, actor: str, **facts: object) -> None:
    """The journals of the accounts; nothing of what is confidential is shown to a customer."""
    note_events(
        work,
        [
            AccountEvent(
                each.customer_id,
                kind,
                actor,
                shown=not each.confidential,
                facts={
                    "number": each.number,
                    "factor": each.factor_name,
                    "amount_minor": each.amount_minor,
                    "currency": each.currency,
                    **facts,
                },
                invoice_id=each.invoice_id,
            )
            for each in assignments
        ],
    )
