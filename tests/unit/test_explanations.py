"""Every rule that an installed artefact can report is explained in plain French and English."""

from __future__ import annotations

import importlib.resources
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from shared_material import shared

from einvoice.formats import pdf_reader
from einvoice.validation import house_rules
from einvoice.validation.explanations import Explanation, explain, is_fallback, place_of, term_name
from einvoice.validation.explanations.catalogue import element_names, paths, templates, term_names
from einvoice.validation.explanations.wording import _UNKNOWN
from einvoice.validation.file_rules import FILE_RULES, file_finding
from einvoice.validation.location import readable_path
from einvoice.validation.svrl import UNNAMED_RULE
from einvoice.validation.verdict import Finding, Layer, Severity

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
XSL = "{http://www.w3.org/1999/XSL/Transform}"
XSD = "{http://www.w3.org/2001/XMLSchema}"
NAMED_IN_TEXT = re.compile(r"\s*\[([A-Z][A-Za-z0-9_.-]+)\]")
TECHNICAL = re.compile(r"\b(?:ram|rsm|udt|qdt|cbc|cac|ubl):|//|/[A-Z]\w+|@\w|\[\d+\]|[{}]|\bxs:")
ENGLISH = re.compile(
    r"\b(?:the|is|are|must|shall|should|invoice|of|and|not|missing|seller|buyer|with|without|amount|allowed|given)\b"
)
FRENCH = re.compile(r"\b(?:le|la|les|des|une|est|n'est|facture|du|vendeur|acheteur|avec|manque|montant|pas)\b")
QUOTED_FRENCH = re.compile(r'"[^"]*"')
"""The English fixes quote the French mention that the law wants."""
NOT_INVOICES = "orderx"
"""The package also has the rules of orders, which no validation here runs."""


class Published(NamedTuple):
    """One assertion of a stylesheet, as its finding would look."""

    rule: str
    message: str
    context: str

    def finding(self) -> Finding:
        location = readable_path(re.split(r"\s*\|\s*", self.context)[0])
        return Finding(self.rule, Severity.FATAL, self.message, Layer.PROFILE, location or None)


