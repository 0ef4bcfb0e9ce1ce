"""A supplier's colour and logo on the pages of its payers: readable in every colour, kept by content, nobody else's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from customer_builders import COLOUR, LOGO, customer_things
from portal_house import build_house

from einvoice.formats.page import contrast
from portal.customer.looks import MOST_LOGO_BYTES, colours_of
from receivables.store.work import to_json

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services

GROUNDS = {"day": ("#f5f4ef", "#ffffff", "#faf9f6"), "night": ("#0d1210", "#161d1a", "#242d29")}
SOFT = {"day": ("#15201b", "#56625c"), "night": ("#e8eeeb", "#a4b1ab")}
READABLE = 4.5


def tokens(colour: str) -> dict[str, dict[str, str]]:
    """The tokens of a sheet by day and by night."""
    sheets = colours_of(colour).split("@media")
    return {
        name: dict(re.findall(r"--([a-z-]+):([^;}]+)", sheet))
        for name, sheet in zip(("day", "night"), sheets, strict=False)
    }


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#ffe600", "#c06a1f", "#1f4e5f", "#7f7f7f", "#ff0055"])
def test_words_are_readable_by_day_and_by_night_in_whatever_colour_the_supplier_has(colour: str) -> None:
    for time, found in tokens(colour).items():
        for ground in GROUNDS[time]:
            assert contrast(found["accent"], ground) >= READABLE, (time, "links", ground)
        assert contrast(found["on-fill"], found["fill"]) >= READABLE, (time, "button")
        assert contrast(found["on-fill"], found["fill-hover"]) >= READABLE, (time, "button under the pointer")
        for words in SOFT[time]:
            assert contrast(words, found["tint"]) >= READABLE, (time, "what is chosen", words)


def test_the_pages_behind_a_link_and_those_of_the_customer_wear_the_suppliers_colour_and_logo(
    client: FlaskClient, house: House
) -> None:
    things = customer_things(house)
    house.sign_in(client, "customer")
    for path in (house.links["due"], f"{house.links['due']}/iban", "/c/", f"/open/{things['reference']}"):
        page = client.get(path).text
        assert f'<link rel="stylesheet" href="{things["look_sheet"]}">' in page, path
        assert path.endswith("/iban") or f'src="{things["look_logo"]}"' in page, path
    sheet, logo = client.get(things["look_sheet"]), client.get(things["look_logo"])
    assert COLOUR in sheet.text
    assert sheet.mimetype == "text/css"
    assert logo.text == LOGO
    assert logo.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    for each in (sheet, logo):
        assert "immutable" in each.headers["Cache-Control"]


def test_the_suppliers_people_see_the_house_and_not_their_own_brand(client: FlaskClient, house: House) -> None:
    things = customer_things(house)
    house.sign_in(client, "collector")
    assert things["look_sheet"] not in client.get("/s/").text


def test_an_address_of_another_content_or_another_supplier_shows_nothing(
    client: FlaskClient, house: House, neighbour: House
) -> None:
    sheet = customer_things(house)["look_sheet"]
    other = sheet.replace(str(house.supplier.supplier_id), str(neighbour.supplier.supplier_id))
    for path in (other, re.sub(r"\w+\.css", "000000000000.css", sheet)):
        assert client.get(path).status_code == 404


def test_a_logo_too_heavy_for_a_phone_leaves_its_place_to_the_initials(client: FlaskClient, services: Services) -> None:
    own = build_house(services, "Maison Lourde")
    heavy = LOGO.replace("</svg>", f"<!--{'x' * MOST_LOGO_BYTES}--></svg>")
    with services.works.begin(own.supplier.supplier_id) as work:
        work.execute(
            "UPDATE supplier_profiles SET profile = profile || CAST(:look AS jsonb) WHERE supplier_id = :supplier",
            look=to_json({"logo_svg": heavy}),
        )
    page = client.get(own.links["due"]).text
    assert '<span class="initials" aria-hidden="true">ML</span>' in page
    assert "/look/" not in page


def test_the_link_leads_whoever_belongs_to_the_customer_to_the_lines_and_strangers_to_the_sign_in(
    client: FlaskClient, house: House
) -> None:
    invoice_id = house.invoices["due"].invoice_id
    path = f"{house.links['due']}/invoice"
    answer = client.get(path)
    assert (answer.status_code, answer.location) == (303, f"/c/invoices/{invoice_id}")
    assert client.get(answer.location).location == "/sign-in"
    house.sign_in(client, "customer")
    followed = client.get(path, follow_redirects=True)
    assert house.invoices["due"].number in followed.text
    house.sign_in(client, "other_customer")
    assert client.get(path, follow_redirects=True).status_code == 404
