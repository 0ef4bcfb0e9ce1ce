"""Every movement on the account that a provider keeps for us: pulled, kept once, whichever look tells it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now
from payments.accounts import accounts_to_ask
from payments.gateways.port import Capability
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from payments.gateways.port import Gateway, ProviderMovement
    from payments.reconcile import GatewayOf
    from receivables.store.work import Work, Works

WATERMARK = "provider.movements"
OVERLAP = timedelta(hours=2)
"""Movements are asked for again over this long: the provider's clock is not ours, and known ones cost nothing."""
BEFORE_THE_ACCOUNT = timedelta(days=1)
"""How far before our account's opening the first look goes: what moved earlier is the opening balance."""
BATCH = 500


def accounts_with_payouts(works: Works, supplier_id: UUID, gateway_of: GatewayOf) -> Iterator[tuple[UUID, Gateway]]:
    """The supplier's accounts whose provider tells movements and payouts, each with its gateway."""
    with works.begin(supplier_id) as work:
        accounts = [(account_id, gateway_of(work, account_id)) for account_id in accounts_to_ask(work)]
    for account_id, gateway in accounts:
        if Capability.PAYOUTS in gateway.capabilities:
            yield account_id, gateway


def pull_movements(works: Works, supplier_id: UUID, account_id: UUID, gateway: Gateway) -> int:
    """Pull movements since the last look; returns how many are new.

    Raises:
        GatewayError: the provider did not answer; what it told is kept, and asked for again.
    """
    begun_at, name = now(), f"{WATERMARK}/{account_id}"
    with works.begin(supplier_id) as work:
        since = reached(work, name, account_id)
    fresh, batch = 0, []
    for movement in gateway.movements_since(since):
        batch.append(movement)
        if len(batch) == BATCH:
            fresh += _keep(works, supplier_id, account_id, batch)
            batch = []
    fresh += _keep(works, supplier_id, account_id, batch)
    with works.begin(supplier_id) as work:
        reach(work, name, begun_at)
    return fresh


def reached(work: Work, name: str, account_id: UUID) -> datetime:
    """From when on to ask: the last look with an overlap, or the opening of the account."""
    found: datetime = work.scalar(
        "SELECT coalesce((SELECT reached_at - :overlap FROM watermarks WHERE supplier_id = :supplier "
        "AND name = :name), (SELECT created_at - :before FROM gateway_accounts WHERE supplier_id = :supplier "
        "AND account_id = :account))",
        name=name,
        account=account_id,
        overlap=OVERLAP,
        before=BEFORE_THE_ACCOUNT,
    )
    return found


def reach(work: Work, name: str, at: datetime) -> None:
    """Note how far a look went."""
    work.execute(
        "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
        "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
        name=name,
        at=at,
    )


def write_movements(work: Work, account_id: UUID, movements: Iterable[ProviderMovement]) -> int:
    """Keep movements as one set; returns how many are new. A known one only learns which payout took it."""
    given = [
        {
            "movement_ref": each.movement_ref,
            "kind": each.kind,
            "object_ref": each.object_ref,
            "gross_minor": each.gross_minor,
            "fee_minor": each.fee_minor,
            "currency": each.currency,
            "payout_ref": each.payout_ref,
            "moved_at": each.moved_at,
            "available_on": each.available_on,
        }
        for each in {each.movement_ref: each for each in movements}.values()
    ]
    if not given:
        return 0
    rows = work.rows(
        "INSERT INTO provider_movements (supplier_id, account_id, movement_ref, kind, object_ref, gross_minor, "
        "fee_minor, currency, payout_ref, moved_at, available_on, told_at) "
        "SELECT :supplier, :account, movement_ref, kind, object_ref, gross_minor, fee_minor, currency, payout_ref, "
        "moved_at, available_on, :at FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (movement_ref text, "
        "kind text, object_ref text, gross_minor bigint, fee_minor bigint, currency text, payout_ref text, "
        "moved_at timestamptz, available_on date) ORDER BY movement_ref "
        "ON CONFLICT (supplier_id, account_id, movement_ref) DO UPDATE SET payout_ref = EXCLUDED.payout_ref "
        "WHERE provider_movements.payout_ref IS NULL AND EXCLUDED.payout_ref IS NOT NULL "
        "RETURNING (xmax = 0) AS fresh",
        account=account_id,
        given=to_json(given),
        at=now(),
    )
    return sum(row["fresh"] for row in rows)


def _keep(works: Works, supplier_id: UUID, account_id: UUID, batch: list[ProviderMovement]) -> int:
    return works.run(supplier_id, lambda work: write_movements(work, account_id, batch))
