"""Mails of the house: previews, own words, signatures, the way out, the digest of the week, the invoice as a file."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.policy import SMTP
from io import BytesIO
from typing import TYPE_CHECKING, Any

import dkim
import pytest
from ledger_builders import issue
from mail_servers import smtp_server
from portal_house import press
from treasury_builders import pay

from config.clock import new_id, now, today
from config.settings import REPLY_TOKEN
from payments.accounts import open_account
from payments.gateways.port import FactKind, PaymentFact
from payments.reactions import record_told
from payments.refunds.telling import REFUND_TOLD, announce_refunds
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.background.worker import NotYetError
from portal.digests.gathering import gather, readers_of
from portal.digests.sending import send_digests
from portal.hooks.one_click import OneClick
from portal.mail.book import Envelope, keep_page
from portal.mail.dkim_signing import Signer, dns_record, make_key, signer_of
from portal.mail.invoice_mails import write_invoice_mail
from portal.mail.kinds import KINDS
from portal.mail.post import send_due_mails
from portal.mail.receipt_mails import write_refund_mail
from portal.mail.samples import MAKERS, sample
from portal.mail.settings import MailSettings, keep_mail_settings
from portal.mail.unsubscribing import read_token, unsubscribe_url
from portal.words import money
from receivables.domain.money import Money
from receivables.domain.settlement.receipts import MoneyReturned, MoneyReturnFailed
from receivables.errors import ReceivablesError
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.contacts import CustomerFile, set_customer_file
from receivables.store.mail.texts import EVERY_MAIL, MailText, keep_mail_text
from receivables.store.mail.wishes import address_hash, note_wish, unwanted
from receivables.store.outbox import Announcement, take
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House

    from portal.mail.page import MailPage
    from portal.wiring import Services
    from receivables.store.work import Work

PORTAL = "https://factures.example"
DIGEST = "digest"


def kept(work: Work, key: str) -> list[dict[str, Any]]:
    rows = work.rows(
        "SELECT mail_id, subject, text_body, html_body, kind, unsubscribe_url FROM mails "
        "WHERE supplier_id = :supplier AND starts_with(mail_key, :key) ORDER BY mail_key",
        key=key,
    )
    return [dict(row) for row in rows]


def issued(invoice_id: UUID) -> Announcement:
    return Announcement(1, "invoice.issued", str(invoice_id), {"invoice_id": str(invoice_id)}, frozenset(), 0, now())


def with_settings(services: Services, **changes: Any) -> Services:
    fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
    return type(services)(**{**fields, "settings": services.settings.model_copy(update=changes)})


# --- previews ---------------------------------------------------------------------------------------------------------


def test_every_kind_has_a_sample_and_no_sample_is_left_over() -> None:
    assert MAKERS.keys() == KINDS.keys()


def test_every_kind_is_shown_in_both_languages(house: House) -> None:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        for kind in KINDS:
            french, english = (sample(work, kind, spoken, PORTAL) for spoken in ("fr", "en"))
            assert french.subject != english.subject, kind
            assert french.paragraphs != english.paragraphs or not french.paragraphs, kind
            assert "%(" not in repr((french, english)), kind


def test_a_preview_may_look_and_do_nothing(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "collector")
    shown = client.get("/s/mails/kinds/invoice?in=en")
    assert "frame-src 'self'" in shown.headers["Content-Security-Policy"]
    page = client.get("/s/mails/kinds/invoice/page?in=en")
    assert "Here is your invoice F2026-0042." in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-top-navigation-by-user-activation; default-src 'none'")
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert client.get("/s/mails/kinds/none").status_code == 404


def test_the_book_is_searched_narrowed_and_shows_a_mail_as_it_is_read(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "collector")
    assert "Votre facture" in client.get("/s/mails?q=Votre+facture&show=sent").text
    assert "Aucun courriel ne correspond." in client.get("/s/mails?q=nothing-like-it").text
    assert "Votre facture" not in client.get("/s/mails?show=bounced").text
    assert f"/s/mails/{house.mail_id}/page" in client.get(f"/s/mails/{house.mail_id}").text
    assert '<base target="_top">' in client.get(f"/s/mails/{house.mail_id}/page").text


# --- a supplier's own words -------------------------------------------------------------------------------------------


def test_own_words_take_the_place_of_the_first_paragraph_and_of_nothing_else(neighbour: House) -> None:
    with neighbour.services.works.begin(neighbour.supplier.supplier_id) as work:
        own = MailText(
            "invoice", "fr", "Votre pain : {facture}", "Merci {client} !\n\nÀ {montant} {rien}.", "À bientôt."
        )
        for each in (own, MailText(EVERY_MAIL, "fr", closing="Anna\nComptabilité"), replace(own, kind="reminder")):
            keep_mail_text(work, each, "test")
        page = sample(work, "invoice", "fr", PORTAL)
        assert page.subject == "Votre pain : F2026-0042"
        assert page.paragraphs == ("Merci Boulangerie Pichon !", f"À {page.figure[0] if page.figure else ''} {{rien}}.")
        assert page.closing == ("À bientôt.",)
        assert page.sender.signature == ("Anna", "Comptabilité")
        assert page.button == ("Voir et payer la facture", f"{PORTAL}/")
        assert sample(work, "invoice", "en", PORTAL).subject == "Menuiserie Kerouac: invoice F2026-0042, €1,234.56"
        assert "Votre pain" not in sample(work, "reminder", "fr", PORTAL).subject, "the law's words stay the house's"
        assert sample(work, "digest", "fr", PORTAL).sender.signature == (), "what staff get is signed by nobody"


# --- signatures -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dkim") / "key.pem"
    path.write_bytes(make_key())
    return path


def sent_by(services: Services, house: House, page: MailPage, envelope: Envelope) -> bytes:
    """The mail as a server gets it."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        work.execute("UPDATE mails SET state = 'sent' WHERE supplier_id = :supplier AND state = 'to_send'")
        keep_page(work, page, envelope)
    with smtp_server() as (url, box):
        here = with_settings(services, smtp_url=url)
        assert send_due_mails(here, house.supplier.supplier_id) == 1
        (sent,) = box.sent
        return bytes(sent.mail.as_bytes(policy=SMTP))


