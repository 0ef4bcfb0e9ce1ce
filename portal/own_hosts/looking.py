"""A look at the DNS: does a supplier own the host that it names, and does the host lead here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dns.exception
import dns.name
import dns.resolver

if TYPE_CHECKING:
    from collections.abc import Iterable

    from receivables.store.domains import Domain

CHALLENGE_NAME = "_quittance"
"""Where the supplier says that the host is its own, below the host."""
CHALLENGE_START = "quittance-site="
LIFETIME_S = 5.0
"""Of one question with its repetitions: somebody waits at a page."""
NO_PROOF, NOT_HERE, SILENT = "no_proof", "not_here", "silent"
"""What can be wrong: no entry with the challenge, a host that leads elsewhere, a DNS that does not answer."""
SilentDnsError = dns.exception.DNSException
"""What the questions raise where nobody answers."""
_NOTHING = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)


@dataclass(frozen=True, slots=True)
class NameServers:
    """Whom to ask: the machine's own resolvers, or ``server`` (an address) at ``port``."""

    server: str | None = None
    port: int = 53

    def texts(self, name: str) -> set[str]:
        """The TXT entries of a name.

        Raises:
            dns.exception.DNSException: nobody answers.
        """
        return {b"".join(each.strings).decode("utf-8", "replace") for each in self._ask(name, "TXT")}

    def addresses(self, name: str) -> set[str]:
        """The addresses that a name leads to, in both versions of IP, aliases followed.

        Raises:
            dns.exception.DNSException: nobody answers.
        """
        return {each.address for kind in ("A", "AAAA") for each in self._ask(name, kind)}

    def _ask(self, name: str, kind: str) -> Iterable[Any]:
        resolver = dns.resolver.Resolver(configure=self.server is None)
        if self.server is not None:
            resolver.nameservers, resolver.port = [self.server], self.port
        try:
            return resolver.resolve(dns.name.from_text(name), kind, lifetime=LIFETIME_S, search=False)
        except _NOTHING:
            return ()


def look(domain: Domain, house: str, servers: NameServers) -> str | None:
    """What is wrong with a host, ``None`` where it is proven and leads to where ``house`` leads."""
    try:
        if f"{CHALLENGE_START}{domain.challenge}" not in servers.texts(f"{CHALLENGE_NAME}.{domain.host}"):
            return NO_PROOF
        there = servers.addresses(domain.host)
        return None if there and there <= servers.addresses(house) else NOT_HERE
    except dns.exception.DNSException:
        return SILENT
