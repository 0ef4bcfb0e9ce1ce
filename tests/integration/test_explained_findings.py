"""The real engine's findings on broken files, explained: each names the business term that was broken, and where."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import pikepdf
import pytest
from bad_files import BAD_FILES
from hand_written_invoices import CII, UBL, changed
from shared_material import shared

from einvoice.validation.explanations import explain, is_fallback, place_of

if TYPE_CHECKING:
    from pathlib import Path

    from einvoice.validation.check import Validator
    from einvoice.validation.verdict import Finding, Report

REFUSED = {
    "Avoir_FR_type381_EN16931.pdf": ("BR-FR-05_BT-22_PMT", "BT-22", "frais|indemnité"),
    "Facture_DOM_EN16931.pdf": ("BR-FR-08_BT-23", "BT-23", "cadre de facturation"),
    "cas-CALC-002.xml": ("BR-CO-10", "BT-106", "total net des lignes"),
    "cas-CALC-003.xml": ("BR-CO-16", "BT-115", "net à payer"),
    "cas-DATA-004.xml": ("xsd", "BT-5", "Devise de la facture"),
    "cas-XML-001.xml": ("xml.not_well_formed", None, "XML"),
    "cdar-212-old-rules.xml": ("BR-FR-CDV-16_MDT-124-2", "MDT-124-2", "numéro d'ordre"),
}
BAD_XML = {
    "wrong-total.xml": ("BR-CO-15", "BT-112", "Totaux"),
    "wrong-total.ubl.xml": ("BR-CO-15", "BT-112", "Ensemble du fichier"),
    "no-penalty-note.xml": ("BR-FR-05_BT-22_PMD", "BT-22", "En-tête"),
    "decimal-comma.xml": ("xsd", "BT-146", "Ligne 1"),
    "doctype.xml": ("xml.doctype", None, None),
    "half.xml": ("xml.not_well_formed", None, None),
    "no-invoice.xml": ("QT-ROOT", None, None),
}
SELLER_VAT = '<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">FR44732829320</ram:ID></ram:SpecifiedTaxRegistration>'
BUYER_SIREN = '<ram:ID schemeID="0002">100000009</ram:ID>'


class Break(NamedTuple):
    """One change to a correct invoice, the rule that it breaks, and what the explanation must name."""

    document: str
    right: str
    wrong: str
    rule: str
    term: str | None
    place: str


SELLER_TOWN = "<ram:CityName>Nantes</ram:CityName>\n          <ram:CountryID>"
UBL_PROFILE = "<cbc:ProfileID>S1</cbc:ProfileID>"
UBL_ITEM = "<cbc:Name>Révision de chaudière</cbc:Name>"
BREAKS = [
    Break(CII, "<ram:ID>2026-0001<", "<ram:ID>2026 0001<", "BR-FR-02_BT-1", "BT-1", "En-tête"),
    Break(CII, "<ram:TypeCode>380<", "<ram:TypeCode>325<", "BR-FR-04_BT-3", "BT-3", "En-tête"),
    Break(CII, "<ram:ID>S1<", "<ram:ID>X9<", "BR-FR-08_BT-23", "BT-23", "En-tête"),
    Break(CII, BUYER_SIREN, BUYER_SIREN.replace("100000009", "10000000"), "QT-SIREN", "BT-47", "Acheteur"),
    Break(CII, SELLER_VAT, "", "BR-S-02", "BT-31", "Ligne 1"),
    Break(CII, 'unitCode="HUR"', 'unitCode="heure"', "FX-SCH-A-000613", "BT-130", "Ligne 1"),
    Break(CII, f"{SELLER_TOWN}FR<", f"{SELLER_TOWN}XX<", "FX-SCH-A-000580", "BT-40", "Vendeur"),
    Break(UBL, "<cbc:ID>2026-0001<", "<cbc:ID>2026 0001<", "BR-FR-01_BT-1-2", "BT-1", "En-tête"),
    Break(UBL, "<cbc:IssueDate>2026-11-02<", "<cbc:IssueDate>02/11/2026<", "xsd", "BT-2", "En-tête"),
    Break(UBL, UBL_ITEM, "", "BR-25", "BT-153", "Ligne 1"),
    Break(UBL, "Date>2026-12-02<", "Date>2026-10-02<", "BR-FR-CO-07_BT-9", "BT-9", "Ensemble du fichier"),
    Break(UBL, UBL_PROFILE, f"{UBL_PROFILE}<cbc:UUID>x</cbc:UUID>", "xsd", "BT-1", "En-tête"),
]


def xml_in(path: Path) -> bytes:
    """The XML of a sample: the file, or what a Factur-X file has attached."""
    if path.suffix != ".pdf":
        return path.read_bytes()
    with pikepdf.open(BytesIO(path.read_bytes())) as pdf:
        return pdf.attachments["factur-x.xml"].get_file().read_bytes()


def found(report: Report, rule: str) -> Finding:
    rules = [finding.rule for finding in report.findings]
    assert rule in rules, rules
    return next(finding for finding in report.findings if finding.rule == rule)


def assert_all_explained(report: Report) -> None:
    for finding in report.findings:
        assert not is_fallback(finding), finding
        assert "{" not in explain(finding).sentence_fr + explain(finding).sentence_en


@pytest.mark.parametrize(("name", "expected"), REFUSED.items())
def test_a_refused_third_party_file_is_explained_by_its_term(
    validator: Validator, name: str, expected: tuple[str, str | None, str]
) -> None:
    rule, term, said = expected
    xml = xml_in(shared("samples/refused") / name)
    report = validator.check_cdar(xml) if name.startswith("cdar") else validator.check_invoice(xml)
    assert_all_explained(report)
    explanation = explain(found(report, rule))
    assert explanation.terms[:1] == ((term,) if term else ())
    assert any(words in explanation.sentence_fr for words in said.split("|"))


@pytest.mark.parametrize(("name", "expected"), BAD_XML.items())
def test_a_bad_file_is_explained_by_its_term_and_place(
    validator: Validator, name: str, expected: tuple[str, str | None, str | None]
) -> None:
    rule, term, place = expected
    report = validator.check_invoice(BAD_FILES[name][0]())
    assert_all_explained(report)
    finding = found(report, rule)
    assert explain(finding).terms[:1] == ((term,) if term else ())
    assert place_of(finding, "fr") == place


@pytest.mark.parametrize("each", BREAKS, ids=[f"{each.rule}-{each.term}" for each in BREAKS])
def test_one_broken_field_is_named_as_what_it_is(validator: Validator, each: Break) -> None:
    report = validator.check_invoice(changed(each.document, (each.right, each.wrong)))
    assert_all_explained(report)
    finding = found(report, each.rule)
    assert explain(finding).terms[:1] == ((each.term,) if each.term else ())
    assert place_of(finding, "fr") == each.place


def test_the_value_and_the_line_that_were_found_are_told(validator: Validator) -> None:
    explanation = explain(found(validator.check_invoice(BAD_FILES["decimal-comma.xml"][0]()), "xsd"))
    assert explanation.sentence_fr == (
        "Ligne 1 de la facture : « Prix unitaire net » n'est pas un nombre lisible. Valeur trouvée : « 80,00 »."
    )
    assert explanation.term_en == "Net unit price"
