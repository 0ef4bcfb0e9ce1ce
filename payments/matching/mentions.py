"""Which invoices the text of a line names: mentions held against the invoices that exist."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payments.matching.numbers import Strength, is_slip_of
from payments.matching.points import reason
from payments.matching.texts import compact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from payments.matching.amounts import OpenItem
    from payments.matching.candidates import Named, Pool
    from payments.matching.clues import Clues
    from payments.matching.points import Reason

CODES = {
    Strength.FULL: "ref.number",
    Strength.YEARED: "ref.yeared",
    Strength.WORDED: "ref.worded",
    Strength.BARE: "ref.bare",
}
SURE = frozenset({"ref.rf", "ref.number", "ref.yeared"})
LEAST_SLIP = 5
"""Signs of a number in which one wrong sign still leaves it recognisable."""
MOST_UNKNOWN = 6


@dataclass(slots=True)
class Hits:
    """The invoices that a line names: by customer and invoice, the code of how; settled ones among them."""

    codes: dict[UUID, dict[UUID, str]] = field(default_factory=dict)
    sure: list[Named] = field(default_factory=list)
    """Those that are named beyond doubt, whoever's they are, settled or not."""
    settled: dict[UUID, list[tuple[Named, Reason]]] = field(default_factory=dict)
    unknown: bool = False
    """Whether something that can hardly be anything but an invoice number is none of ours."""

    def settled_of(self, customer_id: UUID) -> list[tuple[Named, Reason]]:
        """What of this customer's the text surely names although nothing is open on it."""
        return self.settled.get(customer_id, [])


def read_hits(clues: Clues, pool: Pool) -> Hits:
    """Hold what ``clues`` mention against the invoices of ``pool``; the surest mention of an invoice counts."""
    found: dict[UUID, tuple[Named, str]] = {}
    for body in clues.rf_bodies:
        for named in pool.by_compact.get(body, ()):
            found[named.invoice_id] = (named, "ref.rf")
    for mention in clues.mentions:
        near = [each for whole in mention.wholes for each in pool.by_compact.get(whole, ())]
        for named in (*near, *pool.by_tail.get(mention.tail, ())):
            strength = mention.strength(named.compact, named.tail, named.issue_year)
            if strength and _is_surer(CODES[strength], found.get(named.invoice_id)):
                found[named.invoice_id] = (named, CODES[strength])
    return _sorted_out(clues, pool, found)


def slips_of(clues: Clues, invoices: Iterable[OpenItem]) -> set[UUID]:
    """Of these invoices, those whose number the text has with one sign wrong."""
    typed = {whole for mention in clues.mentions for whole in mention.wholes if len(whole) >= LEAST_SLIP}
    return {item.source_id for item in invoices if is_slip_of(typed, compact(item.number))} if typed else set()


def _sorted_out(clues: Clues, pool: Pool, found: dict[UUID, tuple[Named, str]]) -> Hits:
    hits = Hits()
    best: dict[tuple[UUID, str], tuple[Named, str]] = {}
    for named, code in found.values():  # one serial of several years is one mention: the surest, the open, the latest
        key = (named.customer_id, named.tail)
        rank = _rank(pool, named, code)
        if key not in best or rank > _rank(pool, *best[key]):
            best[key] = (named, code)
    for named, code in best.values():
        hits.codes.setdefault(named.customer_id, {})[named.invoice_id] = code
        if code in SURE:
            hits.sure.append(named)
            if not _is_open(pool, named):
                hits.settled.setdefault(named.customer_id, []).append((named, reason(code, named.number)))
    hits.sure.sort(key=lambda each: each.number)
    hits.unknown = not hits.sure and any(
        each.looks_like_ours and len(each.tail) <= MOST_UNKNOWN for each in clues.mentions
    )
    return hits


def _rank(pool: Pool, named: Named, code: str) -> tuple[int, bool, int]:
    return (reason(code).points, _is_open(pool, named), named.issue_year)


def _is_open(pool: Pool, named: Named) -> bool:
    items = pool.invoices.get(named.customer_id, ())
    return any(item.source_id == named.invoice_id and item.open_minor > 0 for item in items)


def _is_surer(code: str, known: tuple[Named, str] | None) -> bool:
    return known is None or reason(code).points > reason(known[1]).points
