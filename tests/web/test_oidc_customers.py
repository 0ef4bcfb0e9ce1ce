"""Providers that customers sign in at: what they say about people, and how far it carries, with one that lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from joserfc.jwk import RSAKey
from oidc_liar import CLIENT, Liar, serving_liar
from portal_house import press
from pydantic import ValidationError
from sqlalchemy import text

from config.outgoing import Reach
from config.settings import Settings
from config.sign_in_providers import SignInProvider
from portal.access.oidc import Journey, Provider
from portal.access.oidc_wire import ProviderError
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.access.people import Person
    from portal.wiring import Services

BACK = "http://127.0.0.1:8000/sign-in/provider/clients/back"
JOURNEY = Journey("state", "nonce", "v" * 43)
ANSWER = {"state": "state", "code": "code"}
ABOUT = {"sub": "u-1", "email": "lou@client.example", "email_verified": True}


@pytest.fixture(scope="module")
def running() -> Iterator[Liar]:
    with serving_liar() as liar:
        yield liar


@pytest.fixture
def liar(running: Liar) -> Liar:
    running.straighten()
    return running


def provider_at(issuer: str, **changes: Any) -> SignInProvider:
    given: dict[str, Any] = {
        "name": "clients",
        "label": "Clients Connect",
        "who": "customers",
        "issuer": issuer,
        "client_id": CLIENT,
        "client_secret": "secret",
    }
    return SignInProvider(**{**given, **changes})


def asked(liar: Liar, answer: dict[str, str] | None = None, **changes: Any) -> tuple[str | None, bool]:
    identity = Provider(provider_at(liar.address, **changes), Reach.PRIVATE, BACK).identity(JOURNEY, answer or ANSWER)
    return identity.email, identity.second


SILENT = {"email": None, "email_verified": None}


def test_an_address_that_the_token_leaves_out_is_asked_for_signed_or_not(liar: Liar) -> None:
    liar.claims, liar.about = SILENT, ABOUT
    assert asked(liar) == ("lou@client.example", False)
    liar.about, liar.about_key = {**ABOUT, "iss": liar.address, "aud": CLIENT}, liar.key
    assert asked(liar) == ("lou@client.example", False)


@pytest.mark.parametrize(
    ("about", "signed_by"),
    [
        ({"sub": "u-2"}, None),
        ({"sub": None}, None),
        ({"iss": "https://evil.example"}, "own"),
        ({"aud": "somebody else"}, "own"),
        ({}, "foreign"),
    ],
    ids=["about-another", "about-nobody", "another-issuer", "for-another", "another-key"],
)
def test_what_is_said_about_somebody_else_or_by_somebody_else_lets_nobody_in(
    liar: Liar, about: dict[str, Any], signed_by: str | None
) -> None:
    liar.claims = SILENT
    liar.about = {**ABOUT, "iss": liar.address, "aud": CLIENT, **about}
    liar.about_key = {None: None, "own": liar.key, "foreign": RSAKey.generate_key(2048, {"kid": "one"})}[signed_by]
    with pytest.raises(ProviderError) as refused:
        asked(liar)
    assert refused.value.code == "oidc.user_info"


@pytest.mark.parametrize(
    ("told", "believed", "email"),
    [
        ({"email_verified": True}, "", "camille@example.com"),
        ({"email_verified": "true"}, "*", None),
        ({"email_verified": False}, "*", None),
        ({"email_verified": None}, "", None),
        ({"email_verified": None}, "*", "camille@example.com"),
        ({"email_verified": None}, "other.example example.com", "camille@example.com"),
        ({"email_verified": None}, "ample.com", None),
        ({"email_verified": None, "email": "camille@example.com.evil.example"}, "example.com", None),
        ({"email_verified": None, "email": 7}, "*", None),
    ],
    ids=["said", "a-word", "denied", "silent", "all-believed", "domain", "half-a-domain", "longer-domain", "no-text"],
)
def test_an_address_counts_where_the_provider_or_the_house_vouches_for_it(
    liar: Liar, told: dict[str, Any], believed: str, email: str | None
) -> None:
    liar.claims = told
    assert asked(liar, believed_domains=believed)[0] == email


def test_a_provider_that_names_itself_in_its_answers_does_so_in_every_one(liar: Liar) -> None:
    liar.description = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(ProviderError) as refused:
        asked(liar)
    assert refused.value.code == "oidc.issuer"
    assert asked(liar, {**ANSWER, "iss": liar.address})[0]


def test_less_assurance_than_was_asked_for_lets_nobody_in(liar: Liar) -> None:
    for given in (None, "eidas0", "eidas1 eidas2"):
        liar.claims = {"acr": given}
        with pytest.raises(ProviderError) as refused:
            asked(liar, acr="eidas1 eidas2")
        assert refused.value.code == "oidc.acr"
    liar.claims = {"acr": "eidas2"}
    assert asked(liar, acr="eidas1 eidas2")[0]


def test_what_a_provider_for_customers_says_is_never_a_second_proof(liar: Liar) -> None:
    liar.claims = {"amr": ["mfa"]}
    bent = provider_at(liar.address).model_copy(update={"second_proofs": "mfa"})
    assert not Provider(bent, Reach.PRIVATE, BACK).identity(JOURNEY, ANSWER).second


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "back"},
        {"name": "Sso"},
        {"second_proofs": "mfa"},
        {"who": "both", "pkce": False},
        {"who": "staff", "believed_domains": "*"},
        {"ask": {"redirect_uri": "https://evil.example"}},
        {"scopes": "email"},
        {"algorithms": "HS256"},
        {"secret": "a field that there is not"},
    ],
    ids=lambda given: "-".join(f"{name}={value}" for name, value in given.items()),
)
def test_a_provider_that_would_weaken_the_sign_in_is_refused(changes: dict[str, Any]) -> None:
    provider_at("https://login.example")
    with pytest.raises(ValidationError):
        provider_at("https://login.example", **changes)


def test_people_are_known_by_the_issuer_so_two_providers_never_share_one(tmp_path: Path) -> None:
    first, second = (provider_at("https://login.example", name=name) for name in ("one", "two"))
    Settings(data_dir=tmp_path, sign_in_providers=(first,))
    for wrong in ((first, second), (provider_at("https://a.example"), provider_at("https://b.example"))):
        with pytest.raises(ValidationError):
            Settings(data_dir=tmp_path, sign_in_providers=wrong)
    with pytest.raises(ValidationError, match="https"):
        Settings(data_dir=tmp_path, sign_in_providers=(provider_at("http://login.example"),))


# The whole way, through the pages of a house.


@pytest.fixture(scope="module")
def desk(services: Services, running: Liar) -> Flask:
    """A house with a provider for customers, and one for staff at an address that never answers."""
    changed = services.settings.model_copy(
        update={
            "sign_in_providers": (
                provider_at(running.address),
                provider_at("http://127.0.0.1:9", name="team", label="Team", who="staff"),
            )
        }
    )
    fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
    return create_app(type(services)(**{**fields, "settings": changed}))


@pytest.fixture
def buyer(house: House) -> Person:
    """A person of the customer, of this test's own."""
    person = add_person(house.services.database, f"{uuid4().hex}@client.example", "Lou Acheteuse")
    add_membership(
        house.services.database, person.person_id, house.supplier.supplier_id, Role.CUSTOMER, house.customer_id
    )
    return person