def test_a_signed_mail_is_proven_by_a_stranger_and_every_change_is_seen(
    services: Services, neighbour: House, key_file: Path
) -> None:
    signing = with_settings(
        services,
        public_url=PORTAL,
        mail_from="Quittance <factures@mail.ours.example>",
        dkim_domain="ours.example",
        dkim_selector="q1",
        dkim_key_file=key_file,
    )
    signer = signer_of(signing.settings)
    assert signer is not None
    name, value = dns_record(signer)
    records = {f"{name}.".encode(): value.encode()}

    def ask(asked: bytes, timeout: int = 5) -> bytes | None:  # noqa: ARG001 -- the checker's own call
        return records.get(asked)

    with neighbour.services.works.begin(neighbour.supplier.supplier_id) as work:
        page = sample(work, "digest", "fr", PORTAL)
    stop = unsubscribe_url(signing, neighbour.supplier.supplier_id, "a@client.example", DIGEST)
    envelope = Envelope(DIGEST, f"digest/{new_id()}", "a@client.example", unsubscribe_url=stop)
    raw = sent_by(signing, neighbour, page, envelope)
    assert dkim.verify(raw, dnsfunc=ask)
    told = message_from_bytes(raw, policy=SMTP)
    assert told["From"] == "Menuiserie Kerouac <factures@mail.ours.example>"
    assert told["List-Unsubscribe"] == f"<{stop}>"
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for changed in (
        b"Reply-To: thief@evil.example\r\n" + raw,
        b"From: thief@evil.example\r\n" + raw,
        raw.replace(b"a@client.example", b"b@client.example"),
        raw.replace(b"Bonjour", b"Bonsoir"),
        raw.replace(b"One-Click", b"Two-Click"),
    ):
        assert changed != raw
        assert not dkim.verify(changed, dnsfunc=ask)
    other = Signer("ours.example", "q1", make_key())
    records[f"{name}.".encode()] = dns_record(other)[1].encode()
    assert not dkim.verify(raw, dnsfunc=ask), "another key proves nothing"


