"""The archive against the database, both ways, in a folder and in a bucket: every planted fault is found and named."""

from __future__ import annotations

import json
import tracemalloc
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from catalogue import superuser
from click.testing import CliRunner
from command_house import command_here
from hand_written_invoices import CII
from s3_server import archive_at, start_s3_server
from story_builders import Story, fresh_house

from config.clock import new_id
from einvoice.archive import Archive, open_archive
from einvoice.archive.comparison import Tally, compare_all
from einvoice.keeping import KeptFile, keep_document
from portal.background.keeping import read_archive_again
from portal.cli import main
from portal.documents.issuing import save_profile
from portal.staff.troubles import explain
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.problems import list_problems

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.embedded import EmbeddedPostgres
    from portal.wiring import Services

UNTIL = date(2036, 12, 31)


@pytest.fixture(params=["folder", "bucket"])
def alone(
    request: pytest.FixtureRequest,
    services: Services,
    postgres: EmbeddedPostgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Story]:
    """A supplier in a house of its own, whose archive is a folder or a bucket."""
    server = None
    if request.param == "bucket":
        server = start_s3_server(tmp_path)
    own = fresh_house(postgres, services, tmp_path, new_id().hex)
    if server:
        server.client().create_bucket(Bucket="archive", ObjectLockEnabledForBucket=True)
        own.archive = open_archive(archive_at(server, "archive", monkeypatch), tmp_path)
    command_here(monkeypatch, own, tmp_path)
    yield Story(own)
    own.database.dispose()
    if server:
        server.stop()


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(main, ["archive", "verify", "--json", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def tamper(postgres: EmbeddedPostgres, story: Story, sql: str, *values: object) -> None:
    """Change the database as only its owner can."""
    database = story.services.database.url.partition("?")[0].rpartition("/")[2]
    with superuser(postgres, database) as connection:
        assert connection.execute(sql, values).rowcount > 0


def found(*arguments: str) -> dict[str, int]:
    return dict(run(*arguments)[1]["problems"])


def test_a_sound_archive_is_said_to_be_sound(alone: Story) -> None:
    alone.issue()
    Story(alone.services).issue()
    code, told = run()
    assert (code, told["verdict"], told["problems"], told["listed"]) == (0, "sound", {}, [])
    assert (told["objects"], told["rows"]) == (6, 6)
    assert told["size_bytes"] > 100_000
    code, told = run("--supplier", alone.siren)
    assert (code, told["objects"], told["whole"]) == (0, 3, False)
    plain = CliRunner().invoke(main, ["archive", "verify"])
    assert "6 objects read again" in plain.output
    assert "archive is sound" in plain.output


def test_what_the_rows_say_and_the_archive_has_not_is_found(alone: Story, postgres: EmbeddedPostgres) -> None:
    issued = alone.issue()
    with alone.services.works.begin(alone.id) as work:
        invoice = get_invoice(work, issued.invoice.invoice_id)
        keep_document(
            work,
            invoice.invoice_id,
            "cdar",
            KeptFile(b"never archived", "lost.xml", "application/xml"),
            None,
            until=UNTIL,
        )
    code, told = run()
    assert (code, told["verdict"], told["problems"]) == (1, "problems", {"archive.missing": 1})
    assert "lost.xml" in told["listed"][0]["sentence"]
    assert found("--supplier", alone.siren) == {"archive.missing": 1}
    tamper(postgres, alone, "UPDATE documents SET size_bytes = 1 WHERE form = 'cii'")
    assert found() == {"archive.missing": 1, "archive.wrong_size": 1}


def test_what_the_archive_has_and_no_row_says_is_found_once_it_should_have_one(
    alone: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone.issue()
    stray = alone.services.archive.put(b"nobody asked for this", UNTIL)
    code, told = run()
    assert (code, told["on_their_way"], told["problems"]) == (0, 1, {}), "its row may still be on its way"
    monkeypatch.setattr("einvoice.archive.comparison._SETTLED_AFTER", timedelta(0))
    code, told = run()
    assert (code, told["problems"]) == (1, {"archive.unknown_object": 1})
    assert told["listed"][0]["path"].endswith(stray)
    assert run("--supplier", alone.siren)[0] == 0, "it may belong to another supplier"


def test_a_promise_that_is_too_short_is_found_and_prolonged(alone: Story, postgres: EmbeddedPostgres) -> None:
    alone.issue()
    tamper(postgres, alone, "UPDATE documents SET retain_until = '2040-12-31' WHERE form = 'facturx'")
    assert found() == {"archive.retention_short": 1}
    result = CliRunner().invoke(main, ["archive", "retain"])
    assert result.exit_code == 0
    assert "1 prolonged" in result.output
    assert found() == {}


def test_the_suppliers_accounting_year_counts(alone: Story) -> None:
    with alone.services.works.begin(alone.id) as work:
        save_profile(work, alone.profile, {"accounting_year_end": "06-30"})
    issued = alone.issue()
    day = issued.invoice.issued_on
    close = date(day.year + (day > date(day.year, 6, 30)) + 10, 6, 30)
    assert {row["retain_until"] for row in alone.rows("SELECT retain_until FROM documents")} == {close}
    assert {alone.services.archive.check(each.file.sha256).retain_until for each in issued.files} == {close}
    with alone.services.works.begin(alone.id) as work:
        save_profile(work, alone.profile, {"accounting_year_end": "05-31"})
    assert CliRunner().invoke(main, ["archive", "retain"]).exit_code == 0
    kept = {alone.services.archive.check(each.file.sha256).retain_until for each in issued.files}
    assert kept == {max(close, date(close.year, 5, 31))}, "never shorter than was promised"


def test_an_invoice_without_its_files_or_its_original_is_found(alone: Story, postgres: EmbeddedPostgres) -> None:
    alone.issue_bytes(CII.replace("732829320", alone.siren).encode(), "theirs.xml")
    assert found() == {}
    tamper(postgres, alone, "UPDATE invoices SET created_at = created_at - interval '2 hours'")
    tamper(postgres, alone, "DELETE FROM documents")
    told = found("--supplier", alone.siren)
    assert told == {"archive.row_missing": 1, "archive.no_file": 1}


@pytest.mark.parametrize("alone", ["folder"], indirect=True)  # a bucket's own test flips bits on its server's disk
def test_a_corrupted_file_is_found_by_both_roads(alone: Story) -> None:
    issued = alone.issue()
    archive = alone.services.archive
    assert isinstance(archive, Archive)
    path = next(archive._root.rglob(issued.files[0].file.sha256))
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    path.chmod(0o400)
    assert found() == found("--supplier", alone.siren) == {"archive.corrupted": 1}
    path.unlink()
    assert found("--supplier", alone.siren) == {"archive.missing": 1}
    assert found() == {"archive.missing": 2}, "the row says so, and the promise that stands alone"


@pytest.mark.parametrize("alone", ["folder"], indirect=True)  # a client of S3 holds tens of megabytes of its own
def test_memory_stays_flat_however_much_is_read(alone: Story) -> None:
    """300 objects of 100 kB: all at once they would be 30 MB."""
    archive = alone.services.archive
    issued = alone.issue()
    with alone.services.works.begin(alone.id) as work:
        invoice = get_invoice(work, issued.invoice.invoice_id)
        for number in range(300):
            content = number.to_bytes(4, "big") * 25_000
            archive.put(content, UNTIL)
            keep_document(work, invoice.invoice_id, "cdar", KeptFile(content, f"{number}.xml", "x"), None, until=UNTIL)
    tally = Tally()
    tracemalloc.start()
    assert list(compare_all(alone.services.works, [alone.id], archive, tally)) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tally.size_bytes > 30_000_000
    assert peak < 6_000_000


@pytest.mark.parametrize("alone", ["folder"], indirect=True)
def test_once_a_week_the_archive_is_read_again_and_its_faults_put_before_people(
    alone: Story, postgres: EmbeddedPostgres
) -> None:
    issued = alone.issue()
    services = alone.services
    assert read_archive_again(services, alone.id) is None, "the first week begins"
    assert read_archive_again(services, alone.id) is None, "and is not over"

    def let_a_week_pass() -> None:
        tamper(postgres, alone, "UPDATE watermarks SET reached_at = reached_at - interval '8 days'")

    let_a_week_pass()
    tally = read_archive_again(services, alone.id)
    assert tally is not None
    assert (tally.objects, tally.problems) == (3, {})
    assert isinstance(services.archive, Archive)
    next(services.archive._root.rglob(issued.files[0].file.sha256)).unlink()
    let_a_week_pass()
    read_archive_again(services, alone.id)
    with services.works.begin(alone.id) as work:
        (problem,) = list_problems(work)
    told = explain(problem)
    assert (told.title, told.reason, told.tone) == ("L'archive a des défauts", "archive: 1 archive.missing", "late")
