"""Statements in PostgreSQL: every movement once, account 512 as the bank says, 471 for what nobody identified."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from catalogue import superuser
from ledger_builders import issue
from statement_builders import IBAN, OTHER_IBAN, Paper, Told, camt, cfonb, mt940, ofx

from config.clock import new_id, now
from payments.banking.accounts import UnknownAccountError, accept_account
from payments.banking.checks import check_bank
from payments.banking.importing import BATCH_LINES, BankFile, import_file, keep_entries, register_file
from payments.banking.keys import entries_of
from payments.banking.lines import LineFilter, list_lines
from payments.banking.recognising import recognise_late_payouts
from payments.banking.statements import unfinished_files
from receivables.domain.settlement.receipts import PayoutPaid
from receivables.services.accounting.checks import run_checks
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from uuid import UUID

    from config.embedded import EmbeddedPostgres
    from payments.banking.lines import BankLine
    from payments.banking.statements import KeptStatement
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAY = date(2026, 11, 20)
PAPER = Paper(
    DAY,
    100_000,
    (
        Told(12_340, DAY, "BRASSERIE DU PORT", OTHER_IBAN, "VIREMENT DIVERS", "E1", bank_ref="B1"),
        Told(-5_000, DAY, "BAILLEUR", None, "LOYER NOVEMBRE", bank_ref="B2"),
        Told(777, DAY, "INCONNU", None, "MERCI", bank_ref="B3"),
    ),
)


@pytest.fixture
def supplier_id(works: Works, supplier: Supplier) -> UUID:
    """A supplier whose account is known."""
    with works.begin(supplier.supplier_id) as work:
        accept_account(work, IBAN, "test")
    return supplier.supplier_id


def bring(works: Works, supplier_id: UUID, content: bytes, name: str = "releve") -> KeptStatement:
    """Import a file of one account."""
    return import_file(works, supplier_id, BankFile(name, content, "test"))[0]


def lines_of(works: Works, supplier_id: UUID) -> list[BankLine]:
    """All lines, oldest first."""
    with works.begin(supplier_id) as work:
        return list(reversed(list_lines(work, LineFilter(size=10_000))[0]))


def balance(work: Work, account: str) -> int:
    """Debits less credits of an account, in minor units."""
    return int(
        work.scalar(
            "SELECT coalesce(sum(debit_minor - credit_minor), 0) FROM postings WHERE supplier_id = :supplier "
            "AND account = :account",
            account=account,
        )
    )


def check(works: Works, supplier_id: UUID) -> None:
    """Every invariant holds."""
    with works.begin(supplier_id) as work:
        assert [(each.code, each.gap) for each in [*run_checks(work), *check_bank(work)] if each.gap] == []


def test_unidentified_money_is_on_471_and_what_is_not_ours_is_in_no_book(works: Works, supplier_id: UUID) -> None:
    kept = bring(works, supplier_id, camt(PAPER))
    assert {line.amount_minor: line.state for line in lines_of(works, supplier_id)} == {
        12_340: "unidentified",
        -5_000: "not_ours",
        777: "unidentified",
    }
    assert kept.report is not None
    assert kept.report["states"] == {"not_ours": 1, "unidentified": 2}
    assert (kept.fresh_lines, kept.lines, kept.finished_at is not None) == (3, 3, True)
    with works.begin(supplier_id) as work:
        assert (balance(work, "512000"), balance(work, "471000")) == (13_117, -13_117)
    check(works, supplier_id)


def test_the_same_file_again_changes_nothing(works: Works, supplier_id: UUID) -> None:
    first = bring(works, supplier_id, camt(PAPER))
    again = bring(works, supplier_id, camt(PAPER))
    assert again == first
    assert len(lines_of(works, supplier_id)) == 3
    check(works, supplier_id)


@pytest.mark.parametrize(
    "second", [camt(PAPER, "08"), camt(PAPER, notice=True), cfonb(PAPER), mt940(PAPER), ofx(PAPER)]
)
def test_a_statement_in_another_format_doubles_no_line(works: Works, supplier_id: UUID, second: bytes) -> None:
    bring(works, supplier_id, camt(PAPER))
    kept = bring(works, supplier_id, second)
    assert (kept.fresh_lines, kept.report["known"] if kept.report else None) == (0, 3)
    assert len(lines_of(works, supplier_id)) == 3
    again = bring(works, supplier_id, second + b"\n")
    assert again.fresh_lines == 0
    check(works, supplier_id)


def test_two_alike_movements_of_a_day_are_two_in_every_format(works: Works, supplier_id: UUID) -> None:
    twice = Paper(DAY, 0, (Told(10_000, DAY, "A", text="LOYER"), Told(10_000, DAY, "A", text="LOYER")))
    bring(works, supplier_id, cfonb(twice))
    bring(works, supplier_id, camt(twice))
    bring(works, supplier_id, mt940(twice))
    assert len(lines_of(works, supplier_id)) == 2


def test_a_movement_that_another_format_tells_more_is_new(works: Works, supplier_id: UUID) -> None:
    bring(works, supplier_id, cfonb(Paper(DAY, 0, (Told(10_000, DAY, "A", text="LOYER"),))))
    more = Paper(DAY, 0, (Told(10_000, DAY, "A", text="LOYER"), Told(10_000, DAY, "B", text="FACTURE 2")))
    kept = bring(works, supplier_id, camt(more))
    assert kept.fresh_lines == 1
    assert {line.counterparty for line in lines_of(works, supplier_id)} == {"A", "B"}


def test_overlapping_statements_of_one_bank_count_each_movement_once(works: Works, supplier_id: UUID) -> None:
    monday, tuesday = date(2026, 11, 16), date(2026, 11, 17)
    moves = (Told(100, monday, "A", text="X"), Told(200, monday, "B", text="Y"), Told(300, tuesday, "C", text="Z"))
    bring(works, supplier_id, cfonb(Paper(monday, 0, moves[:2])))
    kept = bring(works, supplier_id, cfonb(Paper(tuesday, 0, moves)))
    assert kept.fresh_lines == 1
    assert sorted(line.amount_minor for line in lines_of(works, supplier_id)) == [100, 200, 300]


def test_a_batch_known_as_one_sum_is_split_when_the_details_come(works: Works, supplier_id: UUID) -> None:
    whole = Paper(DAY, 0, (Told(30_000, DAY, text="REMISE PRLV", bank_ref="R1"),))
    parts = (("ANNE", 10_000, "E1"), ("BOB", 20_000, "E2"))
    bring(works, supplier_id, camt(whole))
    bring(works, supplier_id, camt(Paper(DAY, 0, (replace(whole.movements[0], parts=parts),)), notice=True))
    assert sorted((line.amount_minor, line.state) for line in lines_of(works, supplier_id)) == [
        (10_000, "unidentified"),
        (20_000, "unidentified"),
        (30_000, "split"),
    ]
    check(works, supplier_id)
    bring(works, supplier_id, cfonb(whole))
    assert len(lines_of(works, supplier_id)) == 3
    check(works, supplier_id)


def test_an_unknown_account_is_a_question_and_nothing_is_kept(works: Works, supplier: Supplier) -> None:
    file = BankFile("releve", camt(PAPER), "test")
    with pytest.raises(UnknownAccountError, match=IBAN):
        import_file(works, supplier.supplier_id, file)
    assert lines_of(works, supplier.supplier_id) == []
    with works.begin(supplier.supplier_id) as work:
        assert unfinished_files(work) == []
        accept_account(work, IBAN, "anne")
    assert import_file(works, supplier.supplier_id, file)[0].fresh_lines == 3


def test_an_import_that_was_interrupted_goes_on_where_it_stopped(works: Works, supplier_id: UUID) -> None:
    file = BankFile("releve", camt(PAPER), "test")
    entries = entries_of(file.statements[0])
    with works.begin(supplier_id) as work:
        (row,) = register_file(work, file)
        keep_entries(work, file.statements[0], row, entries[:2])
        assert unfinished_files(work) == [file.sha256]
    kept = import_file(works, supplier_id, file)[0]
    assert kept.fresh_lines == 3
    with works.begin(supplier_id) as work:
        assert unfinished_files(work) == []
    check(works, supplier_id)


def test_a_long_statement_is_imported_in_batches_with_progress(works: Works, supplier_id: UUID) -> None:
    moves = tuple(Told(-100 - n, DAY, f"F{n}", text=f"ACHAT {n}") for n in range(BATCH_LINES + 500))
    heard: list[tuple[int, int]] = []
    file = BankFile("long", cfonb(Paper(DAY, 0, moves)), "test")
    (kept,) = import_file(works, supplier_id, file, lambda done, whole: heard.append((done, whole)))
    assert heard == [(BATCH_LINES, 1500), (1500, 1500)]
    assert kept.fresh_lines == 1500


def test_a_statement_that_is_missing_in_between_is_told_with_its_gap(works: Works, supplier_id: UUID) -> None:
    bring(works, supplier_id, cfonb(Paper(date(2026, 11, 16), 0, (Told(100, date(2026, 11, 16), "A", text="X"),))))
    late = date(2026, 11, 19)
    kept = bring(works, supplier_id, cfonb(Paper(late, 350, (Told(-50, late, "B", text="Y"),))))
    assert [remark["code"] for remark in kept.remarks] == ["bank.balance_gap"]
    assert "2.50 EUR" in kept.remarks[0]["sentence_fr"]


def test_a_month_in_one_file_is_one_statement(works: Works, supplier_id: UUID) -> None:
    days = [date(2026, 11, number) for number in (2, 3, 4)]
    papers = [Paper(day, 100 * n, (Told(100, day, f"P{n}", text="X"),)) for n, day in enumerate(days)]
    kept = bring(works, supplier_id, b"".join(cfonb(paper) for paper in papers))
    assert (kept.lines, kept.opening_minor, kept.closing_minor, kept.remarks) == (3, 0, 300, [])


def test_a_transfer_that_names_its_invoice_is_matched_and_the_others_wait(works: Works, supplier_id: UUID) -> None:
    with works.begin(supplier_id) as work:
        invoice = issue(work)
    paid = Told(10_000, DAY, "BOULANGERIE MARTIN", OTHER_IBAN, f"FACTURE {invoice.number}", "E1", bank_ref="B1")
    bring(works, supplier_id, camt(Paper(DAY, 0, (paid, PAPER.movements[2]))))
    found = {line.amount_minor: line for line in lines_of(works, supplier_id)}
    assert found[10_000].state == "matched"
    assert found[10_000].customer_id == invoice.customer_id
    with works.begin(supplier_id) as work:
        assert (balance(work, "512000"), balance(work, "471000")) == (10_777, -777)
    check(works, supplier_id)


def test_a_payout_clears_what_is_on_its_way_and_one_told_late_takes_its_line_from_471(
    works: Works, supplier_id: UUID
) -> None:
    told = Told(9_700, DAY, "STRIPE", None, "STRIPE PAYOUT", bank_ref="P1")
    late = Told(4_200, DAY, "STRIPE", None, "STRIPE PAYOUT", bank_ref="P2")
    expect_payout(works, supplier_id, "po_1", 9_700)
    bring(works, supplier_id, camt(Paper(DAY, 0, (told, late))))
    assert {line.amount_minor: line.state for line in lines_of(works, supplier_id)} == {
        9_700: "payout",
        4_200: "unidentified",
    }
    expect_payout(works, supplier_id, "po_2", 4_200)
    with works.begin(supplier_id) as work:
        assert recognise_late_payouts(work) == 1
        assert recognise_late_payouts(work) == 0
        assert (balance(work, "512000"), balance(work, "471000"), balance(work, "580000")) == (13_900, 0, 0)
        assert [each.gap for each in check_bank(work)] == [0, 0, 0]
    assert {line.reason for line in lines_of(works, supplier_id)} == {"po_1", "po_2"}


def expect_payout(works: Works, supplier_id: UUID, payout_ref: str, amount_minor: int) -> None:
    """A provider told of a payout that arrives on the day."""
    with works.begin(supplier_id) as work:
        account_id = work.scalar("SELECT account_id FROM gateway_accounts WHERE supplier_id = :supplier")
        if account_id is None:
            account_id = new_id()
            work.execute(
                "INSERT INTO gateway_accounts (supplier_id, account_id, provider, live, sealed_key, "
                "sealed_webhook_secret, created_at) VALUES (:supplier, :id, 'stripe', false, '', '', :at)",
                id=account_id,
                at=now(),
            )
        work.execute(
            "INSERT INTO payouts (supplier_id, payout_ref, account_id, amount_minor, currency, state, arrival_on, "
            "descriptor, created_at, changed_at) VALUES (:supplier, :ref, :account, :amount, 'EUR', 'paid', :day, "
            "'STRIPE PAYOUT', :at, :at)",
            ref=payout_ref,
            account=account_id,
            amount=amount_minor,
            day=DAY,
            at=now(),
        )
        record_facts(work, [PayoutPaid(payout_ref, amount_minor, 0, "EUR", now())])


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("I18", "UPDATE postings SET debit_minor = debit_minor + 1 WHERE supplier_id = %s AND account = '512000'"),
        ("I18", "UPDATE bank_lines SET state = 'not_ours' WHERE supplier_id = %s AND amount_minor = 777"),
        (
            "I18-WAIT",
            "UPDATE postings SET credit_minor = credit_minor - 1 WHERE supplier_id = %s AND account = '471000'",
        ),
        ("I18-STATE", "UPDATE bank_lines SET state = 'new', reason = NULL WHERE supplier_id = %s"),
    ],
)
def test_a_planted_fault_at_the_bank_is_caught(
    works: Works, supplier_id: UUID, postgres: EmbeddedPostgres, code: str, fault: str
) -> None:
    bring(works, supplier_id, camt(PAPER))
    check(works, supplier_id)
    with superuser(postgres) as connection:
        assert connection.execute(fault, (supplier_id,)).rowcount > 0, "the fault was planted"
    with works.begin(supplier_id) as work:
        assert code in {each.code for each in check_bank(work) if each.gap}