def test_a_foreign_domain_and_a_weak_key_are_refused(services: Services, key_file: Path, tmp_path: Path) -> None:
    ours = services.settings.model_copy(
        update={"mail_from": "a@ours.example", "dkim_domain": "ours.example", "dkim_selector": "q1"}
    )
    assert signer_of(ours.model_copy(update={"dkim_selector": None})) is None
    (tmp_path / "no.pem").write_text("nothing")
    for changes, code in (
        ({"dkim_domain": "rs.example", "dkim_key_file": key_file}, "dkim.foreign_domain"),
        ({"dkim_domain": "x.ours.example", "dkim_key_file": key_file}, "dkim.foreign_domain"),
        ({"dkim_key_file": tmp_path / "no.pem"}, "dkim.no_key"),
        ({"dkim_key_file": tmp_path / "missing.pem"}, "dkim.no_key"),
    ):
        with pytest.raises(ReceivablesError) as refused:
            signer_of(ours.model_copy(update=changes))
        assert refused.value.code == code


# --- the way out ------------------------------------------------------------------------------------------------------


def one_click(services: Services, path: str, body: bytes, method: str = "POST") -> str:
    answers: list[str] = []

    def passed_on(_environ: Any, _start: Any) -> list[bytes]:
        answers.append("passed on")
        return []

    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    OneClick(passed_on, services)(environ, lambda status, *_: answers.append(status))  # type: ignore[arg-type, return-value]
    return answers[0]


def test_one_click_ends_a_kind_of_mail_at_one_address(services: Services, neighbour: House) -> None:
    supplier_id = neighbour.supplier.supplier_id
    here = with_settings(services, public_url=PORTAL)
    path = unsubscribe_url(here, supplier_id, "Click@client.example", DIGEST).removeprefix(PORTAL)

    def stopped() -> frozenset[str]:
        with services.works.begin(supplier_id) as work:
            return unwanted(work, ["click@client.example", "other@client.example"], DIGEST)

    said = b"List-Unsubscribe=One-Click"
    assert one_click(here, path, said, "GET") == "passed on"
    assert one_click(here, f"{path}/stop", said) == "passed on", "the page's own form has its form token"
    assert one_click(here, path, b"scanned=1") == "400 Bad Request"
    assert one_click(here, f"{path[:-2]}AA", said) == "404 Not Found"
    assert stopped() == frozenset()
    assert one_click(here, path, said) == one_click(here, path, said) == "200 OK"
    assert stopped() == {"click@client.example"}
    with services.works.begin(supplier_id) as work:
        assert not unwanted(work, ["click@client.example"], "reminder_before"), "and no other kind"


def test_only_kinds_that_are_a_service_have_a_way_out(services: Services, house: House) -> None:
    ends = {kind for kind, each in KINDS.items() if each.may_stop}
    assert ends == {"digest", "reminder_before"}
    for kind in ("invoice", "reminder", "debit_announced", "iban_changed", "claim"):
        token = unsubscribe_url(services, house.supplier.supplier_id, "a@b.example", kind).rpartition("/")[2]
        assert read_token(services.keyring, token) is None, kind


def test_opening_the_link_ends_nothing_and_the_button_does(client: FlaskClient, house: House) -> None:
    url = unsubscribe_url(house.services, house.supplier.supplier_id, "page@client.example", DIGEST)
    path = url.removeprefix(house.services.settings.public_url)
    assert "Ne plus recevoir ces courriels" in client.get(path).text
    assert "Ne plus recevoir ces courriels" in client.get(path).text
    press(client, f"{path}/stop")
    assert "Les recevoir de nouveau" in client.get(path).text
    press(client, f"{path}/resume")
    assert "Ne plus recevoir ces courriels" in client.get(path).text
    assert client.get(f"/u/{'A' * 90}").status_code == 404


# --- the digest -------------------------------------------------------------------------------------------------------


