"""Credit notes are set off against their invoices, whatever comes first; the 212 go out in pairs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from builders import document, line
from ledger_builders import attempt, customer_facts, issue, received, refunded
from sqlalchemy.exc import IntegrityError, OperationalError

from einvoice.booking import _names
from receivables.domain.invoicing.invoices import NamedInvoice, Origin
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.checks import run_checks, state_hash
from receivables.services.invoicing import correcting
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement import receipts
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.setting_off import SetOff, UndoSetOff, set_off, undo_set_off
from receivables.services.settlement.settling import load_settling
from receivables.store.customer_file import customers
from receivables.store.settlement.settlements import SetOffChoice, note_choice

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

SPLIT = {"20": 6001, "5.5": 3999}


def credit(work: Work, *invoices: Invoice, share: int = 1, **changes: Any) -> Invoice:
    """A credit note for the whole of ``invoices`` (or one ``share``-th of it), naming them."""
    rows = (
        VatRow("S", Decimal(20), 5001 // share, 1000 // share),
        VatRow("S", Decimal("5.5"), 3791 // share, 208 // share),
    )
    total = sum(row.gross_minor for row in rows)
    told = {
        "type_code": "381",
        "vat_rows": rows,
        "total_minor": total,
        "payable_minor": total,
        "names": tuple(NamedInvoice(each.number, each.issued_on.year) for each in invoices),
    }
    return issue(work, **(told | changes))


def assert_books(work: Work) -> None:
    work.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert [finding for finding in run_checks(work) if finding.gap] == []


def open_of(work: Work, document: Invoice) -> int:
    found: int = work.scalar(
        "SELECT open_minor FROM receivable_items WHERE supplier_id = :supplier AND invoice_id = :id "
        "AND kind <> 'reversal'",
        id=document.invoice_id,
    )
    return found


def told(work: Work, document: Invoice) -> list[tuple[str, int]]:
    """What the 212 of a document say, in their order."""
    rows = work.rows(
        "SELECT kind, amount_minor FROM collections WHERE supplier_id = :supplier AND invoice_id = :id "
        "ORDER BY sequence",
        id=document.invoice_id,
    )
    return [(row["kind"], row["amount_minor"]) for row in rows]


def told_by_rate(work: Work, document: Invoice) -> dict[str, int]:
    rows = work.rows(
        "SELECT part ->> 'rate' AS rate, sum((part ->> 'amount_minor')::bigint)::bigint AS minor FROM collections "
        "CROSS JOIN jsonb_array_elements(split) AS part WHERE supplier_id = :supplier AND invoice_id = :id GROUP BY 1",
        id=document.invoice_id,
    )
    return {row["rate"]: row["minor"] for row in rows}


def balance(work: Work, account: str) -> int:
    found: int = work.scalar(
        "SELECT coalesce(sum(debit_minor - credit_minor), 0)::bigint FROM postings WHERE supplier_id = :supplier "
        "AND account LIKE :account",
        account=f"{account}%",
    )
    return found


def test_a_credit_note_settles_its_invoice_in_the_transaction_that_issues_it(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        note = credit(work, invoice)
        assert (open_of(work, invoice), open_of(work, note)) == (0, 0)
        assert due_on_invoice(work, invoice.invoice_id).payable_minor == 0
        assert told(work, invoice) == [("set_off", 10000)]
        assert told(work, note) == [("set_off", -10000)]
        assert told_by_rate(work, invoice) == SPLIT
        assert told_by_rate(work, note) == {rate: -minor for rate, minor in SPLIT.items()}
        assert balance(work, "44574") == balance(work, "44571") == balance(work, "411") == 0
        events = work.rows("SELECT event_key FROM outbox WHERE supplier_id = :supplier AND kind = 'cash.collected'")
        assert {row["event_key"] for row in events} == {f"{invoice.invoice_id}/1", f"{note.invoice_id}/1"}
        codes = work.rows(
            "SELECT DISTINCT code FROM letterings JOIN receivable_items USING (supplier_id, lettering_id) "
            "WHERE supplier_id = :supplier"
        )
        assert [row["code"] for row in codes] == ["AA"]
        assert_books(work)


def test_a_part_of_the_credit_leaves_the_rest_to_be_paid(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        note = credit(work, invoice, share=4)
        assert due_on_invoice(work, invoice.invoice_id).payable_minor == 10000 - note.payable_minor
        record_facts(work, [received(attempt(work, invoice, 10000 - note.payable_minor), 10000 - note.payable_minor)])
        assert (open_of(work, invoice), open_of(work, note)) == (0, 0)
        assert told_by_rate(work, invoice) == SPLIT
        assert balance(work, "44574") == 0
        assert_books(work)


def test_of_a_paid_invoice_the_credit_stays_the_customers_until_the_money_goes_back(
    works: Works, supplier: Supplier
) -> None:
    """The money is with us, so it stays declared; with the refund the credit note takes its place."""
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        record_facts(work, [received(paid, 10000)])
        note = credit(work, invoice)
        assert open_of(work, note) == 10000
        assert told(work, note) == []
        assert exposure_of(work, invoice.customer_id).total_minor == -10000
        record_facts(work, [refunded(paid, 4000)])
        assert (open_of(work, invoice), open_of(work, note)) == (0, 6000)
        assert told(work, invoice) == [("cash", 10000), ("cash", -4000), ("set_off", 4000)]
        assert told(work, note) == [("set_off", -4000)]
        assert exposure_of(work, invoice.customer_id).total_minor == -6000
        assert_books(work)
        record_facts(work, [refunded(paid, 6000, "re_2")])
        assert (open_of(work, invoice), open_of(work, note)) == (0, 0)
        assert told_by_rate(work, invoice) == SPLIT
        assert exposure_of(work, invoice.customer_id).total_minor == 0
        assert_books(work)


def test_money_in_flight_keeps_its_room_until_it_is_there_or_failed(works: Works, supplier: Supplier) -> None:
    for state in (AttemptState.FAILED, AttemptState.SUCCEEDED):
        with works.begin(supplier.supplier_id) as work:
            invoice = issue(work)
            flying = attempt(work, invoice, 7000)
            record_facts(work, [AttemptMoved(flying, AttemptState.PROCESSING)])
            note = credit(work, invoice)
            assert open_of(work, note) == 7000, "what is on its way is not credited away"
            assert due_on_invoice(work, invoice.invoice_id).payable_minor == 0
            assert_books(work)
            if state is AttemptState.FAILED:
                record_facts(work, [AttemptMoved(flying, AttemptState.FAILED)])
                assert (open_of(work, invoice), open_of(work, note)) == (0, 0)
            else:
                record_facts(work, [received(flying, 7000)])
                assert (open_of(work, invoice), open_of(work, note)) == (0, 7000)
            assert_books(work)


def test_a_credit_note_that_comes_before_its_invoice_waits_for_it(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        note = credit(work, names=(NamedInvoice("THEIRS-1", 2026),))
        assert open_of(work, note) == 10000
        invoice = issue(work, origin=Origin.FINISHED, number="THEIRS-1")
        assert (open_of(work, invoice), open_of(work, note)) == (0, 0)
        assert_books(work)


def test_nobody_pays_with_the_credit_of_another(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        other = credit(work, invoice, customer=customer_facts("Garage du Pont", "552100554"))
        dollars = credit(work, invoice, currency="USD")
        earlier = credit(work, names=(NamedInvoice(invoice.number, 2025),))
        assert [open_of(work, each) for each in (invoice, other, dollars, earlier)] == [10000] * 4
        for note, code in ((other, "set_off.other_customer"), (dollars, "set_off.other_currency")):
            with pytest.raises(ReceivablesError) as refused:
                set_off(work, SetOff(invoice.invoice_id, note.invoice_id, 1, "Lea"))
            assert refused.value.code == code
        assert_books(work)


def test_by_hand_a_credit_goes_where_somebody_wants_it_and_back(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        first, second = issue(work), issue(work)
        note = credit(work, first)
        moved = undo_set_off(work, UndoSetOff(first.invoice_id, note.invoice_id, "Lea", "pour l'autre facture", 4000))
        assert moved == 4000
        assert [open_of(work, each) for each in (first, second, note)] == [4000, 10000, 4000]
        set_off(work, SetOff(second.invoice_id, note.invoice_id, 3000, "Lea"))
        assert [open_of(work, each) for each in (first, second, note)] == [4000, 7000, 1000]
        assert told(work, note) == [("set_off", -10000), ("set_off", 4000), ("set_off", -3000)]
        assert undo_set_off(work, UndoSetOff(first.invoice_id, note.invoice_id, "Lea", "tout")) == 6000
        assert [open_of(work, each) for each in (first, second, note)] == [10000, 7000, 7000]
        set_off(work, SetOff(first.invoice_id, note.invoice_id, 7000, "Lea"))
        assert [open_of(work, each) for each in (first, second, note)] == [3000, 7000, 0]
        acts = work.rows("SELECT act FROM audit_rows WHERE supplier_id = :supplier AND actor = 'Lea' ORDER BY audit_id")
        assert [row["act"] for row in acts] == [f"set_off.{act}" for act in ("undone", "chosen", "undone", "chosen")]
        assert_books(work)


def test_a_credit_that_moves_between_invoices_without_vat_moves_nothing_on_itself(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        old, new = (issue(work, vat_on_collection=False, due_on=date(2026, 10, day)) for day in (20, 10))
        note = credit(work, old, vat_on_collection=False)
        note_choice(work, SetOffChoice(note.invoice_id, new.invoice_id, 4000, "Lea"))
        undo_set_off(work, UndoSetOff(old.invoice_id, note.invoice_id, "Lea", "l'autre d'abord", 4000))
        assert [open_of(work, each) for each in (old, new, note)] == [4000, 6000, 0]
        assert told(work, old) == [("set_off", 10000), ("set_off", -4000)]
        assert told(work, new) == [("set_off", 4000)]
        assert told(work, note) == [("set_off", -10000)]
        assert_books(work)


def test_by_hand_no_more_is_set_off_than_there_is(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        small = credit(work, share=4, names=())
        flying = attempt(work, invoice, 9000)
        record_facts(work, [AttemptMoved(flying, AttemptState.PROCESSING)])
        for amount in (1001, small.payable_minor + 1):
            with pytest.raises(ConflictError) as refused:
                set_off(work, SetOff(invoice.invoice_id, small.invoice_id, amount, "Lea"))
            assert refused.value.code == "set_off.too_much"
        set_off(work, SetOff(invoice.invoice_id, small.invoice_id, 1000, "Lea"))
        with pytest.raises(ConflictError) as nothing:
            undo_set_off(work, UndoSetOff(invoice.invoice_id, small.invoice_id, "Lea", "erreur", 1001))
        assert nothing.value.code == "set_off.nothing_to_undo"
        for wrong, code in (
            (SetOff(invoice.invoice_id, small.invoice_id, 0, "Lea"), "set_off.not_above_zero"),
            (SetOff(invoice.invoice_id, invoice.invoice_id, 1, "Lea"), "set_off.not_a_credit_note"),
            (SetOff(small.invoice_id, small.invoice_id, 1, "Lea"), "set_off.not_an_invoice"),
        ):
            with pytest.raises(ReceivablesError) as bad:
                set_off(work, wrong)
            assert bad.value.code == code
        with pytest.raises(ReceivablesError) as silent:
            undo_set_off(work, UndoSetOff(invoice.invoice_id, small.invoice_id, "Lea", "  "))
        assert silent.value.code == "set_off.no_reason"
        assert_books(work)


def test_a_credit_note_for_several_invoices_goes_to_each_what_it_says(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        first, second = issue(work), issue(work)
        names = (NamedInvoice(first.number, 2026, 2500), NamedInvoice(second.number, 2026, 7500))
        note = credit(work, names=names)
        assert [open_of(work, each) for each in (first, second, note)] == [7500, 2500, 0]
        assert_books(work)


def test_without_vat_on_collection_nothing_is_posted_and_everything_lettered(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work, vat_on_collection=False)
        credit(work, invoice, vat_on_collection=False)
        kinds = work.rows("SELECT source_kind FROM entries WHERE supplier_id = :supplier")
        assert [row["source_kind"] for row in kinds] == ["invoice", "invoice"]
        assert open_of(work, invoice) == 0
        assert_books(work)


def test_credit_and_money_in_either_order_end_in_the_same_books(works: Works, supplier: Supplier) -> None:
    hashes = set()
    with works.begin(supplier.supplier_id) as work:
        first, second = issue(work), issue(work)
        paid, more = attempt(work, first, 9000), attempt(work, first, 5000, minutes=3)
        facts = [
            lambda: record_facts(work, [received(paid, 9000)]),
            lambda: record_facts(work, [received(more, 5000), refunded(more, 1000)]),
            lambda: credit(work, first, second, issued_on=date(2026, 10, 3)),
        ]
        for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)):
            point = work.connection.begin_nested()
            for position in order:
                facts[position]()
            assert_books(work)
            hashes.add(state_hash(work))
            point.rollback()
    assert len(hashes) == 1


def test_the_document_says_which_invoices_are_credited_and_by_how_much() -> None:
    """By line each invoice gets the share of its lines, to the cent; at the head all of it; an invoice names none."""
    day = "2026-10-01"
    lines = [
        line(quantity=1, net_price="10.00", preceding_invoice={"number": "F1", "issue_date": day}),
        line(quantity=1, net_price="20.00", vat_rate="5.5", preceding_invoice={"number": "F2", "issue_date": day}),
        line(quantity=1, net_price="0.01", preceding_invoice={"number": "F1", "issue_date": day}),
    ]
    by_line = document(*lines, type_code="381")
    assert _names(by_line) == (NamedInvoice("F1", 2026, 1201), NamedInvoice("F2", 2026, 2110))
    assert by_line.totals.payable == Decimal("33.11")
    at_head = document(type_code="381", preceding_invoices=[{"number": "F1", "issue_date": day}])
    assert _names(at_head) == (NamedInvoice("F1", 2026),)
    correction = document(type_code="384", preceding_invoices=[{"number": "F1", "issue_date": day}])
    assert _names(correction) == (NamedInvoice("F1", 2026),)
    assert _names(document()) == ()


def test_a_credit_note_and_the_money_that_come_at_once_settle_no_cent_twice(works: Works, supplier: Supplier) -> None:
    """Two workers, one customer: the second waits for the first and sees what it has settled."""
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
    race(works, supplier, invoice, paid)
    with works.begin(supplier.supplier_id) as work:
        assert_books(work)
        assert open_of(work, invoice) == 0


def test_a_planted_race_without_the_lock_would_settle_the_invoice_twice(
    works: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bug that the test before must catch: both plan before either has written."""
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
    meeting = Barrier(2)

    def load_together(work: Work, invoice_ids: Any, attempt_ids: Any = ()) -> Any:
        loaded = load_settling(work, invoice_ids, attempt_ids)
        meeting.wait(10)
        return loaded

    for module in (customers, receipts):
        monkeypatch.setattr(module, "lock_customers", lambda *_: None)
    for module in (correcting, receipts):
        monkeypatch.setattr(module, "load_settling", load_together)
    # the tables are a second lock: a key that stands already, or rows that each one has of the other
    with pytest.raises((IntegrityError, OperationalError), match=r"collections_pkey|deadlock detected"):
        race(works, supplier, invoice, paid)


def race(works: Works, supplier: Supplier, invoice: Invoice, paid: UUID) -> None:
    """A credit note on the whole and the money for the whole, in two transactions at once."""

    def run(step: Callable[[Work], object]) -> None:
        with works.begin(supplier.supplier_id) as work:
            step(work)

    with ThreadPoolExecutor(2) as pool:
        for each in (
            pool.submit(run, lambda work: credit(work, invoice)),
            pool.submit(run, lambda work: record_facts(work, [received(paid, 10000)])),
        ):
            each.result(30)
