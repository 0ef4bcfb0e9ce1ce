"""What a customer owes is one number: on the tiles of its home, in its list, in its basket, claims for interest too."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from ledger_builders import issue
from portal_house import build_house
from treasury_till import words

from config.clock import today
from portal.words import money
from receivables.services.collecting.claiming import MakeClaim, make_claim
from receivables.services.collecting.reckoning import set_terms
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.collecting.claims import InterestTerms
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import sum_open
from receivables.store.invoicing.lists import list_invoices

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services


@pytest.fixture(scope="module")
def indebted(services: Services) -> House:
    """A house whose customer was late, and is asked for interest outside the books."""
    house = build_house(services, "Intérêts à l'Accueil")
    with services.works.begin(house.supplier.supplier_id) as work:
        set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15")), "test")
        customer = get_customer(work, house.customer_id)
        late = issue(work, customer=customer, issued_on=date(2026, 5, 1), due_on=date(2026, 5, 31))
        make_claim(work, MakeClaim(house.customer_id, (late.invoice_id,), date(2026, 8, 15), "test"))
    return house


def test_home_list_and_basket_ask_for_the_same(indebted: House, client: FlaskClient) -> None:
    with indebted.services.works.begin(indebted.supplier.supplier_id) as work:
        (total,) = [each for each in sum_open(work, today(), indebted.customer_id) if each.currency == "EUR"]
        rows = list_invoices(work, today(), customer_id=indebted.customer_id, narrowed="to_pay", limit=100)
        dues = due_on_invoices(work, [each.invoice_id for each in rows])
        outside = work.scalar(
            "SELECT sum(outside_minor) FROM interest_claims WHERE supplier_id = :supplier AND customer_id = :id",
            id=indebted.customer_id,
        )
        books = work.scalar(
            "SELECT sum(CASE WHEN debit THEN open_minor ELSE -open_minor END) FROM receivable_items "
            "WHERE supplier_id = :supplier AND customer_id = :id AND currency = 'EUR'",
            id=indebted.customer_id,
        )
    assert outside
    assert total.outside_minor == outside
    assert total.due_minor == sum(each.payable_minor for each in dues if each.currency == "EUR")
    assert total.due_count == len([each for each in rows if each.currency == "EUR"])
    assert total.exposure_minor == books, "the exposure stays what the books hold"
    indebted.sign_in(client, "customer")
    shown = money(total.due_minor, "EUR")
    assert words(shown) in words(client.get("/c/").text)
    assert words(shown) in words(client.get("/c/pay").text), "the basket offers all of it"
