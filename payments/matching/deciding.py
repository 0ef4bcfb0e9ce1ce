"""Decide what a batch of bank lines is: book the certain ones, propose for the others, leave the rest unidentified.

A line is booked without asking only where its best reading has enough points, no other comes near, and two independent
kinds of evidence speak for it. The order of lines in a batch changes nothing: the earlier booked day goes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.banking.lines import lines_by_ids, settle_lines
from payments.matching.asking import close_questions
from payments.matching.booking import AUTOMATIC_ACTOR, book_readings
from payments.matching.candidates import keep_payer_keys, load_pool
from payments.matching.clues import read_clues
from payments.matching.points import AMOUNT, AUTOMATIC, DOUBT, MARGIN, REFERENCE, WHO, families
from payments.matching.proposals import keep_proposals
from payments.matching.readings import read_line
from receivables.services.settlement.waiving import tolerance_of
from receivables.store.conversations.disputes import ENDED_BY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from payments.banking.lines import BankLine
    from payments.matching.candidates import Pool
    from payments.matching.readings import Reading
    from receivables.store.work import Work

TO_DECIDE = frozenset({"new", "proposed", "unidentified"})
"""States of lines that may still become somebody's payment."""
CERTAIN_REFERENCES = frozenset({"ref.rf", "ref.payment"})


@dataclass(frozen=True, slots=True)
class Decision:
    """What is thought of a line: its readings, best first, and whether the first is booked without asking."""

    line: BankLine
    readings: tuple[Reading, ...]
    is_certain: bool


def match_lines(work: Work, line_ids: Sequence[UUID]) -> None:
    """Book the certain ones of these lines, write proposals for the others, and say so on each line.

    Only credits that are nothing yet are looked at: anything else is left as it is.
    """
    lines = [
        line for line in lines_by_ids(work, line_ids, lock=True) if line.state in TO_DECIDE and line.amount_minor > 0
    ]
    if not lines:
        return
    decisions = decide(work, lines)
    certain = [each for each in decisions if each.is_certain]
    attempts = book_readings(work, [(each.line, each.readings[0]) for each in certain])
    keep_proposals(work, [(each.line, each.readings) for each in decisions])
    settle_lines(work, [_settled(each, attempts) for each in decisions])
    close_questions(work, list(attempts))


def decide(work: Work, lines: Sequence[BankLine]) -> list[Decision]:
    """What each of ``lines`` is, in the order in which they were booked; nothing is written but new name keys."""
    keep_payer_keys(work)
    ordered = sorted(lines, key=lambda line: (line.booked_on, line.line_key))
    clues = {line.line_id: read_clues(line) for line in ordered}
    pool = load_pool(work, ordered, clues)
    tolerance = tolerance_of(work)
    ended = _ended(work, pool)
    decisions = []
    for line in ordered:
        readings = tuple(read_line(line, clues[line.line_id], pool, tolerance))
        certain = is_certain(readings) and not any(item.source_id in ended for item in readings[0].outcome.items)
        if certain:
            _take(pool, readings[0])
        decisions.append(Decision(line, readings, certain))
    return decisions


def is_certain(readings: Sequence[Reading], margin: int = MARGIN) -> bool:
    """Whether the first of ``readings`` is booked without asking: docs/matching.md says why each condition stands."""
    if not readings:
        return False
    best, near = readings[0], readings[1].score if len(readings) > 1 else 0
    if best.score < AUTOMATIC or best.score - near < margin or best.outcome.by_hand or not best.outcome.items:
        return False
    kinds = families(best.reasons) - {DOUBT}
    sure_reference = bool(CERTAIN_REFERENCES & {each.code for each in best.reasons})
    if best.outcome.rest_minor and not best.outcome.waiver:  # a part, or more than is open: what it is for is certain
        return sure_reference and WHO in kinds
    return len(kinds) > 1 and AMOUNT in kinds and (WHO in kinds or REFERENCE in kinds)


def _take(pool: Pool, reading: Reading) -> None:
    """What is booked is not open any more for the lines behind."""
    taken = dict(reading.outcome.aims)
    for use in reading.outcome.set_offs:
        taken[use.invoice_id] = taken.get(use.invoice_id, 0) + use.amount_minor
        for credit in pool.credits.get(reading.customer_id, ()):
            if credit.source_id == use.source_id:
                credit.open_minor -= use.amount_minor
    if reading.outcome.waiver:
        taken[reading.outcome.waiver.invoice_id] += reading.outcome.waiver.amount_minor
    for item in pool.invoices.get(reading.customer_id, ()):
        item.open_minor -= taken.get(item.source_id, 0)


def _ended(work: Work, pool: Pool) -> set[UUID]:
    """Invoices whose money nobody asks for any more (refused, rejected, replaced): a person looks at their payments."""
    if not work.scalar(
        "SELECT EXISTS (SELECT 1 FROM replacements WHERE supplier_id = :supplier) OR EXISTS (SELECT 1 FROM statuses "
        "WHERE supplier_id = :supplier AND code IN ('210', '213', '220'))"
    ):
        return set()
    ids: Iterable[UUID] = {item.source_id for items in pool.invoices.values() for item in items}
    rows = work.rows(
        "SELECT invoice.invoice_id FROM invoices AS invoice WHERE supplier_id = :supplier "
        f"AND invoice.invoice_id = ANY(:ids) AND {ENDED_BY} IS NOT NULL",
        ids=sorted(ids),
    )
    return {row["invoice_id"] for row in rows}


def _settled(decision: Decision, attempts: dict[UUID, UUID]) -> dict[str, object]:
    best = decision.readings[0] if decision.readings else None
    line_id = decision.line.line_id
    state = "matched" if decision.is_certain else "proposed" if best else "unidentified"
    return {
        "line_id": line_id,
        "state": state,
        "reason": ",".join(each.code for each in best.reasons) if best else "match.nothing_found",
        "score": best.score if best else None,
        "customer_id": best.customer_id if best and decision.is_certain else None,
        "attempt_id": attempts.get(line_id),
        "settled_by": AUTOMATIC_ACTOR,
    }
