"""Second proofs and step-up: authenticator, recovery codes, a code by mail, and what is closed until one is given."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from portal_house import press
from pyotp import TOTP
from sqlalchemy import text

from config.clock import now
from portal.access.authenticators import (
    MOST_TRIES,
    TRIES_PER,
    check_authenticator,
    confirm_authenticator,
    offer_authenticator,
    offered_authenticator,
)
from portal.access.ceremonies import begin_ceremony, end_ceremony
from portal.access.members import set_second_proof
from portal.access.people import Person, add_membership, add_person
from portal.access.recovery import make_recovery_codes, recovery_codes_left, use_recovery_code
from portal.access.roles import Role
from portal.access.step_up import page_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services

STEP = timedelta(seconds=30)


@pytest.fixture
def owner(house: House) -> Person:
    """An owner of the house with nothing but an address, for this test alone."""
    person = add_person(house.services.database, f"{uuid4().hex}@owners.example", "Alix Martin")
    add_membership(house.services.database, person.person_id, house.supplier.supplier_id, Role.OWNER)
    house.people["alix"] = person
    return person


@pytest.fixture
def signed_in(client: FlaskClient, house: House, owner: Person) -> FlaskClient:
    """A browser in which that owner has just signed in by mail."""
    assert owner
    house.sign_in(client, "alix")
    return client


@pytest.fixture
def strict(house: House) -> Iterator[None]:
    """The house wants a second proof of its staff."""
    set_second_proof(house.services.database, house.supplier.supplier_id, wanted=True)
    yield
    set_second_proof(house.services.database, house.supplier.supplier_id, wanted=False)


def secret_of(services: Services, person: Person) -> TOTP:
    """An authenticator of the person that counts, and has just been confirmed by the code of the step before."""
    offer_authenticator(services, person)
    offer = offered_authenticator(services, person)
    assert offer is not None
    app = TOTP(offer.secret)
    assert confirm_authenticator(services, person.person_id, app.at(now() - STEP))
    return app


def grow_old(services: Services, person: Person) -> None:
    """Let the last proof of the person's sessions be eleven minutes old."""
    with services.database.register() as connection:
        connection.execute(
            text(
                "UPDATE sessions SET proved_at = proved_at - interval '11 minutes', "
                "second_at = second_at - interval '11 minutes' WHERE person_id = :person"
            ),
            {"person": person.person_id},
        )


def mailed_code(house: House, person: Person) -> str:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        body: str = work.scalar(
            "SELECT text_body FROM mails WHERE supplier_id = :supplier AND mail_key LIKE 'sign-in/proof/%' "
            "AND recipient = :recipient ORDER BY created_at DESC LIMIT 1",
            recipient=person.email,
        )
    found = re.search(r"\b[A-Z2-9]{4}-[A-Z2-9]{4}\b", body)
    assert found is not None
    return found[0]


# Authenticators and recovery codes.


def test_a_code_of_the_authenticator_is_taken_once_and_never_one_before_it(services: Services, owner: Person) -> None:
    app = secret_of(services, owner)
    code = app.at(now())
    assert check_authenticator(services, owner.person_id, code)
    assert not check_authenticator(services, owner.person_id, code), "RFC 6238, 5.2"
    assert not check_authenticator(services, owner.person_id, app.at(now() - STEP)), "a step before one that was used"
    assert check_authenticator(services, owner.person_id, f" {app.at(now() + STEP)[:3]} {app.at(now() + STEP)[3:]}")


def test_after_five_wrong_codes_the_right_one_is_refused_for_half_an_hour(services: Services, owner: Person) -> None:
    app = secret_of(services, owner)
    for wrong in ("000000", "1", "", "٣٣٣٣٣٣", "not a code")[:MOST_TRIES]:
        assert not check_authenticator(services, owner.person_id, wrong)
    assert not check_authenticator(services, owner.person_id, app.at(now()))
    with services.database.register() as connection:
        connection.execute(
            text("UPDATE authenticators SET tries_since = tries_since - :ago WHERE person_id = :person"),
            {"ago": TRIES_PER + timedelta(seconds=1), "person": owner.person_id},
        )
    assert check_authenticator(services, owner.person_id, app.at(now()))


def test_the_secret_of_an_authenticator_is_not_stored_in_clear(services: Services, owner: Person) -> None:
    app = secret_of(services, owner)
    with services.database.register() as connection:
        stored = str(connection.execute(text("SELECT * FROM authenticators")).all())
    assert app.secret not in stored


def test_another_authenticator_takes_the_place_of_the_first(services: Services, owner: Person) -> None:
    first = secret_of(services, owner)
    second = secret_of(services, owner)
    assert not check_authenticator(services, owner.person_id, first.at(now()))
    assert check_authenticator(services, owner.person_id, second.at(now()))


