"""``/s/people``: invitations, roles, the last owner, lost keys, and what somebody sees who was let go."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from portal_house import press
from test_proofs import secret_of

from portal.access.members import change_role, end_staff, member_of
from portal.access.people import Person, add_membership, add_person, memberships_of
from portal.access.roles import Role
from receivables.errors import ConflictError
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House


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


def test_an_invitation_lets_a_colleague_in_and_tells_them(boss: FlaskClient, house: House) -> None:
    email = f"{uuid4().hex}@staff.example"
    answer = press(boss, "/s/people/new", email=email, name=" Lou  Roy ", role="sales", portfolio="1", language="en")
    assert answer.location == "/s/people?told=invited"
    person = add_person(house.services.database, email, "known already")
    (place,) = memberships_of(house.services.database, person.person_id)
    assert (person.name, person.language, place.role, place.portfolio) == ("Lou Roy", "en", Role.SALES, True)
    with house.services.works.begin(house.supplier.supplier_id) as work:
        mail = work.row(
            "SELECT subject, text_body FROM mails WHERE supplier_id = :supplier AND recipient = :to", to=email
        )
    assert mail is not None
    assert "/sign-in" in mail["text_body"]
    assert "Sales" in mail["text_body"]
    again = press(boss, "/s/people/new", email=email, name="Lou", role="owner")
    assert again.status_code == 422, "who is in already is changed on their page"
    assert memberships_of(house.services.database, person.person_id)[0].role is Role.SALES


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
