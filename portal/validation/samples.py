"""Two invented invoices to try the page with: a correct one, and the same with a wrong total and a missing mention."""

from __future__ import annotations

from datetime import date
from functools import cache

from einvoice.composing.build import build_document
from einvoice.composing.seller import SellerProfile
from einvoice.document import Address
from einvoice.formats.cii import write_cii
from einvoice.formats.facturx import write_facturx
from einvoice.request.reading import parse_request

FILENAME = "F2026-00042.pdf"
_ISSUED_ON = date(2026, 11, 2)
_SELLER = SellerProfile(
    name="Atelier Kerbrat",
    siren="812345015",
    address=Address("FR", "12 quai de la Fosse", postcode="44000", city="Nantes"),
    vat_id="FR73812345015",
    iban="FR7630004000010008123450115",
    legal_form="SARL au capital de 20 000 EUR",
    nature="services",
)
_REQUEST = """{
  "buyer": {
    "name": "Boulangerie Martin", "siren": "732829320",
    "address": {"line1": "1 rue du Four", "postcode": "75006", "city": "Paris", "country": "FR"}
  },
  "delivery": {"date": "2026-10-30"},
  "lines": [
    {"name": "Identité visuelle", "quantity": "1", "net_price": "2400.00", "vat_rate": "20"},
    {"name": "Maintenance du site, par mois", "quantity": "3", "unit": "MON", "net_price": "190.00", "vat_rate": "20"}
  ]
}"""
_FAULTS = (
    (b"GrandTotalAmount>3564.00<", b"GrandTotalAmount>3654.00<"),
    (b"<ram:SubjectCode>PMT<", b"<ram:SubjectCode>AAI<"),
)


@cache
def sample(*, faulty: bool) -> bytes:
    """A Factur-X file of ours; ``faulty`` has two digits of the total swapped and no recovery indemnity."""
    document = build_document(parse_request(_REQUEST.encode()), _SELLER, "F2026-00042", _ISSUED_ON)
    cii = write_cii(document)
    if faulty:
        for right, wrong in _FAULTS:
            if right not in cii:
                raise LookupError(f"The sample has no {right!r} to spoil: adapt portal/validation/samples.py.")
            cii = cii.replace(right, wrong)
    return write_facturx(document, cii)
