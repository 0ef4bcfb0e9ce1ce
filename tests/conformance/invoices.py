"""The invoices that independent judges look at: every kind, frame, VAT category, currency, level and length.

Each is written in our JSON and takes the product's own road.
"""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from builders import buyer, line, seller

from einvoice.composing.seller import VatGroup
from einvoice.document import Address

if TYPE_CHECKING:
    from einvoice.composing.seller import SellerProfile
    from einvoice.formats.page import Language

TODAY = date(2026, 11, 16)
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><rect width="40" height="10" fill="#1d4ed8"/></svg>'
CREDITED = [{"number": "F2026-0001", "issue_date": "2026-10-01"}]
PIXEL = b"\x89PNG\r\n\x1a\n" + b"".join(
    struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    for kind, body in (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\x1d\x4e\xd8")),
        (b"IEND", b""),
    )
)


@dataclass(frozen=True)
class Case:
    """One invoice: its request in our JSON, and what is not in the request."""

    name: str
    request: dict[str, Any]
    by: SellerProfile = field(default_factory=seller)
    language: Language = "fr"
    logo_svg: str | None = None
    colour: str = "#1f4e5f"


def case(name: str, *lines: dict[str, Any], **more: Any) -> Case:
    """A case of ``lines``, or one ordinary line; what is no field of a case goes into the request."""
    own = {key: more.pop(key) for key in ("by", "language", "logo_svg", "colour") if key in more}
    return Case(name, {"buyer": buyer(), "lines": list(lines) or [line()], **more}, **own)


def abroad(country: str, vat_id: str | None, **more: Any) -> dict[str, Any]:
    """A customer outside France."""
    party = {
        "name": f"Customer {country} GmbH",
        "address": {"line1": "1 Main Street", "postcode": "1000", "city": "Capital", "country": country},
        "endpoint": {"value": f"office@{country.lower()}.example", "scheme": "EM"},
        "vat_id": vat_id,
        **more,
    }
    return {key: value for key, value in party.items() if value is not None}


def consumer(**more: Any) -> dict[str, Any]:
    return {"name": "Camille Dupont", "consumer": True,
            "address": {"line1": "7 rue Basse", "postcode": "67000", "city": "Strasbourg"}, **more}  # fmt: skip


def overseas(country: str, postcode: str, city: str) -> dict[str, Any]:
    return buyer(address={"line1": "2 rue du Port", "postcode": postcode, "city": city, "country": country})


def goods(**changes: Any) -> dict[str, Any]:
    return line(name="Luminaire LED", nature="goods", **changes)


def many(count: int) -> list[dict[str, Any]]:
    """Lines with odd quantities and prices over three rates, so that rounding has something to do."""
    rates = ("20", "10", "5.5")
    return [
        line(name=f"Article {n}", quantity=f"{n % 7 + 1}.{n % 4}", net_price=f"{n % 90 + 1}.{n % 100:02}",
            vat_rate=rates[n % 3])
        for n in range(1, count + 1)
    ]  # fmt: skip


def kinds() -> list[Case]:
    """BT-3, and what each kind refers to."""
    factor = {
        "payee": {"name": "Factor Océan SA", "siren": "100000009"},
        "payment": {"iban": "FR1420041010050500013M02606", "holder": "Factor Océan SA"},
    }
    return [
        case("380 invoice"),
        case("381 credit note on the whole", type_code="381", preceding_invoices=CREDITED),
        case("381 credit note on several invoices", type_code="381",
             preceding_invoices=[*CREDITED, {"number": "F2026-0002", "issue_date": "2026-10-08"}]),
        case("381 credit note of one line", line(quantity="1", net_price="12.34"), type_code="381",
            preceding_invoices=CREDITED),
        case("381 credit note with two rates", line(), line(vat_rate="5.5"), type_code="381",
            preceding_invoices=CREDITED),
        case("384 corrective invoice", type_code="384", preceding_invoices=CREDITED),
        case("386 deposit", type_code="386"),
        case("386 deposit of goods", goods(), type_code="386"),
        case("380 final after one deposit",
             deposits=[{"number": "F2026-0007", "issue_date": "2026-10-05", "amount": "30.00"}]),
        case("380 final after two deposits", goods(quantity="10"),
             deposits=[{"number": "F2026-0007", "issue_date": "2026-10-05", "amount": "30.00"},
                       {"number": "F2026-0009", "issue_date": "2026-10-25", "amount": "60.00"}]),
        case("380 final wholly paid by its deposit",
             deposits=[{"number": "F2026-0007", "issue_date": "2026-10-05", "amount": "120.00"}]),
        case("393 factored", type_code="393", **factor),
        case("396 factored credit note", type_code="396", preceding_invoices=CREDITED, **factor),
        case("472 factored correction", type_code="472", preceding_invoices=CREDITED, **factor),
        case("503 credit note on a deposit", type_code="503", preceding_invoices=CREDITED),
        case("262 global rebate", line(name="Remise annuelle", quantity="1"), type_code="262",
            contract_reference="C-2026",
             period={"start": "2026-01-01", "end": "2026-10-31"}),
    ]  # fmt: skip


