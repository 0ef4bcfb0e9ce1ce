"""GoCardless' webhooks at our door: proven by their signature, taken apart by event, stored once, answered fast."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from gocardless_sandbox import KEY, SECRET

from config import clock
from config.secrets import Keyring
from payments.accounts import open_account
from payments.gateways.gocardless_signatures import sign_body
from payments.gateways.signatures import sign
from portal.hooks.intake import WebhookIntake

if TYPE_CHECKING:
    from config.database import Database
    from receivables.store.register import Supplier
    from receivables.store.work import Works

MOST_BYTES = 256 * 1024
STRIPE_SECRET = "whsec_for_tests"
KEYRING = Keyring(b"a root secret for tests, 32 bytes.")


class Door:
    """The intake in front of an application that nothing may reach."""

    def __init__(self, database: Database, works: Works, supplier: Supplier) -> None:
        self.works, self.supplier = works, supplier
        self.intake = WebhookIntake(self._behind, database, works, KEYRING, MOST_BYTES)

    def open(self, provider: str, secret: str) -> None:
        with self.works.begin(self.supplier.supplier_id) as work:
            open_account(
                work,
                KEYRING,
                provider=provider,
                key=KEY if provider == "gocardless" else "sk_test_x",
                webhook_secret=secret,
                base_url="http://127.0.0.1:9",
                live=False,
            )

    def _behind(self, _environ: Any, start_response: Any) -> list[bytes]:
        start_response("299 Passed On", [])
        return [b""]

    def post(self, body: bytes, signature: str | None, path: str | None = None, **more: str) -> tuple[int, Any]:
        answered: list[str] = []
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path or f"/hooks/gocardless/{self.supplier.supplier_id}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            **({"HTTP_WEBHOOK_SIGNATURE": signature} if signature is not None else {}),
            **more,
        }
        answer = b"".join(self.intake(environ, lambda status, _headers, *_: answered.append(status)))  # type: ignore[arg-type]
        return int(answered[0].split()[0]), json.loads(answer) if answer else None

    def stored(self) -> list[tuple[str, str]]:
        with self.works.begin(self.supplier.supplier_id) as work:
            rows = work.rows(
                "SELECT source, external_id, body FROM inbox WHERE supplier_id = :supplier ORDER BY inbox_id"
            )
            assert all(json.loads(bytes(row["body"]))["id"] == row["external_id"] for row in rows)
            return [(row["source"], row["external_id"]) for row in rows]


@pytest.fixture
def door(database: Database, works: Works, supplier: Supplier) -> Door:
    door = Door(database, works, supplier)
    door.open("gocardless", SECRET)
    return door


def a_body(*ids: object) -> bytes:
    return json.dumps({"events": [{"id": each, "resource_type": "payments"} for each in ids]}).encode()


def test_each_event_of_a_body_is_one_message_and_is_kept_once(door: Door) -> None:
    body = a_body("EV1", "EV2")
    assert door.post(body, sign_body(SECRET, body)) == (200, None)
    again = a_body("EV2", "EV3")
    assert door.post(again, sign_body(SECRET, again)) == (200, None)
    assert door.stored() == [("gocardless", "EV1"), ("gocardless", "EV2"), ("gocardless", "EV3")]


@pytest.mark.parametrize(
    ("signature", "code"),
    [
        (None, "signature.missing"),
        ("", "signature.missing"),
        ("ab", "signature.malformed"),
        ("0" * 64, "signature.wrong"),
    ],
)
def test_an_unproven_body_is_refused_and_nothing_kept(door: Door, signature: str | None, code: str) -> None:
    status, problem = door.post(a_body("EV1"), signature)
    assert (status, problem["code"]) == (400, code)
    assert door.stored() == []


@pytest.mark.parametrize(
    "ids", [(None,), (7,), ("",), ("E" * 256,), ("E\x00V",), ("é",), tuple(f"EV{n}" for n in range(251))]
)
def test_a_proven_body_without_real_events_is_refused_whole(door: Door, ids: tuple[object, ...]) -> None:
    body = a_body("EV-good", *ids)
    status, problem = door.post(body, sign_body(SECRET, body))
    assert (status, problem["code"]) == (400, "hook.no_event")
    assert door.stored() == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events": {}}', b"\xff", b'{"events": ' + b"[" * 3000])
def test_a_proven_body_of_another_shape_is_refused(door: Door, body: bytes) -> None:
    status, problem = door.post(body, sign_body(SECRET, body))
    assert (status, problem["code"]) == (400, "hook.no_event")


def test_one_providers_signature_proves_nothing_at_the_others_address(door: Door) -> None:
    door.open("stripe", STRIPE_SECRET)
    body = a_body("EV1")
    stripe_path = f"/hooks/stripe/{door.supplier.supplier_id}"
    assert door.post(body, sign_body(SECRET, body), stripe_path)[1]["code"] == "signature.missing"
    at_gocardless = door.post(body, None, HTTP_STRIPE_SIGNATURE=sign(STRIPE_SECRET, body, clock.now()))
    assert at_gocardless[1]["code"] == "signature.missing"
    crossed = sign_body(STRIPE_SECRET, body)
    assert door.post(body, crossed)[1]["code"] == "signature.wrong"
    assert door.stored() == []


def test_a_provider_that_was_left_is_still_heard_at_its_own_address(door: Door) -> None:
    door.open("stripe", STRIPE_SECRET)
    body = a_body("EV-late")
    assert door.post(body, sign_body(SECRET, body)) == (200, None)
    event = b'{"id": "evt_1", "object": "event"}'
    stripe_path = f"/hooks/stripe/{door.supplier.supplier_id}"
    signed = {"HTTP_STRIPE_SIGNATURE": sign(STRIPE_SECRET, event, clock.now())}
    assert door.post(event, None, stripe_path, **signed) == (200, None)
    assert door.stored() == [("gocardless", "EV-late"), ("stripe", "evt_1")]


@pytest.mark.parametrize(
    "path", ["/hooks/gocardless/", "/hooks/gocardless/x", "/hooks/gocardless/01a20379-7056-7c7f-bb42-8cc05d90f627"]
)
def test_a_guessed_address_is_not_found(door: Door, path: str) -> None:
    body = a_body("EV1")
    assert door.post(body, sign_body(SECRET, body), path)[0] == 404


def test_other_addresses_reach_the_application(door: Door) -> None:
    assert door.post(b"", None, "/hooks/other/x")[0] == 299
    assert door.post(b"", None, "/")[0] == 299


def test_a_body_too_large_is_refused_unread(door: Door) -> None:
    assert door.post(b"", "0" * 64, CONTENT_LENGTH=str(MOST_BYTES + 1))[0] == 413
