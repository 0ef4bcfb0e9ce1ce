"""Invented suppliers: a valid purchase invoice for a client, made on the spot."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from config.clock import today
from einvoice.composing.build import build_document
from einvoice.composing.seller import SellerProfile
from einvoice.document import Address
from einvoice.errors import EInvoiceError
from einvoice.formats.facturx import write_facturx
from einvoice.formats.profiles import in_form
from einvoice.rendering import WRITERS
from einvoice.request.reading import parse_request

if TYPE_CHECKING:
    from decimal import Decimal

    from portal.sandboxes.platform.directory.entries import Company

Form = Literal["facturx", "cii", "ubl"]
SYNTAXES: dict[str, str] = {"facturx": "Factur-X", "cii": "CII", "ubl": "UBL"}
"""The norm's ``flowSyntax`` by form."""


class SupplyError(ValueError):
    """No invoice can be made of what was asked; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Supplier:
    """An invented supplier and what it sells: name, price, unit (UN/ECE rec. 20), VAT rate in percent."""

    profile: SellerProfile
    articles: tuple[tuple[str, str, str, str], ...]


def _profile(name: str, siren: str, vat_id: str, city: tuple[str, str], nature: Literal["goods", "services"]) -> Any:
    return SellerProfile(
        name=name,
        siren=siren,
        vat_id=vat_id,
        address=Address("FR", "5 rue de l'Essai", postcode=city[0], city=city[1]),
        iban="FR7630004000010000098765439",
        legal_form="SAS au capital de 10 000 EUR",
        registration=f"RCS {city[1]} {siren}",
        nature=nature,
    )


SUPPLIERS = (
    Supplier(
        _profile("Énergies du Ponant", "920000163", "FR40920000163", ("29200", "Brest"), "services"),
        (("Électricité, abonnement mensuel", "84.20", "MON", "20"), ("Relevé de compteur", "35", "C62", "20")),
    ),
    Supplier(
        _profile("Fournitures Bellecour", "920000247", "FR01920000247", ("69002", "Lyon"), "goods"),
        (("Papier A4, ramette", "4.35", "C62", "20"), ("Manuel professionnel", "39.90", "C62", "5.5")),
    ),
    Supplier(
        _profile("Transports Aubrac", "920000320", "FR26920000320", ("12000", "Rodez"), "services"),
        (("Course de ville à ville", "145", "C62", "20"), ("Manutention, heure", "32.50", "HUR", "20")),
    ),
)


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a client is to receive. Without an ``amount`` (net, EUR) the lines are drawn; ``seed`` makes them again."""

    number: str
    form: Form = "cii"
    supplier: int = 0
    amount: Decimal | None = None
    order: str | None = None
    seed: int = 0


def make_invoice(purchase: Purchase, buyer: Company) -> bytes:
    """The file of the invoice.

    Raises:
        SupplyError: the amount or the number cannot stand in an invoice.
    """
    seller = SUPPLIERS[purchase.supplier % len(SUPPLIERS)]
    try:
        request = parse_request(json.dumps(_request(seller, purchase, buyer)).encode())
        document = in_form(build_document(request, seller.profile, purchase.number, today()), purchase.form)
        xml = WRITERS["ubl" if purchase.form == "ubl" else "cii"](document)
        return write_facturx(document, xml) if purchase.form == "facturx" else xml
    except EInvoiceError as error:
        raise SupplyError(error.sentence) from error


def _request(seller: Supplier, purchase: Purchase, buyer: Company) -> dict[str, Any]:
    line = buyer.lines[0].address if buyer.lines else buyer.siren
    facility = buyer.facilities[0] if buyer.facilities else None
    return {
        "buyer": {
            "name": buyer.name,
            "siren": buyer.siren,
            "endpoint": {"value": line, "scheme": "0225"},
            "address": {
                "line1": facility.street if facility else "1 rue de l'Essai",
                "postcode": facility.postcode if facility else "75001",
                "city": facility.city if facility else "Paris",
                "country": "FR",
            },
        },
        "lines": _lines(seller, purchase),
        **({"purchase_order": purchase.order} if purchase.order else {}),
    }


def _lines(seller: Supplier, purchase: Purchase) -> list[dict[str, Any]]:
    if purchase.amount is not None:
        name, _, unit, rate = seller.articles[0]
        return [{"name": name, "quantity": 1, "unit": unit, "net_price": str(purchase.amount), "vat_rate": rate}]
    random = Random(purchase.seed)  # noqa: S311 -- the same invoice again, no secret
    return [
        {"name": name, "quantity": random.randint(1, 9), "unit": unit, "net_price": price, "vat_rate": rate}
        for name, price, unit, rate in seller.articles
    ]
