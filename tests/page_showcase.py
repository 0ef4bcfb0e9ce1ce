"""Twelve invoices of a small French economy, as their buyers would get them: what the page is looked at with."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from page_documents import LOGO, PAY_URL

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
    LineReference,
    Note,
    Party,
    Payee,
    PaymentInstructions,
    PrecedingInvoice,
    TaxPoint,
    ThirdParty,
    Totals,
    VatBreakdown,
)
from einvoice.formats.payment_reference import rf_reference

CENT = Decimal("0.01")
EXTENDED = "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended"
MERIDIEN = Party(
    "Atelier Méridien SAS",
    Address("FR", "18, rue des Archives", postcode="75004", city="Paris"),
    identifiers=(Identifier("55210055400013", "0009"),),
    legal_id=Identifier("552100554", "0002"),
    vat_id="FR96552100554",
    legal_form="SAS au capital de 50 000 €",
    endpoint=Identifier("552100554_STATUTS", "0225"),
    contact=Contact("Jeanne Œuvrard", phone="+33 1 44 55 66 77", email="compta@atelier-meridien.example"),
)
BRASSERIE = Party(
    "Brasserie du Port SARL",
    Address("FR", "4, quai de la Douane", postcode="29200", city="Brest"),
    legal_id=Identifier("732829320", "0002"),
    vat_id="FR44732829320",
    endpoint=Identifier("732829320", "0225"),
)
QUINCAILLERIE = Party(
    "Quincaillerie Générale de l'Ouest",
    Address("FR", "Zone artisanale du Vern", "Bâtiment C", postcode="35770", city="Vern-sur-Seiche"),
    trading_name="QGO Pro",
    legal_id=Identifier("404833048", "0002"),
    vat_id="FR83404833048",
    legal_form="SARL au capital de 120 000 €",
    endpoint=Identifier("404833048", "0225"),
)
MAIRIE = Party(
    "Commune de Saint-Malo",
    Address("FR", "Hôtel de Ville, place Chateaubriand", postcode="35400", city="Saint-Malo"),
    identifiers=(Identifier("21350288100013", "0009"), Identifier("SERV-TECH-04", "0224")),
    legal_id=Identifier("213502881", "0002"),
    endpoint=Identifier("213502881", "0225"),
)
AMERICAN = Party(
    "Harbor & Pine Brewing Co.",
    Address("US", "218 Commercial Street", postcode="04101", city="Portland", subdivision="Maine"),
    contact=Contact("Accounts payable", email="ap@harborpine.example"),
)
GERMAN = Party(
    "Müller & Söhne Getränke GmbH",
    Address("DE", "Überseeallee 12", postcode="20457", city="Hamburg"),
    vat_id="DE811569869",
    endpoint=Identifier("DE811569869", "9930"),
)
NOTES = (
    Note("SAS au capital de 50 000 €, RCS Paris 552 100 554.", "ABL"),
    Note("En cas de retard, indemnité forfaitaire pour frais de recouvrement de 40 euros.", "PMT"),
    Note(
        "Pénalités au taux de la BCE majoré de 10 points, exigibles sans rappel dès le lendemain de l'échéance.", "PMD"
    ),
    Note("Aucun escompte n'est accordé pour paiement anticipé.", "AAB"),
    Note("B2B", "BAR"),
)
ENGLISH_NOTES = (
    Note("In case of late payment, a flat recovery indemnity of 40 euros is due.", "PMT"),
    Note("Late-payment interest at the ECB rate plus 10 percentage points.", "PMD"),
    Note("No discount for early payment.", "AAB"),
    Note("B2BINT", "BAR"),
)


def a_line(  # noqa: PLR0917 -- in the order of the page's columns
    number: int, name: str, quantity: str, unit: str, price: str, rate: str | None = "20", **more: Any
) -> Line:
    """A line whose net amount is quantity times price, less the allowances and plus the charges given."""
    net = Decimal(quantity) * Decimal(price) / (more.get("price_base_quantity") or 1)
    for entry in more.get("allowances_charges", ()):
        net += entry.amount if entry.is_charge else -entry.amount
    category = more.pop("vat_category", "S")
    return Line(
        str(number), name, Decimal(quantity), unit, Decimal(price), net.quantize(CENT), category,
        None if rate is None else Decimal(rate), **more,
    )  # fmt: skip


def an_invoice_of(number: str, lines: tuple[Line, ...], **changes: Any) -> Document:
    """An invoice whose VAT and totals follow from its lines and from the allowances and charges of ``changes``."""
    rates: dict[tuple[str, Decimal | None], Decimal] = {}
    adjustments: tuple[AllowanceCharge, ...] = changes.get("allowances_charges", ())
    for line in lines:
        if line.counts:
            key = (str(line.vat_category), line.vat_rate)
            rates[key] = rates.get(key, Decimal(0)) + line.net_amount
    for entry in adjustments:
        key = (str(entry.vat_category), entry.vat_rate)
        rates[key] += entry.amount if entry.is_charge else -entry.amount
    exemption = changes.pop("exemption", (None, None))
    vat = tuple(
        VatBreakdown(base, (base * (rate or 0) / 100).quantize(CENT), category, rate, *exemption)
        for (category, rate), base in rates.items()
    )
    tax = sum((row.tax for row in vat), Decimal(0))
    net = sum((row.taxable for row in vat), Decimal(0))
    gross = sum((line.net_amount for line in lines if line.counts), Decimal(0))
    prepaid: Decimal | None = changes.pop("prepaid", None)
    accounting = changes.get("accounting_currency")
    rate = changes["exchange"].rate if accounting else None
    totals = Totals(
        lines=gross,
        without_vat=net,
        with_vat=net + tax,
        payable=net + tax - (prepaid or 0),
        allowances=sum((e.amount for e in adjustments if not e.is_charge), Decimal(0)) or None,
        charges=sum((e.amount for e in adjustments if e.is_charge), Decimal(0)) or None,
        vat=tax,
        vat_accounting=(tax * rate).quantize(CENT) if rate else None,
        prepaid=prepaid,
    )
    account = CreditAccount("FR7630006000011234567890189", "Atelier Méridien SAS", "AGRIFRPPXXX")
    values: dict[str, Any] = {
        "issued_on": date(2026, 11, 15),
        "due_on": date(2026, 12, 15),
        "type_code": "380",
        "currency": "EUR",
        "process": "S1",
        "seller": MERIDIEN,
        "buyer": BRASSERIE,
        "notes": NOTES,
        "payment": PaymentInstructions("58", None, rf_reference(number), (account,)),
        "vat": vat,
        "totals": totals,
        "lines": lines,
    }
    return Document(number=number, **(values | changes))


def showcase() -> dict[str, tuple[Document, dict[str, Any]]]:
    """Documents and page options, by a name fit for a file."""
    return {
        "01-service": (_service(), {"pay_url": PAY_URL}),
        "02-goods": (_goods(), {"pay_url": PAY_URL, "colour": "#1d4ed8"}),
        "03-deposit": (_deposit(), {"pay_url": PAY_URL, "colour": "#7c3aed"}),
        "04-final": (_final(), {"pay_url": PAY_URL, "colour": "#7c3aed"}),
        "05-credit-note": (_credit_note(), {"pay_url": PAY_URL}),
        "06-foreign-currency": (_dollars(), {"pay_url": PAY_URL, "language": "en", "colour": "#9f1239"}),
        "07-reverse-charge": (_reverse_charge(), {"pay_url": PAY_URL}),
        "08-public": (_public(), {"pay_url": PAY_URL, "colour": "#1e3a5f"}),
        "09-sixty-lines": (_sixty_lines(), {"pay_url": PAY_URL, "logo_svg": LOGO, "colour": "#0f766e"}),
        "10-franchise": (_franchise(), {"pay_url": PAY_URL, "colour": "#b45309"}),
        "11-english": (_english(), {"pay_url": PAY_URL, "language": "en"}),
        "12-extended": (_extended(), {"pay_url": PAY_URL, "colour": "#334155"}),
    }


def _service() -> Document:
    lines = (
        a_line(1, "Audit de conformité Factur-X EN 16931", "2", "DAY", "850"),
        a_line(2, "Intégration ERP et reprise des données clients", "8.5", "HUR", "96"),
        a_line(
            3, "Formation de l'équipe comptable", "1", "LS", "640", description="Une journée sur site, 6 personnes."
        ),
        a_line(4, "Hébergement certifié, région Paris", "3", "MON", "174.48"),
        a_line(5, "Ouvrage « Facturation électronique, le guide »", "4", "H87", "33.13", "5.5"),
    )
    return an_invoice_of(
        "F-2026-004217", lines, purchase_order="BC-88213", tax_point=TaxPoint.INVOICE,
        delivery=Delivery(delivered_on=date(2026, 11, 12)),
    )  # fmt: skip


def _goods() -> Document:
    off = AllowanceCharge(is_charge=False, amount=Decimal("48.60"), base_amount=Decimal(486), percent=Decimal(10),
                          reason="Remise quantité", reason_code="95")  # fmt: skip
    lines = (
        a_line(1, "Perceuse à percussion 850 W", "6", "H87", "81", allowances_charges=(off,), seller_item_id="PP-850",
               gross_price=Decimal(90), price_discount=Decimal(9), origin_country="DE",
               attributes=(ItemAttribute("Couleur", "bleu nuit"), ItemAttribute("Garantie", "3 ans"))),
        a_line(2, "Vis à bois 5 x 60, tête fraisée", "2400", "H87", "4.85", price_base_quantity=Decimal(100),
               seller_item_id="VB-560", buyer_item_id="QG-11873",
               standard_item_id=Identifier("3760123456789", "0160")),
        a_line(3, "Câble H07RN-F 3G2,5", "125.5", "MTR", "2.1475", seller_item_id="CA-325",
               classifications=(Classification("44318000-2", "STI", "2008"),)),
        a_line(4, "Palette Europe consignée", "2", "XPX", "12.50", note="Consigne remboursée au retour."),
    )  # fmt: skip
    whole = (
        AllowanceCharge(is_charge=False, amount=Decimal(25), reason="Fidélité", vat_category="S", vat_rate=Decimal(20)),
        AllowanceCharge(is_charge=True, amount=Decimal("39.90"), reason="Transport express", reason_code="FC",
                        vat_category="S", vat_rate=Decimal(20)),
    )  # fmt: skip
    return an_invoice_of(
        "F-2026-004218", lines, seller=QUINCAILLERIE, process="B1", allowances_charges=whole,
        purchase_order="CDE-2026-1140", despatch_advice="BL-77120",
        delivery=Delivery("Chantier Recouvrance", None, date(2026, 11, 13), None, None,
                          Address("FR", "12, rue de la Porte", postcode="29200", city="Brest")),
        attachments=(
            Attachment("BL-77120", "BON_LIVRAISON", content=b"reference;quantite\nPP-850;6\nVB-560;2400\n",
                       mime="text/csv", filename="bon de livraison n° 77120.csv"),
        ),
    )  # fmt: skip


def _deposit() -> Document:
    lines = (a_line(1, "Acompte de 30 % sur le devis D-2026-118", "1", "LS", "2400",
                    description="Rénovation de la cuisine professionnelle, lot électricité."),)  # fmt: skip
    return an_invoice_of(
        "A-2026-000031", lines, type_code="386", due_on=date(2026, 11, 30), contract_reference="D-2026-118"
    )


def _final() -> Document:
    lines = (
        a_line(1, "Rénovation de la cuisine professionnelle, lot électricité", "1", "LS", "6400"),
        a_line(2, "Tableau divisionnaire 3 rangées, fourni et posé", "2", "H87", "800"),
    )
    return an_invoice_of(
        "F-2026-004240", lines, process="S4", prepaid=Decimal(2880), contract_reference="D-2026-118",
        preceding=(PrecedingInvoice("A-2026-000031", date(2026, 11, 15)),),
        issued_on=date(2027, 1, 20), due_on=date(2027, 2, 19), delivery=Delivery(delivered_on=date(2027, 1, 18)),
    )  # fmt: skip


def _credit_note() -> Document:
    lines = (a_line(2, "Intégration ERP : 2 heures facturées à tort", "2", "HUR", "96"),)
    return an_invoice_of(
        "AV-2026-000012", lines, type_code="381", due_on=None, payment=None,
        preceding=(PrecedingInvoice("F-2026-004217", date(2026, 11, 15)),), issued_on=date(2026, 11, 20),
    )  # fmt: skip


def _dollars() -> Document:
    lines = (
        a_line(1, "Brewery automation software, annual licence", "3", "ANN", "1200", vat_category="S"),
        a_line(2, "Remote commissioning", "12", "HUR", "110"),
    )
    return an_invoice_of(
        "F-2026-004219", lines, buyer=AMERICAN, currency="USD", accounting_currency="EUR", notes=ENGLISH_NOTES,
        exchange=CurrencyExchange("USD", "EUR", Decimal("0.8612"), date(2026, 11, 14)),
        payment=PaymentInstructions("30", None, "F2026004219",
                                    (CreditAccount("FR7630006000011234567890189", None, "AGRIFRPPXXX"),)),
    )  # fmt: skip


def _reverse_charge() -> Document:
    lines = (
        a_line(1, "Conception d'une ligne d'embouteillage", "14", "DAY", "720", "0", vat_category="AE"),
        a_line(2, "Frais de déplacement, Brest-Hambourg", "1", "LS", "486.40", "0", vat_category="AE"),
    )
    return an_invoice_of(
        "F-2026-004220", lines, buyer=GERMAN, exemption=("Autoliquidation, art. 283-2 du CGI", "VATEX-EU-AE"),
        delivery=Delivery(period_start=date(2026, 10, 1), period_end=date(2026, 10, 31)),
    )  # fmt: skip


def _public() -> Document:
    lines = (
        a_line(1, "Entretien des espaces verts, octobre 2026", "46", "HUR", "38"),
        a_line(2, "Fourniture et plantation de chênes", "5", "H87", "214", "10", description="Quercus robur, 14/16."),
    )
    return an_invoice_of(
        "F-2026-004221", lines, process="M1", buyer=MAIRIE, buyer_reference="SERV-TECH-04",
        purchase_order="EJ-2026-5512",
        tender_reference="MARCHE-2025-17, lot 2", project_reference="Remparts 2026",
        delivery=Delivery("Parc de la Briantais", None, date(2026, 10, 30), None, None,
                          Address("FR", "Rue Michel de la Bardelière", postcode="35400", city="Saint-Malo")),
    )  # fmt: skip


def _sixty_lines() -> Document:
    names = (
        "Licence plateforme, abonnement",
        "Support prioritaire 5 j/7",
        "Lecteur de carte modèle S4",
        "Câble USB-C 2 m",
    )
    lines = tuple(
        a_line(
            n,
            f"{names[n % 4]}, site {n:02d}",
            str(1 + n % 7),
            "H87",
            str(Decimal("17.35") * (1 + n % 5)),
            "10" if n % 9 == 0 else "20",
        )
        for n in range(1, 61)
    )
    return an_invoice_of("F-2026-004222", lines, process="M1", delivery=Delivery(delivered_on=date(2026, 11, 14)))


def _franchise() -> Document:
    seller = Party(
        "Élodie Kervella",
        Address("FR", "7, venelle du Four", postcode="29660", city="Carantec"),
        legal_id=Identifier("853214096", "0002"),
        legal_form="Entrepreneur individuel (EI)",
        endpoint=Identifier("853214096", "0225"),
        contact=Contact(email="bonjour@kervella.example"),
    )
    lines = (
        a_line(1, "Illustration de couverture", "1", "C62", "480", "0", vat_category="E"),
        a_line(2, "Cession des droits, trois ans, France", "1", "LS", "220", "0", vat_category="E"),
    )
    return an_invoice_of(
        "2026-017", lines, seller=seller, exemption=("TVA non applicable, art. 293 B du CGI", "VATEX-FR-FRANCHISE"),
        payment=PaymentInstructions("58", None, rf_reference("2026-017"),
                                    (CreditAccount("FR7630006000011234567890189", "Élodie Kervella"),)),
        notes=NOTES[1:],
    )  # fmt: skip


def _english() -> Document:
    lines = (
        a_line(1, "Packaging design, autumn range", "5", "DAY", "640", "0", vat_category="G"),
        a_line(2, "Printed samples", "250", "H87", "1.284", "0", vat_category="G", origin_country="FR"),
    )
    return an_invoice_of(
        "F-2026-004223", lines, buyer=AMERICAN, process="M1", notes=ENGLISH_NOTES, purchase_order="PO 5581",
        exemption=("Export outside the European Union (art. 262 I CGI)", "VATEX-EU-G"),
    )  # fmt: skip


def _extended() -> Document:
    kit = a_line(1, "Kit caméra de chantier", "2", "SET", "470", kind="GROUP")
    lines = (
        kit,
        a_line(2, "Caméra IP extérieure", "2", "H87", "310", kind="DETAIL", parent_line="1",
               units_per_parent=Decimal(1), units_per_parent_unit="H87",
               attributes=(ItemAttribute("Poids", None, measure=Decimal("1.2"), measure_unit="KGM"),)),
        a_line(3, "Mât télescopique 6 m", "2", "H87", "160", kind="DETAIL", parent_line="1", order_number="BC-88213",
               order_line="4", order_on=date(2026, 10, 2),
               despatch_advice=LineReference("BL-77121", "2", date(2026, 11, 10))),
        a_line(4, "Mise en service", "3.5", "HUR", "96",
               more_notes=(Note("Intervention hors des heures ouvrées.", "AAI"),)),
        replace(a_line(5, "Notice technique", "1", "H87", "0"), kind="INFORMATION"),
    )  # fmt: skip
    return an_invoice_of(
        "F-2026-004224", lines, profile=EXTENDED, process="M1", purchase_order="BC-88213",
        purchase_order_on=date(2026, 10, 2), contract_reference="C-2025-9", contract_on=date(2025, 1, 15),
        delivery_terms=DeliveryTerms("DAP", "Brest"),
        payee=Payee("Banque Affacturage Ouest", None, Identifier("397480930", "0002"), role="DL",
                    address=Address("FR", "1, place Graslin", postcode="44000", city="Nantes")),
        payer=ThirdParty("Port Holding SA", Address("FR", "2, cours Dajot", postcode="29200", city="Brest"), role="PR",
                         legal_id=Identifier("542051180", "0002")),
        notes=(*NOTES, Note("Créance cédée à Banque Affacturage Ouest : paiement libératoire à son ordre seul.", "ACC"),
               Note("Virement au compte de l'affactureur indiqué ci-dessus.", "PAI")),
        payment=PaymentInstructions("58", None, rf_reference("F-2026-004224"),
                                    (CreditAccount("FR7630006000011234567890189", "Banque Affacturage Ouest"),)),
        due_on=date(2026, 11, 15) + timedelta(days=45),
    )  # fmt: skip
