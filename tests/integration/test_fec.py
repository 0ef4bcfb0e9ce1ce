"""The FEC of our books passes the checker, says what happened, and refuses what it cannot say in euros."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from exports_builders import french_supplier, paid, returned, rows_of, small_year, values, verdict_on, written
from ledger_builders import customer_facts, issue

from config.clock import today
from receivables.domain.accounting.fec_checking import check_fec
from receivables.domain.settlement.collected import VatRow
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.closing import accounting_years, validate_entries
from receivables.services.accounting.fec import fec_of
from receivables.store.invoicing.rates import Rate, keep_rates, read_rates

if TYPE_CHECKING:
    from config.database import Database
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

ECB = "Date,USD,JPY,\n2025-01-10,1.0304,162.66,\n2025-02-03,1.0274,N/A,\n"


@pytest.fixture
def owner(database: Database) -> Supplier:
    return french_supplier(database)


def foreign_command(currency: str = "USD", **changes: object) -> dict[str, object]:
    """An export of 1,000.00 without VAT in another currency."""
    row = VatRow("G", Decimal(0), 100_000, 0)
    amounts = {"total_minor": 100_000, "payable_minor": 100_000, "vat_rows": (row,), "vat_on_collection": False}
    days = {"issued_on": date(2025, 1, 10), "due_on": date(2025, 2, 9)}
    return {**amounts, **days, "currency": currency, "customer": customer_facts("Acme Inc", None), **changes}


def test_our_file_breaks_no_rule_and_adds_up_to_the_books(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        small_year(work)
        validate_entries(work, today(), "person 1")
        name, content = written(work, 2025)
        assert name == f"{owner.siren}FEC20251231.txt"
        verdict = check_fec(name, content)
        assert (verdict.accepted, verdict.counts, verdict.encoding) == (True, {}, "ISO 8859-15")
        rows = rows_of(content)
        assert (verdict.entries, verdict.lines) == (7, len(rows))
        books = work.rows(
            "SELECT account, sum(debit_minor - credit_minor)::bigint AS minor FROM postings "
            "WHERE supplier_id = :supplier GROUP BY account"
        )
        told: dict[str, int] = {}
        for row in rows:
            cents = int(row["Debit"].replace(",", "")) - int(row["Credit"].replace(",", ""))
            told[row["CompteNum"]] = told.get(row["CompteNum"], 0) + cents
        assert told == {row["account"]: row["minor"] for row in books}


def test_letters_stand_on_groups_that_balance_and_auxiliaries_on_the_customer_lines_alone(
    works: Works, owner: Supplier
) -> None:
    with works.begin(owner.supplier_id) as work:
        small_year(work)
        validate_entries(work, today(), "person 1")
        rows = rows_of(written(work, 2025)[1])
        lettered = [row for row in rows if row["EcritureLet"]]
        assert values(lettered, "CompteNum", "EcritureLet", "DateLet", "Debit", "Credit") == [
            ("411000", "AA", "20250203", "0,00", "100,00"),
            ("411000", "AA", "20250203", "100,00", "0,00"),
        ]
        assert {row["CompteNum"] for row in rows if row["CompAuxNum"]} == {"411000"}
        assert all(row["PieceRef"] and row["EcritureLib"] for row in rows)
        assert {row["CompAuxLib"] for row in rows if row["CompAuxNum"]} == {"Boulangerie Martin", "Lódz & Fils SARL"}
        assert {row["JournalLib"] for row in rows} == {"Journal des ventes", "Journal de banque et d'encaissements"}


def test_the_fees_of_a_payout_stay_one_line(works: Works, owner: Supplier) -> None:
    """Complaint 25: fees by payment flood the books; by payout they are one line, the detail stays at the payout."""
    with works.begin(owner.supplier_id) as work:
        small_year(work)
        validate_entries(work, today(), "person 1")
        rows = rows_of(written(work, 2025)[1])
        payout = [row for row in rows if row["PieceRef"] == "po_2025"]
        assert sorted(values(payout, "CompteNum", "Debit", "Credit")) == [
            ("511500", "0,00", "140,00"),
            ("580000", "136,00", "0,00"),
            ("627000", "4,00", "0,00"),
        ]
        assert {row["EcritureLib"] for row in payout} == {"Versement du prestataire"}
        fee = [row for row in rows if row["PieceRef"] == "fee_2025"]
        assert sorted(values(fee, "CompteNum", "Debit", "Credit")) == [
            ("512000", "0,00", "2,50"),
            ("627000", "2,50", "0,00"),
        ]


def test_a_group_over_two_years_carries_no_letters_in_either_file(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        invoice = issue(work, issued_on=date(2024, 12, 15), due_on=date(2025, 1, 14))
        paid(work, invoice, date(2025, 1, 10))
        validate_entries(work, today(), "person 1")
        for year in (2024, 2025):
            assert verdict_on(work, year).counts == {}
            assert not any(row["EcritureLet"] for row in rows_of(written(work, year)[1]))
        fec = fec_of(work, accounting_years(work)[0])
        assert (fec.straddling, fec.uneven, fec.unvalidated) == (1, 0, 0)


def test_entries_that_nobody_validated_are_left_out_and_counted(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        small_year(work)
        validate_entries(work, date(2025, 1, 31), "person 1")
        fec = fec_of(work, accounting_years(work)[0])
        assert (fec.unvalidated, {line.number for line in fec.lines}) == (5, {"VE000001", "VE000002"})


def test_money_that_went_back_ends_the_letters(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        year = small_year(work)
        returned(work, year.attempt_id, date(2025, 3, 1), 10_000)
        validate_entries(work, today(), "person 1")
        assert verdict_on(work, 2025).counts == {}
        rows = [row for row in rows_of(written(work, 2025)[1]) if row["EcritureLet"]]
        assert {row["DateLet"] for row in rows} == {"20250301"}, "the payment and what took it back"


def test_other_currencies_are_told_in_euros_by_the_rate_of_the_day(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        invoice = issue(work, **foreign_command())
        paid(work, invoice, date(2025, 2, 4), currency="USD")
        validate_entries(work, today(), "person 1")
        with pytest.raises(ReceivablesError, match=r"No rate in EUR is known for USD 2025-01-10, USD 2025-02-04"):
            fec_of(work, accounting_years(work)[0])
        assert keep_rates(work, read_rates(ECB), "ECB", "person 1") == 3
        assert keep_rates(work, read_rates(ECB), "ECB", "person 1") == 0
        name, content = written(work, 2025)
        assert check_fec(name, content).counts == {}
        told = values(rows_of(content), "CompteNum", "Debit", "Credit", "Montantdevise", "Idevise", "EcritureLet")
        assert sorted(told) == [
            ("411000", "0,00", "973,33", "-1000,00", "USD", ""),
            ("411000", "970,50", "0,00", "1000,00", "USD", ""),
            ("511500", "973,33", "0,00", "1000,00", "USD", ""),
            ("706000", "0,00", "970,50", "-1000,00", "USD", ""),
        ]
        assert fec_of(work, accounting_years(work)[0]).uneven == 1


def test_an_invoice_that_states_its_rate_or_its_vat_in_euros_needs_no_table(works: Works, owner: Supplier) -> None:
    vat = (VatRow("S", Decimal(20), 100_000, 20_000),)
    documents = (
        {"accounting_currency": "EUR", "totals": {"vat_accounting": "194.10"}},
        {"exchange": {"source": "USD", "target": "EUR", "rate": "0.9"}},
    )
    with works.begin(owner.supplier_id) as work:
        for document in documents:
            totals = {"total_minor": 120_000, "payable_minor": 120_000, "vat_rows": vat, "document": document}
            issue(work, **foreign_command(**totals))
        validate_entries(work, today(), "person 1")
        name, content = written(work, 2025)
        assert check_fec(name, content).counts == {}
        told = values(rows_of(content), "EcritureNum", "CompteNum", "Debit", "Credit")
        assert sorted(told) == [
            ("VE000001", "411000", "1164,60", "0,00"),
            ("VE000001", "445710", "0,00", "194,10"),
            ("VE000001", "706000", "0,00", "970,50"),
            ("VE000002", "411000", "1080,00", "0,00"),
            ("VE000002", "445710", "0,00", "180,00"),
            ("VE000002", "706000", "0,00", "900,00"),
        ]


def test_a_known_rate_is_not_replaced_by_another(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        keep_rates(work, read_rates(ECB), "ECB", "person 1")
        with pytest.raises(ConflictError, match="2025-01-10"):
            keep_rates(work, [Rate("USD", date(2025, 1, 10), Decimal("1.1"))], "somebody", "person 1")


@pytest.mark.parametrize("table", ["", "Day,USD\n", "Date,USD\n2025-13-01,1\n", "Date,USD\n2025-01-01,-1\n"])
def test_a_table_that_is_none_is_refused_with_its_line(table: str) -> None:
    with pytest.raises(ReceivablesError, match=r"Line [12] of the table"):
        read_rates(table)


def test_letters_of_an_accounting_year_over_two_calendar_years_name_their_year(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        _end_years_in_june(work)
        for day in (date(2024, 10, 1), date(2025, 3, 1)):
            paid(work, issue(work, issued_on=day, due_on=day), day)
        validate_entries(work, today(), "person 1")
        assert verdict_on(work, 2025).counts == {}
        rows = rows_of(written(work, 2025)[1])
        assert sorted({row["EcritureLet"] for row in rows}) == ["", "AA24", "AA25"]


def _end_years_in_june(work: Work) -> None:
    work.execute(
        "INSERT INTO supplier_profiles (supplier_id, profile, changed_at) "
        'VALUES (:supplier, CAST(\'{"accounting_year_end": "06-30"}\' AS jsonb), now())'
    )
