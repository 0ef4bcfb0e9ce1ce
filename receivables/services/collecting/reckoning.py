"""Reckon late interest: what has run on invoices, at which rate, and what of it may be asked for now.

By kind of customer: a business owes the rate of the terms of sale, or by law that of the European Central Bank and ten
points (C. com. art. L441-10 II); a public body always the central bank's and eight (CCP art. R2192-31); both owe the
fixed indemnity once an invoice. A consumer owes neither: only the legal rate, from a formal notice on (C. civ. art.
1231-6), which is nothing to be claimed by a form.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from config.law import LawUnknownError
from config.law.interest import ECB, LEGAL, known_until, rates, statutory_rate_on
from receivables.domain.collecting.interest import INDEMNITY_CURRENCY, INDEMNITY_MINOR, Interest, interest_of
from receivables.domain.parties import CustomerKind
from receivables.errors import ReceivablesError
from receivables.services.collecting.planning import interest_pauses
from receivables.store.collecting.claims import InterestTerms, note_terms, terms_and_print
from receivables.store.collecting.late_invoices import late_ids, late_invoices, late_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from receivables.store.collecting.late_invoices import LateInvoice
    from receivables.store.work import Work

FLOOR_TIMES = 3
"""No terms of sale may ask for less than three times the legal rate (C. com. art. L441-10 II)."""
MOST_PERCENT = Decimal(50)
"""Terms above are a typing error."""
CONTRACT, STATUTORY = "contract", "statutory"


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What may be asked for on one invoice now, in minor units of its currency.

    ``why_not`` says why nothing may: ``consumer``, ``ended`` (refused, rejected or replaced) or ``assigned`` (a
    factor's). ``excess_minor`` was asked for and is not due, as the facts stand now.
    """

    late: LateInvoice
    through_on: date
    interest: Interest
    basis: str
    interest_minor: int = 0
    indemnity_minor: int = 0
    excess_minor: int = 0
    why_not: str | None = None

    @property
    def claimable_minor(self) -> int:
        """Interest and indemnity together."""
        return self.interest_minor + self.indemnity_minor


@dataclass(frozen=True, slots=True)
class Terms:
    """What the terms of sale asked for over time, and the rate that invoices print where nobody wrote it here."""

    known: tuple[InterestTerms, ...]
    printed: Decimal | None

    def on(self, issued_on: date) -> InterestTerms:
        """The terms of an invoice of that day."""
        found = next((each for each in self.known if each.since <= issued_on), None)
        return found or InterestTerms(issued_on, self.printed)


def terms_of(work: Work) -> Terms:
    """The supplier's terms."""
    known, printed = terms_and_print(work)
    return Terms(tuple(known), printed)


def reckon(work: Work, invoice_ids: Sequence[UUID], through: date, terms: Terms | None = None) -> list[Reckoned]:
    """What may be asked for on each of these invoices for the time to the end of ``through``, as one set.

    Raises:
        ReceivablesError: ``interest.rate_unknown``: the law's rate of a half-year in it is not known.
    """
    asked_for = terms or terms_of(work)
    pauses = interest_pauses(work, invoice_ids)
    return [_reckon(_paused(late, pauses), through, asked_for) for late in late_invoices(work, invoice_ids)]


def _paused(late: LateInvoice, pauses: Mapping[UUID, tuple[date, date | None]]) -> LateInvoice:
    """With the days on which a payment plan gives time without interest."""
    pause = pauses.get(late.invoice_id)
    return replace(late, facts=replace(late.facts, pauses=(pause,))) if pause else late


def reckon_late(work: Work, today: date, through: date, customer_id: UUID | None = None) -> list[Reckoned]:
    """What may be asked for on all late invoices of a customer or of all: those on which it is something.

    Raises:
        ReceivablesError: ``interest.rate_unknown``.
    """
    return _worth_telling(reckon(work, late_ids(work, today, customer_id=customer_id), through))


@dataclass(frozen=True, slots=True)
class Run:
    """What has run to the end of a day, and the error for which it is not the day that was asked for."""

    reckoned: list[Reckoned]
    through_on: date
    error: ReceivablesError | None = None


def reckon_known(work: Work, today: date, through: date, customer_id: UUID | None = None) -> Run:
    """What :func:`reckon_late` tells, to the last day known where the law's rate is not known so far; read once."""
    terms, found = terms_of(work), late_on(work, today, customer_id)
    try:
        return Run(_worth_telling(_reckon(each, through, terms) for each in found), through)
    except ReceivablesError as error:
        last = last_day_known(through)
        return Run(_worth_telling(_reckon(each, last, terms) for each in found), last, error)


