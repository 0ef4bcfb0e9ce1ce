"""Calls to one platform under its OAuth 2 client credentials: tokens, time-outs, limits, patience.

No redirect is followed, every call has time-outs, a rejected token is renewed once. A call that changes nothing is made
again a few times where the platform fails quickly; one that changes something never is: its caller asks first.
"""

from __future__ import annotations

import base64
import random
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from config.clock import new_id
from config.outgoing import AddressRefusedError, Reach
from einvoice.platform.answers import BUSY, LONGEST_CODE, Answer, busy, checked, clean, unreadable
from einvoice.platform.port import (
    PlatformAddressError,
    PlatformBusyError,
    PlatformError,
    PlatformUnauthorisedError,
    PlatformUnreachableError,
)
from einvoice.platform.transport import GuardedAdapter, watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from einvoice.platform.settings import PlatformSettings

WAITS_S = (0.25, 1.0)
"""Pauses before a read is made again: two more tries, each pause shortened by chance so that callers do not march."""
PATIENCE_S = 5.0
"""A read that took longer is not made again here: its caller has other things to do."""
LONGEST_PAUSE_S = 2.0
"""A platform that asks for a longer pause is left alone: the caller hears when to come back."""
MAX_JSON_BYTES = 16 * 1024 * 1024
"""Largest answer that is no file: a hundred flows with a hundred remarks each."""
ANSWER_TIMES = 4
"""How many read time-outs one whole answer may take: a file of 100 MB at 7 Mbit/s, by default."""
_CHUNK_BYTES = 64 * 1024


