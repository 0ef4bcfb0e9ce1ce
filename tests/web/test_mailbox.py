"""The bridge to mail, over a real SMTP and a real IMAP server: out with an address to answer to, and back in."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.policy import SMTP
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from ledger_builders import customer_facts, issue
from mail_servers import imap_server, smtp_server
from pydantic import SecretStr, ValidationError

from config.clock import new_id
from config.settings import Settings
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.background.duties import build_worker
from portal.hooks.mail import MailHook
from portal.mail.message_mails import write_message_mail
from portal.mail.post import send_due_mails
from portal.mail.readers import reader_of
from portal.mailbox.addresses import close_addresses
from portal.mailbox.imap import MailboxError, look_into_mailbox
from portal.mailbox.reading import parse_mail
from portal.mailbox.receiving import take_in
from portal.mailbox.returning import is_closed, resume_address, send_again
from receivables.domain.conversations.messages import Channel, Side, Subject
from receivables.services.collecting.tasking import open_tasks
from receivables.services.conversations.messaging import Say, say
from receivables.store.conversations.messages import find_thread, messages_in
from receivables.store.customer_file.contacts import (
    Contact,
    CustomerFile,
    add_contact,
    change_contact,
    contacts_of,
    recipient_for,
    remove_contact,
    set_customer_file,
)
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.journal import journal_of
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mail_servers import ImapBox, Postbox, Sent

    from portal.wiring import Services
    from receivables.domain.conversations.messages import Message

HOOK_SECRET = "a secret of a mail service, long enough"
PDF = b"%PDF-1.7 bon"


@dataclass
class Bridge:
    """A house with a mailbox, and one customer who is written to."""

    services: Services
    postbox: Postbox
    imap: ImapBox
    supplier_id: Any = None
    subject: Any = None
    email: str = ""

    def begin(self) -> None:
        """A supplier and a customer of their own."""
        supplier = create_supplier(self.services.database, f"{new_id().int % 10**9:09d}", "Atelier Lumière")
        self.supplier_id, self.email = supplier.supplier_id, f"{new_id().hex}@client.example"
        with self.work() as work:
            facts = customer_facts()
            invoice = issue(work, customer=type(facts)(facts.name, facts.kind, siren=facts.siren, email=self.email))
        self.subject = Subject(invoice.customer_id, invoice.invoice_id)

    def work(self) -> Any:
        return self.services.works.begin(self.supplier_id)

    def write(self, said: str = "Bonjour, quand payez-vous ?") -> Sent:
        """Write to the customer; what the mail server was given."""
        with self.work() as work:
            command = Say(self.subject, Side.SUPPLIER, Channel.PAGE, "test", "Camille", said, new_id().hex)
            done = say(work, command)
            assert write_message_mail(self.services, work, done.thread, done.message_id)
        before = len(self.postbox.sent)
        send_due_mails(self.services, self.supplier_id)
        assert len(self.postbox.sent) == before + 1
        return self.postbox.sent[-1]

    def answer(self, sent: Sent, said: str, *, sender: str | None = None, file: bytes | None = None) -> EmailMessage:
        """An answer as a mail program writes it."""
        mail = EmailMessage()
        mail["From"] = f"Claire Martin <{sender or self.email}>"
        mail["To"] = sent.mail["Reply-To"]
        mail["Subject"] = f"Re: {sent.mail['Subject']}"
        mail["Message-ID"] = f"<{new_id().hex}@client.example>"
        mail["In-Reply-To"] = sent.mail["Message-ID"]
        quoted = sent.mail.get_body(("plain",)).get_content().replace("\n", "\n> ")  # type: ignore[union-attr]
        mail.set_content(f"{said}\n\nLe lun. 2 nov. 2026 à 10:03, Atelier Lumière a écrit :\n> {quoted}\n")
        if file is not None:
            mail.add_attachment(file, maintype="application", subtype="octet-stream", filename="bon.pdf")
        return mail

    def deliver(self, mail: EmailMessage) -> None:
        """Into the mailbox, from there into the inbox, and into the conversation."""
        self.imap.deliver(mail.as_bytes(policy=SMTP))
        look_into_mailbox(self.services)
        self.drain()

    def drain(self) -> None:
        build_worker(self.services).drain_inbox_of(self.supplier_id)

    def messages(self, side: Side = Side.CUSTOMER) -> list[Message]:
        with self.work() as work:
            thread = find_thread(work, self.subject)
            return [each for each in messages_in(work, thread.thread_id) if each.side is side] if thread else []

    def inbox(self) -> list[tuple[str, str | None]]:
        with self.work() as work:
            rows = work.rows("SELECT state, reason FROM inbox WHERE supplier_id = :supplier ORDER BY inbox_id")
        return [(row["state"], row["reason"]) for row in rows]


@pytest.fixture(scope="module")
def running(services: Services) -> Iterator[Bridge]:
    with smtp_server() as (smtp_url, postbox), imap_server() as imap:
        settings = services.settings.model_copy(
            update={
                "smtp_url": smtp_url,
                "imap_url": SecretStr(imap.url),
                "mail_from": "Atelier <factures@ours.example>",
                "mail_reply_address": "reponse+{token}@ours.example",
                "mail_hook_secret": SecretStr(HOOK_SECRET),
                "max_mail_bytes": 200_000,
            }
        )
        fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
        yield Bridge(type(services)(**{**fields, "settings": settings}), postbox, imap)


@pytest.fixture
def bridge(running: Bridge) -> Bridge:
    running.begin()
    return running


def test_an_answer_by_mail_lands_in_the_conversation_without_what_it_quotes(bridge: Bridge) -> None:
    sent = bridge.write()
    assert sent.rcpt_to == [bridge.email]
    assert sent.mail_from == "reponse+retour@ours.example"
    bridge.deliver(bridge.answer(sent, "Le virement part demain.", file=PDF))
    (message,) = bridge.messages()
    assert message.said == "Le virement part demain."
    assert (message.author, message.channel, message.known) == ("Claire Martin", Channel.MAIL, True)
    assert [each.filename.partition("-")[2] for each in message.files] == ["bon.pdf"]
    with bridge.work() as work:
        thread = find_thread(work, bridge.subject)
        assert thread is not None
        assert thread.waiting_since is not None
    assert bridge.imap.flags() == ["\\Seen"]


def test_the_same_mail_brought_twice_by_both_roads_is_said_once(bridge: Bridge) -> None:
    mail = bridge.answer(bridge.write(), "Une fois")
    bridge.deliver(mail)
    bridge.deliver(mail)
    assert take_in(bridge.services, mail.as_bytes(policy=SMTP)).why is None
    raw = b"X-Original-To: somebody@else.example\r\n" + mail.as_bytes(policy=SMTP)
    assert take_in(bridge.services, raw).why is None
    bridge.drain()
    assert [each.said for each in bridge.messages()] == ["Une fois"]


def test_an_unknown_sender_is_taken_and_shown_as_unknown(bridge: Bridge) -> None:
    bridge.deliver(bridge.answer(bridge.write(), "Je réponds pour elle", sender="paul@ailleurs.example"))
    (message,) = bridge.messages()
    assert (message.known, message.address) == (False, "paul@ailleurs.example")
    assert bridge.write("Merci").rcpt_to == [bridge.email], "and nobody is written to because a mail says so"


def test_a_contact_who_was_removed_is_no_known_sender_any_more(bridge: Bridge) -> None:
    with bridge.work() as work:
        left = Contact(
            None, bridge.subject.customer_id, "Parti", "billing", f"{new_id().hex}@client.example", None, "fr"
        )
        contact = add_contact(work, left, "test")
    sent = bridge.write()
    assert sent.rcpt_to == [contact.email]
    with bridge.work() as work:
        assert contact.contact_id is not None
        remove_contact(work, contact.contact_id, "test")
    bridge.deliver(bridge.answer(sent, "C'est encore moi", sender=contact.email))
    (message,) = bridge.messages()
    assert not message.known
    assert bridge.write("Merci").rcpt_to == [bridge.email]


@pytest.mark.parametrize("name", ["Auto-Submitted", "X-Autoreply", "List-Id"])
def test_answering_machines_are_not_heard(bridge: Bridge, name: str) -> None:
    mail = bridge.answer(bridge.write(), "Je suis absente jusqu'au 12")
    mail[name] = "auto-replied"
    bridge.deliver(mail)
    assert bridge.messages() == []
    assert bridge.inbox() == []
    assert sorted(bridge.imap.flags()) == ["\\Flagged", "\\Seen"], "it stays in the mailbox, for whoever looks there"


def test_our_own_mail_that_comes_back_to_us_makes_no_loop(bridge: Bridge) -> None:
    sent = bridge.write()
    looped = EmailMessage()
    looped["From"], looped["To"] = sent.mail["Reply-To"], sent.mail["Reply-To"]
    looped.set_content("Bonjour")
    bridge.deliver(looped)
    assert bridge.messages() == []


@pytest.mark.parametrize("token", ["a" * 52, "b" * 51, "é" * 52, "retour", ""])
def test_addresses_that_were_made_up_lead_nowhere(bridge: Bridge, token: str) -> None:
    mail = EmailMessage()
    mail["From"] = "claire@client.example"
    mail["X-Original-To"] = f"reponse+{token}@ours.example"
    mail.set_content("Bonjour")
    assert take_in(bridge.services, mail.as_bytes(policy=SMTP.clone(utf8=True))).why == "nobody"


def test_one_suppliers_address_says_nothing_at_another(bridge: Bridge) -> None:
    first = bridge.write()
    ours = (bridge.supplier_id, bridge.subject)
    bridge.begin()
    bridge.write()
    taken = take_in(bridge.services, bridge.answer(first, "Pour le premier").as_bytes(policy=SMTP))
    assert taken.supplier_id == ours[0]
    bridge.drain()
    assert bridge.messages() == []
    bridge.supplier_id, bridge.subject = ours
    bridge.drain()
    assert [each.said for each in bridge.messages()] == ["Pour le premier"]


def test_closed_addresses_take_no_more_mail_and_are_not_given_out_again(bridge: Bridge) -> None:
    sent = bridge.write()
    with bridge.work() as work:
        assert close_addresses(work, bridge.subject, "test") == 1
    assert take_in(bridge.services, bridge.answer(sent, "Encore").as_bytes(policy=SMTP)).why == "nobody"
    assert bridge.write().mail["Reply-To"] is None


def test_files_are_judged_by_what_is_in_them_and_the_others_are_named(bridge: Bridge) -> None:
    mail = bridge.answer(bridge.write(), "Voici", file=b"MZ\x90 a program called bon.pdf")
    for number in range(4):
        mail.add_attachment(PDF + b"%d" % number, maintype="application", subtype="pdf", filename=f"{number}.pdf")
    bridge.deliver(mail)
    (message,) = bridge.messages()
    assert [each.filename.partition("-")[2] for each in message.files] == ["0.pdf", "1.pdf", "2.pdf"]
    assert [each.split()[1] for each in message.left_out] == ["bon.pdf", "3.pdf"]


def test_a_mail_that_is_too_large_is_not_fetched_and_stays(bridge: Bridge) -> None:
    bridge.deliver(bridge.answer(bridge.write(), "x" * 300_000))
    assert bridge.messages() == []
    assert bridge.inbox() == []
    assert bridge.imap.unread() == 0


def test_a_bounce_stops_mails_to_its_address_and_the_journal_says_why(bridge: Bridge) -> None:
    sent = bridge.write()
    bridge.deliver(report_on(sent, bridge.email))
    with bridge.work() as work:
        assert recipient_for(work, bridge.subject.customer_id, "billing") is None
        told = [
            each for each in journal_of(work, bridge.subject.customer_id, internal=True) if each.kind == "mail.bounced"
        ]
        assert work.scalar("SELECT state FROM mails WHERE supplier_id = :supplier") == "bounced"
    assert [each.facts["address"] for each in told] == [bridge.email]
    assert bridge.messages() == []


def test_after_a_bounce_the_collector_is_told_and_mails_take_another_address(bridge: Bridge) -> None:
    """The whole way: report by IMAP, address closed, mail and task for the collector, next contact, new address."""
    services, customer_id = bridge.services, bridge.subject.customer_id
    collector = add_person(services.database, f"{new_id().hex}@staff.example", "Lucas")
    add_membership(services.database, collector.person_id, bridge.supplier_id, Role.COLLECTOR)
    sent = bridge.write()
    with bridge.work() as work:
        set_customer_file(work, CustomerFile(customer_id, collector.person_id), "test")
        other = Contact(None, customer_id, "Paul", "billing", f"{new_id().hex}@client.example", None, "en")
        other = add_contact(work, other, "test")
        customer = get_customer(work, customer_id)
        assert (reader_of(work, customer) or pytest.fail("read")).email == bridge.email
    bridge.deliver(report_on(sent, bridge.email))
    with bridge.work() as work:
        mails = work.rows(
            "SELECT recipient, text_body FROM mails WHERE supplier_id = :supplier AND kind = 'mail_returned'"
        )
        (task,) = open_tasks(work, collector_id=collector.person_id)
        reader = reader_of(work, customer)
        dead = next(each for each in contacts_of(work, [customer_id])[customer_id] if each.email == bridge.email)
    assert [each["recipient"] for each in mails] == [collector.email]
    assert bridge.email in mails[0]["text_body"]
    assert (task.kind, task.facts["address"]) == ("mail.returned", bridge.email)
    assert reader is not None
    assert (reader.email, reader.spoken) == (other.email, "en"), (
        "the next mail goes to the other contact, in their language"
    )
    with bridge.work() as work:
        change_contact(work, replace(dead, email=f"{new_id().hex}@client.example"), "test")
        assert open_tasks(work, customer_id=customer_id) == [], "an address was found"


def test_an_address_that_works_after_all_is_written_to_again_with_the_mail_that_came_back(bridge: Bridge) -> None:
    sent = bridge.write()
    bridge.deliver(report_on(sent, bridge.email))
    with bridge.work() as work:
        mail_id = work.scalar("SELECT mail_id FROM mails WHERE supplier_id = :supplier AND kind = 'message'")
        assert is_closed(work, bridge.email)
        assert resume_address(work, bridge.email, "test")
        assert send_again(work, mail_id, "test")
        assert (is_closed(work, bridge.email), open_tasks(work)) == (False, [])
    send_due_mails(bridge.services, bridge.supplier_id)
    assert bridge.postbox.sent[-1].rcpt_to == [bridge.email]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("5.1.1", "bounced"),
        ("5.1.10", "bounced"),
        ("5.2.1", "bounced"),
        ("5.2.2", "failed"),
        ("5.7.1", "failed"),
        ("4.4.7", "failed"),
    ],
)
def test_only_a_dead_address_is_closed_by_what_a_report_says(bridge: Bridge, status: str, state: str) -> None:
    sent = bridge.write()
    bridge.deliver(report_on(sent, bridge.email, status))
    with bridge.work() as work:
        assert work.scalar("SELECT state FROM mails WHERE supplier_id = :supplier AND kind = 'message'") == state
        assert is_closed(work, bridge.email) == (state == "bounced")
        (told,) = (e for e in journal_of(work, bridge.subject.customer_id, internal=True) if e.kind == "mail.bounced")
    assert told.facts["address"] == bridge.email


def test_a_bounce_about_another_address_than_the_mails_changes_nothing(bridge: Bridge) -> None:
    sent = bridge.write()
    bridge.deliver(report_on(sent, "directeur@client.example"))
    with bridge.work() as work:
        assert recipient_for(work, bridge.subject.customer_id, "billing") is not None
    assert [state for state, _ in bridge.inbox()] == ["done"]


def test_a_server_that_does_not_answer_is_named_and_nothing_is_lost(bridge: Bridge) -> None:
    settings = bridge.services.settings.model_copy(update={"imap_url": SecretStr("imap://a:b@127.0.0.1:9/INBOX")})
    fields = {n: getattr(bridge.services, n) for n in bridge.services.__dataclass_fields__ if not n.startswith("_")}
    with pytest.raises(MailboxError) as told:
        look_into_mailbox(type(bridge.services)(**{**fields, "settings": settings}))
    assert told.value.code == "mailbox.unreachable"
    wrong = bridge.imap.url.replace("demopass", "wrong")
    settings = settings.model_copy(update={"imap_url": SecretStr(wrong)})
    with pytest.raises(MailboxError) as told:
        look_into_mailbox(type(bridge.services)(**{**fields, "settings": settings}))
    assert told.value.code == "mailbox.refused"
    assert "wrong" not in str(told.value)


def call(services: Services, body: bytes, *, authorization: str = "", query: str = "") -> tuple[int, str]:
    """POST to the hook as a mail service does; status and problem's code."""
    told: list[str] = []
    environ = {
        "PATH_INFO": "/hooks/mail",
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": str(len(body)),
        "QUERY_STRING": query,
        "HTTP_AUTHORIZATION": authorization,
        "wsgi.input": BytesIO(body),
    }
    answer = b"".join(MailHook(lambda *_: [], services)(environ, lambda status, _: told.append(status)))  # type: ignore[arg-type]
    return int(told[0][:3]), json.loads(answer)["code"] if answer else ""


