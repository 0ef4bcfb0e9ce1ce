"""Late interest on pages: the collector reckons, claims and waives; the customer reads the claim and pays it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from ledger_builders import customer_facts, issue
from portal_house import press

from config.clock import today
from portal.background.duties import build_worker
from portal.claims.producing import keep_claim
from portal.demo.claims import add_claims
from receivables.domain.events import CLAIM_MADE
from receivables.services.collecting.claiming import MakeClaim, make_claim
from receivables.services.collecting.reckoning import set_terms
from receivables.store.collecting.claims import InterestTerms, get_claim, list_claims
from receivables.store.customer_file.overviews import list_documents

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House

    from receivables.domain.invoicing.invoices import Invoice

TERMS = InterestTerms(date(2025, 1, 1), Decimal("12.15"))


def late_one(house: House, **changes: object) -> Invoice:
    """An invoice of 10,000.00 of the house's customer, due on 31 May 2026."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        set_terms(work, TERMS, "tests")
        values = {"issued_on": date(2026, 5, 1), "due_on": date(2026, 5, 31), "total_minor": 10**6}
        return issue(work, **{**values, "payable_minor": 10**6, "vat_on_collection": False, **changes})


def claim_one(house: House, invoice: Invoice) -> UUID:
    """A claim on it, with its document."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        order = MakeClaim(invoice.customer_id, (invoice.invoice_id,), date(2026, 8, 15), "tests")
        claim_id = make_claim(work, order).claim_id
    keep_claim(house.services, house.supplier.supplier_id, claim_id)
    return claim_id


def test_a_collector_sees_what_ran_claims_it_and_gets_the_document(house: House, client: FlaskClient) -> None:
    invoice = late_one(house, customer=customer_facts("Café Perrin", None))
    house.sign_in(client, "collector")
    assert "Café Perrin" in client.get("/s/claims").text
    path = f"/s/claims/new/{invoice.customer_id}"
    page = client.get(f"{path}?through=2026-08-15").text
    assert "252,99" in page and "292,99" in page  # noqa: PT018 -- one page
    given = {"late": str(invoice.invoice_id), "shown": str(invoice.invoice_id), "through": "2026-08-15"}
    changed = press(client, path, **given, expected="1")
    assert (changed.status_code, "292,99" in changed.text) == (422, True)
    made = press(client, path, **given, expected="29299")
    assert made.status_code == 303
    page = client.get(made.location).text
    assert "Note de débit N" in page
    document = client.get(page.partition('class="files"')[2].partition('href="')[2].partition('"')[0])
    assert document.data.startswith(b"%PDF")
    again = press(client, path, **given, expected="29299")
    assert again.status_code == 422


def test_a_waiver_asks_for_its_reason_and_tells_it(house: House, client: FlaskClient) -> None:
    claim_id = claim_one(house, late_one(house, customer=customer_facts("Traiteur Morel", None)))
    house.sign_in(client, "collector")
    assert press(client, f"/s/claims/{claim_id}/waive", reason=" ").status_code == 422
    assert press(client, f"/s/claims/{claim_id}/waive", reason="x", amount="dix").status_code == 422
    assert press(client, f"/s/claims/{claim_id}/waive", reason="Client fidèle", amount="52,99").status_code == 303
    page = client.get(f"/s/claims/{claim_id}").text
    assert "Client fidèle" in page
    assert "Note de débit N" in client.get(f"/s/invoices/{claim_id}").text
    assert client.get(f"/s/invoices/{claim_id}/evidence").data.startswith(b"PK")
    with house.services.works.begin(house.supplier.supplier_id) as work:
        assert get_claim(work, claim_id).open_minor == 24_000


def test_the_worker_makes_the_document_and_writes_one_mail(neighbour: House) -> None:
    supplier_id = neighbour.supplier.supplier_id
    late = late_one(neighbour, customer=customer_facts("Fleurs Petit", None))
    with neighbour.services.works.begin(supplier_id) as work:
        claim_id = make_claim(
            work, MakeClaim(late.customer_id, (late.invoice_id,), date(2026, 8, 15), "tests")
        ).claim_id
    worker = build_worker(neighbour.services)
    for _ in range(2):
        worker.drain_outbox_of(supplier_id, CLAIM_MADE)
    with neighbour.services.works.begin(supplier_id) as work:
        assert [each.form for each in list_documents(work, claim_id)] == ["claim"]
        mails = work.rows("SELECT subject FROM mails WHERE supplier_id = :supplier AND invoice_id = :id", id=claim_id)
    assert len(mails) == 1
    assert "note N" in mails[0]["subject"]


def test_the_demonstration_claims_from_who_was_late(neighbour: House) -> None:
    late_one(neighbour, customer=customer_facts("Presse Lambert", None))
    add_claims(neighbour.services, neighbour.supplier.supplier_id)
    with neighbour.services.works.begin(neighbour.supplier.supplier_id) as work:
        assert any(each.made_by == "demo" and each.waived_minor == 1_000 for each in list_claims(work))


def test_the_customer_sees_the_claim_and_may_pay_it(house: House, client: FlaskClient) -> None:
    invoice = late_one(house)
    assert invoice.customer_id == house.customer_id
    claim_id = claim_one(house, invoice)
    house.sign_in(client, "customer")
    page = client.get(f"/c/invoices/{claim_id}").text
    assert "Note de débit N" in page
    assert "292,99" in page
    assert "TVA à" not in page
    listed = client.get("/c/invoices?show=to_pay").text
    with house.services.works.begin(house.supplier.supplier_id) as work:
        number = get_claim(work, claim_id).number
        (document,) = list_documents(work, claim_id)
        link = house.services.pay_link(work, claim_id, "mail")
    assert number in listed
    assert client.get(f"/c/invoices/{claim_id}/documents/{document.document_id}").data.startswith(b"%PDF")
    assert number in client.get(link.removeprefix(house.services.settings.public_url)).text
    assert number in client.get(f"/c/pay?pick={claim_id}&currency=EUR").text


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"percent": "12,15", "since": "2025-01-01", "booking": "memo", "indemnity": "yes"}, 303),
        ({"percent": "", "since": "2026-01-01", "least": "10", "booking": "booked"}, 303),
        ({"percent": "3", "since": "2026-01-01"}, 422),
        ({"percent": "douze", "since": "2026-01-01"}, 422),
        ({"percent": "12", "since": "hier"}, 422),
    ],
    ids=["contract", "law", "too_low", "no_number", "no_day"],
)
def test_terms_of_sale_are_set_by_those_who_may(
    neighbour: House, client: FlaskClient, given: dict[str, str], status: int
) -> None:
    neighbour.sign_in(client, "owner")
    assert press(client, "/s/claims/terms", **given).status_code == status
    assert client.get("/s/claims/terms").status_code == 200


def test_where_the_rate_of_the_law_is_not_known_the_page_says_until_when_it_reckons(
    neighbour: House, client: FlaskClient
) -> None:
    with neighbour.services.works.begin(neighbour.supplier.supplier_id) as work:
        set_terms(work, InterestTerms(date(2024, 1, 1), None), "tests")
        late = issue(
            work, customer=customer_facts("Tabac Roy", None), issued_on=date(2024, 5, 1), due_on=date(2024, 6, 1)
        )
    neighbour.sign_in(client, "collector")
    page = client.get(f"/s/claims/new/{late.customer_id}").text
    assert "quittance law import" in page
    assert "30 juin 2026" in page
    assert today() > date(2026, 6, 30)
