"""Passkeys in a real browser with a virtual authenticator, and answers that do not fit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_pages import CHROMIUM, WITHOUT_BROWSER, chromium, serving_house
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text
from webauthn.helpers import bytes_to_base64url, encode_cbor

from config.clock import new_id
from portal.access.passkeys import add_passkey, ask_new_passkey, ask_passkey, passkeys_of, person_of_passkey
from portal.access.people import add_person
from receivables.store.domains import ask_domain, end_domain, note_look

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from playwright.sync_api import Page
    from portal_house import House

    from portal.access.people import Person
    from portal.wiring import Services

CREDENTIAL = b"a passkey in software"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def press_and_wait(page: Page, name: str, path: str) -> None:
    """Press a button and wait until the browser is at ``path``."""
    page.get_by_role("button", name=name).click()
    page.wait_for_url(f"**{path}", timeout=20_000)


@pytest.mark.skipif(not CHROMIUM.exists(), reason=WITHOUT_BROWSER)
def test_a_passkey_is_made_and_signs_in_and_proves_and_a_copied_one_does_not(services: Services) -> None:
    with serving_house(services, "Atelier des Clés") as (house, address), chromium() as browser:
        base = address.replace("127.0.0.1", "localhost")  # passkeys belong to names, never to bare addresses
        house.services.settings.__dict__["public_url"] = base
        context = browser.new_context(locale="fr-FR")
        page = context.new_page()
        device = context.new_cdp_session(page)
        device.send("WebAuthn.enable")
        key = device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
        sign_in(context, house, base)
        page.goto(f"{base}/me/passkeys/new?lang=fr")
        page.get_by_label("Nom de la clé").fill("Clé d'essai")
        press_and_wait(page, "Créer la clé", "/me?told=passkey_added")
        assert page.get_by_text("Clé d'essai").count() >= 1

        context.clear_cookies()
        page.goto(f"{base}/sign-in/passkey")
        press_and_wait(page, "Utiliser ma clé d'accès", "/s/")

        grow_old(house)
        page.goto(f"{base}/s/people/new")
        assert page.url == f"{base}/prove"
        press_and_wait(page, "Utiliser ma clé d'accès", "/s/people/new")

        (credential,) = device.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
        device.send("WebAuthn.clearCredentials", {"authenticatorId": key})
        copied = {**credential, "signCount": 0}
        device.send("WebAuthn.addCredential", {"authenticatorId": key, "credential": copied})
        page.goto(f"{base}/sign-in/passkey")
        page.get_by_role("button", name="Utiliser ma clé d'accès").click()
        page.get_by_role("alert").filter(has_text="n'est pas connue").wait_for(timeout=20_000)


def sign_in(context: object, house: House, base: str) -> None:
    """A session of the owner in the browser."""
    from portal.access.sessions import open_session  # noqa: PLC0415 -- beside its only use

    token = open_session(house.services.database, house.services.settings, house.people["owner"].person_id)
    context.add_cookies([{"name": "session", "value": token, "url": base}])  # type: ignore[attr-defined]


def grow_old(house: House) -> None:
    """Let the owner's last proof be eleven minutes old."""
    with house.services.database.register() as connection:
        connection.execute(
            text(
                "UPDATE sessions SET proved_at = proved_at - interval '11 minutes', "
                "second_at = second_at - interval '11 minutes' WHERE person_id = :person"
            ),
            {"person": house.people["owner"].person_id},
        )


STRANGE = ["", "null", "[]", "{}", '"text"', json.dumps({"id": "x"}), "{" * 500, "é" * 100]


@pytest.mark.parametrize("answer", STRANGE, ids=range(len(STRANGE)))
def test_an_answer_that_is_none_adds_no_key_and_opens_no_door(services: Services, house: House, answer: str) -> None:
    person = house.people["auditor"]
    added = ask_new_passkey(services, person)
    assert not add_passkey(services, person, added.token, answer, "strange")
    assert person_of_passkey(services, ask_passkey(services, None).token, answer) is None
    assert person_of_passkey(services, ask_passkey(services, person.person_id).token, answer, person.person_id) is None
    assert passkeys_of(services, person.person_id) == []


def test_a_question_to_one_person_is_not_answered_by_another(services: Services, house: House) -> None:
    asked = json.loads(ask_new_passkey(services, house.people["auditor"]).options)
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["rp"]["id"] == "127.0.0.1"
    question = ask_passkey(services, house.people["auditor"].person_id)
    assert person_of_passkey(services, question.token, "{}", house.people["owner"].person_id) is None


@pytest.fixture
def soft(services: Services) -> tuple[Person, ec.EllipticCurvePrivateKey]:
    """Somebody of these tests' own, and the private half of their passkey, in software."""
    person = add_person(services.database, f"{new_id().hex}@staff.example", "Sacha Clef")
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    public = encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
    with services.database.register() as connection:
        connection.execute(
            text(
                "INSERT INTO passkeys (credential_id, passkey_id, person_id, public_key, sign_count, label, "
                "created_at) VALUES (:raw, :id, :person, :key, 0, 'soft', now())"
            ),
            {"raw": CREDENTIAL, "id": new_id(), "person": person.person_id, "key": public},
        )
    return person, key


def answer_from(origin: str, options: str, key: ec.EllipticCurvePrivateKey, count: int) -> str:
    """What a browser at ``origin`` sends, were it to let its page use the house's passkeys."""
    asked = json.loads(options)
    told = json.dumps({"type": "webauthn.get", "challenge": asked["challenge"], "origin": origin}).encode()
    flags = b"\x05"  # present and verified
    seen = hashlib.sha256(asked["rpId"].encode()).digest() + flags + count.to_bytes(4, "big")
    signature = key.sign(seen + hashlib.sha256(told).digest(), ec.ECDSA(hashes.SHA256()))
    parts = {"clientDataJSON": told, "authenticatorData": seen, "signature": signature}
    response = {name: bytes_to_base64url(value) for name, value in parts.items()}
    raw = bytes_to_base64url(CREDENTIAL)
    return json.dumps({"id": raw, "rawId": raw, "type": "public-key", "response": response})


def test_a_passkey_answers_at_the_house_s_address_and_at_no_supplier_s(
    services: Services, house: House, client: FlaskClient, soft: tuple[Person, ec.EllipticCurvePrivateKey]
) -> None:
    person, device = soft
    own = ask_domain(services.database, house.supplier.supplier_id, f"{new_id().hex}.example", "challenge", "test")
    note_look(services.database, own, None)
    for number, origin in enumerate((f"https://{own.host}", "https://evil.example", "null"), 1):
        question = ask_passkey(services, None)
        answer = answer_from(origin, question.options, device, number)
        assert person_of_passkey(services, question.token, answer) is None, origin
    question = ask_passkey(services, None)
    answer = answer_from(services.settings.public_url, question.options, device, 9)
    assert person_of_passkey(services, question.token, answer) == person
    end_domain(services.database, house.supplier.supplier_id)
    assert client.get("/.well-known/webauthn").status_code == 404, "it names no other origin to browsers"


def test_the_script_of_passkeys_is_small_and_asks_nobody_else() -> None:
    script = Path("portal/static/passkey.js").read_text()
    assert len(script) < 3000
    assert not {"fetch", "XMLHttpRequest", "eval", "http"} & set(script.replace("(", " ").split())