def test_a_mail_service_hands_mails_on_where_it_knows_the_secret(bridge: Bridge) -> None:
    sent = bridge.write()
    raw = bridge.answer(sent, "Par le service").as_bytes(policy=SMTP)
    basic = base64.b64encode(f"service:{HOOK_SECRET}".encode()).decode()
    assert call(bridge.services, raw) == (401, "hook.bad_secret")
    assert call(bridge.services, raw, authorization="Bearer wrong") == (401, "hook.bad_secret")
    assert call(bridge.services, raw, authorization="Basic %%%") == (401, "hook.bad_secret")
    assert call(bridge.services, raw, authorization=f"Basic {basic}") == (200, "")
    assert call(bridge.services, raw, authorization=f"Bearer {HOOK_SECRET}") == (200, "")
    assert call(bridge.services, b"", authorization=f"Bearer {HOOK_SECRET}") == (413, "hook.too_large")
    bridge.drain()
    assert [each.said for each in bridge.messages()] == ["Par le service"]


def test_the_envelopes_recipient_may_stand_beside_the_mail(bridge: Bridge) -> None:
    sent = bridge.write()
    mail = bridge.answer(sent, "En copie cachée")
    address = mail["To"].addresses[0].addr_spec.replace("+", "%2B")
    del mail["To"]
    raw = mail.as_bytes(policy=SMTP)
    secret = f"Bearer {HOOK_SECRET}"
    assert call(bridge.services, raw, authorization=secret) == (406, "mail.nobody")
    assert call(bridge.services, raw, authorization=secret, query=f"to={address}") == (200, "")


def test_without_a_secret_the_road_is_closed(services: Services) -> None:
    assert call(services, b"From: a@b.example\r\n\r\nx", authorization="Bearer ") == (404, "hook.unknown")


@pytest.mark.parametrize(
    "address", ["answer@ours.example", "a-very-long-name+{token}@ours.example", "{token}", "{token}{token}@x.fr"]
)
def test_a_reply_address_that_no_server_would_take_stops_the_start(address: str) -> None:
    with pytest.raises(ValidationError, match="QUITTANCE_MAIL_REPLY_ADDRESS"):
        Settings(mail_reply_address=address, secret_key=SecretStr("x" * 32))


def report_on(sent: Sent, recipient: str, status: str = "5.1.1") -> EmailMessage:
    """What a mail server writes about a mail that it cannot deliver."""
    raw = (
        "From: MAILER-DAEMON@mx.example\r\nTo: reponse+retour@ours.example\r\nAuto-Submitted: auto-replied\r\n"
        f"Message-ID: <{time.monotonic_ns()}@mx.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nUnknown user\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {sent.mail['Message-ID']}\r\n\r\n--b--\r\n"
    )
    return parse_mail(raw.encode())
