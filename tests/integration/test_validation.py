"""Verdicts by the real engine and the published rules, on third-party files and on invoices broken one by one."""

from __future__ import annotations

import json
import shutil
from io import BytesIO
from typing import TYPE_CHECKING

import pikepdf
import pytest
from hand_written_invoices import CII, UBL, changed
from shared_material import shared

from einvoice.validation.check import Validator
from einvoice.validation.standards import Profile, Standards, Syntax, profile_of
from einvoice.validation.verdict import Finding, Layer, LayerResult, Report, Severity, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from einvoice.validation.schematron import SchematronEngine

XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
EXTENDED = "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended"
EXTENDED_CTC_FR = "urn:cen.eu:en16931:2017#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr"
BASIC = "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic"
BUYER_COUNTRY = "<ram:CityName>Brest</ram:CityName>\n          <ram:CountryID>FR<"
PMT_NOTE = (
    "    <ram:IncludedNote><ram:Content>40 EUR</ram:Content><ram:SubjectCode>PMT</ram:SubjectCode></ram:IncludedNote>\n"
)
GERMAN_BUYER = (BUYER_COUNTRY, BUYER_COUNTRY.replace(">FR<", ">DE<"))
REFUSED = {
    "Avoir_FR_type381_EN16931.pdf": "BR-FR-05_BT-22_PMT",
    "Facture_DOM_EN16931.pdf": "BR-FR-08_BT-23",
    "cas-CALC-002.xml": "BR-CO-10",
    "cas-CALC-003.xml": "BR-CO-16",
    "cas-DATA-004.xml": "xsd",
    "cas-XML-001.xml": "xml.not_well_formed",
    "cdar-212-old-rules.xml": "BR-FR-CDV-16_MDT-124-2",
}


def xml_in(path: Path) -> bytes:
    """The XML of a sample: the file, or what a Factur-X file has attached."""
    if path.suffix != ".pdf":
        return path.read_bytes()
    with pikepdf.open(BytesIO(path.read_bytes())) as pdf:
        return pdf.attachments["factur-x.xml"].get_file().read_bytes()


def judge(validator: Validator, path: Path) -> Report:
    xml = xml_in(path)
    if b"CrossDomainAcknowledgementAndResponse" in xml:
        return validator.check_cdar(xml)
    return validator.check_flux10(xml) if path.name.startswith("flux10") else validator.check_invoice(xml)


def outcomes(report: Report) -> dict[Layer, Verdict]:
    return {result.layer: result.outcome for result in report.layers}


def fatal_rules(report: Report) -> set[str]:
    return {finding.rule for finding in report.fatal}


def finding(report: Report, rule: str) -> Finding:
    return next(found for found in report.findings if found.rule == rule)


@pytest.mark.parametrize(
    "folder", ["samples/cii", "samples/ubl", "samples/cdar", "samples/facturx", "standards/examples-own"]
)
def test_every_correct_third_party_file_is_valid(validator: Validator, folder: str) -> None:
    files = sorted(path for path in shared(folder).iterdir() if path.is_file())
    reports = {path.name: judge(validator, path) for path in files}
    valid = [name for name, report in reports.items() if report.verdict is Verdict.VALID]
    print(f"{folder}: {len(valid)}/{len(files)} valid")
    assert {name: fatal_rules(report) for name, report in reports.items() if name not in valid} == {}
    assert len(valid) >= 3


@pytest.mark.parametrize(("name", "rule"), REFUSED.items())
def test_every_wrong_third_party_file_is_refused_for_its_rule(validator: Validator, name: str, rule: str) -> None:
    report = judge(validator, shared("samples/refused") / name)
    assert report.verdict is Verdict.INVALID
    assert rule in fatal_rules(report)


def test_no_wrong_third_party_file_is_forgotten_here() -> None:
    assert {path.name for path in shared("samples/refused").iterdir()} == set(REFUSED)


def test_a_missing_element_is_named_with_its_line(validator: Validator) -> None:
    report = judge(validator, shared("samples/refused/cas-DATA-004.xml"))
    found = finding(report, "xsd")
    assert "InvoiceCurrencyCode" in found.message
    assert found.line == 126
    assert found.location is not None
    assert found.location.startswith("/CrossIndustryInvoice/SupplyChainTradeTransaction/")


