"""Scenarios of dunning (scénarios de relance): what happens how many days before or after the due date, as data.

Levels are the same everywhere, so that an invoice keeps its level when its scenario changes: 0 before the due date, 1
to 3 reminders of growing firmness, 4 the formal notice (mise en demeure, C. civ. art. 1344), 5 and 6 what people do
after it. A level may have several steps, a mail and a call for instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from uuid import UUID

BEFORE, COURTEOUS, FIRM, WARNING, FORMAL_NOTICE, LAST_OFFER, LITIGATION = range(7)
LEVELS = range(7)
MOST_STEPS = 20
EARLIEST, LATEST = -30, 365
"""Days from the due date at which a step may stand."""
LONGEST_KEY = 40
LEAST_NOTICE, MOST_NOTICE = 8, 15
"""Days that a formal notice leaves (usage; the code names none)."""


class Channel(StrEnum):
    """By which way a step reaches the customer, or that it is a task of ours."""

    MAIL = "mail"
    LETTER = "letter"
    REGISTERED = "registered"
    """Lettre recommandée avec avis de réception."""
    CALL = "call"
    TASK = "task"
    """Nothing is sent: somebody decides what comes next."""

    @property
    def is_letter(self) -> bool:
        """Whether paper is posted."""
        return self in {Channel.LETTER, Channel.REGISTERED}


class Approval(StrEnum):
    """Who has to look at it before it goes."""

    NOBODY = "nobody"
    COLLECTOR = "collector"
    APPROVER = "approver"
    """An owner or accountant, whose name is kept with it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: at ``offset_days`` from the due date, ``gap_days`` after the level before at the earliest.

    ``min_minor``: below this sum it is not taken. ``kinds`` and ``only`` narrow it to kinds of customers, and to
    customers that are ``new`` or ``risky``; empty for all. ``role`` is the contact that it goes to.
    """

    key: str
    level: int
    offset_days: int
    channel: Channel
    template: str
    approval: Approval = Approval.NOBODY
    gap_days: int = 5
    min_minor: int = 0
    kinds: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    role: str = "payment"
    attach: bool = False
    """Whether the invoices go with the mail."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The steps for the customers of a segment; ``version`` counts up, what was written names it."""

    scenario_id: UUID
    segment: str
    version: int
    name: str
    steps: tuple[Step, ...]

    def at_level(self, level: int) -> tuple[Step, ...]:
        """The steps of one level, the earliest first."""
        return tuple(sorted((s for s in self.steps if s.level == level), key=lambda s: (s.offset_days, s.key)))

    @property
    def lead_days(self) -> int:
        """How many days before the due date the first step stands."""
        return max((-each.offset_days for each in self.steps if each.level == BEFORE), default=0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What no scenario may go beyond: contacts have peace for so many days, nights and holidays are quiet."""

    mail_every_days: int = 5
    call_every_days: int = 7
    opens_at: time = time(9)
    closes_at: time = time(18)


@dataclass(frozen=True, slots=True)
class Occasion:
    """The day for which reminders are planned; on a day that is not open nothing goes out."""

    day: date
    is_open: bool
    limits: Limits


def read_steps(rows: Sequence[Mapping[str, Any]], templates: frozenset[str]) -> tuple[Step, ...]:
    """Steps from data, judged.

    Raises:
        ReceivablesError: ``dunning.bad_step`` with the step and what is wrong with it, ``dunning.no_steps``.
    """
    if not rows:
        raise ReceivablesError(
            "dunning.no_steps",
            "A scenario needs a step: add one.",
            "Un scénario a au moins une étape : ajoutez-en une.",
        )
    if len(rows) > MOST_STEPS:
        _refuse("", f"there are more than {MOST_STEPS}", f"il y en a plus de {MOST_STEPS}")
    steps = tuple(sorted((_step(row) for row in rows), key=lambda s: (s.level, s.offset_days, s.key)))
    for step in steps:
        _judge(step, templates)
    keys = [step.key for step in steps]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        _refuse(twice, "its key is used twice", "son identifiant sert deux fois")
    last = {level: max(s.offset_days for s in steps if s.level == level) for level in {s.level for s in steps}}
    for step in steps:
        if any(step.level > level and step.offset_days < days for level, days in last.items()):
            _refuse(
                step.key, "it stands before a step of a lower level", "elle vient avant une étape de niveau inférieur"
            )
    return steps


def step_data(step: Step) -> dict[str, Any]:
    """A step as it is kept."""
    return {name: getattr(step, name) for name in Step.__dataclass_fields__}


def _step(row: Mapping[str, Any]) -> Step:
    unknown = set(row) - set(Step.__dataclass_fields__)
    if unknown:
        _refuse(str(row.get("key", "")), f"{sorted(unknown)} is unknown", f"{sorted(unknown)} est inconnu")
    try:
        return Step(
            **{
                **row,
                "channel": Channel(row["channel"]),
                "approval": Approval(row.get("approval", Approval.NOBODY)),
                "kinds": tuple(row.get("kinds", ())),
                "only": tuple(row.get("only", ())),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        _refuse(str(row.get("key", "")), f"{error} is missing or wrong", f"{error} manque ou est faux")


def _judge(step: Step, templates: frozenset[str]) -> None:
    wrong = {
        f"its key is empty or longer than {LONGEST_KEY} characters|son identifiant est vide ou trop long": not (
            0 < len(step.key) <= LONGEST_KEY
        ),
        "its level is none of 0 to 6|son niveau n'est pas entre 0 et 6": step.level not in LEVELS,
        f"it stands outside {EARLIEST} to {LATEST} days|elle est hors de {EARLIEST} à {LATEST} jours": not (
            EARLIEST <= step.offset_days <= LATEST
        ),
        "level 0 is before the due date, the others after it|le niveau 0 est avant l'échéance, les autres après": (
            step.offset_days < 0
        )
        != (step.level == BEFORE),
        "there is no such template|ce modèle n'existe pas": step.template not in templates,
        "days and amounts are not below zero|jours et montants ne sont pas négatifs": min(step.gap_days, step.min_minor)
        < 0,
        "a formal notice is a registered letter that an approver signs|une mise en demeure est une lettre recommandée, "
        "validée par un responsable": step.level == FORMAL_NOTICE
        and step.channel is not Channel.TASK
        and (step.channel is not Channel.REGISTERED or step.approval is not Approval.APPROVER),
        "after the formal notice people decide: its channel is a task|après la mise en demeure, c'est une tâche": (
            step.level > FORMAL_NOTICE
        )
        and step.channel is not Channel.TASK,
    }
    for sentences, is_wrong in wrong.items():
        if is_wrong:
            english, _, french = sentences.partition("|")
            _refuse(step.key, english, french)


def _refuse(key: str, english: str, french: str) -> NoReturn:
    raise ReceivablesError(
        "dunning.bad_step", f"Step {key or '?'}: {english}. Change it.", f"Étape {key or '?'} : {french}. Corrigez-la."
    )
