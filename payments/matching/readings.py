"""What a bank line may be: one customer, these invoices, so much left over, and why; pure, from loaded candidates."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from payments.matching.advised import as_advised
from payments.matching.amounts import Explained, explain, only_sum
from payments.matching.candidates import MOST_PER_AMOUNT, customers_of, fitting_names
from payments.matching.identities import reasons_for_payer
from payments.matching.mentions import read_hits, slips_of
from payments.matching.outcomes import Outcome, in_full, in_order, less_credits, short_of
from payments.matching.points import LEAST_SHOWN, MOST, PROPOSALS, Reason, reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from payments.banking.lines import BankLine
    from payments.matching.amounts import OpenItem
    from payments.matching.candidates import Pool
    from payments.matching.clues import Clues
    from payments.matching.mentions import Hits
    from payments.matching.names import Likeness
    from receivables.services.settlement.waiving import Tolerance

if TYPE_CHECKING:
    _Told = tuple[Outcome, tuple[Reason, ...]]
    """What would be booked, and what the amount says for it."""

DISCOUNTS = (10, 15, 20, 25, 30)
"""Usual discounts for early payment (escompte), in thousandths."""
MOST_FEES_MINOR = 5_000
"""What a bank abroad may have kept of a transfer without telling."""
ROUND_MINOR = 10_000
LIKELY = 150
"""Points of a payer worth a long look."""
DAYS_AROUND_DUE = 15
OUR_BANKS = ("FR", "MC")
OTHERS = 6
"""Invoices that a text may have left out, oldest first, among which a pair is looked for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a line, with its reasons."""

    customer_id: UUID
    outcome: Outcome
    reasons: tuple[Reason, ...]

    @property
    def score(self) -> int:
        """The sum of the reasons, from 0 to 1000."""
        return max(0, min(MOST, sum(each.points for each in self.reasons)))

    @property
    def key(self) -> tuple[object, ...]:
        """What would be booked: two readings with the same key are one."""
        return (self.customer_id, self.outcome.aims, self.outcome.set_offs)


@dataclass(slots=True)
class _Case:
    """One customer as the payer of one line."""

    line: BankLine
    clues: Clues
    pool: Pool
    tolerance: Tolerance
    customer_id: UUID
    who: tuple[Reason, ...]
    hits: Hits
    named: dict[UUID, str]
    """Of this customer's invoices, those that the text names, by the code of how."""
    invoices: list[OpenItem]
    credits: list[OpenItem]

    @property
    def amount_minor(self) -> int:
        """What came."""
        return self.line.amount_minor

    def about(self, items: Sequence[OpenItem]) -> tuple[Reason, ...]:
        """What the text says of these invoices: how it names the least surely named, and what else it names."""
        codes = [self.named.get(item.source_id) for item in items]
        told: list[Reason] = []
        if codes and None not in codes:
            weakest = min((reason(code, items[at].number) for at, code in enumerate(codes) if code), key=_points)
            told.append(weakest)
            if len(codes) > 1 and weakest.code not in {"ref.bare", "ref.slip"}:
                told.append(Reason("ref.more", 60 * min(len(codes) - 1, 2), str(len(codes))))
        meant = {item.source_id for item in items}
        elsewhere = next((each for each in self.hits.sure if each.invoice_id not in meant), None)
        if elsewhere:
            told.append(reason("doubt.elsewhere", elsewhere.number))
        elif self.hits.unknown and not (codes and codes[0]):
            told.append(reason("doubt.unknown"))
        return tuple(told)


def read_line(line: BankLine, clues: Clues, pool: Pool, tolerance: Tolerance) -> list[Reading]:
    """The readings of a line, best first; of those that book the same, the best alone."""
    hits = read_hits(clues, pool)
    likes = fitting_names(pool, clues)
    customers = customers_of(pool, line, clues)
    same_amount = pool.by_amount.get((line.amount_minor, line.currency), ())
    if len(same_amount) <= MOST_PER_AMOUNT:
        customers |= {customer for customer, _ in same_amount}
    best: dict[tuple[object, ...], Reading] = {}
    for customer in customers:
        if (line.line_id, customer) not in pool.refused:
            for reading in _read_customer(_case(line, clues, pool, tolerance, customer, hits, likes)):
                known = best.get(reading.key)
                if reading.score >= LEAST_SHOWN and (known is None or reading.score > known.score):
                    best[reading.key] = reading
    return sorted(best.values(), key=lambda each: _rank(each, pool))[:PROPOSALS]


def _rank(reading: Reading, pool: Pool) -> tuple[object, ...]:
    """Best first; equal ones by the older invoice, so that the order says nothing by chance."""
    return (
        -reading.score,
        reading.outcome.oldest_on,
        reading.outcome.numbers,
        pool.names.get(reading.customer_id, ""),
        reading.customer_id,
    )


