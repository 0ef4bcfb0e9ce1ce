"""Passkeys in a real browser with a virtual authenticator, and answers that do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_pages import CHROMIUM, WITHOUT_BROWSER, chromium, serving_house
from sqlalchemy import text

from portal.access.passkeys import add_passkey, ask_new_passkey, ask_passkey, passkeys_of, person_of_passkey

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from portal_house import House

    from portal.wiring import Services

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


def test_the_script_of_passkeys_is_small_and_asks_nobody_else() -> None:
    script = Path("portal/static/passkey.js").read_text()
    assert len(script) < 3000
    assert not {"fetch", "XMLHttpRequest", "eval", "http"} & set(script.replace("(", " ").split())
