"""How one supplier reaches one platform (*plateforme agréée*): what differs between platforms is data, not code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from einvoice.platform.driver import KNOWN_DRIVERS, LOOPBACK, PlatformDriver

__all__ = ["KNOWN_DRIVERS", "LOOPBACK", "PlatformDriver", "PlatformSettings"]


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """One supplier's access to a platform. Times are in seconds."""

    driver: PlatformDriver
    client_id: str
    client_secret: str = field(repr=False)
    reporting: Literal["platform", "own"] = "platform"
    """Who makes Flux 10 of sales that no platform carries to the buyer: the platform, of the invoices and 212 that we
    hand it, or we ourselves (design, decision 13). Never both for one invoice."""
    serves: Literal["all", "public"] = "all"
    """``public``: only invoices to public buyers go there (Chorus Pro beside an approved platform)."""
    technical_account: str | None = field(default=None, repr=False)
    """Chorus Pro alone: ``login:password`` of the technical account (*compte technique*), beside PISTE's client."""
    organization_id: str | None = None
    """``Organization-Id``: the company meant, where one client acts for several."""
    scope: str | None = None
    connect_timeout_s: float = 5.0
    """A platform that does not take the connection in this time is down; nothing was sent."""
    read_timeout_s: float = 30.0
    """Large Factur-X files are checked while we wait; after this the effect is in doubt."""
    send_timeout_s: float = 120.0
    """How long one file may take to be sent: 100 MB at 7 Mbit/s."""
    token_leeway_s: int = 30
    """A token is renewed this long before its end, so that a slow upload does not outlive it."""
    page_limit: int = 100
    """Flows per page of a search; 100 is the norm's maximum."""
    max_file_bytes: int = 100 * 1024 * 1024
    """Largest file sent: the norm's limit for one flow."""
    proxy_url: str | None = None
    """Outgoing HTTP proxy; those of the environment are not used."""

    def __post_init__(self) -> None:
        if not self.client_id or not self.client_secret:
            raise ValueError(f"Platform {self.driver.name} needs a client id and a client secret.")
        if self.organization_id and not (self.organization_id.isascii() and self.organization_id.isprintable()):
            raise ValueError(f"Organization-Id {self.organization_id!r} cannot travel in a header: use plain letters.")
        if self.driver.kind == "chorus_pro":
            if not self.technical_account or ":" not in self.technical_account:
                raise ValueError(f"{self.driver.title} needs its technical account as login:password.")
            if self.serves != "public":
                raise ValueError(f"{self.driver.title} takes invoices to public buyers alone: connect it for these.")
        if not 1 <= self.page_limit <= 100:  # noqa: PLR2004 - the norm's maximum
            raise ValueError(f"A page of {self.page_limit} flows is outside 1 to 100.")
