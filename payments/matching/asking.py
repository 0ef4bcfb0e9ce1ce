"""Unidentified receipts: ask the likely payers in the portal, and believe them as far as the line agrees.

A customer sees an amount, a day, and the payer's name only where it is like their own. Their *yes* makes a proposal;
it is booked without asking a collector only where name, amount and invoices agree as well (docs/matching.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now
from payments.errors import PaymentError
from payments.matching.names import Likeness, likeness, payer_of, words_of
from receivables.domain.events import Event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAYER_ASKED = "payer.asked"
"""A customer was asked whether a payment is theirs: they are told by mail."""
MOST_ASKED = 5
"""Customers who may be asked about one line: more would tell the town who pays."""
MOST_SAID = 500
SHOWN_LETTERS = 2
OWN_NAMES = frozenset({Likeness.SAME, Likeness.CUT, Likeness.CLOSE})


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the customer may see it: nothing of the payer's account, nothing of anybody else."""

    question_id: UUID
    line_id: UUID
    amount_minor: int
    currency: str
    booked_on: date
    payer: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the collector sees it: who was asked, and what they said."""

    customer_id: UUID
    customer_name: str
    state: str
    said: str | None
    invoices: tuple[UUID, ...]
    asked_at: datetime
    answered_at: datetime | None


def ask_payers(work: Work, line_id: UUID, customer_ids: Sequence[UUID], actor: str) -> int:
    """Ask customers whether a line is theirs; returns how many were not asked before.

    Raises:
        PaymentError: ``match.asks_too_many``.
    """
    known = {each.customer_id for each in asked_about(work, line_id)}
    if len(known | set(customer_ids)) > MOST_ASKED:
        raise PaymentError(
            "match.asks_too_many",
            f"At most {MOST_ASKED} customers are asked about one payment: each learns that somebody paid.",
            f"Au plus {MOST_ASKED} clients sont interrogés sur un paiement : chacun apprend que quelqu'un a payé.",
        )
    fresh = [each for each in dict.fromkeys(customer_ids) if each not in known]
    asked = {customer_id: new_id() for customer_id in fresh}
    for customer_id, question_id in asked.items():
        work.execute(
            "INSERT INTO payer_questions (supplier_id, question_id, line_id, customer_id, state, asked_by, asked_at) "
            "VALUES (:supplier, :id, :line, :customer, 'asked', :actor, :at)",
            id=question_id,
            line=line_id,
            customer=customer_id,
            actor=actor,
            at=now(),
        )
    work.emit([Event(PAYER_ASKED, f"{line_id}/{each}", {"question_id": str(asked[each])}) for each in fresh])
    work.audit(actor, "match.asked", str(line_id), customers=[str(each) for each in fresh])
    return len(fresh)


def asked_about(work: Work, line_id: UUID) -> list[Asked]:
    """Who was asked about a line."""
    rows = work.rows(
        "SELECT question.customer_id, customer.name AS customer_name, state, said, invoices, asked_at, answered_at "
        "FROM payer_questions AS question JOIN customers AS customer USING (supplier_id, customer_id) "
        "WHERE supplier_id = :supplier AND line_id = :line ORDER BY asked_at, customer.name",
        line=line_id,
    )
    return [Asked(**(dict(row) | {"invoices": tuple(row["invoices"])})) for row in rows]


def questions_for(work: Work, customer_id: UUID) -> list[Question]:
    """What this customer is asked now; a line that somebody has decided meanwhile asks nobody any more."""
    rows = work.rows(f"{_SELECT} ORDER BY question.asked_at", customer=customer_id)
    return [_question(row) for row in rows]


def question_to_tell(work: Work, question_id: UUID) -> tuple[UUID, Question] | None:
    """The customer of a question with the question as they may see it; ``None`` once it is answered or settled."""
    customer_id = work.scalar(
        "SELECT customer_id FROM payer_questions WHERE supplier_id = :supplier AND question_id = :id", id=question_id
    )
    row = work.row(f"{_SELECT} AND question.question_id = :id", customer=customer_id, id=question_id)
    return (customer_id, _question(row)) if row else None


def get_question(work: Work, question_id: UUID, customer_id: UUID) -> Question:
    """One open question to this customer.

    Raises:
        PaymentError: ``match.unknown_question``: also where it is somebody else's, or settled.
    """
    row = work.row(f"{_SELECT} AND question.question_id = :id", customer=customer_id, id=question_id)
    if row is None:
        raise PaymentError(
            "match.unknown_question",
            "This question is settled: nothing more is asked of you.",
            "Cette question est réglée : plus rien ne vous est demandé.",
        )
    return _question(row)


def note_answer(work: Work, question: Question, *, ours: bool, invoices: Sequence[UUID], said: str, actor: str) -> None:
    """Write down what a customer says; look at the line again afterwards (``match_lines``)."""
    work.execute(
        "UPDATE payer_questions SET state = :state, said = :said, invoices = :invoices, answered_by = :actor, "
        "answered_at = :at WHERE supplier_id = :supplier AND question_id = :id AND state = 'asked'",
        state="ours" if ours else "not_ours",
        said=said.strip()[:MOST_SAID] or None,
        invoices=list(invoices) if ours else [],
        actor=actor,
        at=now(),
        id=question.question_id,
    )
    work.audit(actor, "match.answered", str(question.line_id), ours=ours)


def close_questions(work: Work, line_ids: Sequence[UUID]) -> None:
    """Nobody is asked any more about these lines."""
    work.execute(
        "UPDATE payer_questions SET state = 'closed' WHERE supplier_id = :supplier AND line_id = ANY(:ids) "
        "AND state = 'asked'",
        ids=list(line_ids),
    )


def shown_payer(payer: str, customer_name: str) -> str:
    """A payer's name as this customer may see it: whole where it is like theirs, else its first letters."""
    if not payer or likeness(payer, customer_name) in OWN_NAMES:
        return payer
    return f"{words_of(payer)[0][:SHOWN_LETTERS]}…"


_SELECT = (
    "SELECT question.question_id, question.line_id, question.asked_at, line.amount_minor, line.currency, "
    "line.booked_on, line.counterparty, line.remittance, customer.name FROM payer_questions AS question "
    "JOIN bank_lines AS line USING (supplier_id, line_id) JOIN customers AS customer "
    "ON customer.supplier_id = :supplier AND customer.customer_id = question.customer_id "
    "WHERE question.supplier_id = :supplier AND question.customer_id = :customer AND question.state = 'asked' "
    "AND line.state IN ('new', 'proposed', 'unidentified')"
)


def _question(row: RowMapping) -> Question:
    return Question(
        row["question_id"],
        row["line_id"],
        row["amount_minor"],
        row["currency"],
        row["booked_on"],
        shown_payer(payer_of(row["counterparty"], row["remittance"]), row["name"]),
        row["asked_at"],
    )
