"""Numbers without a gap, one entry per invoice, nothing half done."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ledger_builders import customer_facts, issue, issue_command

from config.clock import new_id
from config.law import LawUnknownError
from receivables.domain.invoicing.invoices import Origin
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.domain.settlement.collected import VatRow
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.invoicing.issuing import issue_invoice
from receivables.services.risk.exposing import exposure_of
from receivables.store.customer_file.customers import find_or_create_customer, get_customer
from receivables.store.invoicing.invoices import find_by_number, get_invoice

if TYPE_CHECKING:
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

TABLES = ("invoices", "entries", "postings", "receivable_items", "customers", "outbox", "audit_rows", "number_series")


class RolledBackError(Exception):
    """Something after the number failed."""


def counts(works: Works, supplier: Supplier) -> dict[str, int]:
    with works.begin(supplier.supplier_id) as work:
        return {table: work.scalar(f"SELECT count(*) FROM {table} WHERE supplier_id = :supplier") for table in TABLES}  # noqa: S608 -- names of tables and columns come from the test


def assert_no_gap(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        assert [finding for finding in run_checks(work) if finding.gap] == []


def test_sixteen_at_once_number_without_a_gap_even_where_some_roll_back(works: Works, supplier: Supplier) -> None:
    def one(number: int) -> str | None:
        def service(work: Work) -> str:
            kind = ("380", "381", "386")[number % 3]
            customer = customer_facts(f"Client {number % 5}", f"{100_000_000 + number % 5}")
            issued = issue(work, type_code=kind, customer=customer)
            if number % 4 == 0:
                raise RolledBackError
            return issued.number

        try:
            return works.run(supplier.supplier_id, service)
        except RolledBackError:
            return None

    with ThreadPoolExecutor(16) as pool:
        numbers = [number for number in pool.map(one, range(96)) if number]
    by_series: dict[str, set[str]] = {}
    for number in numbers:
        by_series.setdefault(number[0], set()).add(number)
    assert sum(len(each) for each in by_series.values()) == len(numbers) == 72
    for series, given in by_series.items():
        assert given == {f"{series}2026-{serial:05d}" for serial in range(1, len(given) + 1)}
    assert_no_gap(works, supplier)
    with works.begin(supplier.supplier_id) as work:
        assert work.scalar("SELECT count(*) FROM customers WHERE supplier_id = :supplier") == 5


def test_each_year_counts_from_one(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        numbers = [issue(work, issued_on=date(year, 1, 2)).number for year in (2026, 2027, 2026)]
    assert numbers == ["F2026-00001", "F2027-00001", "F2026-00002"]


def finished(number: str | None = "FA-77", **changes: Any) -> dict[str, Any]:
    return {"origin": Origin.FINISHED, "number": number, **changes}


def test_a_finished_invoice_keeps_its_number_and_takes_none_of_ours(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        assert issue(work, **finished()).number == "FA-77"
        assert issue(work).number == "F2026-00001"
        found = find_by_number(work, "FA-77", 2026)
        assert found is not None
        assert get_invoice(work, found.invoice_id) == found
    assert_no_gap(works, supplier)


def test_a_finished_invoice_is_taken_once_a_year(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        issue(work, **finished())
    before = counts(works, supplier)
    with pytest.raises(ConflictError, match="FA-77 of 2026") as refused, works.begin(supplier.supplier_id) as work:
        issue(work, **finished())
    assert refused.value.code == "invoice.duplicate"
    assert counts(works, supplier) == before
    with works.begin(supplier.supplier_id) as work:
        issue(work, **finished(issued_on=date(2027, 1, 2)))


def test_the_same_finished_invoice_from_sixteen_sides_is_taken_once(works: Works, supplier: Supplier) -> None:
    def one(number: int) -> str:
        customer = customer_facts(f"Client {number}", f"{200_000_000 + number}")  # no lock of a customer helps here
        try:
            works.run(supplier.supplier_id, lambda work: issue(work, **finished(customer=customer)))
        except ConflictError as error:
            return error.code
        return "issued"

    with ThreadPoolExecutor(16) as pool:
        ends = Counter(pool.map(one, range(32)))
    assert ends == {"issued": 1, "invoice.duplicate": 31}


def test_a_finished_invoice_without_a_number_is_refused(works: Works, supplier: Supplier) -> None:
    before = counts(works, supplier)
    with pytest.raises(ReceivablesError, match="BT-1") as refused, works.begin(supplier.supplier_id) as work:
        issue(work, **finished(None))
    assert refused.value.code == "invoice.number_missing"
    assert counts(works, supplier) == before


def test_an_invoice_before_any_known_chart_of_accounts_is_refused_whole(works: Works, supplier: Supplier) -> None:
    before = counts(works, supplier)
    with pytest.raises(LawUnknownError, match=r"accounts\.toml"), works.begin(supplier.supplier_id) as work:
        issue(work, issued_on=date(1999, 1, 1))
    assert counts(works, supplier) == before


def test_a_credit_note_lowers_what_the_customer_owes(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        note = issue(work, type_code="381")
        assert note.number == "A2026-00001"
        assert note.is_credit_note
        exposure = exposure_of(work, invoice.customer_id)
        assert (exposure.invoiced_minor, exposure.credits_minor, exposure.total_minor) == (10000, 10000, 0)
        assert due_on_invoice(work, note.invoice_id).open_minor == 0
    assert_no_gap(works, supplier)


def test_a_deposit_has_its_series_and_waits_for_cash(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        assert issue(work, type_code="386").number == "D2026-00001"
    assert_no_gap(works, supplier)


def test_a_negative_invoice_is_a_credit_of_the_customer(works: Works, supplier: Supplier) -> None:
    rows = (VatRow("S", Decimal(20), -1000, -200),)
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work, vat_rows=rows, total_minor=-1200, payable_minor=-1200)
        assert exposure_of(work, invoice.customer_id).total_minor == -1200
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
    assert_no_gap(works, supplier)


@pytest.mark.parametrize("prepaid", [0, 10000])
def test_an_invoice_with_nothing_to_pay_is_settled_from_the_start(
    works: Works, supplier: Supplier, prepaid: int
) -> None:
    rows = (VatRow("S", Decimal(20), 5001, 1000), VatRow("S", Decimal("5.5"), 3791, 208))
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(
            work,
            vat_rows=rows if prepaid else (VatRow("Z", Decimal(0), 0, 0),),
            total_minor=prepaid,
            prepaid_minor=prepaid,
            payable_minor=0,
        )
        due = due_on_invoice(work, invoice.invoice_id)
        assert (due.state, due.payable_minor) == ("paid", 0)
    assert_no_gap(works, supplier)


def test_an_invoice_is_announced_and_audited_once(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue_invoice(work, issue_command(actor="api: nightly"))
    with works.begin(supplier.supplier_id) as work:
        announced = work.rows("SELECT kind, event_key FROM outbox WHERE supplier_id = :supplier")
        audited = work.rows("SELECT actor, act, object, details FROM audit_rows WHERE supplier_id = :supplier")
    assert [tuple(row.values()) for row in announced] == [("invoice.issued", str(invoice.invoice_id))]
    assert [(row["actor"], row["act"], row["details"]["number"]) for row in audited] == [
        ("api: nightly", "invoice.issued", invoice.number)
    ]


def test_one_person_stays_one_customer_however_the_address_is_written(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        found = {
            find_or_create_customer(work, CustomerFacts(name, CustomerKind.CONSUMER, email=email)).customer_id
            for name, email in (("Anne Roy", "Anne.Roy@Client.example"), ("ANNE ROY", "anne.roy@client.example"))
        }
        other = find_or_create_customer(work, CustomerFacts("Anne Roy", CustomerKind.CONSUMER, email=None))
        assert len(found) == 1
        assert other.customer_id not in found
        assert get_customer(work, found.pop()).email == "anne.roy@client.example"


def test_a_siren_or_a_vat_number_names_a_customer_before_its_name_does(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        french = find_or_create_customer(work, customer_facts("Old name"))
        renamed = find_or_create_customer(work, customer_facts("New name"))
        belgian = CustomerFacts("Brasserie", CustomerKind.BUSINESS, vat_id="BE0123456749")
        assert renamed.customer_id == french.customer_id
        assert find_or_create_customer(work, belgian).customer_id == find_or_create_customer(work, belgian).customer_id


def test_what_does_not_exist_and_what_is_somebody_else_s_look_the_same(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        for ask in (get_invoice, due_on_invoice, get_customer):
            with pytest.raises(NotFoundError, match="There is no such"):
                ask(work, new_id())