def frames() -> list[Case]:
    """BT-23, derived or stated."""
    paid = {"prepaid_amount": "120.00", "due_date": "2026-11-10"}
    return [
        case("B1 goods", goods()),
        case("S1 services"),
        case("M1 goods and services", line(), goods()),
        case("B2 goods already paid", goods(), **paid),
        case("S2 services already paid", **paid),
        case("M2 both already paid", line(quantity="1"), goods(quantity="1"), **paid),
        case("S3 direct payment of a subcontractor", process="S3"),
        case("S5 subcontractor", process="S5"),
        case("S6 co-contractor", process="S6"),
        case("B7 VAT reported before", goods(), process="B7"),
        case("S7 VAT reported before", process="S7"),
        case("operation stated for all lines", operation="both"),
    ]


def categories() -> list[Case]:
    """BT-151: rates, exemptions, overseas, reverse charge, export."""
    exempt = {"vat_category": "E", "vat_rate": None}
    franchise = seller(vat_exemption="VATEX-FR-FRANCHISE", vat_id=None)
    return [
        case("S 20", line()),
        case("S 10", line(vat_rate="10")),
        case("S 5.5", line(vat_rate="5.5")),
        case("S 2.1", line(vat_rate="2.1")),
        case("S four rates", *(line(vat_rate=rate) for rate in ("20", "10", "5.5", "2.1"))),
        case("S overseas 8.5 Reunion", line(vat_rate="8.5"), buyer=overseas("RE", "97400", "Saint-Denis")),
        case("S overseas 8.5 Martinique", line(vat_rate="8.5"), buyer=overseas("MQ", "97200", "Fort-de-France")),
        case("S overseas 2.1 Guadeloupe", line(vat_rate="2.1"), buyer=overseas("GP", "97110", "Pointe-à-Pitre")),
        case("S with Corsican 0.9", line(vat_rate="0.9"),
             buyer=buyer(address={"line1": "1 cours Napoléon", "postcode": "20000", "city": "Ajaccio"})),
        case("Z zero rate", line(vat_category="Z", vat_rate=None), buyer=abroad("CH", None)),
        case("E franchise 293 B", line(**exempt), by=franchise),
        case("E health", line(**exempt),
             vat_exemptions=[{"vat_category": "E", "code": "VATEX-EU-132-1C"}]),
        case("E with taxed lines", line(), line(**exempt), vat_exemptions=[{"vat_category": "E",
            "code": "VATEX-EU-132-1I"}]),
        case("AE reverse charge in France", line(vat_category="AE", vat_rate=None)),
        case("AE services to Germany", line(vat_category="AE", vat_rate=None), buyer=abroad("DE", "DE136695976")),
        case("K goods to Belgium", goods(vat_category="K", vat_rate=None), buyer=abroad("BE", "BE0428759497"),
             delivery={"date": "2026-11-10", "address": {"line1": "1 Main Street", "postcode": "1000",
             "city": "Bruxelles", "country": "BE"}}),
        case("G goods to the United States", goods(vat_category="G", vat_rate=None), buyer=abroad("US", None),
            language="en"),
        case("O out of scope", line(vat_category="O", vat_rate=None), by=seller(vat_id=None),
             buyer=abroad("US", None)),
        case("margin scheme of second-hand goods", goods(**exempt), margin_scheme="second_hand"),
        case("margin scheme of a travel agency", line(**exempt), margin_scheme="travel_agency"),
        case("member of a VAT group", by=seller(
            vat_group=VatGroup("404833048", "FR83404833048", "Groupe Lumière SA", Address("FR", "1 place Bellecour",
            postcode="69002", city="Lyon")))),
        case("VAT on debits", by=seller(vat_on_debits=True)),
        case("VAT on collection stated", tax_point="payment"),
        case("VAT on delivery stated", tax_point="delivery"),
        case("VAT due on a day", tax_point_date="2026-11-10"),
    ]  # fmt: skip


