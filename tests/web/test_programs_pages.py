"""Programs and tokens on pages: a secret is shown once, rights follow, and what ended opens nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from portal_house import press

from portal.api.blueprints import API_BLUEPRINTS
from portal.api.schema import openapi
from portal.app import create_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services


@pytest.fixture
def desk(services: Services) -> FlaskClient:
    """A browser at a house that serves its API as well."""
    client = create_app(services, API_BLUEPRINTS).test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
    return client


def shown(text: str, prefix: str) -> str:
    """What a page shows once."""
    (found,) = re.findall(rf'<code class="secret">({prefix}_[\w-]+)</code>', text)
    return str(found)


def test_an_owner_makes_a_program_that_calls_at_once(desk: FlaskClient, house: House) -> None:
    house.sign_in(desk, "owner")
    page = press(desk, "/s/programs/new", name="ERP du siège", scope=["customers:read", "events:read"]).text
    public_id, secret = shown(page, "qc"), shown(page, "qs")
    given = desk.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(public_id, secret)).json
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    assert desk.get("/api/v1/customers", headers=headers).status_code == 200
    listed = desk.get("/s/programs").text
    assert "ERP du siège" in listed
    assert secret not in listed
    path = re.search(r"/s/programs/[0-9a-f-]{36}", listed)
    assert path is not None
    assert secret not in desk.get(path[0]).text
    assert press(desk, path[0], name="ERP", scope=["events:read"]).status_code == 303
    assert desk.get("/api/v1/customers", headers=headers).status_code == 403, "its tokens follow at once"
    second = shown(press(desk, f"{path[0]}/secret").text, "qs")
    assert second != secret
    assert press(desk, f"{path[0]}/end").status_code == 303
    assert desk.get("/api/v1/events", headers=headers).status_code == 401


def test_a_program_without_rights_is_refused_in_words(desk: FlaskClient, house: House) -> None:
    house.sign_in(desk, "owner")
    refused = press(desk, "/s/programs/new", name="ERP")
    assert refused.status_code == 422
    assert "Choisissez ce que le programme peut faire." in refused.text


def test_everybody_has_tokens_of_their_own_and_sees_no_others(desk: FlaskClient, house: House) -> None:
    house.sign_in(desk, "collector")
    page = press(desk, "/s/programs/tokens/new", name="Tableur", days="30", scope=["customers:read", "bank:write"]).text
    headers = {"Authorization": f"Bearer {shown(page, 'qt')}"}
    assert desk.get("/api/v1/customers", headers=headers).status_code == 200
    assert desk.post("/api/v1/statements", data=b"x", headers=headers).status_code == 403, "not a collector's right"
    mine = desk.get("/s/programs").text
    assert "Tableur" in mine
    path = re.search(r"/s/programs/tokens/[0-9a-f-]{36}/end", mine)
    assert path is not None
    house.sign_in(desk, "auditor")
    assert "Tableur" not in desk.get("/s/programs").text
    assert press(desk, path[0]).status_code == 404
    house.sign_in(desk, "owner")
    assert "Tableur" in desk.get("/s/programs").text
    assert press(desk, path[0]).status_code == 303
    assert desk.get("/api/v1/customers", headers=headers).status_code == 401
    refused = press(desk, "/s/programs/tokens/new", name="Sans fin", days="9999", scope=["customers:read"])
    assert refused.status_code == 422
    assert "Choisissez quand le jeton prend fin." in refused.text


def test_the_page_of_the_api_shows_every_operation(client: FlaskClient) -> None:
    home = client.get("/api").text
    for path, methods in openapi()["paths"].items():
        for told in methods.values():
            assert f"#{told['operationId']}" in home, path
    section = client.get("/api/customers")
    assert section.status_code == 200
    assert "Boulangerie Martin" in section.text
    assert client.get("/api/nothing").status_code == 404
    assert client.get("/api/v1/openapi.json").json["openapi"] == "3.1.0"
    assert "<script" not in home + section.text
