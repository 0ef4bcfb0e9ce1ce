"""Score customers: all of them at the end of a day as one set, or one at any past day; the block list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from config.clock import PARIS, new_id, now, today
from receivables.domain.risk.score import CURRENT, Score, facts_of, formula_of, give_score
from receivables.errors import NotFoundError, ReceivablesError
from receivables.store.customer_file.journal import AccountEvent, note_events
from receivables.store.risk.payment_habits import Window, payment_facts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from receivables.domain.risk.score import Formula, PaymentFacts
    from receivables.store.work import Work

WATERMARK = "scores"
"""How far this supplier's customers are scored: the end of the last day."""
TOLD_DROP = 100
"""A score that fell by ten points since the day before is told in the journal, as is a worse class."""
MONTHS_OF_YEAR = 12


@dataclass(frozen=True, slots=True)
class DatedScore:
    """A score with its day and the facts that it was computed from."""

    customer_id: UUID
    scored_on: date
    score: Score
    facts: PaymentFacts


def score_on(
    work: Work,
    day: date,
    *,
    customer_ids: Collection[UUID] | None = None,
    formula: int = CURRENT,
    currency: str = "EUR",
) -> dict[UUID, DatedScore]:
    """The scores at the end of a legal day, computed from what was recorded by then; one query, nothing is kept.

    Raises:
        ReceivablesError: ``score.unknown_formula``.
    """
    chosen = formula_of(formula)
    found = payment_facts(work, window_of(day, chosen), currency, customer_ids)
    return {
        customer_id: DatedScore(customer_id, day, give_score(facts, chosen), facts)
        for customer_id, facts in found.items()
    }


def keep_scores(work: Work, day: date) -> int:
    """Score all customers at the end of a day and keep it, as one set; a day is kept once. Returns how many are new.

    What got worse since the last score is told in the journals of the accounts.
    """
    fresh = score_on(work, day)
    before = latest_scores(work, until=day - timedelta(days=1))
    at = now()
    known = {row["customer_id"] for row in work.rows(_KNOWN, day=day, formula=CURRENT)}
    fresh = {customer_id: dated for customer_id, dated in fresh.items() if customer_id not in known}
    work.insert(
        "scores",
        [
            {
                "customer_id": dated.customer_id,
                "scored_on": day,
                "formula": dated.score.formula,
                "tenths": dated.score.tenths,
                "class": dated.score.letter,
                "facts": dated.facts.told(),
                "computed_at": at,
            }
            for dated in fresh.values()
        ],
        on_conflict="ON CONFLICT (supplier_id, customer_id, scored_on, formula) DO NOTHING",
    )
    note_events(work, [event for each in fresh.values() if (event := _worse(before.get(each.customer_id), each))])
    return len(fresh)


def score_yesterday(work: Work) -> int:
    """Score the day that is over, where it was not yet; the worker's chore. Returns how many scores are new."""
    day = today() - timedelta(days=1)
    kept = keep_scores(work, day)
    work.execute(
        "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
        "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
        name=WATERMARK,
        at=end_of(day),
    )
    return kept


def latest_scores(
    work: Work, *, customer_ids: Collection[UUID] | None = None, until: date | None = None
) -> dict[UUID, DatedScore]:
    """The last score of each customer that has one: the day's or of an earlier day."""
    rows = work.rows(
        "SELECT DISTINCT ON (customer_id) customer_id, scored_on, formula, facts FROM scores "
        "WHERE supplier_id = :supplier AND (CAST(:until AS date) IS NULL OR scored_on <= :until) "
        "AND (CAST(:ids AS uuid[]) IS NULL OR customer_id = ANY(:ids)) "
        "ORDER BY customer_id, scored_on DESC, formula DESC",
        until=until,
        ids=list(customer_ids) if customer_ids is not None else None,
    )
    return {
        row["customer_id"]: DatedScore(
            row["customer_id"],
            row["scored_on"],
            give_score(facts := facts_of(row["facts"]), formula_of(row["formula"])),
            facts,
        )
        for row in rows
    }