def currencies() -> list[Case]:
    """BT-5, BT-6, BT-111."""
    rated = {"vat_exchange_rate": {"rate": "0.9234", "date": "2026-11-13"}}
    return [
        case("USD with VAT in euros", currency="USD", totals={"vat_accounting": "18.47"}),
        case("USD by exchange rate", currency="USD", **rated),
        case("CHF by exchange rate", currency="CHF", vat_exchange_rate={"rate": "1.0641", "date": "2026-11-13"}),
        case("GBP with two rates", line(), line(vat_rate="5.5"), currency="GBP",
             vat_exchange_rate={"rate": "1.1402", "date": "2026-11-13"}),
        case("JPY without decimals", line(quantity="3", net_price="1234"), currency="JPY",
             vat_exchange_rate={"rate": "0.0061", "date": "2026-11-13"}),
        case("PLN in English", currency="PLN", vat_exchange_rate={"rate": "0.2345", "date": "2026-11-13"},
            language="en"),
        case("USD credit note", currency="USD", type_code="381", preceding_invoices=CREDITED, **rated),
    ]  # fmt: skip


def amounts() -> list[Case]:
    """Allowances, charges, prices, units, rounding."""
    return [
        case("line allowance by percent", line(allowances=[{"percent": "10", "reason": "Fidélité",
            "reason_code": "95"}])),
        case("line allowance and charge", line(allowances=[{"amount": "5.00", "reason": "Remise"}],
                                               charges=[{"amount": "2.50", "reason": "Emballage",
                                                   "reason_code": "PC"}])),
        case("document allowance", allowances=[{"amount": "10.00", "reason": "Remise", "vat_rate": "20"}]),
        case("document charge", charges=[{"amount": "7.90", "reason": "Port", "reason_code": "FC", "vat_rate": "20"}]),
        case("document allowance over two rates", line(), line(vat_rate="10"),
             allowances=[{"percent": "5", "base_amount": "100.00", "reason": "Remise", "vat_rate": "20"},
                         {"percent": "5", "base_amount": "100.00", "reason": "Remise", "vat_rate": "10"}]),
        case("charge without VAT among taxed lines", charges=[{"amount": "8.00", "reason": "Débours",
            "vat_category": "E"}],
             vat_exemptions=[{"vat_category": "E", "code": "VATEX-EU-79-C"}]),
        case("six decimals of price", line(quantity="1234.5678", net_price="0.012345")),
        case("price per thousand", line(quantity="2500", net_price="89.90", price_base_quantity="1000")),
        case("gross price and discount", line(net_price=None, gross_price="60.00", price_discount="10.00")),
        case("units of weight, time and length", line(unit="KGM"), line(unit="HUR"), line(unit="MTR"),
            line(unit="KWH")),
        case("negative line beside a positive", line(quantity="5"), line(quantity="-1", name="Reprise")),
        case("free line", line(), line(name="Échantillon", net_price="0")),
        case("rounding of the amount due", line(quantity="1", net_price="10.01"), rounding_amount="-0.01"),
        case("halves of a cent", *(line(quantity="1", net_price="0.125", name=f"Vis {n}") for n in range(7))),
        case("nothing to pay", line(net_price="0")),
        case("a large amount", line(quantity="1", net_price="9999999.99")),
    ]  # fmt: skip


