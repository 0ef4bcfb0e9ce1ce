"""GoCardless' API through its own library: one try per call, errors in the words of the port. Imports the library.

The library repeats a lost request three times with half a second in between and, where its key was used before, quietly
answers with what was made then. Both are decisions of ours: so it is told to try once and to say so.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from gocardless_pro import errors, services  # type: ignore[import-untyped]  # the library has no types
from gocardless_pro.api_client import ApiClient  # type: ignore[import-untyped]  # same

from payments.gateways.port import (
    GatewayError,
    GatewayInDoubtError,
    GatewayRefusedError,
    GatewayUnreachableError,
)
from payments.gateways.trying import try_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Json = dict[str, Any]

Answer = TypeVar("Answer")

LIVE_URL, SANDBOX_URL = "https://api.gocardless.com/", "https://api-sandbox.gocardless.com/"
PAGE = 500
"""Objects per list request: the most they give."""
ONE_TRY = 1
"""What the library calls its number of retries is its number of tries."""


class AlreadyMadeError(Exception):
    """The key was used before: ``made_ref`` is what it made."""

    def __init__(self, made_ref: str) -> None:
        super().__init__(made_ref)
        self.made_ref = made_ref


class GoCardlessApi:
    """What we ask of their API, as plain JSON.

    Args:
        key: An access token; ``live_`` or ``sandbox_`` says which money it moves.
        api_url: Another address that speaks their API; None for theirs.
        timeout_s: Longest wait for an answer, in seconds.
        connect_timeout_s: Longest wait for a connection, in seconds.
        network_retries: How often a change is repeated after a lost answer, with the same key.

    Raises:
        GatewayRefusedError: The key names no mode, or a live key would travel in the clear.
    """

    def __init__(
        self,
        key: str,
        *,
        api_url: str | None,
        timeout_s: float = 10.0,
        connect_timeout_s: float = 3.0,
        network_retries: int = 1,
    ) -> None:
        self.livemode = mode_of(key)
        url = api_url or (LIVE_URL if self.livemode else SANDBOX_URL)
        if self.livemode and not url.startswith("https://"):
            raise GatewayRefusedError("A live key is only sent over https.", "gateway.mode_mixed")
        self._retries = network_retries
        self._client = ApiClient(url.rstrip("/") + "/", key, timeout=(connect_timeout_s, timeout_s))

    def make(self, resource: str, params: Json, key: str | None) -> Json:
        """Create an object; the same key makes one.

        Raises:
            AlreadyMadeError: by an earlier request with this key.
            GatewayError: see :func:`asking`.
        """
        headers = {"Idempotency-Key": key} if key else None
        service = self._service(resource)
        return self._change(f"make {resource}", lambda: _json(service.create(params=params, headers=headers)))

    def act(self, resource: str, action: str, identity: str, params: Json | None = None) -> Json:
        """One of an object's actions, such as ``cancel``; made once or refused because of the object's state."""
        service = self._service(resource)
        with asking(f"{action} {identity}", changes=True):
            return _json(getattr(service, action)(identity, params=params))

    def read(self, resource: str, identity: str) -> Json:
        """An object."""
        with asking(f"read {identity}", changes=False):
            return _json(self._service(resource).get(identity))

    def each(self, resource: str, **filters: str) -> Iterator[Json]:
        """Every object that fits, page after page by cursor, newest first; ``created_at__gte`` is a filter inside."""
        params: Json = {_filter_name(name): value for name, value in filters.items()} | {"limit": PAGE}
        after: str | None = None
        while True:
            with asking(f"list {resource}", changes=False):
                page = self._service(resource).list(params=params | ({"after": after} if after else {}))
            for found in page.records:
                yield dict(found.attributes)
            after = page.after
            if after is None:
                return

    def _service(self, resource: str) -> Any:
        kind = getattr(services, "".join(part.title() for part in resource.split("_")) + "Service")
        return kind(self._client, ONE_TRY, 0, raise_on_idempotency_conflict=True)

    def _change(self, what: str, call: Callable[[], Answer]) -> Answer:
        """Make a change, again after a lost answer; once one try is in doubt, the whole is until one succeeds."""

        def attempt() -> Answer:
            with asking(what, changes=True):
                return call()

        return try_change(attempt, self._retries)


def mode_of(key: str) -> bool:
    """True for live money, by the beginning of the access token."""
    for prefix, live in (("live_", True), ("sandbox_", False)):
        if key.startswith(prefix):
            return live
    raise GatewayRefusedError("The GoCardless access token must begin with live_ or sandbox_.")


@contextmanager
def asking(what: str, *, changes: bool) -> Iterator[None]:
    """Turn the library's errors into ours; ``changes`` says that a lost answer leaves us in doubt."""
    try:
        yield
    except errors.IdempotentCreationConflictError as error:
        raise AlreadyMadeError(error.conflicting_resource_id) from error
    except (errors.GoCardlessProError, requests.RequestException) as error:
        raise _translated(error, what, changes=changes) from error


_REFUSALS = (
    errors.ValidationFailedError,
    errors.InvalidApiUsageError,
    errors.InvalidStateError,
    errors.AuthenticationError,
    errors.PermissionsError,
)


def _translated(error: Exception, what: str, *, changes: bool) -> GatewayError:
    said = error.message if isinstance(error, errors.ApiError) else str(error)  # its str() fails without a pointer
    lines = str(said or "").splitlines() or [type(error).__name__]
    request = getattr(error, "request_id", None) or "no request id"
    sentence = f"GoCardless was asked to {what}: {lines[0][:300]} ({request})."
    if isinstance(error, _REFUSALS):
        return GatewayRefusedError(sentence)
    if isinstance(error, errors.RateLimitError | requests.ConnectTimeout) or _never_sent(error) or not changes:
        return GatewayUnreachableError(f"{sentence} Try again later.")
    return GatewayInDoubtError(f"{sentence} Repeat it with the same key, or look for its effect.")


def _never_sent(error: Exception) -> bool:
    """Whether no connection was made, so that nothing can have happened."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectionError) and type(reason).__name__ == "NewConnectionError"


def _json(found: Any) -> Json:
    return dict(found.attributes)


def _filter_name(name: str) -> str:
    """``created_at__gte`` as they write it: ``created_at[gte]``."""
    field, _, operator = name.partition("__")
    return f"{field}[{operator}]" if operator else field
