"""Send planned flows to platforms: once each, whatever fails.

What may have been sent is asked for by its tracking id before it is sent again; one worker holds a flow while it sends.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from config.clock import now
from einvoice.flows import ASK_AFTER
from einvoice.platform.port import (
    Flow,
    PlatformBusyError,
    PlatformError,
    PlatformPausedError,
    PlatformRefusedError,
    ProcessingRule,
    Profile,
    Syntax,
)
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from einvoice.archive import ArchivePort
    from einvoice.platform.port import Platform
    from receivables.store.work import Work, Works

SYNTAXES = {
    "facturx": Syntax.FACTUR_X,
    "cii": Syntax.CII,
    "ubl": Syntax.UBL,
    "cdar": Syntax.CDAR,
    "flux10": Syntax.FRR,
}
"""The syntax told to the platform, by the form of the document."""
IN_HAND_WAIT_S = 5.0
"""When to look again at a flow that another worker is sending."""
LONGEST_SENDING_MS = 15 * 60 * 1000
"""A sender that hangs for longer loses its hold of the flow; the client's own time-outs are far shorter."""
ROUND_S = 2.0
"""How long several flows are sent on end before the next supplier has its turn: what is begun is finished."""
JUDGED_AT_ONCE = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""Refusals of the file itself; other refusals (rights, addresses) are of our connection and may pass."""


class FlowInHandError(PlatformBusyError):
    """Another worker is sending this flow at this moment (``flow.in_hand``): come back."""

    def __init__(self, tracking_id: str) -> None:
        super().__init__(
            f"Another worker is sending flow {tracking_id[:12]}.",
            f"Un autre processus envoie le flux {tracking_id[:12]}.",
            retry_after_s=IN_HAND_WAIT_S,
            code="flow.in_hand",
        )


class FlowInDoubtError(PlatformBusyError):
    """A flow that may have been sent is not findable yet (``flow.in_doubt``): the platform's search may lag behind."""

    def __init__(self, tracking_id: str, wait_s: float) -> None:
        super().__init__(
            f"Flow {tracking_id[:12]} may have been sent; it is asked for again before it is sent again.",
            f"Le flux {tracking_id[:12]} est peut-être parti ; on le redemande avant de le renvoyer.",
            retry_after_s=wait_s,
            code="flow.in_doubt",
        )


class FlowLeftError(PlatformBusyError):
    """The time of a round was over before this flow's turn (``flow.left``): come back at once."""

    def __init__(self, tracking_id: str) -> None:
        known = tracking_id[:12]
        super().__init__(
            f"Flow {known} waits for its turn.", f"Le flux {known} attend son tour.", retry_after_s=0, code="flow.left"
        )


@dataclass(slots=True)
class _Round:
    """What is known while several flows of one supplier are sent."""

    held: Work
    failures: dict[str, Exception]
    not_taken: set[str] = field(default_factory=set)
    """Flows of which the platform certainly took nothing."""
    platforms: dict[UUID, Platform] = field(default_factory=dict)
    paused: dict[UUID, PlatformPausedError] = field(default_factory=dict)
    """Accounts that are left alone for a while: one flow finds out for all."""

    @contextmanager
    def noting(self, row: RowMapping) -> Iterator[None]:
        """Keep what goes wrong with one flow from the others; what goes wrong with the database concerns them all."""
        try:
            yield
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 -- handed to the caller, who tells of it
            self.failures[row["tracking_id"]] = error
            if isinstance(error, PlatformPausedError):
                self.paused[row["account_id"]] = error


