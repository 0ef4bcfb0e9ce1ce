"""Pages of direct debits: a customer signs by a code, staff collects, the bank answers, the customer ends it."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from debit_builders import KEYRING, OTHER_IBAN, PAYER_IBAN, come_near, debit_of, due_invoice, pain002, set_up, signed
from ledger_builders import customer_facts
from page_reading import text_of
from portal_house import form_token, press

from config.clock import new_id, today
from payments.autopay.agreements import autopay_of
from payments.debits.mandates import mandates_of
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House

    from payments.debits.mandates import Mandate
    from receivables.domain.invoicing.invoices import Invoice


class Desk:
    """A customer of their own at the house, with an open invoice, and both sides' browsers."""

    def __init__(self, house: House, client: FlaskClient) -> None:
        self.house, self.client = house, client
        with self.work() as work:
            set_up(work)
            name = f"Client {new_id().hex[-6:]}"
            self.invoice: Invoice = due_invoice(work, customer=customer_facts(name, None))
        self.customer_id: UUID = self.invoice.customer_id
        person = add_person(house.services.database, f"{self.customer_id.hex}@client.example", "Camille Client")
        add_membership(
            house.services.database, person.person_id, house.supplier.supplier_id, Role.CUSTOMER, self.customer_id
        )
        self.person = person

    def work(self):  # noqa: ANN201 -- a context manager of the house
        return self.house.services.works.begin(self.house.supplier.supplier_id)

    def as_customer(self) -> None:
        token = open_session(self.house.services.database, self.house.services.settings, self.person.person_id)
        self.client.set_cookie("session", token)

    def as_staff(self, who: str = "owner") -> None:
        self.house.sign_in(self.client, who)

    def mandates(self) -> list[Mandate]:
        with self.work() as work:
            return mandates_of(work, self.customer_id)

    def code(self) -> str:
        """The code in the latest mail to this customer's person."""
        with self.work() as work:
            text = work.scalar(
                "SELECT text_body FROM mails WHERE supplier_id = :supplier AND recipient = :to "
                "ORDER BY created_at DESC LIMIT 1",
                to=self.person.email,
            )
        found = re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}", text)
        assert found
        return found[0]


@pytest.fixture
def desk(house: House, client: FlaskClient) -> Desk:
    return Desk(house, client)


def draft(desk: Desk, **changes: str) -> str:
    """Fill in the form; returns the page on which the mandate is signed."""
    desk.as_customer()
    answer = press(desk.client, "/c/mandates/new", **{"holder": "Camille", "iban": PAYER_IBAN, **changes})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_a_customer_signs_a_mandate_with_the_code_from_their_mail(desk: Desk) -> None:
    page = draft(desk)
    shown = desk.client.get(page).text
    assert "8 semaines" in shown
    assert PAYER_IBAN not in shown
    assert PAYER_IBAN[-4:] in shown
    assert press(desk.client, page, code="AAAA-AAAA").status_code == 422
    assert press(desk.client, page, code=desk.code()).status_code == 303
    (mandate,) = desk.mandates()
    assert mandate.state == "usable"
    assert mandate.evidence is not None
    assert mandate.evidence["email"] == desk.person.email
    assert "8 semaines" in mandate.evidence["text"]
    document = desk.client.get(f"/c/mandates/{mandate.mandate_id}/document")
    assert document.data.startswith(b"%PDF")
    assert mandate.rum in desk.client.get("/c/mandates").text


def test_the_banks_copy_of_a_mandate_has_the_whole_iban_and_leaves_a_trace(desk: Desk) -> None:
    press(desk.client, draft(desk), code=desk.code())
    (mandate,) = desk.mandates()
    path = f"/s/debits/mandates/{mandate.mandate_id}"
    desk.as_staff("collector")
    assert "/bank-copy" not in desk.client.get(path).text
    desk.as_staff("owner")
    assert f"{path}/bank-copy" in desk.client.get(path).text
    copy = text_of(desk.client.get(f"{path}/bank-copy").data)
    assert PAYER_IBAN in copy
    assert mandate.rum in copy
    archived = text_of(desk.client.get(f"{path}/document").data)
    assert PAYER_IBAN not in archived
    with desk.work() as work:
        assert work.scalar(
            "SELECT count(*) FROM audit_rows WHERE supplier_id = :supplier AND act = 'mandate.copied_for_bank' "
            "AND object = :mandate",
            mandate=str(mandate.mandate_id),
        )


def test_five_wrong_codes_use_the_right_one_up(desk: Desk) -> None:
    page = draft(desk)
    right = desk.code()
    for _ in range(5):
        press(desk.client, page, code="AAAA-AAAA")
    assert press(desk.client, page, code=right).status_code == 422
    assert desk.mandates() == []


def test_a_code_is_not_read_by_the_suppliers_staff(desk: Desk) -> None:
    draft(desk)
    code = desk.code()
    desk.as_staff()
    assert code not in desk.client.get("/s/mails").text
    with desk.work() as work:
        mail_id = work.scalar(
            "SELECT mail_id FROM mails WHERE supplier_id = :supplier AND recipient = :to", to=desk.person.email
        )
    assert desk.client.get(f"/s/mails/{mail_id}").status_code == 404


