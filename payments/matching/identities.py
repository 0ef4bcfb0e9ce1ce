"""Who pays: the reasons why a line's payer is, or is not, this customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.matching.candidates import is_crowded
from payments.matching.names import Likeness, likeness
from payments.matching.points import EVIDENCE, reason

if TYPE_CHECKING:
    from uuid import UUID

    from payments.banking.lines import BankLine
    from payments.matching.candidates import Pool
    from payments.matching.clues import Clues
    from payments.matching.points import Reason

_BY_LIKENESS = {
    Likeness.SAME: "who.name",
    Likeness.CUT: "who.name_cut",
    Likeness.CLOSE: "who.name_close",
    Likeness.ALIKE: "who.name_alike",
}
MOST_MORE = 2
SHARED = "who.name_shared"


def reasons_for_payer(
    pool: Pool, line: BankLine, clues: Clues, customer_id: UUID, likes: dict[UUID, Likeness], *, certain: bool
) -> tuple[Reason, ...]:
    """Why this customer: the best proof in full, each further one a little; a doubt where the name is another's.

    ``certain``: the text has a reference with check digits, so that whoever pays, pays for this customer.
    """
    found = _told(pool, line, clues, customer_id)
    like = likeness(clues.payer, pool.names.get(customer_id, "")) if clues.payer else Likeness.UNTOLD
    if like in _BY_LIKENESS:
        found.append(reason(_code_of(pool, clues.payer, customer_id, like, likes)))
    if not found:
        return (reason("doubt.name"),) if like is Likeness.OTHER and not certain else ()
    found.sort(key=lambda each: -each.points)
    return (found[0], *(reason("who.more") for _ in found[1 : 1 + MOST_MORE]))


def _told(pool: Pool, line: BankLine, clues: Clues, customer_id: UUID) -> list[Reason]:
    """What speaks for this customer beside the name as it stands in the books."""
    found = []
    payers = pool.by_iban.get(line.counterparty_iban or "", [])
    if customer_id in payers:
        found.append(reason("who.iban" if len(payers) == 1 else "who.iban_shared"))
    if pool.by_payer.get(clues.payer) == [customer_id]:
        found.append(reason("who.name_known"))
    if any(pool.by_siren.get(each) == customer_id for each in clues.sirens):
        found.append(reason("who.siren"))
    code = next((each for each in clues.codes if pool.by_code.get(each) == customer_id), None)
    if code:
        found.append(reason("who.code", code))
    if customer_id in pool.said_ours.get(line.line_id, {}):
        found.append(reason("who.asked"))
    if customer_id in pool.advised.get(line.line_id, {}):
        found.append(reason("who.advised"))
    return found


def _code_of(pool: Pool, payer: str, customer_id: UUID, like: Likeness, likes: dict[UUID, Likeness]) -> str:
    """A name that fits several customers as well, or so many that they were not looked at, tells less."""
    code = _BY_LIKENESS[like]
    if EVIDENCE[code].points <= EVIDENCE[SHARED].points:
        return code
    as_well = {Likeness.SAME} if like is Likeness.SAME else {Likeness.SAME, Likeness.CUT}
    rivals = [each for each, other in likes.items() if each != customer_id and other in as_well]
    return SHARED if rivals or is_crowded(pool, payer, like) else code
