"""French terms: mentions worded from the seller's terms, and due dates held against the law."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import builders
import pytest
from invoice_kinds import GROUP, by

from config.law import LawUnknownError, term_ceiling_on, term_sectors, vat_rates
from einvoice.composing.build import build_document
from einvoice.composing.habits import check_habits
from einvoice.composing.vat_rules import FRENCH_RATES
from einvoice.document import Contact, Document, Identifier
from einvoice.errors import BuildError
from einvoice.kept import profile_from_json, profile_to_json
from einvoice.validation.payment_terms import longest_term, sector_of, term_finding, with_own_term
from einvoice.validation.verdict import Finding, Layer, Report, Severity

ISSUED = date(2026, 11, 5)


def notes(document: Document) -> dict[str | None, str]:
    return {note.subject: note.text for note in document.notes}


# Mentions


def test_penalties_and_discount_are_worded_from_the_terms_of_the_profile() -> None:
    told = notes(by({"penalty_rate": Decimal("12.50"), "discount_percent": Decimal("1.5"), "discount_days": 8}))
    assert "taux annuel de 12,5 %" in told["PMD"]
    assert told["AAB"] == "Escompte de 1,5 % pour paiement anticipé sous 8 jours à compter de la date de facture."


def test_an_invoice_may_have_terms_of_its_own() -> None:
    document = by(
        {"penalty_rate": Decimal(12), "discount_percent": Decimal(1), "discount_days": 8},
        terms={"penalty_rate": "15", "discount_percent": "2", "discount_days": 0},
    )
    assert "15 %" in notes(document)["PMD"]
    assert notes(document)["AAB"] == "Escompte de 2 % pour paiement anticipé comptant."


def test_without_terms_the_texts_of_the_profile_stand() -> None:
    told = notes(by({"penalty_text": "Taux convenu au contrat.", "discount_text": "Pas d'escompte."}))
    assert (told["PMD"], told["AAB"]) == ("Taux convenu au contrat.", "Pas d'escompte.")


def test_a_public_body_owes_the_statutory_rate_of_public_contracts() -> None:
    public = builders.buyer(siret="55210055400013", public=True)
    assert "8 points" in notes(by({}, buyer=public))["PMD"]
    assert "10 points" in notes(by({}))["PMD"]


def test_a_factored_invoice_names_whom_to_pay() -> None:
    document = builders.document(
        type_code="393",
        payee={"name": "Factor SA", "siren": "552100554"},
        payment={"iban": "DE89 3704 0044 0532 0130 00"},
    )
    assert "Factor SA" in notes(document)["ACC"]
    assert "subrogation" in notes(document)["ACC"]
    assert document.payment is not None
    assert document.payment.accounts[0].holder == "Factor SA"


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({}, "invoice.factor_missing", "payee"),
        ({"payee": {"name": "Factor SA"}}, "invoice.factor_account_missing", "payment.iban"),
        (
            {"payee": {"name": "Factor SA"}, "payment": {"iban": "FR76 3000 6000 0112 3456 7890 189"}},
            "invoice.factor_account_missing",
            "payment.iban",
        ),
        (
            {"payee": {"name": "Factor SA"}, "payment": {"means_code": "30"}},
            "invoice.factor_account_missing",
            "payment.iban",
        ),
    ],
)
def test_a_factored_invoice_without_factor_or_his_account_is_refused(
    changes: dict[str, Any], code: str, place: str
) -> None:
    with pytest.raises(BuildError) as caught:
        builders.document(type_code="393", **changes)
    assert (caught.value.code, caught.value.place) == (code, place)


# Deposits


def test_deposits_are_deducted_named_and_told() -> None:
    document = builders.document(
        deposits=[
            {"number": "D2026-00001", "issue_date": "2026-09-01", "amount": "36.00"},
            {"number": "D2026-00002", "issue_date": "2026-09-15", "amount": "24.00"},
        ],
        prepaid_amount="10",
    )
    assert (document.totals.prepaid, document.totals.payable) == (Decimal("70.00"), Decimal("50.00"))
    assert [(each.number, each.issued_on) for each in document.preceding] == [
        ("D2026-00001", date(2026, 9, 1)),
        ("D2026-00002", date(2026, 9, 15)),
    ]
    assert any("D2026-00001 du 01/09/2026, 36,00 EUR TTC" in note.text for note in document.notes)


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({"deposits": [("D1", "120.01")]}, "invoice.deposits_exceed_total", "deposits"),
        ({"deposits": [("D1", "100")], "prepaid_amount": "21"}, "invoice.deposits_exceed_total", "deposits"),
        ({"deposits": [("D1", "1"), ("D1", "1")]}, "invoice.deposit_twice", "deposits[1].number"),
        ({"deposits": [("D 1", "1")]}, "invoice.bad_number", "deposits[0].number"),
        ({"deposits": [("D1", "1")], "type_code": "386"}, "invoice.deposits_misplaced", "deposits"),
        (
            {
                "deposits": [("D1", "1")],
                "type_code": "384",
                "preceding_invoices": [{"number": "F1", "issue_date": "2026-09-01"}],
            },
            "invoice.deposits_on_correction",
            "deposits",
        ),
    ],
)
def test_deposits_that_cannot_be_deducted_are_refused(changes: dict[str, Any], code: str, place: str) -> None:
    deposits = [
        {"number": number, "issue_date": "2026-09-01", "amount": amount} for number, amount in changes["deposits"]
    ]
    with pytest.raises(BuildError) as caught:
        builders.document(**{**changes, "deposits": deposits})
    assert (caught.value.code, caught.value.place) == (code, place)
    assert caught.value.sentence != caught.value.sentence_fr


# Public buyers


def test_a_public_body_is_found_by_siret_service_and_commitment() -> None:
    public = builders.buyer(siret="55210055400013", service_code="COMPTA-1", engagement="EJ42")
    document = builders.document(buyer=public)
    assert (document.buyer_reference, document.purchase_order) == ("COMPTA-1", "EJ42")
    assert document.buyer.endpoint == Identifier("552100554_55210055400013_COMPTA-1", "0225")
    assert Identifier("55210055400013", "0009") in document.buyer.identifiers


@pytest.mark.parametrize(
    ("buyer", "changes", "code"),
    [
        ({"public": True}, {}, "buyer.siret_missing"),
        ({"service_code": "A"}, {}, "buyer.siret_missing"),
        ({"siret": "55210055400013", "service_code": "A B"}, {}, "buyer.bad_service_code"),
        ({"siret": "55210055400013", "engagement": "E" * 51}, {}, "buyer.bad_engagement"),
        ({"siret": "55210055400013", "service_code": "A"}, {"buyer_reference": "B"}, "buyer.reference_twice"),
        ({"siret": "55210055400013", "engagement": "A"}, {"purchase_order": "B"}, "buyer.reference_twice"),
        ({"public": True, "consumer": True}, {}, "buyer.public_consumer"),
    ],
)
def test_what_chorus_pro_would_refuse_is_refused_here(
    buyer: dict[str, Any], changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(BuildError) as caught:
        builders.document(buyer=builders.buyer(**buyer), **changes)
    assert caught.value.code == code
    assert caught.value.place in caught.value.sentence
    assert caught.value.place in caught.value.sentence_fr


# The law of payment terms


@pytest.mark.parametrize(
    ("sector", "issued", "delivered", "last"),
    [
        ("general", date(2026, 11, 5), None, date(2027, 1, 14)),  # 30 Nov + 45; 60 days is 4 Jan
        ("general", date(2026, 1, 31), None, date(2026, 4, 1)),  # 60 days; end of month gives 17 or 31 March
        ("general", date(2026, 12, 20), None, date(2027, 2, 28)),  # 45 days, then the end of February
        ("periodic", date(2026, 11, 5), None, date(2026, 12, 20)),
        ("perishable_food", date(2026, 11, 5), date(2026, 11, 3), date(2026, 12, 10)),
        ("perishable_food", date(2026, 11, 5), date(2026, 2, 25), date(2026, 3, 30)),
        ("livestock", date(2026, 11, 5), date(2026, 11, 3), date(2026, 11, 23)),
        ("alcohol", date(2026, 11, 5), date(2026, 11, 3), date(2026, 12, 30)),
        ("transport", date(2026, 11, 5), date(2026, 10, 1), date(2026, 12, 5)),
        ("public", date(2026, 11, 5), None, date(2026, 12, 5)),
        ("public_health", date(2026, 11, 5), None, date(2026, 12, 25)),
        ("public_company", date(2026, 11, 5), None, date(2027, 1, 4)),
    ],
)
def test_the_last_lawful_day_of_every_trade(sector: str, issued: date, delivered: date | None, last: date) -> None:
    assert longest_term(sector, issued, delivered).last_day == last
    assert term_finding(sector, issued, last, delivered) is None
    late = term_finding(sector, issued, last.replace(year=last.year + 1), delivered)
    assert late is not None
    assert late.severity is Severity.WARNING
    assert late.message_fr
    assert term_ceiling_on(sector, issued).article in late.message
    assert f"{last:%d/%m/%Y}" in late.message_fr


def test_before_the_first_known_law_nothing_is_said() -> None:
    with pytest.raises(LawUnknownError):
        longest_term("general", date(2001, 1, 1))
    assert term_finding("general", date(2001, 1, 1), date(2005, 1, 1)) is None


def test_the_end_of_the_calendar_is_no_crash() -> None:
    """Found by fuzzing: sixty days after it there is no day."""
    assert term_finding("general", date(9999, 12, 1), date(9999, 12, 31)) is None
    with pytest.raises(LawUnknownError):
        longest_term("unknown", ISSUED)


def test_every_dated_rate_is_a_rate_of_the_french_list() -> None:
    assert {law.rate for law in vat_rates()} <= FRENCH_RATES
    assert all(law.until is None or law.until > law.since for law in vat_rates())
    assert {"general", "periodic", "public"} < term_sectors()


@pytest.mark.parametrize(
    ("changes", "profile", "sector"),
    [
        ({}, {}, "general"),
        ({}, {"sector": "transport"}, "transport"),
        ({"periodic": True}, {}, "periodic"),
        ({"sector": "livestock"}, {"sector": "transport"}, "livestock"),
        ({"buyer": builders.buyer(siret="55210055400013", public=True)}, {"sector": "transport"}, "public"),
    ],
)
def test_the_trade_is_stated_or_follows_from_buyer_and_seller(
    changes: dict[str, Any], profile: dict[str, Any], sector: str
) -> None:
    assert sector_of(builders.request(**changes), builders.seller(**profile)) == sector


def test_the_law_of_the_trade_replaces_the_general_one_in_the_report() -> None:
    general = Finding("QT-TERMS", Severity.WARNING, "general", Layer.HOUSE)
    other = Finding("QT-SOCLE", Severity.WARNING, "other", Layer.HOUSE)
    report = Report((), (general, other))
    profile = builders.seller()
    request = builders.request(sector="transport", due_date="2026-12-20", issue_date="2026-11-02")
    document = build_document(request, profile, "F1", builders.TODAY)
    found = with_own_term(report, request, profile, document)
    assert [each.rule for each in found.findings] == ["QT-SOCLE", "QT-TERMS"]
    assert "L441-11" in found.findings[-1].message
    in_time = replace(document, due_on=date(2026, 12, 2))
    assert with_own_term(report, request, profile, in_time).findings == (other,)
    plain = builders.request()
    assert with_own_term(report, plain, profile, document) is report


# The profile


@pytest.mark.parametrize(
    ("habits", "code"),
    [
        ({"penalty_rate": Decimal(0)}, "profile.bad_penalty_rate"),
        ({"discount_percent": Decimal(2)}, "profile.bad_discount"),
        ({"discount_days": 8}, "profile.bad_discount"),
        ({"discount_percent": Decimal(2), "discount_days": 400}, "profile.bad_discount"),
        ({"sector": "fish"}, "profile.bad_sector"),
        ({"vat_exemption": "VATEX-EU-AE"}, "profile.bad_exemption"),
        ({"vat_exemption": "FRANCHISE"}, "profile.bad_exemption"),
        ({"contact": Contact(email="compta")}, "profile.bad_email"),
        ({"vat_group": replace(GROUP, vat_id="FR00732829320")}, "party.bad_vat_id"),
    ],
)
def test_a_profile_that_would_fail_on_every_invoice_is_refused_at_once(habits: dict[str, Any], code: str) -> None:
    with pytest.raises(BuildError) as caught:
        check_habits(builders.seller(**habits))
    assert caught.value.code == code
    assert caught.value.sentence != caught.value.sentence_fr


def test_an_ordinary_profile_passes_and_is_kept_exactly() -> None:
    profile = builders.seller(
        penalty_rate=Decimal("12.5"),
        discount_percent=Decimal(2),
        discount_days=8,
        sector="transport",
        vat_exemption="VATEX-FR-FRANCHISE",
        vat_group=GROUP,
    )
    check_habits(profile)
    assert profile_from_json(json.loads(json.dumps(profile_to_json(profile)))) == profile
