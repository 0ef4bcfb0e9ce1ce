"""Whether a customer can be reached, judged from what the directory said: one verdict, its reason, its age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from einvoice.directory.words import REACH_WORDS, ReachReason, ReachState
from einvoice.platform.directory import (
    NO_PLATFORM,
    Demands,
    DirectoryLine,
    Facility,
    LegalUnit,
    LineStatus,
    RoutingCode,
)

if TYPE_CHECKING:
    from datetime import datetime

PUBLIC = "Public"
"""``entityType`` of a public body."""


@dataclass(frozen=True, slots=True)
class CompanyAnswer:
    """What the directory said of one company; ``complete`` is false where it has more lines than we ask for."""

    siren: str
    unit: LegalUnit | None = None
    lines: tuple[DirectoryLine, ...] = ()
    facilities: tuple[Facility, ...] = ()
    complete: bool = True

    @property
    def is_public(self) -> bool:
        """Whether the company is a public body."""
        return self.unit is not None and self.unit.entity_type == PUBLIC

    def is_open(self, line: DirectoryLine) -> bool:
        """Whether an invoice sent to ``line`` arrives now; the State's platform receives for public bodies alone."""
        received = self.is_public and line.platform != NO_PLATFORM if line.is_on_public_portal else True
        return line.status is LineStatus.ENABLED and received and not (line.code and line.code.closed)

    @property
    def open_lines(self) -> tuple[DirectoryLine, ...]:
        """The lines to which invoices can be sent now."""
        return tuple(line for line in self.lines if self.is_open(line))

    @property
    def codes(self) -> tuple[RoutingCode, ...]:
        """The routing codes that an invoice may name, with their establishments."""
        return tuple(
            line.code or RoutingCode(line.routing_code, line.siret)
            for line in self.open_lines
            if line.routing_code is not None
        )

    def demands_of(self, siret: str | None) -> Demands | None:
        """What the establishment of a public body wants on its invoices, where that is told."""
        return next((each.demands for each in self.facilities if each.siret == siret and each.demands), None)


_ANSWER = TypeAdapter(CompanyAnswer)


def answer_to_json(answer: CompanyAnswer) -> dict[str, Any]:
    """``answer`` as JSON values."""
    value: dict[str, Any] = _ANSWER.dump_python(answer, mode="json", exclude_defaults=True)
    return value


def answer_from_json(value: dict[str, Any]) -> CompanyAnswer:
    """The answer that :func:`answer_to_json` wrote; other keys are left alone."""
    known = {name: value[name] for name in CompanyAnswer.__dataclass_fields__ if name in value}
    return _ANSWER.validate_python(known)


@dataclass(frozen=True, slots=True)
class Reach:
    """The verdict on one customer.

    ``asked_at`` is when the directory was asked; ``stale`` says that this is older than it should be because the
    directory does not answer now, ``failure`` (English, French) what it said instead.
    """

    siren: str
    reason: ReachReason
    answer: CompanyAnswer | None = None
    asked_at: datetime | None = None
    stale: bool = False
    failure: tuple[str, str] | None = None

    @property
    def state(self) -> ReachState:
        """Whether the customer is reachable."""
        return REACH_WORDS[self.reason].state

    @property
    def name(self) -> str | None:
        """The company's name, where the directory tells it."""
        return self.answer.unit.name if self.answer and self.answer.unit else None

    def sentence(self, language: str) -> str:
        """Why, in French (``fr``) or English."""
        return REACH_WORDS[self.reason].sentence[language != "fr"]

    def step(self, language: str) -> str:
        """What to do next."""
        return REACH_WORDS[self.reason].step[language != "fr"]

    def to_json(self) -> dict[str, Any]:
        """For programs: codes, sentences, addresses and the age of the answer."""
        answer = self.answer
        return {
            "siren": self.siren,
            "name": self.name,
            "state": self.state,
            "reason": self.reason,
            "sentence": self.sentence("en"),
            "sentence_fr": self.sentence("fr"),
            "step": self.step("en"),
            "step_fr": self.step("fr"),
            "public": answer.is_public if answer else None,
            "lines": [{**_line_json(line), "open": answer.is_open(line)} for line in answer.lines] if answer else [],
            "complete": answer.complete if answer else None,
            "asked_at": self.asked_at.isoformat() if self.asked_at else None,
            "stale": self.stale,
            "failure": self.failure[0] if self.failure else None,
        }


def judge_reach(answer: CompanyAnswer) -> ReachReason:
    """Why the company is reachable or not: a ceased one never is, one open line is enough (DG 3.5.3 to 3.5.5)."""
    if answer.unit is not None and answer.unit.closed:
        return ReachReason.CEASED
    if answer.open_lines:
        return ReachReason.OPEN_LINE
    if not answer.lines:
        return ReachReason.NO_LINE if answer.unit is not None else ReachReason.NOT_LISTED
    statuses = {line.status for line in answer.lines if answer.is_public or not line.is_on_public_portal}
    if LineStatus.UPCOMING in statuses:
        return ReachReason.UPCOMING
    return ReachReason.NO_STATUS if LineStatus.UNKNOWN in statuses else ReachReason.NO_PLATFORM


def _line_json(line: DirectoryLine) -> dict[str, Any]:
    return {
        "address": line.address,
        "mesh": line.mesh,
        "status": line.status,
        "siret": line.siret,
        "routing_code": line.routing_code,
        "suffix": line.suffix,
    }