def terms() -> list[Case]:
    """Parties, references, delivery, payment, notes, attachments."""

    def attached(filename: str, mime: str, content: bytes) -> dict[str, Any]:
        return {"reference": filename.split(".", maxsplit=1)[0], "description": "DOCUMENT_ANNEXE", "filename": filename,
                "mime": mime, "content": base64.b64encode(content).decode()}  # fmt: skip

    csv, png = attached("releve.csv", "text/csv", b"jour;kWh\n1;12\n"), attached("photo.png", "image/png", PIXEL)
    references = {
        "buyer_reference": "SERV-7", "project_reference": "PROJ-1", "contract_reference": "CT-9",
        "purchase_order": "PO-1",
        "sales_order": "SO-1", "receiving_advice": "RA-1", "despatch_advice": "BL-1", "tender_reference": "LOT-3",
        "accounting_reference": "606100", "object_id": {"value": "PDL-123", "scheme": "AVE"},
    }  # fmt: skip
    everything = line(
        description="Dépose, pose, essais. " * 8, note="Sur rendez-vous", line_id="10", order_line="3",
        accounting_reference="6061", period={"start": "2026-10-01", "end": "2026-10-31"}, seller_item_id="LUM-1",
        buyer_item_id="X-9", standard_item_id={"value": "3760123456789", "scheme": "0160"}, origin_country="IT",
        classifications=[{"code": "39110000", "scheme": "STI"}], attributes=[{"name": "Couleur", "value": "blanc"}],
        object_id={"value": "PDL-1", "scheme": "AVE"},
    )  # fmt: skip
    state = buyer(name="Ministère de l'Essai", public=True, siren="110002011", siret="11000201100044",
                  vat_id=None, service_code="SERVICE-1", engagement="EJ-2026-77")  # fmt: skip
    return [
        case("references of every kind", **references),
        case("a line with every term", everything),
        case("delivery elsewhere", delivery={"date": "2026-11-10", "name": "Chantier Nord",
            "location": {"value": "73282932000074", "scheme": "0009"},
             "address": {"line1": "Zone Nord", "line2": "Quai 4", "line3": "Porte B", "postcode": "59000",
             "city": "Lille"}}),
        case("invoicing period", period={"start": "2026-10-01", "end": "2026-10-31"}),
        case("buyer with establishment and suffix", buyer=buyer(siret="55210055400013", trading_name="Chez Jo",
             endpoint={"value": "552100554_COMPTA", "scheme": "0225"}, contact={"name": "Comptabilité",
             "phone": "+33 1", "email": "c@exemple.fr"})),
        case("public buyer for Chorus Pro", buyer={k: v for k, v in state.items() if v is not None}),
        case("consumer", buyer=consumer()),
        case("consumer abroad in English", buyer=consumer(address={"line1": "1 Dorf", "postcode": "8000",
            "city": "Zürich", "country": "CH"}), language="en"),
        case("payee is not the seller", payee={"name": "Holding Lumière", "siren": "100000009"}),
        case("direct debit", payment={"means_code": "59", "mandate_reference": "RUM-1",
            "creditor_id": "FR12ZZZ123456", "debited_iban": "FR7630006000011234567890189"}),
        case("card", payment={"means_code": "48"}, prepaid_amount="120.00", due_date="2026-11-16"),
        case("cheque", payment={"means_code": "20"}),
        case("no account at all", by=seller(iban=None, bic=None, holder=None)),
        case("early-payment discount", terms={"penalty_rate": "12", "discount_percent": "2", "discount_days": 8}),
        case("notes of several subjects", notes=[{"text": "Merci.", "subject": "AAI"}, {"text": "Travaux de nuit"}]),
        case("CSV attached", attachments=[csv]),
        case("PNG and link attached", attachments=[png, {"reference": "CGV", "url": "https://exemple.fr/cgv.pdf"}]),
        case("English page", language="en", purchase_order="PO-7"),
        case("logo and colour", logo_svg=LOGO, colour="#1d4ed8"),
        case("light colour", colour="#facc15"),
        case("Greek, Cyrillic, Polish and a ligature", line(name="Œuvre « Ελλάδα » Жуковский, Łódź, €, ½"),
             buyer=buyer(name='Ægir & Søn "<Łódź>" #panic() *$x$*')),
        case("very long words and texts",
            line(name="Accompagnement " * 12 + "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk",
                                               description="Une description qui passe à la ligne. " * 40)),
    ]  # fmt: skip


