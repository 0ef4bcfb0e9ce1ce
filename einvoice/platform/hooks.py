"""Webhooks from platforms: subscribed per account, their keys sealed, each call no more than a hint to look at once.

Polling goes on whether calls come or not: the norm promises no delivery, and a hint that is lost costs one interval.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from config.clock import now
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from config.secrets import Keyring
    from einvoice.platform.port import Platform
    from receivables.store.work import Work, Works

PURPOSE = "platform-hook"
PLATFORM_HINTED = "platform.hinted"
"""The fact (outbox) that a platform has news: one row per account, made due again by each hint."""
HINT_PATH = "/hooks/platform"
LEAST_GAP_S = 2
"""Hints of one account within this time make one look."""


def callback_url(public_url: str, supplier_id: UUID, account_id: UUID) -> str:
    """Where the platform of an account calls us."""
    return f"{public_url}{HINT_PATH}/{supplier_id}/{account_id}"


def subscribe_hook(
    works: Works, keyring: Keyring, platform: Platform, *, supplier_id: UUID, account_id: UUID, url: str
) -> str:
    """Have the platform call ``url``; returns the subscription's id. The subscriptions before it are ended.

    The new one is kept before the old ones end, so that no moment is without.

    Raises:
        PlatformError: the platform did not subscribe, or perhaps did: an orphan signs with a key that nobody knows.
    """
    made = platform.subscribe(url)
    at = now()
    with works.begin(supplier_id) as work:
        earlier = _live_refs(work, account_id)
        work.execute(
            "INSERT INTO platform_hooks (supplier_id, account_id, webhook_ref, sealed_signing_key, state, created_at, "
            "changed_at) VALUES (:supplier, :account, :ref, :key, 'live', :at, :at)",
            account=account_id,
            ref=made.webhook_ref,
            key=keyring.seal(base64.b64encode(made.signing_key).decode(), PURPOSE),
            at=at,
        )
        work.audit("staff", "platform.hook_subscribed", str(account_id), webhook=made.webhook_ref)
    _end(works, platform, supplier_id, account_id, earlier)
    return made.webhook_ref


def end_hooks(works: Works, platform: Platform, supplier_id: UUID, account_id: UUID) -> int:
    """End every subscription of an account; returns how many there were.

    Raises:
        PlatformError: the platform did not end one; the others may be ended.
    """
    with works.begin(supplier_id) as work:
        live = _live_refs(work, account_id)
    _end(works, platform, supplier_id, account_id, live)
    return len(live)


def signing_keys(work: Work, keyring: Keyring, account_id: UUID) -> tuple[bytes, ...]:
    """The keys with which the platform of an account signs now."""
    rows = work.rows(
        "SELECT sealed_signing_key FROM platform_hooks WHERE supplier_id = :supplier AND account_id = :account "
        "AND state = 'live'",
        account=account_id,
    )
    return tuple(base64.b64decode(keyring.unseal(row["sealed_signing_key"], PURPOSE)) for row in rows)


def note_hint(work: Work, account_id: UUID) -> bool:
    """Have the worker look at this supplier's platforms soon; returns whether that was news."""
    return bool(
        work.execute(
            "INSERT INTO outbox (supplier_id, kind, event_key, payload) "
            "VALUES (:supplier, :kind, :key, CAST(:payload AS jsonb)) "
            "ON CONFLICT (supplier_id, kind, event_key) DO UPDATE SET state = 'new', done_by = '{}', tries = 0, "
            "reason = NULL, next_try_at = greatest(now(), outbox.done_at + make_interval(secs => :gap)) "
            "WHERE outbox.state <> 'new'",
            kind=PLATFORM_HINTED,
            key=str(account_id),
            payload=to_json({"account_id": account_id}),
            gap=LEAST_GAP_S,
        )
    )


def _live_refs(work: Work, account_id: UUID) -> list[str]:
    rows = work.rows(
        "SELECT webhook_ref FROM platform_hooks WHERE supplier_id = :supplier AND account_id = :account "
        "AND state = 'live' ORDER BY created_at",
        account=account_id,
    )
    return [row["webhook_ref"] for row in rows]


def _end(works: Works, platform: Platform, supplier_id: UUID, account_id: UUID, refs: list[str]) -> None:
    for ref in refs:
        platform.unsubscribe(ref)
        with works.begin(supplier_id) as work:
            work.execute(
                "UPDATE platform_hooks SET state = 'ended', changed_at = :at "
                "WHERE supplier_id = :supplier AND account_id = :account AND webhook_ref = :ref",
                account=account_id,
                ref=ref,
                at=now(),
            )
