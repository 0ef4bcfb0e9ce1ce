"""Going live: what was open before is booked as à-nouveaux, balances to the cent, then goes the usual road."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from import_builders import fec_of
from ledger_builders import attempt, received

from portal.imports.kept import keep_brought
from portal.opening.items import Choices
from portal.opening.planning import plan_opening
from receivables.domain.accounting.opening import letter_count
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.accounting.taking_over import book_opening, start_series
from receivables.services.accounting.undoing_openings import undo_opening
from receivables.services.settlement.receipts import record_facts
from receivables.store.invoicing.invoices import find_by_number
from receivables.store.invoicing.numbers import take_number

if TYPE_CHECKING:
    from uuid import UUID

    from portal.opening.planning import OpeningPlan
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAY = date(2026, 10, 1)
TABLE = (
    "Code client;Client;N° de facture;Date;Échéance;Total TTC;Reste dû;Taux de TVA;TVA à l'encaissement;Type\r\n"
    "CMART;Boulangerie Martin;FA-101;15/08/2026;14/09/2026;1 200,00;900,00;20;oui;facture\r\n"
    "CMART;Boulangerie Martin;FA-102;20/09/2026;20/10/2026;600,00;;20;non;facture\r\n"
    "CPORT;Garage du Port;AV-7;22/09/2026;;120,00;;20;non;avoir\r\n"
    "CPORT;Garage du Port;VIR-3;25/09/2026;;50,00;;;;règlement\r\n"
).encode()


def plan(work: Work, content: bytes, filename: str = "ouvertes.csv", *, stated: int | None = None) -> OpeningPlan:
    """The dry run of a file."""
    brought = keep_brought(work, filename, content, "test")
    given = {"EUR": stated} if stated is not None else None
    return plan_opening(work, brought, Choices(DAY), profile=None, actor="test", stated_minor=given)


def opened(work: Work, content: bytes = TABLE) -> UUID:
    """A file, booked."""
    return book_opening(work, plan(work, content).opening)


def balances(work: Work) -> dict[str, int]:
    """Debit less credit by account, in cents; accounts at zero left out."""
    rows = work.rows(
        "SELECT account, sum(debit_minor - credit_minor)::bigint AS minor FROM postings "
        "WHERE supplier_id = :supplier GROUP BY account HAVING sum(debit_minor - credit_minor) <> 0"
    )
    return {row["account"]: row["minor"] for row in rows}


def proved(work: Work) -> None:
    """Every invariant of the books holds."""
    assert [each for each in run_checks(work) if each.gap] == []


def test_open_items_stand_on_411_against_the_opening_account_with_the_vat_that_still_waits(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        opened(work)
        assert balances(work) == {"411000": 133_000, "445740": -15_000, "890000": -118_000}
        assert {row["journal"] for row in work.rows("SELECT journal FROM entries WHERE supplier_id = :supplier")} == {
            "AN"
        }
        assert not work.rows("SELECT 1 FROM outbox WHERE supplier_id = :supplier AND kind = 'invoice.issued'")
        assert not work.rows("SELECT 1 FROM collections WHERE supplier_id = :supplier")
        proved(work)


def test_money_after_the_opening_splits_the_vat_behind_what_was_collected_before(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        opened(work)
        invoice = find_by_number(work, "FA-101", 2026)
        assert invoice is not None
        assert (invoice.total_minor, invoice.prepaid_minor, invoice.payable_minor) == (120_000, 30_000, 90_000)
        record_facts(work, [received(attempt(work, invoice, 90_000), 90_000)])
        told = work.row("SELECT sum(amount_minor)::bigint AS minor FROM collections WHERE supplier_id = :supplier")
        assert told is not None
        assert told["minor"] == 90_000
        after = balances(work)
        assert "445740" not in after
        assert after["445710"] == -15_000
        proved(work)


def test_a_stated_balance_that_differs_by_a_cent_keeps_everything_out(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        assert plan(work, TABLE, stated=133_000).is_ready
        off = plan(work, TABLE, stated=133_001)
        assert [error.code for _, error in off.faults] == ["opening.unbalanced"]
        with pytest.raises(ReceivablesError, match=r"gap of -0\.01"):
            book_opening(work, off.opening)
        assert balances(work) == {}


def test_the_same_file_and_the_same_number_are_opened_once(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        opened(work)
    with works.begin(supplier.supplier_id) as work:
        again = plan(work, TABLE)
        assert {error.code for _, error in again.faults} == {"opening.known_number"}
        assert len(again.faults) == 3


def test_an_opening_is_undone_by_reversals_and_its_numbers_are_free_again(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        opening_id = opened(work)
    with works.begin(supplier.supplier_id) as work:
        undo_opening(work, opening_id, "mauvais fichier", "test")
        assert balances(work) == {}
        assert find_by_number(work, "FA-101", 2026) is None
        proved(work)
    with works.begin(supplier.supplier_id) as work:
        opened(work, TABLE.replace(b"900,00", b"800,00"))
        assert balances(work)["411000"] == 123_000
        proved(work)


def test_what_was_paid_since_is_not_undone(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        opening_id = opened(work)
        invoice = find_by_number(work, "FA-102", 2026)
        assert invoice is not None
        record_facts(work, [received(attempt(work, invoice, 10_000), 10_000)])
    with works.begin(supplier.supplier_id) as work, pytest.raises(ConflictError) as refused:
        undo_opening(work, opening_id, "trop tard", "test")
    assert refused.value.code == "opening.in_use"
    assert "FA-102" in str(refused.value)


def test_a_fec_gives_its_open_lines_its_balance_its_vat_and_its_letters(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        found = plan(work, fec_of(), "123456789FEC20260930.txt")
        assert found.faults == []
        assert found.is_ready
        assert found.settled_groups == 1
        told = {each.reference: (each.kind.value, each.total_minor, each.open_minor) for each in found.opening.items}
        assert told == {
            "FA-2": ("invoice", 240_000, 140_000),
            "FA-3": ("invoice", 36_000, 36_000),
            "AV-1": ("credit_note", 12_000, 12_000),
            "VIR-9": ("payment", 5_000, 5_000),
        }
        assert found.opening.stated_minor == {"EUR": 159_000}
        rows = {each.reference: each.vat_rows[0] for each in found.opening.items if each.vat_rows}
        assert (rows["FA-2"].rate, rows["FA-2"].tax_minor) == (Decimal(20), 40_000)
        waiting = {each.reference: each.waiting_vat_minor for each in found.opening.items}
        assert waiting == {"FA-2": 23_333, "FA-3": 0, "AV-1": 0, "VIR-9": 0}
        book_opening(work, found.opening)
        assert balances(work)["411000"] == 159_000
        letters = work.rows("SELECT year, balanced FROM letter_counters WHERE supplier_id = :supplier")
        assert [tuple(row.values()) for row in letters] == [(2026, 3)]
        proved(work)


def test_a_series_goes_on_behind_its_last_number_and_only_before_it_gave_one(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        start_series(work, "F", 2026, 411, "test")
        proved(work)
        assert take_number(work, "F", 2026) == 412
        with pytest.raises(ConflictError) as refused:
            start_series(work, "F", 2026, 500, "test")
    assert refused.value.code == "series.in_use"


@pytest.mark.parametrize(
    ("code", "count"), [("AA", 1), ("az", 26), ("ZZ", 676), ("AAA", 677), ("A", 0), ("", 0), ("A1", 0)]
)
def test_letters_of_before_are_counted(code: str, count: int) -> None:
    assert letter_count(code) == count
