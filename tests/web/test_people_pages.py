"""``/s/people``: invitations, roles, the last owner, lost keys, and what somebody sees who was let go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from catalogue import superuser
from portal_house import press
from test_proofs import secret_of

from config.secrets import token_bytes, token_text
from portal.access.invitations import over
from portal.access.members import change_role, end_staff, member_of
from portal.access.people import Membership, Person, add_membership, add_person, find_person, memberships_of
from portal.access.roles import Role
from portal.staff.people import joining
from receivables.errors import ConflictError
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House

    from config.embedded import EmbeddedPostgres


@pytest.fixture
def boss(client: FlaskClient, house: House) -> FlaskClient:
    """A browser of the owner."""
    house.sign_in(client, "owner")
    return client


@pytest.fixture
def colleague(house: House) -> Person:
    """A collector of this test's own."""
    person = add_person(house.services.database, f"{uuid4().hex}@staff.example", "Sacha Petit")
    add_membership(house.services.database, person.person_id, house.supplier.supplier_id, Role.COLLECTOR)
    house.people["sacha"] = person
    return person


def invite(boss: FlaskClient, house: House, **changes: str) -> tuple[str, str]:
    """Invite somebody; returns their address and the path of the link in their mail."""
    email = f"{uuid4().hex}@staff.example"
    fields = {"email": email, "name": " Lou  Roy ", "role": "sales", "portfolio": "1", "language": "en", **changes}
    assert press(boss, "/s/people/new", **fields).location == "/s/people?told=invited"
    return email, link_to(house, fields["email"])