def test_a_recovery_code_works_once_for_its_person_and_in_any_spelling(
    services: Services, owner: Person, house: House
) -> None:
    codes = make_recovery_codes(services, owner.person_id)
    assert len(set(codes)) == 10
    assert not use_recovery_code(services, house.people["auditor"].person_id, codes[0])
    assert use_recovery_code(services, owner.person_id, f"{codes[0][:5].lower()}-{codes[0][5:]} ")
    assert not use_recovery_code(services, owner.person_id, codes[0])
    assert recovery_codes_left(services, owner.person_id) == 9
    make_recovery_codes(services, owner.person_id)
    assert not use_recovery_code(services, owner.person_id, codes[1]), "the set before is void"


# Step-up.


def test_an_act_of_high_risk_asks_for_a_proof_once_the_last_is_ten_minutes_old(
    signed_in: FlaskClient, house: House, owner: Person
) -> None:
    assert signed_in.get("/s/people/new").status_code == 200, "just signed in"
    grow_old(house.services, owner)
    assert signed_in.get("/s/people/new").location == "/prove"
    assert signed_in.get("/s/people").status_code == 200, "looking asks for nothing"
    before = signed_in.get_cookie("session")
    press(signed_in, "/prove/mail")
    assert press(signed_in, "/prove/code", code="AAAA-AAAA").status_code == 422
    answer = press(signed_in, "/prove/code", code=mailed_code(house, owner).lower())
    assert answer.location == "/s/people/new", "back to where one was"
    assert signed_in.get("/s/people/new").status_code == 200
    after = signed_in.get_cookie("session")
    assert before is not None
    assert after is not None
    assert before.value != after.value, "a proof renews the session (ASVS 7.2.4)"
    signed_in.set_cookie("session", before.value)
    assert signed_in.get("/s/people").location == "/sign-in"


def test_a_form_that_needs_a_proof_leads_back_to_its_page_and_says_that_nothing_was_kept(
    signed_in: FlaskClient, house: House, owner: Person
) -> None:
    colleague = house.people["sales"].person_id
    grow_old(house.services, owner)
    answer = press(signed_in, f"/s/people/{colleague}/role", role="owner")
    assert answer.location == "/prove?lost=form"
    assert "Rien n'a été enregistré" in signed_in.get(answer.location + "&lang=fr").text
    press(signed_in, "/prove/mail")
    assert press(signed_in, "/prove/code", code=mailed_code(house, owner)).location == f"/s/people/{colleague}"
    assert "Commercial" in signed_in.get("/s/people?q=Sales&lang=fr").text


def test_the_code_of_one_session_proves_nothing_in_another(
    app: Flask, signed_in: FlaskClient, house: House, owner: Person
) -> None:
    press(signed_in, "/prove/mail")
    other = app.test_client()
    house.sign_in(other, "alix")
    assert press(other, "/prove/code", code=mailed_code(house, owner)).status_code == 422


def test_five_wrong_codes_by_mail_spoil_the_right_one(signed_in: FlaskClient, house: House, owner: Person) -> None:
    press(signed_in, "/prove/mail")
    for _ in range(5):
        press(signed_in, "/prove/code", code="AAAAAAAA")
    assert press(signed_in, "/prove/code", code=mailed_code(house, owner)).status_code == 422


def test_whoever_has_an_authenticator_is_not_asked_for_less(
    signed_in: FlaskClient, house: House, owner: Person
) -> None:
    press(signed_in, "/prove/mail")
    code = mailed_code(house, owner)
    secret_of(house.services, owner)
    assert press(signed_in, "/prove/code", code=code).status_code == 422
    press(signed_in, "/prove/mail")
    assert mailed_code(house, owner) == code, "no other code was sent"


def test_a_page_of_a_form_is_the_nearest_that_can_be_opened(app: Flask) -> None:
    with app.test_request_context("/"):
        assert page_of("/s/people/01900000-0000-7000-8000-000000000000/keys/reset") == (
            "/s/people/01900000-0000-7000-8000-000000000000"
        )
        assert page_of("/me/passkeys/new") == "/me/passkeys/new"
        assert page_of("/nowhere/at/all") == "/"


# The second proof at sign-in.


def test_where_the_house_wants_it_everything_is_closed_until_there_is_a_key(
    signed_in: FlaskClient, strict: None
) -> None:
    assert strict is None
    for path in ("/s/", "/s/people", "/s/company"):
        assert signed_in.get(path).location == "/me?needed=1", path
    page = signed_in.get("/me?needed=1&lang=fr")
    assert "Il vous faut une clé" in unescape(page.text)
    assert press(signed_in, "/me/recovery").location == "/me?needed=1", "codes alone are no key"


