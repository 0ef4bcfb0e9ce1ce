"""A credit note takes back the whole, some lines or an amount, exact to the cent, and never more than was invoiced."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import builders
import pytest
from builders import write_request
from hypothesis import given, settings
from hypothesis import strategies as st

from einvoice.composing.build import build_document
from einvoice.crediting.credit_note import LineCredit, credit_amount, credit_lines, credit_whole
from einvoice.crediting.limits import Credited, CreditError
from einvoice.document import Document, PrecedingInvoice
from einvoice.request.reading import parse_request

TWO_RATES = (
    builders.line(allowances=[{"percent": "5", "reason": "Fidélité"}], charges=[{"amount": "1.50", "reason": "Colis"}]),
    builders.line(name="Livre", quantity="3", net_price="9.99", vat_rate="5.5", nature="goods"),
)
WITH_DISCOUNT: dict[str, Any] = {
    "allowances": [{"percent": "10", "reason": "Remise", "vat_rate": "20"}],
    "charges": [{"amount": "4.00", "reason": "Port", "vat_rate": "5.5"}],
}


def issued(request: Any) -> Document:
    """The credit note that comes of ``request`` on its way through our JSON."""
    again = parse_request(write_request(request))
    assert again == request
    return build_document(again, builders.seller(), "A2026-00001", builders.TODAY)


def refused(code: str, act: Any) -> CreditError:
    with pytest.raises(CreditError) as caught:
        act()
    assert caught.value.code == code
    assert caught.value.sentence != caught.value.sentence_fr
    return caught.value


def test_the_whole_invoice_is_credited_with_the_same_lines_and_total() -> None:
    invoice = builders.document(*TWO_RATES, **WITH_DISCOUNT)
    credit = issued(credit_whole(invoice, "Commande annulée"))
    assert credit.type_code == "381"
    assert credit.preceding == (PrecedingInvoice("F2026-0001", builders.TODAY),)
    assert [line.net_amount for line in credit.lines] == [line.net_amount for line in invoice.lines]
    assert [(row.taxable, row.tax) for row in credit.vat] == [(row.taxable, row.tax) for row in invoice.vat]
    assert credit.totals.payable == invoice.totals.with_vat
    assert credit.process == invoice.process == "M1"
    assert any(note.text == "Commande annulée" for note in credit.notes)


def test_what_was_paid_before_does_not_shrink_the_credit_note() -> None:
    invoice = builders.document(deposits=[{"number": "D1", "issue_date": "2026-09-01", "amount": "60"}])
    credit = issued(credit_whole(invoice))
    assert (credit.totals.with_vat, credit.totals.prepaid) == (Decimal("120.00"), None)
    assert [each.number for each in credit.preceding] == ["F2026-0001"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "381"),
        ({"type_code": "386"}, "503"),
        (
            {
                "type_code": "393",
                "payee": {"name": "Factor SA", "siren": "552100554"},
                "payment": {"iban": "DE89370400440532013000"},
            },
            "396",
        ),
    ],
)
def test_each_kind_has_its_credit_note(changes: dict[str, Any], kind: str) -> None:
    assert issued(credit_whole(builders.document(**changes))).type_code == kind


def test_a_part_of_a_line_takes_its_part_of_every_allowance() -> None:
    invoice = builders.document(*TWO_RATES, **WITH_DISCOUNT)
    credit = issued(credit_lines(invoice, {"1": LineCredit(quantity=Decimal(1))}, "Retour"))
    assert credit.lines[0].net_amount == Decimal("48.25")  # 50 - 2.50 + 0.75, half of 96.50
    assert [(each.is_charge, each.amount) for each in credit.allowances_charges] == [(False, Decimal("4.83"))]
    assert credit.totals.without_vat == Decimal("43.42")
    assert credit.lines[0].line_id == "1"


def test_an_amount_of_a_line_is_credited_without_vat() -> None:
    credit = issued(credit_lines(builders.document(), {"1": LineCredit(amount=Decimal("12.34"))}))
    assert (credit.totals.without_vat, credit.totals.with_vat) == (Decimal("12.34"), Decimal("14.81"))


def test_all_lines_one_by_one_come_to_the_invoice() -> None:
    invoice = builders.document(*TWO_RATES, **WITH_DISCOUNT)
    credit = issued(credit_lines(invoice, {line.line_id: LineCredit() for line in invoice.lines}))
    assert credit.totals.with_vat == invoice.totals.with_vat


def test_an_amount_with_vat_is_split_over_the_rates_and_exact() -> None:
    invoice = builders.document(*TWO_RATES)
    credit = issued(credit_amount(invoice, Decimal("100.00"), "Geste commercial"))
    assert credit.totals.payable == Decimal("100.00")
    assert [row.rate for row in credit.vat] == [Decimal(20), Decimal("5.5")]
    parts = [row.taxable + row.tax for row in credit.vat]
    assert parts == [Decimal("78.55"), Decimal("21.45")]  # 115.80 and 31.62 of 147.42


def test_a_cent_that_no_base_and_tax_can_hold_stands_in_the_rounding() -> None:
    credit = issued(credit_amount(builders.document(), Decimal("0.03"), "Arrondi"))
    totals = credit.totals
    assert (totals.with_vat, totals.rounding, totals.payable) == (Decimal("0.02"), Decimal("0.01"), Decimal("0.03"))


def test_never_more_than_was_invoiced() -> None:
    invoice = builders.document()
    refused("credit.exceeds_invoice", lambda: credit_amount(invoice, Decimal("120.01"), "x"))
    refused("credit.exceeds_invoice", lambda: credit_amount(invoice, Decimal(30), "x", already=Credited(Decimal(91))))
    refused("credit.exceeds_invoice", lambda: credit_whole(invoice, already=Credited(Decimal("0.01"))))
    told = refused("credit.exceeds_line", lambda: credit_lines(invoice, {"1": LineCredit(quantity=Decimal(3))}))
    assert told.term == "BT-129"
    refused("credit.exceeds_line", lambda: credit_lines(invoice, {"1": LineCredit(amount=Decimal("100.01"))}))
    refused("credit.exceeds_line", lambda: credit_lines(invoice, {"1": LineCredit(Decimal(1), Decimal(1))}))


def test_what_makes_no_sense_is_refused_with_a_sentence() -> None:
    invoice = builders.document()
    refused("credit.of_credit_note", lambda: credit_whole(builders.credit_note()))
    refused("credit.self_billed", lambda: credit_whole(replace(invoice, type_code="389")))
    assert "'9'" in refused("credit.unknown_line", lambda: credit_lines(invoice, {"9": LineCredit()})).sentence
    refused("credit.nothing", lambda: credit_lines(invoice, {}))
    refused("credit.not_positive", lambda: credit_amount(invoice, Decimal(0), "x"))
    refused("credit.too_precise", lambda: credit_amount(invoice, Decimal("0.001"), "x"))
    yen = builders.document(currency="JPY", totals={"vat_accounting": "0.12"})
    refused("credit.too_precise", lambda: credit_amount(yen, Decimal("1.50"), "x"))


def test_what_no_invoice_can_state_is_refused_and_not_an_accident() -> None:
    invoice = builders.document()
    fine, vast, tiny = Decimal("0.123456789"), Decimal("1e400"), Decimal("1e-999999")
    for number in (fine, vast, tiny):
        refused("credit.too_precise", lambda number=number: credit_amount(invoice, number, "x"))
        for part in (LineCredit(quantity=number), LineCredit(amount=number)):
            told = refused("credit.too_precise", lambda part=part: credit_lines(invoice, {"1": part}))
            assert len(told.sentence) < 200
    for reason in ("x" * 6000, "a\x00b"):
        refused("credit.not_expressible", lambda reason=reason: credit_amount(invoice, Decimal(1), reason))
        refused("credit.not_expressible", lambda reason=reason: credit_whole(invoice, reason))


def after(*credits_: Document) -> Credited:
    """What ``credits_`` took off their invoice."""
    return Credited(
        sum((each.totals.payable for each in credits_), Decimal(0)), tuple(row for each in credits_ for row in each.vat)
    )


def test_an_amount_after_a_line_is_split_over_what_is_left_of_each_rate() -> None:
    """Proportions of the whole invoice would give back VAT at 20 % twice, and at 5.5 % never."""
    invoice = builders.document(builders.line(), builders.line(name="Livre", vat_rate="5.5"))
    first = issued(credit_lines(invoice, {"1": LineCredit()}))
    rest = issued(credit_amount(invoice, Decimal("105.50"), "Solde", already=after(first)))
    assert [(row.rate, row.taxable, row.tax) for row in rest.vat] == [(Decimal("5.5"), Decimal(100), Decimal("5.50"))]


def test_no_rate_is_credited_beyond_its_own_base() -> None:
    invoice = builders.document(builders.line(), builders.line(name="Livre", vat_rate="5.5"))
    first = issued(credit_lines(invoice, {"2": LineCredit()}))
    told = refused("credit.exceeds_rate", lambda: credit_lines(invoice, {"2": LineCredit()}, already=after(first)))
    assert "100.00 invoiced" in told.sentence
    assert issued(credit_lines(invoice, {"1": LineCredit()}, already=after(first))).totals.payable == Decimal("120.00")


def test_lines_credited_one_by_one_end_at_the_cent_of_the_invoice() -> None:
    """3 x 0.13 bears 0.08 of VAT, but 0.03 on each line: the last cent stands in BT-114 and nothing is refused."""
    invoice = builders.document(*[builders.line(quantity=1, net_price="0.13")] * 3)
    assert invoice.totals.with_vat == Decimal("0.47")
    credits_: list[Document] = []
    for number in "123":
        credits_.append(issued(credit_lines(invoice, {number: LineCredit()}, already=after(*credits_))))
    assert [each.totals.payable for each in credits_] == [Decimal("0.16"), Decimal("0.16"), Decimal("0.15")]
    assert credits_[-1].totals.rounding == Decimal("-0.01")
    refused("credit.exceeds_invoice", lambda: credit_lines(invoice, {"1": LineCredit()}, already=after(*credits_)))


def test_the_cents_of_the_rounding_count_as_credited() -> None:
    """0.03 at 20 % is 0.02 and 0.01 of BT-114: forty of them use up 1.20."""
    invoice = builders.document(builders.line(quantity=1, net_price="1"))
    one = issued(credit_amount(invoice, Decimal("0.03"), "Geste"))
    forty = after(*[one] * 40)
    refused("credit.exceeds_invoice", lambda: credit_amount(invoice, Decimal("0.01"), "Geste", already=forty))


def test_a_rounded_invoice_is_credited_for_what_it_asked() -> None:
    invoice = builders.document(rounding_amount="0.05")
    assert issued(credit_amount(invoice, Decimal("120.05"), "Geste")).totals.payable == Decimal("120.05")
    assert issued(credit_whole(invoice)).totals.payable == Decimal("120.05")


def test_the_day_on_which_vat_falls_due_is_taken_over() -> None:
    """BT-7: else the books would take the VAT back on another account than they put it on."""
    invoice = builders.document(tax_point_date="2026-11-02")
    assert issued(credit_whole(invoice)).tax_point_date == invoice.tax_point_date


def test_vat_in_euros_follows_in_proportion() -> None:
    invoice = builders.document(currency="USD", totals={"vat_accounting": "18.52"})
    assert issued(credit_whole(invoice)).totals.vat_accounting == Decimal("18.52")
    assert issued(credit_amount(invoice, Decimal(60), "Geste")).totals.vat_accounting == Decimal("9.26")


def test_an_exemption_and_a_consumer_are_taken_over() -> None:
    exempt = builders.line(vat_category="E", vat_rate=None)
    consumer = {"name": "Mme Durand", "address": {"city": "Lille"}, "consumer": True}
    invoice = builders.document(
        exempt, buyer=consumer, vat_exemptions=[{"vat_category": "E", "code": "VATEX-FR-CGI261-4"}]
    )
    credit = issued(credit_whole(invoice))
    assert credit.vat == invoice.vat
    assert {note.subject for note in credit.notes} == {"REG", "ABL", "BAR"}


def test_a_line_whose_own_figures_do_not_agree_is_credited_for_what_was_invoiced() -> None:
    """A file from elsewhere may round a line its own way; the amount counts."""
    invoice = builders.document()
    line = replace(invoice.lines[0], net_price=Decimal("49.99"))
    credit = issued(credit_whole(replace(invoice, lines=(line,))))
    assert credit.totals.with_vat == invoice.totals.with_vat
    assert (credit.lines[0].quantity, credit.lines[0].net_price) == (Decimal(1), Decimal("100.00"))


def test_an_invoice_without_lines_is_credited_by_rate() -> None:
    invoice = replace(builders.document(*TWO_RATES), lines=())
    credit = issued(credit_whole(invoice))
    assert credit.totals.payable == invoice.totals.with_vat
    assert {(row.rate, row.taxable, row.tax) for row in credit.vat} == {
        (row.rate, row.taxable, row.tax) for row in invoice.vat
    }


_invoices = st.lists(
    st.tuples(
        st.decimals(Decimal("0.01"), Decimal(999), places=4),
        st.decimals(Decimal("0.01"), Decimal(9999), places=6),
        st.sampled_from(["20", "10", "5.5", "2.1", "0"]),
        st.none() | st.integers(0, 60),
    ),
    min_size=1,
    max_size=6,
)


def _invoice(generated: list[tuple[Any, ...]]) -> Document:
    lines = [
        builders.line(
            quantity=quantity,
            net_price=price,
            vat_rate=rate if rate != "0" else None,
            vat_category="S" if rate != "0" else "E",
            allowances=[{"percent": percent, "reason": "Remise"}] if percent is not None else [],
        )
        for quantity, price, rate, percent in generated
    ]
    exempt = (
        [{"vat_category": "E", "code": "VATEX-FR-CGI261-4"}] if any(rate == "0" for _, _, rate, _ in generated) else []
    )
    return builders.document(*lines, vat_exemptions=exempt)


@settings(max_examples=120, deadline=None)
@given(_invoices, st.fractions(0, 1))
def test_any_amount_of_any_invoice_is_credited_to_the_cent(generated: list[tuple[Any, ...]], part: Any) -> None:
    invoice = _invoice(generated)
    total = invoice.totals.with_vat
    assert not total or issued(credit_whole(invoice)).totals.with_vat == total
    amount = (total * part.numerator / part.denominator).quantize(Decimal("0.01"))
    if not 0 < amount <= total:
        return
    credit = issued(credit_amount(invoice, amount, "Geste"))
    assert credit.totals.payable == amount
    assert Decimal(0) <= (credit.totals.rounding or Decimal(0)) <= Decimal("0.02")
    if amount == total:
        assert {(row.rate, row.taxable) for row in credit.vat} == {
            (r.rate, r.taxable) for r in invoice.vat if r.taxable
        }
