"""The page behind a pay link: what it shows in each state, what it never shows, and how paying begins."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ledger_builders import customer_facts, issue, received
from payment_sandbox import KEY, serving
from portal_house import build_house, press

from config.clock import today
from payments.accounts import open_account
from payments.links import revoke_links
from portal.sandboxes.payments import PaymentSandboxSettings, create_payment_sandbox
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.domain.settlement.terms import EarlyDiscount, Instalment
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice


def words(page: str) -> str:
    """The text of a page, its special blanks made plain."""
    return re.sub(r"[\s\u00a0\u202f]+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&#39;", "'")


STATES = {
    "due": ("Montant à payer", "1 200,00 €", "Payer 1 200,00 €", "À payer au plus tard le"),
    "late": ("Payer 3 400,00 €", "En retard de 22 jours", "Le dernier paiement n'a pas abouti"),
    "part_paid": ("Payer 500,00 €", "Déjà réglé", "\u2212400,00 €", "Payée en partie"),
    "in_flight": ("Paiement en cours", "2 000,00 €", "Vous n'avez rien à faire"),
    "mixed": ("Un paiement de 500,00 € est déjà en cours", "Payer 1 000,00 €"),
    "paid": ("Facture réglée", "Paiement reçu le 14 octobre 2026"),
    "refunded": ("Payer 100,00 €",),
    "credit": ("En votre faveur", "Il n'y a rien à payer"),
}


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_told_in_clear_words(client: FlaskClient, house: House, state: str) -> None:
    page = client.get(house.links[state])
    assert page.status_code == 200
    shown = words(page.text)
    for expected in STATES[state]:
        assert expected in shown, shown
    assert (f'action="{house.links[state]}/pay"' in page.text) == ("Payer" in " ".join(STATES[state]))


def test_the_page_shows_seller_number_amounts_and_account_and_nothing_of_the_customer(
    client: FlaskClient, house: House
) -> None:
    page = client.get(house.links["due"])
    shown = words(page.text)
    for expected in ("Atelier Lumière", house.invoices["due"].number, "FR76 3000 6000 0112 3456 7890 189", "AGRIFRPP"):
        assert expected in shown
    for hidden in ("Boulangerie", "boulangerie.example", "732829320", "documents", "/c/", "5,5"):
        assert hidden not in page.text
    assert "noindex" in page.headers["X-Robots-Tag"]


def test_looking_changes_nothing(client: FlaskClient, house: House) -> None:
    def trace() -> tuple[int, ...]:
        with house.services.works.begin(house.supplier.supplier_id) as work:
            return tuple(
                int(work.scalar(f"SELECT count(*) FROM {table} WHERE supplier_id = :supplier"))  # noqa: S608 -- fixed
                for table in ("payment_attempts", "reservations", "audit_rows", "outbox", "pay_links")
            )

    before = trace()
    for link in house.links.values():
        client.get(link)
        client.get(f"{link}?back=1")
    assert trace() == before


def test_an_unknown_and_a_broken_token_are_a_clear_404(client: FlaskClient, house: House, neighbour: House) -> None:
    mixed = house.links["due"][:30] + neighbour.links["due"][30:]
    for path in ("/p/x", "/p/" + "A" * 64, mixed):
        answer = client.get(path)
        assert (answer.status_code, "Page introuvable" in answer.text) == (404, True)
        assert press(client, f"{path}/pay").status_code == 404


def test_a_revoked_link_says_so_without_any_amount(client: FlaskClient, services: Services) -> None:
    own = build_house(services, "Maison Retirée")
    with services.works.begin(own.supplier.supplier_id) as work:
        revoke_links(work, own.invoices["due"].invoice_id, "test")
    answer = client.get(own.links["due"])
    assert answer.status_code == 410
    assert "Maison Retirée" in answer.text
    assert "€" not in answer.text
    assert own.invoices["due"].number not in answer.text
    assert press(client, f"{own.links['due']}/pay").status_code == 410


def test_english_readers_get_english_words_dates_and_amounts(client: FlaskClient, house: House) -> None:
    shown = words(client.get(f"{house.links['part_paid']}?lang=en").text)
    assert "Pay €500.00" in shown
    assert "To be paid by" in shown


@pytest.mark.parametrize("wish", ["xx", "", "FR", "fr;drop"])
def test_a_language_that_nobody_speaks_falls_back_to_the_readers(client: FlaskClient, house: House, wish: str) -> None:
    page = client.get(f"{house.links['due']}?lang={wish}", headers={"Accept-Language": "de, es;q=0.5"})
    assert '<html lang="fr">' in page.text


def test_the_customers_own_language_comes_before_the_browsers(client: FlaskClient, services: Services) -> None:
    own = build_house(services)
    facts = customer_facts("Baker & Sons", None)
    with services.works.begin(own.supplier.supplier_id) as work:
        invoice = issue(work, customer=type(facts)(facts.name, facts.kind, language="en"))
        link = services.pay_link(work, invoice.invoice_id, "mail")
    page = client.get(link.partition("8000")[2], headers={"Accept-Language": "fr"})
    assert '<html lang="en">' in page.text


@pytest.fixture
def paying(services: Services) -> Iterator[House]:
    """A supplier who is paid through the payment sandbox."""
    own = build_house(services, "Payée en ligne")
    with serving(create_payment_sandbox(PaymentSandboxSettings(key=KEY))) as provider:
        _pay_through(own, provider)
        yield own


def _pay_through(house: House, provider: str) -> None:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        open_account(
            work,
            house.services.keyring,
            provider="stripe",
            key=KEY,
            webhook_secret="whsec_test",
            base_url=provider,
            live=False,
        )


def test_the_button_leads_to_the_providers_page_and_a_second_press_to_the_same(
    client: FlaskClient, paying: House
) -> None:
    page = client.get(paying.links["due"])
    policy = page.headers["Content-Security-Policy"]
    first = press(client, f"{paying.links['due']}/pay")
    second = press(client, f"{paying.links['due']}/pay")
    assert (first.status_code, first.location) == (303, second.location)
    assert "/pay/" in first.location
    assert first.location.partition("/pay/")[0] in policy.partition("form-action ")[2].partition(";")[0]


def test_coming_back_before_the_confirmation_waits_politely_and_not_for_ever(
    client: FlaskClient, paying: House
) -> None:
    press(client, f"{paying.links['due']}/pay")
    page = client.get(f"{paying.links['due']}?back=1").text
    assert "Nous attendons la confirmation" in page
    assert f'content="3;url={paying.links["due"]}?back=2"' in page
    last = client.get(f"{paying.links['due']}?back=8").text
    assert "La confirmation tarde" in last
    assert "http-equiv" not in last
    assert "http-equiv" not in client.get(f"{paying.links['paid']}?back=1").text


def test_a_second_payment_while_one_is_on_its_way_asks_first(client: FlaskClient, paying: House) -> None:
    asked = press(client, f"{paying.links['mixed']}/pay")
    assert asked.status_code == 409
    assert "Payer aussi 1 000,00 €" in words(asked.text)
    confirmed = press(client, f"{paying.links['mixed']}/pay", confirmed="yes")
    assert confirmed.status_code == 303
    assert "/pay/" in confirmed.location


@pytest.mark.parametrize("state", ["paid", "credit"])
def test_what_is_not_due_cannot_be_paid(client: FlaskClient, paying: House, state: str) -> None:
    answer = press(client, f"{paying.links[state]}/pay")
    assert (answer.status_code, "Rien à payer" in answer.text) == (409, True)


def test_a_factored_invoice_is_shown_and_never_paid_here(client: FlaskClient, paying: House) -> None:
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        invoice = issue(work, type_code="393")
        link = paying.services.pay_link(work, invoice.invoice_id, "mail").partition("8000")[2]
    page = words(client.get(link).text)
    assert "Le paiement en ligne n'est pas proposé" in page
    assert "IBAN" not in page, "only the factor's account settles it, which the invoice states"
    answer = press(client, f"{link}/pay")
    assert (answer.status_code, "affactureur" in answer.text) == (409, True)


def test_a_covered_invoice_is_not_offered_a_second_payment(client: FlaskClient, paying: House) -> None:
    answer = press(client, f"{paying.links['in_flight']}/pay")
    assert answer.status_code == 409
    assert "tout est couvert" in answer.text
    assert 'name="confirmed"' not in answer.text


def test_a_provider_that_is_down_gives_a_clear_page_and_a_retry_that_works(
    client: FlaskClient, services: Services
) -> None:
    own = build_house(services, "Panne")
    _pay_through(own, "http://127.0.0.1:9")
    down = press(client, f"{own.links['due']}/pay")
    assert down.status_code == 502
    assert "Réessayer" in down.text
    assert "Aucun montant n" in down.text
    with services.works.begin(own.supplier.supplier_id) as work:
        attempts = work.scalar(
            "SELECT count(*) FROM payment_attempts WHERE supplier_id = :supplier AND state = 'created'"
        )
    assert attempts == 1
    with serving(create_payment_sandbox(PaymentSandboxSettings(key=KEY))) as provider:
        _pay_through(own, provider)
        assert press(client, f"{own.links['due']}/pay").status_code == 303


def test_a_signed_in_customer_pays_by_the_same_road_and_comes_back_to_the_invoice(
    client: FlaskClient, paying: House
) -> None:
    paying.sign_in(client, "customer")
    path = f"/c/invoices/{paying.invoices['late'].invoice_id}"
    assert press(client, f"{path}/pay").status_code == 303
    assert "Nous attendons la confirmation" in client.get(f"{path}?back=1").text


def _own_page(services: Services, paying: House, **changes: Any) -> tuple[str, Invoice]:
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        invoice = issue(work, **changes)
        return services.pay_link(work, invoice.invoice_id, "mail").partition("8000")[2], invoice


def _begun(house: House) -> list[int]:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        rows = work.rows(
            "SELECT amount_minor FROM payment_attempts WHERE supplier_id = :supplier AND state = 'open' "
            "AND checkout_url IS NOT NULL"
        )
    return [row["amount_minor"] for row in rows]


def test_complaint_6_the_due_instalment_is_on_the_button_and_the_total_one_tap_away(
    client: FlaskClient, services: Services, paying: House
) -> None:
    day = today()
    parts = (Instalment(day, 4000), Instalment(day + timedelta(days=30), 6000))
    link, _ = _own_page(services, paying, issued_on=day, due_on=day, instalments=parts)
    assert "Payer 40,00 €" in words(client.get(link).text)
    assert "Payer 100,00 €" in words(client.get(f"{link}?amount=total").text)
    press(client, f"{link}/pay")
    assert _begun(paying) == [4000]


def test_a_part_is_paid_after_it_is_shown(client: FlaskClient, paying: House) -> None:
    page = client.get(f"{paying.links['due']}?amount=250,50").text
    assert "Payer 250,50 €" in words(page)
    sent = dict(re.findall(r'<input type="hidden" name="(choice|minor)" value="(\w+)">', page))
    assert press(client, f"{paying.links['due']}/pay", **sent).status_code == 303
    assert _begun(paying) == [25050]


@pytest.mark.parametrize("typed", ["-5", "0", "1.200", "99999999", "abc", "1e9"])
def test_an_amount_that_cannot_be_is_asked_back_and_no_other_is_on_a_button_meanwhile(
    client: FlaskClient, house: House, typed: str
) -> None:
    page = client.get(f"{house.links['due']}?amount={typed}").text
    assert "Écrivez un montant entre 0,01 et 1 200,00 €" in words(page)
    assert '/pay"' not in page
    assert '/pay"' in client.get(house.links["due"]).text


@pytest.mark.parametrize("minor", ["-1", "0", "120001", "99999999999999999999999", "1e5", "x", ""])
def test_a_tampered_amount_starts_nothing(client: FlaskClient, paying: House, minor: str) -> None:
    answer = press(client, f"{paying.links['due']}/pay", minor=minor, choice="total")
    assert answer.status_code == 409
    assert _begun(paying) == []


def test_a_way_of_paying_that_is_not_offered_starts_nothing(client: FlaskClient, paying: House) -> None:
    answer = press(client, f"{paying.links['due']}/pay", method="sepa_debit")
    assert answer.status_code == 409
    assert "proposé" in answer.text
    assert _begun(paying) == []


def test_the_discount_shows_both_amounts_and_until_when(client: FlaskClient, services: Services, paying: House) -> None:
    day = today()
    link, _ = _own_page(
        services,
        paying,
        issued_on=day,
        due_on=day + timedelta(days=30),
        discount=EarlyDiscount(Decimal(2), day + timedelta(days=8)),
    )
    shown = words(client.get(link).text)
    assert "Payer 98,00 €" in shown
    assert "au lieu de 100,00 €" in shown
    assert "Payer 100,00 €" in words(client.get(f"{link}?amount=total").text)
    assert press(client, f"{link}/pay", choice="discount", minor="9800").status_code == 303
    assert _begun(paying) == [9800]


def test_complaint_4_an_invoice_that_is_paid_asks_for_nothing_whatever_the_last_try_was(
    client: FlaskClient, services: Services, paying: House
) -> None:
    link, invoice = _own_page(services, paying)
    press(client, f"{link}/pay")
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        record_payment(
            work,
            RecordPayment(
                "other road",
                invoice.customer_id,
                10000,
                "EUR",
                today(),
                "transfer",
                "bank",
                "bank",
                {invoice.invoice_id: 10000},
                "test",
            ),
        )
    shown = words(client.get(f"{link}?back=1").text)
    assert "Facture réglée" in shown
    assert "Payer" not in shown
    assert "Reprendre" not in shown


def test_complaint_5_money_on_its_way_is_shown_and_hides_no_other_way_to_pay(
    client: FlaskClient, paying: House
) -> None:
    shown = words(client.get(paying.links["mixed"]).text)
    assert "Un paiement de 500,00 € est déjà en cours" in shown
    assert "Payer 1 000,00 €" in shown
    assert "IBAN" in shown


def test_complaint_2_money_paid_twice_is_the_payers_and_the_page_says_so(
    client: FlaskClient, services: Services, paying: House
) -> None:
    link, invoice = _own_page(services, paying)
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        for key in ("first", "second"):
            record_payment(
                work,
                RecordPayment(
                    key,
                    invoice.customer_id,
                    10000,
                    "EUR",
                    today(),
                    "transfer",
                    "bank",
                    "bank",
                    {invoice.invoice_id: 10000},
                    "test",
                ),
            )
    shown = words(client.get(link).text)
    assert "100,00 € reçus en trop" in shown
    assert "remboursement" in shown


def test_complaint_9_a_payment_after_the_link_was_revoked_lands_on_the_customer(
    client: FlaskClient, services: Services, paying: House
) -> None:
    link, invoice = _own_page(services, paying)
    press(client, f"{link}/pay")
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        attempt_id = work.scalar(
            "SELECT attempt_id FROM payment_attempts WHERE supplier_id = :supplier AND state = 'open' "
            "AND checkout_url IS NOT NULL"
        )
        revoke_links(work, invoice.invoice_id, "test")
        record_facts(work, [AttemptMoved(attempt_id, AttemptState.EXPIRED), received(attempt_id, 10000)])
        fresh = services.pay_link(work, invoice.invoice_id, "again").partition("8000")[2]
    assert client.get(link).status_code == 410
    assert "Facture réglée" in words(client.get(fresh).text)


def test_a_transfer_is_announced_shown_and_changes_nothing_else(
    client: FlaskClient, services: Services, paying: House
) -> None:
    link, _ = _own_page(services, paying, issued_on=today(), due_on=today())
    answer = press(client, f"{link}/announced", minor="10000", sent_on=today().isoformat())
    assert answer.status_code == 303
    shown = words(client.get(link).text)
    assert "Virement annoncé : 100,00 €" in shown
    assert "Payer 100,00 €" in shown
    for sent_on, minor in (("1999-01-01", "100"), ("x", "100"), (today().isoformat(), "10001")):
        assert press(client, f"{link}/announced", minor=minor, sent_on=sent_on).status_code == 409


def test_a_receipt_says_where_its_payment_stands_and_nothing_of_the_customer(client: FlaskClient, house: House) -> None:
    paid = client.get(house.links["paid"]).text
    address = re.search(r'href="(/p/[^"]+/receipts/[^"]+)"', paid)
    assert address is not None
    receipt = client.get(address[1])
    shown = words(receipt.text)
    assert "Reçu de paiement" in shown
    assert "700,00 €" in shown
    assert "Boulangerie" not in receipt.text
    flying = re.search(r'href="(/p/[^"]+/receipts/[^"]+)"', client.get(house.links["in_flight"]).text)
    assert flying is not None
    assert "réponse sous 14 jours ouvrés" in words(client.get(flying[1]).text)
    foreign = address[1].replace(house.links["paid"], house.links["due"])
    assert client.get(foreign).status_code == 404
