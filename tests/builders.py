"""Small builders of sellers, requests and documents for all tests: valid by default, changed by keyword."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from einvoice.composing.build import SellerProfile, build_document
from einvoice.document import Address, Contact, Document
from einvoice.request.model import InvoiceRequest

SELLER_SIREN = "732829320"
BUYER_SIREN = "552100554"
TODAY = date(2026, 11, 2)


def seller(**changes: Any) -> SellerProfile:
    """A French service seller with a bank account."""
    profile = SellerProfile(
        name="Atelier Lumière SARL",
        siren=SELLER_SIREN,
        siret="73282932000074",
        vat_id="FR44732829320",
        address=Address("FR", line1="12 rue des Acacias", postcode="69003", city="Lyon"),
        legal_form="SARL au capital de 20 000 EUR",
        registration="RCS Lyon 732 829 320",
        iban="FR7630006000011234567890189",
        bic="AGRIFRPP",
        holder="Atelier Lumière",
        contact=Contact(name="Comptabilité", phone="+33 4 72 00 00 00", email="compta@atelier-lumiere.example"),
    )
    return replace(profile, **changes)


def buyer(**changes: Any) -> dict[str, Any]:
    """A French business customer, as our JSON names it."""
    party = {
        "name": "Brasserie du Port SAS",
        "siren": BUYER_SIREN,
        "vat_id": "FR96552100554",
        "address": {"line1": "3 quai Nord", "postcode": "13002", "city": "Marseille"},
    }
    return {**party, **changes}


def line(**changes: Any) -> dict[str, Any]:
    """One line of 2 x 50.00 at 20 %, as our JSON names it."""
    return {"name": "Pose de luminaires", "quantity": Decimal(2), "net_price": "50.00", "vat_rate": "20", **changes}


def request(*lines: dict[str, Any], **changes: Any) -> InvoiceRequest:
    """A request for an invoice with ``lines``, or one ordinary line."""
    return InvoiceRequest.model_validate({"buyer": buyer(), "lines": list(lines) or [line()], **changes})


def document(*lines: dict[str, Any], number: str = "F2026-0001", **changes: Any) -> Document:
    """The document of ``request(*lines, **changes)`` by the ordinary seller."""
    return build_document(request(*lines, **changes), seller(), number, TODAY)


def credit_note(**changes: Any) -> Document:
    """A credit note (381) on invoice F2026-0001."""
    preceding = [{"number": "F2026-0001", "issue_date": "2026-10-01"}]
    return document(number="A2026-0001", **{"type_code": "381", "preceding_invoices": preceding, **changes})


def deposit(**changes: Any) -> Document:
    """A deposit invoice (386)."""
    return document(number="F2026-0002", **{"type_code": "386", **changes})


def write_request(request: InvoiceRequest) -> bytes:
    """``request`` as the JSON that a supplier would send, read back to the same value."""
    return json.dumps(request.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False).encode()