def lengths() -> list[Case]:
    """From one line to fifty pages."""
    return [case(f"{count} lines", *many(count)) for count in (2, 5, 17, 33, 60, 120, 200, 400)]


def levels() -> list[Case]:
    """EXTENDED with the terms of the French extension, and BASIC WL without lines."""
    place = {"line1": "5 rue du Lac", "postcode": "74000", "city": "Annecy"}
    third = {"name": "Agence du Lac SARL", "siren": "100000009", "address": place}
    dated = {"number": "F2026-0001", "issue_date": "2026-10-01", "line": "1"}
    return [
        case("EXTENDED without extension", profile="extended"),
        case("EXTENDED payer", payer={**third, "role": "DL"}),
        case("EXTENDED agents of buyer and seller", buyer_agent={**third, "role": "AB"}, seller_agent=third),
        case("EXTENDED invoicer and invoicee", invoicer={**third, "role": "II"}, invoicee={**third, "role": "IV"}),
        case("EXTENDED factor with address", type_code="393",
             payee={"name": "Factor Océan SA", "siren": "100000009", "role": "DL", "address": place},
             payment={"iban": "FR1420041010050500013M02606", "holder": "Factor Océan SA"}),
        case("EXTENDED dates of references", purchase_order="PO-1", purchase_order_date="2026-09-01",
             despatch_advice="BL-1", despatch_advice_date="2026-11-02", contract_reference="CT-1",
             contract_date="2026-01-02"),
        case("EXTENDED Incoterms", goods(), delivery_terms={"code": "DAP", "place": "Marseille"}),
        case("EXTENDED several invoiced objects", object_id={"value": "A1", "scheme": "IT"},
             more_object_ids=[{"value": "A2", "scheme": "AFL"}]),
        case("EXTENDED exchange rate", currency="USD", vat_exchange_rate={"rate": "0.9234", "date": "2026-11-13"},
             profile="extended"),
        case("EXTENDED groups of lines",
             {"name": "Lot", "kind": "GROUP", "line_id": "1", "quantity": "2", "net_price": "100"},
             line(line_id="2", kind="DETAIL", parent_line="1"),
             line(line_id="3", kind="DETAIL", parent_line="1", vat_rate="10"),
             {"name": "Info", "kind": "INFORMATION", "quantity": "1"}),
        case("EXTENDED notes on a line", line(note="Fragile", notes=[{"text": "Lot 7", "subject": "AAI"}])),
        case("EXTENDED references by line", line(
            order_number="PO-9", order_date="2026-09-01", order_line="4", sales_order={"number": "SO-1", "line": "1"},
            despatch_advice={"number": "BL-9", "line": "2", "issue_date": "2026-11-02"},
            receiving_advice={"number": "RA-1", "line": "2"})),
        case("EXTENDED place of delivery by line", goods(delivery={
            "date": "2026-11-04", "name": "Dépôt Sud", "address": place})),
        case("EXTENDED invoice credited by line", line(preceding_invoice=dated), type_code="381",
             preceding_invoices=CREDITED),
        case("EXTENDED measured item", line(attributes=[{"name": "Poids", "measure": "12.5", "measure_unit": "KGM"}])),
        case("EXTENDED credit note", type_code="381", preceding_invoices=CREDITED, profile="extended"),
        case("EXTENDED deposit", type_code="386", profile="extended"),
        case("EXTENDED two hundred lines", *many(200), profile="extended"),
        case("BASIC WL", profile="basicwl"),
        case("BASIC WL of several rates", *many(9), profile="basicwl"),
        case("BASIC WL credit note", type_code="381", preceding_invoices=CREDITED, profile="basicwl"),
        case("BASIC WL with allowance", allowances=[{"amount": "10.00", "reason": "Remise", "vat_rate": "20"}],
             profile="basicwl"),
    ]  # fmt: skip


GROUPS = {
    "kinds (BT-3)": kinds,
    "frames (BT-23)": frames,
    "VAT": categories,
    "currencies": currencies,
    "amounts": amounts,
    "parties, references, payment, attachments": terms,
    "lengths": lengths,
    "levels": levels,
}


def all_cases() -> list[Case]:
    """Every case, in a fixed order; names are unique."""
    return [each for group in GROUPS.values() for each in group()]
