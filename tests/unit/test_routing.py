"""Which road an invoice takes, case by case, and that every case has exactly one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from builders import buyer, document
from hypothesis import given
from hypothesis import strategies as st

from config.law import LawUnknownError, duty_of, duty_on
from einvoice.document import Address, Identifier, Note
from einvoice.errors import EInvoiceError
from einvoice.routing import (
    BuyerKind,
    DutyState,
    Listing,
    NoVat,
    Place,
    Road,
    RoutingFacts,
    decide_routing,
    kind_of,
    place_of,
    siren_of,
)
from einvoice.routing_words import DUTY_WORDS, REASON_WORDS, Reason
from receivables.domain.invoicing.invoices import Routing

FACTS = RoutingFacts(issued_on=date(2026, 11, 22), seller_siren="732829320", buyer_siren="552100554", size="large")

CASES: list[tuple[str, dict[str, Any], Reason, Routing, Road]] = [
    ("two French businesses", {}, Reason.DOMESTIC, Routing.B2B, Road.PLATFORM),
    ("the directory lists it", {"listing": Listing.PRIVATE}, Reason.DOMESTIC, Routing.B2B, Road.PLATFORM),
    ("a public body, as stated", {"stated_public": True}, Reason.PUBLIC_STATED, Routing.B2G, Road.PUBLIC),
    ("a public body, by the directory", {"listing": Listing.PUBLIC}, Reason.PUBLIC_LISTED, Routing.B2G, Road.PUBLIC),
    (
        "exempt care for a public hospital still goes to Chorus Pro",
        {"stated_public": True, "no_vat": NoVat.EXEMPT},
        Reason.PUBLIC_STATED,
        Routing.B2G,
        Road.PUBLIC,
    ),
    (
        "a town hall of Guyane",
        {"listing": Listing.PUBLIC, "buyer": Place.OVERSEAS},
        Reason.PUBLIC_LISTED,
        Routing.B2G,
        Road.PUBLIC,
    ),
    (
        "a consumer is none of the public bodies",
        {"listing": Listing.PUBLIC, "kind": BuyerKind.CONSUMER},
        Reason.CONSUMER,
        Routing.B2C,
        Road.REPORT,
    ),
    ("a consumer", {"kind": BuyerKind.CONSUMER}, Reason.CONSUMER, Routing.B2C, Road.REPORT),
    (
        "a consumer abroad",
        {"kind": BuyerKind.CONSUMER, "buyer": Place.ABROAD},
        Reason.CONSUMER,
        Routing.B2C,
        Road.REPORT,
    ),
    ("nobody knows who", {"kind": BuyerKind.UNIDENTIFIED}, Reason.UNIDENTIFIED, Routing.B2C, Road.REPORT),
    ("a business without SIREN", {"buyer_siren": None}, Reason.WITHOUT_SIREN, Routing.B2C, Road.REPORT),
    ("not in the directory yet", {"listing": Listing.UNLISTED}, Reason.UNLISTED, Routing.B2C, Road.REPORT),
    ("a buyer abroad", {"buyer": Place.ABROAD}, Reason.BUYER_ABROAD, Routing.B2B_INTERNATIONAL, Road.REPORT),
    (
        "a buyer in Guyane",
        {"buyer": Place.OVERSEAS},
        Reason.BUYER_OVERSEAS,
        Routing.B2B_INTERNATIONAL,
        Road.REPORT,
    ),
    (
        "a service taxed abroad (category O) is reported",
        {"buyer": Place.ABROAD, "no_vat": NoVat.OUTSIDE},
        Reason.BUYER_ABROAD,
        Routing.B2B_INTERNATIONAL,
        Road.REPORT,
    ),
    (
        "declared international",
        {"declared": "B2BINT"},
        Reason.DECLARED_INTERNATIONAL,
        Routing.B2B_INTERNATIONAL,
        Road.REPORT,
    ),
    ("exempt by CGI 261", {"no_vat": NoVat.EXEMPT}, Reason.EXEMPT, Routing.OUT_OF_SCOPE, Road.NONE),
    (
        "exempt by CGI 261 for a consumer",
        {"no_vat": NoVat.EXEMPT, "kind": BuyerKind.CONSUMER},
        Reason.EXEMPT,
        Routing.OUT_OF_SCOPE,
        Road.NONE,
    ),
    ("outside VAT at home", {"no_vat": NoVat.OUTSIDE}, Reason.OUTSIDE_VAT, Routing.OUT_OF_SCOPE, Road.NONE),
    ("declared outside", {"declared": "OUTOFSCOPE"}, Reason.DECLARED_OUTSIDE, Routing.OUT_OF_SCOPE, Road.NONE),
    ("archived only", {"declared": "ARCHIVEONLY"}, Reason.DECLARED_OUTSIDE, Routing.OUT_OF_SCOPE, Road.NONE),
    ("a seller in Mayotte", {"seller": Place.OVERSEAS}, Reason.SELLER_OVERSEAS, Routing.OUT_OF_SCOPE, Road.NONE),
    (
        "a seller abroad",
        {"seller": Place.ABROAD, "seller_siren": None},
        Reason.SELLER_ABROAD,
        Routing.OUT_OF_SCOPE,
        Road.NONE,
    ),
    (
        "a seller abroad, registered here, to a business here",
        {"seller": Place.ABROAD},
        Reason.BUYER_REPORTS,
        Routing.OUT_OF_SCOPE,
        Road.NONE,
    ),
    (
        "a seller abroad, registered here, to a consumer",
        {"seller": Place.ABROAD, "kind": BuyerKind.CONSUMER},
        Reason.CONSUMER,
        Routing.B2C,
        Road.REPORT,
    ),
    ("drawn up by the buyer", {"self_billed": True}, Reason.SELF_BILLED, Routing.B2B, Road.PLATFORM),
]


@pytest.mark.parametrize(
    ("changes", "reason", "routing", "road"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_each_case_has_its_road(changes: dict[str, Any], reason: Reason, routing: Routing, road: Road) -> None:
    decision = decide_routing(replace(FACTS, **changes))
    assert (decision.reason, decision.routing, decision.road) == (reason, routing, road)


def test_every_reason_is_met_by_some_case() -> None:
    assert {case[2] for case in CASES} == set(Reason) == REASON_WORDS.keys()


@pytest.mark.parametrize(
    ("day", "size", "vat_group", "duty"),
    [
        (date(2026, 8, 31), "large", False, DutyState.EARLY),
        (date(2026, 9, 1), "large", False, DutyState.COMPULSORY),
        (date(2026, 9, 1), "mid", False, DutyState.COMPULSORY),
        (date(2026, 9, 1), "sme", False, DutyState.EARLY),
        (date(2026, 9, 1), "micro", True, DutyState.COMPULSORY),
        (date(2027, 8, 31), "micro", False, DutyState.EARLY),
        (date(2027, 9, 1), "micro", False, DutyState.COMPULSORY),
        (date(2027, 9, 1), "sme", False, DutyState.COMPULSORY),
    ],
)
def test_size_and_day_say_whether_it_is_compulsory(
    day: date,
    size: str,
    vat_group: bool,  # noqa: FBT001 -- a column of the table above
    duty: DutyState,
) -> None:
    for changes in ({}, {"kind": BuyerKind.CONSUMER}):
        facts = replace(FACTS, issued_on=day, size=size, vat_group=vat_group, **changes)  # type: ignore[arg-type]
        assert decide_routing(facts).duty is duty


def test_a_public_buyer_is_served_electronically_by_everybody() -> None:
    facts = replace(FACTS, issued_on=date(2026, 1, 1), size="micro", stated_public=True)
    assert decide_routing(facts).duty is DutyState.COMPULSORY


def test_everybody_receives_from_the_first_day() -> None:
    assert all(duty_of("receive", size).since == date(2026, 9, 1) for size in ("micro", "sme", "mid", "large"))


def test_past_the_known_calendar_nothing_is_guessed() -> None:
    with pytest.raises(LawUnknownError, match=r"calendar\.toml"):
        duty_on("issue", "large", date(2031, 1, 1))
    with pytest.raises(LawUnknownError):
        duty_of("issue", "giant")
    with pytest.raises(EInvoiceError) as refused:
        decide_routing(replace(FACTS, issued_on=date(2031, 1, 1)))
    assert refused.value.code == "law.unknown"
    assert "calendar.toml" in refused.value.sentence_fr


def test_the_sentence_names_the_article_and_the_day() -> None:
    decision = decide_routing(replace(FACTS, size="sme"))
    assert decision.sentence("fr").endswith(
        "la facture part par la plateforme agréée (CGI art. 289 bis). C'est en avance : votre entreprise y sera tenue "
        "à partir du 01/09/2027."
    )
    assert decision.sentence("en").endswith("(CGI art. 289 bis). This is early: your company must from 01/09/2027 on.")


@given(
    st.builds(
        RoutingFacts,
        issued_on=st.dates(date(2015, 1, 1), date(2030, 12, 31)),
        seller=st.sampled_from(Place),
        seller_siren=st.sampled_from([None, "732829320"]),
        buyer=st.sampled_from(Place),
        buyer_siren=st.sampled_from([None, "552100554"]),
        kind=st.sampled_from(BuyerKind),
        stated_public=st.booleans(),
        declared=st.sampled_from([None, "B2B", "B2BINT", "B2C", "B2CINT", "OUTOFSCOPE", "ARCHIVEONLY", "?"]),
        no_vat=st.sampled_from([None, *NoVat]),
        self_billed=st.booleans(),
        listing=st.sampled_from(Listing),
        asked_on=st.none(),
        size=st.sampled_from(["micro", "sme", "mid", "large"]),
        vat_group=st.booleans(),
    )
)
def test_every_combination_has_one_road_and_a_sentence_in_both_languages(facts: RoutingFacts) -> None:
    decision = decide_routing(facts)
    assert decision == decide_routing(facts)
    assert (decision.road, decision.duty) in DUTY_WORDS
    assert (
        (decision.road is Road.NONE) == (decision.routing is Routing.OUT_OF_SCOPE) == (decision.duty is DutyState.NONE)
    )
    assert (decision.road is Road.PUBLIC) == (decision.routing is Routing.B2G)
    assert (decision.road is Road.PLATFORM) == (decision.routing is Routing.B2B)
    for language in ("fr", "en"):
        sentence = decision.sentence(language)
        assert sentence.rstrip().endswith((".", ")"))
        assert "{" not in sentence
    assert decision.sentence("fr") != decision.sentence("en")


def test_only_a_domestic_business_with_a_siren_goes_through_the_platform() -> None:
    for kind in BuyerKind:
        for place in Place:
            for siren in (None, "552100554"):
                facts = replace(FACTS, kind=kind, buyer=place, buyer_siren=siren)
                by_platform = kind is BuyerKind.BUSINESS and place is Place.DOMESTIC and siren is not None
                assert (decide_routing(facts).road is Road.PLATFORM) is by_platform


# --- the facts of a document -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "postcode", "place"),
    [
        ("FR", "13002", Place.DOMESTIC),
        ("FR", "20000", Place.DOMESTIC),
        ("FR", "97200", Place.DOMESTIC),
        ("RE", "97400", Place.DOMESTIC),
        ("FR", "97300", Place.OVERSEAS),
        ("GF", "97300", Place.OVERSEAS),
        ("YT", "", Place.OVERSEAS),
        ("NC", "98800", Place.OVERSEAS),
        ("MC", "98000", Place.ABROAD),
        ("DE", "10115", Place.ABROAD),
    ],
)
def test_the_post_code_says_where_french_vat_applies(country: str, postcode: str, place: Place) -> None:
    assert place_of(Address(country, postcode=postcode)) is place


def test_the_siren_is_read_from_siret_and_vat_number_too() -> None:
    made = document()
    bare = replace(made.buyer, legal_id=None, vat_id=None)
    assert siren_of(made) == "552100554"
    assert siren_of(replace(made, buyer=bare)) is None
    assert siren_of(replace(made, buyer=replace(bare, vat_id="FR96 552100554"))) == "552100554"
    assert siren_of(replace(made, buyer=replace(bare, vat_id="BE0403170701"))) is None
    with_siret = replace(bare, identifiers=(Identifier("55210055400013", "0009"),))
    assert siren_of(replace(made, buyer=with_siret)) == "552100554"


def test_the_note_bar_says_who_buys_before_the_numbers_do() -> None:
    made = document()
    bare = replace(made.buyer, legal_id=None, vat_id=None)
    silent = replace(made, notes=tuple(note for note in made.notes if note.subject != "BAR"))
    assert kind_of(silent) is BuyerKind.BUSINESS
    assert kind_of(replace(silent, buyer=bare)) is BuyerKind.UNIDENTIFIED
    assert kind_of(replace(made, notes=(Note("B2C", "BAR"),))) is BuyerKind.CONSUMER
    assert kind_of(document(buyer=buyer(name="Anne Roy", siren=None, vat_id=None, consumer=True))) is BuyerKind.CONSUMER
