"""What platforms have for us, asked for again and again: every account that is followed, nothing twice, nothing lost.

Life-cycle messages go to the inbox as they came. Any other file is kept in the archive, and the inbox holds what is
known about it. Windows follow the platform's clock: they begin at the latest change that it told.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from config.clock import legal_day, now
from einvoice.archive.retention import retain_until
from einvoice.platform.port import (
    Direction,
    PlatformError,
    PlatformRefusedError,
    PlatformUnreachableError,
    Syntax,
)
from einvoice.receiving.arrival import arrival_of, external_id
from receivables.store.inbox import accept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from einvoice.archive import ArchivePort
    from einvoice.platform.port import FlowState, Platform
    from receivables.store.work import Work, Works

SOURCE = "platform"
"""Inbox source of life-cycle messages (CDAR): the body is the message."""
FILES_SOURCE = "platform.invoice"
"""Inbox source of every other file: the body is an :class:`einvoice.receiving.arrival.Arrival`."""
LOST_SOURCE = "platform.lost"
"""Inbox source of files that the platform announces and never gives: the body is what it says of them."""
WATERMARK = "platform.search"
"""Until where we have looked; of an account ``platform.search/<account_id>``, the bare name is that of before."""
OVERLAP = timedelta(hours=12)
"""Windows overlap: items that share a time stamp with the watermark are seen again, and known by their flow id."""
SHORT_OVERLAP = timedelta(minutes=10)
LOOK_BACK_EVERY_S = 3600.0
"""The long overlap is looked at once an hour; between, a short one: half a day may hold fifty thousand files."""
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
GIVEN_UP_AFTER = timedelta(days=1)
"""A file that the platform does not give for this long becomes a task, so that the window can move on."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 600.0
"""Seconds before a file that was not given is asked for again: twice as long each time."""
LONGEST_LOOK_S = 60.0
"""Seconds after which a list without end is left where it is, and again for its files: other suppliers wait."""
MOST_PAGES = 2000
FULL_PAGE = 25
"""The norm's smallest usual page: a platform without cursor that gives as many may have more."""
DEAF_AFTER = 2
"""Files in a row without an answer after which the platform counts as down."""


@dataclass(frozen=True, slots=True)
class Poller:
    """Asks every platform of a supplier for news. A webhook is only a hint to do this sooner.

    ``accounts`` names the accounts that are followed: the active one, and earlier ones until they are closed.
    """

    works: Works
    archive: ArchivePort
    accounts: Callable[[Work], Sequence[UUID]]
    platform_of: Callable[[Work, UUID], Platform]
    _waits: dict[tuple[UUID, str], tuple[float, float]] = field(default_factory=dict)
    """Files that were not given: when to ask again (monotonic), and the wait that led there, in seconds."""
    _looked_back: dict[UUID, float] = field(default_factory=dict)
    """When the long overlap of an account was looked at last (monotonic, in seconds)."""

    def poll(self, supplier_id: UUID) -> int:
        """Put what came in since the last look into the inbox; returns how many were new.

        Raises:
            PlatformError: a platform did not answer, or not for every file: the look is repeated from there. The
                other accounts were looked at all the same.
        """
        with self.works.begin(supplier_id) as work:
            accounts = self.accounts(work)
        stored = 0
        failure: PlatformError | None = None
        for account_id in accounts:
            try:
                stored += self._poll_account(supplier_id, account_id)
            except PlatformError as error:
                failure = failure or error
        if failure:
            raise failure
        return stored

    def _poll_account(self, supplier_id: UUID, account_id: UUID) -> int:
        with self.works.begin(supplier_id) as work:
            platform = self.platform_of(work, account_id)
            after = _reached(work, account_id) - self._overlap(account_id)
        flows, more = _incoming(platform, max(after, BEGINNING))
        if more:
            self._looked_back.pop(account_id, None)
        else:
            self._looked_back.setdefault(account_id, monotonic())
        with self.works.begin(supplier_id) as work:
            fresh = _unknown(work, account_id, flows)
        stored, missing, failure = self._fetch_all(supplier_id, account_id, platform, fresh)
        if flows:
            # a file that is missing holds the window back, so that it is seen again and asked for
            reached = min((flow.updated_at for flow in missing), default=max(flow.updated_at for flow in flows))
            reached = min(reached, now())  # a clock that is ahead must not hide what comes later
            if more and not missing:
                reached += OVERLAP  # the next look goes on exactly there, or it would see the same pages for ever
            with self.works.begin(supplier_id) as work:
                _reach(work, account_id, reached)
        if failure:
            raise failure
        return stored

    def _overlap(self, account_id: UUID) -> timedelta:
        """How far to look back: the whole overlap once an hour, and after a list that was left in the middle."""
        if monotonic() - self._looked_back.get(account_id, -LOOK_BACK_EVERY_S) >= LOOK_BACK_EVERY_S:
            self._looked_back.pop(account_id, None)
            return OVERLAP
        return SHORT_OVERLAP

    def _fetch_all(
        self, supplier_id: UUID, account_id: UUID, platform: Platform, fresh: Iterable[FlowState]
    ) -> tuple[int, list[FlowState], PlatformError | None]:
        """How many files were stored, those that were not given, and the first reason; one never hides the others."""
        stored = deaf = 0
        missing: list[FlowState] = []
        failure: PlatformError | None = None
        end_s = monotonic() + LONGEST_LOOK_S
        for flow in fresh:
            if deaf >= DEAF_AFTER or monotonic() > end_s or self._must_wait(account_id, flow):
                missing.append(flow)
                continue
            try:
                content = platform.fetch(flow.flow_id)
            except (PlatformRefusedError, PlatformUnreachableError) as error:
                deaf = deaf + 1 if isinstance(error, PlatformUnreachableError) else 0
                if self._give_up(supplier_id, account_id, flow, error):
                    stored += 1
                else:
                    missing.append(flow)
                    failure = failure or error
                continue
            deaf = 0
            self._waits.pop((account_id, flow.flow_id), None)
            stored += self._store(supplier_id, account_id, flow, content)
        return stored, missing, failure

    def _store(self, supplier_id: UUID, account_id: UUID, flow: FlowState, content: bytes) -> int:
        key = external_id(account_id, flow.flow_id)
        if flow.syntax == Syntax.CDAR:
            with self.works.begin(supplier_id) as work:
                return accept(work, SOURCE, [(key, content)])
        with self.works.begin(supplier_id) as work:
            until = retain_until(work, legal_day(now()))
        arrival = arrival_of(account_id, flow, self.archive.put(content, until))
        with self.works.begin(supplier_id) as work:
            return accept(work, FILES_SOURCE, [(key, arrival.to_body())])

    def _must_wait(self, account_id: UUID, flow: FlowState) -> bool:
        known = self._waits.get((account_id, flow.flow_id))
        return known is not None and monotonic() < known[0]

    def _give_up(self, supplier_id: UUID, account_id: UUID, flow: FlowState, error: PlatformError) -> bool:
        """Whether a file that is not given becomes a task now; else note when to ask for it again."""
        if now() - flow.updated_at > GIVEN_UP_AFTER:
            told = f"{flow.name} ({flow.syntax}, {flow.flow_type}) of {flow.submitted_at:%Y-%m-%d %H:%M} UTC: {error}"
            with self.works.begin(supplier_id) as work:
                return bool(accept(work, LOST_SOURCE, [(external_id(account_id, flow.flow_id), told.encode())]))
        known = self._waits.get((account_id, flow.flow_id))
        wait_s = min(known[1] * 2, LONGEST_WAIT_S) if known else FIRST_WAIT_S
        self._waits[account_id, flow.flow_id] = (monotonic() + wait_s, wait_s)
        return False


