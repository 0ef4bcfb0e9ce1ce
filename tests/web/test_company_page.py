"""What an owner says of the company: judged as on the command line, told where it is wrong, and what waits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from portal_house import press
from story_builders import Story

from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from portal.wiring import Services

FINE = {"size": "mid", "vat_regime": "quarterly", "year_end_day": "30", "year_end_month": "06", "pause_days": "5"}


@pytest.fixture
def story(services: Services) -> Story:
    """A supplier without a platform, whose profile states neither size nor regime."""
    return Story(services)


@pytest.fixture
def owner(client: FlaskClient, story: Story) -> FlaskClient:
    """The browser of its owner."""
    person = add_person(story.services.database, f"owner@{story.siren}.example", "Camille Owner")
    add_membership(story.services.database, person.person_id, story.id, Role.OWNER)
    client.set_cookie("session", open_session(story.services.database, story.services.settings, person.person_id))
    return client


def profile_of(story: Story) -> dict[str, Any]:
    with story.services.works.begin(story.id) as work:
        return dict(work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier"))


def words(answer: TestResponse) -> str:
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text))
    return plain.replace("&#39;", "'").replace("\u00a0", " ")


def test_what_is_chosen_is_kept_beside_everything_else(owner: FlaskClient, story: Story) -> None:
    before = profile_of(story)
    answer = press(owner, "/s/company", **FINE)
    assert (answer.status_code, answer.location) == (303, "/s/company?saved=1")
    stated = {
        "size": "mid",
        "vat_regime": "quarterly",
        "accounting_year_end": "06-30",
        "dunning_pause_days": 5,
    }
    assert profile_of(story) == before | stated
    shown = owner.get(answer.location)
    assert "C'est enregistré" in words(shown)
    assert re.search(r'value="quarterly" required checked', shown.text)
    with story.services.works.begin(story.id) as work:
        acts = work.rows("SELECT act FROM audit_rows WHERE supplier_id = :supplier ORDER BY audit_id DESC LIMIT 1")
    assert [each["act"] for each in acts] == ["supplier.profile_saved"]


def test_what_nobody_stated_is_not_chosen_on_the_page(owner: FlaskClient, story: Story) -> None:
    assert "vat_regime" not in profile_of(story)
    assert " checked" not in owner.get("/s/company").text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("size", "huge", "Choisissez la taille"),
        ("vat_regime", "", "Choisissez votre régime"),
        ("year_end_day", "31", "Ce jour n'existe pas"),
        ("year_end_month", "13", "Ce jour n'existe pas"),
        ("pause_days", "99", "entre 0 et 30"),
        ("pause_days", "trois", "entre 0 et 30"),
        ("pause_days", "", "entre 0 et 30"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(
    owner: FlaskClient, story: Story, field: str, value: str, said: str
) -> None:
    before = profile_of(story)
    answer = press(owner, "/s/company", **{**FINE, field: value})
    assert answer.status_code == 422
    assert said in words(answer)
    assert "Rien n'est enregistré" in words(answer)
    assert profile_of(story) == before


def test_an_assumed_regime_sends_the_owner_to_the_page(owner: FlaskClient) -> None:
    assert "Votre régime de TVA n'est pas indiqué" in words(owner.get("/s/reports"))
    assert 'href="/s/company"' in owner.get("/s/reports").text
    press(owner, "/s/company", **FINE)
    assert "n'est pas indiqué" not in words(owner.get("/s/reports"))


def test_the_first_page_says_that_no_platform_is_connected(owner: FlaskClient) -> None:
    assert "vos factures ne partent pas" in words(owner.get("/s/"))