@dataclass(frozen=True, slots=True)
class FlowSender:
    """Sends planned flows. ``platform_of`` gives the platform behind an account, also an earlier one."""

    works: Works
    archive: ArchivePort
    platform_of: Callable[[Work, UUID], Platform]

    def send(self, supplier_id: UUID, tracking_id: str) -> None:
        """Send one flow; see :meth:`send_all`.

        Raises:
            PlatformError: to be tried again, after its ``retry_after_s`` where it has one.
        """
        for failure in self.send_all(supplier_id, [tracking_id]).values():
            raise failure

    def send_all(
        self, supplier_id: UUID, tracking_ids: Sequence[str], *, within_s: float = ROUND_S
    ) -> dict[str, Exception]:
        """Send each once: what may have been sent is asked for first; doubt is written down before it can be forgotten.

        The doubt of all is one commit before the first call, their outcomes are one after the last: a crash between
        leaves them in doubt. No call begins later than after ``within_s`` seconds.

        Returns:
            Why flows have to be tried again, by tracking id, mostly a ``PlatformError``. What is not in it is done.
        """
        until_s = time.monotonic() + within_s
        with self._in_hand(supplier_id) as held:
            mine = self._hold(held, tracking_ids)
            round_ = _Round(held, {each: FlowInHandError(each) for each in tracking_ids if each not in mine})
            fresh = []
            for row in _waiting(held, mine):
                with round_.noting(row):
                    if time.monotonic() > until_s:
                        raise FlowLeftError(row["tracking_id"])
                    if not (row["sends"] and self._is_there(round_, row)):
                        fresh.append(row)
            self._hand_over_all(round_, fresh, until_s)
        return round_.failures

    @contextmanager
    def _in_hand(self, supplier_id: UUID) -> Iterator[Work]:
        """A transaction that holds flows while this process lives; no lease could be as long as a call may take."""
        with self.works.begin(supplier_id) as held:
            held.execute(f"SET LOCAL idle_in_transaction_session_timeout = {LONGEST_SENDING_MS}")
            yield held

    def _hold(self, held: Work, tracking_ids: Sequence[str]) -> list[str]:
        """Those of the flows that nobody else is sending at this moment; nobody will before ``held`` ends."""
        rows = held.rows(
            "SELECT each FROM unnest(CAST(:all AS text[])) AS each "
            "WHERE pg_try_advisory_xact_lock(hashtextextended(:prefix || each, 0))",
            all=sorted(tracking_ids),
            prefix=f"flow/{held.supplier_id}/",
        )
        return [row["each"] for row in rows]

    def _is_there(self, round_: _Round, row: RowMapping) -> bool:
        """Whether the platform has a flow that may have been sent.

        Raises:
            FlowInDoubtError: its search may not know of it yet.
        """
        known = self._platform(round_, row).find_flow(row["tracking_id"], row["number"])
        if known:
            _note_sent(round_.held, row["tracking_id"], known.flow_id, known.submitted_at)
        elif row["lag_s"] > 0:
            raise FlowInDoubtError(row["tracking_id"], row["lag_s"])
        return known is not None

    def _hand_over_all(self, round_: _Round, rows: Sequence[RowMapping], until_s: float) -> None:
        """Call the platform for each; the doubt is committed before, and taken back where certainly nothing was taken.

        Where the database fails in between, the doubt stays.
        """
        if not rows:
            return
        tracking_ids = [row["tracking_id"] for row in rows]
        latest = now() + timedelta(seconds=max(0, until_s - time.monotonic()) if len(rows) > 1 else 0)
        self.works.run(round_.held.supplier_id, lambda work: _doubt(work, tracking_ids, latest))
        round_.not_taken.update(tracking_ids)
        for row in rows:
            with round_.noting(row):
                if time.monotonic() > until_s:
                    raise FlowLeftError(row["tracking_id"])
                self._hand_over(round_, row)
        if round_.not_taken:
            self.works.run(round_.held.supplier_id, lambda work: _take_back(work, round_.not_taken))

    def _hand_over(self, round_: _Round, row: RowMapping) -> None:
        tracking_id = row["tracking_id"]
        platform, flow = self._platform(round_, row), self._flow(tracking_id, row)
        round_.held.scalar("SELECT 1")  # fails where the locks were lost with the connection: then nothing is sent
        round_.not_taken.discard(tracking_id)  # from here on it may have been
        try:
            sent = platform.send_flow(flow)
        except PlatformRefusedError as error:
            self._refused(round_, row, error)
        except PlatformError as error:
            if not error.in_doubt:
                round_.not_taken.add(tracking_id)
            raise
        else:
            _note_sent(round_.held, tracking_id, sent.flow_id, sent.submitted_at)

    def _refused(self, round_: _Round, row: RowMapping, error: PlatformRefusedError) -> None:
        """A refusal in the answer itself: of a file that is there already, of the file, or of our connection."""
        held, tracking_id = round_.held, row["tracking_id"]
        judged = error.http_status in JUDGED_AT_ONCE
        known = self._platform(round_, row).find_flow(tracking_id, row["number"]) if judged else None
        if known:
            _note_sent(held, tracking_id, known.flow_id, known.submitted_at)
        elif judged:
            _note_refused(held, tracking_id, error)
        else:
            round_.not_taken.add(tracking_id)
            raise error

    def _platform(self, round_: _Round, row: RowMapping) -> Platform:
        account_id = row["account_id"]
        if account_id in round_.paused:
            raise round_.paused[account_id]
        if account_id not in round_.platforms:
            round_.platforms[account_id] = self.platform_of(round_.held, account_id)
        return round_.platforms[account_id]

    def _flow(self, tracking_id: str, row: RowMapping) -> Flow:
        told = row["told"]
        return Flow(
            tracking_id=tracking_id,
            name=row["filename"],
            syntax=SYNTAXES[row["form"]],
            content=self.archive.get(row["sha256"]),
            processing_rule=ProcessingRule(rule) if (rule := told.get("processing_rule")) else None,
            profile=Profile(profile) if (profile := told.get("profile")) else None,
        )


