"""Where this house may call: the name of another house is resolved once, judged, and exactly that address is called.

A name can be pointed at this machine or its network by whoever owns it, and can change between a check and the call
(DNS rebinding). So every address of an answer is judged, the connection is made to the judged one, and the address at
the other end of it is compared again.
"""

from __future__ import annotations

import ipaddress
import socket
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Addresses of IPv6 that stand for one of IPv4 (RFC 6052)."""
_IPV4_BITS = 32

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(StrEnum):
    """How far calls may go."""

    PUBLIC = "public"
    """Public addresses alone: what every house that is open to the Internet needs."""
    LOOPBACK = "loopback"
    """And this machine: the demonstration talks to the sandboxes beside it."""
    PRIVATE = "private"
    """And private networks: development, tests, and sandboxes on other machines."""


class AddressRefusedError(Exception):
    """``address.refused``: a name leads to an address that this house does not call."""

    code = "address.refused"


def check_host(host: str, port: int = 443, *, reach: Reach = Reach.PUBLIC) -> None:
    """Refuse a host of which any address may not be called: for a verdict while somebody types it in.

    Raises:
        AddressRefusedError: it leads to a refused address.
        OSError: the name leads nowhere.
    """
    _resolve(host, port, reach)


def check_url(url: str, *, reach: Reach = Reach.PUBLIC) -> None:
    """:func:`check_host` for the host of ``url``.

    Raises:
        AddressRefusedError: no host, or one that leads to a refused address.
        OSError: the name leads nowhere.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise AddressRefusedError(f"{url!r} names no host.")
    check_host(parts.hostname, parts.port or (80 if parts.scheme == "http" else 443), reach=reach)


def connect(
    host: str,
    port: int,
    timeout_s: float | None,
    *,
    reach: Reach = Reach.PUBLIC,
    options: Iterable[tuple[int, int, int | bytes]] = (),
) -> socket.socket:
    """A TCP connection to ``host``, at an address that was judged; ``timeout_s`` holds for each address.

    Raises:
        AddressRefusedError: the name leads to a refused address, or the connection ended at another one.
        OSError: no address answers.
    """
    failure: OSError | None = None
    for family, sockaddr in _resolve(host, port, reach):
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.settimeout(timeout_s)
            for option in options:
                opened.setsockopt(*option)
            opened.connect(sockaddr)
            _judge(host, opened.getpeername()[0], reach)
        except OSError as error:
            opened.close()
            failure = error
        except AddressRefusedError:
            opened.close()
            raise
        else:
            return opened
    raise failure or OSError(f"{host} has no address.")


def is_allowed(address: Address, reach: Reach) -> bool:
    """Whether ``address``, or the one of IPv4 that it stands for, may be called."""
    if reach is Reach.PRIVATE:
        return True
    meant = _meant(address)
    if reach is Reach.LOOPBACK and all(each.is_loopback for each in meant):
        return True
    return all(
        each.is_global and not (each.is_multicast or each.is_reserved or each.is_unspecified or each.is_link_local)
        for each in meant
    )


def _meant(address: Address) -> list[Address]:
    """The address itself, or those of IPv4 inside one of IPv6."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inside: list[Address] = [each for each in (address.sixtofour, *(address.teredo or ())) if each]
    if address in _NAT64 or (int(address) >> _IPV4_BITS == 0 and not address.is_loopback):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address, *inside]


def _resolve(host: str, port: int, reach: Reach) -> list[tuple[int, Any]]:
    """Every address of ``host``, judged: one bad one among good ones is a trap, not an accident."""
    answer = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    for *_, sockaddr in answer:
        _judge(host, str(sockaddr[0]), reach)
    return [(family, sockaddr) for family, _, _, _, sockaddr in answer]


def _judge(host: str, literal: str, reach: Reach) -> None:
    if not is_allowed(ipaddress.ip_address(literal), reach):
        raise AddressRefusedError(f"{host} leads to {literal}, which is no public address; it was not called.")
