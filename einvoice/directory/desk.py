"""Asks the directory about customers: kept answers first, short patience, and never a reason not to issue."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from stdnum.exceptions import ValidationError
from stdnum.fr import siren as siren_numbers

from config.clock import now
from einvoice.directory.addresses import Wanted, choose_address
from einvoice.directory.reach import CompanyAnswer, Reach, answer_from_json, answer_to_json, judge_reach
from einvoice.directory.words import ReachReason, ReachState
from einvoice.platform.port import PlatformBusyError, PlatformError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from config.settings import Settings
    from einvoice.platform.directory import Directory, Facility
    from receivables.store.work import Work, Works

QUIET_S = 60.0
"""After a failure the directory is left alone so long where somebody waits for an invoice."""
GOOD_UNTIL = "good_until"
"""Where a kept answer says until when it counts."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long an answer counts, and how much of a company is read."""

    listed: timedelta = timedelta(hours=24)
    absent: timedelta = timedelta(minutes=60)
    most_lines: int = 500
    deadline_s: float = 6.0

    @classmethod
    def of(cls, settings: Settings) -> Freshness:
        """As the settings say."""
        return cls(
            listed=timedelta(hours=settings.directory_fresh_hours),
            absent=timedelta(minutes=settings.directory_absent_minutes),
            most_lines=settings.directory_most_lines,
            deadline_s=settings.directory_timeout_s * 2,
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is kept."""

    answer: CompanyAnswer
    asked_at: datetime
    account_id: UUID
    good: bool


@dataclass(slots=True)
class DirectoryDesk:
    """One per process: ``directory_for`` gives the directory of a supplier's platform, where it offers one."""

    works: Works
    directory_for: Callable[[Work], tuple[UUID, Directory] | None]
    freshness: Freshness = field(default_factory=Freshness)
    _quiet: dict[UUID, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, supplier_id: UUID, siren: str, *, again: bool = False, hasty: bool = False) -> Reach:
        """The verdict on the company ``siren``; never raises for a directory that fails.

        ``again`` asks even where a fresh answer is kept; ``hasty`` does not ask where the directory has just failed.
        """
        if not is_siren(siren):
            return Reach(siren, ReachReason.BAD_NUMBER)
        with self.works.begin(supplier_id) as work:
            connected = self.directory_for(work)
            kept = load_answer(work, siren)
        if connected is None:
            return Reach(siren, ReachReason.NO_DIRECTORY)
        account_id, directory = connected
        if kept and kept.good and kept.account_id == account_id and not again:
            return _told(kept)
        if hasty and self._is_quiet(account_id):
            return _untold(siren, kept, None)
        try:
            answer = ask_company(directory, siren, self.freshness)
        except PlatformError as error:
            self._hush(account_id, error)
            return _untold(siren, kept, (error.sentence, error.sentence_fr))
        return self._keep(supplier_id, account_id, answer)

    def kept(self, work: Work, siren: str) -> Reach:
        """The verdict by what is kept alone: nobody is asked."""
        if not is_siren(siren):
            return Reach(siren, ReachReason.BAD_NUMBER)
        if self.directory_for(work) is None:
            return Reach(siren, ReachReason.NO_DIRECTORY)
        kept = load_answer(work, siren)
        return _told(kept) if kept and kept.good else _untold(siren, kept, None)

    def address_of(
        self, supplier_id: UUID, siren: str, siret: str | None = None, routing_code: str | None = None
    ) -> str | None:
        """BT-49 for an invoice whose request names none, or ``None`` where the directory has no say."""
        reach = self.reach(supplier_id, siren, hasty=True)
        if reach.answer is None or reach.state is not ReachState.REACHABLE:
            return None
        return choose_address(reach.answer, Wanted(siret, routing_code)).address

    def is_quiet(self, supplier_id: UUID) -> bool:
        """Whether the supplier's directory failed a moment ago."""
        with self.works.begin(supplier_id) as work:
            connected = self.directory_for(work)
        return connected is not None and self._is_quiet(connected[0])

    def _keep(self, supplier_id: UUID, account_id: UUID, answer: CompanyAnswer) -> Reach:
        asked_at = now()
        reason = judge_reach(answer)
        good_for = self.freshness.listed if reason is ReachReason.OPEN_LINE else self.freshness.absent
        with self.works.begin(supplier_id) as work:
            save_answer(work, account_id, answer, asked_at, asked_at + good_for)
        return Reach(answer.siren, reason, answer, asked_at)

    def _is_quiet(self, account_id: UUID) -> bool:
        with self._lock:
            until = self._quiet.get(account_id)
        return until is not None and time.monotonic() < until

    def _hush(self, account_id: UUID, error: PlatformError) -> None:
        pause_s = (error.retry_after_s if isinstance(error, PlatformBusyError) else None) or QUIET_S
        with self._lock:
            self._quiet[account_id] = time.monotonic() + pause_s


def ask_company(directory: Directory, siren: str, freshness: Freshness) -> CompanyAnswer:
    """Ask the directory about one company: the company, its lines, and of a public body what each office demands.

    Raises:
        PlatformError: the directory did not answer; also where all calls together take too long.
    """
    began = time.monotonic()
    unit = directory.unit(siren)
    if time.monotonic() - began > freshness.deadline_s:
        raise PlatformBusyError("The directory is too slow.", "L'annuaire est trop lent.", retry_after_s=None)
    lines = directory.lines_of(siren, freshness.most_lines)
    unit = unit or next((line.unit for line in lines.results if line.unit), None)
    facilities: dict[str, Facility] = {each.facility.siret: each.facility for each in lines.results if each.facility}
    public = CompanyAnswer(siren, unit).is_public
    if public and not any(each.demands for each in facilities.values()):
        facilities |= {each.siret: each for each in directory.facilities_of(siren, freshness.most_lines).results}
    return CompanyAnswer(siren, unit, lines.results, tuple(facilities.values()), lines.complete)


def is_siren(number: str) -> bool:
    """Whether ``number`` is nine digits with a right key."""
    try:
        return str(siren_numbers.validate(number)) == number
    except ValidationError:
        return False


def load_answer(work: Work, siren: str) -> Kept | None:
    """The kept answer about a company."""
    row = work.row(
        "SELECT answer, asked_at, account_id, (answer ->> 'good_until')::timestamptz > :at AS good "
        "FROM directory_answers WHERE supplier_id = :supplier AND siren = :siren",
        siren=siren,
        at=now(),
    )
    return Kept(answer_from_json(row["answer"]), row["asked_at"], row["account_id"], row["good"]) if row else None


def save_answer(work: Work, account_id: UUID, answer: CompanyAnswer, asked_at: datetime, good_until: datetime) -> None:
    """Keep an answer with its day, in the place of an earlier one."""
    work.execute(
        "INSERT INTO directory_answers (supplier_id, siren, account_id, asked_at, answer) "
        "VALUES (:supplier, :siren, :account, :at, CAST(:answer AS jsonb)) ON CONFLICT (supplier_id, siren) DO UPDATE "
        "SET account_id = excluded.account_id, asked_at = excluded.asked_at, answer = excluded.answer",
        siren=answer.siren,
        account=account_id,
        at=asked_at,
        answer=to_json({**answer_to_json(answer), GOOD_UNTIL: good_until.isoformat()}),
    )


def _told(kept: Kept) -> Reach:
    return Reach(kept.answer.siren, judge_reach(kept.answer), kept.answer, kept.asked_at)


def _untold(siren: str, kept: Kept | None, failure: tuple[str, str] | None) -> Reach:
    """The directory does not answer: what was known, with its age, else nothing."""
    if kept is None:
        return Reach(siren, ReachReason.NO_ANSWER, failure=failure)
    return Reach(siren, judge_reach(kept.answer), kept.answer, kept.asked_at, stale=True, failure=failure)
