"""What one bank line says, read once: references, numbers, who pays; nothing is looked up yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.matching.names import keys_of, payer_of
from payments.matching.numbers import read_mentions
from payments.matching.references import account_codes, creditor_references, own_payment_ids, sirens
from payments.matching.texts import plain

if TYPE_CHECKING:
    from uuid import UUID

    from payments.banking.lines import BankLine
    from payments.matching.numbers import Mention

_ADVANCE = re.compile(r"\b(?:ACOMPTES?|ACPTE|ARRHES|AVANCE|CAUTION|DEPOSIT|DOWN PAYMENT)\b")
_NOTHING = frozenset({"NOTPROVIDED", "NONE", "NON PROVIDED", "NOT PROVIDED", "NA", "N/A"})


@dataclass(frozen=True, slots=True)
class Clues:
    """The evidence in a line's own words."""

    payer: str
    name_keys: frozenset[str]
    rf_bodies: frozenset[str]
    payment_ids: frozenset[UUID]
    codes: frozenset[str]
    sirens: frozenset[str]
    mentions: tuple[Mention, ...]
    is_advance: bool
    """Whether the text speaks of money for what is not invoiced yet (acompte)."""

    @property
    def wholes(self) -> frozenset[str]:
        """Whole invoice numbers to look for."""
        told = (whole for mention in self.mentions for whole in mention.wholes)
        return frozenset(each for each in told if len(each) > 3) | self.rf_bodies  # noqa: PLR2004 -- shorter are serials

    @property
    def tails(self) -> frozenset[str]:
        """Serials to look for."""
        return frozenset(mention.tail for mention in self.mentions)


def read_clues(line: BankLine) -> Clues:
    """Read what ``line`` says."""
    said = [line.remittance, line.structured_reference or "", line.end_to_end_id or ""]
    told = [each for each in said if each.strip().upper() not in _NOTHING]
    text = " / ".join(dict.fromkeys(told))
    payer = payer_of(line.counterparty, line.remittance)
    return Clues(
        payer=payer,
        name_keys=keys_of(payer) if payer else frozenset(),
        rf_bodies=creditor_references(*told),
        payment_ids=own_payment_ids(*told),
        codes=account_codes(text),
        sirens=sirens(text),
        mentions=read_mentions(text),
        is_advance=_ADVANCE.search(plain(text)) is not None,
    )
