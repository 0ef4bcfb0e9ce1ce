"""The queue of proposals, one line, other invoices, and the question to a customer, as a browser uses them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from matching_builders import ask_about, balance, bill, credit_line, first_proposal, match, open_of
from portal_house import build_house, press

from payments.banking.lines import get_line
from payments.matching.asking import PAYER_ASKED, ask_payers, questions_for
from portal.background.duties import build_worker

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice


@pytest.fixture
def own(services: Services) -> House:
    """A house that no other test looks at."""
    return build_house(services)


def words(page: str) -> str:
    plain = re.sub(r"[\s\u00a0\u202f]+", " ", re.sub(r"<[^>]+>", " ", page))
    return plain.replace("&#39;", "'").replace("&#34;", '"')


def short_paid(house: House) -> tuple[Invoice, UUID]:
    """990 for an invoice of 1,000, proposed."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        invoice = bill(work, 100_000)
        line_id = credit_line(work, 99_000, f"FACT {invoice.number}")
        assert match(work, line_id).state == "proposed"
    return invoice, line_id


def test_the_queue_shows_why_and_confirms_in_one_gesture(client: FlaskClient, own: House) -> None:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        first, _ = bill(work, 12_037), bill(work, 12_037)
        line_id = credit_line(work, 12_037)
        match(work, line_id)
        proposal = first_proposal(work, line_id)
    own.sign_in(client, "collector")
    page = client.get("/s/matching")
    assert "DUPONT ET FILS" in page.text
    assert first.number in page.text
    assert "Nom du client" in page.text
    answer = press(client, f"/s/matching/proposals/{proposal.proposal_id}", **{"from": "queue"})
    assert answer.location == "/s/matching?done=1"
    with own.services.works.begin(own.supplier.supplier_id) as work:
        assert get_line(work, line_id).state == "matched"


def test_this_990_pays_the_1000_says_what_it_books_and_then_books_it(client: FlaskClient, own: House) -> None:
    invoice, line_id = short_paid(own)
    own.sign_in(client, "accountant")
    page = words(client.get(f"/s/matching/lines/{line_id}").text)
    assert "990,00 € du 471 au compte client 411 ; 10,00 € du 411 au 658 : rien ne reste à payer" in page
    assert "10,00 € restent à payer" in page
    with own.services.works.begin(own.supplier.supplier_id) as work:
        proposal = first_proposal(work, line_id)
    assert press(client, f"/s/matching/proposals/{proposal.proposal_id}", rest="waiver").status_code == 303
    with own.services.works.begin(own.supplier.supplier_id) as work:
        assert (open_of(work, invoice), balance(work, "658")) == (0, 1_000)


def test_a_second_confirmation_says_that_it_is_decided(client: FlaskClient, own: House) -> None:
    _, line_id = short_paid(own)
    own.sign_in(client, "collector")
    with own.services.works.begin(own.supplier.supplier_id) as work:
        proposal = first_proposal(work, line_id)
    for status in (303, 422):
        assert press(client, f"/s/matching/proposals/{proposal.proposal_id}").status_code == status


def test_other_invoices_are_chosen_with_their_amounts_and_what_was_typed_is_kept(
    client: FlaskClient, own: House
) -> None:
    invoice, line_id = short_paid(own)
    own.sign_in(client, "collector")
    path = f"/s/matching/lines/{line_id}/choose"
    assert "Dupont et Fils SARL" in client.get(f"{path}?q=dupont").text
    form = client.get(f"{path}?customer={invoice.customer_id}")
    assert invoice.number in form.text
    told = {"customer": str(invoice.customer_id), f"invoice-{invoice.invoice_id}": "mille"}
    refused = press(client, path, **told)
    assert refused.status_code == 422
    assert 'value="mille"' in refused.text
    assert press(client, path, **told | {f"invoice-{invoice.invoice_id}": "500,00"}).status_code == 303
    with own.services.works.begin(own.supplier.supplier_id) as work:
        assert open_of(work, invoice) == 50_000


