"""``quittance validate``: one bad file never stops the others, and only *valid* for all of them is success."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from bad_files import BAD_FILES
from click.testing import CliRunner
from hand_written_invoices import CII, UBL, changed

from einvoice.validation.schematron import SchematronEngine
from portal.cli import main
from portal.cli import validation as command
from portal.validation.samples import sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

WRONG = changed(CII, ("<ram:GrandTotalAmount>288.00<", "<ram:GrandTotalAmount>289.00<"))


class Borrowed(SchematronEngine):
    """One engine for every call: a command would start its own and end it."""

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def engine() -> Iterator[Borrowed]:
    borrowed = Borrowed()
    yield borrowed
    SchematronEngine.close(borrowed)


@pytest.fixture(autouse=True)
def house(engine: Borrowed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUITTANCE_DATA_DIR", str(tmp_path / "house"))
    monkeypatch.setattr(command, "SchematronEngine", lambda: engine)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["validate", *map(str, arguments)])


def told(*arguments: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(*arguments, "--json").stdout)
    return found


def test_a_valid_file_is_success_and_needs_no_database(tmp_path: Path) -> None:
    path = tmp_path / "good.pdf"
    path.write_bytes(sample(faulty=False))
    result = run(path, "--json")
    assert result.exit_code == 0, result.output
    (answer,) = json.loads(result.stdout)
    assert (answer["file"], answer["path"], answer["verdict"]) == ("good.pdf", str(path), "valid")
    assert [each["layer"] for each in answer["layers"]] == ["container", "xsd", "en16931", "br_fr", "house"]
    assert not (tmp_path / "house" / "postgres").exists()


def test_every_kind_of_bad_file_is_answered_beside_the_good_one(tmp_path: Path) -> None:
    for name, (make, _) in BAD_FILES.items():
        (tmp_path / name).write_bytes(make())
    (tmp_path / "good.xml").write_text(UBL)
    paths = [tmp_path / name for name in (*BAD_FILES, "missing.xml", "good.xml")]
    result = run(*paths, "--json")
    assert result.exit_code == 1
    answers = {each["file"]: each for each in json.loads(result.stdout)}
    assert list(answers) == [path.name for path in paths], "in the order asked for"
    assert answers.pop("good.xml")["verdict"] == "valid"
    missing = answers.pop("missing.xml")
    assert (missing["verdict"], missing["rules"]) == ("not_checked", [])
    assert missing["layers"][0]["reason"] == {"fr": "Le fichier n'existe pas.", "en": "There is no such file."}
    for name, answer in answers.items():
        assert answer["verdict"] == "invalid", name
        assert answer["rules"], name
        for rule in answer["rules"]:
            assert rule["sentence"]["fr"], name
            assert rule["fix"]["fr"], name


def test_folders_are_gone_through_and_an_empty_one_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "year" / "month"
    folder.mkdir(parents=True)
    (folder / "a.XML").write_text(CII)
    (folder / "b.pdf").write_bytes(sample(faulty=True))
    (folder / "notes.txt").write_text("nothing")
    (tmp_path / "empty").mkdir()
    answers = told(tmp_path / "year", tmp_path / "empty")
    assert [(each["file"], each["verdict"]) for each in answers] == [
        ("a.XML", "valid"),
        ("b.pdf", "invalid"),
        ("empty", "not_checked"),
    ]


def test_a_file_larger_than_any_invoice_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"
    with path.open("wb") as file:
        file.write(b"<a>")
        file.truncate(3 * 2**30)
    (answer,) = told(path)
    assert (answer["verdict"], answer["rules"][0]["rule"]) == ("invalid", "xml.too_large")


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        ((), {}, ("non conforme", "Règles françaises (BR-FR)", "À faire :", "ligne")),
        ((), {"LANG": "en_GB.UTF-8"}, ("invalid", "French rules (BR-FR)", "To do:", "line")),
        (("--language", "fr"), {"LANG": "en_GB.UTF-8"}, ("non conforme", "À faire :")),
        (("--language", "en"), {"LC_ALL": "fr_FR.UTF-8"}, ("invalid", "To do:")),
    ],
)
def test_people_read_layers_rules_and_what_to_do_in_their_language(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    environment: dict[str, str],
    words: tuple[str, ...],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "wrong [bold].xml"
    path.write_bytes(WRONG)
    result = run(path, *options)
    assert result.exit_code == 1
    for word in (*words, "BR-CO-15", "BT-112", "Factur-X EN 16931 · 1.09", "wrong [bold].xml"):
        assert word in result.output, word
    assert result.output.index("XSD") < result.output.index("EN 16931 · 1.09") < result.output.index("BR-CO-15")


def test_an_unplugged_engine_is_not_checked_and_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SchematronEngine", lambda: SchematronEngine(command=["/bin/false"]))
    path = tmp_path / "good.xml"
    path.write_text(CII)
    result = run(path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["verdict"] == "not_checked"
    shown = run(path)
    assert shown.exit_code == 1
    assert "? Norme européenne EN 16931  non contrôlé" in shown.output
