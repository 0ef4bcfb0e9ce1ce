"""Sign-in of the staff at the house's provider: against a real one, and against one that lies."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc.jwk import RSAKey
from oidc_liar import CLIENT, Liar, serving_liar
from portal_house import press
from pydantic import SecretStr, ValidationError

from config.outgoing import Reach
from config.settings import Settings
from portal.access.oidc import Identity, Journey, Provider
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

    from portal.wiring import Services

pytestmark = pytest.mark.filterwarnings("ignore:.*(authlib|joserfc|properties).*")
"""Of the peer, about the library that it uses."""
BACK = "http://127.0.0.1:8000/sign-in/provider/back"
JOURNEY = Journey("state", "nonce", "v" * 43)
ANSWER = {"state": "state", "code": "code"}


@pytest.fixture(scope="module")
def running() -> Iterator[Liar]:
    with serving_liar() as liar:
        yield liar


@pytest.fixture
def liar(running: Liar) -> Liar:
    running.straighten()
    return running


def settings_for(issuer: str, folder: Path, **changes: Any) -> Settings:
    return Settings(
        data_dir=folder,
        private_hosts_allowed=True,
        oidc_issuer=issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SecretStr("secret"),
        oidc_second_proofs="mfa urn:strong",
        **changes,
    )


def asked(liar: Liar, folder: Path, answer: dict[str, str] | None = None, **changes: Any) -> Identity:
    provider = Provider(settings_for(liar.address, folder, **changes).providers[0], Reach.PRIVATE, BACK)
    return provider.identity(JOURNEY, answer or ANSWER)


def test_a_right_answer_tells_who_it_is(liar: Liar, tmp_path: Path) -> None:
    assert asked(liar, tmp_path) == Identity(liar.address, "u-1", "camille@example.com", second=False)
    liar.claims = {"amr": ["pwd", "mfa"], "email_verified": False}
    assert asked(liar, tmp_path) == Identity(liar.address, "u-1", None, second=True)
    liar.claims = {"acr": "urn:strong"}
    assert asked(liar, tmp_path).second


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ({"claims": {"iss": "https://evil.example"}}, "oidc.bad_token"),
        ({"claims": {"aud": "somebody else"}}, "oidc.bad_token"),
        ({"claims": {"aud": [CLIENT, "somebody else"]}}, "oidc.bad_token"),
        ({"claims": {"azp": "somebody else"}}, "oidc.bad_token"),
        ({"claims": {"nonce": "of another sign-in"}}, "oidc.bad_token"),
        ({"claims": {"nonce": None}}, "oidc.bad_token"),
        ({"claims": {"sub": None}}, "oidc.bad_token"),
        ({"claims": {"exp": 1_000_000_000}}, "oidc.bad_token"),
        ({"claims": {"iat": 4_000_000_000}}, "oidc.bad_token"),
        ({"claims": {"at_hash": "of another token"}}, "oidc.bad_token"),
        ({"header": {"alg": "none"}}, "oidc.bad_token"),
        ({"header": {"alg": "HS256"}}, "oidc.bad_token"),
        ({"header": {"alg": "RS512"}}, "oidc.bad_token"),
        ({"header": {"kid": "unknown"}}, "oidc.bad_token"),
        ({"token": {"id_token": None}}, "oidc.no_id_token"),
        ({"token": {"id_token": 7}}, "oidc.no_id_token"),
        ({"token": {"id_token": "a.b.c"}}, "oidc.bad_token"),
        ({"description": {"issuer": "https://evil.example"}}, "oidc.issuer"),
        ({"description": {"token_endpoint": "http://127.0.0.2:9/token"}}, "oidc.address"),
        ({"description": {"jwks_uri": "file:///etc/passwd"}}, "oidc.address"),
        ({"description": {"jwks_uri": None}}, "oidc.address"),
        ({"keys": []}, "oidc.no_keys"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}]}, "oidc.no_keys"),
        ({"moved": "http://127.0.0.1:9/elsewhere"}, "oidc.refused"),
    ],
    ids=lambda given: given if isinstance(given, str) else "-".join(map(str, next(iter(given.items())))),
)
def test_a_lie_lets_nobody_in(liar: Liar, tmp_path: Path, lie: dict[str, Any], code: str) -> None:
    for name, value in lie.items():
        setattr(liar, name, value)
    with pytest.raises(ProviderError) as refused:
        asked(liar, tmp_path)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"state": "of another sign-in", "code": "code"}, "oidc.state"),
        ({"code": "code"}, "oidc.state"),
        ({**ANSWER, "iss": "https://evil.example"}, "oidc.issuer"),
        ({"state": "state", "error": "access_denied"}, "oidc.denied"),
        ({"state": "state"}, "oidc.denied"),
    ],
    ids=["other-state", "no-state", "other-issuer", "denied", "no-code"],
)
def test_an_answer_that_does_not_fit_is_not_even_exchanged(
    liar: Liar, tmp_path: Path, answer: dict[str, str], code: str
) -> None:
    liar.token = {"id_token": None}  # an exchange would end with another code
    with pytest.raises(ProviderError) as refused:
        asked(liar, tmp_path, answer)
    assert refused.value.code == code


def test_a_key_that_was_changed_is_found_and_a_foreign_one_is_not(liar: Liar, tmp_path: Path) -> None:
    provider = Provider(settings_for(liar.address, tmp_path).providers[0], Reach.PRIVATE, BACK)
    assert provider.identity(JOURNEY, ANSWER).subject == "u-1"
    own, foreign = liar.key, RSAKey.generate_key(2048, {"kid": "one"})
    liar.keys = [own.as_dict(private=False)]
    liar.key = foreign
    with pytest.raises(ProviderError, match="does not hold"):
        provider.identity(JOURNEY, ANSWER)
    liar.key = own


def test_a_provider_on_a_private_address_is_not_called_by_an_open_house(liar: Liar, tmp_path: Path) -> None:
    with pytest.raises(ProviderError) as refused:
        Provider(settings_for(liar.address, tmp_path).providers[0], Reach.PUBLIC, BACK).identity(JOURNEY, ANSWER)
    assert refused.value.code == "oidc.unreachable"


@pytest.mark.parametrize(
    "changes",
    [
        {"oidc_client_id": ""},
        {"oidc_client_secret": None},
        {"oidc_algorithms": "HS256"},
        {"oidc_algorithms": "none"},
        {"private_hosts_allowed": False},
    ],
    ids=["no-client", "no-secret", "shared-secret", "no-signature", "plain-http"],
)
def test_settings_that_would_weaken_the_sign_in_do_not_start(tmp_path: Path, changes: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "data_dir": tmp_path,
        "private_hosts_allowed": True,
        "oidc_issuer": "http://127.0.0.1:9",
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SecretStr("secret"),
    }
    Settings(**given)
    with pytest.raises(ValidationError):
        Settings(**{**given, **changes})


# The whole way, at a provider that other people wrote.


@pytest.fixture(scope="module")
def desk(services: Services, house: House) -> Iterator[tuple[Flask, str]]:
    """The portal of a house with a provider, and who is known there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import oidc_provider_mock  # noqa: PLC0415 -- it warns of what it uses itself

    users = [
        oidc_provider_mock.User(sub=sub, claims={"email": email, "email_verified": verified, "amr": ["mfa"]})
        for sub, email, verified in (
            ("collector-1", house.people["collector"].email, True),
            ("collector-2", house.people["collector"].email, True),
            ("customer-1", house.people["customer"].email, True),
            ("unverified", house.people["accountant"].email, False),
            ("stranger", "stranger@example.com", True),
        )
    ]
    with oidc_provider_mock.run_server_in_thread(user_claims=users, require_nonce=True) as server:
        issuer = f"http://localhost:{server.server_port}"
        fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
        changed = settings_for(issuer, services.settings.data_dir, secret_key=services.settings.secret_key)
        yield create_app(type(services)(**{**fields, "settings": changed})), issuer