@pytest.mark.parametrize("document", [CII, UBL], ids=["CII", "UBL"])
def test_a_correct_french_invoice_passes_all_layers_with_the_rules_named(validator: Validator, document: str) -> None:
    report = validator.check_invoice(document.encode())
    assert report.verdict is Verdict.VALID
    assert report.findings == ()
    assert [result.layer for result in report.layers] == [Layer.XSD, Layer.EN16931, Layer.BR_FR, Layer.HOUSE]
    for result in report.layers:
        assert result.outcome is Verdict.VALID
        assert result.rule_set is not None
        assert result.rule_set.version
        assert len(result.rule_set.sha256) == 64


@pytest.mark.parametrize(
    ("document", "right", "wrong", "rule"),
    [
        (CII, "<ram:GrandTotalAmount>288.00", "<ram:GrandTotalAmount>288.01", "BR-CO-15"),
        (CII, "<ram:DuePayableAmount>288.00", "<ram:DuePayableAmount>0.00", "BR-CO-16"),
        (CII, "<ram:CalculatedAmount>48.00", "<ram:CalculatedAmount>47.00", "BR-CO-14"),
        (CII, "<ram:TaxBasisTotalAmount>240.00", "<ram:TaxBasisTotalAmount>239.00", "BR-CO-13"),
        (UBL, 'TaxInclusiveAmount currencyID="EUR">288.00', 'TaxInclusiveAmount currencyID="EUR">288.01', "BR-CO-15"),
        (UBL, 'PayableAmount currencyID="EUR">288.00', 'PayableAmount currencyID="EUR">0.00', "BR-CO-16"),
    ],
)
def test_a_wrong_total_is_refused_with_the_norms_rule(
    validator: Validator, document: str, right: str, wrong: str, rule: str
) -> None:
    report = validator.check_invoice(changed(document, (right, wrong)))
    assert report.verdict is Verdict.INVALID
    assert rule in fatal_rules(report)
    assert (finding(report, rule).location or "").startswith(("/CrossIndustryInvoice[1]", "/Invoice[1]"))


@pytest.mark.parametrize("document", [CII, UBL], ids=["CII", "UBL"])
@pytest.mark.parametrize("amount", ["80.00", "240.00", "48.00", "288.00"])
def test_a_decimal_comma_never_is_valid_and_the_rules_behind_the_xsd_are_not_run(
    validator: Validator, document: str, amount: str
) -> None:
    report = validator.check_invoice(changed(document, (amount, amount.replace(".", ","))))
    assert report.verdict is Verdict.INVALID
    assert fatal_rules(report) == {"xsd"}
    assert outcomes(report) == {
        Layer.XSD: Verdict.INVALID,
        Layer.EN16931: Verdict.NOT_CHECKED,
        Layer.BR_FR: Verdict.NOT_CHECKED,
        Layer.HOUSE: Verdict.NOT_CHECKED,
    }
    assert amount.replace(".", ",") in report.fatal[0].message


def test_a_ubl_credit_note_is_judged_by_the_grammar_of_credit_notes(validator: Validator) -> None:
    reference = (
        "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>2026-0000</cbc:ID>"
        "<cbc:IssueDate>2026-10-01</cbc:IssueDate></cac:InvoiceDocumentReference></cac:BillingReference>"
    )
    credit_note = changed(
        UBL,
        ("Invoice-2", "CreditNote-2"),
        ("<Invoice ", "<CreditNote "),
        ("</Invoice>", "</CreditNote>"),
        ("cbc:InvoiceTypeCode>380", "cbc:CreditNoteTypeCode>381"),
        ("/cbc:InvoiceTypeCode", "/cbc:CreditNoteTypeCode"),
        ("  <cbc:DueDate>2026-12-02</cbc:DueDate>\n", ""),
        ("InvoiceLine>", "CreditNoteLine>"),
        ("InvoicedQuantity", "CreditedQuantity"),
        ("</cbc:DocumentCurrencyCode>", "</cbc:DocumentCurrencyCode>" + reference),
    )
    report = validator.check_invoice(credit_note)
    assert report.findings == ()
    assert report.verdict is Verdict.VALID
    without = validator.check_invoice(credit_note.replace(reference.encode(), b""))
    assert any(rule.startswith("BR-FR-CO-05") for rule in fatal_rules(without))