def _case(  # noqa: PLR0917 -- everything a line is read with
    line: BankLine,
    clues: Clues,
    pool: Pool,
    tolerance: Tolerance,
    customer: UUID,
    hits: Hits,
    likes: dict[UUID, Likeness],
) -> _Case:
    invoices = pool.open_of(customer, line.currency)
    named = dict(hits.codes.get(customer, {}))
    certain = bool({"ref.rf", "ref.payment"} & {*named.values()})
    who = reasons_for_payer(pool, line, clues, customer, likes, certain=certain)
    if _is_likely(who):
        named |= {each: "ref.slip" for each in slips_of(clues, invoices) if named.get(each) in {None, "ref.bare"}}
    return _Case(
        line, clues, pool, tolerance, customer, who, hits, named, invoices, pool.credits_of(customer, line.currency)
    )


def _read_customer(case: _Case) -> Iterable[Reading]:
    """Every reading with this customer."""
    found = [*_advised_readings(case), *_named_readings(case), *_amount_readings(case)]
    for outcome, how in found:
        told = (*case.about(outcome.items), *case.who, *how)
        yield Reading(case.customer_id, outcome, _with_doubts(case, told))
    if case.who or case.hits.settled_of(case.customer_id):
        yield _plain_reading(case)


def _advised_readings(case: _Case) -> Iterable[_Told]:
    """What the customer confirmed that a payment of this amount is for, where all of it is still open."""
    advices = case.pool.advised.get(case.line.line_id, {}).get(case.customer_id, [])
    for outcome in (as_advised(case.invoices, case.credits, aims) for aims in advices):
        if outcome is not None:
            yield outcome, (reason("ref.advice", ", ".join(outcome.numbers)), reason("sum.advised"))


def _named_readings(case: _Case) -> Iterable[_Told]:
    """What the text names, or what the customer says it is for."""
    named = _named_items(case)
    if not named:
        return []
    total = sum(item.open_minor for item in named)
    gap = total - case.amount_minor
    if gap == 0:
        common = not case.who and len(named) == 1 and len(_same_amount(case)) > 1
        return [(in_full(named), (reason("sum.named_common" if common else "sum.named"),))]
    if gap < 0:
        return [*_with_others(case, named, -gap), (in_full(named, rest_minor=-gap), (reason("sum.over"),))]
    return _short_readings(case, named, gap)


