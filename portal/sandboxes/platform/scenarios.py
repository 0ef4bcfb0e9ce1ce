"""Scenarios: what happens to an invoice after its delivery, as data."""

from __future__ import annotations

import re
import threading
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from einvoice.lifecycle import reasons
from einvoice.lifecycle.statuses import status
from portal.sandboxes.platform.replies import PLAYABLE, Play

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.sandboxes.platform.directory.entries import Company
    from portal.sandboxes.platform.invoice_facts import InvoiceFacts

_SHIPPED = Path(__file__).with_name("scenarios.toml")
_ORDER = re.compile(r"SCENARIO:([A-Za-z0-9_-]+)")
MAX_STEPS = 50
LONGEST_S = 366 * 24 * 3600.0


class ScenarioError(ValueError):
    """A scenario that cannot be played; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One status of the buyer, ``after_s`` seconds after the step before, or after the status ``wait_for`` came."""

    status: str
    after_s: float = 0.0
    reason: str | None = None
    action: str | None = None
    comment: str | None = None
    amount: str | None = None
    wait_for: str | None = None

    def play_of(self, facts: InvoiceFacts) -> Play:
        """What the buyer says of this invoice; the amount ``all`` is its total."""
        shares = {"all": facts.total, "half": (facts.total / 2).quantize(Decimal("0.01"))}
        amount = shares.get(self.amount or "") or (Decimal(self.amount) if self.amount else None)
        return Play(self.status, self.reason, self.comment, amount, self.action)


@dataclass(frozen=True, slots=True)
class Scenario:
    """The steps, and how the invoice travels: ``way`` and ``reason`` where it does not arrive."""

    name: str
    steps: tuple[Step, ...] = ()
    french: str = ""
    english: str = ""
    way: Literal["delivered", "not_transmitted", "rejected"] = "delivered"
    reason: str | None = None
    acknowledge_after_s: float | None = None


@dataclass(slots=True)
class Progress:
    """A scenario that plays with an invoice: the steps still to come."""

    scenario: Scenario
    left: list[Step] = field(default_factory=list)


class ScenarioBook:
    """The scenarios that are known, and which buyers always play one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scenarios = dict(shipped_scenarios())
        self.of_buyers: dict[str, str] = {}
        """Names of scenarios by the buyer's SIREN, as control calls set them."""
        self.planned: dict[tuple[str | None, str], str] = {}
        """Names of scenarios by the seller's SIREN (None: any) and the number of an invoice that has not come yet."""

    def reset(self) -> None:
        """Only the shipped ones, and no buyer's."""
        with self._lock:
            self._scenarios = dict(shipped_scenarios())
            self.of_buyers.clear()
            self.planned.clear()

    def add(self, scenario: Scenario) -> None:
        """Know a scenario, or put it in the place of the one with its name."""
        with self._lock:
            self._scenarios[scenario.name] = scenario

    def get(self, name: str | None) -> Scenario | None:
        """The scenario of this name."""
        with self._lock:
            return self._scenarios.get(name or "")

    def everything(self) -> list[Scenario]:
        """All scenarios, the shipped ones first."""
        with self._lock:
            return list(self._scenarios.values())

    def choose(self, facts: InvoiceFacts, company: Company | None, default: str | None) -> Scenario | None:
        """The scenario of an invoice: named in its order reference (BT-13), else planned, its buyer's, the default."""
        named = _ORDER.search(facts.order or "")
        siren = facts.buyer.siren or ""
        names = (
            named[1] if named else None,
            self.planned.get((facts.seller.siren, facts.number)),
            self.planned.get((None, facts.number)),
            self.of_buyers.get(siren),
            company.scenario if company else None,
            default,
        )
        return next((found for name in names if (found := self.get(name))), None)


@cache
def shipped_scenarios() -> dict[str, Scenario]:
    """The scenarios of the data file."""
    content = tomllib.loads(_SHIPPED.read_text(encoding="utf-8"))
    return {name: read_scenario(name, entry) for name, entry in content.items()}


def read_scenario(name: str, entry: Mapping[str, Any]) -> Scenario:
    """A scenario as the data file and the control call write it.

    Raises:
        ScenarioError: an unknown field or status, a reason that does not fit, or too many steps.
    """
    if not _ORDER.fullmatch(f"SCENARIO:{name}"):
        raise ScenarioError(f"{name!r} is no name: use letters, digits, - and _.")
    steps = entry.get("steps", [])
    if not isinstance(steps, list) or len(steps) > MAX_STEPS:
        raise ScenarioError(f"steps is a list of at most {MAX_STEPS}.")
    wanted = {key: entry[key] for key in ("french", "english") if key in entry}
    if any(not isinstance(text, str) for text in wanted.values()):
        raise ScenarioError("french and english are texts.")
    way = entry.get("way", "delivered")
    if way not in {"delivered", "not_transmitted", "rejected"}:
        raise ScenarioError(f"{way!r} is none of delivered, not_transmitted, rejected.")
    reason = _reason({"rejected": "213", "not_transmitted": "200"}.get(way), entry.get("reason"))
    late = entry.get("acknowledge_after_s")
    return Scenario(
        name,
        tuple(_step(step) for step in steps),
        way=cast("Literal['delivered', 'not_transmitted', 'rejected']", way),
        reason=reason,
        acknowledge_after_s=None if late is None else _seconds(late),
        **wanted,
    )


def _step(entry: Any) -> Step:
    if not isinstance(entry, dict) or not set(entry) <= set(Step.__dataclass_fields__):
        raise ScenarioError(f"{entry!r} is no step: use {', '.join(Step.__dataclass_fields__)}.")
    code = str(entry.get("status"))
    if code not in PLAYABLE:
        raise ScenarioError(f"A buyer sets one of {', '.join(PLAYABLE)}, not {code}.")
    texts = {name: str(entry[name]) for name in ("action", "comment", "wait_for") if entry.get(name)}
    return Step(
        code,
        _seconds(entry.get("after_s", 0)),
        reason=_reason(code, entry.get("reason")),
        amount=_amount(entry.get("amount")),
        **texts,
    )


def _reason(code: str | None, given: object) -> str | None:
    allowed = reasons.ALLOWED.get(code or "", frozenset())
    if given is None and not (code and (status(code).needs_reason or code == "200")):
        return None
    if given not in allowed:
        raise ScenarioError(f"Status {code} takes one of the reasons {', '.join(sorted(allowed)) or '-'}, not {given}.")
    return str(given)


def _seconds(given: object) -> float:
    if not isinstance(given, int | float) or not 0 <= given <= LONGEST_S:
        raise ScenarioError(f"{given!r} is no number of seconds from 0 to {LONGEST_S:.0f}.")
    return float(given)


def _amount(given: object) -> str | None:
    if given is None or given in {"all", "half"}:
        return None if given is None else str(given)
    try:
        value = Decimal(str(given))
    except InvalidOperation as error:
        raise ScenarioError(f"{given!r} is no amount: write all, half or a number.") from error
    if not value.is_finite() or value <= 0:
        raise ScenarioError(f"{given!r} is no amount: write all, half or a number.")
    return str(given)
