"""Sign-in by mail: once, in time, in the asking browser or with the code; nobody learns who is known."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from portal_house import press
from sqlalchemy import text

from config.clock import now
from portal.access import pages
from portal.access.codes import CODE_LENGTH, CODE_LETTERS
from portal.access.sign_in_mail import Mail, sign_in_mail

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House


def newest_mail(house: House) -> Mail:
    """The mail that the worker would write for the last link that was asked for."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        link_id = work.scalar(
            "SELECT payload ->> 'link_id' FROM outbox WHERE supplier_id = :supplier AND kind = 'sign_in.asked' "
            "ORDER BY outbox_id DESC LIMIT 1"
        )
    mail = sign_in_mail(house.services, UUID(link_id))
    assert mail is not None
    return mail


def link_in(mail: Mail) -> str:
    return next(word for word in mail.text_body.split() if "/sign-in/" in word).partition("8000")[2]


def code_in(mail: Mail) -> str:
    return mail.text_body.partition("saisissez ce code : ")[2].split()[0]


def ask(client: FlaskClient, house: House, who: str = "customer") -> Mail:
    answer = press(client, "/sign-in", email=house.people[who].email.upper())
    assert (answer.status_code, answer.location) == (303, "/sign-in/sent")
    return newest_mail(house)


def signed_in(client: FlaskClient) -> bool:
    return client.get("/c/").status_code == 200


def test_a_link_opens_a_session_after_a_click_and_only_once(client: FlaskClient, house: House) -> None:
    mail = ask(client, house)
    assert mail.recipient == house.people["customer"].email
    page = client.get(link_in(mail))
    assert page.status_code == 200
    assert not signed_in(client), "opening the link alone signs nobody in"
    assert press(client, link_in(mail)).location == "/c/", "the page that was asked for before"
    assert signed_in(client)
    assert press(client, link_in(mail)).status_code == 410


def test_another_browser_needs_the_code_that_stands_in_the_mail(app: Flask, client: FlaskClient, house: House) -> None:
    mail = ask(client, house)
    other = app.test_client()
    assert "autre appareil" in other.get(link_in(mail)).text
    assert press(other, link_in(mail)).status_code == 422
    assert not signed_in(other)
    assert press(other, link_in(mail), code=code_in(mail)).status_code == 303
    assert signed_in(other)


def test_the_code_alone_works_in_the_browser_that_asked_and_in_no_other(
    app: Flask, client: FlaskClient, house: House
) -> None:
    mail = ask(client, house)
    assert press(app.test_client(), "/sign-in/code", code=code_in(mail)).status_code == 422
    assert press(client, "/sign-in/code", code=code_in(mail).lower().replace("-", " ")).status_code == 303
    assert signed_in(client)


def test_after_five_wrong_codes_the_right_one_is_refused_too(client: FlaskClient, house: House) -> None:
    mail = ask(client, house)
    for _ in range(5):
        assert press(client, "/sign-in/code", code="AAAAAAAA").status_code == 422
    assert press(client, "/sign-in/code", code=code_in(mail)).status_code == 422
    assert not signed_in(client)


def test_the_fifth_try_may_still_be_the_right_one(client: FlaskClient, house: House) -> None:
    mail = ask(client, house)
    for _ in range(4):
        press(client, "/sign-in/code", code="AAAAAAAA")
    assert press(client, "/sign-in/code", code=code_in(mail)).status_code == 303


def test_a_link_is_dead_after_ten_minutes(client: FlaskClient, house: House) -> None:
    mail = ask(client, house)
    with house.services.database.register() as connection:
        connection.execute(
            text("UPDATE sign_in_links SET expires_at = :past WHERE used_at IS NULL"),
            {"past": now() - timedelta(seconds=1)},
        )
    assert client.get(link_in(mail)).status_code == 410
    assert press(client, link_in(mail)).status_code == 410
    assert press(client, "/sign-in/code", code=code_in(mail)).status_code == 422