def test_a_day_of_letters_that_makes_the_french_rules_stop_is_invalid(validator: Validator) -> None:
    report = validator.check_invoice(changed(CII, (">20261102<", ">2026NOV2<")))
    assert report.verdict is Verdict.INVALID
    assert outcomes(report)[Layer.BR_FR] is Verdict.INVALID
    assert {"engine.refused", "QT-DAY"} <= fatal_rules(report)


@pytest.mark.parametrize(
    ("prolog", "text"),
    [
        ('<!DOCTYPE i SYSTEM "https://attacker.invalid/i.dtd">', "40 EUR"),
        ('<!DOCTYPE i [<!ENTITY secret SYSTEM "file:///etc/hostname">]>', "&secret;"),
        ('<!DOCTYPE i [<!ENTITY a "41 EUR">]>', "&a;"),
    ],
)
def test_a_doctype_is_refused_before_any_engine_sees_it(validator: Validator, prolog: str, text: str) -> None:
    declaration = '<?xml version="1.0" encoding="UTF-8"?>'
    report = validator.check_invoice(changed(CII, (declaration, declaration + prolog), ("40 EUR", text)))
    assert report.verdict is Verdict.INVALID
    assert fatal_rules(report) == {"xml.doctype"}


@pytest.mark.parametrize("xml", [b"", b"no XML", b"<a/>", b"<Invoice/>", CII.encode()[:-40], b"%PDF-1.7"])
def test_what_is_no_invoice_is_invalid_and_says_why(validator: Validator, xml: bytes) -> None:
    for report in (validator.check_invoice(xml), validator.check_cdar(xml), validator.check_flux10(xml)):
        assert report.verdict is Verdict.INVALID
        assert fatal_rules(report) <= {"xml.not_well_formed", "QT-ROOT"}


def test_french_rules_apply_between_two_french_parties_unless_the_caller_knows_better(validator: Validator) -> None:
    domestic = changed(CII, (PMT_NOTE, ""))
    abroad = changed(CII, (PMT_NOTE, ""), GERMAN_BUYER)
    derived = validator.check_invoice(domestic)
    assert fatal_rules(derived) == {"BR-FR-05_BT-22_PMT"}
    assert "frais de recouvrement" in finding(derived, "BR-FR-05_BT-22_PMT").message
    assert validator.check_invoice(domestic, french=False).verdict is Verdict.VALID
    assert validator.check_invoice(abroad).verdict is Verdict.VALID
    assert validator.check_invoice(abroad, french=True).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("country", "french"), [("RE", True), ("GP", True), ("MQ", True), ("GF", False), ("YT", False)]
)
def test_overseas_departments_with_french_vat_are_domestic(validator: Validator, country: str, *, french: bool) -> None:
    xml = changed(CII, (BUYER_COUNTRY, BUYER_COUNTRY.replace(">FR<", f">{country}<")))
    assert (Layer.BR_FR in outcomes(validator.check_invoice(xml))) is french


@pytest.mark.parametrize(
    ("document", "right", "wrong", "rule"),
    [
        (CII, ">100000009</ram:ID>", "> 100000009 </ram:ID>", "QT-SIREN"),
        (UBL, ">100000009</cbc:CompanyID>", "> 100000009 </cbc:CompanyID>", "QT-SIREN"),
        (CII, "<ram:Content>40 EUR<", "<ram:Content> <", "QT-NOTE"),
        (UBL, "#PMT#40 EUR", "#PMT#", "QT-NOTE"),
        (CII, ">20261202<", ">20261202 (fin de mois)<", "QT-DAY"),
    ],
)
def test_what_the_french_rules_let_pass_is_refused_by_ours(
    validator: Validator, document: str, right: str, wrong: str, rule: str
) -> None:
    report = validator.check_invoice(changed(document, (right, wrong)))
    assert outcomes(report)[Layer.BR_FR] is Verdict.VALID
    assert outcomes(report)[Layer.EN16931] is Verdict.VALID
    assert report.verdict is Verdict.INVALID
    assert fatal_rules(report) == {rule}
    assert finding(report, rule).message_fr
    assert finding(report, rule).line


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ('"0002">100000009<', '"0002">100000008<', "QT-SIREN-KEY"),
        ("73282932000074", "73282932000075", "QT-SIRET-KEY"),
    ],
)
def test_a_false_key_is_a_warning_or_fatal_as_the_caller_says(
    shared_engine: SchematronEngine, validator: Validator, right: str, wrong: str, rule: str
) -> None:
    xml = changed(CII, (right, wrong))
    lenient = validator.check_invoice(xml)
    assert finding(lenient, rule).severity is Severity.WARNING
    assert lenient.verdict is Verdict.VALID
    assert fatal_rules(Validator(shared_engine, false_key=Severity.FATAL).check_invoice(xml)) == {rule}


