"""Customers sign in at a certified provider that other people wrote, which demands PKCE (npm: ``oidc-provider``).

``QUITTANCE_OIDC_PEER`` names the folder in which ``npm install oidc-provider@9`` was run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from portal_house import press

from config.outgoing import Reach
from config.secrets import new_token, token_text
from config.sign_in_providers import SignInProvider
from portal.access.oidc import Journey, Provider
from portal.access.oidc_wire import ProviderError
from portal.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services

NODE = shutil.which("node")
FOLDER = os.environ.get("QUITTANCE_OIDC_PEER", "")
THERE = bool(NODE) and (Path(FOLDER) / "node_modules/oidc-provider").is_dir()
pytestmark = [
    pytest.mark.skipif(not THERE, reason="needs Node, and QUITTANCE_OIDC_PEER: a folder with npm's oidc-provider"),
    pytest.mark.filterwarnings("ignore:.*(authlib|joserfc).*"),
]
SCRIPT = Path(__file__).with_name("oidc_peer.mjs")
SECRET = "a secret that both sides know: 0123456789"
HOME = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def desk(services: Services, house: House) -> Iterator[tuple[Flask, tuple[SignInProvider, ...]]]:
    """A house with both providers of the peer, which knows three of its people."""
    people = house.people
    accounts = {
        "buyer": {"email": people["customer"].email, "email_verified": True},
        "unproven": {"email": people["other_customer"].email, "email_verified": False},
        "staff": {"email": people["accountant"].email, "email_verified": True},
    }
    clients = [client_of("peer"), client_of("pro", userinfo_signed_response_alg="RS256")]
    clients[1]["token_endpoint_auth_method"] = "client_secret_post"
    with listening({"clients": clients, "accounts": accounts}) as (first, second):
        common: dict[str, Any] = {
            "label": "Pair",
            "who": "customers",
            "client_id": "quittance",
            "client_secret": SECRET,
        }
        providers = (
            SignInProvider(name="peer", issuer=first, **common),
            SignInProvider(name="pro", issuer=second, secret_in="body", believed_domains="*", sign_out=True, **common),
        )
        fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
        settings = services.settings.model_copy(update={"sign_in_providers": providers, "public_url": HOME})
        yield create_app(type(services)(**{**fields, "settings": settings})), providers


@contextmanager
def listening(told: dict[str, Any]) -> Iterator[list[str]]:
    """The peer, which says at which addresses it listens."""
    assert NODE is not None
    started = subprocess.Popen(
        [NODE, str(SCRIPT), FOLDER, json.dumps(told)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert started.stdout is not None
        yield next(json.loads(line) for line in started.stdout if line.startswith("["))
    finally:
        started.kill()
        started.wait()


def client_of(name: str, **more: str) -> dict[str, Any]:
    return {
        "client_id": "quittance",
        "client_secret": SECRET,
        "redirect_uris": [f"{HOME}/sign-in/provider/{name}/back"],
        "post_logout_redirect_uris": [f"{HOME}/sign-in"],
        **more,
    }


def go_through(browser: requests.Session, address: str, **typed: str) -> str:
    """Follow the provider's pages and fill in its forms; returns the address at the house to which it leads."""
    for _ in range(20):
        if address.startswith(HOME):
            return address
        answer = browser.get(address, allow_redirects=False, timeout=10)
        while not answer.is_redirect:
            form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            assert form is not None, answer.text[:500]
            hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.text))
            answer = browser.post(
                urljoin(answer.url, form.group(1)), data={**hidden, **typed}, allow_redirects=False, timeout=10
            )
        address = urljoin(answer.url, answer.headers["Location"])
    raise AssertionError(address)


def walk(client: FlaskClient, name: str, who: str, browser: requests.Session | None = None) -> int:
    """From the button through the provider's own pages and back; returns the status of the last step."""
    away = client.get(f"/sign-in/provider/{name}").location
    back = urlsplit(go_through(browser or requests.Session(), away, login=who, password="any"))
    return client.get(f"{back.path}?{back.query}").status_code


def test_a_customer_signs_in_at_a_certified_provider_again_and_again(desk: tuple[Flask, Any]) -> None:
    for _ in range(2):
        client = desk[0].test_client()
        assert walk(client, "peer", "buyer") == 303
        assert client.get("/c/").status_code == 200
        assert client.get("/s/work").status_code == 404


@pytest.mark.parametrize("who", ["unproven", "staff", "nobody"])
def test_whom_it_did_not_verify_and_who_is_no_customer_stays_outside(desk: tuple[Flask, Any], who: str) -> None:
    client = desk[0].test_client()
    assert walk(client, "peer", who) == 403
    assert client.get("/me").location == "/sign-in"


def test_a_provider_with_signed_answers_lets_in_and_signs_out_again(desk: tuple[Flask, Any]) -> None:
    client, browser = desk[0].test_client(), requests.Session()
    assert walk(client, "pro", "buyer", browser) == 303
    assert client.get("/c/").status_code == 200
    press(client, "/sign-out")
    page = client.get("/sign-in/provider/out")
    back = go_through(browser, page.headers["Refresh"].removeprefix("0; url="), logout="yes")
    assert urlsplit(back).path == "/sign-in"
    again = client.get("/sign-in/provider/pro").location
    assert "login" in browser.get(again, timeout=10).text, "it asks again who is there"


def test_the_peer_demands_what_binds_the_code_to_the_browser_that_began(desk: tuple[Flask, Any]) -> None:
    config = desk[1][0]
    provider = Provider(config, Reach.PRIVATE, f"{HOME}/sign-in/provider/peer/back")
    journey = Journey(*(token_text(new_token()) for _ in range(3)))
    bare = Provider(config.model_copy(update={"pkce": False}), Reach.PRIVATE, provider.back).address(journey)
    refused = requests.get(bare, allow_redirects=False, timeout=10)
    assert "invalid_request" in refused.headers["Location"], "without a challenge it does not even ask who is there"
    back = go_through(requests.Session(), provider.address(journey), login="buyer", password="any")
    answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    assert answer["iss"] == config.issuer
    with pytest.raises(ProviderError, match="400"):
        provider.identity(replace(journey, verifier="w" * 43), answer)
