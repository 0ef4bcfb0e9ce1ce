"""One request for every kind, VAT category, currency and condition of an invoice that our JSON can ask for."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import builders
from builders import line

from einvoice.composing.build import build_document
from einvoice.composing.seller import VatGroup
from einvoice.crediting.credit_note import LineCredit, credit_amount, credit_lines, credit_whole
from einvoice.document import Address

if TYPE_CHECKING:
    from collections.abc import Callable

    from einvoice.document import Document
    from einvoice.request.model import InvoiceRequest

PRECEDING = [{"number": "F2026-0001", "issue_date": "2026-10-01"}]
FACTOR = {"name": "Factor SA", "siren": "552100554"}
FACTOR_ACCOUNT = {"iban": "DE89370400440532013000"}
GERMAN_ADDRESS = {"line1": "Hauptstr. 1", "postcode": "10115", "city": "Berlin", "country": "DE"}
GERMAN = {"name": "Acme GmbH", "vat_id": "DE136695976", "address": GERMAN_ADDRESS}
AMERICAN = {"name": "Acme Inc", "address": {"line1": "1 Main St", "city": "Boston", "country": "US"}}
REUNION = {"line1": "2 rue de la Source", "postcode": "97400", "city": "Saint-Denis", "country": "RE"}
PARIS = {"line1": "1 rue du Four", "postcode": "75006", "city": "Paris"}
DEPOSITS = [
    {"number": "D2026-00001", "issue_date": "2026-09-01", "amount": "36.00"},
    {"number": "D2026-00002", "issue_date": "2026-09-15", "amount": "24.00"},
]
RATE = {"rate": "0.9234", "date": "2026-11-02"}
GROUP = VatGroup(
    "732829320", "FR44732829320", "Groupe Lumière", Address("FR", line1="1 rue", postcode="75001", city="Paris")
)
THIRD = {"name": "Tiers SA", "siren": "552100554", "role": "DL", "address": PARIS}


def by(profile: dict[str, Any], *lines: dict[str, Any], **changes: Any) -> Document:
    """A document by a seller of another profile."""
    return build_document(builders.request(*lines, **changes), builders.seller(**profile), "F2026-0001", builders.TODAY)


def exempt(**changes: Any) -> dict[str, Any]:
    """A line of category E, or another one without VAT."""
    return line(**{"vat_category": "E", "vat_rate": None, **changes})


def credited(make: Callable[[Document], InvoiceRequest]) -> Document:
    """The credit note that ``make`` makes of an invoice with two rates and a discount."""
    invoice = builders.document(
        line(allowances=[{"percent": "5", "reason": "Fidélité"}]),
        line(name="Livre", quantity="3", net_price="9.99", vat_rate="5.5", nature="goods"),
        allowances=[{"percent": "10", "reason": "Remise", "vat_rate": "20"}],
    )
    return build_document(make(invoice), builders.seller(), "A2026-00001", builders.TODAY)


def reason(code: str) -> dict[str, Any]:
    """The exemption of category E by its code alone."""
    return {"vat_exemptions": [{"vat_category": "E", "code": code}]}


D = builders.document
EN16931: dict[str, Callable[[], Document]] = {
    "factored invoice": partial(D, type_code="393", payee=FACTOR, payment=FACTOR_ACCOUNT),
    "factored credit note": partial(D, type_code="396", payee=FACTOR, preceding_invoices=PRECEDING),
    "factored correction": partial(
        D, type_code="472", payee=FACTOR, payment=FACTOR_ACCOUNT, preceding_invoices=PRECEDING
    ),
    "correction": partial(D, type_code="384", preceding_invoices=PRECEDING),
    "deposit credit note": partial(D, type_code="503", preceding_invoices=PRECEDING),
    "deposit paid at once": partial(D, type_code="386", process="S2", prepaid_amount="120"),
    "global rebate": partial(
        D, type_code="262", contract_reference="C1", period={"start": "2026-01-01", "end": "2026-06-30"}
    ),
    "credit note on several invoices": partial(
        D, type_code="381", preceding_invoices=[*PRECEDING, {"number": "F2026-0002", "issue_date": "2026-10-02"}]
    ),
    "final after two deposits": partial(D, deposits=DEPOSITS),
    "final after deposits for all": partial(D, deposits=[{**DEPOSITS[0], "amount": "120.00"}]),
    "credit of the whole": partial(credited, lambda invoice: credit_whole(invoice, "Annulation")),
    "credit of a line": partial(credited, lambda invoice: credit_lines(invoice, {"1": LineCredit(Decimal(1))})),
    "credit of an amount": partial(credited, lambda invoice: credit_amount(invoice, Decimal("33.33"), "Geste")),
    "franchise": partial(by, {"vat_id": None, "vat_exemption": "VATEX-FR-FRANCHISE"}, exempt()),
    "exempt by the CGI": partial(D, exempt(), **reason("VATEX-FR-CGI261-4")),
    "second-hand goods": partial(D, exempt(nature="goods"), margin_scheme="second_hand"),
    "works of art": partial(D, exempt(nature="goods"), margin_scheme="works_of_art"),
    "antiques": partial(D, exempt(nature="goods"), margin_scheme="antiques"),
    "travel agency": partial(D, exempt(), margin_scheme="travel_agency"),
    "reverse charge": partial(D, exempt(vat_category="AE")),
    "intra-Community supply": partial(
        D,
        exempt(vat_category="K", nature="goods"),
        buyer=GERMAN,
        delivery={"date": "2026-10-30", "address": GERMAN_ADDRESS},
    ),
    "export": partial(D, exempt(vat_category="G", nature="goods"), buyer=AMERICAN),
    "zero rate": partial(D, exempt(vat_category="Z")),
    "outside the scope": partial(D, exempt(vat_category="O")),
    "credit note without VAT": partial(
        D, exempt(), type_code="381", preceding_invoices=PRECEDING, **reason("VATEX-FR-CNWVAT")
    ),
    "member of a VAT group": partial(by, {"vat_group": GROUP}),
    "on debits": partial(by, {"vat_on_debits": True}),
    "dollars by rate": partial(D, currency="USD", vat_exchange_rate=RATE),
    "yen": partial(
        D,
        line(net_price="10001", quantity="1"),
        currency="JPY",
        vat_exchange_rate={"rate": "0.0062", "date": "2026-11-02"},
    ),
    "dinars": partial(
        D, line(net_price="10.125", quantity="3"), currency="KWD", vat_exchange_rate={**RATE, "rate": "2.98"}
    ),
    "public body": partial(
        D,
        buyer=builders.buyer(siret="55210055400013", public=True, service_code="COMPTA-1", engagement="EJ 2026/0042"),
    ),
    "own terms": partial(by, {"penalty_rate": Decimal(12), "discount_percent": Decimal("1.5"), "discount_days": 8}),
    "overseas rates": partial(
        D, *(line(vat_rate=rate) for rate in ("8.5", "2.1", "1.75", "1.05")), buyer=builders.buyer(address=REUNION)
    ),
    "negative line": partial(D, line(quantity="3"), line(quantity="-1")),
    "six decimals": partial(D, line(net_price="0.123456", quantity="1234.5678")),
    "direct payment of a subcontractor": partial(D, process="S3"),
    "by a subcontractor": partial(D, process="S5"),
    "by a co-contractor": partial(D, process="S6"),
    "till sale invoiced later": partial(D, line(nature="goods"), process="B7", prepaid_amount="120"),
}
"""Invoices of level EN 16931."""

EXTENDED: dict[str, Callable[[], Document]] = {
    "payer": partial(D, payer=THIRD),
    "agents": partial(
        D,
        **{
            name: {**THIRD, "role": role}
            for name, role in {"buyer_agent": "AB", "seller_agent": "AB", "invoicer": "II", "invoicee": "IV"}.items()
        },
    ),
    "factor with address": partial(
        D,
        type_code="393",
        payee={**FACTOR, "role": "DL", "address": PARIS, "vat_id": "FR96552100554", "contact": {"email": "a@b.fr"}},
        payment=FACTOR_ACCOUNT,
    ),
    "dated references": partial(
        D,
        purchase_order="PO",
        purchase_order_date="2026-10-01",
        despatch_advice="DA",
        despatch_advice_date="2026-10-01",
        contract_reference="C",
        contract_date="2026-01-01",
        delivery_terms={"code": "DAP", "place": "Lyon"},
        object_id={"value": "A1", "scheme": "IT"},
        more_object_ids=[{"value": "A", "scheme": "AFL"}],
    ),
    "exchange rate": partial(D, currency="USD", vat_exchange_rate=RATE, profile="extended"),
    "groups of lines": partial(
        D,
        {"name": "Lot", "kind": "GROUP", "line_id": "1", "quantity": "20", "net_price": "25"},
        line(line_id="2", kind="DETAIL", parent_line="1"),
        line(line_id="3", kind="DETAIL", parent_line="1", vat_rate="10"),
        {"name": "Info", "kind": "INFORMATION", "quantity": "1"},
    ),
    "references by line": partial(
        D,
        line(
            order_number="PO1",
            order_date="2026-09-01",
            order_line="3",
            sales_order={"number": "SO1", "line": "1"},
            despatch_advice={"number": "DA1", "line": "1", "issue_date": "2026-09-01"},
            receiving_advice={"number": "RA1", "line": "2"},
            delivery={"date": "2026-10-01", "name": "Dépôt", "address": PARIS},
            notes=[{"text": "Selon devis", "subject": "AAI"}],
        ),
    ),
    "measured item": partial(
        D,
        line(
            attributes=[{"name": "Poids", "measure": "12.5", "measure_unit": "KGM"}],
            gross_price="51",
            price_discount="1",
            net_price="50",
            price_discount_reason="Promo",
            price_discount_code="95",
        ),
    ),
}
"""Invoices that use terms of the French extension."""
