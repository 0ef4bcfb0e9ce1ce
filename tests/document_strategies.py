"""Generated documents for property tests: every term of the model, present or absent, in many combinations."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from einvoice.document import (
    Address,
    AllowanceCharge,
    Attachment,
    Classification,
    Contact,
    CreditAccount,
    Delivery,
    Document,
    Identifier,
    ItemAttribute,
    Line,
    Note,
    Party,
    Payee,
    PaymentInstructions,
    PrecedingInvoice,
    TaxPoint,
    TaxRepresentative,
    Totals,
    VatBreakdown,
)

_letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"), exclude_characters="\ufffe\uffff")
texts = st.text(_letters, min_size=1, max_size=25).map(str.strip).filter(bool)
codes = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=1, max_size=12)
days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
amounts = st.decimals(Decimal("-999999.99"), Decimal("9999999.99"), places=2)
prices = st.decimals(Decimal(0), Decimal("99999.999999"), places=6)
quantities = st.decimals(Decimal("-9999.9999"), Decimal("99999.9999"), places=4)
rates = st.sampled_from([Decimal(rate) for rate in ("0", "2.10", "5.5", "10", "20.0")])
categories = st.sampled_from(["S", "Z", "E", "AE", "K", "G"])
countries = st.sampled_from(["FR", "RE", "DE", "US"])


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


def some(strategy: st.SearchStrategy, most: int = 2) -> st.SearchStrategy:
    return st.lists(strategy, max_size=most).map(tuple)


identifiers = st.builds(Identifier, codes, maybe(st.sampled_from(["0002", "0009", "0088", "0224"])))
with_scheme = st.builds(Identifier, codes, st.sampled_from(["0002", "0088", "0160", "0225"]))
objects = st.builds(Identifier, codes, maybe(st.sampled_from(["AVV", "IT"])))
addresses = st.builds(Address, countries, *[maybe(texts)] * 6)
contacts = st.builds(Contact, *[maybe(texts)] * 4)
parties = st.builds(
    Party,
    name=texts,
    address=addresses,
    trading_name=maybe(texts),
    identifiers=some(identifiers, 3),
    legal_id=maybe(identifiers),
    vat_id=maybe(codes),
    tax_id=maybe(codes),
    legal_form=maybe(texts),
    endpoint=maybe(with_scheme),
    contact=maybe(contacts),
)


def adjustments(*, header: bool) -> st.SearchStrategy[AllowanceCharge]:
    return st.builds(
        AllowanceCharge,
        is_charge=st.booleans(),
        amount=amounts,
        base_amount=maybe(amounts),
        percent=maybe(rates),
        reason=maybe(texts),
        reason_code=maybe(st.sampled_from(["95", "100"])),
        vat_category=categories if header else st.none(),
        vat_rate=maybe(rates) if header else st.none(),
    )


lines = st.builds(
    Line,
    line_id=codes,
    name=texts,
    quantity=quantities,
    unit=st.sampled_from(["C62", "HUR", "KGM"]),
    net_price=prices,
    net_amount=amounts,
    vat_category=categories,
    vat_rate=maybe(rates),
    kind=maybe(st.sampled_from(["GROUP", "DETAIL", "INFORMATION"])),
    parent_line=maybe(codes),
    note=maybe(texts),
    description=maybe(texts),
    object_id=maybe(objects),
    order_line=maybe(codes),
    accounting_reference=maybe(texts),
    period_start=maybe(days),
    period_end=maybe(days),
    allowances_charges=some(adjustments(header=False)),
    gross_price=maybe(prices),
    price_discount=maybe(prices),
    price_base_quantity=maybe(quantities),
    price_base_unit=maybe(st.just("C62")),
    seller_item_id=maybe(codes),
    buyer_item_id=maybe(codes),
    standard_item_id=maybe(with_scheme),
    classifications=some(st.builds(Classification, codes, st.sampled_from(["STI", "TST"]), maybe(st.just("19.05.01")))),
    origin_country=maybe(countries),
    attributes=some(st.builds(ItemAttribute, texts, texts)),
)
payments = st.builds(
    PaymentInstructions,
    means_code=st.sampled_from(["1", "30", "48", "58", "59"]),
    means_text=maybe(texts),
    remittance=maybe(codes),
    accounts=some(
        st.builds(
            CreditAccount,
            st.sampled_from(["FR7630006000011234567890189", "DE89 3704 0044 0532 0130 00", "12345"]),
            maybe(texts),
            maybe(st.just("AGRIFRPP")),
        )
    ),
    card_number=maybe(st.just("123456")),
    card_holder=maybe(texts),
    mandate_reference=maybe(codes),
    creditor_id=maybe(codes),
    debited_account=maybe(st.just("FR7630006000011234567890189")),
)
attachments = st.builds(
    Attachment,
    reference=codes,
    description=maybe(texts),
    url=maybe(st.just("https://pay.example/p/a?b=1&c=2")),
    content=maybe(st.binary(min_size=1, max_size=40)),
    mime=st.just("application/pdf"),
    filename=st.just("annexe.pdf"),
)
totals = st.builds(Totals, *[amounts] * 4, *[maybe(amounts)] * 6)
vat_rows = st.builds(
    VatBreakdown, amounts, amounts, categories, maybe(rates), maybe(texts), maybe(st.just("VATEX-EU-AE"))
)
documents = st.builds(
    Document,
    number=codes,
    issued_on=days,
    type_code=st.sampled_from(["380", "381", "386"]),
    currency=st.sampled_from(["EUR", "USD"]),
    seller=parties,
    buyer=parties,
    totals=totals,
    vat=st.lists(vat_rows, min_size=1, max_size=3).map(tuple),
    lines=st.lists(lines, min_size=1, max_size=3).map(tuple),
    process=maybe(st.sampled_from(["S1", "B1", "M4"])),
    accounting_currency=maybe(st.sampled_from(["EUR", "GBP"])),
    tax_point_date=maybe(days),
    tax_point=maybe(st.sampled_from(list(TaxPoint))),
    due_on=maybe(days),
    buyer_reference=maybe(texts),
    project_reference=maybe(texts),
    contract_reference=maybe(texts),
    purchase_order=maybe(texts | st.just("NA")),
    sales_order=maybe(texts),
    receiving_advice=maybe(texts),
    despatch_advice=maybe(texts),
    tender_reference=maybe(texts),
    object_id=maybe(objects),
    accounting_reference=maybe(texts),
    payment_terms=maybe(texts),
    notes=some(st.builds(Note, texts | st.just("#PMT#1"), maybe(st.sampled_from(["PMT", "AAB", "REG"]))), 3),
    preceding=some(st.builds(PrecedingInvoice, codes, maybe(days))),
    payee=maybe(st.builds(Payee, texts, maybe(identifiers), maybe(identifiers))),
    tax_representative=maybe(st.builds(TaxRepresentative, texts, codes, addresses)),
    delivery=maybe(
        st.builds(Delivery, maybe(texts), maybe(identifiers), maybe(days), maybe(days), maybe(days), maybe(addresses))
    ),
    payment=maybe(payments),
    allowances_charges=some(adjustments(header=True)),
    attachments=some(attachments),
)
"""Terms are combined without regard to the norm's arithmetic: only reading and writing is at stake."""
