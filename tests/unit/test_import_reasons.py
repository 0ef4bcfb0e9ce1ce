"""Why an invoice of a table is refused: words of tables, the row of the file, never a path of a program."""

from __future__ import annotations

import pytest

from einvoice.composing.parties import check_siren
from einvoice.errors import BuildError
from portal.imports.reasons import in_plain


def test_a_wrong_siren_is_told_without_the_path_of_a_program() -> None:
    with pytest.raises(BuildError) as refused:
        check_siren("732829321", "buyer.siren", "BT-47")
    told = in_plain(refused.value, [8])
    assert told.code == "party.bad_siren"
    assert told.sentence_fr == "Ce SIREN n'existe pas\N{NO-BREAK SPACE}: vérifiez ses neuf chiffres."
    for sentence in (str(told), told.sentence_fr):
        assert "buyer" not in sentence
        assert "BT-" not in sentence


def test_a_wrong_line_is_told_by_its_row_where_there_are_several() -> None:
    error = BuildError("invoice.rate_unknown", "no rate", "pas un taux", term="BT-152", place="lines[1].vat_rate")
    assert str(in_plain(error, [14, 19])).startswith("Row 19 of the file: ")
    assert (in_plain(error, [14, 19]).sentence_fr or "").startswith("Ligne 19 du fichier\N{NO-BREAK SPACE}: Ce taux")
    assert "fichier" not in (in_plain(error, [14]).sentence_fr or "")
