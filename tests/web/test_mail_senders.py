"""Mails from a supplier's own address: proven by the DNS, signed for its domain, given up when the record is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP
from typing import TYPE_CHECKING, Any

import dkim
import pytest
from mail_servers import smtp_server
from outside_servers import name_server
from portal_house import build_house, press

from config.clock import new_id, now
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.mail.post import CLOSED, send_due_mails
from portal.mail.senders import (
    ANSWERED_FOR,
    OTHER_KEY,
    SILENT,
    Look,
    answers_to,
    ask_sender,
    check_sender,
    judge,
    record_of,
)
from receivables.errors import ReceivablesError
from receivables.store.customer_file.contacts import mark_mail
from receivables.store.mail.senders import ASKED, LOST, PROVEN, Sender, sender_of
from receivables.store.work_to_do import SENDERS_TO_CHECK, suppliers_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

    from flask.testing import FlaskClient
    from outside_servers import NameServerStandIn
    from portal_house import House

    from portal.wiring import Services

ADDRESS = "factures@menuiserie.example"
SAID = MailPage("S", "p", "Bonjour,", ("Votre facture.",))


def with_settings(services: Services, **changes: Any) -> Services:
    fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
    return type(services)(**{**fields, "settings": services.settings.model_copy(update=changes)})


@pytest.fixture(scope="module")
def dns() -> Iterator[NameServerStandIn]:
    with name_server() as running:
        yield running


@pytest.fixture(scope="module")
def own(services: Services, dns: NameServerStandIn) -> House:
    """A house of its own, whose DNS is the stand-in."""
    here = with_settings(services, dns_server="127.0.0.1", dns_port=dns.port, mail_from="Quittance <post@ours.example>")
    return build_house(here, "Own Sender")


def sent(house: House, kind: str, recipient: str) -> bytes:
    """A mail of ``kind`` as the server of its reader gets it."""
    supplier_id = house.supplier.supplier_id
    with house.services.works.begin(supplier_id) as work:
        work.execute("UPDATE mails SET state = 'sent' WHERE supplier_id = :supplier AND state = 'to_send'")
        keep_page(work, SAID, Envelope(kind, f"test/{new_id()}", recipient))
    with smtp_server() as (url, box):
        send_due_mails(with_settings(house.services, smtp_url=url), supplier_id)
        (one,) = box.sent
        assert one.mail_from == "post@ours.example", "bounces come to the house, whoever writes"
        return bytes(one.mail.as_bytes(policy=SMTP))


def read(raw: bytes) -> Message:
    return message_from_bytes(raw, policy=SMTP)


def publish(dns: NameServerStandIn, sender: Sender, value: str | None = None) -> None:
    name, record = record_of(sender)
    said = value if value is not None else record
    dns.entries[name, "TXT"] = [" ".join(f'"{said[start : start + 200]}"' for start in range(0, len(said), 200))]


def known(house: House) -> Sender:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        found = sender_of(work)
    assert found is not None
    return found


def told(house: House, kind: str) -> list[str]:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        rows = work.rows("SELECT recipient FROM mails WHERE supplier_id = :supplier AND kind = :kind", kind=kind)
    return [row["recipient"] for row in rows]


def test_mails_leave_from_the_suppliers_address_while_its_dns_shows_our_key(own: House, dns: NameServerStandIn) -> None:
    services, supplier_id = own.services, own.supplier.supplier_id
    with services.works.begin(supplier_id) as work:
        sender = ask_sender(services, work, " Factures@Menuiserie.example ", "test")
    assert check_sender(services, supplier_id) is not None
    assert (known(own).state, known(own).fault) == (ASKED, "no_record")
    assert read(sent(own, "invoice", "a@client.example"))["From"] == "Own Sender <post@ours.example>"

    publish(dns, sender, "v=DKIM1; k=rsa; p=" + "A" * 300)
    check_sender(services, supplier_id)
    assert (known(own).state, known(own).fault) == (ASKED, OTHER_KEY)
    publish(dns, sender)
    dns.entries["_dmarc.menuiserie.example", "TXT"] = ['"v=DMARC1; p=reject; adkim=s"']
    check_sender(services, supplier_id)
    assert (known(own).state, known(own).fault) == (PROVEN, None)
    assert known(own).dmarc == "v=DMARC1; p=reject; adkim=s"
    assert told(own, "sender_proven") == [own.people["owner"].email]

    raw = sent(own, "invoice", "a@client.example")
    mail = read(raw)
    assert mail["From"] == f"Own Sender <{ADDRESS}>"
    assert "d=menuiserie.example" in "".join(str(mail["DKIM-Signature"]).split()), "aligned with the From"
    name, record = record_of(sender)

    def ask(asked: bytes, timeout: int = 5) -> bytes | None:  # noqa: ARG001 -- the checker's own call
        return record.encode() if asked == f"{name}.".encode() else None

    assert dkim.verify(raw, dnsfunc=ask)
    assert not dkim.verify(raw.replace(b"Votre facture", b"Votre avoir.."), dnsfunc=ask)
    assert not dkim.verify(b"Reply-To: thief@evil.example\r\n" + raw, dnsfunc=ask)
    for kind in ("digest", "consent_code"):
        assert read(sent(own, kind, "staff@ours.example"))["From"].endswith("<post@ours.example>"), kind

    dns.silent = True
    check_sender(services, supplier_id)
    dns.silent = False
    assert (known(own).state, known(own).fault) == (PROVEN, SILENT), "silence says nothing"
    del dns.entries[name, "TXT"]
    for _ in range(2):
        check_sender(services, supplier_id)
    assert known(own).state == LOST
    assert told(own, "sender_lost") == [own.people["owner"].email], "told once"
    mail = read(sent(own, "invoice", "a@client.example"))
    assert (mail["From"], mail["Reply-To"]) == ("Own Sender <post@ours.example>", f"Own Sender <{ADDRESS}>")
    assert mail["DKIM-Signature"] is None
    assert read(sent(own, "digest", "staff@ours.example"))["Reply-To"] is None
    publish(dns, sender)
    check_sender(services, supplier_id)
    assert read(sent(own, "invoice", "a@client.example"))["From"] == f"Own Sender <{ADDRESS}>"


def test_the_private_key_is_kept_sealed_and_the_register_sees_only_that_there_is_work(own: House) -> None:
    services, supplier_id = own.services, own.supplier.supplier_id
    with services.works.begin(supplier_id) as work:
        ask_sender(services, work, "compta@menuiserie.example", "test")
        assert b"PRIVATE KEY" not in (found := sender_of(work) or pytest.fail("kept")).sealed_key
        assert work.scalar("SELECT count(*) FROM mail_senders WHERE supplier_id = :supplier AND state <> 'ended'") == 1
        work.execute(
            "UPDATE mail_senders SET next_check_at = :at WHERE supplier_id = :supplier", at=now() - timedelta(hours=1)
        )
    assert found.address == "compta@menuiserie.example"
    assert supplier_id in suppliers_with(services.database, SENDERS_TO_CHECK)
    check_sender(services, supplier_id)
    assert supplier_id not in suppliers_with(services.database, SENDERS_TO_CHECK)


@pytest.mark.parametrize(
    "address",
    ["no address", "a@localhost", "a b@x.example", "é@x.example", "a@x.example, b@y.example", "a@ours.example"],
)
def test_addresses_that_are_none_or_the_houses_are_refused(own: House, address: str) -> None:
    with (
        own.services.works.begin(own.supplier.supplier_id) as work,
        pytest.raises(ReceivablesError, match=r"address|domain"),
    ):
        ask_sender(own.services, work, address, "test")


def test_answers_go_to_a_lost_address_for_thirty_days_only(own: House) -> None:
    at = now()
    lost = replace(known(own), state=LOST, proven_at=at, lost_at=at)
    assert answers_to(lost) == lost.address
    assert answers_to(replace(lost, lost_at=at - ANSWERED_FOR - timedelta(seconds=1))) is None
    assert answers_to(replace(lost, state=ASKED)) is None, "an address that was never proven is nobody's"
    again = judge(lost, Look(None))
    assert (again.state, again.lost_at) == (PROVEN, None)


def test_an_owner_sees_the_record_and_gives_the_address_up(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "owner")
    assert press(client, "/s/mails/sender", address="nothing").status_code in {303, 422}
    with house.services.works.begin(house.supplier.supplier_id) as work:
        sender = ask_sender(house.services, work, "page@menuiserie.example", "test")
    shown = client.get("/s/mails/sender").text
    name, record = record_of(sender)
    assert name in shown
    assert record in shown
    assert "attend sa preuve" in shown
    press(client, "/s/mails/sender/end")
    assert record not in client.get("/s/mails/sender").text


def test_a_mail_whose_address_came_back_meanwhile_is_held(own: House) -> None:
    services, supplier_id = own.services, own.supplier.supplier_id
    with services.works.begin(supplier_id) as work:
        work.execute(
            "UPDATE customers SET email = 'gone@client.example' WHERE supplier_id = :supplier AND customer_id = :id",
            id=own.customer_id,
        )
        mark_mail(work, "gone@client.example", "bounced")
        work.execute("UPDATE mails SET state = 'sent' WHERE supplier_id = :supplier AND state = 'to_send'")
        mail_id = keep_page(work, SAID, Envelope("invoice", f"test/{new_id()}", "gone@client.example"))
    with smtp_server() as (url, box):
        send_due_mails(with_settings(services, smtp_url=url), supplier_id)
        assert box.sent == []
    with services.works.begin(supplier_id) as work:
        row = work.row("SELECT state, reason FROM mails WHERE supplier_id = :supplier AND mail_id = :id", id=mail_id)
    assert row is not None
    assert (row["state"], row["reason"]) == ("withdrawn", CLOSED)