def walk(client: FlaskClient, liar: Liar, email: str, *, at: str = "clients", **claims: Any) -> int:
    """From the button to the provider and back; returns the status of the last step."""
    away = client.get("/sign-in/provider/clients")
    sent = {name: values[0] for name, values in parse_qs(urlsplit(away.location).query).items()}
    assert sent["code_challenge_method"] == "S256"
    liar.claims = {"nonce": sent["nonce"], "email": email, "sub": f"id of {email}", **claims}
    return client.get(f"/sign-in/provider/{at}/back?state={sent['state']}&code=code").status_code


def linked(house: House, person: Person) -> int:
    with house.services.database.register() as connection:
        sql = text("SELECT count(*) FROM identities WHERE person_id = :person")
        return int(connection.execute(sql, {"person": person.person_id}).scalar_one())


def test_a_customer_signs_in_by_the_provider_and_is_then_known_by_its_id(
    desk: Flask, liar: Liar, house: House, buyer: Person
) -> None:
    client, again = desk.test_client(), desk.test_client()
    page = client.get("/sign-in?lang=fr").text
    assert "Continuer avec Clients Connect" in page
    assert "avec Team" in page
    assert walk(client, liar, buyer.email) == 303
    assert client.get("/c/").status_code == 200
    assert walk(again, liar, "moved@elsewhere.example", sub=f"id of {buyer.email}") == 303
    assert buyer.name in again.get("/me").text
    assert linked(house, buyer) == 1


