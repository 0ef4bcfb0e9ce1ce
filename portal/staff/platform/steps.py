"""The steps of a connection test and how each ended: plain values, kept as JSON and put into words elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class StepName(StrEnum):
    """What is tried, in this order."""

    ADDRESS = "address"
    TOKEN = "token"  # noqa: S105 -- the name of a step
    HEALTH = "health"
    SEARCH = "search"
    DIRECTORY = "directory"
    OURSELVES = "ourselves"
    WEBHOOKS = "webhooks"


class Outcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    """Must be put right."""
    WARNED = "warned"
    """Works without, but worse."""
    SKIPPED = "skipped"
    """Not tried: it needs a step that failed, or the platform does not have it."""


NEEDED = frozenset({StepName.ADDRESS, StepName.TOKEN, StepName.SEARCH})
"""Without these nothing can be sent: an account is saved only if they pass, or if its owner insists."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``why`` is a stable code where it did not simply pass, ``facts`` what its words name."""

    name: StepName
    outcome: Outcome
    why: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {"step": self.name, "outcome": self.outcome, "why": self.why, "facts": self.facts}


def read_steps(kept: Iterable[dict[str, Any]]) -> tuple[Step, ...]:
    """Steps as they were kept."""
    return tuple(
        Step(StepName(each["step"]), Outcome(each["outcome"]), each["why"], dict(each["facts"])) for each in kept
    )


def may_be_saved(steps: Iterable[Step]) -> bool:
    """Whether everything passed that is needed to send."""
    passed = {each.name for each in steps if each.outcome is Outcome.PASSED}
    return passed >= NEEDED
