"""From request to document: every cent of the arithmetic, the French mentions, and clear refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import builders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from einvoice.composing.build import build_document, is_french_b2b, with_number, with_payment_link
from einvoice.composing.totals import cents
from einvoice.document import CreditAccount, Document, Identifier, Note, TaxPoint
from einvoice.errors import BuildError
from einvoice.formats.cii import write_cii
from einvoice.formats.payment_reference import remittance_of
from einvoice.formats.ubl import write_ubl
from einvoice.validation.verdict import Verdict

if TYPE_CHECKING:
    from einvoice.validation.check import Validator

URL = "https://pay.example/p/Zm9v"
EXEMPT = [{"vat_category": "E", "reason": "Franchise en base", "code": "VATEX-FR-FRANCHISE"}]
GERMAN = {"name": "Acme GmbH", "vat_id": "DE136695976", "address": {"city": "Berlin", "country": "DE"}}


def refused(code: str, *lines: dict[str, Any], **changes: Any) -> BuildError:
    with pytest.raises(BuildError) as caught:
        builders.document(*lines, **changes)
    assert caught.value.code == code
    assert caught.value.sentence != caught.value.sentence_fr
    return caught.value


def notes(document: Document) -> dict[str | None, str]:
    return {note.subject: note.text for note in document.notes}


# Totals


def test_a_plain_invoice_adds_up() -> None:
    document = builders.document()
    totals, (row,) = document.totals, document.vat
    assert (totals.lines, totals.without_vat, totals.vat) == (Decimal("100.00"), Decimal("100.00"), Decimal("20.00"))
    assert (totals.with_vat, totals.payable) == (Decimal("120.00"), Decimal("120.00"))
    assert (totals.allowances, totals.charges, totals.prepaid, totals.rounding) == (None, None, None, None)
    assert (row.category, row.rate, row.taxable, row.tax) == ("S", Decimal(20), Decimal("100.00"), Decimal("20.00"))


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.005", "0.01"), ("0.0049", "0.00"), ("2.675", "2.68"), ("-0.005", "-0.01"), ("1.115", "1.12"), ("1", "1.00")],
)
def test_a_half_cent_rounds_away_from_zero(amount: str, rounded: str) -> None:
    assert cents(Decimal(amount)) == Decimal(rounded)


def test_vat_is_rounded_once_per_rate_not_per_line() -> None:
    lines = [builders.line(quantity=1, net_price="0.33") for _ in range(3)]
    document = builders.document(*lines)
    assert document.totals.vat == Decimal("0.20")  # 0.99 x 20 % = 0.198; per line it would be 3 x 0.07 = 0.21


def test_rates_written_differently_share_one_vat_row() -> None:
    document = builders.document(builders.line(vat_rate="20"), builders.line(vat_rate="20.00"))
    assert len(document.vat) == 1


def test_allowances_and_charges_of_lines_and_document_enter_the_totals() -> None:
    line = builders.line(
        net_price=None,
        gross_price="60",
        price_discount="10",
        allowances=[{"percent": "5", "reason": "Fidélité"}],
        charges=[{"amount": "1.50", "reason": "Emballage"}],
    )
    document = builders.document(
        line,
        builders.line(vat_rate="5.5", net_price="10"),
        allowances=[{"percent": "10", "reason": "Remise", "vat_rate": "20"}],
        charges=[{"amount": "12.34", "reason": "Port", "vat_rate": "5.5"}],
    )
    assert document.lines[0].net_amount == Decimal("96.50")  # 2 x 50 - 5 % + 1.50
    totals = document.totals
    assert (totals.lines, totals.allowances, totals.charges) == (Decimal("116.50"), Decimal("9.65"), Decimal("12.34"))
    assert totals.without_vat == Decimal("119.19")
    assert [(row.taxable, row.tax) for row in document.vat] == [
        (Decimal("86.85"), Decimal("17.37")),
        (Decimal("32.34"), Decimal("1.78")),
    ]
    assert totals.with_vat == totals.payable == Decimal("138.34")


def test_a_price_for_a_base_quantity_is_divided() -> None:
    document = builders.document(builders.line(quantity=250, net_price="19.99", price_base_quantity=100))
    assert document.lines[0].net_amount == Decimal("49.98")  # 2.5 x 19.99 = 49.975
    assert document.lines[0].price_base_unit == "C62"


def test_prepaid_and_rounding_change_only_the_amount_due() -> None:
    totals = builders.document(prepaid_amount="50", rounding_amount="0.01").totals
    assert (totals.with_vat, totals.payable) == (Decimal("120.00"), Decimal("70.01"))


_lines = st.lists(
    st.tuples(
        st.decimals(Decimal(-9999), Decimal(999999), places=4),
        st.decimals(Decimal(0), Decimal(99999), places=6),
        st.sampled_from(["20", "10", "5.5", "2.1"]),
        st.none() | st.integers(1, 1000),
        st.none() | st.decimals(Decimal(0), Decimal(99), places=2),
    ),
    min_size=1,
    max_size=8,
)


def _half_up(exact: Fraction) -> Decimal:
    """An independent rounding: whole cents by integer division, ties away from zero."""
    count, rest = divmod(abs(exact) * 100, 1)
    return Decimal((1 if exact >= 0 else -1) * (int(count) + (1 if rest >= Fraction(1, 2) else 0))) / 100


@settings(max_examples=150, deadline=None)
@given(_lines)
def test_totals_agree_with_exact_fractions(generated: list[tuple[Any, ...]]) -> None:
    lines = [
        builders.line(
            quantity=quantity,
            net_price=price,
            vat_rate=rate,
            price_base_quantity=base,
            allowances=[{"percent": percent, "reason": "Remise"}] if percent is not None else [],
        )
        for quantity, price, rate, base, percent in generated
    ]
    document = builders.document(*lines)
    nets, taxable = [], {}
    for quantity, price, rate, base, percent in generated:
        amount = _half_up(Fraction(quantity) * Fraction(price) / (base or 1))
        net = amount - (_half_up(Fraction(amount) * Fraction(percent) / 100) if percent is not None else 0)
        nets.append(net)
        taxable[rate] = taxable.get(rate, Decimal(0)) + net
    assert [line.net_amount for line in document.lines] == nets
    taxes = {Decimal(rate): _half_up(Fraction(amount) * Fraction(rate) / 100) for rate, amount in taxable.items()}
    assert {row.rate: row.tax for row in document.vat} == taxes
    totals = document.totals
    assert totals.without_vat == sum(nets) == sum(row.taxable for row in document.vat)
    assert totals.with_vat == sum(nets) + sum(taxes.values()) == totals.payable


def test_the_decimal_rounding_and_the_fraction_rounding_are_independent_and_agree() -> None:
    for thousandths in range(-3000, 3000):
        amount = Decimal(thousandths) / 1000
        assert _half_up(Fraction(amount)) == amount.quantize(Decimal("0.01"), ROUND_HALF_UP) == cents(amount)


# Given totals


@pytest.mark.parametrize(
    ("field", "right", "term"),
    [
        ("lines", "100.00", "BT-106"),
        ("allowances", "0", "BT-107"),
        ("charges", "0", "BT-108"),
        ("without_vat", "100.00", "BT-109"),
        ("vat", "20.00", "BT-110"),
        ("with_vat", "120.00", "BT-112"),
        ("payable", "120.00", "BT-115"),
    ],
)
def test_a_given_total_is_checked_to_the_cent(field: str, right: str, term: str) -> None:
    assert builders.document(totals={field: right}).totals.payable == Decimal("120.00")
    error = refused("invoice.wrong_total", totals={field: str(Decimal(right) + Decimal("0.01"))})
    assert (error.term, error.place) == (term, f"totals.{field}")
    assert term in error.sentence
    assert term in error.sentence_fr


def test_a_wrong_line_amount_is_refused_with_the_line() -> None:
    error = refused("invoice.wrong_total", builders.line(), builders.line(net_amount="99.99"))
    assert (error.term, error.place) == ("BT-131", "lines[1].net_amount")
    assert "99.99" in error.sentence
    assert "100.00" in error.sentence


def test_a_percentage_that_disagrees_with_its_amount_is_refused() -> None:
    allowance = {"percent": "10", "amount": "9.99", "reason": "Remise"}
    error = refused("invoice.wrong_total", builders.line(allowances=[allowance]))
    assert (error.term, error.place) == ("BT-136", "lines[0].allowances[0].amount")


# VAT


def test_reverse_charge_has_its_reason_and_no_vat() -> None:
    (row,) = builders.document(builders.line(vat_category="AE", vat_rate=None)).vat
    assert (row.tax, row.rate, row.exemption_reason, row.exemption_code) == (
        Decimal("0.00"),
        Decimal(0),
        "Autoliquidation",
        "VATEX-EU-AE",
    )


def test_outside_the_scope_of_vat_there_is_no_rate() -> None:
    document = builders.document(builders.line(vat_category="O", vat_rate=None))
    assert document.lines[0].vat_rate is None
    assert document.vat[0].rate is None


def test_an_exempt_line_needs_its_article() -> None:
    exempt = builders.line(vat_category="E", vat_rate=None)
    assert refused("invoice.exemption_missing", exempt).term == "BT-121"
    assert builders.document(exempt, vat_exemptions=EXEMPT).vat[0].exemption_code == "VATEX-FR-FRANCHISE"


def test_a_foreign_currency_needs_its_vat_in_euros() -> None:
    assert refused("invoice.accounting_vat_missing", currency="USD").term == "BT-111"
    document = builders.document(currency="USD", totals={"vat_accounting": "18.52"})
    assert (document.accounting_currency, document.totals.vat_accounting) == ("EUR", Decimal("18.52"))


@pytest.mark.parametrize(
    ("profile", "request_changes", "expected"),
    [
        ({}, {}, None),
        ({"vat_on_debits": True}, {}, TaxPoint.INVOICE),
        ({"vat_on_debits": True, "nature": "goods"}, {}, None),
        ({"vat_on_debits": True}, {"tax_point_date": "2026-11-05"}, None),
        ({}, {"tax_point": "payment"}, TaxPoint.PAYMENT),
    ],
)
def test_the_tax_point_follows_the_option_for_debits(
    profile: dict[str, Any], request_changes: dict[str, Any], expected: TaxPoint | None
) -> None:
    made = build_document(builders.request(**request_changes), builders.seller(**profile), "F2026-0001", builders.TODAY)
    assert made.tax_point == expected


# Category of operation


@pytest.mark.parametrize(
    ("natures", "changes", "process"),
    [
        ([None], {}, "S1"),
        (["goods"], {}, "B1"),
        (["goods", "services"], {}, "M1"),
        (["goods", None], {}, "M1"),
        (["goods", "services"], {"operation": "goods"}, "B1"),
        ([None], {"operation": "both"}, "M1"),
        ([None], {"process": "S7"}, "S7"),
        ([None], {"prepaid_amount": "120"}, "S2"),
        ([None], {"prepaid_amount": "60"}, "S1"),
        ([None], {"prepaid_amount": "60", "preceding_invoices": [{"number": "D1", "issue_date": "2026-09-01"}]}, "S4"),
        ([None], {"type_code": "386", "prepaid_amount": "120"}, "S1"),
    ],
)
def test_the_frame_follows_from_the_facts(natures: list[str | None], changes: dict[str, Any], process: str) -> None:
    lines = [builders.line(nature=nature) for nature in natures]
    assert builders.document(*lines, **changes).process == process


def test_an_operation_that_no_line_is_of_is_refused() -> None:
    refused("invoice.operation_contradicts_lines", builders.line(nature="services"), operation="goods")


# Mentions


def test_a_french_business_gets_all_compulsory_mentions_once() -> None:
    document = builders.document()
    assert sorted(note.subject or "" for note in document.notes) == ["AAB", "ABL", "BAR", "PMD", "PMT", "REG"]
    assert "40 euros" in notes(document)["PMT"]
    assert notes(document)["BAR"] == "B2B"


def test_a_mention_that_the_request_gives_is_not_doubled() -> None:
    document = builders.document(notes=[{"text": "Escompte de 1 % sous 8 jours.", "subject": "AAB"}])
    assert [note.text for note in document.notes if note.subject == "AAB"] == ["Escompte de 1 % sous 8 jours."]


def test_a_consumer_is_not_threatened_with_recovery_costs() -> None:
    document = builders.document(buyer={"name": "Mme Durand", "address": {"city": "Lille"}, "consumer": True})
    assert notes(document).keys() == {"REG", "ABL", "BAR"}
    assert notes(document)["BAR"] == "B2C"
    assert not is_french_b2b(document)


def test_a_foreign_business_is_b2bint() -> None:
    document = builders.document(buyer=GERMAN)
    assert notes(document)["BAR"] == "B2BINT"
    assert document.buyer.endpoint is None
    assert not is_french_b2b(document)


@pytest.mark.parametrize(("country", "french"), [("FR", True), ("RE", True), ("GF", False), ("DE", False)])
def test_french_rules_hold_where_french_vat_does(country: str, french: bool) -> None:  # noqa: FBT001 - a parameter
    document = builders.document()
    moved = replace(document.buyer, address=replace(document.buyer.address, country=country))
    assert is_french_b2b(replace(document, buyer=moved)) is french


def test_a_forgotten_siren_does_not_escape_the_french_rules() -> None:
    document = builders.document()
    assert is_french_b2b(replace(document, buyer=replace(document.buyer, legal_id=None), notes=()))
    assert not is_french_b2b(replace(document, notes=(Note("B2BINT", "BAR"),)))


# Parties


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        ({"siren": "552100555"}, "party.bad_siren", "buyer.siren"),
        ({"siren": "55210055"}, "party.bad_siren", "buyer.siren"),
        ({"siret": "55210055400014"}, "party.bad_siret", "buyer.siret"),
        ({"siret": "73282932000074"}, "party.siret_mismatch", "buyer.siret"),
        ({"vat_id": "FR00552100554"}, "party.bad_vat_id", "buyer.vat_id"),
        ({"vat_id": "FR44732829320"}, "party.vat_id_mismatch", "buyer.vat_id"),
        ({"siren": None}, "party.siren_missing", "buyer.siren"),
        ({"endpoint": {"value": "732829320"}}, "party.bad_endpoint", "buyer.endpoint"),
        ({"endpoint": {"value": "552100554 1"}}, "party.bad_endpoint", "buyer.endpoint"),
    ],
)
def test_a_wrong_identifier_of_the_buyer_is_refused(change: dict[str, Any], code: str, place: str) -> None:
    assert refused(code, buyer=builders.buyer(**change)).place == place


def test_the_buyers_siren_follows_from_its_siret_and_is_its_address() -> None:
    party = builders.document(buyer=builders.buyer(siren=None, siret="55210055400013")).buyer
    assert party.siren == "552100554"
    assert party.identifiers == (Identifier("55210055400013", "0009"),)
    assert party.endpoint == Identifier("552100554", "0225")


def test_a_given_endpoint_is_kept() -> None:
    endpoint = {"value": "552100554_COMPTA"}
    party = builders.document(buyer=builders.buyer(endpoint=endpoint)).buyer
    assert party.endpoint == Identifier("552100554_COMPTA", "0225")


def test_the_seller_comes_from_the_profile_or_from_the_request_under_the_same_siren() -> None:
    own = {"name": "Atelier Lumière (Paris)", "address": {"city": "Paris"}}
    assert builders.document().seller.legal_id == Identifier("732829320", "0002")
    assert builders.document(seller=own).seller.name == "Atelier Lumière (Paris)"
    assert builders.document(seller=own).seller.siren == "732829320"
    refused("party.seller_mismatch", seller={**own, "siren": "552100554"})


def test_a_profile_with_a_false_siren_is_refused() -> None:
    with pytest.raises(BuildError) as caught:
        build_document(builders.request(), builders.seller(siren="123456789"), "F1", builders.TODAY)
    assert caught.value.code == "party.bad_siren"


# Payment


def test_a_transfer_to_the_profiles_account_is_the_default() -> None:
    payment = builders.document().payment
    assert (payment.means_code, payment.remittance) == ("58", "RF12F20260001")
    assert payment.accounts == (CreditAccount("FR7630006000011234567890189", "Atelier Lumière", "AGRIFRPP"),)


def test_a_transfer_in_a_foreign_currency_is_no_sepa_transfer() -> None:
    rate = {"rate": "0.9234", "date": "2026-11-02"}
    for payment in (None, {"iban": "FR7630006000011234567890189"}):
        document = builders.document(currency="USD", vat_exchange_rate=rate, payment=payment)
        assert document.payment.means_code == "30"


def test_a_false_iban_is_refused() -> None:
    assert refused("party.bad_iban", payment={"iban": "FR7630006000011234567890188"}).place == "payment.iban"


def test_a_transfer_without_account_is_refused() -> None:
    with pytest.raises(BuildError) as caught:
        build_document(builders.request(payment={"means_code": "30"}), builders.seller(iban=None), "F1", builders.TODAY)
    assert caught.value.code == "invoice.account_missing"


def test_a_direct_debit_names_mandate_and_accounts_but_no_account_of_ours() -> None:
    payment = builders.document(
        payment={
            "means_code": "59",
            "mandate_reference": "M-1",
            "creditor_id": "FR72ZZZ123456",
            "debited_iban": "DE89 3704 0044 0532 0130 00",
        }
    ).payment
    assert payment.accounts == ()
    assert (payment.mandate_reference, payment.debited_account) == ("M-1", "DE89370400440532013000")


def test_the_due_date_follows_the_sellers_terms() -> None:
    assert builders.document().due_on == builders.TODAY + timedelta(days=30)
    assert builders.document(issue_date="2026-10-01").due_on == date(2026, 10, 31)
    assert builders.document(prepaid_amount="120").due_on == builders.TODAY
    assert refused("invoice.due_before_issue", due_date="2026-11-01").term == "BT-9"
    assert builders.deposit(due_date="2026-11-01").due_on == date(2026, 11, 1)


# Credit notes and corrections


def test_a_credit_note_has_no_due_date_and_no_account_but_says_what_it_is_for() -> None:
    document = builders.credit_note()
    assert document.is_credit_note
    assert (document.due_on, document.payment) == (None, None)
    assert document.payment_terms == "Avoir à valoir sur la facture F2026-0001."
    assert document.totals.payable == Decimal("120.00")


@pytest.mark.parametrize("kind", ["381", "384"])
def test_what_is_credited_or_corrected_must_be_named_with_its_date(kind: str) -> None:
    refused("invoice.preceding_missing", type_code=kind)
    refused("invoice.preceding_missing", type_code=kind, preceding_invoices=[{"number": "F1"}])


def test_a_correction_names_exactly_one_invoice() -> None:
    two = [{"number": "F1", "issue_date": "2026-01-01"}, {"number": "F2", "issue_date": "2026-01-01"}]
    refused("invoice.preceding_missing", type_code="384", preceding_invoices=two)


def test_a_global_rebate_names_contract_and_period() -> None:
    refused("invoice.contract_and_period_missing", type_code="262", contract_reference="C-1")
    period = {"start": "2026-01-01", "end": "2026-06-30"}
    assert builders.document(type_code="262", contract_reference="C-1", period=period).delivery is not None


# Number and link


@pytest.mark.parametrize("number", ["", "F 1", "F" * 36, "É1", "F#1", "F1\n"])
def test_a_number_outside_the_french_characters_is_refused(number: str) -> None:
    with pytest.raises(BuildError) as caught:
        builders.document(number=number)
    assert caught.value.code == "invoice.bad_number"


def test_the_final_number_replaces_the_placeholder_everywhere() -> None:
    document = with_number(with_payment_link(builders.document(number="F0000-0000"), URL), "F2026-0042")
    assert (document.number, document.payment.remittance) == ("F2026-0042", remittance_of("F2026-0042"))
    assert document.attachments[0].reference == "PAIEMENT-F2026-0042"
    assert not [placeholder for placeholder in ("F0000-0000", "F00000000") if placeholder in repr(document)]


def test_the_payment_link_stands_in_bg24_without_description_and_in_the_terms() -> None:
    document = with_payment_link(builders.document(payment_terms="À 30 jours."), URL)
    (link,) = document.attachments
    assert (link.reference, link.url, link.description) == ("PAIEMENT-F2026-0001", URL, None)
    assert document.payment_terms == f"À 30 jours. Paiement en ligne : {URL}"


def test_a_new_link_replaces_the_old_one() -> None:
    document = with_payment_link(with_payment_link(builders.document(payment_terms="À 30 jours."), URL), URL + "2")
    assert [each.url for each in document.attachments] == [URL + "2"]
    assert document.payment_terms == f"À 30 jours. Paiement en ligne : {URL}2"


def test_a_credit_note_and_a_paid_invoice_ask_for_no_payment() -> None:
    for document in (builders.credit_note(), builders.document(prepaid_amount="120")):
        linked = with_payment_link(document, URL)
        assert [each.url for each in linked.attachments] == [URL]
        assert "Paiement en ligne" not in (linked.payment_terms or "")


def test_a_factored_invoice_has_no_link_of_its_seller() -> None:
    """C. civ. art. 1346-5: who pays the seller pays twice."""
    factor = {"name": "Factor SA", "siren": "552100554"}
    document = builders.document(type_code="393", payee=factor, payment={"iban": "DE89370400440532013000"})
    assert with_payment_link(document, URL) == document


def test_a_buyer_with_a_service_code_owes_the_rate_of_public_contracts() -> None:
    document = builders.document(buyer=builders.buyer(siret="55210055400013", service_code="COMPTA-1"))
    (penalties,) = [note.text for note in document.notes if note.subject == "PMD"]
    assert "R2192-31" in penalties


# The published rules


CASES = {
    "plain": builders.document,
    "credit note": builders.credit_note,
    "credit note with due date": lambda: builders.credit_note(due_date="2026-12-01"),
    "deposit": builders.deposit,
    "linked": lambda: with_payment_link(builders.document(), URL),
    "several rates": lambda: builders.document(
        builders.line(allowances=[{"percent": "5", "reason": "Fidélité"}]),
        builders.line(vat_rate="5.5", net_price="3.333333", quantity="7.5", nature="goods"),
        builders.line(vat_category="E", vat_rate=None),
        vat_exemptions=EXEMPT,
        allowances=[{"percent": "10", "reason": "Remise", "vat_rate": "20"}],
        charges=[{"amount": "12.34", "reason": "Port", "vat_rate": "5.5"}],
    ),
    "reverse charge": lambda: builders.document(builders.line(vat_category="AE", vat_rate=None)),
    "outside VAT": lambda: builders.document(
        builders.line(vat_category="O", vat_rate=None), buyer=builders.buyer(vat_id=None),
        seller={"name": "Atelier Lumière", "address": {"city": "Lyon"}},
    ),
    "already paid": lambda: builders.document(prepaid_amount="120.00"),
    "final after deposit": lambda: builders.document(
        prepaid_amount="60.00", preceding_invoices=[{"number": "D1", "issue_date": "2026-09-01"}]
    ),
    "in dollars": lambda: builders.document(currency="USD", totals={"vat_accounting": "18.52"}),
    "to Germany": lambda: builders.document(buyer=GERMAN),
    "discounted price": lambda: builders.document(
        builders.line(net_price=None, gross_price="60", price_discount="10", price_base_quantity=1)
    ),
    "direct debit": lambda: builders.document(
        payment={
            "means_code": "59",
            "mandate_reference": "M-1",
            "creditor_id": "FR72ZZZ123456",
            "debited_iban": "DE89370400440532013000",
        }
    ),
    "rich": lambda: builders.document(
        builders.line(
            description="LED", note="Note", order_line="1", seller_item_id="A", buyer_item_id="B",
            standard_item_id={"value": "3012345678900", "scheme": "0160"}, origin_country="FR",
            classifications=[{"code": "39110000", "scheme": "STI"}], attributes=[{"name": "Couleur", "value": "Blanc"}],
            period={"start": "2026-10-01", "end": "2026-10-31"}, object_id={"value": "O-1", "scheme": "AVV"},
            accounting_reference="6061",
        ),
        delivery={"date": "2026-10-30", "name": "Dépôt", "address": {"city": "Aix", "postcode": "13100"}},
        period={"start": "2026-10-01", "end": "2026-10-31"}, payee={"name": "Factor SA", "siren": "552100554"},
        buyer_reference="S-1", project_reference="P", contract_reference="C", purchase_order="PO", sales_order="SO",
        receiving_advice="RA", despatch_advice="DA", tender_reference="T",
        object_id={"value": "X", "scheme": "IT"}, accounting_reference="606",
        attachments=[{"reference": "BL", "description": "BON_LIVRAISON", "content": "JVBERi0=",
                      "mime": "application/pdf", "filename": "bl.pdf"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("write", [write_cii, write_ubl], ids=["cii", "ubl"])
@pytest.mark.parametrize("case", CASES)
def test_what_we_build_passes_xsd_en16931_and_the_french_rules(validator: Validator, case: str, write: Any) -> None:
    document = CASES[case]()
    report = validator.check_invoice(write(document), french=is_french_b2b(document))
    assert [(each.rule, each.message) for each in report.fatal] == []
    assert report.verdict is Verdict.VALID
