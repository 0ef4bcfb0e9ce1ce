"""A customer reports a problem, a collector answers: in a browser's terms, with real files, mails and credit notes."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from dispute_builders import claim, receive, status_message
from ledger_builders import customer_facts, issue
from payment_sandbox import KEY
from portal_house import build_house, form_token, press
from stdnum import luhn

from config.clock import new_id, now
from einvoice.composing.seller import SellerProfile
from einvoice.document import Address
from payments.accounts import open_account
from payments.links import revoke_links
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from portal.documents.attachments import MOST_BYTES
from portal.documents.issuing import IssueOptions, issue_content, save_profile
from receivables.domain.conversations.disputes import Scope, State
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.services.accounting.checks import run_checks
from receivables.services.collecting.chasing import chase_state
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.conversations.disputes import disputes_on, events_of, get_dispute
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice

PDF, PNG = b"%PDF-1.7\n%...", b"\x89PNG\r\n\x1a\n..."
RIGHT = {"reason": "QTE_ERR", "scope": "whole", "said": "Il manque deux cartons."}


def words(page: str) -> str:
    return re.sub(r"[\s\u00a0\u202f]+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&#39;", "'").replace("&#34;", '"')


def submit(client: FlaskClient, path: str, files: list[tuple[bytes, str]] | None = None, **fields: Any) -> TestResponse:
    """Send a form with files, as a browser does."""
    data: dict[str, Any] = {"form_token": form_token(client), **fields}
    data["files"] = [(io.BytesIO(content), name) for content, name in files or [(b"", "")]]
    return client.post(path, data=data, headers={"Sec-Fetch-Site": "same-origin"}, content_type="multipart/form-data")


@pytest.fixture
def own(services: Services) -> House:
    """A house that no other test looks at."""
    return build_house(services)


def on(house: House, state: str) -> list[Any]:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return disputes_on(work, house.invoices[state].invoice_id)


def subjects(house: House) -> list[str]:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        rows = work.rows(
            "SELECT subject FROM mails WHERE supplier_id = :supplier AND mail_key LIKE 'dispute/%' ORDER BY created_at"
        )
    return [row["subject"] for row in rows]


def test_a_customer_reports_a_problem_from_the_pay_link(client: FlaskClient, own: House) -> None:
    link = own.links["due"]
    assert f'href="{link}/dispute"' in client.get(link).text
    assert client.get(f"{link}/dispute").status_code == 200
    sent = submit(client, f"{link}/dispute", [(PDF, "bon.pdf"), (PNG, "photo")], **RIGHT)
    assert (sent.status_code, sent.location) == (303, f"{link}#disputes")
    page = words(client.get(link).text)
    for expected in ("Litige en cours", "La quantité facturée n'est pas la bonne", "première réponse au plus tard le"):
        assert expected in page
    assert "statut 207 avec le motif QTE_ERR" in page
    assert "Il manque deux cartons" not in page, "a link is passed on: the customer's words stay with the supplier"
    assert "À payer au plus tard le" in page, "whoever wants to pay may"
    (dispute,) = on(own, "due")
    assert (dispute.reason, dispute.scope, dispute.opened_from) == ("QTE_ERR", Scope.WHOLE, "portal")
    with own.services.works.begin(own.supplier.supplier_id) as work:
        rows = work.rows(
            "SELECT filename, mime, sha256 FROM documents WHERE supplier_id = :supplier AND form = 'attachment' "
            "AND invoice_id = :invoice ORDER BY mime",
            invoice=own.invoices["due"].invoice_id,
        )
    assert [(row["filename"][9:], row["mime"]) for row in rows] == [
        ("bon.pdf", "application/pdf"),
        ("photo.png", "image/png"),
    ]
    assert own.services.archive.get(rows[0]["sha256"]) == PDF
    assert subjects(own)[-1].endswith(f"votre message sur la facture {own.invoices['due'].number}")


WRONG: dict[str, tuple[dict[str, Any], list[tuple[bytes, str]], str]] = {
    "no reason": ({"reason": ""}, [], "Choisissez ce qui ne va pas."),
    "an invented reason": ({"reason": "XXX"}, [], "Choisissez ce qui ne va pas."),
    "another reason without words": (
        {"reason": "AUTRE", "said": " "},
        [],
        "Dites en quelques mots ce qui ne va pas.",
    ),
    "too much": ({"scope": "amount", "amount": "1200,01"}, [], "Indiquez un montant entre 0,01 et 1 200,00 €."),
    "nothing": ({"scope": "amount", "amount": "0"}, [], "Indiquez un montant entre 0,01 et 1 200,00 €."),
    "no amount": ({"scope": "amount", "amount": "douze"}, [], "Indiquez un montant entre 0,01 et 1 200,00 €."),
    "no line": ({"scope": "lines"}, [], "Cochez au moins une ligne."),
    "a long text": ({"said": "x" * 4001}, [], "Le texte est trop long"),
    "four files": ({}, [(PDF, f"{n}.pdf") for n in range(4)], "Joignez au plus 3 fichiers."),
    "a program": ({}, [(b"MZ\x90\x00", "facture.pdf")], "« facture.pdf » n'est ni un PDF, ni une image"),
    "an empty file": ({}, [(b"", "vide.pdf")], "« vide.pdf » est vide."),
    "a large file": ({}, [(PDF + b"0" * MOST_BYTES, "gros.pdf")], "« gros.pdf » dépasse 5 Mo"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(client: FlaskClient, house: House, fault: str) -> None:
    fields, files, sentence = WRONG[fault]
    told = {**RIGHT, "said": "Voici mon <b>texte</b>.", **fields}
    answer = submit(client, f"{house.links['due']}/dispute", files, **told)
    assert answer.status_code == 422
    assert sentence in words(answer.text)
    if fault not in ("a long text", "another reason without words"):
        assert "Voici mon &lt;b&gt;texte&lt;/b&gt;." in answer.text
    if told["reason"] in ("QTE_ERR", "AUTRE"):
        assert f'value="{told["reason"]}" selected' in answer.text
    assert "aria-describedby" in answer.text
    assert on(house, "due") == []


def test_files_beyond_all_measure_get_a_clear_page(client: FlaskClient, house: House) -> None:
    answer = submit(client, f"{house.links['due']}/dispute", [(PDF + b"0" * MOST_BYTES, "x.pdf")] * 4, **RIGHT)
    assert answer.status_code == 413
    assert "votre texte y est encore" in words(answer.text)


def test_sent_twice_by_a_double_click_it_is_one_message(client: FlaskClient, own: House) -> None:
    once = client.get(f"{own.links['part_paid']}/dispute").text.partition('name="once" value="')[2].partition('"')[0]
    for _ in range(2):
        assert submit(client, f"{own.links['part_paid']}/dispute", once=once, **RIGHT).status_code == 303
    with own.services.works.begin(own.supplier.supplier_id) as work:
        events = events_of(work, own.invoices["part_paid"].invoice_id)
    assert [len(each) for each in events.values()] == [1]
    assert len(subjects(own)) == 1


def test_a_sender_of_many_messages_is_slowed_down_with_a_clear_page(client: FlaskClient, own: House) -> None:
    answers = [submit(client, f"{own.links['due']}/dispute", **{**RIGHT, "reason": ""}) for _ in range(6)]
    assert [each.status_code for each in answers] == [422] * 5 + [429]
    assert "Patientez un moment" in words(answers[-1].text)


def test_a_revoked_or_unknown_link_takes_nothing(client: FlaskClient, own: House) -> None:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        revoke_links(work, own.invoices["due"].invoice_id, "test")
    assert client.get(f"{own.links['due']}/dispute").status_code == 410
    assert submit(client, f"{own.links['due']}/dispute", **RIGHT).status_code == 410
    assert client.get("/p/nothing/dispute").status_code == 404
    assert on(own, "due") == []


def test_a_customer_who_is_signed_in_contests_their_own_invoices_only(client: FlaskClient, own: House) -> None:
    own.sign_in(client, "customer")
    path = f"/c/invoices/{own.invoices['due'].invoice_id}"
    assert f'href="{path}/dispute"' in client.get(path).text
    sent = submit(client, f"{path}/dispute", **{**RIGHT, "scope": "amount", "amount": "1 000,50 €"})
    assert (sent.status_code, sent.location) == (303, f"{path}#disputes")
    assert [each.amount_minor for each in on(own, "due")] == [100050]
    assert "Litige en cours" in client.get(path).text
    foreign = f"/c/invoices/{own.invoices['foreign'].invoice_id}/dispute"
    assert client.get(foreign).status_code == submit(client, foreign, **RIGHT).status_code == 404
    assert on(own, "foreign") == []


def test_a_consumer_gets_plain_words_and_no_codes(client: FlaskClient, own: House) -> None:
    facts = CustomerFacts("Mme Petit", CustomerKind.CONSUMER, email="petit@exemple.example")
    with own.services.works.begin(own.supplier.supplier_id) as work:
        invoice = issue(work, customer=facts)
        link = own.services.pay_link(work, invoice.invoice_id, "mail").removeprefix(own.services.settings.public_url)
    form = client.get(f"{link}/dispute").text
    assert "TX_TVA_ERR" not in form
    assert "plateforme agréée" not in form
    assert submit(client, f"{link}/dispute", **RIGHT).status_code == 303
    assert "plateforme agréée" not in words(client.get(link).text)


def test_wrong_bank_details_warn_the_payer_not_to_pay(client: FlaskClient, own: House) -> None:
    submit(client, f"{own.links['due']}/dispute", **{**RIGHT, "reason": "COORD_BANC_ERR"})
    assert "Ne payez pas avant notre réponse" in words(client.get(own.links["due"]).text)


@pytest.mark.parametrize(
    ("code", "sentence", "badge"),
    [
        ("210", "Vous l'avez refusée : il n'y a rien à payer ici.", "Refusée"),
        ("213", "Une plateforme l'a rejetée : elle ne vaut pas facture.", "Rejetée par une plateforme"),
        ("220", "Une autre facture la remplace : ne payez pas celle-ci.", "Annulée, remplacée"),
    ],
)
def test_an_ended_invoice_asks_for_nothing_and_says_why(
    client: FlaskClient, own: House, code: str, sentence: str, badge: str
) -> None:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        receive(work, own.invoices["due"], status_message(own.invoices["due"], code, "DOUBLON"))
        open_account(
            work,
            own.services.keyring,
            provider="stripe",
            key=KEY,
            webhook_secret="whsec_test",
            base_url="http://127.0.0.1:9",
            live=False,
        )
    page = client.get(own.links["due"])
    shown = words(page.text)
    assert sentence in shown
    assert badge in shown
    for hidden in ("/pay", "IBAN", "Signaler un problème", "À payer au plus tard"):
        assert hidden not in page.text.replace("/pay_", "")
    assert press(client, f"{own.links['due']}/pay").status_code == 409
    assert client.get(f"{own.links['due']}/dispute").location == own.links["due"]
    own.sign_in(client, "customer")
    assert sentence in words(client.get(f"/c/invoices/{own.invoices['due'].invoice_id}").text)
    assert badge in words(client.get("/c/invoices").text)
    assert own.invoices["due"].number not in client.get("/c/invoices?show=to_pay").text
    own.sign_in(client, "collector")
    staff = words(client.get(f"/s/invoices/{own.invoices['due'].invoice_id}").text)
    assert f"({code}) : 1 200,00 €" in staff
    assert "À ne pas relancer" in staff


def test_the_collectors_list_shows_what_is_due_when(client: FlaskClient, own: House) -> None:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        due, late = own.invoices["due"], own.invoices["foreign"]
        receive(work, due, status_message(due, "208", "JUSTIF_ABS", at=now()))
        receive(work, late, status_message(late, "207", "QTE_ERR", at=now() - timedelta(days=40)))
    own.sign_in(client, "auditor")
    page = words(client.get("/s/disputes").text)
    for expected in ("Il manque un document", "Document demandé", "Garage du Port", "Réponse en retard de", "400,00 €"):
        assert expected in page
    assert "Garage du Port" in client.get("/s/disputes?show=late").text
    assert "Boulangerie" not in client.get("/s/disputes?show=late").text
    assert "Garage" not in client.get("/s/disputes?team=sales_administration").text
    assert "Aucun litige" in client.get("/s/disputes?q=personne").text
    assert client.get("/s/disputes?show=x&team=x&after=x").status_code == 200


def test_a_list_longer_than_a_page_has_a_next_page(
    client: FlaskClient, own: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.staff.disputes import pages  # noqa: PLC0415 -- to make its pages short

    monkeypatch.setattr(pages, "PAGE", 2)
    with own.services.works.begin(own.supplier.supplier_id) as work:
        for n, reason in enumerate(("PU_ERR", "REM_ERR", "TX_TVA_ERR")):
            receive(work, own.invoices["due"], status_message(own.invoices["due"], "207", reason, hours=n))
    own.sign_in(client, "collector")
    first = client.get("/s/disputes").text
    more = re.search(r'href="(\?[^"]*after=[^"]*)"', first)
    assert more
    second = client.get("/s/disputes" + more[1].replace("&amp;", "&")).text
    assert len(re.findall(r'href="/s/disputes/[0-9a-f-]{36}"', first)) == 2
    assert len(re.findall(r'href="/s/disputes/[0-9a-f-]{36}"', second)) == 2
    assert "Litiges plus anciens" not in second


def test_a_collector_answers_and_the_customer_is_told(client: FlaskClient, own: House) -> None:
    path = f"/s/disputes/{own.dispute_id}"
    own.sign_in(client, "collector")
    once = client.get(path).text.partition('name="once" value="')[2].partition('"')[0]
    for _ in range(2):
        assert press(client, f"{path}/answer", said="Nous vérifions <vite>.", once=once).status_code == 303
    page = words(client.get(own.links["late"]).text)
    assert page.count("Nous vérifions &lt;vite&gt;.") == 1
    assert [each.partition(" : ")[2] for each in subjects(own)] == [
        f"réponse sur la facture {own.invoices['late'].number}"
    ]
    empty = press(client, f"{path}/answer", said="  ")
    assert (empty.status_code, "Écrivez au client ce que vous répondez." in words(empty.text)) == (422, True)


def test_an_auditor_reads_and_does_not_act(client: FlaskClient, own: House) -> None:
    own.sign_in(client, "auditor")
    page = client.get(f"/s/disputes/{own.dispute_id}")
    assert "Deux cartons manquent." in page.text
    assert f'action="/s/disputes/{own.dispute_id}' not in page.text


def test_documents_go_to_the_customer_and_wait_on_the_invoice(client: FlaskClient, own: House) -> None:
    path = f"/s/disputes/{own.dispute_id}"
    own.sign_in(client, "accountant")
    missing = submit(client, f"{path}/documents", said="Voici.")
    assert (missing.status_code, "Choisissez au moins un fichier." in missing.text) == (422, True)
    assert submit(client, f"{path}/documents", [(PDF, "bl.pdf")], said="Le bon de livraison.").status_code == 303
    page = words(client.get(path).text)
    assert "bl.pdf" in page
    assert "1 fichier" in page
    assert "Le bon de livraison." in page
    assert "Statut 209" not in page, "their platform never asked"
    found = re.findall(r"/s/invoices/[0-9a-f-]+/documents/[0-9a-f-]+", client.get(path).text)
    assert len(found) == 2
    fresh = client.application.test_client()
    own_path = re.search(r'href="(/p/[^"]+/documents/[^"]+)"', fresh.get(own.links["late"]).text)
    assert own_path
    assert fresh.get(own_path[1]).mimetype == "application/pdf"
    other = own.links["due"] + "/documents/" + own_path[1].rpartition("/")[2]
    assert fresh.get(other).status_code == 404, "only on the invoice that it was sent for"
    paid = own.links["paid"] + f"/documents/{own.document_id}"
    assert fresh.get(paid).status_code == 404, "no other file of an invoice"
    file = client.get(found[1])
    assert (file.data, file.mimetype) == (PDF, "application/pdf")
    assert "attachment" in file.headers["Content-Disposition"]
    assert subjects(own)[-1].endswith(f"documents pour la facture {own.invoices['late'].number}")


def test_a_rejection_needs_its_reason_and_the_customer_reads_it(client: FlaskClient, own: House) -> None:
    path = f"/s/disputes/{own.dispute_id}"
    own.sign_in(client, "owner")
    assert press(client, f"{path}/reject", said="").status_code == 422
    assert press(client, f"{path}/reject", said="Tout est signé.").status_code == 303
    shown = words(client.get(own.links["late"]).text)
    assert "Tout est signé." in shown
    assert "La facture est maintenue" in shown
    again = press(client, f"{path}/accept", amount="10", credit="")
    assert (again.status_code, "Ce litige est terminé" in words(again.text)) == (422, True)


def test_a_dispute_goes_to_another_team(client: FlaskClient, own: House) -> None:
    own.sign_in(client, "collector")
    assert press(client, f"/s/disputes/{own.dispute_id}/assign", owner="quality").status_code == 303
    assert [each.owner for each in on(own, "late")] == ["quality"]
    assert press(client, f"/s/disputes/{own.dispute_id}/assign", owner="nobody").status_code == 422


def test_a_refusal_is_a_task_until_somebody_says_it_is_done(client: FlaskClient, own: House) -> None:
    with own.services.works.begin(own.supplier.supplier_id) as work:
        receive(work, own.invoices["due"], status_message(own.invoices["due"], "210", "DOUBLON", at=now()))
    (dispute,) = on(own, "due")
    own.sign_in(client, "collector")
    path = f"/s/disputes/{dispute.dispute_id}"
    assert "Passez un avoir interne" in client.get(path).text
    assert press(client, f"{path}/close", said="Avoir A1, facture F9.").status_code == 303
    assert [(each.state, each.is_open) for each in on(own, "due")] == [(State.REFUSED, False)]
    assert press(client, f"{path}/close", said="").status_code == 422
    wrong = press(client, f"/s/disputes/{own.dispute_id}/close", said="")
    assert "Acceptez ou rejetez ce litige" in words(wrong.text)


def test_without_an_address_the_collector_is_told_to_tell(client: FlaskClient, own: House) -> None:
    facts = customer_facts("Sans Adresse", "552100554")
    with own.services.works.begin(own.supplier.supplier_id) as work:
        invoice = issue(work, customer=type(facts)("Sans Adresse", facts.kind, siren="404833048"))
        dispute = claim(work, invoice)
    own.sign_in(client, "collector")
    answer = press(client, f"/s/disputes/{dispute.dispute_id}/answer", said="Bien noté.")
    assert "prévenez-le vous-même" in words(client.get(answer.location).text)


def test_the_pages_speak_english(client: FlaskClient, own: House) -> None:
    assert "Report a problem" in client.get(f"{own.links['due']}/dispute?lang=en").text
    own.sign_in(client, "collector")
    assert "A first answer within two working days" in client.get("/s/disputes?lang=en").text
    shown = words(client.get(f"/s/disputes/{own.dispute_id}?lang=en").text)
    assert "The customer wrote on our page" in shown


def test_the_time_lines_tell_the_dispute(client: FlaskClient, own: House) -> None:
    invoice_id = own.invoices["late"].invoice_id
    own.sign_in(client, "customer")
    assert "Problème signalé : La quantité facturée" in words(client.get(f"/c/invoices/{invoice_id}").text)
    own.sign_in(client, "collector")
    page = words(client.get(f"/s/invoices/{invoice_id}").text)
    assert "Problème signalé : La quantité facturée" in page
    assert "À ne pas relancer, en litige : 400,00 €" in page
    assert "Reste à relancer : 3 000,00 €" in page


class Shop:
    """A supplier who issues real invoices, with a collector."""

    def __init__(self, services: Services) -> None:
        head = f"{new_id().int % 10**8:08d}"
        siren = head + luhn.calc_check_digit(head)
        self.services, self.supplier = services, create_supplier(services.database, siren, f"Atelier {siren}")
        profile = SellerProfile(
            name=self.supplier.name,
            siren=siren,
            address=Address("FR", "12 quai de la Fosse", postcode="44000", city="Nantes"),
            vat_id=f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}",
            iban="FR7630004000010008123450115",
        )
        with services.works.begin(self.supplier.supplier_id) as work:
            save_profile(work, profile)
        self.person = add_person(services.database, f"c@{siren}.example", "Camille")
        add_membership(services.database, self.person.person_id, self.supplier.supplier_id, Role.COLLECTOR)

    def issue(self) -> Invoice:
        body = {
            "buyer": {
                "name": "Boulangerie Martin",
                "siren": "732829320",
                "contact": {"email": "compta@boulangerie.example"},
                "address": {"line1": "1 rue du Four", "postcode": "75006", "city": "Paris", "country": "FR"},
            },
            "lines": [
                {"name": "Journée de conseil", "quantity": "4", "net_price": "250.00", "vat_rate": "20"},
                {"name": "Ouvrage", "quantity": "2", "net_price": "30.00", "vat_rate": "5.5"},
            ],
        }
        options = IssueOptions(supplier=self.supplier.siren)
        return issue_content(self.services, json.dumps(body).encode(), "invoice.json", options).invoice

    def sign_in(self, client: FlaskClient) -> None:
        client.set_cookie(
            "session", open_session(self.services.database, self.services.settings, self.person.person_id)
        )

    def link(self, invoice: Invoice) -> str:
        with self.services.works.begin(self.supplier.supplier_id) as work:
            url = self.services.pay_link(work, invoice.invoice_id, "mail")
        return url.removeprefix(self.services.settings.public_url)


@pytest.fixture(scope="module")
def shop(services: Services) -> Shop:
    return Shop(services)


def test_ticked_lines_are_contested_with_their_vat_and_accepted_by_a_credit_note(
    client: FlaskClient, shop: Shop
) -> None:
    invoice = shop.issue()
    link = shop.link(invoice)
    form = client.get(f"{link}/dispute").text
    assert "63,30" in form
    assert submit(client, f"{link}/dispute", **{**RIGHT, "scope": "lines", "line": ["2"]}).status_code == 303
    with shop.services.works.begin(shop.supplier.supplier_id) as work:
        (dispute,) = disputes_on(work, invoice.invoice_id)
    assert (dispute.amount_minor, dispute.line_ids) == (6330, ("2",))
    shop.sign_in(client)
    path = f"/s/disputes/{dispute.dispute_id}"
    assert "Ouvrage" in client.get(path).text
    assert press(client, f"{path}/accept", said="Avec nos excuses.", credit="yes").status_code == 303
    with shop.services.works.begin(shop.supplier.supplier_id) as work:
        decided = get_dispute(work, dispute.dispute_id)
        events = events_of(work, invoice.invoice_id)[dispute.dispute_id]
        note = get_invoice(work, events[-1].facts["credit_note_id"])
        subject = work.scalar(
            "SELECT subject FROM mails WHERE supplier_id = :supplier ORDER BY created_at DESC LIMIT 1"
        )
    assert (decided.state, note.type_code, note.payable_minor) == (State.ACCEPTED, "381", 6330)
    assert "acceptée" in subject
    shown = words(client.get(link).text)
    assert "Vous avez eu gain de cause" in shown
    assert "Avec nos excuses." in shown


def test_a_part_is_accepted_by_a_credit_note_of_that_amount_once(client: FlaskClient, shop: Shop) -> None:
    invoice = shop.issue()
    with shop.services.works.begin(shop.supplier.supplier_id) as work:
        dispute = claim(work, invoice, "PU_ERR")
    shop.sign_in(client)
    path = f"/s/disputes/{dispute.dispute_id}"
    for amount, sentence in (("5000", "au plus égal à la somme contestée"), ("rien", "« rien » n'est pas un montant")):
        wrong = press(client, f"{path}/accept", amount=amount, credit="yes", said="mes mots")
        assert (wrong.status_code, sentence in words(wrong.text), "mes mots" in wrong.text) == (422, True, True)
    assert press(client, f"{path}/accept", amount="100,00", credit="yes").status_code == 303
    assert press(client, f"{path}/accept", amount="100,00", credit="yes").status_code == 422
    with shop.services.works.begin(shop.supplier.supplier_id) as work:
        assert get_dispute(work, dispute.dispute_id).state is State.PARTLY
        credits_ = work.rows(
            "SELECT payable_minor FROM invoices WHERE supplier_id = :supplier AND type_code = '381' "
            "AND payable_minor = 10000"
        )
        assert len(credits_) == 1
        assert chase_state(work, invoice.invoice_id, invoice.due_on).holds == ()


def test_the_whole_is_accepted_with_another_correction_than_a_credit_note(client: FlaskClient, shop: Shop) -> None:
    invoice = shop.issue()
    with shop.services.works.begin(shop.supplier.supplier_id) as work:
        dispute = claim(work, invoice, "PU_ERR")
    shop.sign_in(client)
    assert press(client, f"/s/disputes/{dispute.dispute_id}/accept").status_code == 303
    page = words(client.get(f"/s/disputes/{dispute.dispute_id}").text)
    assert "Sans avoir" in page
    assert "1 263,30 €" in page


@pytest.mark.parametrize(
    ("scope", "amount", "left"),
    [("lines", "", 126330 - 6330), ("amount", "100", 126330 - 10000)],
    ids=["without_the_lines", "for_less"],
)
def test_a_corrective_invoice_takes_its_place_in_one_act(
    client: FlaskClient, shop: Shop, scope: str, amount: str, left: int
) -> None:
    invoice = shop.issue()
    told = {**RIGHT, "scope": scope, "line": ["2"], "amount": amount}
    assert submit(client, f"{shop.link(invoice)}/dispute", **told).status_code == 303
    with shop.services.works.begin(shop.supplier.supplier_id) as work:
        (dispute,) = disputes_on(work, invoice.invoice_id)
    shop.sign_in(client)
    path = f"/s/disputes/{dispute.dispute_id}"
    assert press(client, f"{path}/accept", by="corrective").status_code == 303
    with shop.services.works.begin(shop.supplier.supplier_id) as work:
        event = events_of(work, invoice.invoice_id)[dispute.dispute_id][-1]
        corrective = get_invoice(work, event.facts["corrective_id"])
        assert get_dispute(work, dispute.dispute_id).state is State.ACCEPTED
        assert due_on_invoice(work, invoice.invoice_id).state == "cancelled"
        assert {each.code: each.gap for each in run_checks(work) if each.gap} == {}
    assert (corrective.type_code, corrective.payable_minor) == ("384", left)
    assert "Facture rectificative émise" in words(client.get(path).text)


def test_a_collector_notes_what_a_customer_says(client: FlaskClient, shop: Shop) -> None:
    invoice = shop.issue()
    shop.sign_in(client)
    path = f"/s/disputes/new/{invoice.invoice_id}"
    assert "Noter un litige" in client.get(path).text
    assert press(client, path, reason="AUTRE").status_code == 422
    assert press(client, path, reason="PU_ERR", amount="dix").status_code == 422
    noted = press(client, path, reason="PU_ERR", amount="50", said="Prix de mars")
    assert noted.status_code == 303
    assert "Prix de mars" in client.get(noted.location).text


def test_an_amount_is_read_as_people_write_it() -> None:
    from portal.customer.disputing import read_amount  # noqa: PLC0415 -- of this test alone

    given = {
        "1 234,50 €": 123450,
        "12.3": 1230,
        "1\u202f000": 100000,
        "-5": None,
        "1e9": None,
        "": None,
        "1,234.5": None,
    }
    assert {typed: read_amount(typed, "EUR") for typed in given} == given
    assert read_amount("10.005", "EUR") is None
    assert read_amount("500", "JPY") == Decimal(500)


def test_a_status_of_the_customers_platform_and_their_message_here_are_one(
    app: Flask, client: FlaskClient, own: House
) -> None:
    assert app
    submit(client, f"{own.links['due']}/dispute", **RIGHT)
    with own.services.works.begin(own.supplier.supplier_id) as work:
        receive(work, own.invoices["due"], status_message(own.invoices["due"], "207", "QTE_ERR", at=now()))
    assert len(on(own, "due")) == 1
    assert "statut 207 avec le motif" not in words(client.get(own.links["due"]).text), "they have said so already"
