"""How calls to platforms travel: to judged addresses alone, with limits on what is sent and what is read.

The connections of ``requests`` are replaced where they are opened, so that the address that was judged is the one that
is called. Through a proxy the proxy resolves names: it is the operator's, and its rules hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from config.outgoing import connect

if TYPE_CHECKING:
    import socket

    from config.outgoing import Reach

MAX_SMALL_BYTES = 1024 * 1024
"""Largest answer that is read without being streamed: the token's."""
_CHUNK_BYTES = 64 * 1024


class GuardedAdapter(HTTPAdapter):
    """Opens connections to addresses within ``reach`` alone; one upload may take ``send_timeout_s``."""

    def __init__(self, reach: Reach, send_timeout_s: float) -> None:
        self._pools = _pools(reach, send_timeout_s)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """The pools of the library, with our connections in them."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def send(self, request: requests.PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 -- the library's signature
        """One call; an answer that nobody streams is read here, to its limit.

        Raises:
            requests.exceptions.ContentDecodingError: it is longer.
            AddressRefusedError: the host leads to an address that we do not call.
        """
        answer = super().send(request, True, *args, **kwargs)  # noqa: FBT003
        if not stream:
            body = bytearray()
            for chunk in answer.iter_content(_CHUNK_BYTES):
                body += chunk
                if len(body) > MAX_SMALL_BYTES:
                    answer.close()
                    raise requests.exceptions.ContentDecodingError("The answer is too long.")
            answer._content = bytes(body)  # noqa: SLF001 -- where the library keeps what it has read
        return answer


def _pools(reach: Reach, send_timeout_s: float) -> dict[str, type[HTTPConnectionPool]]:
    """Pools by scheme, whose connections are opened within ``reach``."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _open(self, reach)

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            self.sock.settimeout(send_timeout_s)  # else the time to connect would bound the whole upload
            super().send(data)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _open(self, reach)

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            self.sock.settimeout(send_timeout_s)
            super().send(data)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _open(connection: HTTPConnection, reach: Reach) -> socket.socket:
    """A socket to the connection's host; failures are told as the library's own, so that they read as "not sent"."""
    timeout = connection.timeout
    try:
        return connect(
            connection._dns_host,  # noqa: SLF001 -- the name without a final dot, as the library resolves it
            connection.port or connection.default_port,
            timeout if isinstance(timeout, int | float) else None,
            reach=reach,
            options=[option for option in connection.socket_options or () if len(option) == 3],  # noqa: PLR2004
        )
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, f"{connection.host} does not take the connection.") from error
    except OSError as error:
        raise NewConnectionError(connection, f"{connection.host} cannot be reached: {error}") from error
