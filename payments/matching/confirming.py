"""What a collector decides about a line: confirm it, choose other invoices, split it, put it aside, take it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.clock import now
from payments.advices.using import Arrived, free_advices, use_advices
from payments.banking.lines import get_line, lines_by_ids, settle_line
from payments.errors import PaymentError
from payments.matching.asking import close_questions
from payments.matching.booking import METHOD, ROAD, use_credit
from payments.matching.deciding import TO_DECIDE
from payments.matching.learning import learn_payer, unlearn_line
from receivables.domain.settlement.receipts import MoneyReturned, MoneyUnidentified
from receivables.services.settlement.paying import RecordPayment, record_payments
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.setting_off import UndoSetOff, undo_set_off
from receivables.services.settlement.waiving import waive
from receivables.store.customer_file.customers import lock_customers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.banking.lines import BankLine
    from payments.matching.outcomes import CreditUse
    from payments.matching.proposals import Proposal
    from receivables.services.settlement.waiving import Waiver
    from receivables.store.work import Work

MOST_PARTS = 10


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a line that is one customer's, in minor units: what it is for, what is given up with it."""

    customer_id: UUID
    amount_minor: int
    aims: Mapping[UUID, int] = field(default_factory=dict)
    credits: tuple[CreditUse, ...] = ()
    waiver: Waiver | None = None


def confirm_proposal(work: Work, proposal: Proposal, actor: str, waiver: Waiver | None = None) -> UUID:
    """Take a proposal as it is; returns the payment. Without ``waiver``, its missing rest stays open.

    Raises:
        PaymentError: those of `confirm_line`.
        ReceivablesError: those of ``record_payment`` and ``waive``.
    """
    part = Part(
        proposal.customer_id,
        get_line(work, proposal.line_id).amount_minor,
        {each.invoice_id: each.amount_minor for each in proposal.aims},
        proposal.credits,
        waiver,
    )
    return confirm_line(work, proposal.line_id, [part], actor)[0]


def confirm_line(work: Work, line_id: UUID, parts: Sequence[Part], actor: str) -> list[UUID]:
    """Book a line as a person says, one payment for each customer, and learn who paid; the payments.

    Raises:
        PaymentError: ``bank.unknown_line``, ``match.settled_already``, ``match.parts_differ`` or ``match.over_aimed``.
        ReceivablesError: those of ``record_payment`` and ``waive``: nothing was booked then.
    """
    line = _undecided(work, line_id)
    _check(line, parts)
    for part in parts:
        for use in part.credits:
            use_credit(work, use, _credit_actor(actor, line))
    attempts = record_payments(
        work,
        [
            RecordPayment(
                payment_ref=ref,
                customer_id=part.customer_id,
                amount_minor=part.amount_minor,
                currency=line.currency,
                received_on=line.booked_on,
                method=METHOD,
                road=ROAD,
                counter=line.counter,
                aims=dict(part.aims),
                actor=actor,
                chosen_by="collector",
            )
            for ref, part in zip(_refs(line, len(parts)), parts, strict=True)
        ],
    )
    for attempt, part in zip(attempts, parts, strict=True):
        if part.waiver:
            waive(work, attempt, part.waiver, actor)
    customer = parts[0].customer_id if len(parts) == 1 else None
    settle_line(
        work,
        line_id,
        "matched",
        reason="match.confirmed" if customer else "match.split",
        customer_id=customer,
        attempt_id=attempts[0],
        settled_by=actor,
    )
    _use_advices(work, line, list(zip(attempts, parts, strict=True)), actor)
    learn_payer(work, line, [part.customer_id for part in parts], actor)
    close_questions(work, [line_id])
    work.audit(actor, "match.confirmed", str(line_id), customers=[str(part.customer_id) for part in parts])
    return attempts


def _use_advices(work: Work, line: BankLine, booked: Sequence[tuple[UUID, Part]], actor: str) -> None:
    came = [
        Arrived(attempt, part.customer_id, part.amount_minor, line.currency, line.booked_on, frozenset(part.aims))
        for attempt, part in booked
    ]
    use_advices(work, came, actor)


def set_aside(work: Work, line_id: UUID, actor: str) -> None:
    """Nobody's for now: the money waits on 471 until somebody knows.

    Raises:
        PaymentError: ``bank.unknown_line`` or ``match.settled_already``.
    """
    line = _undecided(work, line_id)
    settle_line(work, line_id, "unidentified", reason="match.set_aside", settled_by=actor)
    if line.counter == "bank":
        record_facts(
            work, [MoneyUnidentified(f"line:{line.line_id}", line.amount_minor, line.currency, line.booked_on)]
        )
    work.audit(actor, "match.set_aside", str(line_id))