def walk(client: FlaskClient, sub: str) -> str:
    """From the button to the provider and back: the path with which the browser comes back."""
    away = client.get("/sign-in/provider")
    assert away.status_code == 303
    sent = parse_qs(urlsplit(away.location).query)
    assert sent["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= sent.keys()
    there = requests.post(away.location, data={"sub": sub}, allow_redirects=False, timeout=5)
    back = urlsplit(there.headers["Location"])
    assert back.path == "/sign-in/provider/back"
    return f"{back.path}?{back.query}"


def test_a_colleague_signs_in_at_the_provider_and_needs_no_further_proof(desk: tuple[Flask, str]) -> None:
    client = desk[0].test_client()
    assert "avec SSO" in client.get("/sign-in?lang=fr").text
    path = walk(client, "collector-1")
    assert client.get(path).location == "/"
    page = client.get("/me")
    assert page.status_code == 200
    assert "fournisseur d'identité" in page.text
    press(client, "/sign-out")
    assert client.get(path).status_code == 403, "an answer is taken once"


@pytest.mark.parametrize(
    ("sub", "why"),
    [
        ("customer-1", "the provider is for the staff"),
        ("unverified", "an address that the provider did not verify is nobody's"),
        ("stranger", "whom nobody invited stays outside"),
    ],
)
def test_whom_the_provider_knows_is_not_let_in_by_that_alone(desk: tuple[Flask, str], sub: str, why: str) -> None:
    client = desk[0].test_client()
    assert client.get(walk(client, sub)).status_code == 403, why
    assert client.get("/me").status_code == 303


def test_an_address_that_passed_to_somebody_else_opens_no_door(desk: tuple[Flask, str]) -> None:
    first, second = (desk[0].test_client() for _ in range(2))
    assert first.get(walk(first, "collector-1")).status_code == 303
    assert second.get(walk(second, "collector-2")).status_code == 403


def test_an_answer_that_another_browser_began_is_refused(desk: tuple[Flask, str]) -> None:
    victim, attacker = (desk[0].test_client() for _ in range(2))
    planted = walk(attacker, "collector-1")
    assert victim.get(planted).status_code == 403, "no journey of its own"
    walk(victim, "collector-1")
    assert victim.get(planted).status_code == 403, "the journey is another one"
    assert victim.get("/me").status_code == 303


def test_a_membership_that_ended_is_not_opened_by_the_provider(desk: tuple[Flask, str], house: House) -> None:
    person = add_person(house.services.database, f"customer@{house.supplier.siren}.example", "Camille")
    add_membership(house.services.database, person.person_id, house.supplier.supplier_id, Role.SALES)
    client = desk[0].test_client()
    assert client.get(walk(client, "customer-1")).status_code == 303, "now of the staff as well"
    with house.services.database.register() as connection:
        connection.exec_driver_sql(
            "UPDATE memberships SET ended_at = now() WHERE person_id = %s AND role = 'sales'", (person.person_id,)
        )
    again = desk[0].test_client()
    assert again.get(walk(again, "customer-1")).status_code == 403