@pytest.mark.parametrize("case", ["unverified", "stranger", "staff", "staff and customer", "another id"])
def test_whom_the_provider_may_not_let_in_is_told_one_thing_and_linked_to_nothing(
    desk: Flask, liar: Liar, house: House, buyer: Person, case: str
) -> None:
    client, email = desk.test_client(), buyer.email
    claims: dict[str, Any] = {}
    if case == "unverified":
        claims = {"email_verified": False}
    elif case == "stranger":
        email = "nobody@client.example"
    elif case == "staff":
        email = house.people["accountant"].email
    elif case == "staff and customer":
        add_membership(house.services.database, buyer.person_id, house.supplier.supplier_id, Role.AUDITOR)
    else:
        assert walk(desk.test_client(), liar, email) == 303
        claims = {"sub": "another id"}
    before = linked(house, buyer)
    client.get("/s/people")
    assert walk(client, liar, email, **claims) == 403
    told = client.get("/sign-in/provider/clients/back").text
    assert client.get("/me").location == "/sign-in"
    assert email not in told
    assert (linked(house, buyer), linked(house, house.people["accountant"])) == (before, 0)


def test_refusals_for_every_reason_read_the_same(desk: Flask, liar: Liar, house: House, buyer: Person) -> None:
    told = set()
    tries: tuple[tuple[str, dict[str, Any]], ...] = (
        ("nobody@client.example", {}),
        (house.people["owner"].email, {}),
        (buyer.email, {"email_verified": False}),
    )
    for email, claims in tries:
        client = desk.test_client()
        away = client.get("/sign-in/provider/clients")
        sent = {name: values[0] for name, values in parse_qs(urlsplit(away.location).query).items()}
        liar.claims = {"nonce": sent["nonce"], "email": email, "sub": f"id of {email}", **claims}
        page = client.get(f"/sign-in/provider/clients/back?state={sent['state']}&code=code")
        told.add((page.status_code, page.text.partition('role="alert"')[2].partition("</div>")[0]))
    assert len(told) == 1


def test_an_answer_is_taken_only_for_the_provider_that_the_journey_began_at(
    desk: Flask, liar: Liar, buyer: Person
) -> None:
    client = desk.test_client()
    assert walk(client, liar, buyer.email, at="team") == 403, "a journey to one is no journey to another"
    assert client.get("/me").location == "/sign-in"
    assert client.get("/sign-in/provider/none").status_code == 404


def test_a_session_of_a_provider_for_customers_ends_when_its_person_joins_the_staff(
    desk: Flask, liar: Liar, house: House, buyer: Person
) -> None:
    client = desk.test_client()
    assert walk(client, liar, buyer.email) == 303
    assert client.get("/s/work").status_code == 404
    add_membership(house.services.database, buyer.person_id, house.supplier.supplier_id, Role.OWNER)
    assert [client.get(path).location for path in ("/s/people", "/c/", "/me")] == ["/sign-in"] * 3


def test_the_word_of_a_provider_for_customers_makes_no_key_by_which_staff_could_enter_later(
    desk: Flask, liar: Liar, buyer: Person
) -> None:
    client = desk.test_client()
    assert walk(client, liar, buyer.email) == 303
    assert client.get("/me/passkeys/new").location == "/prove", "a code by mail is asked for"
    assert press(client, "/me/authenticator").location.startswith("/prove")


def test_signing_out_here_signs_out_there_where_the_house_wants_it(
    services: Services, liar: Liar, buyer: Person
) -> None:
    liar.description = {"end_session_endpoint": f"{liar.address}/end"}
    config = provider_at(liar.address, sign_out=True)
    fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
    settings = services.settings.model_copy(update={"sign_in_providers": (config,)})
    client = create_app(type(services)(**{**fields, "settings": settings})).test_client()
    assert walk(client, liar, buyer.email) == 303
    assert client.get("/sign-in/provider/out").location == "/sign-in", "nobody else's link signs anybody out"
    assert press(client, "/sign-out").location == "/sign-in/provider/out"
    page = client.get("/sign-in/provider/out")
    way = urlsplit(page.headers["Refresh"].removeprefix("0; url="))
    told = {name: values[0] for name, values in parse_qs(way.query).items()}
    assert f"{way.scheme}://{way.netloc}{way.path}" == f"{liar.address}/end"
    assert told["id_token_hint"].count(".") == 2
    assert told["post_logout_redirect_uri"] == f"{services.settings.public_url}/sign-in"
    assert len(told["state"]) >= 32
    assert client.get("/sign-in/provider/out").location == "/sign-in", "once"