def history_of(work: Work, customer_id: UUID, most: int = 90) -> list[tuple[date, int | None]]:
    """The days on which a customer was scored, newest first, with the tenths of each."""
    rows = work.rows(
        "SELECT scored_on, tenths FROM scores WHERE supplier_id = :supplier AND customer_id = :customer "
        "ORDER BY scored_on DESC, formula DESC LIMIT :most",
        customer=customer_id,
        most=most,
    )
    return [(row["scored_on"], row["tenths"]) for row in rows]


def block(work: Work, customer_id: UUID, *, blocked: bool, reason: str, actor: str) -> None:
    """Put a customer on the block list (class E), or take it off, with the reason.

    Raises:
        NotFoundError: ``customer.not_found``.
        ReceivablesError: ``score.no_reason``.
    """
    if not reason.strip():
        raise ReceivablesError(
            "score.no_reason",
            "Say why: whoever meets this customer next has to know.",
            "Dites pourquoi : celui qui traitera ensuite ce client doit le savoir.",
        )
    known = work.scalar("SELECT 1 FROM customers WHERE supplier_id = :supplier AND customer_id = :id", id=customer_id)
    if known is None:
        raise NotFoundError("customer.not_found", "There is no such customer.", "Ce client n'existe pas.")
    work.execute(
        "INSERT INTO score_blocks (supplier_id, block_id, customer_id, blocked, reason, actor, decided_at) "
        "VALUES (:supplier, :block, :customer, :blocked, :reason, :actor, :at)",
        block=new_id(),
        customer=customer_id,
        blocked=blocked,
        reason=reason.strip(),
        actor=actor,
        at=now(),
    )
    act = "score.blocked" if blocked else "score.unblocked"
    work.audit(actor, act, str(customer_id), reason=reason.strip())
    note_events(work, [AccountEvent(customer_id, act, actor, shown=False, facts={"reason": reason.strip()})])


def blocked_customers(work: Work, customer_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Which of these customers are on the block list now, and why."""
    rows = work.rows(
        "SELECT DISTINCT ON (customer_id) customer_id, blocked, reason FROM score_blocks "
        "WHERE supplier_id = :supplier AND customer_id = ANY(:ids) "
        "ORDER BY customer_id, decided_at DESC, block_id DESC",
        ids=list(customer_ids),
    )
    return {row["customer_id"]: row["reason"] for row in rows if row["blocked"]}


def window_of(day: date, formula: Formula) -> Window:
    """How far the formula looks back from a day."""
    return Window(day, end_of(day), months_before(day, formula.months), months_before(day, formula.lateness_months))


def end_of(day: date) -> datetime:
    """The instant at which a legal day is over."""
    return datetime.combine(day + timedelta(days=1), time(0), PARIS).astimezone(UTC)


def months_before(day: date, months: int) -> date:
    """The same day some months ago, or the last day of that month where it is shorter."""
    index = day.year * MONTHS_OF_YEAR + day.month - 1 - months
    year, month = divmod(index, MONTHS_OF_YEAR)
    after = date(year + (month + 1) // MONTHS_OF_YEAR, (month + 1) % MONTHS_OF_YEAR + 1, 1)
    return date(year, month + 1, min(day.day, (after - timedelta(days=1)).day))


def _worse(before: DatedScore | None, after: DatedScore) -> AccountEvent | None:
    """What sales have to hear (a score that fell): the class and points of both days."""
    if before is None or before.score.tenths is None or after.score.tenths is None:
        return None
    fell = before.score.tenths - after.score.tenths
    if fell < TOLD_DROP and after.score.letter <= before.score.letter:
        return None
    facts = {
        "before": before.score.tenths // 10,
        "after": after.score.tenths // 10,
        "class_before": before.score.letter,
        "class_after": after.score.letter,
    }
    return AccountEvent(after.customer_id, "score.fell", "rule", shown=False, facts=facts)


_KNOWN = "SELECT customer_id FROM scores WHERE supplier_id = :supplier AND scored_on = :day AND formula = :formula"