def stylesheets(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.xsl*")) if path.suffix in {".xsl", ".xslt"}]


def published_in(path: Path) -> list[Published]:
    """The assertions of a compiled Schematron, numbered as :func:`einvoice.validation.svrl.findings_of` does."""
    found = []
    for element in etree.parse(str(path)).iter(f"{SVRL}failed-assert", f"{SVRL}successful-report"):
        attribute = element.find(f"{XSL}attribute[@name='id']")
        rule_id = element.get("id") or ("".join(attribute.itertext()).strip() if attribute is not None else "")
        text = " ".join("".join(element.find(f"{SVRL}text").itertext()).split())
        named = NAMED_IN_TEXT.match(text)
        if not rule_id or rule_id.startswith("FX-SCH-"):
            rule_id = named.group(1) if named else rule_id or UNNAMED_RULE
        template = next(element.iterancestors(f"{XSL}template"))
        found.append(Published(rule_id, text, template.get("match") or ""))
    return found


def packages() -> list[Path]:
    return [Path(str(importlib.resources.files(name))) for name in ("facturx", "pyfrctc")]


@cache
def installed() -> list[Published]:
    paths_ = [path for folder in packages() for path in stylesheets(folder) if NOT_INVOICES not in str(path)]
    return list(dict.fromkeys(each for path in paths_ for each in published_in(path)))


@cache
def schema_names() -> frozenset[str]:
    """Names of several words of the elements and attributes in all installed schemas."""
    names = set()
    for folder in packages():
        for path in folder.rglob("*.xsd"):
            for element in etree.parse(str(path)).iter(f"{XSD}element", f"{XSD}attribute"):
                names.add(element.get("name") or "")
    return frozenset(name for name in names if re.fullmatch(r"[A-Za-z]+[a-z]+[A-Z]\w*", name))


def finding(rule: str, message: str = "", location: str | None = None) -> Finding:
    return Finding(rule, Severity.FATAL, message, Layer.PROFILE, location)


def texts(explanation: Explanation) -> tuple[str, str, str, str]:
    return explanation.sentence_fr, explanation.fix_fr, explanation.sentence_en, explanation.fix_en


def assert_plain(explanation: Explanation, rule: str) -> None:
    """Complete, in the right language, and nothing of XML in it."""
    for text in texts(explanation):
        assert text.strip(), rule
        assert text[-1] in '.»"…', (rule, text)
        assert TECHNICAL.search(text) is None, (rule, text)
        assert not schema_names() & set(re.findall(r"\w+", text)), (rule, text)
        assert not set(_UNKNOWN) & set(re.findall(r"[\w ]+", text)), (rule, text)
        assert '""' not in text, (rule, text)
        assert "  " not in text, (rule, text)
    for text in (explanation.sentence_fr, explanation.fix_fr):
        assert ENGLISH.search(text) is None, (rule, text)
    for text in (explanation.sentence_en, explanation.fix_en):
        assert FRENCH.search(QUOTED_FRENCH.sub("", text)) is None, (rule, text)


def test_every_rule_of_the_installed_artefacts_has_its_own_explanation() -> None:
    assert len({each.rule for each in installed()}) > 2500
    assert [each.rule for each in installed() if is_fallback(each.finding())] == []


def test_every_rule_of_the_newer_published_sets_has_its_own_explanation() -> None:
    published = {each for path in stylesheets(shared("standards")) for each in published_in(path)}
    assert len({each.rule for each in published}) > 2000
    assert sorted({each.rule for each in published if is_fallback(each.finding())}) == []
    for each in published:
        assert_plain(explain(each.finding()), each.rule)


def test_explanations_are_complete_and_free_of_xml_in_both_languages() -> None:
    for each in installed():
        assert_plain(explain(each.finding()), each.rule)


def test_rules_about_one_term_name_it() -> None:
    """All but the structural rules, which may be about something that has no term, name a business term."""
    structural = re.compile(r"CII-.*|UBL-(?:CR|DT|FREXT).*|FX-SCH-.*|schematron\..*|PEPPOL.*")
    nameless = {each.rule for each in installed() if not explain(each.finding()).terms}
    assert {rule for rule in nameless if structural.fullmatch(rule) is None} == set()


@pytest.mark.parametrize("code", sorted({*pdf_reader.SENTENCES, *pdf_reader.WARNINGS}))
def test_what_the_pdf_reader_says_is_explained(code: str) -> None:
    assert not is_fallback(finding(code))
    assert_plain(explain(finding(code)), code)


def test_each_of_our_own_rules_is_explained() -> None:
    stated = set(re.findall(r"``(QT-[A-Z0-9-]+)``", house_rules.__doc__ or ""))
    assert len(stated) >= 8
    assert stated <= set(templates())


def test_a_rule_with_a_sentence_of_its_own_keeps_it() -> None:
    own = Finding("QT-RATE-PLACE", Severity.WARNING, "Ended.", Layer.HOUSE, message_fr="A pris fin.")
    assert (explain(own).sentence_fr, explain(own).sentence_en) == ("A pris fin.", "Ended.")
    assert explain(own).terms[0] == "BT-119"


@pytest.mark.parametrize("rule", FILE_RULES)
def test_the_rules_about_the_file_keep_their_own_sentence_and_fix(rule: str) -> None:
    made = file_finding(rule, Layer.CONTAINER, found="X", expected="Y", expected_fr="Z")
    explanation = explain(made)
    assert explanation.sentence_fr == made.message_fr
    assert explanation.sentence_en == made.message
    assert (explanation.fix_fr, explanation.fix_en) == (FILE_RULES[rule].fix_fr, FILE_RULES[rule].fix)
    assert not is_fallback(made)


@pytest.mark.parametrize(
    "code",
    ["engine.died", "engine.timeout", "engine.refused", "engine.nothing_checked", "standards.missing", "container.any"],
)
def test_what_did_not_run_is_explained_too(code: str) -> None:
    assert not is_fallback(finding(code))
    assert_plain(explain(finding(code)), code)


def test_no_two_texts_are_the_same_by_accident() -> None:
    for part in ("sentence_fr", "sentence_en"):
        written = [getattr(template, part) for template in templates().values()]
        counted = Counter(text for text in written if text != "{own}")
        assert [text for text, count in counted.items() if count > 1] == []
    fixes = Counter((template.fix_fr, template.fix_en) for template in templates().values())
    shared_fixes = [fix for fix, count in fixes.items() if count > 2]
    assert shared_fixes == []


def test_every_term_of_the_norm_has_a_name_in_both_languages() -> None:
    wanted = [f"BT-{n}" for n in range(1, 166) if n != 4] + [f"BG-{n}" for n in range(1, 33)]  # there is no BT-4
    for term in wanted:
        assert term_name(term, "fr"), term
        assert term_name(term, "en"), term
    assert term_name("BT-31", "fr") == "N° de TVA du vendeur"
    assert term_name("BT-31", "en") == "Seller VAT number"
    assert term_name("BT-9999", "fr") is None
    assert term_name("BT-31", "de") is None


def test_no_two_terms_have_the_same_name() -> None:
    twins = {"BT-X-8", "BT-X-304", "BT-X-11", "BT-X-12", "BT-X-12-0"}  # Factur-X numbers of French terms
    for language in (0, 1):
        counted = Counter(names[language] for term, names in term_names().items() if term not in twins)
        assert [name for name, count in counted.items() if count > 1 and name != "Incoterm"] == []


def test_the_data_refer_to_known_terms_and_have_every_text() -> None:
    for key, template in templates().items():
        assert set(template.terms) <= set(term_names()), key
        assert all((template.sentence_fr, template.sentence_en, template.fix_fr, template.fix_en)), key
    for syntax in ("cii", "ubl"):
        assert {term for terms in paths(syntax).values() for term in terms} <= set(term_names())
    assert all(french and english for french, english in element_names().values())


CII = "/CrossIndustryInvoice[1]/SupplyChainTradeTransaction[1]/"
PLACES = [
    (f"{CII}IncludedSupplyChainTradeLineItem[3]/SpecifiedTradeProduct[1]", "Ligne 3", "Line 3"),
    ("/CrossIndustryInvoice/SupplyChainTradeTransaction/IncludedSupplyChainTradeLineItem/x", "Ligne 1", "Line 1"),
    (f"{CII}ApplicableHeaderTradeAgreement[1]/SellerTradeParty[1]/PostalTradeAddress[1]", "Vendeur", "Seller"),
    (f"{CII}ApplicableHeaderTradeAgreement[1]/BuyerTradeParty[1]", "Acheteur", "Buyer"),
    (
        f"{CII}ApplicableHeaderTradeSettlement[1]/SpecifiedTradeSettlementHeaderMonetarySummation[1]/LineTotalAmount[1]",
        "Totaux",
        "Totals",
    ),
    (
        f"{CII}ApplicableHeaderTradeSettlement[1]/ApplicableTradeTax[2]",
        "TVA, ventilation n° 2",
        "VAT, entry 2 of the breakdown",
    ),
    ("/CrossIndustryInvoice[1]/ExchangedDocument[1]/ID[1]", "En-tête", "Header"),
    ("/CrossIndustryInvoice[1]/ExchangedDocument[1]/IncludedNote[2]/Content[1]", "Note n° 2", "Note 2"),
    ("/Invoice[1]", "Ensemble du fichier", "Whole file"),
    ("/Invoice[1]/InvoiceLine[12]/Price[1]/PriceAmount[1]", "Ligne 12", "Line 12"),
    ("/CreditNote[1]/CreditNoteLine[2]", "Ligne 2", "Line 2"),
    ("/Invoice[1]/AccountingCustomerParty[1]/Party[1]/EndpointID[1]", "Acheteur", "Buyer"),
    ("/Invoice[1]/LegalMonetaryTotal[1]/PayableAmount[1]", "Totaux", "Totals"),
    ("/Invoice[1]/TaxTotal[1]/TaxSubtotal[3]", "TVA, ventilation n° 3", "VAT, entry 3 of the breakdown"),
    ("/Invoice[1]/DueDate[1]", "En-tête", "Header"),
    (None, None, None),
]


@pytest.mark.parametrize(("location", "french", "english"), PLACES)
def test_a_location_reads_as_a_place_on_the_invoice(
    location: str | None, french: str | None, english: str | None
) -> None:
    assert place_of(finding("BR-01", location=location), "fr") == french
    assert place_of(finding("BR-01", location=location), "en") == english


def test_a_vat_rate_in_the_message_names_the_place() -> None:
    broken = finding(
        "BR-FXEXT-S-08",
        "Code : S, rate : 5.50, basis",
        f"{CII}ApplicableHeaderTradeSettlement[1]/ApplicableTradeTax[1]",
    )
    assert place_of(broken, "fr") == "TVA 5,5 %"
    assert place_of(broken, "en") == "VAT 5.5%"


def test_the_line_and_the_value_found_stand_in_the_sentence() -> None:
    broken = finding(
        "BR-FR-16_BT-152",
        'BR-FR-16/BT-152 : Le taux de TVA (BT-152) doit faire partie des valeurs autorisées. Taux fourni : "19".',
        f"{CII}IncludedSupplyChainTradeLineItem[4]/SpecifiedLineTradeSettlement[1]/ApplicableTradeTax[1]",
    )
    explanation = explain(broken)
    assert explanation.terms == ("BT-152",)
    assert explanation.sentence_fr == (
        "Ligne 4 de la facture : « Taux de TVA de la ligne » n'est pas un taux de TVA connu en France. "
        "Valeur trouvée : « 19 »."
    )
    assert explanation.sentence_en == (
        'Line 4 of the invoice: "VAT rate of the line" is not a VAT rate known in France. Value found: "19".'
    )


GRAMMAR = [
    (
        "Element 'IssueDate': '31/01/2026' is not a valid value of the atomic type 'xs:date'.",
        "/Invoice/IssueDate",
        "BT-2",
        "n'est pas une date lisible. Valeur trouvée : « 31/01/2026 »",
    ),
    (
        "Element 'PriceAmount': '1 000' is not a valid value of the atomic type 'xs:decimal'.",
        "/Invoice/InvoiceLine[2]/Price/PriceAmount",
        "BT-146",
        "Ligne 2 de la facture : « Prix unitaire net » n'est pas un nombre lisible.",
    ),
    (
        "Element 'PriceAmount': The attribute 'currencyID' is required but missing.",
        "/Invoice/InvoiceLine/Price/PriceAmount",
        "BT-146",
        "Ligne 1 de la facture : « devise du montant » (ligne de facture, prix, prix unitaire) n'est pas précisé.",
    ),
    (
        "Element 'SellerTradeParty': Missing child element(s). Expected is one of ( ID, GlobalID, Name ).",
        f"{CII}ApplicableHeaderTradeAgreement[1]/SellerTradeParty[1]",
        "BT-27",
        "« Vendeur » est incomplet : il manque « Raison sociale du vendeur ».",
    ),
    (
        "Element 'Nam': This element is not expected. Expected is one of ( ID, SpecifiedTaxRegistration ).",
        f"{CII}ApplicableHeaderTradeAgreement[1]/BuyerTradeParty[1]/Nam[1]",
        "BG-7",
        "« nam » n'est pas à sa place (acheteur), ou il est en trop.",
    ),
    (
        "Element 'Colour': This element is not expected.",
        "/Invoice/InvoiceLine[5]/Item/Colour",
        "BG-31",
        "Ligne 5 de la facture : « colour » n'est pas à sa place",
    ),
    (
        "Element 'ChargeIndicator': 'oui' is not a valid value of the atomic type 'xs:boolean'.",
        "/Invoice/AllowanceCharge[1]/ChargeIndicator",
        "BG-20",
        "doit être « true » ou « false »",
    ),
    (
        "Element 'TypeCode': [facet 'enumeration'] The value 'x' is not an element of the set {'380', '381'}.",
        "/CrossIndustryInvoice/ExchangedDocument/TypeCode",
        "BT-3",
        "n'a pas une valeur permise. Valeur trouvée : « x »",
    ),
    (
        "Element 'Invoice', attribute 'foo': The attribute 'foo' is not allowed.",
        "/Invoice",
        None,
        "« foo » est une précision qui n'est pas permise",
    ),
    ("Something that libxml2 never said", None, None, "ne suit pas la grammaire"),
]


@pytest.mark.parametrize(("message", "location", "term", "said"), GRAMMAR)
def test_a_grammar_error_names_the_field_in_human_words(
    message: str, location: str | None, term: str | None, said: str
) -> None:
    explanation = explain(finding("xsd", message, location))
    assert said in explanation.sentence_fr
    assert explanation.terms[:1] == ((term,) if term else ())
    assert TECHNICAL.search(explanation.sentence_fr) is None


def test_an_identifier_with_a_false_key_is_named_by_its_place() -> None:
    seller = finding(
        "QT-SIREN-KEY",
        "The check digit of the SIREN 552100555 is false: no directory can know it.",
        f"{CII}ApplicableHeaderTradeAgreement[1]/SellerTradeParty[1]/SpecifiedLegalOrganization[1]/ID[1]",
    )
    assert explain(seller).terms == ("BT-30",)
    assert "552100555" in explain(seller).sentence_en


def test_a_rule_that_nobody_knows_quotes_its_own_text() -> None:
    unknown = finding("XX-NEW-01", "Something new shall hold.")
    assert is_fallback(unknown)
    explanation = explain(unknown)
    assert "XX-NEW-01" in explanation.sentence_fr
    assert "« Something new shall hold. »" in explanation.sentence_fr
    assert '"Something new shall hold."' in explanation.sentence_en


RULES = sorted({*templates(), "xsd", UNNAMED_RULE, "BR-FR-99_BT-1", "FX-SCH-A-1", "CII-SR-999", "UBL-CR-1"})


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(st.sampled_from(RULES), st.text()),
    st.one_of(st.text(), st.sampled_from([case[0] for case in GRAMMAR])),
    st.one_of(st.none(), st.text(), st.sampled_from([place[0] for place in PLACES])),
)
def test_explaining_never_raises(rule: str, message: str, location: str | None) -> None:
    broken = finding(rule, message, location)
    explanation = explain(broken)
    assert all(texts(explanation))
    assert is_fallback(broken) or "Texte de la règle" not in explanation.sentence_fr  # the net below was not needed
    for language in ("fr", "en"):
        place = place_of(broken, language)
        assert place is None or place
