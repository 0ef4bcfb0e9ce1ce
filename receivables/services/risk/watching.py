"""Limits watched: the word that one is exceeded, or no longer is, in the transaction by which it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import now, today
from receivables.domain.events import limit_exceeded
from receivables.domain.risk.credit import DEFAULT_CURRENCY, limit_on
from receivables.domain.risk.exposure import Exposure
from receivables.services.collecting.tasking import NewTask, drop_tasks, open_task
from receivables.services.risk.exposing import exposures
from receivables.store.customer_file.journal import AccountEvent, note_event
from receivables.store.risk.credit import current_policy, derogated, group_limits_above, limits_of, members_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from receivables.store.work import Work

GROUP = "group/"
"""What the subject of a watch begins with where it is a group: the SIREN of the parent follows."""


def watch_limits(work: Work, customer_ids: Collection[UUID]) -> None:
    """Say which limits are exceeded since the last look, and which no longer are; the customers are locked.

    Told once for each time that it happens: ``credit.limit_exceeded`` in the outbox, a line in the account's journal, a
    task that is dropped when the exposure is within the limit again.
    """
    ids = sorted(set(customer_ids))
    if not ids or not work.scalar(_SOMETHING_TO_WATCH, ids=ids, subjects=[str(each) for each in ids]):
        return
    policy, day = current_policy(work), today()
    limits, groups, watches = limits_of(work, ids), group_limits_above(work, ids), _watches(work, ids)
    currencies = {currency for _, currency in limits} | {currency for (_, currency), was in watches.items() if was[0]}
    if policy.default_limit_minor is not None:
        currencies.add(DEFAULT_CURRENCY)
    for currency in sorted(currencies):
        more, owed = derogated(work, ids, day), exposures(work, ids, currency)
        for customer_id in ids:
            limit = None
            if currency == DEFAULT_CURRENCY or (customer_id, currency) in limits:
                limit = limit_on(limits.get((customer_id, currency), {}), day, policy)
            if limit is not None:
                limit += more.get((customer_id, currency), 0)
            total = owed.get(customer_id, Exposure()).total_minor
            watched = _Watched(str(customer_id), currency, total, limit, customer_id)
            _watch(work, watched, watches.get((watched.subject, currency), _NEVER))
    for group in groups:
        subject, currency = GROUP + group.siren, group.limit.currency
        was = _lock_watch(work, subject, currency)
        limit = group.limit.amount_minor if group.limit.holds_on(day) else None
        _watch(work, _Watched(subject, currency, sum_group(work, group.siren, currency), limit, ids[0]), was)


_NEVER = (False, 0)
"""A watch that never told anything: not exceeded, no crossing."""
_SOMETHING_TO_WATCH = (
    "SELECT EXISTS (SELECT 1 FROM credit_limits WHERE supplier_id = :supplier AND customer_id = ANY(:ids) "
    "AND ended_at IS NULL) OR EXISTS (SELECT 1 FROM credit_limits WHERE supplier_id = :supplier "
    "AND group_siren IS NOT NULL AND ended_at IS NULL) OR EXISTS (SELECT 1 FROM limit_watches "
    "WHERE supplier_id = :supplier AND subject = ANY(:subjects) AND exceeded) OR coalesce(("
    "SELECT rules -> 'default_limit_minor' <> 'null' FROM credit_policies WHERE supplier_id = :supplier "
    "ORDER BY version DESC LIMIT 1), false)"
)
"""Whether these customers may have a limit at all: one look, because every movement of money asks."""


def _watches(work: Work, customer_ids: Collection[UUID]) -> dict[tuple[str, str], tuple[bool, int]]:
    """Whether a limit of these customers was exceeded when it was looked at last, and how often it was."""
    rows = work.rows(
        "SELECT subject, currency, exceeded, crossings FROM limit_watches WHERE supplier_id = :supplier "
        "AND subject = ANY(:subjects)",
        subjects=[str(each) for each in customer_ids],
    )
    return {(row["subject"], row["currency"]): (row["exceeded"], row["crossings"]) for row in rows}


def _lock_watch(work: Work, subject: str, currency: str) -> tuple[bool, int]:
    """Let members of one group wait for each other here, before their exposures are added up."""
    work.execute(
        "INSERT INTO limit_watches (supplier_id, subject, currency, exceeded, exposure_minor, limit_minor, changed_at) "
        "VALUES (:supplier, :subject, :currency, false, 0, 0, :at) ON CONFLICT DO NOTHING",
        subject=subject,
        currency=currency,
        at=now(),
    )
    row = work.rows(
        "SELECT exceeded, crossings FROM limit_watches WHERE supplier_id = :supplier AND subject = :subject "
        "AND currency = :currency FOR UPDATE",
        subject=subject,
        currency=currency,
    )[0]
    return row["exceeded"], row["crossings"]


def rest_groups(work: Work, sirens: Collection[str]) -> None:
    """Groups without a limit exceed none."""
    work.execute(
        "UPDATE limit_watches AS watch SET exceeded = false, changed_at = :at WHERE supplier_id = :supplier "
        "AND exceeded AND subject = ANY(:subjects) AND NOT EXISTS (SELECT 1 FROM credit_limits AS held "
        "WHERE held.supplier_id = :supplier AND held.ended_at IS NULL AND 'group/' || held.group_siren = watch.subject "
        "AND held.currency = watch.currency)",
        subjects=[GROUP + each for each in sirens],
        at=now(),
    )


def sum_group(work: Work, siren: str, currency: str) -> int:
    """The exposure of everybody in a group, in minor units."""
    owed = exposures(work, members_of(work, siren), currency)
    return sum(each.total_minor for each in owed.values())


@dataclass(frozen=True, slots=True)
class _Watched:
    """An exposure and its limit; ``about`` is the customer by whom it is told."""

    subject: str
    currency: str
    exposure_minor: int
    limit_minor: int | None
    about: UUID

    @property
    def exceeded(self) -> bool:
        return self.limit_minor is not None and self.exposure_minor > max(self.limit_minor, 0)


def _watch(work: Work, watched: _Watched, before: tuple[bool, int]) -> None:
    """Tell a crossing since ``before``: whether it was exceeded, and how often."""
    was, crossings = before
    if was == watched.exceeded:
        return
    crossings += watched.exceeded
    work.execute(
        "INSERT INTO limit_watches (supplier_id, subject, currency, exceeded, crossings, exposure_minor, limit_minor, "
        "changed_at) VALUES (:supplier, :subject, :currency, :exceeded, :crossings, :exposure, :limit, :at) "
        "ON CONFLICT (supplier_id, subject, currency) DO UPDATE SET exceeded = excluded.exceeded, "
        "crossings = excluded.crossings, exposure_minor = excluded.exposure_minor, limit_minor = excluded.limit_minor, "
        "changed_at = excluded.changed_at",
        subject=watched.subject,
        currency=watched.currency,
        exceeded=watched.exceeded,
        crossings=crossings,
        exposure=watched.exposure_minor,
        limit=watched.limit_minor or 0,
        at=now(),
    )
    _tell(work, watched, crossings)


def _tell(work: Work, watched: _Watched, crossings: int) -> None:
    facts = {
        "exposure_minor": watched.exposure_minor,
        "limit_minor": watched.limit_minor,
        "currency": watched.currency,
        "group": watched.subject.removeprefix(GROUP) if watched.subject.startswith(GROUP) else "",
    }
    prefix = f"credit.over_limit/{watched.subject}/{watched.currency}/"
    kind = "credit.over_limit" if watched.exceeded else "credit.back_within"
    note_event(work, AccountEvent(watched.about, kind, "system", shown=False, facts=facts))
    if watched.exceeded:
        work.emit([limit_exceeded(watched.about, f"{watched.subject}/{watched.currency}/{crossings}", facts)])
        open_task(work, NewTask(f"{prefix}{crossings}", "credit.over_limit", today(), watched.about, facts=facts))
    else:
        drop_tasks(work, prefix, "within the limit again")
