"""How one approved platform (*plateforme agréée*) is reached: what differs between platforms is data, not code."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class PlatformDriver:
    """What is the same for every customer of one platform.

    ``base_url`` is the flow service without ``/v1``; ``token_url`` the OAuth 2 token endpoint. The flags are known
    departures from XP Z12-013 1.3.0.
    """

    name: str
    base_url: str
    token_url: str
    omit_processing_rule: bool = False
    """The platform refuses ``processingRule`` and computes it."""
    omit_flow_profile: bool = False
    """The platform refuses ``flowProfile``."""
    secret_in_body: bool = False
    """The token endpoint wants the client secret in the form (``client_secret_post``) instead of a Basic header."""

    def __post_init__(self) -> None:
        for url in (self.base_url, self.token_url):
            parts = urlsplit(url)
            safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
            if not safe or not parts.hostname or parts.username or parts.query or parts.fragment:
                raise ValueError(
                    f"{url!r} of platform {self.name} cannot be used: give a plain https address "
                    "(http only towards this machine)."
                )


KNOWN_DRIVERS: dict[str, PlatformDriver] = {
    driver.name: driver
    for driver in (
        PlatformDriver(
            name="superpdp",
            base_url="https://api.superpdp.tech/afnor-flow",
            token_url="https://api.superpdp.tech/oauth2/token",  # noqa: S106 - an address, not a secret
            omit_processing_rule=True,
        ),
        PlatformDriver(
            name="hubtimize",
            base_url="https://hubtimize.fr/api/orchestrator",
            token_url="https://hubtimize.fr/api/orchestrator/v1/oauth2/token",  # noqa: S106 - an address, not a secret
        ),
    )
}
"""Platforms whose addresses and habits were seen in the field; any other is a ``PlatformDriver`` of the settings."""


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """One supplier's access to a platform. Times are in seconds."""

    driver: PlatformDriver
    client_id: str
    client_secret: str = field(repr=False)
    organization_id: str | None = None
    """``Organization-Id``: the company meant, where one client acts for several."""
    scope: str | None = None
    connect_timeout_s: float = 5.0
    """A platform that does not take the connection in this time is down; nothing was sent."""
    read_timeout_s: float = 30.0
    """Large Factur-X files are checked while we wait; after this the effect is in doubt."""
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
        if not 1 <= self.page_limit <= 100:  # noqa: PLR2004 - the norm's maximum
            raise ValueError(f"A page of {self.page_limit} flows is outside 1 to 100.")