def test_an_unknown_address_gets_the_same_answer_and_no_mail(app: Flask, house: House) -> None:
    def tell(email: str) -> tuple[object, ...]:
        fresh = app.test_client()
        answer = press(fresh, "/sign-in", email=email)
        names = sorted(cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie"))
        wrong = press(fresh, "/sign-in/code", code="AAAAAAAA")
        return answer.status_code, answer.location, names, answer.data, wrong.status_code

    def asked() -> int:
        with house.services.works.begin(house.supplier.supplier_id) as work:
            return int(work.scalar("SELECT count(*) FROM outbox WHERE supplier_id = :supplier AND kind LIKE 'sign%'"))

    before = asked()
    unknown = tell("nobody@nowhere.example")
    assert asked() == before
    assert tell(house.people["customer"].email) == unknown
    assert asked() == before + 1


def test_the_answer_takes_the_same_time_for_everybody(
    app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "ANSWER_S", 0.2)
    taken = []
    for email in ("nobody@nowhere.example", house.people["owner"].email):
        client = app.test_client()
        press(client, "/sign-out")
        began = time.monotonic()
        press(client, "/sign-in", email=email)
        taken.append(time.monotonic() - began)
    assert all(each >= 0.2 for each in taken)


def test_nothing_stored_opens_a_door(client: FlaskClient, house: House) -> None:
    mail = ask(client, house)
    press(client, link_in(mail))
    session = client.get_cookie("session")
    assert session is not None
    with house.services.database.register() as connection:
        stored = str(list(connection.execute(text("SELECT * FROM sign_in_links")).all()))
        stored += str(list(connection.execute(text("SELECT * FROM sessions")).all()))
    for secret in (link_in(mail).rpartition("/")[2], code_in(mail).replace("-", ""), session.value):
        assert secret not in stored


def test_signing_out_ends_the_session_on_the_server(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    stolen = client.get_cookie("session")
    assert stolen is not None
    assert press(client, "/sign-out").status_code == 303
    client.set_cookie("session", stolen.value)
    assert not signed_in(client)


@pytest.mark.parametrize(
    "change",
    [
        "seen_at = now() - interval '31 minutes'",
        "expires_at = now() - interval '1 second'",
        "ended_at = now()",
    ],
)
def test_an_idle_old_or_ended_session_is_none(client: FlaskClient, house: House, change: str) -> None:
    house.sign_in(client, "other_customer")
    assert signed_in(client)
    with house.services.database.register() as connection:
        connection.execute(
            text(f"UPDATE sessions SET {change} WHERE person_id = :id"),  # noqa: S608 -- the cases above
            {"id": house.people["other_customer"].person_id},
        )
    assert not signed_in(client)


def test_signing_in_again_changes_the_session_and_ends_the_one_before(client: FlaskClient, house: House) -> None:
    press(client, link_in(ask(client, house)))
    first = client.get_cookie("session")
    press(client, link_in(ask(client, house)))
    second = client.get_cookie("session")
    assert first is not None
    assert second is not None
    assert first.value != second.value
    client.set_cookie("session", first.value)
    assert not signed_in(client)


def test_after_signing_in_one_comes_to_the_page_one_wanted(client: FlaskClient, house: House) -> None:
    wanted = f"/c/invoices/{house.invoices['late'].invoice_id}"
    assert client.get(wanted).location == "/sign-in"
    assert press(client, link_in(ask(client, house))).location == wanted


@pytest.mark.parametrize("planted", ["//evil.example", "https://evil.example/c/", "/c/../../x", "/c/\r\nX: y"])
def test_a_planted_destination_leads_home_only(client: FlaskClient, house: House, planted: str) -> None:
    mail = ask(client, house)
    client.set_cookie("destination", planted)
    assert press(client, link_in(mail)).location == "/"


def test_six_links_for_one_address_in_an_hour_are_too_many(client: FlaskClient) -> None:
    answers = [press(client, "/sign-in", email="flood@nowhere.example").status_code for _ in range(6)]
    assert answers == [303] * 5 + [429]


def test_twenty_one_links_from_one_place_in_an_hour_are_too_many(client: FlaskClient) -> None:
    answers = [press(client, "/sign-in", email=f"flood{i}@nowhere.example").status_code for i in range(21)]
    assert answers == [303] * 20 + [429]


def test_codes_use_letters_that_cannot_be_misread(client: FlaskClient, house: House) -> None:
    code = code_in(ask(client, house)).replace("-", "")
    assert len(code) == CODE_LENGTH
    assert set(code) <= set(CODE_LETTERS)
    assert not set("ILOU01") & set(CODE_LETTERS)


def test_a_used_link_is_not_mailed_again(client: FlaskClient, house: House) -> None:
    mail = ask(client, house)
    link_id = UUID(mail.mail_key.partition("/")[2])
    press(client, link_in(mail))
    assert sign_in_mail(house.services, link_id) is None


def test_the_mail_speaks_the_language_of_the_form(client: FlaskClient, house: House) -> None:
    mail = ask(client, house)
    english = sign_in_mail(house.services, UUID(mail.mail_key.partition("/")[2]), "en")
    assert english is not None
    assert (mail.subject, english.subject) == ("Votre lien de connexion", "Your sign-in link")


def test_signing_in_and_out_stand_in_the_audit_trail(client: FlaskClient, house: House) -> None:
    mail = ask(client, house)
    press(client, link_in(mail))
    press(client, "/sign-out")
    with house.services.works.begin(house.supplier.supplier_id) as work:
        rows = work.rows(
            "SELECT act FROM audit_rows WHERE supplier_id = :supplier AND object = :person "
            "ORDER BY audit_id DESC LIMIT 2",
            person=str(house.people["customer"].person_id),
        )
    assert [row["act"] for row in rows] == ["person.signed_out", "person.signed_in"]
