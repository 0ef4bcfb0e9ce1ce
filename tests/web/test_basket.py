"""The basket of a signed-in customer: choose, preview, pay once; hostile forms start nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from ledger_builders import customer_facts, issue
from payment_sandbox import KEY, serving
from portal_house import build_house, press
from test_pay_link import words

from config.clock import new_id, now, today
from payments.accounts import open_account
from payments.gateways.port import FactKind, PaymentFact
from payments.paying.concluding import PAYMENT_TOLD
from payments.reactions import record_told
from portal.background.duties import build_worker
from portal.sandboxes.payments import PaymentSandboxSettings, create_payment_sandbox
from receivables.domain.money import Money
from receivables.domain.settlement.terms import EarlyDiscount
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.paying import NewPayment, RecordPayment, begin_payment, record_payment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services


@pytest.fixture
def paying(services: Services, client: FlaskClient) -> Iterator[House]:
    """A customer of a supplier who is paid through the payment sandbox, signed in."""
    own = build_house(services, "Panier")
    with serving(create_payment_sandbox(PaymentSandboxSettings(key=KEY))) as provider:
        with own.services.works.begin(own.supplier.supplier_id) as work:
            open_account(
                work,
                own.services.keyring,
                provider="stripe",
                key=KEY,
                webhook_secret="whsec_test",
                base_url=provider,
                live=False,
            )
        own.sign_in(client, "customer")
        yield own


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of the preview's form."""
    form = page.partition('action="/c/pay"')[2].partition("</form>")[0]
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    del found["form_token"]
    return found


def attempts(house: House) -> list[dict[str, object]]:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return [
            dict(row)
            for row in work.rows(
                "SELECT attempt_id, amount_minor, chosen_by FROM payment_attempts WHERE supplier_id = :supplier "
                "AND state IN ('created', 'open') AND session_ref IS NOT NULL"
            )
        ]


