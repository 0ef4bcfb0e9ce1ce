"""Invoices whose page and file are tested: one builder, and the kinds of page that the judges look at."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from einvoice.document import (
    Address,
    Attachment,
    CreditAccount,
    Delivery,
    Document,
    Identifier,
    Line,
    Note,
    Party,
    PaymentInstructions,
    PrecedingInvoice,
    TaxPoint,
    Totals,
    VatBreakdown,
)

PAY_URL = "https://payer.exemple.fr/p/8Jq2vZ0cTn5yWk3RfHs6"
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><rect width="40" height="10" fill="#1d4ed8"/></svg>'
IBAN = "FR7630006000011234567890189"

SELLER = Party(
    "Atelier Méridien SAS",
    Address("FR", "18, rue des Archives", postcode="75004", city="Paris"),
    legal_id=Identifier("552100554", "0002"),
    vat_id="FR96552100554",
    legal_form="SAS au capital de 50 000 €",
    endpoint=Identifier("552100554", "0225"),
)
BUYER = Party(
    "Brasserie du Port SARL",
    Address("FR", "4, quai de la Douane", postcode="29200", city="Brest"),
    legal_id=Identifier("732829320", "0002"),
    vat_id="FR44732829320",
    endpoint=Identifier("732829320", "0225"),
)
NOTES = (
    Note("Indemnité forfaitaire pour frais de recouvrement : 40 euros.", "PMT"),
    Note("Pénalités de retard au taux directeur de la BCE majoré de 10 points.", "PMD"),
    Note("Pas d'escompte pour paiement anticipé.", "AAB"),
    Note("B2B", "BAR"),
)


def an_invoice(lines: int = 3, **changes: Any) -> Document:
    """A French invoice for services with ``lines`` lines of 100 EUR at 20 %."""
    net = Decimal(100 * lines)
    tax = (net / 5).quantize(Decimal("0.01"))
    values: dict[str, Any] = {
        "number": "F-2026-004217",
        "issued_on": date(2026, 11, 15),
        "due_on": date(2026, 12, 15),
        "type_code": "380",
        "currency": "EUR",
        "process": "S1",
        "seller": SELLER,
        "buyer": BUYER,
        "notes": NOTES,
        "tax_point": TaxPoint.INVOICE,
        "delivery": Delivery(delivered_on=date(2026, 11, 12)),
        "lines": tuple(
            Line(str(n), f"Prestation {n}", Decimal(2), "HUR", Decimal(50), Decimal(100), "S", Decimal(20))
            for n in range(1, lines + 1)
        ),
        "vat": (VatBreakdown(net, tax, "S", Decimal(20)),),
        "totals": Totals(net, net, net + tax, net + tax, vat=tax),
        "payment": PaymentInstructions("58", None, "F2026004217", (CreditAccount(IBAN, None, "AGRIFRPPXXX"),)),
    }
    return Document(**(values | changes))


def kinds_of_page() -> dict[str, tuple[Document, dict[str, Any]]]:
    """Documents and page options as different as an invoicing service meets them."""
    long_line = replace(
        an_invoice(1).lines[0],
        name="Accompagnement " * 12 + "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk",
        description="Une description longue, qui passe à la ligne. " * 30,
    )
    odd_buyer = replace(BUYER, name='Ελλάδα & Жуковский <Łódź> "#panic()" *$x$*')
    attachment = Attachment("BL-77", "BON_LIVRAISON", content=b"bon;1", mime="text/csv", filename="bl-77.csv")
    return {
        "one page with both codes": (an_invoice(6), {"pay_url": PAY_URL}),
        "many pages with a logo": (an_invoice(120), {"pay_url": PAY_URL, "logo_svg": LOGO, "colour": "#1d4ed8"}),
        "credit note": (
            an_invoice(2, type_code="381", due_on=None, payment=None,
                       preceding=(PrecedingInvoice("F-2026-004001", date(2026, 10, 2)),)),
            {},
        ),
        "deposit": (an_invoice(1, type_code="386"), {"pay_url": PAY_URL, "colour": "#facc15"}),
        "corrective": (
            an_invoice(2, type_code="384", preceding=(PrecedingInvoice("F-2026-004001", date(2026, 10, 2)),)),
            {"pay_url": PAY_URL},
        ),
        "long words and other alphabets": (
            replace(an_invoice(1), lines=(long_line,), buyer=odd_buyer, attachments=(attachment,)),
            {"pay_url": PAY_URL},
        ),
        "English without link": (an_invoice(3, purchase_order="PO-7"), {"language": "en"}),
        "foreign currency": (
            an_invoice(1, currency="USD", accounting_currency="EUR",
                       totals=replace(an_invoice(1).totals, vat_accounting=Decimal("18.42"))),
            {"pay_url": PAY_URL},
        ),
    }  # fmt: skip
