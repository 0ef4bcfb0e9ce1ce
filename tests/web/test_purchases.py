"""The pages of invoices received: what they say, who may answer, and that a wrong answer loses nothing typed."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import pikepdf
import pytest
from portal_house import form_token, press
from receiving_builders import file_of, receive_here, sold_to

from config.clock import new_id, today
from einvoice.document import Attachment
from einvoice.receiving.purchases import PAGE

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse


@pytest.fixture
def fresh(house: House) -> UUID:
    """An invoice that nobody has answered."""
    number = f"F-{new_id().hex[-12:]}"
    content = file_of(sold_to(house.supplier.siren or "", number))
    return receive_here(house.services, house.supplier.supplier_id, content, f"{number}.xml")


def say(client: FlaskClient, received_id: UUID, code: str, **fields: str) -> TestResponse:
    page = client.get(f"/s/purchases/{received_id}").text
    key = re.search(r'name="key" value="([0-9a-f-]+)"', page)
    assert key, "there is a form"
    return press(client, f"/s/purchases/{received_id}/statuses", code=code, key=key[1], **fields)


def codes(house: House, received_id: UUID) -> list[str]:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        rows = work.rows(
            "SELECT code FROM received_statuses WHERE supplier_id = :supplier AND received_id = :id", id=received_id
        )
    return [row["code"] for row in rows]


def test_the_list_and_the_page_say_what_came_in(client: FlaskClient, house: House, fresh: UUID) -> None:
    house.sign_in(client, "collector")
    listed = client.get("/s/purchases").text
    assert f"/s/purchases/{fresh}" in listed
    assert "À examiner" in listed
    page = client.get(f"/s/purchases/{fresh}").text
    for said in ("Atelier Lumière SARL", "732829320", "120,00", "FR76 3000 6000 0112 3456 7890 189", "Conforme"):
        assert said in page.replace("\u00a0", " ").replace("\u202f", " "), said
    assert 'name="key"' not in page, "a collector reads"
    assert "Votre rôle permet de lire." in page


def test_the_page_is_english_too(client: FlaskClient, house: House, fresh: UUID) -> None:
    house.sign_in(client, "accountant")
    page = client.get(f"/s/purchases/{fresh}?lang=en").text
    assert "Your answer" in page
    assert "Ask for a document" in page
    assert "Votre" not in page.partition("<main")[2].partition("</main>")[0]


def test_an_answer_leaves_once_however_often_the_button_is_pressed(
    client: FlaskClient, house: House, fresh: UUID
) -> None:
    house.sign_in(client, "accountant")
    key, path = str(new_id()), f"/s/purchases/{fresh}/statuses"
    answers = [press(client, path, code="211", key=key, amount="60,00", on=today().isoformat()) for _ in range(3)]
    assert [(each.status_code, each.location) for each in answers] == [(303, f"/s/purchases/{fresh}?sent=211")] * 3
    assert codes(house, fresh) == ["211"]
    page = client.get(answers[0].location).text
    assert "Annoncer le paiement" in page
    assert "payé" in page


def test_a_wrong_answer_is_said_and_what_was_typed_stays(client: FlaskClient, house: House, fresh: UUID) -> None:
    house.sign_in(client, "owner")
    told = say(client, fresh, "206", reason="QTE_ERR", amount="douze", comment="Il manque <b>deux</b> pièces")
    assert told.status_code == 422
    for said in ("pas un montant", 'value="douze"', "Il manque &lt;b&gt;deux&lt;/b&gt; pièces", 'aria-invalid="true"'):
        assert said in told.text.replace("\u00a0", " "), said
    assert say(client, fresh, "210", reason="NON_CONFORME").status_code == 422
    assert say(client, fresh, "212").status_code == 422
    assert press(client, f"/s/purchases/{fresh}/statuses", code="205", key="none").status_code == 422
    assert codes(house, fresh) == []


def test_what_is_refused_offers_no_answer_any_more(client: FlaskClient, house: House, fresh: UUID) -> None:
    house.sign_in(client, "accountant")
    assert say(client, fresh, "210", reason="NON_CONFORME", comment="Mention manquante").status_code == 303
    page = client.get(f"/s/purchases/{fresh}").text
    assert 'name="key"' not in page
    assert "La facture est close (210 Refusée)" in page


def test_collectors_and_auditors_cannot_answer(client: FlaskClient, house: House, fresh: UUID) -> None:
    for who in ("collector", "auditor"):
        house.sign_in(client, who)
        told = client.post(
            f"/s/purchases/{fresh}/statuses",
            data={"form_token": form_token(client), "code": "205", "key": str(new_id())},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert told.status_code == 404
    assert codes(house, fresh) == []


def test_original_data_and_readable_view_are_handed_out_as_files(client: FlaskClient, house: House) -> None:
    document = sold_to(house.supplier.siren or "", f"F-{new_id().hex[-12:]}")
    for form, name in (("ubl", "facture.xml"), ("facturx", "facture.pdf")):
        content = file_of(document, form)
        received_id = receive_here(house.services, house.supplier.supplier_id, content, name)
        house.sign_in(client, "auditor")
        original, data, view = (
            client.get(f"/s/purchases/{received_id}/{kind}") for kind in ("original", "xml", "readable")
        )
        assert original.data == content
        assert data.data.startswith(b"<?xml")
        with pikepdf.open(BytesIO(view.data)) as pdf:
            assert len(pdf.pages) == 1
        assert (view.data == content) == (form == "facturx"), "the page that came, or ours"
        for each in (original, data, view):
            assert each.headers["Content-Disposition"].startswith("attachment; ")
            assert "sandbox" in each.headers["Content-Security-Policy"]


def test_a_file_that_nobody_can_read_is_shown_as_such(client: FlaskClient, house: House) -> None:
    content = b"<html>" + new_id().hex.encode() + b"</html>"
    received_id = receive_here(house.services, house.supplier.supplier_id, content, "<script>alert(1)</script>.html")
    house.sign_in(client, "accountant")
    page = client.get(f"/s/purchases/{received_id}")
    assert page.status_code == 200
    assert "pas une facture lisible" in page.text.replace("\u00a0", " ")
    assert "<script>alert(1)" not in page.text
    assert 'name="key"' not in page.text
    assert client.get(f"/s/purchases/{received_id}/original").data == content
    assert client.get(f"/s/purchases/{received_id}/readable").status_code == 422
    assert client.get(f"/s/purchases/{received_id}/xml").status_code in (200, 422)


def test_a_duplicate_says_so_and_offers_its_refusal(client: FlaskClient, house: House) -> None:
    siren, number = house.supplier.siren or "", f"F-{new_id().hex[-12:]}"
    ids = [
        receive_here(
            house.services,
            house.supplier.supplier_id,
            file_of(sold_to(siren, number, buyer_reference=ref)),
            f"{ref}.xml",
        )
        for ref in ("un", "deux")
    ]
    house.sign_in(client, "accountant")
    page = client.get(f"/s/purchases/{ids[1]}").text
    assert f"/s/purchases/{ids[0]}" in page
    assert '<option value="DOUBLON" selected>' in page
    assert '<option value="DOUBLON" selected>' not in client.get(f"/s/purchases/{ids[0]}").text


def test_what_the_platform_may_refuse_is_said_before(client: FlaskClient, house: House) -> None:
    content = file_of(sold_to(house.supplier.siren or "", f"F-{new_id().hex[-12:]}"))
    received_id = receive_here(house.services, house.supplier.supplier_id, content, "int.xml", "B2BInt")
    house.sign_in(client, "accountant")
    assert "Elle la classe B2BInt" in client.get(f"/s/purchases/{received_id}").text


def test_an_account_that_changed_and_another_buyer_are_warned_of(client: FlaskClient, house: House) -> None:
    changed = sold_to("552100554", f"F-{new_id().hex[-12:]}", seller={"iban": "FR7630004000010008123450115"})
    received_id = receive_here(house.services, house.supplier.supplier_id, file_of(changed), "autre.xml")
    house.sign_in(client, "accountant")
    page = client.get(f"/s/purchases/{received_id}").text
    assert "Le compte bancaire a changé" in page
    assert "nomme un autre acheteur que vous" in page


def test_only_safe_addresses_of_a_stranger_are_offered_as_links(client: FlaskClient, house: House) -> None:
    document = sold_to(house.supplier.siren or "", f"F-{new_id().hex[-12:]}")
    attachments = (
        Attachment(f"PAIEMENT-{document.number}", url="https://payer.example/p/1"),
        Attachment("Fiche", url="javascript:alert(1)"),
        Attachment("Suivi", url="https://suivi.example/42"),
        Attachment("Casse", url="https://[::"),
    )
    content = file_of(replace(document, attachments=attachments))
    received_id = receive_here(house.services, house.supplier.supplier_id, content, "liens.xml")
    house.sign_in(client, "accountant")
    page = client.get(f"/s/purchases/{received_id}").text
    assert 'href="https://payer.example/p/1" rel="noopener noreferrer nofollow"' in page
    assert 'href="https://suivi.example/42"' in page
    assert "javascript:" not in page
    for name in ("Fiche", "Casse"):
        assert f"<li>{name}</li>" in page


def test_long_lists_are_paged_searched_and_narrowed(client: FlaskClient, house: House, neighbour: House) -> None:
    supplier = neighbour.supplier
    for number in range(PAGE + 2):
        receive_here(neighbour.services, supplier.supplier_id, b"<x n='%d'/>" % number, f"fichier-{number:03d}.xml")
    neighbour.sign_in(client, "auditor")
    first = client.get("/s/purchases?show=to_do").text
    onward = re.search(r'href="(\?show=to_do[^"]*after=[^"]+)"', first)
    assert onward, "there is a second page"
    second = client.get("/s/purchases" + onward[1].replace("&amp;", "&")).text
    names = re.findall(r">(fichier-\d+\.xml)<", first + second)
    assert len(names) == len(set(names)) == PAGE + 2
    assert "F2026-0042" in client.get("/s/purchases?q=2026-0042").text
    assert "fichier-" not in client.get("/s/purchases?q=2026-0042").text
    assert "fichier-" not in client.get("/s/purchases?show=paid").text
    assert client.get("/s/purchases?show=nonsense&after=nonsense").status_code == 200
    assert house.supplier.supplier_id != supplier.supplier_id