def test_a_wrong_iban_is_refused_beside_its_field_and_nothing_typed_is_lost(desk: Desk) -> None:
    desk.as_customer()
    answer = press(desk.client, "/c/mandates/new", holder="Camille Martin", iban="FR00 1234")
    assert answer.status_code == 422
    assert "Camille Martin" in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_a_customer_changes_the_account_by_a_code_and_ends_the_mandate(desk: Desk) -> None:
    page = draft(desk)
    press(desk.client, page, code=desk.code())
    (mandate,) = desk.mandates()
    base = f"/c/mandates/{mandate.mandate_id}"
    assert press(desk.client, f"{base}/account", holder="Camille", iban=OTHER_IBAN).status_code == 303
    assert desk.mandates()[0].iban_last4 == PAYER_IBAN[-4:]  # not before it is confirmed
    assert press(desk.client, f"{base}/account/confirm", code=desk.code()).status_code == 303
    assert desk.mandates()[0].iban_last4 == OTHER_IBAN[-4:]
    assert press(desk.client, f"{base}/revoke").status_code == 303
    assert desk.mandates()[0].state == "ended"


def test_staff_plans_announces_files_and_hands_over_and_the_bank_answers(desk: Desk) -> None:
    with desk.work() as work:
        signed(work, desk.customer_id)
    desk.as_staff("collector")
    assert desk.invoice.number in desk.client.get("/s/debits").text
    press(desk.client, "/s/debits/plan", invoice=str(desk.invoice.invoice_id))
    with desk.work() as work:
        debit = debit_of(work, desk.invoice)
        mail = work.row(
            "SELECT subject, text_body FROM mails WHERE supplier_id = :supplier AND mail_key = :key",
            key=f"debit/{debit['debit_id']}/{debit['collect_on']}",
        )
        come_near(work, [debit["debit_id"]], today() + timedelta(days=5))
        work.execute("UPDATE mandates SET sealed_iban = :iban WHERE supplier_id = :supplier", iban=reseal(desk))
    assert mail is not None
    assert "100,00" in mail["subject"]
    assert "Q" in mail["text_body"]
    assert press(desk.client, "/s/debits/files").status_code == 404  # a collector makes no files
    desk.as_staff("accountant")
    press(desk.client, "/s/debits/files")
    with desk.work() as work:
        debit = debit_of(work, desk.invoice)
    base = f"/s/debits/files/{debit['batch_id']}"
    first, second = (desk.client.get(f"{base}/download") for _ in range(2))
    assert first.data == second.data
    assert debit["end_to_end_id"].encode() in first.data
    press(desk.client, f"{base}/sent")
    group = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf>"
    answer = desk.client.post(
        "/s/debits/answers",
        data={
            "form_token": form_token(desk.client),
            "answer": (io.BytesIO(pain002(debit["batch_ref"], group=group)), "answer.xml"),
        },
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.location.endswith("rejected=1")
    assert "FF01" in desk.client.get(base).text
    assert "La banque a refusé un fichier de prélèvements" in desk.client.get("/s/problems").text


def reseal(desk: Desk) -> bytes:
    """The account, sealed by the house's own keyring instead of that of the builders."""
    assert desk.house.services.keyring != KEYRING
    return desk.house.services.keyring.seal(PAYER_IBAN, "mandate-iban")


def test_a_customer_agrees_to_be_collected_and_ends_it(desk: Desk) -> None:
    with desk.work() as work:
        mandate = signed(work, desk.customer_id)
    desk.as_customer()
    assert mandate.rum in desk.client.get("/c/autopay").text
    assert press(desk.client, "/c/autopay", means=f"mandate:{new_id()}").status_code == 422
    assert press(desk.client, "/c/autopay", means=f"mandate:{mandate.mandate_id}").status_code == 303
    with desk.work() as work:
        agreed = autopay_of(work, desk.customer_id)
    assert agreed is not None
    press(desk.client, "/c/autopay/end")
    with desk.work() as work:
        assert autopay_of(work, desk.customer_id) is None


def test_settings_say_what_is_wrong_and_keep_what_is_right(desk: Desk) -> None:
    desk.as_staff()
    values = {"creditor": "Atelier", "format": "pain.008.001.02", "notice_days": "5", "core_days": "1"}
    values |= {"b2b_days": "1", "cutoff": "16:30", "retry_days": "7"}
    wrong = press(desk.client, "/s/debits/settings", ics="FR00ZZZ1", **values)
    assert wrong.status_code == 422
    assert "ICS" in wrong.text
    assert press(desk.client, "/s/debits/settings", ics="FR72ZZZ123456", **values).status_code == 303
    assert "16:30" in desk.client.get("/s/debits/settings").text
    with desk.work() as work:
        set_up(work)


def test_a_table_of_mandates_is_taken_over_whole_or_not_at_all(desk: Desk) -> None:
    with desk.work() as work:
        account = work.scalar(
            "SELECT account_code FROM customers WHERE supplier_id = :supplier AND customer_id = :id",
            id=desk.customer_id,
        )
    head = "customer;rum;signed_on;iban;holder;scheme;once;last_used_on\n"
    good = f"{account};OLD-{account};12/03/2024;{PAYER_IBAN};Camille;core;;2026-10-01\n"
    bad = f"{account};OLD2-{account};2024-03-12;FR00;Camille;core;;\n"
    desk.as_staff("accountant")

    def send(table: str) -> tuple[int, str]:
        answer = desk.client.post(
            "/s/debits/mandates/import",
            data={"form_token": form_token(desk.client), "table": (io.BytesIO(table.encode()), "mandats.csv")},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        return answer.status_code, answer.text

    status, text = send(head + good + bad)
    assert (status, "Ligne 3" in text) == (422, True)
    assert desk.mandates() == []
    assert send(head + good)[0] == 303
    (taken,) = desk.mandates()
    assert (taken.origin, taken.state, taken.uses) == ("taken_over", "usable", 1)
