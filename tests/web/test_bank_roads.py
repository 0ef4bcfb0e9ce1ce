"""Statements by call and by command: the same import as on the page, with its report."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from portal_house import build_house
from statement_builders import Paper, Told, camt, cfonb, ofx

from config.clock import today
from portal.api.statements import statements
from portal.api.tokens import create_token
from portal.app import create_app
from portal.cli import bank as bank_command

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services

PAPER = Paper(today(), 1_000, (Told(500, today(), "A", text="X", bank_ref="1"), Told(-70, today(), "B", text="Y")))


@pytest.fixture
def house(services: Services) -> House:
    """A supplier of its own: what is imported here is new here."""
    return build_house(services, "Atelier Kerbrat")


@pytest.fixture
def program(services: Services, house: House) -> tuple[FlaskClient, dict[str, str]]:
    """A program with a token."""
    with services.works.begin(house.supplier.supplier_id) as work:
        token = create_token(work, "test")
    client = create_app(services, [statements]).test_client()
    return client, {"Authorization": f"Bearer {token}", "X-Filename": "jour.txt"}


def post(program: tuple[FlaskClient, dict[str, str]], content: bytes, query: str = "") -> TestResponse:
    """Send a file."""
    client, headers = program
    return client.post(f"/api/v1/statements{query}", data=content, headers=headers)


def test_a_program_imports_a_statement_and_asks_for_its_report(program: tuple[FlaskClient, dict[str, str]]) -> None:
    answer = post(program, cfonb(PAPER))
    assert answer.status_code == 201
    (told,) = answer.get_json()["statements"]
    assert (told["format"], told["lines"], told["new_lines"], told["filename"]) == ("cfonb120", 2, 2, "jour.txt")
    assert told["report"]["states"] == {"not_ours": 1, "unidentified": 1}
    client, headers = program
    again = client.get(f"/api/v1/statements/{told['statement_id']}", headers=headers).get_json()
    assert again == told
    assert post(program, camt(PAPER)).get_json()["statements"][0]["new_lines"] == 0


def test_a_program_is_asked_about_an_unknown_account(program: tuple[FlaskClient, dict[str, str]]) -> None:
    other = Paper(today(), 0, (Told(-5, today(), "A", text="X"),), iban="FR7610278000010001234567841")
    refused = post(program, camt(other))
    assert refused.status_code == 409
    assert refused.get_json()["code"] == "bank.unknown_account"
    assert post(program, camt(other), "?accept_account=FR7610278000010001234567841").status_code == 201


def test_a_program_is_told_what_is_wrong_with_a_file_and_where(program: tuple[FlaskClient, dict[str, str]]) -> None:
    refused = post(program, cfonb(PAPER)[:200])
    assert refused.status_code == 422
    assert refused.get_json()["detail"].startswith("l. 2: ")
    client, _ = program
    assert client.post("/api/v1/statements", data=b"x").status_code == 401


def test_a_folder_is_imported_once_and_nothing_in_it_is_moved(
    services: Services, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_command, "services_of_house", lambda: nullcontext(services))
    (tmp_path / "1.xml").write_bytes(camt(PAPER))
    (tmp_path / "2.ofx").write_bytes(ofx(PAPER))
    runner, siren = CliRunner(), house.supplier.siren or ""
    first = runner.invoke(bank_command.bank, ["import", siren, str(tmp_path)])
    assert first.exit_code == 0, first.output
    assert "2 lines, 2 new" in first.output
    assert "2 lines, 0 new" in first.output
    again = runner.invoke(bank_command.bank, ["import", siren, str(tmp_path)])
    assert again.output.count("imported before") == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["1.xml", "2.ofx"]
    (tmp_path / "3.pdf").write_bytes(b"%PDF-1.7")
    wrong = runner.invoke(bank_command.bank, ["import", siren, str(tmp_path)])
    assert wrong.exit_code == 1
    assert "statement.pdf" in wrong.output