def _worth_telling(found: Iterable[Reckoned]) -> list[Reckoned]:
    return [each for each in found if each.claimable_minor or each.excess_minor or each.interest.frozen_minor]


def last_day_known(today: date) -> date:
    """The last day for which the law's rate is known, or today where that is later."""
    return min(today, known_until(ECB))


def set_terms(work: Work, terms: InterestTerms, actor: str) -> None:
    """Write what the terms of sale ask for, for invoices from a day on.

    Raises:
        ReceivablesError: ``interest.rate_too_low`` or ``interest.rate_too_high``.
    """
    if terms.percent is not None:
        _check_rate(terms)
    note_terms(work, terms, actor)
    work.audit(
        actor,
        "interest.terms_set",
        str(terms.since),
        percent=terms.percent,
        booking=terms.booking,
        indemnity=terms.indemnity,
        least_minor=terms.least_minor,
    )


def _check_rate(terms: InterestTerms) -> None:
    percent = terms.percent or Decimal(0)
    legal = list(rates(LEGAL).values())
    floor = max(
        (each for each in legal if each.half >= terms.since or each is legal[-1]), key=lambda each: each.percent
    )
    least = FLOOR_TIMES * floor.percent
    if percent < least:
        raise ReceivablesError(
            "interest.rate_too_low",
            f"{percent} % is below three times the legal rate ({least} % for the half-year from {floor.half}): such a "
            "term is void (C. com. art. L441-10 II). Give at least that, or leave the rate to the law.",
            f"{percent} % est inférieur à trois fois le taux légal ({least} % pour le semestre du {floor.half:%d/%m/%Y}"
            ") : la clause est réputée non écrite (C. com. art. L441-10 II). Donnez au moins ce taux, ou laissez celui "
            "de la loi.",
        )
    if percent > MOST_PERCENT:
        raise ReceivablesError(
            "interest.rate_too_high",
            f"{percent} % a year is more than {MOST_PERCENT} %: check the figure.",
            f"{percent} % par an dépasse {MOST_PERCENT} % : vérifiez le chiffre.",
        )


def _reckon(late: LateInvoice, through: date, terms: Terms) -> Reckoned:
    asked = terms.on(late.issued_on)
    basis = CONTRACT if late.customer_kind == CustomerKind.BUSINESS and asked.percent is not None else STATUTORY
    why_not = _why_not(late)
    if why_not is not None:
        claimed = max(late.claimed_minor - late.waived_of_claims_minor, 0) if why_not == "ended" else 0
        return Reckoned(late, through, Interest(()), basis, excess_minor=claimed, why_not=why_not)

    def rate_on(day: date) -> Decimal:
        if basis == CONTRACT:
            assert asked.percent is not None  # noqa: S101 -- the basis says so
            return asked.percent
        return statutory_rate_on(late.customer_kind, day)

    try:
        interest = interest_of(late.facts, through, rate_on)
    except LawUnknownError as error:
        raise _rate_unknown(late, through) from error
    due = interest.amount_minor
    return Reckoned(
        late,
        through,
        interest,
        basis,
        interest_minor=max(due - late.claimed_minor - late.given_up_minor, 0),
        indemnity_minor=INDEMNITY_MINOR if _owes_indemnity(late, interest, asked) else 0,
        excess_minor=max(late.claimed_minor - late.waived_of_claims_minor - due - interest.frozen_minor, 0),
    )


def _why_not(late: LateInvoice) -> str | None:
    if late.customer_kind == CustomerKind.CONSUMER:
        return "consumer"
    if late.ended_by is not None:
        return "ended"
    return "assigned" if late.assigned else None


def _owes_indemnity(late: LateInvoice, interest: Interest, asked: InterestTerms) -> bool:
    """Once an invoice that was late for any part that is not disputed; not from a debtor in proceedings."""
    return (
        asked.indemnity
        and interest.is_late
        and late.currency == INDEMNITY_CURRENCY
        and not late.in_proceedings
        and not late.indemnity_settled
    )


def _rate_unknown(late: LateInvoice, through: date) -> ReceivablesError:
    last = known_until(ECB)
    return ReceivablesError(
        "interest.rate_unknown",
        f"Interest on {late.number} to {through} cannot be reckoned: the central bank's rate is known until {last}. "
        "Look it up at the Banque de France and add it (quittance law import), reckon to that day, or write the rate "
        "of your terms of sale into the settings.",
        f"Les intérêts de {late.number} au {through:%d/%m/%Y} ne peuvent pas être calculés : le taux de la BCE n'est "
        f"connu que jusqu'au {last:%d/%m/%Y}. Relevez-le à la Banque de France et ajoutez-le (quittance law import), "
        "arrêtez le calcul à ce jour, ou inscrivez le taux de vos conditions de vente dans les réglages.",
    )
