"""Messages on the pages: both sides read the same, notes stay inside, and a pay link's message waits for a mailbox."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, is_zipfile

import pytest
from ledger_builders import customer_facts, issue
from portal_house import build_house, form_token, press
from werkzeug.datastructures import FileStorage

from config.clock import new_id
from portal.access.limits import LIMITS
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.demo.messages import add_messages
from portal.evidence.bundle import make_evidence
from portal.staff.messages.people import colleagues_of
from receivables.domain.conversations.messages import Channel, Side, Subject
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.conversations.messaging import MOST_A_DAY, Say, say, write_note
from receivables.store.conversations.holding import MOST_HELD_A_DAY
from receivables.store.conversations.messages import count_unread, find_thread, messages_in
from receivables.store.customer_file.contacts import Contact, CustomerFile, add_contact, mark_mail, set_customer_file
from receivables.store.customer_file.journal import journal_of

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services
    from receivables.domain.conversations.messages import Message
    from receivables.store.work import Work

PDF = b"%PDF-1.7 bon de livraison"


@pytest.fixture(scope="module")
def house(services: Services) -> House:
    """A house of these tests' own: they write in it."""
    return build_house(services, "Atelier des Lettres")


class Talk:
    """A customer of its own with an invoice, and somebody who signs in for them."""

    def __init__(self, house: House, *, email: str | None = "") -> None:
        self.house = house
        name = f"Client {new_id().hex[-8:]}"
        self.email = f"{name.split()[1]}@client.example" if email == "" else email
        facts = customer_facts(name, f"{new_id().int % 10**9:09d}")
        with self.work() as work:
            invoice = issue(work, customer=type(facts)(facts.name, facts.kind, siren=facts.siren, email=self.email))
            self.link = house.services.pay_link(work, invoice.invoice_id, "mail").removeprefix(
                house.services.settings.public_url
            )
        self.invoice_id, self.customer_id, self.number = invoice.invoice_id, invoice.customer_id, invoice.number
        self.subject = Subject(self.customer_id, self.invoice_id)
        self.here, self.there = f"/c/messages/invoices/{self.invoice_id}", f"/s/messages/invoices/{self.invoice_id}"

    def work(self) -> Any:
        return self.house.services.works.begin(self.house.supplier.supplier_id)

    def customer(self, app: Flask) -> FlaskClient:
        person = add_person(self.house.services.database, f"{new_id().hex}@person.example", "Claire Martin")
        add_membership(
            self.house.services.database,
            person.person_id,
            self.house.supplier.supplier_id,
            Role.CUSTOMER,
            self.customer_id,
        )
        self.house.people[person.email] = person
        return self.signed_in(app, person.email)

    def signed_in(self, app: Flask, who: str = "collector") -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
        self.house.sign_in(client, who)
        return client

    def messages(self) -> list[Message]:
        with self.work() as work:
            thread = find_thread(work, self.subject)
            return messages_in(work, thread.thread_id) if thread else []

    def mails(self) -> list[dict[str, Any]]:
        with self.work() as work:
            rows = work.rows(
                "SELECT recipient, subject, text_body, html_body, mail_key FROM mails WHERE supplier_id = :supplier "
                "AND invoice_id = :invoice ORDER BY created_at, mail_id",
                invoice=self.invoice_id,
            )
        return [dict(row) for row in rows]

    def say(self, work: Work, said: str, side: Side = Side.CUSTOMER, **changes: Any) -> UUID:
        given = {"channel": Channel.PAGE, "actor": "test", "author": "Claire", "once": new_id().hex} | changes
        return say(work, Say(self.subject, side, said=said, **given)).message_id


@pytest.fixture
def talk(house: House) -> Talk:
    return Talk(house)


def send_file(client: FlaskClient, path: str, said: str, content: bytes = PDF, name: str = "bon.pdf") -> TestResponse:
    return client.post(
        path,
        data={
            "form_token": form_token(client),
            "said": said,
            "files": FileStorage(BytesIO(content), filename=name),
        },
        headers={"Sec-Fetch-Site": "same-origin"},
    )


