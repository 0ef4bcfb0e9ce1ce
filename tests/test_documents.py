"""What the documentation says is true: its JSON is accepted, its commands, settings and links exist."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click import Context, Group
from pydantic_core import from_json

from config.settings import Settings
from einvoice.composing.build import build_document
from einvoice.kept import profile_from_json
from einvoice.request.reading import parse_request
from portal.cli import main

if TYPE_CHECKING:
    from click import Command

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)


def test_the_smallest_invoice_of_the_documentation_is_built_with_its_profile() -> None:
    invoice, profile = blocks("docs/issuing.md", "json")
    document = build_document(
        parse_request(invoice.encode()), profile_from_json(from_json(profile)), "F2026-00001", date(2026, 11, 2)
    )
    assert str(document.totals.payable) == "600.00"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_that_exists(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_named_exists_with_its_options(page: Path) -> None:
    for line in re.findall(r"quittance ([a-z][^\n`#|]*)", page.read_text()):
        words = line.split()
        command: Command = main
        for word in words:
            found = command.get_command(Context(command), word) if isinstance(command, Group) else None
            if found is None:
                break
            command = found
        assert command is not main, f"quittance {line}"
        known = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r"(?<!\S)\[?(--[a-z-]+)", line):
            assert option in known, f"quittance {line}: {option}"


def test_every_setting_named_exists() -> None:
    known = {f"QUITTANCE_{name.upper()}" for name in Settings.model_fields} | {"DATABASE_URL"}
    for name in re.findall(r"`(QUITTANCE_[A-Z_]+|DATABASE_URL)`", (ROOT / "docs/running.md").read_text()):
        assert name in known, name