def _short_readings(case: _Case, named: list[OpenItem], gap: int) -> list[_Told]:
    """Less came than what is named asks for: why, from the surest explanation to none."""
    found: list[_Told] = []
    total = case.amount_minor + gap
    if case.line.charges_minor and gap == abs(case.line.charges_minor):
        found.append((short_of(named, gap, "charge"), (reason("sum.charges"),)))
    for chosen in ([case.credits] if len(case.credits) > 1 else []) + [[each] for each in case.credits]:
        if sum(each.open_minor for each in chosen) == gap:
            numbers = ", ".join(each.number for each in chosen)
            found.append((less_credits(named, chosen), (reason("sum.credits", numbers),)))
            break
    if len(named) == 1 and case.amount_minor in case.pool.instalments.get(named[0].source_id, ()):
        found.append((in_order(named, case.amount_minor), (reason("sum.instalment"),)))
    promised = _promised(case, named[0], gap) if len(named) == 1 else None
    if promised:
        found.append((short_of(named, gap, "discount"), (promised,)))
    rate = next((each for each in DISCOUNTS if (total * each + 500) // 1000 == gap), None)
    if rate and len(named) == 1 and case.line.booked_on <= named[0].due_on:
        told = reason("sum.discount", f"{rate / 10:g}".replace(".", ","))
        found.append((replace(short_of(named, gap, "discount"), by_hand=True), (told,)))
    if gap <= min(case.tolerance.max_minor, total * case.tolerance.max_percent // 100):
        found.append((short_of(named, gap, "waiver"), (reason("sum.tolerance"),)))
    abroad = case.line.counterparty_iban and not case.line.counterparty_iban.startswith(OUR_BANKS)
    if abroad and gap <= MOST_FEES_MINOR:
        found.append((replace(short_of(named, gap, "charge"), by_hand=True), (reason("sum.fees"),)))
    return found or [(in_order(named, case.amount_minor), (reason("sum.part"),))]


def _with_others(case: _Case, named: list[OpenItem], left_minor: int) -> list[_Told]:
    """More came than what is named asks for: perhaps the text was cut, and one or two others are meant as well."""
    known = {item.source_id for item in named}
    others = [item for item in case.invoices if item.source_id not in known]
    total = sum(item.open_minor for item in others)
    more = tuple(others) if total == left_minor else only_sum(others[:OTHERS], left_minor, most=2)
    if not more:
        return []
    weakest = min((reason(case.named[item.source_id], item.number) for item in named), key=_points)
    return [(in_full([*named, *more]), (weakest, reason("sum.several")))]


def _amount_readings(case: _Case) -> Iterable[_Told]:
    """What the amount alone may mean at this customer."""
    if not case.who and not case.named:
        ways = [Explained("sum.one", (item,)) for item in case.invoices if item.open_minor == case.amount_minor]
    else:
        ways = explain(case.invoices, case.credits, case.amount_minor, case.line.booked_on, deep=_is_likely(case.who))
    for way in ways:
        code = _code_of_one(case) if way.code == "sum.one" else way.code
        timely = () if way.code == "sum.alike" else _around_due(case, way.items)
        how = (reason(code, way.about), *timely)
        yield (less_credits(way.items, way.credits) if way.credits else in_full(way.items)), how
    charges = abs(case.line.charges_minor or 0)
    if charges and case.who:
        for way in explain(case.invoices, (), case.amount_minor + charges, case.line.booked_on)[:1]:
            yield short_of(way.items, charges, "charge"), (reason("sum.charges"),)
    for item in case.invoices if case.who else ():
        gap = item.open_minor - case.amount_minor
        promised = _promised(case, item, gap)
        if promised and item.source_id not in case.named:  # for whom it is seems clear, not for what
            yield replace(short_of([item], gap, "discount"), by_hand=True), (promised,)
    parts = [item for item in case.invoices if case.amount_minor in case.pool.instalments.get(item.source_id, ())]
    if len(parts) == 1 and case.who:
        yield in_order(parts, case.amount_minor), (reason("sum.instalment"),)


def _promised(case: _Case, item: OpenItem, gap: int) -> Reason | None:
    """Whether an invoice promised just this discount to money that is there by then (C. com. art. L441-9)."""
    terms = case.pool.discounts.get(item.source_id)
    if terms is None or gap <= 0 or case.line.booked_on > terms.until or terms.of(item.open_minor) != gap:
        return None
    return reason("sum.terms", f"{terms.percent:f}".replace(".", ","))


def _code_of_one(case: _Case) -> str:
    """How much it says that one invoice has this amount: less where many owe the price of a subscription."""
    others = len(_same_amount(case))
    if not case.who and others > 1:
        return "sum.common"
    return "sum.one_common" if others > MOST_PER_AMOUNT else "sum.one"


def _plain_reading(case: _Case) -> Reading:
    """Theirs, whatever it is for: settled already, or the oldest first where nothing fits (C. civ. art. 1342-10)."""
    settled = case.hits.settled_of(case.customer_id)
    if settled:
        told = (settled[0][1], reason("doubt.paid", settled[0][0].number))
        return Reading(case.customer_id, Outcome(rest_minor=case.amount_minor), (*told, *case.who))
    outcome = in_order(() if case.clues.is_advance else case.invoices, case.amount_minor)
    return Reading(case.customer_id, outcome, (*case.about(()), *case.who, reason("sum.none")))


def _named_items(case: _Case) -> list[OpenItem]:
    """The open invoices that are named: the surely named, or else those with a slip, or those that the payer told."""
    told = case.pool.said_ours.get(case.line.line_id, {}).get(case.customer_id, ())
    by_code: dict[str, list[OpenItem]] = defaultdict(list)
    for item in case.invoices:
        by_code[case.named.get(item.source_id, "ref.told" if item.source_id in told else "")].append(item)
    payments = [case.pool.by_payment[each] for each in case.clues.payment_ids if each in case.pool.by_payment]
    aims = {invoice for customer, one in payments if customer == case.customer_id for invoice in one}
    if aims:
        case.named |= dict.fromkeys(aims, "ref.payment")
        return [item for item in case.invoices if item.source_id in aims]
    sure = [item for code in ("ref.rf", "ref.number", "ref.yeared", "ref.worded") for item in by_code[code]]
    found = sure or by_code["ref.slip"] or by_code["ref.told"]
    return sorted(found, key=lambda item: (item.due_on, item.number))


def _with_doubts(case: _Case, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """Where nothing is named, an advance or a round amount may be for something else."""
    if any(each.code.startswith("ref.") for each in reasons):
        return reasons
    if case.clues.is_advance:
        return (*reasons, reason("doubt.advance"))
    return (*reasons, reason("sum.round")) if case.amount_minor % ROUND_MINOR == 0 else reasons


def _around_due(case: _Case, items: Sequence[OpenItem]) -> tuple[Reason, ...]:
    days = min((abs((item.due_on - case.line.booked_on).days) for item in items), default=None)
    return (reason("day.due"),) if days is not None and days <= DAYS_AROUND_DUE else ()


def _same_amount(case: _Case) -> Sequence[tuple[UUID, UUID]]:
    return case.pool.by_amount.get((case.amount_minor, case.line.currency), ())


def _is_likely(who: tuple[Reason, ...]) -> bool:
    """Whether enough speaks for the payer to look at their invoices one by one."""
    return bool(who) and who[0].points >= LIKELY


def _points(told: Reason) -> int:
    return told.points
