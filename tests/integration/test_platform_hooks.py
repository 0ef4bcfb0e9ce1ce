"""Calls from a platform: verified, they wake the worker; wrong, old or endless ones change nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import threading
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

import pytest
from payment_sandbox import Quiet
from werkzeug.serving import make_server

from config.clock import new_id, now
from einvoice.platform.hooks import PLATFORM_HINTED, callback_url, end_hooks, signing_keys, subscribe_hook
from einvoice.platform.signature import sign
from portal.hooks.platform import PlatformHooks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID
    from wsgiref.types import StartResponse, WSGIEnvironment

    from story_builders import Story


def behind(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("418 Behind", [])
    return [b"behind"]


class Caller:
    """A platform with a subscription at one account."""

    def __init__(self, story: Story) -> None:
        self.story = story
        services = story.services
        self.hooks = PlatformHooks(behind, services.works, services.keyring, 4096)
        with services.works.begin(story.id) as work:
            found = services.platform_for(work)
        assert found is not None
        self.account, self.platform = found

    def subscribe(self, url: str = "http://127.0.0.1:9/hooks") -> None:
        services = self.story.services
        subscribe_hook(
            services.works, services.keyring, self.platform, supplier_id=self.story.id, account_id=self.account, url=url
        )
        self.hooks._keys.clear()

    def keys(self) -> tuple[bytes, ...]:
        with self.story.services.works.begin(self.story.id) as work:
            return signing_keys(work, self.story.services.keyring, self.account)

    def call(
        self,
        body: bytes = b'{"flowId": "1"}',
        *,
        signature: str | None = None,
        at: int | None = None,
        account: UUID | None = None,
        **environ: Any,
    ) -> tuple[int, dict[str, Any]]:
        stamp = int(now().timestamp()) if at is None else at
        asked: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"/hooks/platform/{self.story.id}/{account or self.account}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "HTTP_AFNOR_SIGNATURE": signature if signature is not None else sign(self.keys()[0], body, stamp),
            "HTTP_AFNOR_SIGNATURE_TIMESTAMP": str(stamp),
            **environ,
        }
        setup_testing_defaults(asked)
        told: list[str] = []
        answer = b"".join(self.hooks(asked, lambda status, _headers, _info=None: told.append(status)))  # type: ignore[arg-type, func-returns-value]
        return int(told[0][:3]), json.loads(answer) if answer.startswith(b"{") else {}

    def hints(self) -> list[str]:
        rows = self.story.rows(
            "SELECT state FROM outbox WHERE supplier_id = :supplier AND kind = :kind", kind=PLATFORM_HINTED
        )
        return [row["state"] for row in rows]


@pytest.fixture
def caller(story: Story) -> Caller:
    made = Caller(story)
    made.subscribe()
    return made


def test_a_signed_call_wakes_the_worker_once_however_often_it_comes(caller: Caller) -> None:
    assert caller.call() == (200, {})
    for _ in range(5):
        caller.hooks._hinted.clear()
        assert caller.call()[0] == 200
    assert caller.hints() == ["new"]
    caller.story.settle()
    assert caller.hints() == ["done"]
    caller.hooks._hinted.clear()
    caller.call()
    assert caller.hints() == ["new"], "the same row is due again"


def test_a_storm_of_calls_writes_once(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[object] = []
    monkeypatch.setattr("portal.hooks.platform.note_hint", lambda _work, account: writes.append(account))
    for _ in range(20):
        assert caller.call()[0] == 200
    assert writes == [caller.account]


def test_both_readings_of_the_signature_are_taken(caller: Caller) -> None:
    """The norm does not say whether the HMAC runs over the fingerprint's bytes or its hexadecimal text."""
    body, stamp = b"{}", int(now().timestamp())
    fingerprint = hashlib.sha256(body + b"@" + str(stamp).encode())
    for content in (fingerprint.digest(), fingerprint.hexdigest().encode()):
        mac = base64.b64encode(hmac.new(caller.keys()[0], content, hashlib.sha256).digest()).decode()
        assert caller.call(body, signature=mac, at=stamp)[0] == 200


@pytest.mark.parametrize("shift", [-301, 301, -86_400])
def test_a_stamp_too_far_from_our_clock_either_way_is_refused(caller: Caller, shift: int) -> None:
    assert caller.call(at=int(now().timestamp()) + shift)[0] == 400
    assert caller.hints() == []


@pytest.mark.parametrize("signature", ["", "AAAA", "é", "=" * 9000])
def test_a_wrong_signature_is_refused_counted_and_changes_nothing(caller: Caller, signature: str) -> None:
    status, problem = caller.call(signature=signature)
    assert (status, problem["code"]) == (400, "hook.bad_signature")
    assert (caller.hints(), caller.hooks.refused) == ([], 1)


def test_a_body_that_was_changed_on_the_way_is_refused(caller: Caller) -> None:
    stamp = int(now().timestamp())
    assert caller.call(b"changed", signature=sign(caller.keys()[0], b"sent", stamp), at=stamp)[0] == 400


def test_what_is_no_call_to_a_known_account_is_refused_in_words(caller: Caller) -> None:
    assert caller.call(account=new_id())[1]["code"] == "hook.unknown"
    assert caller.call(PATH_INFO="/hooks/platform/x/y")[0] == 404
    assert caller.call(PATH_INFO=f"/hooks/platform/{caller.story.id}")[0] == 404
    assert caller.call(REQUEST_METHOD="GET")[0] == 405
    assert caller.call(CONTENT_LENGTH="5000")[0] == 413
    assert caller.call(CONTENT_LENGTH="-1")[0] == 413
    assert caller.call(CONTENT_LENGTH="many")[0] == 404
    assert caller.call(PATH_INFO="/elsewhere")[0] == 418
    assert caller.hints() == []


def test_a_renewed_subscription_ends_the_one_before_and_its_key(caller: Caller) -> None:
    (earlier,) = caller.keys()
    caller.subscribe()
    (newer,) = caller.keys()
    assert newer != earlier
    assert len(caller.platform.subscriptions()) == 1
    stamp = int(now().timestamp())
    assert caller.call(b"x", signature=sign(earlier, b"x", stamp), at=stamp)[0] == 400
    services = caller.story.services
    assert end_hooks(services.works, caller.platform, caller.story.id, caller.account) == 1
    assert (caller.keys(), caller.platform.subscriptions()) == ((), ())
    caller.platform.unsubscribe(str(new_id()))  # gone already


@pytest.fixture
def listening(story: Story) -> Iterator[tuple[Caller, str]]:
    """Our hook road on a port, so that the platform itself can call."""
    caller = Caller(story)
    server = make_server("127.0.0.1", 0, caller.hooks, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield caller, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_platforms_own_calls_are_understood_and_hurry_the_look(listening: tuple[Caller, str], story: Story) -> None:
    caller, url = listening
    caller.subscribe(callback_url(url, story.id, caller.account))
    story.issue()
    for _ in range(2):
        story.worker.drain_outbox_of(story.id)
    story.until(lambda: story.flows() == [("invoice", "accepted", 1)] and caller.hints() != [])
    assert caller.hooks.refused == 0
