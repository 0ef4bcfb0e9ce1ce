"""From settings to a platform that can be asked: the client of its dialect, behind the account's circuit breaker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.platform.breaker import Circuit, GuardedPlatform
from einvoice.platform.chorus import ChorusPlatform
from einvoice.platform.client import AfnorPlatform

if TYPE_CHECKING:
    from uuid import UUID

    from config.outgoing import Reach
    from einvoice.platform.port import Platform
    from einvoice.platform.settings import PlatformSettings
    from receivables.store.work import Works


def open_platform(settings: PlatformSettings, reach: Reach) -> AfnorPlatform | ChorusPlatform:
    """The client that speaks the platform's dialect; calls nothing yet."""
    return ChorusPlatform(settings, reach) if settings.driver.kind == "chorus_pro" else AfnorPlatform(settings, reach)


def guard(platform: Platform, works: Works, supplier_id: UUID, account_id: UUID) -> Platform:
    """``platform`` behind the circuit breaker of one account."""
    return GuardedPlatform(platform, Circuit(works, supplier_id, account_id))