def _waiting(work: Work, tracking_ids: Sequence[str]) -> Sequence[RowMapping]:
    """Flows that are still to be sent; ``lag_s``: how long the platform's search may still not know of one."""
    return work.rows(
        "SELECT tracking_id, sends, flow.account_id, told, number, filename, form, sha256, "
        "greatest(0, extract(epoch FROM tried_at + make_interval(secs => coalesce("
        "(driver->'driver'->>'search_delay_s')::float8, 0)) - :at))::float8 AS lag_s "
        "FROM platform_flows AS flow JOIN documents USING (supplier_id, document_id) "
        "JOIN platform_accounts USING (supplier_id, account_id) LEFT JOIN invoices ON invoices.supplier_id = "
        "flow.supplier_id AND invoices.invoice_id = flow.invoice_id WHERE flow.supplier_id = :supplier "
        "AND tracking_id = ANY(:tracking) AND flow.state IN ('to_send', 'in_doubt') ORDER BY flow.created_at",
        tracking=list(tracking_ids),
        at=now(),
    )


def _doubt(work: Work, tracking_ids: Sequence[str], latest: datetime) -> None:
    """Count the tries before they are made: a crash in the middle leaves the flows in doubt, not forgotten.

    ``latest`` is when the last call begins at the latest: what a search knows late is counted from there.
    """
    work.execute(
        "UPDATE platform_flows SET state = 'in_doubt', sends = sends + 1, tried_at = :latest, changed_at = :at "
        "WHERE supplier_id = :supplier AND tracking_id = ANY(:tracking) AND state IN ('to_send', 'in_doubt')",
        tracking=list(tracking_ids),
        latest=latest,
        at=now(),
    )


def _take_back(work: Work, tracking_ids: Collection[str]) -> None:
    """The tries certainly took no effect. One before them may have, and then it was asked for and not found."""
    work.execute(
        "UPDATE platform_flows SET state = 'to_send', sends = sends - 1, changed_at = :at "
        "WHERE supplier_id = :supplier AND tracking_id = ANY(:tracking) AND state = 'in_doubt'",
        tracking=list(tracking_ids),
        at=now(),
    )


def _note_sent(work: Work, tracking_id: str, flow_ref: str, submitted_at: datetime) -> None:
    at = now()
    work.execute(
        "UPDATE platform_flows SET state = 'sent', flow_ref = :ref, submitted_at = :submitted, asks = 0, "
        "ask_at = :ask, changed_at = :at WHERE supplier_id = :supplier AND tracking_id = :tracking "
        "AND state IN ('to_send', 'in_doubt')",
        ref=flow_ref,
        submitted=submitted_at,
        tracking=tracking_id,
        ask=at + ASK_AFTER,
        at=at,
    )


def _note_refused(work: Work, tracking_id: str, error: PlatformRefusedError) -> None:
    """A platform that judges while we wait: the flow has no id there, and its refusal is the answer."""
    work.execute(
        "UPDATE platform_flows SET state = 'refused', refusal = CAST(:remarks AS jsonb), changed_at = :at "
        "WHERE supplier_id = :supplier AND tracking_id = :tracking AND state = 'in_doubt'",
        remarks=to_json([{"level": "Error", "item": "", "reason": error.error_code, "message": error.told}]),
        tracking=tracking_id,
        at=now(),
    )