def test_what_a_customer_writes_is_answered_and_each_side_reads_the_other(app: Flask, talk: Talk) -> None:
    customer, staff = talk.customer(app), talk.signed_in(app)
    assert press(customer, talk.here, said="Il manque deux cartons").status_code == 303
    assert "Non lu" in staff.get(f"/s/messages?q={talk.number}").text
    assert "Il manque deux cartons" in staff.get(talk.there).text
    assert "Sans réponse" in staff.get(f"/s/messages?show=waiting&q={talk.number}").text
    assert press(staff, f"{talk.there}/reply", said="Ils partent demain").status_code == 303
    assert "Nouveau" in customer.get("/c/messages").text
    assert "1 conversation avec du nouveau" in customer.get("/c/").text
    page = customer.get(talk.here).text
    assert "Ils partent demain" in page
    assert "Nouveau" not in customer.get("/c/messages").text
    assert "avec du nouveau" not in customer.get("/c/").text
    assert "Lu par le client" in staff.get(talk.there).text
    assert talk.number not in staff.get(f"/s/messages?show=waiting&q={talk.number}").text.partition("<section")[2]


def read_whole(content: bytes) -> str:
    """A page or a file as text, and of a zip what is packed in it."""
    if not is_zipfile(BytesIO(content)):
        return content.decode("utf-8", "replace")
    with ZipFile(BytesIO(content)) as packed:
        return "\n".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())


def test_no_way_of_a_customer_shows_an_internal_note(app: Flask, talk: Talk, house: House) -> None:
    secret, whisper = f"secret-{new_id().hex}", f"murmure-{new_id().hex}"
    customer, staff = talk.customer(app), talk.signed_in(app)
    press(staff, f"{talk.there}/note", said=whisper)
    assert talk.number not in customer.get("/c/messages").text, "notes alone begin no conversation for the customer"
    press(customer, talk.here, said="Bonjour")
    press(staff, f"{talk.there}/note", said=secret)
    press(staff, f"{talk.there}/reply", said="Bonjour aussi")
    press(staff, f"{talk.there}/reply", said="Reçu", do="insert", template="received")
    assert secret in staff.get(talk.there).text
    shown = [read_whole(customer.get(path).data) for path in _readable_by_customers(app, talk)]
    shown += [app.test_client().get(f"{talk.link}{end}").text for end in ("", "/message", "/dispute")]
    with talk.work() as work:
        shown.append(str(list(journal_of(work, talk.customer_id, internal=False))))
        shown.append(str(work.rows("SELECT payload FROM outbox WHERE supplier_id = :supplier")))
        shown.append(str(work.rows("SELECT details FROM audit_rows WHERE supplier_id = :supplier")))
        shown.append(str(work.rows("SELECT * FROM mails WHERE supplier_id = :supplier")))
        shown.append(str(work.rows("SELECT * FROM messages WHERE supplier_id = :supplier")))
    shown.append(read_whole(make_evidence(house.services, house.supplier.supplier_id, talk.invoice_id, "test").content))
    assert len(shown) > 20
    for text in shown:
        assert secret not in text
        assert whisper not in text


