"""The commands of exports: a file is checked without a house; the books are validated, closed and written out."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from exports_builders import french_supplier, small_year, written

from config.clock import today
from portal.cli import exports
from portal.cli.exports import books, fec
from receivables.services.accounting.closing import validate_entries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from portal.wiring import Services
    from receivables.store.register import Supplier


@pytest.fixture
def owner(services: Services, monkeypatch: pytest.MonkeyPatch) -> Supplier:
    """A supplier with a small year of books, in the house that the commands open."""

    @contextmanager
    def opened() -> Iterator[Services]:
        yield services

    monkeypatch.setattr(exports, "services_of_house", opened)
    supplier = french_supplier(services.database)
    with services.works.begin(supplier.supplier_id) as work:
        small_year(work)
    return supplier


def run(*arguments: object) -> Result:
    command = fec if arguments[0] in {"check", "write"} else books
    return CliRunner().invoke(command, [str(each) for each in arguments])


def test_a_year_is_validated_closed_written_and_accepted_by_the_checker(owner: Supplier, tmp_path: Path) -> None:
    siren = owner.siren
    assert "7 entries were numbered" in run("validate", siren, "--until", "2025-12-31").output
    assert "0 entries were numbered; closed until 2025-06-30" in run("close", siren, "2025-06-30").output
    refused = run("close", siren, today())
    assert (refused.exit_code, "books.not_over" in refused.output) == (1, True)
    assert "closed until 2025-06-30" in run("show", siren).output
    assert "Open after 2025-05-31" in run("reopen", siren, "--after", "2025-05-31", "--reason", "oubli").output
    made = run("write", siren, "2025-12-31", "-o", tmp_path)
    assert (made.exit_code, "7 entries" in made.output) == (0, True)
    name = f"{siren}FEC20251231"
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.txt", f"{name}-description.txt"}
    checked = run("check", tmp_path / f"{name}.txt")
    assert (checked.exit_code, "accepted" in checked.output) == (0, True)
    missing = run("write", siren, "2031-12-31", "-o", tmp_path)
    assert (missing.exit_code, "fec.no_year" in missing.output) == (1, True)


def test_a_faulty_file_is_told_line_by_line_and_exits_with_one(
    services: Services, owner: Supplier, tmp_path: Path
) -> None:
    with services.works.begin(owner.supplier_id) as work:
        validate_entries(work, date(2025, 12, 31), "test")
        name, content = written(work, 2025)
    (tmp_path / name).write_bytes(content.replace(b"2,50", b"2.50", 1))
    told = run("check", "--rules", tmp_path / name)
    assert told.exit_code == 1
    assert "refused" in told.output
    for rule in ("field.amount", "entry.balance", "file.balance"):
        assert f"{rule} " in told.output.partition("refused  ")[2], rule


def test_rates_are_kept_from_a_table(owner: Supplier, tmp_path: Path) -> None:
    table = tmp_path / "rates.csv"
    table.write_text(f"Date,USD\n{today() - timedelta(days=1)},1.1\n")
    assert "1 rates were kept" in run("rates", owner.siren, table).output
    table.write_text("no table")
    assert "rates.not_a_table" in run("rates", owner.siren, table).output
