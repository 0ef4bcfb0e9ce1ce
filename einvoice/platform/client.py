"""A platform over HTTP: AFNOR XP Z12-013, Flow Service 1.3.0, OAuth 2 client credentials.

No redirect is followed, every call has time-outs, a rejected token is renewed once. Answers are read strictly where we
rely on them and tolerantly elsewhere: platforms add fields and codes.
"""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
import urllib3
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from config.clock import new_id
from einvoice.platform.answers import (
    BUSY,
    Answer,
    busy,
    checked,
    instant_of,
    object_in,
    read_flow_state,
    text_of,
    unreadable,
)
from einvoice.platform.port import (
    MAX_TRACKING_ID,
    AckStatus,
    Direction,
    DocType,
    Flow,
    FlowPage,
    FlowState,
    PlatformError,
    PlatformRefusedError,
    PlatformUnauthorisedError,
    PlatformUnreachableError,
    SentFlow,
    Syntax,
)

if TYPE_CHECKING:
    from einvoice.platform.settings import PlatformSettings

_CHUNK_BYTES = 64 * 1024
_MAX_NAME = 255


class AfnorPlatform:
    """``einvoice.platform.port.Platform`` over the AFNOR API. One instance may serve several threads."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
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
        if settings.proxy_url:
            self._session.proxies = {"http": settings.proxy_url, "https": settings.proxy_url}
        self._timeout = (settings.connect_timeout_s, settings.read_timeout_s)
        self._token_lock = threading.Lock()

    # --- the port ----------------------------------------------------------------------------------------------------

    def send_flow(self, flow: Flow) -> SentFlow:
        """Hand over ``flow``. On an error with ``in_doubt`` ask ``find_flow`` before sending again."""
        self._check_size(flow)
        mime = "application/pdf" if flow.syntax is Syntax.FACTUR_X else "application/xml"
        answer = self._call(
            "POST",
            "/v1/flows",
            has_effect=True,
            files={
                "flowInfo": (None, json.dumps(self._flow_info(flow)), "application/json"),
                "file": (flow.name, flow.content, mime),
            },
        )
        body = object_in(answer, in_doubt=True)
        return SentFlow(text_of(body, "flowId", in_doubt=True), instant_of(body, "submittedAt", in_doubt=True))

    def find_flow(self, tracking_id: str) -> FlowState | None:
        """The flow sent under ``tracking_id``; an accepted one wins over a refused one where there are several."""
        where = {"trackingId": tracking_id, "flowDirection": [Direction.OUT.value]}
        page = self._search({"where": where, "limit": self._settings.page_limit})
        mine = [flow for flow in page.flows if flow.tracking_id == tracking_id]
        return min(mine, key=lambda flow: flow.status is AckStatus.ERROR, default=None)

    def search(
        self, updated_after: datetime, cursor: str | None = None, *, direction: Direction | None = None
    ) -> FlowPage:
        """One page of the flows changed after ``updated_after``, an aware instant by the platform's clock."""
        where: dict[str, Any] = {"updatedAfter": updated_after.astimezone(UTC).isoformat().replace("+00:00", "Z")}
        if direction:
            where["flowDirection"] = [direction.value]
        request: dict[str, Any] = {"where": where, "limit": self._settings.page_limit}
        if cursor:
            request["cursor"] = cursor
        return self._search(request)

    def flow_state(self, flow_id: str) -> FlowState:
        """What the platform says of the flow ``flow_id``."""
        answer = self._call("GET", f"/v1/flows/{quote(flow_id, safe='')}", params={"docType": "Metadata"})
        return read_flow_state(object_in(answer))

    def fetch(self, flow_id: str, doc_type: DocType = DocType.ORIGINAL) -> bytes:
        """One file of the flow ``flow_id``, as the platform holds it."""
        answer = self._call("GET", f"/v1/flows/{quote(flow_id, safe='')}", params={"docType": doc_type.value})
        return answer.body

    def health(self) -> bool:
        """Whether the platform answers its health check; never raises for a platform that is down."""
        try:
            self._call("GET", "/v1/healthcheck")
        except PlatformError:
            return False
        return True

    # --- requests ----------------------------------------------------------------------------------------------------

    def _check_size(self, flow: Flow) -> None:
        """Refuse here what the norm refuses there, before a large upload."""
        limits = (
            (len(flow.content), self._settings.max_file_bytes, "FILE_SIZE_EXCEEDED", "bytes"),
            (len(flow.tracking_id), MAX_TRACKING_ID, "TRACKING_ID_TOO_LONG", "characters in its tracking id"),
            (len(flow.name), _MAX_NAME, "NAME_TOO_LONG", "characters in its name"),
        )
        for size, limit, error_code, unit in limits:
            if size > limit:
                raise PlatformRefusedError(
                    f"{flow.name[:_MAX_NAME]} has {size} {unit}; a platform takes {limit}.",
                    f"{flow.name[:_MAX_NAME]} dépasse la limite d'une plateforme ({error_code}) : {size} pour {limit}.",
                    error_code=error_code,
                    http_status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                )

    def _flow_info(self, flow: Flow) -> dict[str, str]:
        driver = self._settings.driver
        info = {
            "trackingId": flow.tracking_id,
            "name": flow.name,
            "flowSyntax": flow.syntax.value,
            "sha256": hashlib.sha256(flow.content).hexdigest(),
        }
        if flow.processing_rule and not driver.omit_processing_rule:
            info["processingRule"] = flow.processing_rule.value
        if flow.profile and not driver.omit_flow_profile:
            info["flowProfile"] = flow.profile.value
        return info

    def _search(self, request: dict[str, Any]) -> FlowPage:
        body = object_in(self._call("POST", "/v1/flows/search", json=request))
        results = body.get("results") or []
        if not isinstance(results, list):
            raise unreadable("results")
        return FlowPage(tuple(read_flow_state(flow) for flow in results), body.get("nextCursor") or None)

    def _call(self, method: str, path: str, *, has_effect: bool = False, **content: Any) -> Answer:
        """One call, with one more try under a fresh token when the platform answers 401.

        ``has_effect`` marks a call that changes something there, so that no answer means doubt.
        """
        for attempt in (1, 2):
            self._ensure_token(fresh=attempt > 1)
            answer = self._send(method, path, has_effect=has_effect, **content)
            if answer.status != HTTPStatus.UNAUTHORIZED:
                return checked(answer, has_effect=has_effect)
        raise PlatformUnauthorisedError(
            f"{self._name} refuses a token that it has just given; check the client's rights.",
            f"{self._name} refuse un jeton qu'elle vient de donner ; vérifiez les droits du client.",
        )

    def _send(self, method: str, path: str, *, has_effect: bool, **content: Any) -> Answer:
        headers = {"Request-Id": str(new_id()), "Accept": "application/json, */*;q=0.5"}
        if self._settings.organization_id:
            headers["Organization-Id"] = self._settings.organization_id
        try:
            answer = self._session.request(
                method,
                self._settings.driver.base_url.rstrip("/") + path,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                **content,
            )
            return self._read(answer, in_doubt=has_effect)
        except OAuthError as error:
            raise PlatformUnauthorisedError(
                f"{self._name} gives tokens that cannot be used ({error.error}); tell its support.",
                f"{self._name} donne des jetons inutilisables ({error.error}) ; prévenez son assistance.",
            ) from error
        except requests.RequestException as error:
            raise self._unreachable(error, sent=has_effect) from error

    def _read(self, answer: requests.Response, *, in_doubt: bool) -> Answer:
        """The answer to its end, but never more than a flow may hold."""
        body = bytearray()
        with answer:
            for chunk in answer.iter_content(_CHUNK_BYTES):
                body += chunk
                if len(body) > self._settings.max_file_bytes:
                    raise unreadable("content (too large)", in_doubt=in_doubt)
        return Answer(answer.status_code, bytes(body), answer.headers.get("Retry-After", ""))

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

    # --- the token ---------------------------------------------------------------------------------------------------

    def _ensure_token(self, *, fresh: bool) -> None:
        with self._token_lock:
            token = self._session.token
            if token and not fresh and not token.is_expired(leeway=self._settings.token_leeway_s):
                return
            try:
                self._session.fetch_token(
                    self._settings.driver.token_url,
                    grant_type="client_credentials",
                    timeout=self._timeout,
                    allow_redirects=False,
                )
            except OAuthError as error:
                raise self._client_refused(error.error) from error
            except requests.HTTPError as error:
                raise self._token_failure(error) from error
            except requests.RequestException as error:
                raise self._unreachable(error, sent=False) from error
            except ValueError as error:
                raise PlatformUnauthorisedError(
                    f"{self._settings.driver.token_url} answers with no token; check the address.",
                    f"{self._settings.driver.token_url} ne donne pas de jeton ; vérifiez l'adresse.",
                ) from error

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


def _refuse_failure(answer: requests.Response) -> requests.Response:
    """Raise for a failed token answer that is no OAuth error: the library would keep its JSON as if it were a token."""
    if answer.status_code in BUSY:
        answer.raise_for_status()
    return answer


def _never_connected(error: requests.RequestException) -> bool:
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(cause, urllib3.exceptions.NewConnectionError)
