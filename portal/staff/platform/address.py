"""Can an address that a person typed be called at all: https, a host within reach, a connection, a certificate."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from config.outgoing import AddressRefusedError, Reach, check_host, connect
from einvoice.platform.settings import LOOPBACK
from portal.staff.platform.steps import Outcome, Step, StepName

if TYPE_CHECKING:
    from collections.abc import Iterable

CONNECT_S = 5.0
"""Seconds that a host has to take the connection."""
HTTPS, HTTP = 443, 80
MOST_SHOWN = 200


def look_at_addresses(urls: Iterable[str], *, reach: Reach) -> Step:
    """The first step of a test: every address can be reached, or why one cannot."""
    for url in dict.fromkeys(urls):
        why, facts = _trouble_with(url, reach)
        if why:
            return Step(StepName.ADDRESS, Outcome.FAILED, why, {"url": url[:MOST_SHOWN], **facts})
    return Step(StepName.ADDRESS, Outcome.PASSED)


def _trouble_with(url: str, reach: Reach) -> tuple[str, dict[str, str]]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "address.unreadable", {}
    if not host or parts.scheme not in {"http", "https"}:
        return "address.unreadable", {}
    secure = parts.scheme == "https"
    if not secure and (reach is Reach.PUBLIC or host not in LOOPBACK):
        return "address.not_https", {}
    port = port or (HTTPS if secure else HTTP)
    try:
        check_host(host, port, reach=reach)
    except AddressRefusedError:
        return "address.private", {"host": host}
    except (OSError, UnicodeError):
        return "address.unknown_host", {"host": host}
    return _connect(host, port, reach, secure=secure)


def _connect(host: str, port: int, reach: Reach, *, secure: bool) -> tuple[str, dict[str, str]]:
    """Open a connection, with its certificate where it is a secure one, and close it again."""
    try:
        with connect(host, port, CONNECT_S, reach=reach) as plain:
            if secure:
                context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
                with context.wrap_socket(plain, server_hostname=host):
                    pass
    except AddressRefusedError:
        return "address.private", {"host": host}
    except ssl.SSLCertVerificationError as error:
        return "address.certificate", {"told": error.verify_message[:MOST_SHOWN]}
    except ssl.SSLError as error:
        return "address.no_tls", {"told": (error.reason or type(error).__name__)[:MOST_SHOWN]}
    except TimeoutError:
        return "address.timeout", {}
    except OSError as error:
        return "address.refused", {"told": (error.strerror or type(error).__name__)[:MOST_SHOWN]}
    return "", {}
