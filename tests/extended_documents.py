"""Invoices that need the EXTENDED profiles, built on the hand-written invoice of one line, with sums that add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from hand_written_invoices import CII

from config import safe_xml
from einvoice.document import (
    Address,
    AllowanceCharge,
    Attachment,
    Contact,
    CreditAccount,
    CurrencyExchange,
    DeliveryTerms,
    Identifier,
    ItemAttribute,
    Line,
    LineDelivery,
    LineReference,
    Note,
    Payee,
    PaymentInstructions,
    PrecedingInvoice,
    TaxPoint,
    ThirdParty,
    Totals,
    VatBreakdown,
)
from einvoice.formats.reader import read_xml

if TYPE_CHECKING:
    from einvoice.document import Document

CENT = Decimal("0.01")


def plain_invoice() -> Document:
    """The hand-written invoice: 3 h at 80.00, EN 16931, payable by transfer."""
    payment = PaymentInstructions("30", accounts=(CreditAccount("FR7630006000011234567890189"),))
    return replace(read_xml(safe_xml.parse(CII.encode())).document, payment=payment)


def with_lines(document: Document, *lines: Line, prepaid: Decimal | None = None) -> Document:
    """``document`` with ``lines``, all at 20 % VAT, and the totals that follow."""
    net = sum((line.net_amount for line in lines if line.counts), Decimal(0)).quantize(CENT)
    tax = (net * 20 / 100).quantize(CENT)
    totals = Totals(net, net, net + tax, net + tax - (prepaid or 0), vat=tax, prepaid=prepaid)
    return replace(document, lines=lines, totals=totals, vat=(VatBreakdown(net, tax, "S", Decimal(20)),))


def line(line_id: str, amount: str, **terms: object) -> Line:
    """One piece at ``amount``."""
    value = Decimal(amount)
    made = Line(line_id, f"Article {line_id}", Decimal(1), "C62", value, value, "S", Decimal(20))
    return replace(made, **terms)  # type: ignore[arg-type] # a table of terms


def siren_party(name: str, siren: str, **terms: object) -> ThirdParty:
    """A French company as a third party."""
    party = ThirdParty(
        name=name,
        address=Address("FR", line1="1 rue des Tiers", postcode="75002", city="Paris"),
        legal_id=Identifier(siren, "0002"),
        endpoint=Identifier(siren, "0225"),
    )
    return replace(party, **terms)  # type: ignore[arg-type] # as above


def sub_lines() -> Document:
    """A group of two details, one of them a group itself, and a line for information."""
    return with_lines(
        plain_invoice(),
        Line("1", "Chaufferie", None, None, None, Decimal("300.00"), None, kind="GROUP"),
        line("2", "100.00", kind="DETAIL", parent_line="1"),
        Line("3", "Brûleur", None, None, None, Decimal("200.00"), None, kind="GROUP", parent_line="1"),
        line("4", "150.00", kind="DETAIL", parent_line="3", units_per_parent=Decimal(2), units_per_parent_unit="C62"),
        line("5", "50.00", kind="DETAIL", parent_line="3"),
        line("6", "0.00", kind="INFORMATION", parent_line="1"),
        line("7", "40.00"),
    )


def several_orders_and_deliveries() -> Document:
    """Two lines of two orders, delivered on two days to two sites."""
    north = LineDelivery(
        "Chantier Nord",
        Identifier("73282932000074", "0009"),
        date(2026, 10, 12),
        Address("FR", line1="4 rue du Port", postcode="59000", city="Lille"),
    )
    south = LineDelivery(delivered_on=date(2026, 10, 20), address=Address("FR", postcode="13002", city="Marseille"))
    return with_lines(
        replace(plain_invoice(), purchase_order="CADRE-7", purchase_order_on=date(2026, 1, 5)),
        line(
            "1",
            "120.00",
            order_line="10",
            order_number="CDE-1",
            order_on=date(2026, 9, 1),
            sales_order=LineReference("BV-1", "1"),
            despatch_advice=LineReference("BL-1", "3", date(2026, 10, 11)),
            receiving_advice=LineReference("BR-1", "3"),
            delivery=north,
        ),
        line("2", "80.00", order_number="CDE-2", despatch_advice=LineReference("BL-2"), delivery=south),
        line("3", "10.00", sales_order=LineReference("BV-2"), receiving_advice=LineReference(line="7")),
    )


def third_parties() -> Document:
    """Every third party of the header, and a factor to be paid with all that EXTENDED says of it."""
    return replace(
        plain_invoice(),
        payer=siren_party("Centrale de paiement SA", "552100554", role="PR", contact=Contact(name="Comptabilité")),
        invoicer=siren_party("Facturation Services SAS", "552100554", role="II", vat_id="FR96552100554"),
        invoicee=siren_party("Siège Imprimerie", "100000009", role="IV"),
        buyer_agent=siren_party("Centrale d'achat", "100000009", role="AB"),
        seller_agent=ThirdParty(
            "Agence du Ponant", trading_name="Le Ponant", identifiers=(Identifier("3663215600006", "0088"),)
        ),
        payee=Payee(
            "Affacturage de l'Ouest",
            legal_id=Identifier("552100554", "0002"),
            role="DL",
            vat_id="FR96552100554",
            endpoint=Identifier("552100554", "0225"),
            address=Address("FR", line1="9 rue du Crédit", postcode="35000", city="Rennes"),
            contact=Contact(name="Mme Le Goff", phone="+33 2 99 00 00 00", email="cession@affacturage.example"),
        ),
    )


def credit_note_by_line() -> Document:
    """A credit note of two lines on two invoices, with no reference at the header."""
    return with_lines(
        replace(plain_invoice(), number="A2026-0001", type_code="381"),
        line("1", "100.00", preceding=PrecedingInvoice("F2026-0001", date(2026, 9, 1), "380", "4")),
        line("2", "50.00", preceding=PrecedingInvoice("F2026-0002", date(2026, 9, 9))),
    )


def line_notes() -> Document:
    """Notes of lines: several, with and without subject code."""
    return with_lines(
        plain_invoice(),
        line("1", "100.00", note="Livré en deux fois", more_notes=(Note("Garantie 24 mois", "AAI"), Note("Lot 7"))),
        line("2", "50.00", more_notes=(Note("Reprise de l'ancien matériel", "SUR"),)),
    )


def foreign_currency() -> Document:
    """Invoiced in dollars, VAT accounted for in euros at a stated rate."""
    document = with_lines(plain_invoice(), line("1", "240.00", vat_amount=Decimal("48.00")))
    return replace(
        document,
        currency="USD",
        accounting_currency="EUR",
        totals=replace(document.totals, vat_accounting=Decimal("44.16")),
        exchange=CurrencyExchange("USD", "EUR", Decimal("0.92"), date(2026, 11, 2)),
    )


def deposit() -> Document:
    """A deposit invoice (386) on an order with its date."""
    return replace(
        with_lines(plain_invoice(), line("1", "100.00")),
        type_code="386",
        purchase_order="CDE-9",
        purchase_order_on=date(2026, 10, 1),
    )


def final_invoice() -> Document:
    """The final invoice that deducts the deposit, and says that what precedes is a deposit invoice."""
    made = with_lines(plain_invoice(), line("1", "100.00"), line("2", "400.00"), prepaid=Decimal("120.00"))
    return replace(made, process="S4", preceding=(PrecedingInvoice("F2026-0009", date(2026, 10, 2), "386"),))


def details() -> Document:
    """What remains: contract, Incoterms, objects, coded and measured attributes, reasons of a price discount."""
    described = line(
        "1",
        "90.00",
        gross_price=Decimal("100.00"),
        price_discount=Decimal("10.00"),
        price_discount_reason="Remise de volume",
        price_discount_code="95",
        object_id=Identifier("COMPTEUR-1", "MG"),
        more_object_ids=(Identifier("SITE-2", "AVV"),),
        attributes=(
            ItemAttribute("Couleur", "Bleu", "AAA"),
            ItemAttribute("Poids", None, measure=Decimal("12.5"), measure_unit="KGM"),
        ),
        delivery_terms=DeliveryTerms("DAP", "Brest"),
        tax_point=TaxPoint.PAYMENT,
        period_start=date(2026, 10, 1),
        vat_amount=Decimal("18.00"),
        amount_with_vat=Decimal("108.00"),
        seller=siren_party("Chauffage Lemaire SARL", "732829320", vat_id="FR44732829320"),
    )
    return replace(
        with_lines(plain_invoice(), described),
        contract_reference="MARCHE-2026-1",
        contract_type="CT",
        contract_on=date(2026, 1, 2),
        despatch_advice="BL-7",
        despatch_advice_on=date(2026, 10, 28),
        delivery_terms=DeliveryTerms("DAP", "Brest"),
        tax_point=TaxPoint.PAYMENT,
        object_id=Identifier("CONTRAT-1", "AVV"),
        more_object_ids=(Identifier("SITE-1", "MG"),),
        attachments=(Attachment("FICHE-1", content=b"<releve/>", mime="text/xml", filename="releve.xml"),),
    )


def two_exemptions() -> Document:
    """Two exempt lines for two reasons: each row of the VAT table is told by its reason (BR-FREXT-E-08)."""
    exempt = {"vat_category": "E", "vat_rate": Decimal(0)}
    first = {"exemption_reason": "Formation professionnelle", "exemption_code": "VATEX-EU-132-1I"}
    second = {"exemption_reason": "Soins médicaux", "exemption_code": "VATEX-EU-132-1C"}
    rows = (
        VatBreakdown(Decimal("90.00"), Decimal("0.00"), "E", Decimal(0), *first.values()),
        VatBreakdown(Decimal("50.00"), Decimal("0.00"), "E", Decimal(0), *second.values()),
    )
    allowance = AllowanceCharge(
        is_charge=False,
        amount=Decimal("10.00"),
        reason="Fidélité",
        **exempt,
        **first,  # type: ignore[arg-type]
    )
    total = Decimal("140.00")
    return replace(
        plain_invoice(),
        lines=(line("1", "100.00", **exempt, **first), line("2", "50.00", **exempt, **second)),
        allowances_charges=(allowance,),
        vat=rows,
        totals=Totals(Decimal("150.00"), total, total, total, allowances=Decimal("10.00"), vat=Decimal("0.00")),
    )


EXTENDED = {
    made.__name__: made
    for made in (
        sub_lines,
        several_orders_and_deliveries,
        third_parties,
        credit_note_by_line,
        line_notes,
        foreign_currency,
        deposit,
        final_invoice,
        details,
        two_exemptions,
    )
}
