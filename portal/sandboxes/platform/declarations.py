"""The State's answer to a report (Flux 10): deposited (300) or rejected (301) with its reasons, as a CDAR message.

Reasons: Dossier général v3.2, table 12; Annexe 7 rules G8.05 (unique), G7.43 (the period is over), G1.53 (sums).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from config.clock import PARIS, today
from einvoice.document import SIREN_SCHEME, Identifier
from einvoice.lifecycle.cdar import write_cdar
from einvoice.lifecycle.message import (
    Detail,
    InvoiceReference,
    Note,
    Reason,
    StatusMessage,
    StatusParty,
)
from einvoice.platform.port import AckStatus, Direction, Syntax
from portal.sandboxes.platform.flows import StoredFlow
from portal.sandboxes.platform.report_facts import PAYMENTS

if TYPE_CHECKING:
    from portal.sandboxes.platform.flows import FlowStore
    from portal.sandboxes.platform.report_facts import ReportFacts

GUIDELINE = "urn.cpro.gouv.fr:1p0:CDV:ereportingF10"
"""MDT-3 of the State's answers to Flux 10 (Annexe 7, G7.14)."""
DEPOSITED, REJECTED = "300", "301"
_LABELS = {DEPOSITED: "Déposée", REJECTED: "Rejetée"}
_STATE_ROLE, _TRANSMISSION = "DFH", "305"
_CENT = Decimal("0.01")
_RATES = frozenset(
    Decimal(rate).normalize()
    for rate in ("0", "0.9", "1.05", "1.75", "2.1", "5.5", "7", "8.5", "9.2", "9.6", "10", "13", "19.6", "20", "20.6")
)
"""VAT rates that have existed in France (BR-FR-16)."""
_REASONS = {
    "REJ_UNI": "Identifiant de transmission déjà reçu",
    "REJ_PER": "Période incorrecte",
    "REJ_COH": "Données incohérentes",
    "REJ_SEMAN": "Donnée non conforme",
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a report is rejected: a reason of the State's list, and where."""

    reason: str
    comment: str


class Declarations:
    """The reports accepted so far. Not thread-safe by itself: one clerk enters them."""

    def __init__(self, *, early: bool) -> None:
        self._early = early
        self.numbers: set[tuple[str, str]] = set()
        """Declarant and TT-1 of everything received."""
        self.in_force: dict[tuple[str, str, str, date, date], list[ReportFacts]] = {}
        """What counts, by declarant, role, kind and period: the first reports, or the last one that rectifies."""

    def enter(self, facts: ReportFacts) -> tuple[Rejection, ...]:
        """Take a report, or say why not. A rectifying report takes the place of all of its period."""
        rejections = tuple(self._faults(facts))
        self.numbers.add((facts.siren, facts.number))
        if not rejections:
            held = [] if facts.type_code == "RE" else self.in_force.get(facts.key, [])
            self.in_force[facts.key] = [*held, facts]
        return rejections

    def clear(self) -> None:
        """Forget everything."""
        self.numbers.clear()
        self.in_force.clear()

    def _faults(self, facts: ReportFacts) -> list[Rejection]:
        found = []
        if (facts.siren, facts.number) in self.numbers:
            found.append(Rejection("REJ_UNI", f"{facts.number} has been received from {facts.siren} before."))
        found += _wrong_period(facts, early=self._early)
        if facts.type_code == "RE" and facts.key not in self.in_force:
            found.append(Rejection("REJ_COH", "There is no report of this period to rectify."))
        found += [
            Rejection("REJ_COH", f"{each.place} is {each.told}, its parts sum to {each.summed}.")
            for each in facts.sums
            if abs(each.told - each.summed) > _CENT * max(1, each.parts)
        ]
        strange = [str(rate) for rate in facts.rates if rate.normalize() not in _RATES]
        found += [Rejection("REJ_SEMAN", f"{rate} % has never been a VAT rate in France.") for rate in strange]
        if set(facts.currencies) - {"EUR"}:
            found.append(Rejection("REJ_SEMAN", "Payments are told in euros (G6.27)."))
        return found


def _wrong_period(facts: ReportFacts, *, early: bool) -> list[Rejection]:
    """The period must be one that some VAT regime has, be over, and hold everything that is told."""
    if not _is_period(facts.starts_on, facts.ends_on):
        return [Rejection("REJ_PER", f"{facts.starts_on} to {facts.ends_on} is the period of no VAT regime.")]
    if facts.ends_on >= today() and not early:
        return [Rejection("REJ_PER", f"The period ends on {facts.ends_on} and is not over (G7.43).")]
    outside = [day for day in facts.days if not facts.starts_on <= day <= facts.ends_on]
    return [Rejection("REJ_PER", f"{outside[0]} lies outside the period.")] if outside else []


def _is_period(first: date, last: date) -> bool:
    """Ten days, a month, or two months that begin with an odd one (DG table 13)."""
    ends = monthrange(last.year, last.month)[1]
    if (first.year, first.month) == (last.year, last.month):
        return (first.day, last.day) in {(1, 10), (11, 20), (21, ends), (1, ends)}
    return first.day == 1 and last.day == ends and first.month % 2 == 1 and last == _end_of_next(first)


def _end_of_next(first: date) -> date:
    return date(first.year, first.month + 1, monthrange(first.year, first.month + 1)[1])


def answer_report(
    store: FlowStore, flow: StoredFlow, facts: ReportFacts, rejections: tuple[Rejection, ...]
) -> StoredFlow:
    """The State's answer, as a flow to the sender of the report."""
    code = REJECTED if rejections else DEPOSITED
    kind = "StatePaymentReportLC" if facts.part == PAYMENTS else "StateTransactionReportLC"
    answer = store.add(
        StoredFlow(
            owner=flow.owner,
            name=f"{facts.number}_CDV-{code}.xml",
            syntax=Syntax.CDAR.value,
            direction=Direction.IN,
            content=b"",
            flow_type=kind,
            status=AckStatus.OK,
            computed_rule="NotApplicable",
        )
    )
    answer.message = _message(facts, code, rejections, answer)
    answer.content = write_cdar(answer.message)
    return answer


def _message(facts: ReportFacts, code: str, rejections: tuple[Rejection, ...], answer: StoredFlow) -> StatusMessage:
    at = answer.submitted_at.replace(microsecond=0)
    declarant = (Identifier(facts.siren, SIREN_SCHEME),)
    return StatusMessage(
        message_id=f"{facts.number[:20]}_{code}_{at.astimezone(PARIS):%Y%m%d%H%M%S}-{answer.sequence}",
        status=code,
        made_at=at,
        invoice=InvoiceReference(
            facts.number, None, facts.issued_on, StatusParty(facts.role, declarant), None, GUIDELINE
        ),
        set_at=at,
        sender=StatusParty(_STATE_ROLE),
        issuer=StatusParty(_STATE_ROLE),
        recipients=(StatusParty(facts.role, declarant),),
        details=tuple(
            Detail(number, Reason(each.reason, _REASONS[each.reason]), (Note(each.comment),))
            for number, each in enumerate(rejections, start=1)
        ),
        guideline=GUIDELINE,
        phase=_TRANSMISSION,
        label=_LABELS[code],
    )
