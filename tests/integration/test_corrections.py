"""A corrective invoice takes the place of its invoice in the books: claim, cash, what is on its way, what is told."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from checkout_builders import KEYRING
from ledger_builders import attempt, customer_facts, issue, received, refunded
from test_setting_off import assert_books, credit, open_of, told, told_by_rate

from payments.links import find_link, mint_link, read_token
from receivables.domain.invoicing.invoices import NamedInvoice, Origin
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.checks import state_hash
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement.receipts import record_facts
from receivables.store.invoicing.lists import list_invoices
from receivables.store.settlement.settlements import latest_of

if TYPE_CHECKING:
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

SPLIT = {"20": 6001, "5.5": 3999}


def correct(work: Work, invoice: Invoice, *, half: bool = False, **changes: Any) -> Invoice:
    """A corrective invoice that takes the place of ``invoice``: of the same amount, or of half of it."""
    rows = tuple(
        type(row)(row.category, row.rate, row.taxable_minor // 2, row.tax_minor // 2) for row in invoice.vat_rows
    )
    total = sum(row.gross_minor for row in rows)
    smaller = {"vat_rows": rows, "total_minor": total, "payable_minor": total} if half else {}
    named = (NamedInvoice(invoice.number, invoice.issued_on.year),)
    return issue(work, **({"type_code": "384", "names": named} | smaller | changes))


def entries(work: Work) -> list[tuple[str, bool]]:
    rows = work.rows("SELECT source_kind, reverses_id FROM entries WHERE supplier_id = :supplier ORDER BY created_at")
    return [(row["source_kind"], row["reverses_id"] is not None) for row in rows]


def test_an_unpaid_invoice_is_taken_back_whole(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        corrective = correct(work, invoice, half=True)
        assert (open_of(work, invoice), open_of(work, corrective)) == (0, corrective.payable_minor)
        assert exposure_of(work, invoice.customer_id).total_minor == corrective.payable_minor
        assert due_on_invoice(work, invoice.invoice_id).payable_minor == 0
        assert told(work, invoice) == told(work, corrective) == []
        assert entries(work) == [("invoice", False), ("invoice", False), ("reversal", True)]
        assert latest_of(work, invoice.invoice_id) == corrective.invoice_id
        events = work.rows("SELECT payload FROM outbox WHERE supplier_id = :supplier AND kind = 'invoice.replaced'")
        assert [row["payload"] for row in events] == [
            {"invoice_id": str(invoice.invoice_id), "by_id": str(corrective.invoice_id)}
        ]
        assert_books(work)


def test_cash_goes_to_the_corrective_invoice_as_far_as_it_fits(works: Works, supplier: Supplier) -> None:
    """212: what the old one had collected goes back, what the new one takes comes in; together it is the cash kept."""
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        record_facts(work, [received(paid, 10000)])
        corrective = correct(work, invoice, half=True)
        fits = corrective.payable_minor
        assert told(work, invoice) == [("cash", 10000), ("cash", -10000)]
        assert told(work, corrective) == [("cash", fits)]
        assert told_by_rate(work, invoice) == dict.fromkeys(SPLIT, 0)
        assert exposure_of(work, invoice.customer_id).credits_minor == 10000 - fits, "the rest is the customer's"
        assert_books(work)
        record_facts(work, [refunded(paid, 10000 - fits)])
        assert exposure_of(work, invoice.customer_id).total_minor == 0
        assert told(work, corrective) == [("cash", fits)], "the refund takes what no invoice needs"
        assert_books(work)


def test_a_payment_on_its_way_arrives_at_the_corrective_invoice(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        flying, open_one = attempt(work, invoice, 6000), attempt(work, invoice, 4000, minutes=2)
        record_facts(work, [AttemptMoved(flying, AttemptState.PROCESSING)])
        corrective = correct(work, invoice)
        due = due_on_invoice(work, corrective.invoice_id)
        assert (due.open_minor, due.in_flight_minor, due.payable_minor) == (10000, 6000, 4000)
        assert due_on_invoice(work, invoice.invoice_id).in_flight_minor == 0
        assert_books(work)
        record_facts(work, [received(flying, 6000), received(open_one, 4000)])
        assert told(work, corrective) == [("cash", 6000), ("cash", 4000)]
        assert told(work, invoice) == []
        assert_books(work)


def test_a_correction_is_corrected_and_a_late_payment_finds_the_last_one(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        late = attempt(work, invoice)
        second = correct(work, invoice, half=True)
        third = correct(work, second)
        assert latest_of(work, invoice.invoice_id) == third.invoice_id
        record_facts(work, [received(late, 10000)])
        assert told(work, third) == [("cash", 10000)]
        assert (told(work, invoice), told(work, second)) == ([], [])
        with pytest.raises(ConflictError) as refused:
            correct(work, invoice)
        assert refused.value.code == "invoice.already_replaced"
        assert third.number in str(refused.value)


def test_a_credit_note_on_a_replaced_invoice_is_set_off_against_the_one_that_stands_for_it(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        note = credit(work, invoice, share=4)
        corrective = correct(work, invoice)
        assert told(work, note) == [("set_off", -note.payable_minor)], "it was moved, not given back"
        assert [amount for _, amount in told(work, invoice)] == [note.payable_minor, -note.payable_minor]
        assert open_of(work, corrective) == 10000 - note.payable_minor
        assert_books(work)


def test_a_replaced_credit_note_gives_its_invoice_back(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        note = credit(work, invoice)
        correct(work, note)
        assert told(work, note) == [("set_off", -10000), ("set_off", 10000)]
        assert (open_of(work, invoice), open_of(work, note)) == (10000, 0)
        assert_books(work)


@pytest.mark.parametrize("changes", [{"customer": customer_facts("Garage du Pont", "552100554")}, {"currency": "USD"}])
def test_money_stays_with_who_paid_it(works: Works, supplier: Supplier, changes: dict[str, Any]) -> None:
    """Corrected because it was the wrong customer's: what he paid is his, not the right one's."""
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid, late = attempt(work, invoice, 4000), attempt(work, invoice, 6000, minutes=1)
        record_facts(work, [received(paid, 4000)])
        corrective = correct(work, invoice, **changes)
        record_facts(work, [received(late, 6000)])
        assert told(work, corrective) == []
        assert open_of(work, corrective) == 10000
        assert exposure_of(work, invoice.customer_id).credits_minor == 10000
        assert_books(work)


def test_a_correction_that_comes_before_its_invoice_waits_for_it(works: Works, supplier: Supplier) -> None:
    hashes = []
    for first in ("invoice", "correction"):
        with works.begin(supplier.supplier_id) as work:
            point = work.connection.begin_nested()
            told_of = {
                "invoice": {"number": "THEIRS-1"},
                "correction": {"number": "THEIRS-2", "type_code": "384", "names": (NamedInvoice("THEIRS-1", 2026),)},
            }
            order = [first, *(told_of.keys() - {first})]
            issued = {kind: issue(work, origin=Origin.FINISHED, **told_of[kind]) for kind in order}
            assert latest_of(work, issued["invoice"].invoice_id) == issued["correction"].invoice_id
            assert (open_of(work, issued["invoice"]), open_of(work, issued["correction"])) == (0, 10000)
            assert_books(work)
            hashes.append(state_hash(work))
            point.rollback()
    assert hashes[0] == hashes[1]


def test_a_correction_replaces_one_other_invoice(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        names = (NamedInvoice(invoice.number, 2026), NamedInvoice("X", 2026))
        with pytest.raises(ReceivablesError) as several:
            issue(work, type_code="384", names=names)
        assert several.value.code == "invoice.replaces_several"
    with works.begin(supplier.supplier_id) as work, pytest.raises(ReceivablesError) as itself:
        issue(work, type_code="384", origin=Origin.FINISHED, number="R-1", names=(NamedInvoice("R-1", 2026),))
    assert itself.value.code == "invoice.replaces_itself"


def test_an_earlier_invoice_that_nobody_knows_is_noted_for_a_human(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        issue(work, type_code="384", names=(NamedInvoice("UNKNOWN", 2026),), issued_on=date(2026, 10, 2))
        acts = work.rows("SELECT details FROM audit_rows WHERE supplier_id = :supplier AND act LIKE '%unknown'")
        assert [row["details"]["named"] for row in acts] == [["UNKNOWN"]]
        assert_books(work)


def test_a_replaced_invoice_says_so_and_its_links_lead_to_the_new_one(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        token = read_token(mint_link(work, KEYRING, invoice.invoice_id, "document"))
        assert token is not None
        corrective = correct(work, invoice)
        link = find_link(work, token[1])
        assert link is not None
        assert link.invoice_id == corrective.invoice_id
        assert due_on_invoice(work, invoice.invoice_id).state == "cancelled"
        states = {line.number: line.state for line in list_invoices(work, date(2026, 10, 2))}
        assert states == {invoice.number: "cancelled", corrective.number: "due"}


def test_the_link_of_an_invoice_that_was_another_customers_does_not_lead_to_his(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        token = read_token(mint_link(work, KEYRING, invoice.invoice_id, "document"))
        assert token is not None
        correct(work, invoice, customer=customer_facts("Garage du Pont", "552100554"))
        link = find_link(work, token[1])
        assert link is not None
        assert link.invoice_id == invoice.invoice_id
        assert due_on_invoice(work, invoice.invoice_id).payable_minor == 0
