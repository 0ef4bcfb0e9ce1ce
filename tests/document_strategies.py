"""Generated documents for property tests: every term of the model, present or absent, in many combinations."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from einvoice.document import (
    Address,
    AllowanceCharge,
    Attachment,
    Classification,
    Contact,
    CreditAccount,
    CurrencyExchange,
    Delivery,
    DeliveryTerms,
    Document,
    Identifier,
    ItemAttribute,
    Line,
    LineDelivery,
    LineReference,
    Note,
    Party,
    Payee,
    PaymentInstructions,
    PrecedingInvoice,
    TaxPoint,
    TaxRepresentative,
    ThirdParty,
    Totals,
    VatBreakdown,
)
from einvoice.formats.profiles import CTC_EXTENDED_ID

UNSHRUNK = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
"""How these documents are tried: making a failing one smaller takes minutes, and its difference names the field."""

_letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"), exclude_characters="\ufffe\uffff")
texts = st.text(_letters, min_size=1, max_size=25).map(str.strip).filter(bool)
codes = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=1, max_size=12).filter(lambda code: code != "NA")
"""Never NA, by which UBL says that a number it wants is not known."""
other_numbers = codes.map(lambda code: f"of-{code}")
"""Numbers of other invoices: an invoice never refers to itself."""
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
third_parties = st.builds(
    lambda names, **terms: ThirdParty(name=names[0], trading_name=names[1], **terms),
    st.sampled_from([None, "Affactureur SA"]).flatmap(
        lambda name: st.tuples(st.just(name), maybe(texts) if name else st.none())
    ),
    address=maybe(addresses),
    role=maybe(st.sampled_from(["DL", "II", "PE"])),
    identifiers=some(identifiers),
    legal_id=maybe(identifiers),
    vat_id=maybe(codes),
    tax_id=maybe(codes),
    endpoint=maybe(with_scheme),
    contact=maybe(contacts),
)
delivery_terms = st.builds(DeliveryTerms, st.sampled_from(["DAP", "EXW"]), maybe(texts))
references = st.builds(LineReference, maybe(codes), maybe(codes))
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


def extended_adjustments() -> st.SearchStrategy[AllowanceCharge]:
    """Of the header, with the exemption that EXTENDED adds."""
    exempt = st.tuples(adjustments(header=True), maybe(texts), maybe(st.just("VATEX-EU-O")))
    return exempt.map(lambda parts: replace(parts[0], exemption_reason=parts[1], exemption_code=parts[2]))


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
en16931_documents = st.builds(
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

line_extensions = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["GROUP", "DETAIL", "INFORMATION"]),
        "parent_line": codes,
        "more_notes": some(st.builds(Note, texts | st.just("#PMT#1"), maybe(st.sampled_from(["AAI", "PMT"])))),
        "more_object_ids": some(objects),
        "order_number": codes,
        "order_on": days,
        "sales_order": references,
        "despatch_advice": st.builds(LineReference, maybe(codes), maybe(codes), maybe(days)),
        "receiving_advice": references,
        "preceding": st.builds(
            PrecedingInvoice, other_numbers, maybe(days), maybe(st.sampled_from(["380", "386"])), maybe(codes)
        ),
        "delivery": st.builds(LineDelivery, maybe(texts), maybe(identifiers), maybe(days), maybe(addresses)),
        "delivery_terms": delivery_terms,
        "seller": third_parties,
        "vat_amount": amounts,
        "vat_amount_accounting": amounts,
        "amount_with_vat": amounts,
        "exemption_reason": texts,
        "exemption_code": st.just("VATEX-EU-O"),
        "tax_point": st.sampled_from(list(TaxPoint)),
        "price_discount_reason": texts,
        "price_discount_code": st.just("95"),
        "units_per_parent": quantities,
        "units_per_parent_unit": st.just("C62"),
        "attributes": some(
            st.builds(ItemAttribute, texts, texts, maybe(st.just("AAA")))
            | st.builds(ItemAttribute, texts, st.none(), maybe(st.just("AAA")), quantities, st.just("KGM"))
        ),
    },
)
header_extensions = st.fixed_dictionaries(
    {},
    optional={
        "payer": third_parties,
        "buyer_agent": third_parties,
        "seller_agent": third_parties,
        "invoicer": third_parties,
        "invoicee": third_parties,
        "purchase_order_on": days,
        "despatch_advice_on": days,
        "contract_on": days,
        "contract_type": st.sampled_from(["CT", "GC"]),
        "more_object_ids": some(objects),
        "delivery_terms": delivery_terms,
        "exchange": st.builds(CurrencyExchange, st.just("EUR"), st.just("USD"), prices, maybe(days)),
        "preceding": some(
            st.builds(PrecedingInvoice, codes, maybe(days), maybe(st.sampled_from(["380", "386"])), maybe(codes))
        ),
        "allowances_charges": some(extended_adjustments()),
        "payee": st.builds(
            Payee,
            texts,
            maybe(identifiers),
            maybe(identifiers),
            maybe(st.just("DL")),
            some(identifiers),
            maybe(codes),
            maybe(with_scheme),
            maybe(addresses),
            maybe(contacts),
        ),
    },
)


def extended(document: Document, header: dict[str, Any], of_lines: list[dict[str, Any]]) -> Document:
    """``document`` with terms of the French extension."""
    lines_then = [replace(line, **more) for line, more in zip(document.lines, of_lines, strict=False)]
    return replace(document, profile=CTC_EXTENDED_ID, lines=tuple(lines_then), **header)


extended_documents = st.builds(
    extended, en16931_documents, header_extensions, st.lists(line_extensions, min_size=3, max_size=3)
)
documents = en16931_documents | extended_documents
"""Terms are combined without regard to the norm's arithmetic: only reading and writing is at stake."""
