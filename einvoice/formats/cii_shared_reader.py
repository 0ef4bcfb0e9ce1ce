"""What reading the header and the lines of a CII share: notes, references, allowances, Incoterms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import AllowanceCharge, DeliveryTerms, Identifier, Note, PrecedingInvoice
from einvoice.formats.cii_terms import TAX_POINTS

if TYPE_CHECKING:
    from einvoice.formats.place import Place

DATE = "udt:DateTimeString"
"""Where a date stands below most elements."""
ISSUED = "ram:FormattedIssueDateTime/qdt:DateTimeString"
"""Where a referenced document has its date."""
TAX_POINT_OF = {code: tax_point for tax_point, code in TAX_POINTS.items()}


def read_notes(place: Place) -> list[Note]:
    """BG-1, or the notes of a line."""
    return [
        Note(text, each.text("ram:SubjectCode"))
        for each in place.all("ram:IncludedNote")
        if (text := each.text("ram:Content"))
    ]


def read_preceding(settlement: Place) -> list[PrecedingInvoice]:
    """BG-3, or the preceding invoices of a line.

    Raises:
        ReadError: ``invoice.bad_value``.
    """
    return [
        PrecedingInvoice(
            number,
            place.day(ISSUED, "BT-26/EXT-FR-FE-138"),
            place.text("ram:TypeCode"),
            place.text("ram:LineID"),
        )
        for place in settlement.all("ram:InvoiceReferencedDocument")
        if (number := place.text("ram:IssuerAssignedID"))
    ]


def read_delivery_terms(agreement: Place, term: str) -> DeliveryTerms | None:
    """The Incoterms of the document or of a line, whose code is ``term``.

    Raises:
        ReadError: ``invoice.missing_term``.
    """
    place = agreement.find("ram:ApplicableTradeDeliveryTerms")
    if place is None:
        return None
    return DeliveryTerms(place.need("ram:DeliveryTypeCode", term), place.text("ram:RelevantTradeLocation/ram:Name"))


def read_object(place: Place) -> Identifier | None:
    """BT-18 or BT-128."""
    value = place.text("ram:IssuerAssignedID")
    return Identifier(value, place.text("ram:ReferenceTypeCode")) if value else None


def read_allowances_charges(place: Place) -> list[AllowanceCharge]:
    """BG-20 and BG-21, or BG-27 and BG-28, in the order of the file.

    Raises:
        ReadError: ``invoice.bad_value`` or ``invoice.missing_term``.
    """
    return [_allowance_charge(each) for each in place.all("ram:SpecifiedTradeAllowanceCharge")]


def _allowance_charge(place: Place) -> AllowanceCharge:
    is_charge = place.flag("ram:ChargeIndicator/udt:Indicator", "BG-20/BG-21")
    header, line = ("BT-99", "BT-141") if is_charge else ("BT-92", "BT-136")
    category = place.group("ram:CategoryTradeTax")
    return AllowanceCharge(
        is_charge=is_charge,
        amount=place.need_number("ram:ActualAmount", f"{header}/{line}"),
        base_amount=place.number("ram:BasisAmount", "BT-93/BT-100"),
        percent=place.number("ram:CalculationPercent", "BT-94/BT-101"),
        reason=place.text("ram:Reason"),
        reason_code=place.text("ram:ReasonCode"),
        vat_category=category.text("ram:CategoryCode"),
        vat_rate=category.number("ram:RateApplicablePercent", "BT-96/BT-103"),
        exemption_reason=category.text("ram:ExemptionReason"),
        exemption_code=category.text("ram:ExemptionReasonCode"),
    )


def quoted(code: str) -> str:
    """``code`` safe inside an attribute test: a currency is letters only."""
    return "".join(character for character in code if character.isalnum())
