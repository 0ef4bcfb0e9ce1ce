"""``quittance directory``: one company, or a file of them, from the command line."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from command_house import command_here
from directory_stub import DirectoryStub
from story_builders import Story, a_siren

from einvoice.platform.accounts import connect_platform
from portal.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.settings import Settings
    from portal.wiring import Services


@pytest.fixture
def stub() -> Iterator[DirectoryStub]:
    running = DirectoryStub()
    yield running
    running.close()


@pytest.fixture
def listed(
    services: Services, settings: Settings, stub: DirectoryStub, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Story]:
    """A supplier whose platform offers the directory, in the house that commands work in."""
    command_here(monkeypatch, services, settings.data_dir)
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    handlers = list(logging.getLogger().handlers)
    story = Story(services)
    with services.works.begin(story.id) as work:
        connect_platform(work, services.keyring, "Stub", stub.settings())
    yield story
    logging.getLogger().handlers[:] = handlers


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["directory", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_one_company_is_shown_with_its_lines_and_the_address_chosen(listed: Story, stub: DirectoryStub) -> None:
    siren = a_siren()
    stub.company(siren, "Imprimerie du Port")
    stub.line(siren)
    result = run("show", siren, "--supplier", listed.siren)
    assert result.exit_code == 0
    assert "Imprimerie du Port" in result.stdout
    assert "Joignable" in result.stdout
    assert f"BT-49: {siren}" in result.stdout


def test_a_company_that_is_not_reachable_exits_1_with_the_next_step(listed: Story, stub: DirectoryStub) -> None:
    siren = a_siren()
    stub.company(siren)
    result = run("show", siren, "--supplier", listed.siren, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (told["state"], told["reason"], told["address"]) == ("not_yet", "no_line", None)
    assert "Demandez à votre client" in told["step_fr"]


@pytest.mark.parametrize("number", ["12", "BE0403170701"])
def test_a_wrong_number_exits_2(listed: Story, number: str) -> None:
    result = run("show", number, "--supplier", listed.siren)
    assert result.exit_code == 2
    assert "directory.bad_number" in result.stderr


def test_a_file_is_checked_with_its_result_as_a_table(listed: Story, stub: DirectoryStub, tmp_path: Path) -> None:
    siren = a_siren()
    stub.company(siren)
    stub.line(siren)
    file, target = tmp_path / "clients.csv", tmp_path / "result.csv"
    file.write_text(f"Raison sociale;SIREN\nCafé;{siren}\nMartin;12\nBrasserie;BE0403170701\n", encoding="cp1252")
    result = run("check", file, "--supplier", listed.siren, "--output", target)
    assert result.exit_code == 1  # a row could not be understood
    assert "reachable 1 · unknown 1 · not_french 1" in " ".join(result.stdout.split())
    rows = target.read_text(encoding="utf-8-sig").splitlines()
    assert rows[1].startswith(f"2;Café;{siren};{siren};reachable;{siren};")
    assert len(rows) == 4


def test_a_good_file_exits_0_and_speaks_json(listed: Story, stub: DirectoryStub, tmp_path: Path) -> None:
    siren = a_siren()
    stub.company(siren)
    file = tmp_path / "clients.csv"
    file.write_text(f"siren\n{siren}\n")
    result = run("check", file, "--supplier", listed.siren, "--json")
    (row,) = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (row["line"], row["siren"], row["verdict"]["state"]) == (2, siren, "not_yet")


def test_a_bad_file_exits_2_with_its_line(listed: Story, tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text("a;b\n1;2\n")
    result = run("check", file, "--supplier", listed.siren)
    assert result.exit_code == 2
    assert "directory.file_no_column" in result.stderr
    assert "Line 1" in result.stderr


def test_a_supplier_without_directory_is_told_so(listed: Story, stub: DirectoryStub, tmp_path: Path) -> None:
    plain = Story(listed.services)
    file = tmp_path / "clients.csv"
    file.write_text(f"siren\n{a_siren()}\n")
    result = run("check", file, "--supplier", plain.siren)
    assert result.exit_code == 1
    assert "Pas d'annuaire ici" in result.stdout
    assert stub.calls == []


def test_the_supplier_must_be_named_where_there_are_several(listed: Story) -> None:
    Story(listed.services)
    result = run("show", "552100554")
    assert result.exit_code == 2
    assert "supplier.unnamed" in result.stderr
    assert "supplier.unknown" in run("show", "552100554", "--supplier", "000000000").stderr
