"""How calls to platforms travel: to judged addresses alone, with limits on what is sent and what is read.

The connections of ``requests`` are replaced where they are opened, so that the address that was judged is the one that
is called. Through a proxy the proxy resolves names: it is the operator's, and its rules hold.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from config.outgoing import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from config.outgoing import Reach

MAX_SMALL_BYTES = 1024 * 1024
"""Largest answer that is read without being streamed: the token's."""
_CHUNK_BYTES = 64 * 1024
_WATCH = "quittance_watch"
"""Where an answer carries the watch over its connection."""


class AnswerTooSlowError(requests.exceptions.ReadTimeout):
    """An answer came drop by drop: each was in time, the whole was not."""


class Watch:
    """Cuts a connection ``longest_s`` after its call was sent: a time-out of the library is one of each read alone."""

    def __init__(self, wire: socket.socket | None, longest_s: float) -> None:
        self.fired = False
        self._wire = wire
        self._timer = threading.Timer(longest_s, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """The answer was read."""
        self._timer.cancel()

    def _cut(self) -> None:
        self.fired = True
        if self._wire is not None:
            with suppress(OSError):  # gone already
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)  # below TLS, whose own would wait for the reader


@contextmanager
def watched(answer: requests.Response) -> Iterator[None]:
    """Read an answer in here: one that is cut in the middle is no answer, even where it does not say how long it is.

    Raises:
        AnswerTooSlowError: it took too long.
    """
    watch: Watch | None = getattr(getattr(answer.raw, "_original_response", None), _WATCH, None)
    try:
        yield
    except (requests.RequestException, OSError) as error:
        if watch is not None and watch.fired:
            raise AnswerTooSlowError("The answer came too slowly.") from error
        raise
    finally:
        if watch is not None:
            watch.end()
    if watch is not None and watch.fired:
        raise AnswerTooSlowError("The answer came too slowly.")


class GuardedAdapter(HTTPAdapter):
    """Opens connections to addresses within ``reach`` alone.

    One upload may take ``send_timeout_s``, one whole answer ``answer_timeout_s``.
    """

    def __init__(self, reach: Reach, send_timeout_s: float, answer_timeout_s: float) -> None:
        self._pools = _pools(reach, send_timeout_s, answer_timeout_s)
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
            with watched(answer):
                for chunk in answer.iter_content(_CHUNK_BYTES):
                    body += chunk
                    if len(body) > MAX_SMALL_BYTES:
                        answer.close()
                        raise requests.exceptions.ContentDecodingError("The answer is too long.")
            answer._content = bytes(body)  # noqa: SLF001 -- where the library keeps what it has read
        return answer


def _pools(reach: Reach, send_timeout_s: float, answer_timeout_s: float) -> dict[str, type[HTTPConnectionPool]]:
    """Pools by scheme, whose connections are opened within ``reach``."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _open(self, reach)

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            self.sock.settimeout(send_timeout_s)  # else the time to connect would bound the whole upload
            super().send(data)

        def getresponse(self) -> Any:
            with _watch(self, answer_timeout_s) as watch:
                return watch(super().getresponse())

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _open(self, reach)

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            self.sock.settimeout(send_timeout_s)
            super().send(data)

        def getresponse(self) -> Any:
            with _watch(self, answer_timeout_s) as watch:
                return watch(super().getresponse())

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


@contextmanager
def _watch(connection: HTTPConnection, longest_s: float) -> Iterator[Callable[[Any], Any]]:
    """Watch over an answer from its first byte; what is given back carries the watch on, to its last."""
    watch = Watch(connection.sock, longest_s)

    def carry(answer: Any) -> Any:
        setattr(answer._original_response, _WATCH, watch)  # noqa: SLF001 -- the one part that requests hands on
        return answer

    try:
        yield carry
    except BaseException:
        watch.end()
        raise


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