def test_the_digest_tells_each_their_own_once_and_nobody_who_wants_none(services: Services, neighbour: House) -> None:
    supplier_id = neighbour.supplier.supplier_id
    person = add_person(services.database, f"own@{neighbour.supplier.siren}.example", "Olga Own")
    add_membership(services.database, person.person_id, supplier_id, Role.SALES, portfolio=True)
    readers = {each.email: each for each in readers_of(services.database, supplier_id)}
    assert neighbour.people["auditor"].email not in readers
    with services.works.begin(supplier_id) as work:
        alone = gather(work, readers[person.email], today())
        assert (alone.is_own, alone.is_empty) == (True, True), "a portfolio without customers shows nothing"
        collector = neighbour.people["collector"]
        set_customer_file(work, CustomerFile(neighbour.other_customer_id, collector.person_id), "test")
        own = gather(work, readers[collector.email], today())
        everything = gather(work, readers[neighbour.people["owner"].email], today())
        assert {each.customer_id for each in own.late} == {neighbour.other_customer_id}
        assert own.contested == ()
        assert {each.customer_id for each in everything.late} >= {neighbour.customer_id, neighbour.other_customer_id}
        assert [each.dispute_id for each in everything.contested] == [neighbour.dispute_id]
        for who, wanted in (("collector", True), ("owner", True), ("accountant", False)):
            note_wish(work, address_hash(neighbour.people[who].email), DIGEST, "test", wanted=wanted)
    assert send_digests(services, supplier_id) > 0
    assert send_digests(services, supplier_id) == 0, "once a week"
    with services.works.begin(supplier_id) as work:
        told = {
            row["recipient"]: row["text_body"]
            for row in work.rows(
                "SELECT recipient, text_body FROM mails WHERE supplier_id = :supplier AND kind = 'digest' "
                "AND starts_with(mail_key, 'digest/2')"
            )
        }
    assert not {neighbour.people["accountant"].email, neighbour.people["auditor"].email, person.email} & told.keys()
    assert "Garage du Port" in told[collector.email]
    assert "Boulangerie Martin" not in told[collector.email]
    assert "Boulangerie Martin" in told[neighbour.people["owner"].email]


def test_each_says_on_their_own_page_whether_they_want_it(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "sales")
    assert "checked" in client.get("/s/mails/mine").text
    press(client, "/s/mails/mine")
    assert "checked" not in client.get("/s/mails/mine").text
    press(client, "/s/mails/mine", digest="1")
    assert "checked" in client.get("/s/mails/mine").text


# --- the invoice ------------------------------------------------------------------------------------------------------


def test_the_invoice_goes_with_its_mail_where_the_supplier_wants_it(services: Services, house: House) -> None:
    supplier_id, due, part = house.supplier.supplier_id, house.invoices["due"], house.invoices["part_paid"]
    with services.works.begin(supplier_id) as work:
        work.execute("UPDATE customers SET email = 'mails@client.example' WHERE supplier_id = :supplier")
        keep_mail_settings(work, MailSettings(attach_invoice=True), "test")
    with pytest.raises(NotYetError, match=r"mail\.file_awaited"):
        write_invoice_mail(services, supplier_id, issued(due.invoice_id))
    with services.works.begin(supplier_id) as work:
        assert kept(work, f"invoice/{due.invoice_id}") == []
        work.execute(
            "INSERT INTO documents (supplier_id, document_id, invoice_id, form, filename, mime, sha256, size_bytes, "
            "retain_until, created_at) SELECT supplier_id, :id, :invoice, form, :name, mime, sha256, size_bytes, "
            "retain_until, created_at FROM documents WHERE supplier_id = :supplier AND form = 'facturx' LIMIT 1",
            id=new_id(),
            invoice=due.invoice_id,
            name="facture.pdf",
        )
    write_invoice_mail(services, supplier_id, issued(due.invoice_id))
    with services.works.begin(supplier_id) as work:
        keep_mail_settings(work, MailSettings(attach_invoice=False), "test")
        (mail,) = kept(work, f"invoice/{due.invoice_id}")
        files = work.rows(
            "SELECT filename FROM mail_files WHERE supplier_id = :supplier AND mail_id = :id", id=mail["mail_id"]
        )
    assert [row["filename"] for row in files] == ["facture.pdf"]
    assert (mail["kind"], mail["unsubscribe_url"]) == ("invoice", None)
    assert "jointe à ce courriel" in mail["text_body"]
    write_invoice_mail(services, supplier_id, issued(part.invoice_id))
    with services.works.begin(supplier_id) as work:
        (without,) = kept(work, f"invoice/{part.invoice_id}")
    assert "jointe à ce courriel" not in without["text_body"]
    assert "500,00" in without["text_body"], "what is left, not the total"


