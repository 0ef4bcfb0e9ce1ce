"""The quittance command: files in, invoices out; every refusal is a code and a sentence, never a traceback."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import click
import pytest
from bad_files import BAD_FILES
from catalogue import superuser
from click.testing import CliRunner, Result
from command_house import Kept, command_here
from hand_written_invoices import CII
from story_builders import Story, a_siren, fresh_house

from config.clock import new_id, today
from portal.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.embedded import EmbeddedPostgres
    from config.settings import Settings
    from portal.wiring import Services


@pytest.fixture
def house(services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Commands work in the test's house, whose rules are compiled already."""
    command_here(monkeypatch, services, settings.data_dir)
    handlers = list(logging.getLogger().handlers)
    yield services
    logging.getLogger().handlers[:] = handlers


def run(*arguments: str | Path) -> Result:
    """Run a command; whatever it does, it shows no traceback."""
    result = CliRunner().invoke(main, [str(each) for each in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def flat(result: Result) -> str:
    return " ".join(result.output.split())


@pytest.fixture
def alone(
    house: Services, postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Story]:
    """A supplier in a house where no other test has planted anything."""
    own = fresh_house(postgres, house, tmp_path, new_id().hex)
    monkeypatch.setattr("portal.cli.house.build_services", lambda _: Kept(own))
    yield Story(own)
    own.database.dispose()


@pytest.fixture
def plain(house: Services) -> Story:
    return Story(house)


def test_an_invoice_is_issued_and_its_file_written(plain: Story, tmp_path: Path) -> None:
    source = tmp_path / "one.json"
    source.write_bytes(plain.request())
    result = run("issue", source, "--supplier", plain.siren, "--output", tmp_path / "out", "--format", "ubl")
    assert result.exit_code == 0, result.output
    (written,) = (tmp_path / "out").iterdir()
    (number,) = (row["number"] for row in plain.rows("SELECT number FROM invoices WHERE supplier_id = :supplier"))
    assert written.name == f"{number}-ubl.xml"
    assert number in result.output
    assert "120.00 EUR" in result.output
    assert "/p/" in result.output
    judged = run("validate", written, "--json")
    assert judged.exit_code == 0
    assert json.loads(judged.stdout)[0]["verdict"] == "valid"


def test_every_bad_file_gets_its_code_and_the_good_one_among_them_is_issued(
    plain: Story, tmp_path: Path, postgres: EmbeddedPostgres
) -> None:
    paths = []
    for name, (make, _) in BAD_FILES.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(make().replace(b"732829320", plain.siren.encode()))
    good = tmp_path / "good [bold].xml"
    good.write_text(CII.replace("732829320", plain.siren))
    result = run("issue", *paths, good, good, "--supplier", plain.siren)
    assert result.exit_code == 1
    assert f"1 issued, {len(paths) + 1} refused." in result.output
    for name, (_, code) in BAD_FILES.items():
        block = result.output.split(f"{name} refused", 1)[1].split("refused / refusé", 1)[0]
        assert code in block, name
    assert "invoice.duplicate" in result.output
    assert "good [bold].xml" in result.output, "a file's name is text, never markup"
    assert "[/red][bold]x" in result.output, "so is what a file says"
    with superuser(postgres) as connection:
        count = connection.execute("SELECT count(*) FROM invoices WHERE supplier_id = %s", (plain.id,)).fetchone()
    assert count == (1,)


def test_every_wrong_field_is_told_and_every_broken_rule_with_what_to_do(plain: Story, tmp_path: Path) -> None:
    wrong, broken = tmp_path / "wrong.json", tmp_path / "broken.json"
    asked = json.loads(plain.request())
    wrong.write_text(json.dumps(asked | {"currency": "XXX", "type_code": "389"}))
    broken.write_text(json.dumps(asked | {"period": {"start": "2026-10-31", "end": "2026-10-01"}}))
    said = flat(run("issue", wrong, broken, "--supplier", plain.siren))
    assert "currency (BT-5)" in said
    assert "type_code (BT-3)" in said
    assert "BR-29" in said
    assert "À faire :" in said


def test_what_the_law_would_like_better_is_told_and_nothing_that_nobody_can_change(
    plain: Story, tmp_path: Path
) -> None:
    late, plainly = tmp_path / "late.json", tmp_path / "plain.json"
    plainly.write_bytes(plain.request())
    late.write_text(json.dumps(json.loads(plain.request()) | {"due_date": f"{today().year + 1}-12-31"}))
    assert "QT-TERMS" in flat(run("issue", late, "--supplier", plain.siren))
    calm = flat(run("issue", plainly, "--supplier", plain.siren))
    assert "PEPPOL-EN16931-R008" not in calm, "the CII grammar demands that empty element"


def test_nothing_is_issued_where_the_folder_cannot_be_made(plain: Story, tmp_path: Path) -> None:
    source = tmp_path / "one.json"
    source.write_bytes(plain.request())
    result = run("issue", source, "--supplier", plain.siren, "--output", source / "out")
    assert result.exit_code == 2
    assert "output.unwritable" in result.output
    assert not plain.rows("SELECT 1 AS found FROM invoices WHERE supplier_id = :supplier")


def test_an_unknown_supplier_and_a_missing_file_are_sentences(plain: Story, tmp_path: Path) -> None:
    source = tmp_path / "one.json"
    source.write_bytes(plain.request())
    unknown = a_siren()
    result = run("issue", source, "--supplier", unknown)
    assert result.exit_code == 1
    assert f"supplier.unknown No supplier {unknown} is known here." in flat(result)
    assert run("issue", tmp_path / "nothing.xml").exit_code == 2
    for command in (("token", unknown), ("link", unknown, "F1", "2026")):
        result = run(*command)
        assert result.exit_code == 1
        assert "supplier.unknown" in result.output
    result = run("link", plain.siren, "F2026-99999", "2026")
    assert result.exit_code == 1
    assert "invoice.not_found" in result.output


@pytest.mark.usefixtures("house")
def test_a_new_seller_is_opened_where_it_is_asked_for(tmp_path: Path) -> None:
    siren = a_siren()
    source = tmp_path / "theirs.xml"
    source.write_text(CII.replace("732829320", siren))
    assert "supplier.unknown" in run("issue", source).output
    result = run("issue", source, "--create-supplier")
    assert result.exit_code == 0, result.output
    assert "/p/" in run("link", siren, "2026-0001", "2026").output


@pytest.mark.usefixtures("house")
def test_files_are_judged_with_their_rules(tmp_path: Path) -> None:
    names = ("wrong-total.xml", "doctype.xml", "no-xml.pdf", "text.txt")
    for name in names:
        (tmp_path / name).write_bytes(BAD_FILES[name][0]())
    (tmp_path / "good.xml").write_text(CII)
    result = run("validate", *(tmp_path / name for name in (*names, "good.xml")), "--json")
    assert result.exit_code == 1
    answers = {each["file"]: each for each in json.loads(result.stdout)}
    assert answers["good.xml"]["verdict"] == "valid"
    for name in names:
        assert answers[name]["verdict"] != "valid"
        assert answers[name]["rules"], name
    plain_words = run("validate", tmp_path / "wrong-total.xml").output
    assert "BR-CO-15" in plain_words


def test_the_books_are_proved_and_a_planted_gap_is_found(alone: Story, postgres: EmbeddedPostgres) -> None:
    issued = alone.issue()
    alone.pay(issued.invoice)
    told = run("verify", "--json")
    assert told.exit_code == 0
    findings = {each["code"]: each for each in json.loads(told.stdout)["checks"]}
    assert findings["I13"]["looked_at"] == 3
    assert {"I4", "I5", "I10", "I12", "I14"} <= findings.keys()
    database = alone.services.database.url.partition("?")[0].rpartition("/")[2]
    with superuser(postgres, database) as connection:
        connection.execute("UPDATE receivable_items SET reference = 'planted' WHERE kind = 'receipt'")
    result = run("verify")
    assert result.exit_code == 1
    assert "GAP I4" in flat(result)


def test_a_lost_file_is_a_gap(alone: Story) -> None:
    issued = alone.issue()
    path = next(alone.services.archive._root.rglob(issued.files[0].file.sha256))
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-1])
    result = run("verify", "--json")
    assert result.exit_code == 1
    assert {each["code"]: each["gap"] for each in json.loads(result.stdout)["checks"] if each["gap"]} == {"I13": 1}


def test_a_token_is_shown_once(plain: Story) -> None:
    result = run("token", plain.siren, "--label", "nightly")
    assert result.exit_code == 0
    (row,) = plain.rows("SELECT label, token_hash FROM api_tokens WHERE supplier_id = :supplier")
    assert row["label"] == "nightly"
    assert bytes(row["token_hash"]).hex() not in result.output


def test_wrong_settings_are_a_sentence_and_show_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUITTANCE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("QUITTANCE_SECRET_KEY", "hunter2")
    result = run("verify")
    assert result.exit_code == 2
    assert "fewer than 32 bytes" in result.output
    assert "hunter2" not in result.output


@pytest.mark.parametrize("command", main.list_commands(click.Context(main)))
def test_every_command_says_what_it_does(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 3


def test_what_a_file_says_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from portal.cli.house import Terminal  # noqa: PLC0415 -- of this test alone

    Terminal(force_terminal=False).print("[bold]fact\x1b]0;pwned\x07ure\x9b31m[/]\ttotal\n12")
    shown = capsys.readouterr().out
    assert not set(shown) & {"\x1b", "\x07", "\x9b"}
    assert "\N{REPLACEMENT CHARACTER}ure" in shown
    assert "total\n12" in shown
