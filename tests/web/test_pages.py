"""What customers and collectors read: figures that agree with the books, every state in words, files as files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from portal_house import build_house, press

from config.clock import today
from portal.app import create_app
from portal.telling.states import credit_left, state_of
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services


@pytest.fixture(scope="module")
def house(services: Services) -> House:
    """A house of these tests' own: they know its sums, and other files' tests issue more in the shared one."""
    return build_house(services)


def words(page: str) -> str:
    return re.sub(r"[\s\u00a0\u202f]+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&#39;", "'")


def test_the_customers_home_sums_what_is_due_late_on_its_way_and_available(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    shown = words(client.get("/c/").text)
    for expected in (
        "À payer 6 200,00 € 5 factures",
        "En retard 3 500,00 € 2 factures",
        "Paiements en cours 2 500,00 € 2 factures",
        "Avoirs disponibles 200,00 €",
    ):
        assert expected in shown


@pytest.mark.parametrize(
    ("narrowed", "states"),
    [
        ("all", {"due", "late", "paid", "part_paid", "in_flight", "mixed", "refunded", "credit"}),
        ("to_pay", {"due", "late", "part_paid", "mixed", "refunded"}),
        ("late", {"late", "refunded"}),
        ("in_flight", {"in_flight"}),
        ("paid", {"paid"}),
        ("credits", {"credit"}),
        ("nonsense", {"due", "late", "paid", "part_paid", "in_flight", "mixed", "refunded", "credit"}),
    ],
)
def test_filters_show_exactly_the_invoices_in_those_states(
    client: FlaskClient, house: House, narrowed: str, states: set[str]
) -> None:
    house.sign_in(client, "customer")
    page = client.get(f"/c/invoices?show={narrowed}").text
    assert {s for s, each in house.invoices.items() if f">{each.number}<" in page} == states


def test_the_search_takes_wildcards_as_they_are_typed(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    assert house.invoices["late"].number in client.get(f"/c/invoices?q={house.invoices['late'].number[2:]}").text
    for wild in ("%25", "_", "%5C"):
        assert "Aucune facture ne correspond" in client.get(f"/c/invoices?q={wild}").text


def test_older_invoices_follow_on_the_next_page(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    newest = re.findall(r'href="/c/invoices/([0-9a-f-]{36})"', client.get("/c/invoices").text)
    after = client.get(f"/c/invoices?after={newest[2]}").text
    assert re.findall(r'href="/c/invoices/([0-9a-f-]{36})"', after) == newest[3:]


def test_the_invoice_page_tells_its_life_to_the_customer_without_the_suppliers_own_business(
    client: FlaskClient, house: House
) -> None:
    path = f"invoices/{house.invoices['paid'].invoice_id}"
    house.sign_in(client, "customer")
    theirs = words(client.get(f"/c/{path}").text)
    house.sign_in(client, "collector")
    ours = words(client.get(f"/s/{path}").text)
    for both in ("Paiement reçu : 700,00 €", "Approuvée", "Encaissée", "TVA à 5,5 %"):
        assert both in theirs
        assert both in ours
    for internal in (
        "Lettrage AA",
        "Acceptée par la plateforme agréée",
        "Le montant par taux manque",
        "Document archivé",
    ):
        assert internal in ours
        assert internal not in theirs


def test_a_refund_is_told_with_its_amount_and_the_rest_asked_for_again(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    shown = words(client.get(f"/c/invoices/{house.invoices['refunded'].invoice_id}").text)
    assert "Remboursement : 100,00 €" in shown
    assert "Reste à payer 100,00 €" in shown


def test_files_are_handed_out_as_files_that_can_do_nothing(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    answer = client.get(f"/c/invoices/{house.invoices['paid'].invoice_id}/documents/{house.document_id}")
    number = house.invoices["paid"].number
    assert answer.data.startswith(f"facturx of {number}".encode())
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{number}.pdf"')
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.mimetype == "application/pdf"


def test_the_dashboard_agrees_with_the_exposure_of_the_books(client: FlaskClient, house: House) -> None:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        total = sum(exposure_of(work, each).total_minor for each in (house.customer_id, house.other_customer_id))
    house.sign_in(client, "collector")
    shown = words(client.get("/s/").text)
    assert total == 900000
    assert "Encours 9 000,00 €" in shown
    assert shown.index("Boulangerie Martin") < shown.index("Garage du Port"), "the most overdue customer comes first"
    assert "1 à 30 jours 4 000,00 €" in shown


def test_the_customer_page_shows_components_and_letters(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "collector")
    page = client.get(f"/s/customers/{house.customer_id}").text
    shown = words(page)
    assert "Factures ouvertes 6 200,00 €" in shown
    assert "Encours 8 500,00 €" in shown
    assert '<span class="letters">AA</span>' in page
    assert '<span class="letters">aa</span>' in page


def test_problems_are_told_in_plain_words_with_the_next_step(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "collector")
    shown = words(client.get("/s/problems").text)
    for expected in (
        "Un paiement est arrivé sans demande de notre part",
        "Une annonce n'est jamais partie",
        "La plateforme agréée a refusé un envoi",
        "En litige",
        "répondez au client",
    ):
        assert expected in shown


def test_a_mail_is_shown_as_text_whatever_it_holds(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "collector")
    page = client.get(f"/s/mails/{house.mail_id}").text
    assert "&lt;b&gt;merci&lt;/b&gt;" in page
    assert '<a href="http://127.0.0.1:8000/p/xyz"' in page


def test_the_open_book_of_mails_is_there_in_the_demonstration_only(
    client: FlaskClient, services: Services, house: House
) -> None:
    assert client.get("/demo/mails").status_code == 404
    settings = services.settings.model_copy(update={"demo": True})
    fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
    shown = create_app(type(services)(**{**fields, "settings": settings})).test_client()
    page = shown.get("/demo/mails").text
    assert "Votre lien de connexion" in page
    assert "aucun argent réel" in page
    assert shown.get(f"/demo/mails/{house.mail_id}").status_code == 200


def test_the_chosen_language_stays_chosen(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "customer")
    assert '<html lang="fr">' in client.get("/c/").text
    assert '<html lang="en">' in client.get("/c/?lang=en").text
    assert "To pay" in client.get("/c/").text


def test_names_with_markup_stay_text(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "collector")
    page = client.get("/s/?q=<b>x</b>").text
    assert "<b>x</b>" not in page
    assert press(client, "/switch", place="<script>").status_code == 303


def test_a_credit_note_that_is_used_up_says_so(house: House, services: Services) -> None:
    with services.works.begin(house.supplier.supplier_id) as work:
        credit, due = house.invoices["credit"], due_on_invoice(work, house.invoices["credit"].invoice_id)
        assert credit_left(work, credit) == credit.payable_minor
        assert credit_left(work, house.invoices["due"]) == 0
    assert state_of(credit, due, today(), credit.payable_minor) == "credit_open"
    assert state_of(credit, due, today(), 0) == "credit_used"
