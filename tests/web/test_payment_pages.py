"""Pages of payments: the list, the whole life of one, refunds with their warning, and lettering by hand."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from portal_house import press
from treasury_till import MINUS, Till, build_till, words

from config.clock import new_id
from payments.refunds.orders import refunds_of

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient

    from payments.refunds.orders import RefundOrder
    from portal.wiring import Services
    from receivables.store.work import Work


@pytest.fixture(scope="module")
def till(services: Services) -> Till:
    return build_till(services)


def of(till: Till, number: int) -> UUID:
    """The attempt that paid an invoice of the till."""
    with till.house.services.works.begin(till.supplier_id) as work:
        found: UUID = work.scalar(
            "SELECT attempt_id FROM reservations WHERE supplier_id = :supplier AND invoice_id = :id",
            id=till.invoices[number].invoice_id,
        )
    return found


def orders(till: Till, attempt_id: UUID) -> list[RefundOrder]:
    with till.house.services.works.begin(till.supplier_id) as work:
        return refunds_of(work, attempt_id)


def settled(work: Work, till: Till, number: int) -> int:
    """What is open of an invoice of the till."""
    found: int = work.scalar(
        "SELECT open_minor FROM receivable_items WHERE supplier_id = :supplier AND invoice_id = :id "
        "AND kind = 'invoice'",
        id=till.invoices[number].invoice_id,
    )
    return found


def test_the_list_is_narrowed_by_state_and_searched(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "auditor")
    everything = client.get("/s/payments").text
    for each in till.invoices:
        assert each.number in everything
    failed = words(client.get("/s/payments?show=failed").text)
    assert "Non abouti" in failed
    assert till.invoices[0].number not in failed
    found = client.get(f"/s/payments?q=pi_{till.house.supplier.reference}1").text
    assert till.invoices[1].number in found
    assert till.invoices[0].number not in found
    assert "Aucun paiement ne correspond" in words(client.get("/s/payments?q=%25%25").text)


def test_one_payment_shows_entries_movements_payout_and_letters(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "accountant")
    page = client.get(f"/s/payments/{till.treasure.attempt_id}").text
    assert f'href="/s/treasury/payouts/{till.treasure.banked_ref}"' in page
    shown = words(page)
    for expected in (
        till.invoices[0].number,
        f"pi_{till.house.supplier.reference}0",
        "511500",
        "411000",
        "Reçu en banque",
        "Livraison incomplète",
        f"{MINUS}1,90 €",
    ):
        assert expected in shown, expected


def test_a_refund_is_warned_of_then_ordered_once_however_often_it_is_pressed(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "collector")
    attempt_id = of(till, 1)
    warned = client.get(f"/s/payments/{attempt_id}/refund?amount=30,00&road=provider")
    assert "Une facture sera de nouveau à payer" in words(warned.text)
    assert till.invoices[1].number in warned.text
    assert orders(till, attempt_id) == [], "looking orders nothing"
    once = re.search(r'name="once" value="([^"]+)"', warned.text)
    assert once is not None
    form = {"once": once[1], "amount": "30,00", "road": "provider", "reason": "Geste commercial"}
    for _ in range(2):
        answer = press(client, f"/s/payments/{attempt_id}/refund", **form)
        assert answer.status_code == 303
    (made,) = orders(till, attempt_id)
    assert (made.amount_minor, made.state) == (3000, "to_send")


def test_a_refund_that_cannot_be_is_refused_with_a_sentence_beside_what_was_typed(
    client: FlaskClient, till: Till
) -> None:
    till.house.sign_in(client, "collector")
    attempt_id = of(till, 1)
    path = f"/s/payments/{attempt_id}/refund"
    too_much = client.get(f"{path}?amount=30000&road=provider")
    assert "au plus égal à ce qui peut être rendu" in words(too_much.text)
    answer = press(client, path, once=str(new_id()), amount="1", road="transfer", reason="x", iban="FR00")
    assert answer.status_code == 422
    assert "un caractère est faux" in words(answer.text)
    assert 'value="FR00"' in answer.text
    nothing = press(client, path, once=str(new_id()), amount="1", road="provider", reason=" ")
    assert "le motif est gardé" in words(nothing.text)


def test_a_contested_payment_says_so_and_is_not_refunded(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "collector")
    attempt_id = of(till, 2)
    assert "Le payeur conteste ce paiement" in words(client.get(f"/s/payments/{attempt_id}").text)
    answer = press(
        client, f"/s/payments/{attempt_id}/refund", once=str(new_id()), amount="1", road="provider", reason="x"
    )
    assert "rendrait l'argent deux fois" in words(answer.text)


def test_lettering_is_undone_with_a_reason_and_done_again(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "accountant")
    attempt_id, invoice = of(till, 1), till.invoices[1]
    path = f"/s/payments/{attempt_id}"
    works = till.house.services.works
    assert press(client, f"{path}/unaim", invoice=str(invoice.invoice_id), reason="").status_code == 422
    answer = press(client, f"{path}/unaim", invoice=str(invoice.invoice_id), amount="40", reason="Mauvaise facture")
    assert answer.status_code == 303, words(answer.text)
    with works.begin(till.supplier_id) as work:
        assert settled(work, till, 1) == 4000
    shown = client.get(path)
    assert "Utiliser le crédit pour une facture" in words(shown.text)
    assert "Crédit du client" in words(client.get(f"/s/customers/{invoice.customer_id}").text)
    assert "montant" in words(press(client, f"{path}/aim", invoice=str(invoice.invoice_id), amount="x").text)
    assert press(client, f"{path}/aim", invoice=str(invoice.invoice_id), amount="4000").status_code == 422
    assert press(client, f"{path}/aim", invoice=str(invoice.invoice_id), amount="40,00").status_code == 303
    with works.begin(till.supplier_id) as work:
        assert settled(work, till, 1) == 0


def test_the_table_for_spreadsheets_runs_no_formula(client: FlaskClient, till: Till) -> None:
    with till.house.services.works.begin(till.supplier_id) as work:
        work.execute(
            "UPDATE customers SET name = '=HYPERLINK(\"x\")' WHERE supplier_id = :supplier AND customer_id = :id",
            id=till.house.other_customer_id,
        )
        work.execute(
            "INSERT INTO payment_attempts (supplier_id, attempt_id, customer_id, road, method, amount_minor, currency, "
            "state, expires_at, created_at, changed_at) VALUES (:supplier, :id, :customer, 'hand', 'cheque', 500, "
            "'EUR', 'created', now(), now(), now())",
            id=new_id(),
            customer=till.house.other_customer_id,
        )
    till.house.sign_in(client, "auditor")
    answer = client.get("/s/payments/table.csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert rows[0][2] == "client"
    assert [row[2] for row in rows if "HYPERLINK" in row[2]] == ['\'=HYPERLINK("x")']
    paid = next(row for row in rows if till.invoices[0].number in row[7])
    assert paid[9:] == ["100,00", "0,00", "0,00"], "as a French spreadsheet reads numbers"


def test_the_pages_speak_english(client: FlaskClient, till: Till) -> None:
    till.house.sign_in(client, "owner")
    assert "What this payment settles" in words(client.get(f"/s/payments/{till.treasure.attempt_id}?lang=en").text)
    assert "Payments" in words(client.get("/s/payments").text)
