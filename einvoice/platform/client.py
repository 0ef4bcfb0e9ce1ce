"""A platform over HTTP: AFNOR XP Z12-013, Flow Service 1.3.0, OAuth 2 client credentials.

No redirect is followed, every call has time-outs, a rejected token is renewed once. Answers are read strictly where we
rely on them and tolerantly elsewhere: platforms add fields and codes.
"""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
import urllib3
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from config.clock import new_id, now
from einvoice.platform.port import (
    MAX_TRACKING_ID,
    AckDetail,
    AckStatus,
    Direction,
    DocType,
    Flow,
    FlowPage,
    FlowState,
    PlatformBusyError,
    PlatformError,
    PlatformRefusedError,
    PlatformUnauthorisedError,
    PlatformUnreachableError,
    SentFlow,
    Syntax,
)

if TYPE_CHECKING:
    from einvoice.platform.settings import PlatformSettings

_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
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
        body = _json_object(answer, in_doubt=True)
        return SentFlow(_text(body, "flowId", in_doubt=True), _instant(body, "submittedAt", in_doubt=True))

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
        return _flow_state(_json_object(answer))

    def fetch(self, flow_id: str, doc_type: DocType = DocType.ORIGINAL) -> bytes:
        """One file of the flow ``flow_id``, as the platform holds it."""
        answer = self._call("GET", f"/v1/flows/{quote(flow_id, safe='')}", params={"docType": doc_type.value})
        return answer.content

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
        body = _json_object(self._call("POST", "/v1/flows/search", json=request))
        results = body.get("results") or []
        if not isinstance(results, list):
            raise _unreadable("results")
        return FlowPage(tuple(_flow_state(flow) for flow in results), body.get("nextCursor") or None)

    def _call(self, method: str, path: str, *, has_effect: bool = False, **content: Any) -> requests.Response:
        """One call, with one more try under a fresh token when the platform answers 401.

        ``has_effect`` marks a call that changes something there, so that no answer means doubt.
        """
        for attempt in (1, 2):
            self._ensure_token(fresh=attempt > 1)
            answer = self._send(method, path, has_effect=has_effect, **content)
            if answer.status_code != HTTPStatus.UNAUTHORIZED:
                return _checked(answer, has_effect=has_effect)
        raise PlatformUnauthorisedError(
            f"{self._name} refuses a token that it has just given; check the client's rights.",
            f"{self._name} refuse un jeton qu'elle vient de donner ; vérifiez les droits du client.",
        )

    def _send(self, method: str, path: str, *, has_effect: bool, **content: Any) -> requests.Response:
        headers = {"Request-Id": str(new_id()), "Accept": "application/json, */*;q=0.5"}
        if self._settings.organization_id:
            headers["Organization-Id"] = self._settings.organization_id
        try:
            answer: requests.Response = self._session.request(
                method,
                self._settings.driver.base_url.rstrip("/") + path,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                **content,
            )
        except OAuthError as error:
            raise PlatformUnauthorisedError(
                f"{self._name} gives tokens that cannot be used ({error.error}); tell its support.",
                f"{self._name} donne des jetons inutilisables ({error.error}) ; prévenez son assistance.",
            ) from error
        except requests.RequestException as error:
            raise self._unreachable(error, sent=has_effect) from error
        return answer

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
        if answer is not None and answer.status_code in _BUSY:
            return _busy(answer)
        if answer is not None and answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._client_refused(f"HTTP {answer.status_code}")
        return self._unreachable(error, sent=False)

    def _client_refused(self, why: str) -> PlatformUnauthorisedError:
        return PlatformUnauthorisedError(
            f"{self._name} refuses our client ({why}); check its id and secret.",
            f"{self._name} refuse notre client ({why}) ; vérifiez son identifiant et son secret.",
        )


# --- answers ---------------------------------------------------------------------------------------------------------