def undo_match(work: Work, line_id: UUID, actor: str, reason: str) -> None:
    """Take a match back: its money leaves the customer's account and waits on 471; what was learnt of it is unlearnt.

    Credits that the payer had deducted are open again, and what was given up with the payment is asked for again.

    Raises:
        PaymentError: ``bank.unknown_line``, ``match.not_matched``, ``match.no_reason`` or ``match.money_gone``.
    """
    lock_customers(work, {each["customer_id"] for each in _receipts(work, get_line(work, line_id))})
    line = _matched(work, line_id)
    if not reason.strip():
        raise PaymentError(
            "match.no_reason",
            "Say why the match is undone: the trail keeps it.",
            "Dites pourquoi le rapprochement est défait : le journal le garde.",
        )
    receipts = _receipts(work, line)
    if any(each["returned"] for each in receipts):
        raise PaymentError(
            "match.money_gone",
            "Part of this payment was refunded or went back: it cannot be taken back as a whole.",
            "Une partie de ce paiement a été remboursée ou rejetée : il ne peut plus être repris en entier.",
        )
    record_facts(
        work,
        [
            MoneyReturned(
                f"undo:{each['reference']}",
                each["reference"],
                "reallocation",  # the money is here and never was this customer's: nothing came back unpaid
                each["amount_minor"],
                line.currency,
                now(),
                counter="suspense",
            )
            for each in receipts
        ],
    )
    _free_credits(work, line, actor, reason)
    free_advices(work, _refs(line, MOST_PARTS))
    unlearn_line(work, line_id, actor)
    settle_line(work, line_id, "unidentified", reason="match.undone", settled_by=actor)
    work.execute(
        "UPDATE bank_lines SET round = round + 1 WHERE supplier_id = :supplier AND line_id = :line", line=line_id
    )
    work.audit(actor, "match.undone", str(line_id), reason=reason.strip())


def _matched(work: Work, line_id: UUID) -> BankLine:
    """The line, locked.

    Raises:
        PaymentError: ``match.not_matched``.
    """
    (line,) = lines_by_ids(work, [line_id], lock=True) or [get_line(work, line_id)]
    if line.state != "matched" or line.attempt_id is None:
        raise PaymentError(
            "match.not_matched",
            "This line is matched with nothing: there is nothing to take back.",
            "Cette ligne n'est rapprochée de rien : il n'y a rien à défaire.",
        )
    return line


def _undecided(work: Work, line_id: UUID) -> BankLine:
    (line,) = lines_by_ids(work, [line_id], lock=True) or [get_line(work, line_id)]
    if line.state not in TO_DECIDE or line.amount_minor <= 0:
        raise PaymentError(
            "match.settled_already",
            "Somebody has decided this line already. Look at it again.",
            "Quelqu'un a déjà tranché pour cette ligne. Regardez-la de nouveau.",
        )
    return line


def _check(line: BankLine, parts: Sequence[Part]) -> None:
    if not 0 < len(parts) <= MOST_PARTS or sum(part.amount_minor for part in parts) != line.amount_minor:
        raise PaymentError(
            "match.parts_differ",
            f"The parts must make the {line.amount_minor} of the line (minor units), in at most {MOST_PARTS}.",
            "La somme des parts doit faire le montant de la ligne, au centime près.",
        )
    if any(sum(part.aims.values()) > part.amount_minor for part in parts):
        raise PaymentError(
            "match.over_aimed",
            "More is chosen for invoices than came in. Reduce an amount.",
            "Les montants choisis dépassent ce qui est reçu. Réduisez-en un.",
        )


def _refs(line: BankLine, parts: int) -> list[str]:
    return [line.payment_ref, *(f"{line.payment_ref}/{part}" for part in range(2, parts + 1))]


def _receipts(work: Work, line: BankLine) -> Sequence[RowMapping]:
    """The receipts that a line is, and whether anything of them went back."""
    return work.rows(
        "SELECT reference, customer_id, amount_minor, EXISTS (SELECT 1 FROM receivable_items AS back WHERE "
        "back.supplier_id = :supplier AND back.attempt_id = item.attempt_id AND back.kind = 'refund') AS returned "
        "FROM receivable_items AS item WHERE supplier_id = :supplier AND kind = 'receipt' AND reference = ANY(:refs) "
        "ORDER BY reference",
        refs=_refs(line, MOST_PARTS),
    )


def _credit_actor(actor: str, line: BankLine) -> str:
    return f"{actor} line {line.line_key}"


def _free_credits(work: Work, line: BankLine, actor: str, reason: str) -> None:
    """Take back the set-offs that came with this line; credit that a payment had left stays where it was used."""
    rows = work.rows(
        "SELECT choice.credit_note_id, choice.invoice_id, sum(choice.amount_minor)::bigint AS minor "
        "FROM set_off_choices AS choice WHERE supplier_id = :supplier AND actor LIKE '%line ' || :key "
        "AND invoice_id IN (SELECT invoice_id FROM reservations WHERE supplier_id = :supplier "
        "AND attempt_id = :attempt) GROUP BY 1, 2",
        key=line.line_key,
        attempt=line.attempt_id,
    )
    for row in rows:
        undo_set_off(work, UndoSetOff(row["invoice_id"], row["credit_note_id"], actor, reason, row["minor"]))
