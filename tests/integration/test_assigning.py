"""Claims assigned to a factor: entries, lettering, what debtors pay to whom; the books hold all the while."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from dispute_builders import claim
from factor_builders import FACTOR_IBAN, FACTOR_SIREN, factor_of
from ledger_builders import customer_facts, issue, issue_command

from config.clock import new_id, now, today
from receivables.domain.settlement.receipts import MoneyReturned
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.collecting.chasing import chase_state
from receivables.services.factoring.assigning import (
    ASSIGNMENT_TOLD,
    AssignInvoices,
    assign_invoices,
    change_payee,
    follow_quiet,
    give_back,
    hand_over,
    note_factor_paid,
    release_replaced,
)
from receivables.services.factoring.factor_money import book_factor_move
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.invoicing.issuing import issue_invoice
from receivables.services.risk.exposing import exposure_lines, exposure_of
from receivables.services.risk.insolvency import NewInsolvency, note_insolvency
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.services.settlement.receipts import record_facts
from receivables.store.accounting.factors import (
    FactorMove,
    get_factor,
    list_assignments,
    moves_of,
    positions,
    standing_assignments,
)
from receivables.store.customer_file.journal import journal_of

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.accounting.factors import Assignment
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


def assign(work: Work, *invoices: Invoice, **changes: bool) -> list[Assignment]:
    """Assign invoices to a new factor."""
    factor = factor_of(work, **changes)
    made = assign_invoices(work, AssignInvoices(factor.factor_id, [each.invoice_id for each in invoices], "test"))
    assert not made.refused
    return sorted(made.made, key=lambda each: each.number)


def pay_us(work: Work, invoice: Invoice, amount_minor: int, ref: str = "line-1") -> UUID:
    """The debtor pays by transfer to our account, for this invoice."""
    return record_payment(
        work,
        RecordPayment(
            payment_ref=f"{ref}-{invoice.invoice_id.hex}",
            customer_id=invoice.customer_id,
            amount_minor=amount_minor,
            currency="EUR",
            received_on=today(),
            method="transfer",
            road="bank",
            counter="bank",
            aims={invoice.invoice_id: amount_minor},
            actor="test",
        ),
    )


def balances(work: Work) -> dict[str, int]:
    """What is on the accounts that factoring touches, above zero in debit."""
    rows = work.rows(
        "SELECT account, sum(debit_minor - credit_minor)::bigint AS minor FROM postings WHERE supplier_id = :supplier "
        "AND (account LIKE '411%' OR account LIKE '467%' OR account LIKE '512%' OR account LIKE '62%' "
        "OR account LIKE '66%' OR account LIKE '4457%') GROUP BY account HAVING sum(debit_minor - credit_minor) <> 0"
    )
    return {row["account"]: row["minor"] for row in rows}


def collected(work: Work, invoice: Invoice) -> list[int]:
    """The amounts of the 212 of an invoice."""
    rows = work.rows(
        "SELECT amount_minor FROM collections WHERE supplier_id = :supplier AND invoice_id = :id ORDER BY sequence",
        id=invoice.invoice_id,
    )
    return [row["amount_minor"] for row in rows]


def told(work: Work) -> list[str]:
    """The statuses that are to be told."""
    rows = work.rows(
        "SELECT payload ->> 'code' AS code FROM outbox WHERE supplier_id = :supplier AND kind = :kind "
        "ORDER BY outbox_id",
        kind=ASSIGNMENT_TOLD,
    )
    return [row["code"] for row in rows]


def assert_books_hold(work: Work) -> None:
    """Every invariant of the house."""
    assert [(each.code, each.gap) for each in run_checks(work) if each.gap] == []


def test_a_told_assignment_moves_the_claim_to_467_and_asks_nothing_of_the_debtor_here(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        assign(work, invoice)
        due = due_on_invoice(work, invoice.invoice_id)
        assert (due.open_minor, due.payable_minor, due.state) == (0, 0, "assigned")
        assert balances(work) == {"467100": 10_000, "445740": -1_208}
        assert collected(work, invoice) == []  # no cash of the debtor's yet: VAT on collection waits
        assert told(work) == ["225"]
        assert standing_assignments(work, [invoice.invoice_id])[invoice.invoice_id].iban == FACTOR_IBAN
        assert_books_hold(work)


def test_what_the_debtor_pays_the_factor_settles_the_invoice_and_is_told_by_212(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        (made,) = assign(work, invoice)
        for _ in range(2):  # told twice by the factor, booked once
            part = note_factor_paid(work, made.assignment_id, 4_000, today(), reference="R1", actor="test")
        assert (part.state, part.open_minor) == ("assigned", 6_000)
        assert_books_hold(work)
        whole = note_factor_paid(work, made.assignment_id, 6_000, today(), reference="R2", actor="test")
        assert (whole.state, whole.open_minor) == ("paid", 0)
        assert collected(work, invoice) == [4_000, 6_000]
        assert balances(work) == {"467100": 10_000, "445710": -1_208}
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
        assert_books_hold(work)


def test_money_received_by_mistake_settles_the_invoice_and_is_owed_to_the_factor(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        (made,) = assign(work, invoice)
        attempt_id = pay_us(work, invoice, 7_000)
        assert collected(work, invoice) == []  # credit of the debtor until somebody says what it is
        left = hand_over(work, made.assignment_id, attempt_id, 7_000, "test")
        assert (left.state, left.open_minor) == ("assigned", 3_000)
        assert balances(work) == {"467100": 3_000, "512000": 7_000, "445710": -846, "445740": -362}
        assert collected(work, invoice) == [7_000]
        assert_books_hold(work)


def test_money_for_another_invoice_is_handed_over_only_as_far_as_it_is_open(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice, other = issue(work), issue(work)
        (made,) = assign(work, invoice)
        attempt_id = pay_us(work, other, 10_000)
        with pytest.raises(ConflictError, match="cannot be used"):
            hand_over(work, made.assignment_id, attempt_id, 10_000, "test")


def test_a_claim_given_back_is_owed_to_us_again_and_its_debtor_is_told(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        (made,) = assign(work, invoice)
        with pytest.raises(ReceivablesError, match="Say why"):
            give_back(work, made.assignment_id, reason=" ", actor="test")
        back = give_back(work, made.assignment_id, reason="Garantie refusée", actor="test")
        assert (back.state, back.open_minor) == ("given_back", 0)
        assert due_on_invoice(work, invoice.invoice_id).payable_minor == 10_000
        assert balances(work) == {"411000": 10_000, "445740": -1_208}
        assert told(work) == ["225", "228"]
        assert_books_hold(work)
        with pytest.raises(ConflictError, match="not in the factor's hands"):
            give_back(work, made.assignment_id, reason="encore", actor="test")
        (again,) = assign(work, invoice)  # another factor takes it
        assert again.open_minor == 10_000
        assert_books_hold(work)


def test_in_confidence_nothing_that_the_debtor_can_see_changes(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        before = due_on_invoice(work, invoice.invoice_id)
        (made,) = assign(work, invoice, confidential=True)
        assert due_on_invoice(work, invoice.invoice_id) == before
        assert standing_assignments(work, [invoice.invoice_id], told_to_customer=True) == {}
        assert journal_of(work, invoice.customer_id, internal=False) == []
        assert chase_state(work, invoice.invoice_id, today()).may_chase  # the mandate to collect stays with us
        assert balances(work) == {"411000": 10_000, "411800": -10_000, "467100": 10_000, "445740": -1_208}
        assert told(work) == ["226"]
        give_back(work, made.assignment_id, reason="Fin du contrat", actor="test")
        assert told(work) == ["226"]  # the debtor, who never heard of it, does not hear of its end
        assert_books_hold(work)


def test_in_confidence_money_from_the_debtor_is_owed_to_the_factor_and_back_again(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        (made,) = assign(work, invoice, confidential=True)
        with pytest.raises(ConflictError, match="in confidence"):
            note_factor_paid(work, made.assignment_id, 10_000, today(), reference="R1", actor="test")
        pay_us(work, invoice, 10_000)
        for _ in range(2):
            follow_quiet(work, invoice.invoice_id)
        assert balances(work) == {"512000": 10_000, "445710": -1_208}  # 467: 100.00 claim, less 100.00 owed
        ref = f"line-1-{invoice.invoice_id.hex}"
        at = datetime.combine(today(), time(9), tzinfo=UTC)
        record_facts(work, [MoneyReturned("back", ref, "return", 10_000, "EUR", at, "bank")])
        follow_quiet(work, invoice.invoice_id)
        (again,) = list_assignments(work)
        assert (again.state, again.open_minor) == ("assigned", 10_000)
        assert_books_hold(work)


def test_a_batch_takes_what_it_may_and_says_why_not_the_rest(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        good, disputed, paid, taken = issue(work), issue(work), issue(work), issue(work)
        own = issue(work, customer=customer_facts("Facto SA", FACTOR_SIREN))
        other = issue(work, customer=customer_facts("Autre", "552100554"))
        insolvent(work, other.customer_id)
        claim(work, disputed)
        pay_us(work, paid, 10_000)
        assign(work, taken)
        factor = factor_of(work)
        ids = [each.invoice_id for each in (good, disputed, paid, taken, other, own)]
        batch = assign_invoices(work, AssignInvoices(factor.factor_id, [*ids, new_id()], "test"))
        assert [each.invoice_id for each in batch.made] == [good.invoice_id]
        assert [batch.refused[each].code for each in ids[1:]] == [
            "assignment.disputed",
            "assignment.settled",
            "assignment.already",
            "assignment.insolvent",
            "assignment.factor_itself",
        ]
        assert len(batch.refused) == 6
        assert_books_hold(work)


def insolvent(work: Work, customer_id: UUID) -> None:
    """Proceedings are open against a customer."""
    note_insolvency(work, NewInsolvency(customer_id, "sauvegarde", today(), "BODACC", "test"))


def test_fifty_invoices_are_assigned_with_as_many_statements_as_five(works: Works, supplier: Supplier) -> None:
    counts = []
    with works.begin(supplier.supplier_id) as work:
        factor = factor_of(work)
        for number in (5, 50):
            ids = [issue(work).invoice_id for _ in range(number)]
            counts.append(statements(work, AssignInvoices(factor.factor_id, ids, "test")))
    assert counts[0] == counts[1] < 40


def statements(work: Work, command: AssignInvoices) -> int:
    """How many statements one batch costs."""
    from sqlalchemy import event  # noqa: PLC0415 -- one test's business

    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(work.connection, "before_cursor_execute", note)
    try:
        assign_invoices(work, command)
    finally:
        event.remove(work.connection, "before_cursor_execute", note)
    return len(seen)


def test_part_paid_before_only_the_rest_is_assigned(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        pay_us(work, invoice, 4_000)
        (made,) = assign(work, invoice)
        assert made.amount_minor == 6_000
        assert_books_hold(work)
        assert collected(work, invoice) == [4_000]
        whole = note_factor_paid(work, made.assignment_id, 6_000, today(), reference="R1", actor="test")
        assert whole.state == "paid"
        assert_books_hold(work)


def test_the_account_of_467_tells_what_the_factor_owes(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        (made,) = assign(work, invoice)
        factor = get_factor(work, made.factor_id)
        for kind, minor in (("advance", 9_000), ("commission", 150), ("interest", 50)):
            move = FactorMove(kind, minor, "EUR", today(), "D-1", now())
            book_factor_move(work, factor.factor_id, move, "test")
        with pytest.raises(ConflictError, match="booked already"):
            book_factor_move(work, factor.factor_id, move, "test")
        assert balances(work) == {
            "467100": 800,
            "512000": 9_000,
            "622500": 150,
            "668000": 50,
            "445740": -1_208,
        }
        assert positions(work)[factor.factor_id, "EUR"] == {"claims_minor": 10_000, "owed_minor": 800}
        attempt_id = pay_us(work, invoice, 10_000)
        hand_over(work, made.assignment_id, attempt_id, 10_000, "test")
        assert positions(work)[factor.factor_id, "EUR"] == {"claims_minor": 0, "owed_minor": -9_200}
        paid = FactorMove("paid_to_factor", 9_200, "EUR", today(), "V-1", now())
        book_factor_move(work, factor.factor_id, paid, "test")
        assert positions(work)[factor.factor_id, "EUR"]["owed_minor"] == balances(work).get("467100", 0) == 0
        assert sum(each.amount_minor for each in moves_of(work, factor.factor_id)) == 0
        assert_books_hold(work)


def test_with_recourse_the_claim_is_still_at_risk(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        with_it, without = issue(work), issue(work, customer=customer_facts("Autre", "552100554"))
        before = exposure_of(work, with_it.customer_id)
        factor = factor_of(work, recourse=True)
        day = today() - timedelta(days=2)
        batch = assign_invoices(work, AssignInvoices(factor.factor_id, [with_it.invoice_id], "test", on=day))
        assign(work, without, recourse=False)
        now_it = exposure_of(work, with_it.customer_id)
        assert (now_it.assigned_minor, now_it.invoiced_minor, now_it.total_minor) == (10_000, 0, before.total_minor)
        assert exposure_of(work, without.customer_id).total_minor == 0
        note_factor_paid(work, batch.made[0].assignment_id, 4_000, today(), reference="R1", actor="test")
        assert exposure_of(work, with_it.customer_id).total_minor == 6_000
        for on, minor in ((None, 6_000), (today() - timedelta(days=1), 10_000)):
            (line,) = exposure_lines(work, with_it.customer_id, "EUR", "assigned", on)
            assert (line.reference, line.minor, line.kind) == (with_it.number, minor, "assigned")
            assert exposure_of(work, with_it.customer_id, on=on).assigned_minor == minor
        assert exposure_of(work, with_it.customer_id, on=day - timedelta(days=1)).assigned_minor == 0


def test_another_account_of_the_factor_is_told_for_every_claim_that_debtors_know_of(
    works: Works, supplier: Supplier
) -> None:
    other = "FR7630004000031234567890143"
    with works.begin(supplier.supplier_id) as work:
        first, second, quiet = issue(work), issue(work), issue(work)
        factor = factor_of(work)
        for each in (first, second):
            assign_invoices(work, AssignInvoices(factor.factor_id, [each.invoice_id], "test"))
        assign_invoices(work, AssignInvoices(factor.factor_id, [quiet.invoice_id], "test", confidential=True))
        changed = change_payee(work, factor.factor_id, "Facto SA", other, None, actor="test")
        assert {each.invoice_id for each in changed} == {first.invoice_id, second.invoice_id}
        assert {each.iban for each in changed} == {other}
        assert told(work) == ["225", "225", "226", "227", "227"]


def test_a_corrective_invoice_takes_the_claim_from_the_factor(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        (made,) = assign(work, invoice)
        replacing = issue_command(type_code="384", names=named(invoice), total_minor=9_000, payable_minor=9_000)
        fresh = issue_invoice(work, replacing)
        release_replaced(work, invoice.invoice_id)
        assert next(iter(list_assignments(work))).state == "given_back"
        assert due_on_invoice(work, fresh.invoice_id).open_minor == 9_000
        assert made.open_minor == 10_000
        assert_books_hold(work)


def named(invoice: Invoice) -> object:
    """The invoice that a corrective one names."""
    from receivables.domain.invoicing.invoices import NamedInvoice  # noqa: PLC0415 -- one test's business

    return (NamedInvoice(invoice.number, invoice.issued_on.year, None),)


def test_nobody_chases_what_a_factor_collects(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        pay = pay_us(work, invoice, 4_000)
        assign(work, invoice)
        at = datetime.combine(today(), time(9), tzinfo=UTC)
        ref = f"line-1-{invoice.invoice_id.hex}"
        record_facts(work, [MoneyReturned("back", ref, "return", 4_000, "EUR", at, "bank")])
        state = chase_state(work, invoice.invoice_id, today())
        assert pay
        assert (state.open_minor, state.chaseable_minor) == (4_000, 0)
        assert state.held_minor("assigned") == 4_000
        assert_books_hold(work)
