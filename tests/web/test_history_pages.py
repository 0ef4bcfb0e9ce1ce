"""Letters of the former books in front of people: brought, looked at, taken, read on the account, found, undone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from import_builders import LETTERS, fec_of
from portal_house import build_house, press
from test_import_pages import drop, work_off

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services


@pytest.fixture(scope="module")
def house(services: Services) -> House:
    """A house of these tests' own: what they take in stays there."""
    return build_house(services, "Atelier des Anciens Livres")


def test_a_fec_goes_live_with_its_letters_and_they_are_read_where_people_look(
    client: FlaskClient, house: House
) -> None:
    house.sign_in(client, "accountant")
    dropped = drop(client, "/s/opening", fec_of(), "1FEC20260930.txt")
    trial = client.get(f"{dropped.location}?opened_on=2026-10-01&history=yes").text
    assert "1 lettrage déjà soldé" in trial.replace("\N{NO-BREAK SPACE}", " ")
    assert "quelles factures une plateforme a transmises" in trial
    started = press(client, dropped.location, opened_on="2026-10-01", history="yes", receipts_told_by="former")
    assert started.status_code == 303
    work_off(house)
    found = re.search(r"/s/opening/[0-9a-f-]{36}", client.get(started.location).text)
    assert found is not None
    page = client.get(found[0]).text
    assert "Lettrages inégaux" in page
    letters = client.get(f"{found[0]}/history?show=uneven").text
    assert ("VIR-2" in letters, "VIR-1" in letters) == (True, False)
    address = re.search(r"/s/customers/[0-9a-f-]{36}/former", letters)
    assert address is not None
    book = client.get(address[0]).text
    assert "Jusqu&#39;au 1er octobre 2026" in book or "Jusqu'au 1er octobre 2026" in book
    assert ("FA-1" in book, "FA-2" in book, "FA-3" in book) == (True, True, False)
    assert "FA-1" not in client.get(f"{address[0]}?q=vir").text
    account = client.get(address[0].removesuffix("/former")).text
    assert "lignes soldées dans vos anciens livres" in account
    assert f"{address[0]}?q=VIR-1" in client.get("/s/search?q=vir-1").text
    house.sign_in(client, "accountant")
    assert press(client, f"{found[0]}/undo", reason="essai").status_code == 303
    assert "a été repris des anciens livres" in client.get(address[0]).text
    assert "/former" not in client.get("/s/search?q=vir-1").text


def test_a_table_of_letters_is_brought_to_an_opening_and_reported(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    dropped = drop(client, "/s/opening", fec_of().replace(b"|FA-", b"|FB-"), "2FEC20260930.txt")
    started = press(client, dropped.location, opened_on="2026-10-01")
    work_off(house)
    opening = re.search(r"/s/opening/[0-9a-f-]{36}", client.get(started.location).text)
    assert opening is not None
    assert "a été repris de ce qui était déjà soldé" in client.get(opening[0]).text
    refused = drop(client, f"{opening[0]}/history", b"", "vide.csv")
    assert (refused.status_code, "Le fichier est vide" in refused.text) == (422, True)
    review = drop(client, f"{opening[0]}/history", LETTERS, "lettres.csv").location
    shown = client.get(review).text
    assert "1 lettrage ne tombe pas à zéro" in shown.replace("\N{NO-BREAK SPACE}", " ")
    assert "Librairie Le Goff" in shown
    job = press(client, review, terms_days="30", opens_customers="yes")
    assert job.status_code == 303
    work_off(house)
    told = client.get(job.location).text
    assert "history.uneven" in told
    again = press(client, review, terms_days="30", opens_customers="yes")
    work_off(house)
    assert "Déjà prise avant" in client.get(again.location).text


def test_a_file_larger_than_a_form_is_read_whole(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    lines = b"".join(b"CLEG;Librairie Le Goff;FA-%d;01/03/2026;120,00\r\n" % nth for nth in range(8_000))
    content = "Code client;Client;N° de facture;Date;Total TTC\r\n".encode() + lines
    assert len(content) > 300_000
    assert drop(client, "/s/opening", content, "longue.csv").status_code == 303


def test_letters_of_another_supplier_are_not_found(client: FlaskClient, house: House, neighbour: House) -> None:
    from import_builders import import_things  # noqa: PLC0415 -- builds the neighbour's things on first use

    house.sign_in(client, "owner")
    things = import_things(neighbour)
    for path in (
        f"/s/opening/{things['opening']}/history",
        f"/s/opening/{things['opening']}/history/{things['letters']}",
        f"/s/customers/{things['former']}/former",
    ):
        assert client.get(path).status_code == 404
