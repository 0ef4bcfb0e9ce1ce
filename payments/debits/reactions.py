"""What follows when a debit comes back, whoever tells it: our bank, or a payment provider. Once for each return.

The money is booked by whoever tells; here the mandate is stopped, the payer asked, the debit presented again, a task
opened, as the reason's row says (``config/law/returns.toml``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import legal_day, now
from payments.debits.mandates import block_mandate, end_mandate, find_mandate, mandates_of
from payments.debits.planning import amount_to_collect, insert_debit, retry_day
from payments.debits.reasons import reason_of
from payments.debits.settings import find_settings
from payments.debits.tasks import NewTask, open_task
from payments.paying.concluding import announce
from payments.paying.told import find_payment
from receivables.domain.conversations.disputes import OTHER, Origin, Scope
from receivables.errors import ReceivablesError
from receivables.services.conversations.disputing import OpenDispute, open_dispute
from receivables.store.customer_file.customers import lock_customers
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.debits.reasons import Reason
    from receivables.store.work import Work

ACTOR = "bank"
TOLD_STATES = ("failed", "returned")
_OWN_MAIL = ("dispute:", "retry:")
_ASKED = (
    "La banque de ce client a demandé le remboursement du prélèvement (code {code}). Demandez-lui pourquoi avant toute "
    "relance."
)


@dataclass(frozen=True, slots=True)
class Return:
    """An R-transaction: ``reject`` before the money moved, ``return`` after."""

    return_ref: str
    attempt_id: UUID
    kind: str
    code: str
    amount_minor: int
    currency: str
    returned_on: date
    debit_id: UUID | None = None
    fee_minor: int = 0
    line_id: UUID | None = None
    state: str = "done"


def react_to_return(work: Work, attempt_id: UUID, code: str | None, at: datetime) -> list[str]:
    """What follows from a return that a payment provider told, in words of :func:`react`; once for each payment.

    ``code`` is the bank's, or the provider's name for it. Nothing is booked here. An unknown payment changes nothing.
    """
    row = work.row(
        "SELECT customer_id, amount_minor, currency, EXISTS (SELECT 1 FROM receivable_items AS item "
        "WHERE item.supplier_id = :supplier AND item.attempt_id = attempt.attempt_id AND item.kind = 'receipt') "
        "AS received FROM payment_attempts AS attempt WHERE supplier_id = :supplier AND attempt_id = :id",
        id=attempt_id,
    )
    if row is None:
        return []
    lock_customers(work, [row["customer_id"]])
    day = legal_day(at)
    told = Return(
        return_ref=f"{attempt_id}/return",
        attempt_id=attempt_id,
        kind="return" if row["received"] else "reject",
        code=reason_of(code, day).code,
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        returned_on=day,
    )
    return react(work, told.return_ref) if note_return(work, told) else []


def note_return(work: Work, told: Return) -> bool:
    """Write a return down; whether it was not known yet."""
    return bool(
        work.execute(
            "INSERT INTO debit_returns (supplier_id, return_ref, attempt_id, debit_id, kind, code, amount_minor, "
            "fee_minor, currency, returned_on, state, line_id, told_at, changed_at) VALUES (:supplier, :ref, :attempt, "
            ":debit, :kind, :code, :amount, :fee, :currency, :day, :state, :line, :at, :at) ON CONFLICT DO NOTHING",
            ref=told.return_ref,
            attempt=told.attempt_id,
            debit=told.debit_id,
            kind=told.kind,
            code=told.code,
            amount=told.amount_minor,
            fee=told.fee_minor,
            currency=told.currency,
            day=told.returned_on,
            state=told.state,
            line=told.line_id,
            at=now(),
        )
    )


def react(work: Work, return_ref: str) -> list[str]:
    """Do what the reason of a noted return asks for, once; the caller holds the customer's lock.

    Returns what was done: ``mandate_blocked``, ``mandate_ended``, ``all_ended``, ``dispute``, ``retry``, ``level``
    and ``task``, each with a detail after a colon where it has one.
    """
    row = work.row(
        "SELECT back.attempt_id, back.debit_id, back.code, back.amount_minor, back.returned_on, back.done, "
        "attempt.customer_id, debit.mandate_id, debit.invoice_id, debit.tries FROM debit_returns AS back "
        "JOIN payment_attempts AS attempt USING (supplier_id, attempt_id) "
        "LEFT JOIN debits AS debit ON debit.supplier_id = :supplier AND debit.debit_id = back.debit_id "
        "WHERE back.supplier_id = :supplier AND return_ref = :ref",
        ref=return_ref,
    )
    if row is None or row["done"]:
        return []
    reason = reason_of(row["code"], row["returned_on"])
    case = _Case(work, return_ref, dict(row), reason)
    done = [*case.stop_mandate(), *case.ask_why(), *case.present_again(), f"level:{reason.level}"]
    if reason.task:
        case.give_task(reason.task)
        done.append(f"task:{reason.task}")
    work.execute(
        "UPDATE debit_returns SET done = CAST(:done AS jsonb), changed_at = :at WHERE supplier_id = :supplier "
        "AND return_ref = :ref",
        ref=return_ref,
        done=to_json(done),
        at=now(),
    )
    work.audit(ACTOR, "debit.came_back", return_ref, code=reason.code, done=done)
    case.tell_payer(done)
    return done


@dataclass(frozen=True, slots=True)
class _Case:
    """One return, and what its reason asks for."""

    work: Work
    return_ref: str
    told: dict[str, Any]
    reason: Reason

    def stop_mandate(self) -> list[str]:
        """Stop what must not be debited again: one mandate, or everything of this customer."""
        work, mandate_id, why = self.work, self.told["mandate_id"], f"returned_{self.reason.code}"
        if self.reason.mandate == "stop":
            for each in mandates_of(work, self.told["customer_id"]):
                end_mandate(work, each.mandate_id, ACTOR, why)
            self._end_autopay()
            return ["all_ended"]
        if mandate_id is None or self.reason.mandate == "keep":
            return []
        if self.reason.mandate == "end":
            end_mandate(work, mandate_id, ACTOR, why)
            return ["mandate_ended"]
        block_mandate(work, mandate_id, ACTOR, why)
        return ["mandate_blocked"]

    def _end_autopay(self) -> None:
        rows = self.work.rows(
            "UPDATE autopay SET state = 'off', ended_by = :actor, ended_at = :at WHERE supplier_id = :supplier "
            "AND customer_id = :customer AND state = 'on' RETURNING autopay_id",
            customer=self.told["customer_id"],
            actor=ACTOR,
            at=now(),
        )
        self.work.execute(
            "UPDATE collections_announced SET state = 'withdrawn', reason = 'autopay_off', changed_at = :at "
            "WHERE supplier_id = :supplier AND autopay_id = ANY(:ids) AND state = 'announced' AND attempt_id IS NULL",
            ids=[row["autopay_id"] for row in rows],
            at=now(),
        )

    def ask_why(self) -> list[str]:
        """Open a dispute about what the payer took back, so that nobody is reminded before they answered."""
        if not self.reason.dispute:
            return []
        asked: list[str] = []
        for invoice in self._invoices():
            part = invoice["amount_minor"] < invoice["payable_minor"]
            try:
                dispute = open_dispute(
                    self.work,
                    OpenDispute(
                        invoice_id=invoice["invoice_id"],
                        reason=OTHER,
                        scope=Scope.AMOUNT if part else Scope.WHOLE,
                        said=_ASKED.format(code=self.reason.code),
                        origin=Origin.STAFF,
                        actor=ACTOR,
                        once=f"return {self.return_ref} {invoice['invoice_id']}",
                        amount_minor=invoice["amount_minor"] if part else None,
                    ),
                )
            except ReceivablesError:  # a credit note, or too many disputes: somebody has to ask by hand
                self.give_task("ask_payer")
            else:
                asked.append(f"dispute:{dispute.dispute_id}")
        return asked

    def present_again(self) -> list[str]:
        """Plan the same debit once more where the reason and the supplier's settings allow it."""
        told = self.told
        if told["debit_id"] is None or told["tries"] > self.reason.retries or find_settings(self.work) is None:
            return []
        day = retry_day(self.work, now())
        amount = min(amount_to_collect(self.work, told["invoice_id"]), told["amount_minor"])
        if day is None or amount <= 0 or not find_mandate(self.work, told["mandate_id"]).is_usable(day):
            return []
        insert_debit(
            self.work,
            told["mandate_id"],
            told["invoice_id"],
            amount_minor=amount,
            collect_on=day,
            chosen_by="rule",
            actor=ACTOR,
            tries=told["tries"] + 1,
        )
        return [f"retry:{day}"]

    def tell_payer(self, done: Sequence[str]) -> None:
        """Have the payer told that it is to be paid again, unless another mail asks why or says when it is tried."""
        payment = find_payment(self.work, self.told["attempt_id"])
        if payment and payment.state in TOLD_STATES and not any(each.startswith(_OWN_MAIL) for each in done):
            announce(self.work, [{"attempt_id": payment.attempt_id, "state": payment.state}])

    def give_task(self, what: str) -> None:
        """Put what somebody has to do on the list."""
        invoices = self._invoices()
        open_task(
            self.work,
            NewTask(
                key=f"{self.return_ref}/{what}",
                what=what,
                code=self.reason.code,
                customer_id=self.told["customer_id"],
                invoice_id=invoices[0]["invoice_id"] if len(invoices) == 1 else None,
                mandate_id=self.told["mandate_id"],
            ),
        )

    def _invoices(self) -> Sequence[RowMapping]:
        """What the payment was for, by its payer's word."""
        return self.work.rows(
            "SELECT invoice_id, reservation.amount_minor, invoice.payable_minor FROM reservations AS reservation "
            "JOIN invoices AS invoice USING (supplier_id, invoice_id) WHERE supplier_id = :supplier "
            "AND attempt_id = :attempt ORDER BY invoice_id",
            attempt=self.told["attempt_id"],
        )
