"""What the back office says when something is wrong, and where its pages lead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from portal_house import build_house, press

from einvoice.formats.page_errors import PageError
from einvoice.formats.page_logo import read_logo

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services


@pytest.fixture(scope="module")
def bare(services: Services) -> House:
    """A supplier whose profile nobody has completed."""
    return build_house(services, "Atelier Nu")


def said_at(page: str, field: str) -> str:
    """The fault beside a field."""
    found = re.search(rf'id="{field}-error">(.*?)</p>', page, re.DOTALL)
    return re.sub(r"<[^>]*>", "", found[1]) if found else ""


@pytest.mark.parametrize(
    ("field", "wrong"), [("siren", "12"), ("siret", "12"), ("vat_id", "FR00123"), ("endpoint", "12")]
)
def test_a_wrong_number_of_a_customer_is_told_in_the_words_of_the_form(
    client: FlaskClient, house: House, field: str, wrong: str
) -> None:
    house.sign_in(client, "owner")
    given = {"name": "Brasserie", "kind": "business", "siren": "732829320", "city": "Lyon", "country": "FR"}
    answer = press(client, "/s/clients/new", **given | {"language": "fr", "terms": "usual", field: wrong})
    said = said_at(answer.text, field)
    assert said
    assert "buyer." not in said
    assert "BT-" not in said, "nobody types a business term here"


def test_terms_of_payment_beyond_the_law_are_warned_of(client: FlaskClient, bare: House) -> None:
    bare.sign_in(client, "owner")
    assert "L441-10" not in press(client, "/s/company/terms", terms_days="60").text
    assert "L441-10" in press(client, "/s/company/terms", terms_days="200").text


def test_what_a_profile_lacks_is_named_as_the_form_names_it(client: FlaskClient, bare: House) -> None:
    bare.sign_in(client, "owner")
    refused = press(client, "/s/company/terms", terms_days="30")
    assert refused.status_code == 422
    assert "Il manque au profil\u00a0: Adresse." in refused.text, re.findall(r"Il manque[^<]*", refused.text)


def test_a_file_that_is_no_picture_is_refused_in_one_language() -> None:
    with pytest.raises(PageError) as refused:
        read_logo(b"not a picture")
    assert "XML" not in refused.value.sentence_fr
    assert "PNG" in refused.value.sentence_fr


def test_the_sample_of_an_invoice_says_what_the_setting_does(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "owner")
    assert "jointe à ce courriel" not in client.get("/s/mails/kinds/invoice/page?in=fr").text


@pytest.mark.parametrize("role", ["owner", "sales"])
def test_the_menu_of_the_person_leads_to_their_own_access(client: FlaskClient, house: House, role: str) -> None:
    house.sign_in(client, role)
    page = client.get("/s/").text
    panel = page[page.index('class="panel"') : page.index('action="/sign-out"')]
    assert '<a class="button bare" href="/me">' in panel, "and does not claim to be there already"


def test_the_words_of_a_mail_and_its_preview_lead_to_each_other(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "owner")
    assert 'href="/s/mails/kinds/invoice"' in client.get("/s/settings/mail-texts/invoice").text
    assert 'href="/s/settings/mail-texts/invoice"' in client.get("/s/mails/kinds/invoice").text
    assert "/s/settings/mail-texts/" not in client.get("/s/mails/kinds/iban_changed").text
