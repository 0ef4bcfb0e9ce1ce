"""What a bank says, whatever the format it says it in: statements of an account, and their lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

FORMATS = ("camt.053", "camt.054", "cfonb120", "mt940", "ofx")
"""Formats that are read."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement on an account, as the bank tells it.

    Attributes:
        place: Where it stands in the file: a line number, or ``Ntry 3`` in XML.
        amount_minor: In minor units; above zero came in (the bank's credit), below went out.
        bank_ref: The bank's own reference of the movement (AcctSvcrRef, FITID), where it gives one.
        entry: Lines of one file with the same number are parts of one movement: a batch that the bank booked as one
            sum and tells in detail.
        batch_ref: Our reference of a batch that we sent (PmtInfId).
        bank_code: The bank's word for the kind of movement: camt ``PMNT/RCDT/ESCT``, CFONB ``05``, MT940 ``NTRF``.
        return_code: Why it came back (ISO 20022 external code, ``AM04``): only on returns.
        charges_minor: What a bank kept of it, above zero.
        details: Everything else it said, by our names: ``other_amount``, ``purpose``, ``cheque``, ``origin_ref`` ...
    """

    place: str
    booked_on: date
    value_on: date
    amount_minor: int
    currency: str
    counterparty: str = ""
    counterparty_iban: str | None = None
    remittance: str = ""
    structured_reference: str | None = None
    end_to_end_id: str | None = None
    mandate_ref: str | None = None
    batch_ref: str | None = None
    bank_ref: str | None = None
    bank_code: str | None = None
    return_code: str | None = None
    charges_minor: int | None = None
    entry: int = 0
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that the reader saw and that somebody should know; ``code`` is stable."""

    code: str
    sentence: str
    sentence_fr: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The movements of one account that one file tells; balances only where the format has them.

    Attributes:
        account: The IBAN, or what stands for it (an OFX account number, MT940's field 25): no spaces, capitals.
        is_notice: Details told apart from the statement (camt.054): it has no balances.
    """

    format: str
    account: str
    currency: str
    lines: tuple[StatementLine, ...]
    reference: str = ""
    from_on: date | None = None
    to_on: date | None = None
    opening_minor: int | None = None
    closing_minor: int | None = None
    is_notice: bool = False
    remarks: tuple[Remark, ...] = ()

    @property
    def total_minor(self) -> int:
        """The sum of the lines."""
        return sum(line.amount_minor for line in self.lines)
