"""What reading the header and the lines of a UBL file share: notes, references, allowances, Incoterms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from einvoice.document import AllowanceCharge, DeliveryTerms, Note, PrecedingInvoice
from einvoice.formats.ubl_terms import TAX_POINTS

if TYPE_CHECKING:
    from einvoice.formats.place import Place

SUBJECT = re.compile(r"#([A-Z0-9]{3})#(.*)", re.DOTALL)
"""A note with its subject code (BT-21) in front, as France writes it."""
TAX_POINT_OF = {code: tax_point for tax_point, code in TAX_POINTS.items()}


def read_note(text: str) -> Note:
    """BG-1 from a UBL note: ``#PMT#text`` carries the subject code PMT."""
    found = SUBJECT.fullmatch(text)
    return Note(found[2].strip(), found[1]) if found and found[2].strip() else Note(text)


def read_preceding(place: Place, own_number: str | None = None) -> list[PrecedingInvoice]:
    """BG-3, or the preceding invoices of a line, where ``own_number`` (BT-1) marks the place of a sub-line instead.

    Raises:
        ReadError: ``invoice.bad_value``.
    """
    return [
        PrecedingInvoice(
            number,
            each.day("cac:InvoiceDocumentReference/cbc:IssueDate", "BT-26/EXT-FR-FE-138"),
            each.text("cac:InvoiceDocumentReference/cbc:DocumentTypeCode"),
            each.text("cac:BillingReferenceLine/cbc:ID"),
        )
        for each in place.all("cac:BillingReference")
        if (number := each.text("cac:InvoiceDocumentReference/cbc:ID")) and number != own_number
    ]


def read_delivery_terms(place: Place, term: str) -> DeliveryTerms | None:
    """The Incoterms of the document or of a line, whose code is ``term``.

    Raises:
        ReadError: ``invoice.missing_term``.
    """
    terms = place.find("cac:DeliveryTerms")
    if terms is None:
        return None
    return DeliveryTerms(terms.need("cbc:ID", term), terms.text("cac:DeliveryLocation/cbc:Name"))


def read_allowances_charges(place: Place) -> list[AllowanceCharge]:
    """BG-20 and BG-21, or BG-27 and BG-28, in the order of the file.

    Raises:
        ReadError: ``invoice.bad_value`` or ``invoice.missing_term``.
    """
    return [_allowance_charge(each) for each in place.all("cac:AllowanceCharge")]


def _allowance_charge(place: Place) -> AllowanceCharge:
    is_charge = place.flag("cbc:ChargeIndicator", "BG-20/BG-21")
    category = place.group("cac:TaxCategory")
    return AllowanceCharge(
        is_charge=is_charge,
        amount=place.need_number("cbc:Amount", "BT-99/BT-141" if is_charge else "BT-92/BT-136"),
        base_amount=place.number("cbc:BaseAmount", "BT-93/BT-100"),
        percent=place.number("cbc:MultiplierFactorNumeric", "BT-94/BT-101"),
        reason=place.text("cbc:AllowanceChargeReason"),
        reason_code=place.text("cbc:AllowanceChargeReasonCode"),
        vat_category=category.text("cbc:ID"),
        vat_rate=category.number("cbc:Percent", "BT-96/BT-103"),
        exemption_reason=category.text("cbc:TaxExemptionReason"),
        exemption_code=category.text("cbc:TaxExemptionReasonCode"),
    )