class PlatformSession:
    """One client of one platform. One instance may serve several threads.

    ``reach`` says how far calls may go; the default lets drivers that name this machine reach it.
    """

    def __init__(
        self,
        settings: PlatformSettings,
        reach: Reach = Reach.LOOPBACK,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self._pause = pause
        driver = settings.driver
        self._name = driver.name
        self._session = OAuth2Session(
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            token_endpoint_auth_method="client_secret_post" if driver.secret_in_body else "client_secret_basic",
            scope=settings.scope,
            leeway=0,  # renewal is ours, with redirects off
        )
        self._session.register_compliance_hook("access_token_response", _refuse_failure)
        self._session.trust_env = False  # no .netrc password, no proxy that nobody configured
        adapter = GuardedAdapter(reach, settings.send_timeout_s, ANSWER_TIMES * settings.read_timeout_s)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)
        if settings.proxy_url:
            self._session.proxies = {"http": settings.proxy_url, "https": settings.proxy_url}
        self._timeout = (settings.connect_timeout_s, settings.read_timeout_s)
        self._token_lock = threading.Lock()

    def call(
        self,
        method: str,
        path: str,
        *,
        has_effect: bool = False,
        patient: bool = True,
        max_bytes: int = MAX_JSON_BYTES,
        **content: Any,
    ) -> Answer:
        """One call, with ``content`` as ``requests`` takes it.

        ``has_effect`` marks a call that changes something there: no answer means doubt, and it is made once. Any other
        is made again after a quick failure, while ``patient``.

        Raises:
            PlatformError: see its subclasses.
        """
        waits = list(WAITS_S) if patient and not has_effect else []
        began = time.monotonic()
        while True:
            try:
                return self._authorised(method, path, has_effect=has_effect, max_bytes=max_bytes, **content)
            except (PlatformUnreachableError, PlatformBusyError) as error:
                wait_s = _wait_s(error, waits.pop(0)) if waits else None
                if wait_s is None or time.monotonic() - began > PATIENCE_S:
                    raise
            self._pause(wait_s)

    def authenticate(self) -> None:
        """Take a fresh token and ask nothing else: for testing a connection step by step.

        Raises:
            PlatformUnauthorisedError: caused by an ``OAuthError`` where the client is refused, by a ``ValueError``
                where the address gives no token.
            PlatformError: no answer, or a failure.
        """
        self._ensure_token(fresh=True)

    # --- one call ----------------------------------------------------------------------------------------------------

    def _authorised(self, method: str, path: str, *, has_effect: bool, max_bytes: int, **content: Any) -> Answer:
        """One call, with one more try under a fresh token when the platform answers 401."""
        for attempt in (1, 2):
            self._ensure_token(fresh=attempt > 1)
            answer = self._send(method, path, has_effect=has_effect, max_bytes=max_bytes, **content)
            if answer.status != HTTPStatus.UNAUTHORIZED:
                return checked(answer, has_effect=has_effect)
        raise PlatformUnauthorisedError(
            f"{self._name} refuses a token that it has just given; check the client's rights.",
            f"{self._name} refuse un jeton qu'elle vient de donner ; vérifiez les droits du client.",
        )

    def _send(self, method: str, path: str, *, has_effect: bool, max_bytes: int, **content: Any) -> Answer:
        headers = {"Request-Id": str(new_id()), "Accept": "application/json, */*;q=0.5"}
        if self.settings.organization_id:
            headers["Organization-Id"] = self.settings.organization_id
        if self.settings.technical_account:
            headers["cpro-account"] = base64.b64encode(self.settings.technical_account.encode()).decode()
        try:
            answer = self._session.request(
                method,
                self.settings.driver.base_url.rstrip("/") + path,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                **content,
            )
            return _read(answer, max_bytes, in_doubt=has_effect)
        except OAuthError as error:
            raise PlatformUnauthorisedError(
                f"{self._name} gives tokens that cannot be used ({error.error}); tell its support.",
                f"{self._name} donne des jetons inutilisables ({error.error}) ; prévenez son assistance.",
            ) from error
        except AddressRefusedError as error:
            raise self._address_refused() from error
        except requests.RequestException as error:
            raise self._unreachable(error, sent=has_effect) from error

    def _unreachable(self, error: requests.RequestException, *, sent: bool) -> PlatformUnreachableError:
        """A refused or timed-out connection sent nothing; anything later leaves the effect in doubt."""
        in_doubt = sent and not _never_connected(error)
        return PlatformUnreachableError(
            f"{self._name} gives no answer ({type(error).__name__})."
            + (" Ask by tracking id before sending again." if in_doubt else ""),
            f"{self._name} ne répond pas ({type(error).__name__})."
            + (" Demandez-lui l'état du flux avant de le renvoyer." if in_doubt else ""),
            in_doubt=in_doubt,
        )

    def _address_refused(self) -> PlatformAddressError:
        return PlatformAddressError(
            f"{self._name}: its name leads to an address that is not public; nothing was called. Correct the address, "
            "or allow private hosts in this house's settings.",
            f"{self._name} : son nom mène à une adresse qui n'est pas publique ; rien n'a été appelé. Corrigez "
            "l'adresse, ou autorisez les hôtes privés dans les réglages de cette installation.",
        )

    # --- the token ---------------------------------------------------------------------------------------------------

    def _ensure_token(self, *, fresh: bool) -> None:
        with self._token_lock:
            token = self._session.token
            if token and not fresh and not token.is_expired(leeway=self.settings.token_leeway_s):
                return
            try:
                self._session.fetch_token(
                    self.settings.driver.token_url,
                    grant_type="client_credentials",
                    timeout=self._timeout,
                    allow_redirects=False,
                )
            except OAuthError as error:
                raise self._client_refused(clean(error.error, LONGEST_CODE)) from error
            except AddressRefusedError as error:
                raise self._address_refused() from error
            except requests.HTTPError as error:
                raise self._token_failure(error) from error
            except requests.RequestException as error:
                raise self._unreachable(error, sent=False) from error
            except (ValueError, TypeError, OverflowError, RecursionError) as error:
                raise self._no_token() from error
            if not _is_token(self._session.token):
                self._session.token = None
                raise self._no_token() from ValueError("no access_token")

    def _no_token(self) -> PlatformUnauthorisedError:
        return PlatformUnauthorisedError(
            f"{self.settings.driver.token_url} answers with no token; check the address.",
            f"{self.settings.driver.token_url} ne donne pas de jeton ; vérifiez l'adresse.",
        )

    def _token_failure(self, error: requests.HTTPError) -> PlatformError:
        answer = error.response
        if answer is not None and answer.status_code in BUSY:
            return busy(Answer(answer.status_code, b"", answer.headers.get("Retry-After", "")))
        if answer is not None and answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._client_refused(f"HTTP {answer.status_code}")
        return self._unreachable(error, sent=False)

    def _client_refused(self, why: str) -> PlatformUnauthorisedError:
        return PlatformUnauthorisedError(
            f"{self._name} refuses our client ({why}); check its id and secret.",
            f"{self._name} refuse notre client ({why}) ; vérifiez son identifiant et son secret.",
        )


def _wait_s(error: PlatformError, planned_s: float) -> float | None:
    """How long to wait before a read is made again: what the platform asks for, else ``planned_s`` less some chance."""
    if isinstance(error, PlatformBusyError) and error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= LONGEST_PAUSE_S else None
    return planned_s * random.randint(50, 100) / 100  # noqa: S311 -- spreads callers, guards nothing


def _read(answer: requests.Response, max_bytes: int, *, in_doubt: bool) -> Answer:
    """The answer to its end, but never more than ``max_bytes``."""
    body = bytearray()
    with answer, watched(answer):
        for chunk in answer.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > max_bytes:
                raise unreadable("content (too large)", in_doubt=in_doubt)
    return Answer(answer.status_code, bytes(body), answer.headers.get("Retry-After", ""))


def _refuse_failure(answer: requests.Response) -> requests.Response:
    """Raise for a failed token answer that is no OAuth error: the library would keep its JSON as if it were a token."""
    if answer.status_code in BUSY:
        answer.raise_for_status()
    return answer


def _is_token(token: Any) -> bool:
    """Whether a token can be used: its text travels in a header."""
    text = token.get("access_token") if isinstance(token, dict) else None
    kind = token.get("token_type", "") if isinstance(token, dict) else None
    plain = isinstance(text, str) and text.isascii() and text.isprintable() and text != ""
    return plain and isinstance(kind, str)


def _never_connected(error: requests.RequestException) -> bool:
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(cause, urllib3.exceptions.NewConnectionError)
