"""The credit pages: limits used, exposure down to its lines, two pairs of eyes; and the same by program."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from credit_builders import deliver, order
from portal_house import build_house, press

from config.clock import today
from portal.api.credit import credit
from portal.api.orders import orders
from portal.api.tokens import create_token
from portal.app import create_app
from receivables.services.risk.exposing import exposure_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services


@pytest.fixture(scope="module")
def shop(services: Services) -> House:
    """A house of its own: limits and proceedings would change what other pages show."""
    return build_house(services, "Fournitures Le Goff")


@pytest.fixture(scope="module")
def api(services: Services, shop: House) -> Iterator[Any]:
    """The API as a program calls it."""
    with services.works.begin(shop.supplier.supplier_id) as work:
        token = create_token(work, "ERP")
    client = create_app(services, [credit, orders]).test_client()

    def call(path: str, body: dict[str, Any] | None = None, *, expect: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        path = f"/api/v1{path}"
        answer = (
            client.post(path, json=body, headers=headers) if body is not None else client.get(path, headers=headers)
        )
        assert answer.status_code == expect, answer.text
        return answer.json

    return call


def page_of(shop: House) -> str:
    return f"/s/credit/customers/{shop.customer_id}"


def test_a_limit_is_set_exceeded_and_derogated_by_somebody_else(client: FlaskClient, shop: House) -> None:
    shop.sign_in(client, "accountant")
    page = page_of(shop)
    assert press(client, f"{page}/limits", kind="internal", amount="abc", reason="x").status_code == 422
    assert press(client, f"{page}/limits", kind="internal", amount="1 000,00", reason="bilan").status_code == 303
    shown = client.get(page).text
    assert "Bloqué" in shown
    assert "de trop" in shown
    assert "Limite interne" in shown
    assert "Boulangerie Martin" in client.get("/s/credit?show=over").text
    until = (today() + timedelta(days=5)).isoformat()
    asked = press(client, f"{page}/derogations", amount="20000", until=until, reason="chantier")
    assert asked.status_code == 303
    listed = client.get("/s/credit/derogations").text
    assert "une autre personne doit" in listed
    path = listed.partition("/s/credit/derogations/")[2].partition("/refuse")[0]
    assert press(client, f"/s/credit/derogations/{path}/agree").status_code == 409
    shop.sign_in(client, "owner")
    assert press(client, f"/s/credit/derogations/{path}/agree").status_code == 303
    assert "Bloqué" not in client.get(page).text.partition("commitments")[0].partition("Décisions")[0]
    assert press(client, f"{page}/decisions", amount="100", purpose="Devis 12").status_code == 303
    assert "Devis 12" in client.get(f"{page}/decisions").text


def test_every_component_opens_the_lines_that_add_up_to_it(client: FlaskClient, shop: House) -> None:
    with shop.services.works.begin(shop.supplier.supplier_id) as work:
        order(work, shop.customer_id, 50000, "CMD-77", weight_percent=50)
        deliver(work, shop.customer_id, 12000, "BL-77", order_reference="CMD-77")
        exposure = exposure_of(work, shop.customer_id)
    assert (exposure.ordered_minor, exposure.delivered_minor) == (19000, 12000)
    shop.sign_in(client, "auditor")
    for component, word in (
        ("invoiced", "Facture"),
        ("ordered", "CMD-77"),
        ("delivered", "BL-77"),
        ("credits", "Avoir"),
    ):
        assert word in client.get(f"{page_of(shop)}/lines?component={component}").text
    assert "Aucune ligne" in client.get(f"{page_of(shop)}/lines?component=ordered&on=2020-01-01").text
    assert client.get(f"{page_of(shop)}/lines?component=nothing").status_code == 404
    assert press(client, f"{page_of(shop)}/limits", kind="internal", amount="1", reason="x").status_code == 404


def test_the_policy_is_changed_as_a_new_version(client: FlaskClient, shop: House) -> None:
    shop.sign_in(client, "owner")
    fields = {
        "default_limit_minor": "",
        "cap_minor": "",
        "overdue_minor": "0",
        "provisional_minor": "0",
        "warn_percent": "101",
        "overdue_days": "45",
        "order_weight_percent": "100",
        "derogation_days": "90",
        "coverage_percent": "90",
    }
    refused = press(client, "/s/credit/policy", **fields)
    assert refused.status_code == 422
    assert "warn_percent" in refused.text
    assert press(client, "/s/credit/policy", **(fields | {"warn_percent": "75"})).status_code == 303
    assert "Version 1" in client.get("/s/credit/policy").text


def test_proceedings_are_noted_published_and_ended(client: FlaskClient, shop: House) -> None:
    page = f"/s/credit/customers/{shop.other_customer_id}"
    shop.sign_in(client, "collector")
    opened = (today() - timedelta(days=3)).isoformat()
    assert press(client, f"{page}/insolvency", kind="liquidation", opened=opened).status_code == 422, "no source"
    told = {"kind": "liquidation", "opened": opened, "source": "BODACC A n° 9"}
    assert press(client, f"{page}/insolvency", **told).status_code == 303
    shown = client.get(page).text
    assert "liquidation judiciaire" in shown
    path = shown.partition("/s/credit/insolvencies/")[2].partition('"')[0]
    assert press(client, f"/s/credit/insolvencies/{path}", act="publish", on=today().isoformat()).status_code == 303
    assert press(client, f"/s/credit/insolvencies/{path}", act="end", on=today().isoformat()).status_code == 303
    assert "Aucune procédure connue" in client.get(page).text


def test_an_order_system_tells_orders_and_asks_for_decisions(api: Any, shop: House) -> None:
    told = api("/orders", {"reference": "SO/1", "customer": "C00001", "amount": "1200.00", "date": "2026-11-02"})
    assert (told["left"], told["version"], told["customer"]) == ("1200.00", 1, "C00001")
    assert told["credit"]["decision"] in {"OK", "WARN", "REVIEW", "BLOCK"}
    api("/deliveries", {"reference": "D1", "order": "SO/1", "customer": "C00001", "amount": "700.00"})
    assert api("/orders/SO/1")["left"] == "500.00"
    number = shop.invoices["due"].number
    year = shop.invoices["due"].issued_on.year
    assert api("/deliveries/D1/invoices", {"number": number, "year": year, "amount": "300"})["left"] == "400.00"
    assert api("/orders/SO/1/close", {"reason": "annulée"})["left"] == "0.00"
    assert api("/orders/SO/1/reopen", {})["version"] == 3
    assert [each["state"] for each in api("/orders/SO/1")["versions"]] == ["open", "closed", "open"]
    assert any(each["reference"] == "SO/1" for each in api("/orders?customer=C00001&left=1")["orders"])
    decided = api(f"/customers/{shop.customer_id}/credit-decision?amount=99999999.00&purpose=SO/9")
    assert decided["decision"] in {"REVIEW", "BLOCK"}
    assert decided["reasons"][0]["detail"] != decided["reasons"][0]["detail_fr"]
    exposure = api("/customers/C00001/exposure?component=delivered")
    assert {"D1"} <= {each["reference"] for each in exposure["lines"]}
    assert api("/customers/C00001/exposure?on=2020-01-01")["total"] == "0.00"


def test_what_an_order_system_gets_wrong_is_said_in_both_languages(api: Any) -> None:
    order_of = {"reference": "SO-2", "customer": "C00001", "amount": "10.00"}
    for body, code, status in (
        ({**order_of, "colour": "red"}, "request.unknown_field", 400),
        ({**order_of, "amount": "10.001"}, "money.too_precise", 422),
        ({**order_of, "amount": "-1"}, "order.bad_amount", 422),
        ({**order_of, "customer": "C99999"}, "customer.not_found", 404),
        ({**order_of, "version": "two"}, "request.bad_number", 400),
        ({**order_of, "date": "2/11"}, "request.bad_day", 400),
        ({"customer": "C00001"}, "request.missing_field", 400),
    ):
        assert api("/orders", body, expect=status)["code"] == code
    assert api("/customers/C00001/credit-decision?amount=ten", expect=422)["code"] == "money.not_a_number"
    assert api("/orders/none", expect=404)["detail_fr"] == "Il n'y a pas de commande 'none'."