def test_a_line_is_put_aside_and_a_match_undone_with_a_reason(client: FlaskClient, own: House) -> None:
    invoice, line_id = short_paid(own)
    own.sign_in(client, "collector")
    assert press(client, f"/s/matching/lines/{line_id}/aside").status_code == 303
    with own.services.works.begin(own.supplier.supplier_id) as work:
        assert get_line(work, line_id).state == "unidentified"
        proposal = first_proposal(work, line_id)
    press(client, f"/s/matching/proposals/{proposal.proposal_id}")
    assert press(client, f"/s/matching/lines/{line_id}/undo", reason="").status_code == 422
    assert press(client, f"/s/matching/lines/{line_id}/undo", reason="Mauvais client").status_code == 303
    with own.services.works.begin(own.supplier.supplier_id) as work:
        assert open_of(work, invoice) == 100_000


def test_known_payers_are_listed_and_forgotten(client: FlaskClient, own: House) -> None:
    invoice, line_id = short_paid(own)
    own.sign_in(client, "collector")
    with own.services.works.begin(own.supplier.supplier_id) as work:
        proposal = first_proposal(work, line_id)
    press(client, f"/s/matching/proposals/{proposal.proposal_id}")
    assert "Dupont et Fils" in client.get("/s/matching/payers").text
    press(client, f"/s/matching/payers/{invoice.customer_id}/forget", iban="", name="DUPONT ET FILS")
    assert "DUPONT ET FILS" not in client.get("/s/matching/payers").text


def test_a_customer_is_asked_at_home_and_sees_nothing_of_the_payer(client: FlaskClient, own: House) -> None:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        line_id = credit_line(
            work, 4_711, "SECRET 42", payer="GARAGE DE LA GARE", counterparty_iban="FR7610107001011234567890129"
        )
        match(work, line_id)
        question = ask_about(work, line_id, own.customer_id)
    own.sign_in(client, "customer")
    home = client.get("/c/").text
    assert "Nous avons reçu 47,11 € le 12 nov. 2026 de « GA… » : est-ce vous ?" in words(home)
    for page in (home, client.get(f"/c/questions/{question}").text):
        for secret in ("GARAGE", "FR761010", "SECRET"):
            assert secret not in page
    assert press(client, f"/c/questions/{question}", ours="yes", said="C'est nous").status_code == 303
    assert "47,11" not in client.get("/c/").text
    with own.services.works.begin(own.supplier.supplier_id) as work:
        assert questions_for(work, own.customer_id) == []
        assert first_proposal(work, line_id).customer_id == own.customer_id
        assert get_line(work, line_id).state == "proposed"


def test_a_collector_asks_the_customers_of_the_proposals_alone(client: FlaskClient, own: House) -> None:
    invoice, line_id = short_paid(own)
    own.sign_in(client, "collector")
    stranger = press(client, f"/s/matching/lines/{line_id}/ask", customer=str(own.other_customer_id))
    assert stranger.status_code == 422
    assert press(client, f"/s/matching/lines/{line_id}/ask", customer=str(invoice.customer_id)).status_code == 303
    assert "pas encore de réponse" in client.get(f"/s/matching/lines/{line_id}").text


def test_the_pages_speak_english(client: FlaskClient, own: House) -> None:
    _, line_id = short_paid(own)
    own.sign_in(client, "collector")
    page = words(client.get(f"/s/matching/lines/{line_id}?lang=en").text)
    assert "Invoice number F" in page
    assert "Leave the rest open" in page


def test_whoever_is_asked_gets_one_mail_that_says_no_more_than_their_page(services: Services, own: House) -> None:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        invoice = bill(work, 61_037)
        line_id = credit_line(work, 61_037, payer="HOLDING KERGUELEN", counterparty_iban="FR7630004000031234567890143")
        match(work, line_id)
        question_id = ask_about(work, line_id, invoice.customer_id)
        ask_payers(work, line_id, [invoice.customer_id], "person test")
    worker = build_worker(services)
    for _ in range(2):
        worker.drain_outbox_of(own.supplier.supplier_id, PAYER_ASKED)
    with own.services.works.begin(own.supplier.supplier_id) as work:
        (mail,) = work.rows(
            "SELECT subject, text_body FROM mails WHERE supplier_id = :supplier AND starts_with(mail_key, 'question/')"
        )
    assert words(mail["subject"]).endswith("ce paiement de 610,37 € est-il le vôtre ?")
    assert f"/c/questions/{question_id}" in mail["text_body"]
    for secret in ("KERGUELEN", "FR76", "0143"):
        assert secret not in mail["text_body"]