def link_to(house: House, email: str) -> str:
    """The path of the link in the last invitation to an address."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        written = work.scalar(
            "SELECT text_body FROM mails WHERE supplier_id = :supplier AND recipient = :to "
            "AND kind = 'colleague_invited' ORDER BY mail_id DESC LIMIT 1",
            to=email,
        )
    found = re.search(r"/team/[A-Za-z0-9_-]+", written)
    assert found is not None
    return found.group()


def places_of(house: House, email: str) -> tuple[Membership, ...]:
    person = find_person(house.services.database, email)
    return memberships_of(house.services.database, person.person_id) if person else ()


def test_an_invited_colleague_is_nobody_before_a_click_and_a_member_after_it(
    app: Flask, boss: FlaskClient, house: House
) -> None:
    email, path = invite(boss, house)
    theirs = app.test_client()
    assert find_person(house.services.database, email) is None
    assert "Lou Roy" in boss.get("/s/people").text
    page = theirs.get(path)
    assert (page.status_code, "Sales" in page.text) == (200, True)
    assert places_of(house, email) == (), "programs that open every link in a mail accept nothing"
    assert press(theirs, path).location == "/sign-in/sent"
    (place,) = places_of(house, email)
    person = find_person(house.services.database, email)
    assert person is not None
    assert (person.name, person.language, place.role, place.portfolio) == ("Lou Roy", "en", Role.SALES, True)
    assert theirs.get("/s/work").location == "/sign-in", "the link opens no session"
    assert theirs.get(path).status_code == 410
    assert press(theirs, path).status_code == 410
    assert f"/s/people/{person.person_id}" in boss.get(f"/s/people?q={email}").text
    again = press(boss, "/s/people/new", email=email, name="Lou", role="owner")
    assert again.status_code == 422, "who is in already is changed on their page"
    assert places_of(house, email)[0].role is Role.SALES


def test_who_is_let_in_is_in_the_trail_too_or_neither_is(
    app: Flask, boss: FlaskClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    email, path = invite(boss, house)
    let_in = joining._let_in

    def let_in_and_fail(*given: Any) -> None:
        let_in(*given)
        raise over()

    with monkeypatch.context() as patch:
        patch.setattr(joining, "_let_in", let_in_and_fail)
        assert press(app.test_client(), path).status_code == 422
    assert places_of(house, email) == ()
    assert press(app.test_client(), path).location == "/sign-in/sent"
    (place,) = places_of(house, email)
    assert place.role is Role.SALES


def test_an_invitation_that_was_withdrawn_or_replaced_opens_nothing(
    app: Flask, boss: FlaskClient, house: House
) -> None:
    email, first = invite(boss, house)
    _, second = invite(boss, house, email=email)
    theirs = app.test_client()
    assert [theirs.get(path).status_code for path in (first, second)] == [410, 200]
    (waiting,) = re.findall(r"/s/people/invitations/[0-9a-f-]+/withdraw", section_of(boss, email))
    assert press(boss, waiting).location == "/s/people?told=withdrawn"
    assert press(boss, waiting).location == "/s/people?told=answered"
    assert press(theirs, second).status_code == 410
    assert places_of(house, email) == ()
    assert email not in boss.get("/s/people").text


def section_of(boss: FlaskClient, email: str) -> str:
    """What the list of the staff says of one invitation."""
    (line,) = [each for each in boss.get("/s/people").text.split("<li>") if email in each]
    return line.partition("</li>")[0]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("expires_at = now() - interval '1 second'", 410),
        ("invited_by = 'person {accountant}'", 410),
        ("", 404),
    ],
    ids=["days-are-past", "inviter-is-no-owner-any-more", "another-supplier-s-link"],
)
def test_an_invitation_that_does_not_stand_lets_nobody_in(
    app: Flask, house: House, postgres: EmbeddedPostgres, change: str, status: int
) -> None:
    owner, theirs = app.test_client(), app.test_client()
    house.sign_in(owner, "owner")
    email, path = invite(owner, house)
    if change:
        with superuser(postgres) as connection:
            values = change.format(accountant=house.people["accountant"].person_id)
            connection.execute(f"UPDATE staff_invitations SET {values} WHERE email = %s", (email,))  # noqa: S608 -- of this test
    else:
        raw = token_bytes(path.removeprefix("/team/")) or b""
        path = f"/team/{token_text(uuid4().bytes + raw[16:])}"
    assert [theirs.get(path).status_code, press(theirs, path).status_code] == [status, status]
    assert places_of(house, email) == ()


def test_who_was_let_go_does_not_come_back_by_an_older_invitation(app: Flask, boss: FlaskClient, house: House) -> None:
    email, path = invite(boss, house)
    person = add_person(house.services.database, email, "Lou")
    add_membership(house.services.database, person.person_id, house.supplier.supplier_id, Role.SALES)
    assert press(boss, f"/s/people/{person.person_id}/end").status_code == 303
    assert press(app.test_client(), path).status_code == 410
    assert places_of(house, email) == ()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"email": "nowhere", "name": "Lou", "role": "sales"}, 422),
        ({"email": "lou@staff.example", "name": " ", "role": "sales"}, 422),
        ({"email": "lou@staff.example", "name": "Lou", "role": "customer"}, 400),
        ({"email": "lou@staff.example", "name": "Lou", "role": "king"}, 400),
    ],
    ids=["no-address", "no-name", "a-customer-s-role", "no-role"],
)
def test_an_invitation_that_makes_no_sense_is_refused(boss: FlaskClient, fields: dict[str, str], status: int) -> None:
    assert press(boss, "/s/people/new", **fields).status_code == status


def test_a_role_holds_from_the_next_click_and_the_whole_house_needs_the_whole_books(
    app: Flask, boss: FlaskClient, house: House, colleague: Person
) -> None:
    theirs = app.test_client()
    house.sign_in(theirs, "sacha")
    assert theirs.get("/s/dunning").status_code == 200
    press(boss, f"/s/people/{colleague.person_id}/role", role="sales")
    assert [theirs.get(path).status_code for path in ("/s/dunning", "/s/invoices")] == [404, 200]
    press(boss, f"/s/people/{colleague.person_id}/role", role="accountant", portfolio="1")
    member = member_of(house.services.database, house.supplier.supplier_id, colleague.person_id)
    assert member is not None
    assert (member.role, member.portfolio) == (Role.ACCOUNTANT, False), "books are kept whole"


def test_a_membership_that_ends_closes_every_door_at_once_and_can_begin_again(
    app: Flask, boss: FlaskClient, house: House, colleague: Person
) -> None:
    theirs = app.test_client()
    house.sign_in(theirs, "sacha")
    assert theirs.get("/s/work").status_code == 200
    assert press(boss, f"/s/people/{colleague.person_id}/end").location == "/s/people?told=ended"
    assert theirs.get("/s/work").location == "/sign-in"
    assert boss.get(f"/s/people/{colleague.person_id}").status_code == 404
    answer = press(boss, "/s/people/new", email=colleague.email, name="Sacha", role="auditor")
    assert answer.status_code == 303
    assert press(app.test_client(), link_to(house, colleague.email)).location == "/sign-in/sent"
    assert [each.role for each in memberships_of(house.services.database, colleague.person_id)] == [Role.AUDITOR]


def test_the_last_owner_cannot_go(house: House) -> None:
    database = house.services.database
    own = create_supplier(database, f"{uuid4().int % 10**9:09d}", "Seul")
    first, second = (add_person(database, f"{uuid4().hex}@seul.example", "Un") for _ in range(2))
    add_membership(database, first.person_id, own.supplier_id, Role.OWNER)
    for act in (
        lambda: end_staff(database, own.supplier_id, first.person_id),
        lambda: change_role(database, own.supplier_id, first.person_id, Role.AUDITOR, portfolio=False),
    ):
        with pytest.raises(ConflictError) as refused:
            act()
        assert refused.value.code == "person.last_owner"
    add_membership(database, second.person_id, own.supplier_id, Role.OWNER)
    end_staff(database, own.supplier_id, first.person_id)
    assert memberships_of(database, first.person_id) == ()


def test_an_owner_ends_the_sessions_of_a_colleague(
    app: Flask, boss: FlaskClient, house: House, colleague: Person
) -> None:
    browsers = [app.test_client() for _ in range(2)]
    for browser in browsers:
        house.sign_in(browser, "sacha")
    assert press(boss, f"/s/people/{colleague.person_id}/sessions/end").status_code == 303
    assert [browser.get("/s/work").location for browser in browsers] == ["/sign-in", "/sign-in"]


def test_lost_keys_are_taken_back_and_the_person_begins_again_by_mail(
    app: Flask, boss: FlaskClient, house: House, colleague: Person
) -> None:
    secret_of(house.services, colleague)
    theirs = app.test_client()
    house.sign_in(theirs, "sacha")
    assert theirs.get("/s/work").location == "/prove"
    press(boss, f"/s/people/{colleague.person_id}/keys/reset")
    assert theirs.get("/s/work").location == "/sign-in", "their sessions ended"
    house.sign_in(theirs, "sacha")
    assert theirs.get("/s/work").status_code == 200


def test_keys_on_which_another_house_relies_are_nobody_s_to_take(
    boss: FlaskClient, house: House, neighbour: House, colleague: Person
) -> None:
    add_membership(house.services.database, colleague.person_id, neighbour.supplier.supplier_id, Role.OWNER)
    secret_of(house.services, colleague)
    assert press(boss, f"/s/people/{colleague.person_id}/keys/reset").status_code == 409
    member = member_of(house.services.database, house.supplier.supplier_id, colleague.person_id)
    assert member is not None
    assert member.has_keys


def test_people_of_another_house_are_not_there(boss: FlaskClient, neighbour: House) -> None:
    foreign = neighbour.people["owner"].person_id
    assert boss.get(f"/s/people/{foreign}").status_code == 404
    for act in ("role", "end", "sessions/end", "keys/reset"):
        assert press(boss, f"/s/people/{foreign}/{act}", role="sales").status_code == 404, act


def test_a_search_finds_names_and_addresses_and_takes_wildcards_as_they_are(
    boss: FlaskClient, colleague: Person
) -> None:
    assert "Sacha Petit" in boss.get("/s/people?q=petit").text
    assert colleague.email in boss.get(f"/s/people?q={colleague.email[:12]}").text
    assert "Sacha Petit" not in boss.get("/s/people?q=%25%25").text
