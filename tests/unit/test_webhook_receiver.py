"""The demonstration's receiver of webhooks: it believes a right signature alone, stumbles, and shows what it heard."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from config.clock import now
from portal.sandboxes.receiver import GONE, STUMBLES, STUMBLING, Receiver, create_receiver
from portal.webhooks.signing import new_secret, signed_headers

BODY = json.dumps({"type": "invoice.issued", "data": {}}).encode()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def heard(receiver: Receiver, name: str, secret: str, webhook_id: str = "evt_1", age: int = 0) -> int:
    headers = signed_headers([new_secret(), secret], webhook_id, now() - timedelta(seconds=age), BODY)
    answer = create_receiver(receiver).test_client().post(f"/hooks/{name}", data=BODY, headers=headers)
    return answer.status_code


def test_a_right_signature_is_taken_and_shown(receiver: Receiver) -> None:
    secret = new_secret()
    receiver.listen("erp", secret)
    assert heard(receiver, "erp", secret) == 204
    page = create_receiver(receiver).test_client().get("/", headers={"Accept-Language": "fr"}).text
    assert "invoice.issued" in page
    assert "vérifiée" in page
    assert "verified" in create_receiver(receiver).test_client().get("/", headers={"Accept-Language": "en"}).text


def test_a_wrong_or_an_old_signature_is_refused(receiver: Receiver) -> None:
    secret = new_secret()
    receiver.listen("erp", secret)
    assert heard(receiver, "erp", new_secret()) == 401
    assert heard(receiver, "erp", secret, age=301) == 401
    assert create_receiver(receiver).test_client().post("/hooks/erp", data=BODY).status_code == 401
    assert [each.verified for each in receiver.calls] == [False, False, False]


def test_a_stumbling_address_takes_an_event_at_its_second_try_and_stumbles_no_more_later(receiver: Receiver) -> None:
    secret = new_secret()
    receiver.listen("shop", secret, STUMBLING)
    told = [heard(receiver, "shop", secret, f"evt_{number}") for number in range(STUMBLES + 1)]
    assert told == [503] * STUMBLES + [204]
    assert heard(receiver, "shop", secret, "evt_0") == 204


def test_what_is_gone_says_so_and_an_unknown_address_as_well(receiver: Receiver) -> None:
    secret = new_secret()
    receiver.listen("old", secret, GONE)
    assert (heard(receiver, "old", secret), heard(receiver, "nobody", secret)) == (410, 410)
