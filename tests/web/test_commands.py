"""Commands: their list is known without importing them; a profile is checked before it is kept."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from click import Context

from einvoice.errors import EInvoiceError
from einvoice.kept import profile_from_json
from portal.cli import COMMANDS, main
from portal.documents.issuing import CHOICES, check_choices, check_profile


def test_every_command_in_the_list_can_be_loaded_under_its_name() -> None:
    context = Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help
    assert main.get_command(context, "nonsense") is None
    assert len(COMMANDS) > 10


def test_help_imports_nothing_that_a_command_needs() -> None:
    seen = "import sys, portal.cli as c; c.main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    told = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True).stdout
    assert "verify" in told
    for heavy in ("flask", "sqlalchemy", "lxml", "stripe", "portal.wiring"):
        assert f"'{heavy}'" not in told


PROFILE: dict[str, Any] = {
    "name": "Atelier Kerbrat",
    "siren": "812345015",
    "address": {"line1": "12 quai de la Fosse", "postcode": "44000", "city": "Nantes", "country": "FR"},
    "iban": "FR7630004000010008123450115",
}


def test_the_profile_of_the_documentation_is_taken() -> None:
    check_profile(profile_from_json(PROFILE), PROFILE)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"siren": "123456789"}, "party.bad_siren"),
        ({"vat_id": "FR00812345015"}, "party.bad_vat_id"),
        ({"iban": "FR00"}, "party.bad_iban"),
        ({"bic": "X"}, "party.bad_bic"),
        ({"colour": "red"}, "page.bad_colour"),
        ({"logo_svg": "<html/>"}, "page.bad_logo"),
        ({"terms_days": -1}, "profile.bad_terms"),
        ({"adress": {}}, "profile.unknown_field"),
    ],
)
def test_a_profile_that_would_spoil_every_invoice_is_refused(change: dict[str, Any], code: str) -> None:
    given = {**PROFILE, **change}
    with pytest.raises(EInvoiceError) as refused:
        check_profile(profile_from_json(given), given)
    assert refused.value.code == code


@pytest.mark.parametrize(("name", "value"), [("size", "big"), ("vat_regime", "yearly"), ("size", None), ("size", [])])
def test_a_size_or_regime_that_nobody_knows_is_refused_with_the_known_ones(name: str, value: object) -> None:
    with pytest.raises(EInvoiceError) as refused:
        check_choices({**PROFILE, name: value})
    assert refused.value.code == "profile.bad_choice"
    assert ", ".join(CHOICES[name][:2]) in refused.value.sentence
    assert f" ou {CHOICES[name][-1]}" in refused.value.sentence_fr


def test_every_known_size_and_regime_is_taken() -> None:
    for name, known in CHOICES.items():
        for value in known:
            check_choices({name: value})
            assert getattr(profile_from_json({**PROFILE, name: value}), name) == value