def credit_of(house: House, amount_minor: int) -> UUID:
    """Money of the customer's that no invoice asked for."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return record_payment(
            work,
            RecordPayment(
                f"stray-{new_id()}",
                house.customer_id,
                amount_minor,
                "EUR",
                today(),
                "transfer",
                "bank",
                "bank",
                {},
                "test",
            ),
        )


@pytest.mark.usefixtures("paying")
def test_home_says_what_is_due_today_and_one_tap_shows_all_of_it(client: FlaskClient) -> None:
    home = client.get("/c/").text
    assert "Tout payer" in home
    assert "3 500,00 €" in words(home)
    review = client.get("/c/pay/review?all=due&currency=EUR")
    assert review.status_code == 200
    assert "Payer 3 500,00 €" in words(review.text)


def test_complaint_7_invoices_with_an_amount_each_are_previewed_then_paid_at_once(
    client: FlaskClient, paying: House
) -> None:
    late, part = paying.invoices["late"].invoice_id, paying.invoices["part_paid"].invoice_id
    review = client.get(f"/c/pay/review?pick={late}&a.{late}=1 000,50&pick={part}&a.{part}=500&currency=EUR")
    shown = words(review.text)
    assert "Payer 1 500,50 €" in shown
    assert "restera 2 399,50 €" in shown
    sent = press(client, "/c/pay", **fields_of(review.text))
    assert sent.status_code == 303
    assert "/pay/" in sent.location
    assert [row["amount_minor"] for row in attempts(paying)] == [150050]
    again = press(client, "/c/pay", **fields_of(review.text))
    assert again.location == sent.location, "the same form sent twice is one press"


def test_complaint_7_an_amount_is_spread_oldest_first_before_anything_is_paid(
    client: FlaskClient, paying: House
) -> None:
    review = client.get("/c/pay/review?oldest=3450&currency=EUR")
    shown = words(review.text)
    assert paying.invoices["late"].number in shown
    assert "au plus ancien d'abord" in shown
    assert press(client, "/c/pay", **fields_of(review.text)).status_code == 303
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        kept = work.row(
            "SELECT actor, details FROM audit_rows WHERE supplier_id = :supplier AND act = 'payment.chosen' "
            "ORDER BY audit_id DESC LIMIT 1"
        )
    assert kept is not None
    assert kept["details"]["how"] == "oldest_first"
    assert kept["actor"] == str(paying.people["customer"].person_id)


def test_credits_are_deducted_by_choice_and_a_total_of_nothing_needs_no_provider(
    client: FlaskClient, paying: House
) -> None:
    paid = credit_of(paying, 15000)
    refund = paying.invoices["refunded"].invoice_id
    review = client.get(f"/c/pay/review?pick={refund}&a.{refund}=100&credit=paid:{paid}&currency=EUR")
    assert "Utiliser mes avoirs" in review.text
    done = press(client, "/c/pay", **fields_of(review.text))
    assert done.status_code == 303
    assert "réglé par vos avoirs" in words(client.get(done.location).text)
    assert attempts(paying) == []
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        assert due_on_invoice(work, refund).open_minor == 0


def test_complaint_8_an_overpayment_is_shown_and_its_refund_may_be_asked_for(
    client: FlaskClient, paying: House
) -> None:
    paid = credit_of(paying, 4200)
    assert "42,00 €" in words(client.get("/c/receipts").text)
    page = client.get(f"/c/payments/{paid}")
    assert "42,00 € disponibles" in words(page.text)
    asked = press(client, f"/c/payments/{paid}/refund", iban="FR7630006000011234567890189")
    assert asked.status_code == 303
    assert "Remboursement demandé" in client.get("/c/receipts").text
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        state = work.scalar(
            "SELECT state FROM refund_orders WHERE supplier_id = :supplier AND attempt_id = :id", id=paid
        )
    assert state == "to_agree", "somebody of the supplier has to agree"


@pytest.mark.parametrize("typed", ["-5", "0", "1e9", "99999999999999999999", "1.200", "abc", "", "1,2,3"])
def test_an_amount_that_is_none_is_told_and_starts_nothing(client: FlaskClient, paying: House, typed: str) -> None:
    late = paying.invoices["late"].invoice_id
    answer = client.get(f"/c/pay/review?pick={late}&a.{late}={typed}&currency=EUR")
    assert answer.status_code == 409
    assert 'action="/c/pay"' not in answer.text
    assert attempts(paying) == []


@pytest.mark.parametrize("minor", ["-100", "0", "999999999999", "1e3", "", "100.5", "340001"])
def test_a_tampered_amount_is_refused_and_starts_nothing(client: FlaskClient, paying: House, minor: str) -> None:
    late = paying.invoices["late"].invoice_id
    answer = press(client, "/c/pay", lines=f"{late}:{minor}", currency="EUR", key="k" * 32)
    assert answer.status_code in {409, 422}
    assert attempts(paying) == []


def test_another_customers_invoice_another_currency_and_a_foreign_credit_start_nothing(
    client: FlaskClient, paying: House
) -> None:
    foreign, late = paying.invoices["foreign"].invoice_id, paying.invoices["late"].invoice_id
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        theirs = issue(work, customer=customer_facts("Garage du Port", "552100554"), type_code="381")
    assert press(client, "/c/pay", lines=f"{late}:100,{foreign}:100", currency="EUR").status_code == 404
    assert press(client, "/c/pay", lines=f"{late}:100", currency="USD").status_code == 409
    assert press(client, "/c/pay", lines=f"{late}:100,{late}:100", currency="EUR").status_code == 409
    note = f"note:{theirs.invoice_id}"
    assert press(client, "/c/pay", lines=f"{late}:10000", credits=note, currency="EUR").status_code == 409
    assert client.get(f"/c/pay/review?pick={foreign}&a.{foreign}=10&currency=EUR").status_code == 404
    assert attempts(paying) == []


def test_complaint_5_a_basket_over_money_in_flight_asks_once_more(client: FlaskClient, paying: House) -> None:
    mixed = paying.invoices["mixed"].invoice_id
    review = client.get(f"/c/pay/review?pick={mixed}&a.{mixed}=1000&currency=EUR")
    assert "Un paiement de 500,00 € est déjà en cours" in words(review.text)
    fields = fields_of(review.text)
    asked = press(client, "/c/pay", **fields)
    assert asked.status_code == 409
    assert "Payer aussi 1 000,00 €" in words(asked.text)
    assert press(client, "/c/pay", **fields, confirmed="yes").status_code == 303


def test_a_payment_page_tells_its_state_and_only_to_its_customer(client: FlaskClient, paying: House) -> None:
    review = client.get("/c/pay/review?all=due&currency=EUR")
    press(client, "/c/pay", **fields_of(review.text))
    back = client.get("/c/pay/done")
    page = client.get(back.location)
    assert "Paiement commencé" in page.text
    assert 'http-equiv="refresh"' in page.text
    assert 'http-equiv="refresh"' not in client.get(back.location.replace("back=1", "back=8")).text
    paying.sign_in(client, "other_customer")
    assert client.get(back.location).status_code == 404


@pytest.mark.usefixtures("paying")
def test_english_readers_get_the_basket_in_english(client: FlaskClient) -> None:
    page = words(client.get("/c/pay?lang=en").text)
    assert "Pay all that is due" in page
    assert "An amount, oldest first" in page


def test_a_customer_who_owes_nothing_is_told_so(client: FlaskClient, services: Services) -> None:
    own = build_house(services, "Solde")
    own.sign_in(client, "other_customer")
    with own.services.works.begin(own.supplier.supplier_id) as work:
        invoice = own.invoices["foreign"]
        record_payment(
            work,
            RecordPayment(
                "all",
                invoice.customer_id,
                invoice.payable_minor,
                "EUR",
                today() - timedelta(days=1),
                "transfer",
                "bank",
                "bank",
                {invoice.invoice_id: invoice.payable_minor},
                "test",
            ),
        )
    assert "Rien à payer" in client.get("/c/pay").text


def test_a_payer_gets_one_mail_while_a_payment_is_on_its_way_and_one_receipt(services: Services, paying: House) -> None:
    invoice = paying.invoices["due"]
    worker = build_worker(services)
    supplier_id = paying.supplier.supplier_id
    with services.works.begin(supplier_id) as work:
        flying = new_id()
        account_id = work.scalar("SELECT account_id FROM gateway_accounts WHERE supplier_id = :supplier AND active")
        begin_payment(
            work,
            NewPayment(
                flying,
                invoice.customer_id,
                "provider",
                "sepa_debit",
                120000,
                "EUR",
                {invoice.invoice_id: 120000},
                account_id,
            ),
        )
    for kind in (FactKind.PROCESSING, FactKind.PROCESSING, FactKind.SUCCEEDED, FactKind.SUCCEEDED):
        fact = PaymentFact(
            "stripe",
            kind,
            "pi_mail",
            "pi_mail",
            supplier_id,
            flying,
            Money(120000),
            now(),
            "sepa_debit",
            None,
            None,
            livemode=False,
        )
        with services.works.begin(supplier_id) as work:
            record_told(work, account_id, [fact])
        worker.drain_outbox_of(supplier_id, PAYMENT_TOLD)
    with services.works.begin(supplier_id) as work:
        mails = work.rows(
            "SELECT subject, text_body FROM mails WHERE supplier_id = :supplier AND starts_with(mail_key, 'receipt/') "
            "ORDER BY created_at"
        )
    assert [mail["subject"].partition(",")[0] for mail in mails] == [
        "Panier : paiement en cours",
        "Panier : paiement reçu",
    ]
    assert f"/receipts/{flying}" in mails[1]["text_body"]
    assert "14 jours ouvrés" in mails[0]["text_body"]


def test_a_signed_in_customer_takes_the_discount_that_is_still_in_time_and_no_more(
    client: FlaskClient, paying: House
) -> None:
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        terms = {"discount": EarlyDiscount(Decimal(2), today()), "due_on": today() + timedelta(days=30)}
        invoice = issue(work, issued_on=today(), **terms)
        over = issue(work, **{**terms, "discount": EarlyDiscount(Decimal(2), today() - timedelta(days=1))})
    page = f"/c/invoices/{invoice.invoice_id}"
    assert "Escompte 2 % · au lieu de 100,00 €" in words(client.get(page).text)
    assert press(client, f"{page}/pay", choice="discount", minor="9700").status_code == 409
    assert attempts(paying) == []
    assert press(client, f"{page}/pay", choice="discount", minor="9800").status_code == 303
    assert [row["amount_minor"] for row in attempts(paying)] == [9800]
    assert "Escompte 2 %" not in words(client.get(f"/c/invoices/{over.invoice_id}").text)
    assert press(client, f"/c/invoices/{over.invoice_id}/pay", choice="discount", minor="9800").status_code == 409