@pytest.mark.parametrize("specification", ["urn:cen.eu:en16931:2017", BASIC, EXTENDED, EXTENDED_CTC_FR])
def test_a_zero_rate_with_twenty_percent_is_refused_in_every_profile(validator: Validator, specification: str) -> None:
    zero = ("<ram:CategoryCode>S<", "<ram:CategoryCode>Z<")
    report = validator.check_invoice(changed(CII, (">urn:cen.eu:en16931:2017<", f">{specification}<"), zero))
    assert outcomes(report)[Layer.BR_FR] is Verdict.VALID
    assert report.verdict is Verdict.INVALID


def test_another_specification_on_en_16931_is_judged_as_en_16931_and_says_so(validator: Validator) -> None:
    german = (">urn:cen.eu:en16931:2017<", f">{XRECHNUNG}<")
    report = validator.check_invoice(changed(CII, german, GERMAN_BUYER))
    assert report.verdict is Verdict.VALID
    assert finding(report, "QT-BT-24").severity is Severity.WARNING
    wrong = validator.check_invoice(
        changed(CII, german, GERMAN_BUYER, ("GrandTotalAmount>288", "GrandTotalAmount>289"))
    )
    assert "BR-CO-15" in fatal_rules(wrong)


def test_an_unknown_specification_is_invalid(validator: Validator) -> None:
    for document in (CII, UBL):
        report = validator.check_invoice(changed(document, (">urn:cen.eu:en16931:2017<", ">urn:example:mine<")))
        assert fatal_rules(report) == {"QT-BT-24"}
        assert report.verdict is Verdict.INVALID


def test_a_profile_outside_the_french_socle_is_a_warning(validator: Validator) -> None:
    report = validator.check_invoice(changed(CII, (">urn:cen.eu:en16931:2017<", f">{BASIC}<")))
    assert report.verdict is Verdict.VALID
    assert outcomes(report)[Layer.PROFILE] is Verdict.VALID
    assert finding(report, "QT-SOCLE").severity is Severity.WARNING


def test_every_rule_file_of_every_profile_is_installed_and_identified(shared_engine: SchematronEngine) -> None:
    standards = Standards()
    demands = {
        demand
        for syntax in Syntax
        for profile in (Profile if syntax is Syntax.CII else (Profile.EN16931, Profile.EXTENDED_CTC_FR))
        for demand in standards.demanded(syntax, profile, french=True)
    }
    artefacts = [standards.artefact(demand) for demand in demands]
    assert len({artefact.path for artefact in artefacts}) == len(demands) == 22
    assert len({artefact.rule_set.sha256 for artefact in artefacts}) == len(demands)
    for artefact in artefacts:
        if artefact.kind == "xslt" and artefact.path.parent.name in {"facturx-minimum", "facturx-basicwl"}:
            shared_engine.warm(artefact.path)  # the other stylesheets run in this module


def test_a_newer_set_of_rules_goes_before_the_packages(shared_engine: SchematronEngine, tmp_path: Path) -> None:
    packaged = Standards()
    demand = packaged.demanded(Syntax.CII, french=True)[2]
    shutil.copytree(packaged.artefact(demand).path.parent, tmp_path / demand.folder)
    (tmp_path / "VERSION").write_text("1.5.0\n", encoding="utf-8")
    newer = Standards(tmp_path)
    assert newer.artefact(demand).path.is_relative_to(tmp_path)
    assert newer.artefact(demand).rule_set.version == "1.5.0"
    assert newer.artefact(demand).rule_set.sha256 == packaged.artefact(demand).rule_set.sha256
    assert Validator(shared_engine, newer).check_invoice(CII.encode()).verdict is Verdict.VALID