def _never_connected(error: requests.RequestException) -> bool:
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(cause, urllib3.exceptions.NewConnectionError)


def _checked(answer: requests.Response, *, has_effect: bool) -> requests.Response:
    """``answer`` where it is a success, else the error that it stands for."""
    status = answer.status_code
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    if status in _BUSY:
        raise _busy(answer)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise PlatformUnreachableError(
            f"The platform failed (HTTP {status}).",
            f"La plateforme est en défaut (HTTP {status}).",
            in_doubt=has_effect,
        )
    error_code, message = _refusal(answer)
    raise PlatformRefusedError(
        f"The platform refuses the call: {error_code}, {message}",
        f"La plateforme refuse l'appel : {error_code}, {message}",
        error_code=error_code,
        http_status=status,
    )


def _busy(answer: requests.Response) -> PlatformBusyError:
    return PlatformBusyError(
        f"The platform asks us to wait (HTTP {answer.status_code}).",
        f"La plateforme demande d'attendre (HTTP {answer.status_code}).",
        retry_after_s=_retry_after_s(answer),
    )


def _unreadable(what: str, *, in_doubt: bool = False) -> PlatformUnreachableError:
    return PlatformUnreachableError(
        f"The platform's answer has no readable {what}.",
        f"La réponse de la plateforme n'a pas de {what} lisible.",
        in_doubt=in_doubt,
    )


def _refusal(answer: requests.Response) -> tuple[str, str]:
    """The platform's ``errorCode`` and message; the HTTP status stands in where the body is not the norm's."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return f"HTTP_{answer.status_code}", "the answer holds no error of the norm"
    message = body.get("details") or body.get("errorMessage") or "no message"
    return str(body.get("errorCode") or f"HTTP_{answer.status_code}"), str(message)


def _retry_after_s(answer: requests.Response) -> float | None:
    """``Retry-After`` in seconds, from a number or a date; None where it is absent or unreadable."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now()).total_seconds())


def _json_object(answer: requests.Response, *, in_doubt: bool = False) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _unreadable("JSON", in_doubt=in_doubt)
    return body


def _text(body: dict[str, Any], name: str, *, in_doubt: bool = False) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _unreadable(name, in_doubt=in_doubt)
    return value


def _instant(body: dict[str, Any], name: str, *, in_doubt: bool = False) -> datetime:
    text = _text(body, name, in_doubt=in_doubt)
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise _unreadable(name, in_doubt=in_doubt) from error
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def _flow_state(body: Any) -> FlowState:
    """A ``Flow`` of the norm; an acknowledgement we do not know is kept pending, so that it is asked about again."""
    if not isinstance(body, dict):
        raise _unreadable("Flow")
    acknowledgement = body.get("acknowledgement")
    if not isinstance(acknowledgement, dict):
        acknowledgement = {}
    status = acknowledgement.get("status")
    submitted_at = _instant(body, "submittedAt")
    return FlowState(
        flow_id=_text(body, "flowId"),
        tracking_id=body.get("trackingId") or None,
        flow_type=str(body.get("flowType") or "Undefined"),
        syntax=str(body.get("flowSyntax") or ""),
        direction=str(body.get("flowDirection") or ""),
        status=AckStatus(status) if status in set(AckStatus) else AckStatus.PENDING,
        details=tuple(_detail(detail) for detail in acknowledgement.get("details") or () if isinstance(detail, dict)),
        submitted_at=submitted_at,
        updated_at=_instant(body, "updatedAt") if body.get("updatedAt") else submitted_at,
        name=str(body.get("name") or ""),
        processing_rule=body.get("processingRule"),
        profile=body.get("flowProfile"),
    )


def _detail(body: dict[str, Any]) -> AckDetail:
    return AckDetail(
        level=str(body.get("level") or "Error"),
        item=str(body.get("item") or ""),
        reason=str(body.get("reasonCode") or ""),
        message=str(body.get("reasonMessage") or ""),
    )