def _incoming(platform: Platform, after: datetime) -> tuple[list[FlowState], bool]:
    """What is for us and changed after ``after``, and whether there is more than one look should list.

    It ends where a platform gives the same page for ever, and where it gives new ones without end.
    """
    flows: dict[str, FlowState] = {}
    cursor: str | None = None
    end_s = monotonic() + LONGEST_LOOK_S
    for _ in range(MOST_PAGES):
        page = platform.search(after, cursor, direction=Direction.IN)
        fresh = [flow for flow in page.flows if flow.flow_id not in flows]
        flows |= {flow.flow_id: replace(flow, details=()) for flow in page.flows}  # remarks are for what we sent
        if fresh and page.next_cursor:
            cursor = page.next_cursor
        elif fresh and len(page.flows) >= FULL_PAGE:  # before 1.3.0 there is no cursor: go on from the last change
            after, cursor = max(flow.updated_at for flow in fresh) - timedelta(microseconds=1), None
        else:
            return list(flows.values()), False
        if monotonic() > end_s:
            break
    return list(flows.values()), True


def _unknown(work: Work, account_id: UUID, flows: Sequence[FlowState]) -> list[FlowState]:
    """Flows that are not in the inbox yet; what came before the earlier watermark may stand there without account."""
    earlier: datetime | None = work.scalar(
        "SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = :name", name=WATERMARK
    )
    names = {flow.flow_id: external_id(account_id, flow.flow_id) for flow in flows}
    rows = work.rows(
        "SELECT external_id FROM inbox WHERE supplier_id = :supplier AND source = ANY(:sources) "
        "AND external_id = ANY(:ids)",
        sources=[SOURCE, FILES_SOURCE, LOST_SOURCE],
        ids=[*names, *names.values()],
    )
    known = {row["external_id"] for row in rows}
    return [
        flow
        for flow in flows
        if names[flow.flow_id] not in known and not (earlier and flow.updated_at <= earlier and flow.flow_id in known)
    ]


def _reached(work: Work, account_id: UUID) -> datetime:
    instant: datetime | None = work.scalar(
        "SELECT coalesce((SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = :name), "
        "(SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = :earlier))",
        name=f"{WATERMARK}/{account_id}",
        earlier=WATERMARK,
    )
    return instant or BEGINNING + OVERLAP


def _reach(work: Work, account_id: UUID, instant: datetime) -> None:
    work.execute(
        "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
        "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
        name=f"{WATERMARK}/{account_id}",
        at=instant,
    )
