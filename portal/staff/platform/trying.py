"""Run the test of a connection for a supplier, and keep what it showed. No transaction is open while calls are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now
from einvoice.platform.accounts import platform_account
from portal.staff.platform.steps import read_steps
from portal.staff.platform.trial import Ourselves, try_connection
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from einvoice.platform.settings import PlatformSettings
    from portal.staff.platform.steps import Step
    from portal.wiring import Services
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Trial:
    """A test that was made: when, and how each step ended."""

    tried_at: datetime
    steps: tuple[Step, ...]


def try_settings(services: Services, supplier_id: UUID, settings: PlatformSettings) -> tuple[Step, ...]:
    """Test a connection that may not be saved yet."""
    with services.works.begin(supplier_id) as work:
        ourselves = _ourselves(work)
    return try_connection(settings, ourselves, reach=services.reach)


def try_account(services: Services, supplier_id: UUID, account_id: UUID) -> tuple[Step, ...]:
    """Test a connection that is saved, and keep what it showed."""
    with services.works.begin(supplier_id) as work:
        account = platform_account(work, services.keyring, account_id)
    steps = try_settings(services, supplier_id, account.settings)
    with services.works.begin(supplier_id) as work:
        keep_trial(work, account_id, steps)
    return steps


def keep_trial(work: Work, account_id: UUID, steps: Sequence[Step]) -> None:
    """Append what a test of an account showed."""
    work.execute(
        "INSERT INTO platform_trials (supplier_id, trial_id, account_id, steps, tried_at) "
        "VALUES (:supplier, :id, :account, CAST(:steps AS jsonb), :at)",
        id=new_id(),
        account=account_id,
        steps=to_json([each.to_json() for each in steps]),
        at=now(),
    )


def last_trial(work: Work, account_id: UUID) -> Trial | None:
    """The last test of an account."""
    row = work.row(
        "SELECT tried_at, steps FROM platform_trials WHERE supplier_id = :supplier AND account_id = :account "
        "ORDER BY tried_at DESC LIMIT 1",
        account=account_id,
    )
    return Trial(row["tried_at"], read_steps(row["steps"])) if row else None


def _ourselves(work: Work) -> Ourselves:
    siren: str = work.scalar("SELECT siren FROM suppliers WHERE supplier_id = :supplier") or ""
    address = work.scalar("SELECT profile->>'endpoint' FROM supplier_profiles WHERE supplier_id = :supplier")
    return Ourselves(siren, address or siren)