def test_a_key_that_was_just_made_opens_the_house_and_the_next_sign_in_asks_for_it(
    app: Flask, signed_in: FlaskClient, strict: None, house: House, owner: Person
) -> None:
    assert strict is None
    assert press(signed_in, "/me/authenticator").location == "/me/authenticator"
    offer = offered_authenticator(house.services, owner)
    assert offer is not None
    assert offer.grouped in signed_in.get("/me/authenticator").text
    assert press(signed_in, "/me/authenticator/confirm", code="000000").status_code == 422
    totp = TOTP(offer.secret)
    assert press(signed_in, "/me/authenticator/confirm", code=totp.at(now() - STEP)).status_code == 303
    assert signed_in.get("/s/people").status_code == 200
    again = app.test_client()
    house.sign_in(again, "alix")
    assert again.get("/s/people").location == "/prove"
    for closed in ("/me", "/me/passkeys/new", "/me/authenticator"):
        assert again.get(closed).location == "/prove", f"{closed}: a stolen mailbox adds no key"
    assert press(again, "/prove/authenticator", code="123456").status_code == 422
    assert press(again, "/prove/authenticator", code=totp.at(now())).location == "/me/authenticator"
    assert again.get("/s/people").status_code == 200


def test_recovery_codes_are_shown_once_and_open_the_door_when_the_phone_is_lost(
    app: Flask, signed_in: FlaskClient, house: House, owner: Person
) -> None:
    totp = secret_of(house.services, owner)
    press(signed_in, "/prove/authenticator", code=totp.at(now()))
    shown = re.findall(r"\b[A-Z2-9]{5}-[A-Z2-9]{5}\b", press(signed_in, "/me/recovery").text)
    assert len(shown) == 10
    assert shown[0] not in signed_in.get("/me").text
    again = app.test_client()
    house.sign_in(again, "alix")
    assert press(again, "/prove/recovery", code=shown[0]).status_code == 303
    assert again.get("/me").status_code == 200


def test_a_change_of_keys_is_told_by_mail_and_stands_in_the_trail(
    signed_in: FlaskClient, house: House, owner: Person
) -> None:
    totp = secret_of(house.services, owner)
    press(signed_in, "/prove/authenticator", code=totp.at(now()))
    assert press(signed_in, "/me/authenticator/remove").status_code == 303
    with house.services.works.begin(house.supplier.supplier_id) as work:
        subject = work.scalar(
            "SELECT subject FROM mails WHERE supplier_id = :supplier AND recipient = :to AND mail_key LIKE "
            "'sign-in/keys/%' ORDER BY created_at DESC LIMIT 1",
            to=owner.email,
        )
        acts = [
            row["act"]
            for row in work.rows(
                "SELECT act FROM audit_rows WHERE supplier_id = :supplier AND object = :person ORDER BY audit_id",
                person=str(owner.person_id),
            )
        ]
    assert subject == "L'application de codes a été retirée"
    assert acts[-2:] == ["person.proved", "person.keys_changed"]


# Sessions.


def test_one_s_own_sessions_are_listed_and_ended_one_by_one_or_all(
    app: Flask, signed_in: FlaskClient, house: House, owner: Person
) -> None:
    assert owner
    others = [app.test_client() for _ in range(3)]
    for other in others:
        house.sign_in(other, "alix")
        assert other.get("/me").status_code == 200
    page = signed_in.get("/me").text
    ends = re.findall(r'action="(/me/sessions/[0-9a-f-]{36}/end)"', page)
    assert len(ends) == 3
    press(signed_in, ends[0])
    assert sorted(other.get("/me").status_code for other in others) == [200, 200, 303]
    press(signed_in, "/me/sessions/end")
    assert [other.get("/me").status_code for other in others] == [303, 303, 303]
    assert signed_in.get("/me").status_code == 200
    assert press(signed_in, ends[1]).status_code == 404, "ended already"


def test_nobody_ends_a_session_that_is_not_theirs(
    app: Flask, signed_in: FlaskClient, house: House, owner: Person
) -> None:
    assert owner
    other = app.test_client()
    house.sign_in(other, "auditor")
    with house.services.database.register() as connection:
        theirs = connection.scalar(
            text("SELECT session_id FROM sessions WHERE person_id = :person ORDER BY started_at DESC LIMIT 1"),
            {"person": house.people["auditor"].person_id},
        )
    assert press(signed_in, f"/me/sessions/{theirs}/end").status_code == 404
    assert other.get("/me").status_code == 200


# Questions put to browsers.


def test_a_question_is_answered_once_in_time_and_for_its_own_purpose(services: Services) -> None:
    asked = begin_ceremony(services.keyring, "kind", word="x")
    assert end_ceremony(services, "other", asked) is None
    assert end_ceremony(services, "kind", asked) == {"word": "x"}
    assert end_ceremony(services, "kind", asked) is None
    for strange in ("", "x", "é" * 20, "A" * 5000):
        assert end_ceremony(services, "kind", strange) is None


def test_a_question_is_void_after_ten_minutes(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = begin_ceremony(services.keyring, "kind")
    later = now() + timedelta(minutes=10, seconds=1)
    monkeypatch.setattr("portal.access.ceremonies.now", lambda: later)
    assert end_ceremony(services, "kind", asked) is None