def _readable_by_customers(app: Flask, talk: Talk) -> list[str]:
    """Every address that a customer may open, with this customer's invoice in it where it takes one."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/c/") and "GET" in (rule.methods or ()):
            path = rule.rule.replace("<uuid:invoice_id>", str(talk.invoice_id))
            found.append(path if "<" not in path else "/c/messages")
    return sorted(set(found))


def test_a_note_changes_nothing_that_the_customer_could_notice(app: Flask, talk: Talk) -> None:
    customer, staff = talk.customer(app), talk.signed_in(app)
    press(customer, talk.here, said="Bonjour")
    press(staff, f"{talk.there}/reply", said="Oui ?")
    customer.get(talk.here)
    before = [re.sub(r'value="[^"]{20,}"', "", customer.get(path).text) for path in ("/c/messages", talk.here)]
    press(staff, f"{talk.there}/note", said="À surveiller")
    after = [re.sub(r'value="[^"]{20,}"', "", customer.get(path).text) for path in ("/c/messages", talk.here)]
    assert before == after


def test_another_customer_neither_reads_nor_writes_nor_fetches(app: Flask, house: House, talk: Talk) -> None:
    send_file(talk.customer(app), talk.here, "Voici")
    (message,) = talk.messages()
    stranger = Talk(house).customer(app)
    path = f"/c/messages/files/{message.message_id}/1"
    assert stranger.get(talk.here).status_code == 404
    assert press(stranger, talk.here, said="Coucou").status_code == 404
    assert stranger.get(path).status_code == 404
    assert "Voici" not in stranger.get("/c/messages").text
    assert talk.customer(app).get(path).data == PDF
    assert talk.signed_in(app).get(path.replace("/c/", "/s/")).data == PDF
    assert len(talk.messages()) == 1


def test_a_file_of_a_message_is_no_document_of_its_invoice(app: Flask, talk: Talk) -> None:
    send_file(talk.customer(app), talk.here, "Voici", name="confidentiel.pdf")
    assert "confidentiel" not in app.test_client().get(talk.link).text
    assert "confidentiel" not in talk.signed_in(app).get(f"/s/invoices/{talk.invoice_id}").text


def test_a_file_that_is_not_what_it_says_is_refused_and_the_text_is_kept(app: Flask, talk: Talk) -> None:
    answer = send_file(talk.customer(app), talk.here, "Voici le bon", b"MZ\x90", "bon.pdf")
    assert answer.status_code == 422
    assert "Voici le bon" in answer.text
    assert talk.messages() == []


def test_a_form_sent_twice_says_it_once_and_mails_it_once(app: Flask, talk: Talk) -> None:
    staff = talk.signed_in(app)
    once = re.search(r'name="once" value="([^"]+)"', staff.get(talk.there).text)
    assert once
    for _ in range(2):
        press(staff, f"{talk.there}/reply", said="Bonjour", once=once[1])
    assert len(talk.messages()) == 1
    assert len([each for each in talk.mails() if each["mail_key"].startswith("message/")]) == 1


def test_an_answer_is_mailed_to_the_contact_for_invoices_with_its_files(app: Flask, talk: Talk) -> None:
    with talk.work() as work:
        add_contact(
            work, Contact(None, talk.customer_id, "Compta", "billing", "compta@client.example", None, "en"), "t"
        )
    send_file(talk.signed_in(app), f"{talk.there}/reply", "Here is the delivery note")
    (mail,) = talk.mails()
    assert mail["recipient"] == "compta@client.example"
    assert "Here is the delivery note" in mail["text_body"]
    assert "writes to you about invoice" in mail["text_body"]
    assert "/p/" in mail["text_body"], "who does not sign in gets the invoice's link"
    with talk.work() as work:
        assert work.scalar(
            "SELECT count(*) FROM mail_files JOIN mails USING (supplier_id, mail_id) WHERE supplier_id = :supplier "
            "AND invoice_id = :invoice AND filename = 'bon.pdf'",
            invoice=talk.invoice_id,
        )


def test_html_in_a_message_is_text_on_pages_and_in_mails(app: Flask, talk: Talk) -> None:
    attack = "<img src=x onerror=alert(1)>"
    customer, staff = talk.customer(app), talk.signed_in(app)
    press(customer, talk.here, said=attack)
    press(staff, f"{talk.there}/reply", said=attack)
    assert attack not in staff.get(talk.there).text
    assert attack not in customer.get(talk.here).text
    assert attack not in talk.mails()[-1]["html_body"]


def test_where_no_mail_may_go_the_collector_is_told_so(app: Flask, house: House) -> None:
    talk = Talk(house)
    with talk.work() as work:
        mark_mail(work, talk.email or "", "bounced")
    answer = press(talk.signed_in(app), f"{talk.there}/reply", said="Bonjour")
    assert "told=no" in answer.location
    assert "pas prévenu par courriel" in talk.signed_in(app).get(answer.location.partition("#")[0]).text
    assert talk.mails() == []


def test_a_template_is_filled_with_the_invoice_and_put_behind_what_is_written(app: Flask, talk: Talk) -> None:
    staff = talk.signed_in(app)
    press(staff, "/s/messages/templates", name=f"Rappel {talk.number}", fr="Reste {reste} sur {facture}, {client}.")
    page = staff.get(talk.there).text
    key = re.search(rf'value="([^"]+)">Rappel {talk.number}<', page)
    assert key
    answer = press(staff, f"{talk.there}/reply", said="Bonjour Claire,", do="insert", template=key[1])
    assert answer.status_code == 200
    typed = answer.text.partition('id="said"')[2].partition("</textarea>")[0]
    assert f"Bonjour Claire,\n\nReste 100,00\xa0€ sur {talk.number}" in typed
    assert talk.messages() == [], "inserting says nothing yet"
    wrong = press(staff, "/s/messages/templates", name="Faux", fr="{iban}")
    assert wrong.status_code == 422
    assert "{iban}" in wrong.text
    press(staff, f"/s/messages/templates/{key[1]}/remove")
    assert f"Rappel {talk.number}" not in staff.get(talk.there).text


def test_a_closed_conversation_is_opened_by_the_customers_next_word(app: Flask, talk: Talk) -> None:
    customer, staff = talk.customer(app), talk.signed_in(app)
    press(customer, talk.here, said="Un")
    press(staff, f"{talk.there}/close", do="close")
    assert talk.number in staff.get(f"/s/messages?show=closed&q={talk.number}").text.partition("<section")[2]
    press(customer, talk.here, said="Deux")
    assert talk.number in staff.get(f"/s/messages?show=open&q={talk.number}").text.partition("<section")[2]


def test_mine_are_those_given_to_me_and_those_of_my_customers(app: Flask, talk: Talk, house: House) -> None:
    collector, owner = (house.people[who].person_id for who in ("collector", "owner"))
    press(talk.customer(app), talk.here, said="Bonjour")

    def mine(who: str) -> bool:
        page = talk.signed_in(app, who).get(f"/s/messages?whose=mine&q={talk.number}").text
        return talk.number in page.partition("<section")[2]

    assert not mine("collector")
    with talk.work() as work:
        set_customer_file(work, CustomerFile(talk.customer_id, collector), "test")
    assert (mine("collector"), mine("owner")) == (True, False)
    press(talk.signed_in(app), f"{talk.there}/assign", person=str(owner))
    assert (mine("collector"), mine("owner")) == (False, True)
    assert press(talk.signed_in(app), f"{talk.there}/assign", person=str(new_id())).status_code == 404
    assert house.people["auditor"].person_id not in {
        each.person_id for each in colleagues_of(house.services.database, house.supplier.supplier_id)
    }


def test_the_collector_of_a_customer_is_told_by_mail_and_the_mail_cannot_be_answered(
    app: Flask, talk: Talk, house: House
) -> None:
    collector = house.people["collector"]
    with talk.work() as work:
        set_customer_file(work, CustomerFile(talk.customer_id, collector.person_id), "test")
    press(talk.customer(app), talk.here, said="Où en est ma commande ?")
    (mail,) = talk.mails()
    assert mail["recipient"] == collector.email
    assert "Où en est ma commande ?" in mail["text_body"]
    assert talk.there in mail["text_body"]


def test_somebody_who_has_left_is_told_nothing_more(app: Flask, talk: Talk, house: House) -> None:
    left = add_person(house.services.database, f"{new_id().hex}@left.example", "Partie")
    with talk.work() as work:
        set_customer_file(work, CustomerFile(talk.customer_id, left.person_id), "test")
    press(talk.customer(app), talk.here, said="Bonjour")
    assert talk.mails() == []


def test_unread_is_counted_for_each_person(app: Flask, talk: Talk, house: House) -> None:
    press(talk.customer(app), talk.here, said="Bonjour")
    collector, owner = (house.people[who].person_id for who in ("collector", "owner"))

    def unread() -> tuple[int, int]:
        with talk.work() as work:
            return count_unread(work, collector), count_unread(work, owner)

    before = unread()
    assert "avec du nouveau" in talk.signed_in(app).get("/s/").text
    talk.signed_in(app).get(talk.there)
    assert unread() == (before[0] - 1, before[1])


def test_an_auditor_reads_and_finds_no_form(app: Flask, talk: Talk) -> None:
    press(talk.customer(app), talk.here, said="Bonjour")
    auditor = talk.signed_in(app, "auditor")
    page = auditor.get(talk.there).text
    assert "Bonjour" in page
    assert 'name="said"' not in page
    assert press(auditor, f"{talk.there}/reply", said="x").status_code == 404


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch, services: Services) -> Flask:
    """An app that does not count calls: these tests call more often than people do."""
    from portal.app import create_app  # noqa: PLC0415 -- after the limits are lifted

    for name in ("link_messages.send", "link_messages.settle"):
        monkeypatch.delitem(LIMITS, name)
    return create_app(services)


def ask_by_link(app: Flask, talk: Talk, said: str = "Je paie lundi") -> str:
    """Write behind the link; returns the path in the mail that asks."""
    client = app.test_client()
    answer = press(client, f"{talk.link}/message", name="Claire", said=said)
    assert answer.status_code == 303, answer.text
    found = re.search(r"/m/\S+", talk.mails()[-1]["text_body"])
    assert found
    return found[0]


def test_a_message_from_a_pay_link_is_said_only_once_the_mailbox_confirms(patient: Flask, talk: Talk) -> None:
    path = ask_by_link(patient, talk)
    (mail,) = talk.mails()
    assert mail["recipient"] == talk.email
    assert "Je paie lundi" not in mail["text_body"] + mail["html_body"], "a stranger must not write mails through us"
    assert talk.messages() == []
    client = patient.test_client()
    assert "Je paie lundi" in client.get(path).text
    assert talk.messages() == [], "looking says nothing: mail programs look too"
    assert press(client, path, do="say").status_code == 200
    (message,) = talk.messages()
    assert (message.said, message.channel, message.author) == ("Je paie lundi", Channel.LINK, "Claire")
    assert client.get(path).status_code == 410
    assert press(client, path, do="say").status_code == 410
    assert len(talk.messages()) == 1


def test_a_message_that_the_mailbox_refuses_is_never_said(patient: Flask, talk: Talk) -> None:
    path = ask_by_link(patient, talk)
    assert "ne partira pas" in press(patient.test_client(), path, do="refuse").text
    assert press(patient.test_client(), path, do="say").status_code == 410
    assert talk.messages() == []


def test_a_pay_link_reads_nothing_of_the_conversation(patient: Flask, talk: Talk) -> None:
    press(talk.signed_in(patient), f"{talk.there}/reply", said="Entre nous")
    client = patient.test_client()
    for end in ("", "/message", "/message?sent=1"):
        page = client.get(f"{talk.link}{end}").text
        assert "Entre nous" not in page
        assert (talk.email or "") not in page, "the address on record is not told either"


def test_a_pay_link_cannot_fill_a_mailbox(patient: Flask, talk: Talk) -> None:
    for _ in range(MOST_HELD_A_DAY):
        ask_by_link(patient, talk)
    answer = press(patient.test_client(), f"{talk.link}/message", name="Claire", said="Encore")
    assert answer.status_code == 422
    assert len(talk.mails()) == MOST_HELD_A_DAY


def test_without_a_mailbox_on_record_a_pay_link_offers_no_form(patient: Flask, house: House) -> None:
    talk = Talk(house, email=None)
    page = patient.test_client().get(f"{talk.link}/message").text
    assert 'name="said"' not in page
    assert press(patient.test_client(), f"{talk.link}/message", name="Claire", said="Bonjour").status_code == 422
    assert talk.mails() == []


def test_made_up_confirmations_lead_nowhere(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/m/xyz").status_code == 404
    assert client.get(f"/m/{'A' * 64}").status_code == 410


def test_an_invoice_of_somebody_else_cannot_be_a_subject(house: House, talk: Talk) -> None:
    other = Talk(house)
    with pytest.raises(NotFoundError), talk.work() as work:
        write_note(work, Subject(talk.customer_id, other.invoice_id), "t", "t", "x", once="1")


def test_a_customer_who_writes_all_day_is_stopped_and_we_may_still_answer(talk: Talk) -> None:
    with talk.work() as work:
        for number in range(MOST_A_DAY):
            talk.say(work, f"{number}")
    with pytest.raises(ReceivablesError, match="wait for their answers"), talk.work() as work:
        talk.say(work, "encore")
    with talk.work() as work:
        talk.say(work, "Une réponse", Side.SUPPLIER)


def test_the_demonstration_has_conversations_with_a_note_and_a_template(app: Flask, talk: Talk, house: House) -> None:
    talk.customer(app)
    payer = next(email for email in reversed(house.people) if "@person" in email)
    collector = house.people["collector"].email
    supplier_id = house.supplier.supplier_id
    assert add_messages(house.services, supplier_id, talk.customer_id, payer, collector) == 2
    assert "bon de commande" in talk.signed_in(app).get(talk.there).text