# --- money that went back, and answers to the mails about money -------------------------------------------------------


def test_a_refund_is_told_once_with_what_is_to_be_paid_again_and_where_to_answer(services: Services) -> None:
    supplier_id = create_supplier(services.database, f"{new_id().int % 10**9:09d}", "Atelier").supplier_id
    here = with_settings(services, mail_reply_address=f"reponse+{REPLY_TOKEN}@ours.example")
    with here.works.begin(supplier_id) as work:
        account = open_account(
            work,
            here.keyring,
            provider="stripe",
            key="sk_test_x",
            webhook_secret="whsec_test",
            base_url=None,
            live=False,
        )
        invoice = issue(work)
        attempt_id = pay(work, account, invoice, "pi_r")
        minor = invoice.payable_minor // 4
        told = PaymentFact(
            provider="stripe",
            kind=FactKind.REFUNDED,
            payment_ref="pi_r",
            object_ref="re_1",
            supplier_id=supplier_id,
            attempt_id=attempt_id,
            amount=Money(minor, "EUR"),
            occurred_at=now(),
            method="card",
            failure_code=None,
            fee=None,
            livemode=False,
        )
        for _ in range(2):
            record_told(work, account, [told])
        (fact,) = (each for each in take(work, 50) if each.kind == REFUND_TOLD)
    for _ in range(2):
        write_refund_mail(here, supplier_id, fact)
    write_invoice_mail(here, supplier_id, issued(invoice.invoice_id))
    with here.works.begin(supplier_id) as work:
        (mail,) = kept(work, f"receipt/{attempt_id}/re_1")
        amount = money(minor, "EUR", "fr")
        assert mail["subject"] == " ".join(f"Atelier : remboursement de {amount}".split())
        assert "L'argent revient sur la carte ou le compte d'où il venait" in mail["text_body"]
        assert f"Reste à payer sur {invoice.number} : {amount}" in mail["text_body"]
        answers = work.rows("SELECT kind, reply_to FROM mails WHERE supplier_id = :supplier ORDER BY kind")
    assert [each["kind"] for each in answers] == ["invoice", "receipt_refunded"]
    assert {each["reply_to"] for each in answers} == {answers[0]["reply_to"]}
    assert re.fullmatch(r"Atelier <reponse\+[a-z2-7]+@ours\.example>", answers[0]["reply_to"])


def test_a_refund_that_came_back_is_not_told(services: Services) -> None:
    supplier_id = create_supplier(services.database, f"{new_id().int % 10**9:09d}", "Atelier").supplier_id
    with services.works.begin(supplier_id) as work:
        account = open_account(
            work,
            services.keyring,
            provider="stripe",
            key="sk_test_x",
            webhook_secret="whsec_test",
            base_url=None,
            live=False,
        )
        attempt_id = pay(work, account, issue(work), "pi_b")
        back = MoneyReturnFailed("re_b", "pi_b", 100, "EUR", now())
        record_facts(work, [MoneyReturned("re_b", "pi_b", "refund", 100, "EUR", now()), back])
        announce_refunds(work, ["re_b", "re_unknown"])
        (fact,) = (each for each in take(work, 50) if each.kind == REFUND_TOLD)
    write_refund_mail(services, supplier_id, fact)
    with services.works.begin(supplier_id) as work:
        assert kept(work, f"receipt/{attempt_id}") == []