def test_the_eu_projects_own_rules_judge_plain_cii_too_where_they_are_installed(
    shared_engine: SchematronEngine, tmp_path: Path
) -> None:
    shutil.copytree(shared("standards/fnfe-france-rfe/CII/EN16931/2xslt"), tmp_path / "cii-en16931")
    report = Validator(shared_engine, Standards(tmp_path)).check_invoice(CII.encode())
    assert report.verdict is Verdict.VALID
    names = [result.rule_set.name for result in report.layers if result.rule_set]
    assert names == ["Factur-X EN 16931 XSD", "Factur-X EN 16931", "EN 16931 CII", "BR-FR Flux 2 CII", "Quittance"]


def test_a_set_of_rules_without_its_code_list_leaves_the_invoice_not_checked(
    shared_engine: SchematronEngine, tmp_path: Path
) -> None:
    packaged = Standards()
    demand = packaged.demanded(Syntax.CII)[1]
    (tmp_path / demand.folder).mkdir()
    shutil.copy(packaged.artefact(demand).path, tmp_path / demand.folder)
    report = Validator(shared_engine, Standards(tmp_path)).check_invoice(CII.encode())
    assert report.verdict is Verdict.NOT_CHECKED
    assert outcomes(report)[Layer.EN16931] is Verdict.NOT_CHECKED
    assert any("codedb.xml, which another rule file" in (result.reason or "") for result in report.layers)


def test_two_copies_of_the_same_rules_are_not_chosen_from_at_random(
    shared_engine: SchematronEngine, tmp_path: Path
) -> None:
    packaged = Standards()
    demand = packaged.demanded(Syntax.CII, french=True)[2]
    (tmp_path / demand.folder).mkdir()
    for name in ("old.xslt", "new.xslt"):
        shutil.copy(packaged.artefact(demand).path, tmp_path / demand.folder / name)
    report = Validator(shared_engine, Standards(tmp_path)).check_invoice(CII.encode())
    assert report.verdict is Verdict.NOT_CHECKED


def test_profiles_are_told_by_bt_24() -> None:
    assert profile_of("urn:factur-x.eu:1p0:basicwl", Syntax.CII) is Profile.BASIC_WL
    assert profile_of("urn:factur-x.eu:1p0:basicwl", Syntax.UBL_INVOICE) is None
    assert profile_of(EXTENDED_CTC_FR, Syntax.UBL_CREDIT_NOTE) is Profile.EXTENDED_CTC_FR
    assert profile_of(XRECHNUNG, Syntax.CII) is Profile.EN16931
    assert profile_of(None, Syntax.CII) is None


def test_a_report_survives_json_and_its_verdict_cannot_be_edited(validator: Validator) -> None:
    report = validator.check_invoice(changed(CII, ("GrandTotalAmount>288.00", "GrandTotalAmount>289.00")))
    text = report.to_json()
    assert Report.from_json(text) == report
    content = json.loads(text)
    assert content["verdict"] == "invalid"
    with pytest.raises(ValueError, match="its findings say invalid"):
        Report.from_json(json.dumps(content | {"verdict": "valid"}))
    with pytest.raises(ValueError, match="no validation report"):
        Report.from_json("{}")


def test_the_verdict_follows_from_the_layers() -> None:
    ran, did_not = (LayerResult(Layer.EN16931, outcome) for outcome in (Verdict.VALID, Verdict.NOT_CHECKED))
    warning = Finding("X", Severity.WARNING, "", Layer.EN16931)
    fatal = Finding("X", Severity.FATAL, "", Layer.EN16931)
    assert Report((), ()).verdict is Verdict.NOT_CHECKED
    assert Report((ran,), (warning,)).verdict is Verdict.VALID
    assert Report((ran, did_not), ()).verdict is Verdict.NOT_CHECKED
    assert Report((ran, did_not), (fatal,)).verdict is Verdict.INVALID
    assert Report((ran,), ()).joined(Report((did_not,), ())).verdict is Verdict.NOT_CHECKED
