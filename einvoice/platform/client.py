"""A platform over HTTP: AFNOR XP Z12-013, Flow Service 1.3.0, OAuth 2 client credentials.

Answers are read strictly where we rely on them and tolerantly elsewhere: platforms add fields and codes.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from config.outgoing import Reach
from einvoice.platform.answers import instant_of, object_in, read_flow_state, text_of, unreadable
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
    SentFlow,
    Subscription,
    Syntax,
)
from einvoice.platform.session import PlatformSession
from einvoice.platform.signature import signing_key_bytes

if TYPE_CHECKING:
    from einvoice.platform.settings import PlatformSettings

_MAX_NAME = 255


class AfnorPlatform:
    """``einvoice.platform.port.Platform`` over the AFNOR API. One instance may serve several threads."""

    def __init__(self, settings: PlatformSettings, reach: Reach = Reach.LOOPBACK) -> None:
        self._settings = settings
        self._session = PlatformSession(settings, reach)

    # --- the port ----------------------------------------------------------------------------------------------------

    def send_flow(self, flow: Flow) -> SentFlow:
        """Hand over ``flow``. On an error with ``in_doubt`` ask ``find_flow`` before sending again."""
        self._check_size(flow)
        mime = "application/pdf" if flow.syntax is Syntax.FACTUR_X else "application/xml"
        answer = self._session.call(
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

    def find_flow(self, tracking_id: str, number: str | None = None) -> FlowState | None:  # noqa: ARG002 -- the port's
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
        answer = self._session.call("GET", f"/v1/flows/{quote(flow_id, safe='')}", params={"docType": "Metadata"})
        return read_flow_state(object_in(answer))

    def fetch(self, flow_id: str, doc_type: DocType = DocType.ORIGINAL) -> bytes:
        """One file of the flow ``flow_id``, as the platform holds it."""
        answer = self._session.call(
            "GET",
            f"/v1/flows/{quote(flow_id, safe='')}",
            params={"docType": doc_type.value},
            max_bytes=self._settings.max_file_bytes,
        )
        if not answer.body:
            raise unreadable("content (empty)")
        return answer.body

    def health(self) -> bool:
        """Whether the platform answers its health check; never raises for a platform that is down."""
        try:
            self._session.call("GET", "/v1/healthcheck", patient=False)
        except PlatformError:
            return False
        return True

    def authenticate(self) -> None:
        """Take a fresh token and ask nothing else: for testing a connection step by step.

        Raises:
            PlatformError: see :meth:`einvoice.platform.session.PlatformSession.authenticate`.
        """
        self._session.authenticate()

    def subscribe(self, callback_url: str, *, direction: Direction | None = None) -> Subscription:
        """A new webhook; without an answer it may exist all the same: end those that nobody keeps a key of."""
        wanted = {"callbackUrl": callback_url} | ({"flowDirection": direction.value} if direction else {})
        body = object_in(self._session.call("POST", "/v1/webhooks", has_effect=True, json=wanted), in_doubt=True)
        try:
            key = signing_key_bytes(text_of(body, "signingKey", in_doubt=True))
        except ValueError as error:
            raise unreadable("signingKey", in_doubt=True) from error
        return Subscription(text_of(body, "webhookId", in_doubt=True), key)

    def subscriptions(self) -> tuple[str, ...]:
        """The ids of our webhooks. The norm requires ``webhookIds`` but defines ``webhooks``: either is read."""
        answer = self._session.call("GET", "/v1/webhooks")
        if answer.status == HTTPStatus.NO_CONTENT:
            return ()
        body = object_in(answer)
        ids = body.get("webhookIds")
        if not isinstance(ids, list):
            held = body.get("webhooks")
            ids = [each.get("webhookId") for each in held if isinstance(each, dict)] if isinstance(held, list) else []
        return tuple(each for each in ids if isinstance(each, str))

    def unsubscribe(self, webhook_ref: str) -> None:
        """End a webhook; one that is gone already is no error."""
        try:
            self._session.call("DELETE", f"/v1/webhooks/{quote(webhook_ref, safe='')}")
        except PlatformRefusedError as error:
            if error.http_status != HTTPStatus.NOT_FOUND:
                raise

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
        body = object_in(self._session.call("POST", "/v1/flows/search", json=request))
        results = body.get("results") or []
        if not isinstance(results, list):
            raise unreadable("results")
        return FlowPage(tuple(read_flow_state(flow) for flow in results), body.get("nextCursor") or None)
