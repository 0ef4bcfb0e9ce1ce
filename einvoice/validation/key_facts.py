"""What a person recognises an invoice by, read even from one that is wrong: each fact is there or it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.safe_xml import UnsafeXmlError, parse
from einvoice.validation.standards import INVOICE_SYNTAXES, ROOTS, Syntax

if TYPE_CHECKING:
    from lxml import etree

_MOST_CHARACTERS = 200
_HEAD = "SupplyChainTradeTransaction/ApplicableHeaderTrade"
_SUMS = f"{_HEAD}Settlement/SpecifiedTradeSettlementHeaderMonetarySummation"
_CII = {
    "number": "ExchangedDocument/ID",
    "type_code": "ExchangedDocument/TypeCode",
    "issued_on": "ExchangedDocument/IssueDateTime/DateTimeString",
    "due_on": f"{_HEAD}Settlement/SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString",
    "seller": f"{_HEAD}Agreement/SellerTradeParty/Name",
    "seller_id": f"{_HEAD}Agreement/SellerTradeParty/SpecifiedLegalOrganization/ID",
    "buyer": f"{_HEAD}Agreement/BuyerTradeParty/Name",
    "buyer_id": f"{_HEAD}Agreement/BuyerTradeParty/SpecifiedLegalOrganization/ID",
    "currency": f"{_HEAD}Settlement/InvoiceCurrencyCode",
    "without_vat": f"{_SUMS}/TaxBasisTotalAmount",
    "vat": f"{_SUMS}/TaxTotalAmount",
    "with_vat": f"{_SUMS}/GrandTotalAmount",
    "payable": f"{_SUMS}/DuePayableAmount",
    "specification": "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID",
}
_PARTY = "Party/PartyLegalEntity"
_UBL = {
    "number": "ID",
    "issued_on": "IssueDate",
    "due_on": "DueDate",
    "seller": f"AccountingSupplierParty/{_PARTY}/RegistrationName",
    "seller_id": f"AccountingSupplierParty/{_PARTY}/CompanyID",
    "buyer": f"AccountingCustomerParty/{_PARTY}/RegistrationName",
    "buyer_id": f"AccountingCustomerParty/{_PARTY}/CompanyID",
    "currency": "DocumentCurrencyCode",
    "without_vat": "LegalMonetaryTotal/TaxExclusiveAmount",
    "vat": "TaxTotal/TaxAmount",
    "with_vat": "LegalMonetaryTotal/TaxInclusiveAmount",
    "payable": "LegalMonetaryTotal/PayableAmount",
    "specification": "CustomizationID",
}


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """The facts as written in the file, ``None`` where they are missing. ``type_code`` is BT-3."""

    number: str | None = None
    type_code: str | None = None
    issued_on: str | None = None
    due_on: str | None = None
    seller: str | None = None
    seller_id: str | None = None
    buyer: str | None = None
    buyer_id: str | None = None
    currency: str | None = None
    without_vat: str | None = None
    vat: str | None = None
    with_vat: str | None = None
    payable: str | None = None
    specification: str | None = None


def key_facts(xml: bytes | None) -> KeyFacts | None:
    """The facts of the invoice in ``xml``, or ``None`` where it is no invoice that can be read."""
    try:
        root = parse(xml or b"")
    except UnsafeXmlError:
        return None
    syntax = ROOTS.get(str(root.tag))
    if syntax not in INVOICE_SYNTAXES:
        return None
    paths = dict(_CII if syntax is Syntax.CII else _UBL)
    if syntax is not Syntax.CII:
        paths["type_code"] = "InvoiceTypeCode" if syntax is Syntax.UBL_INVOICE else "CreditNoteTypeCode"
    currency = _text(root, paths["currency"])
    return KeyFacts(**{fact: _text(root, path, currency) for fact, path in paths.items()})


def _text(root: etree._Element, path: str, currency: str | None = None) -> str | None:
    """What stands first at ``path``; of amounts in several currencies (BT-110, BT-111) the one in ``currency``."""
    found = root.findall("/".join(f"{{*}}{step}" for step in path.split("/")))
    chosen = next((each for each in found if currency in {None, each.get("currencyID", currency)}), None)
    text = " ".join((chosen.text or "").split()) if chosen is not None else ""
    return text[:_MOST_CHARACTERS] or None
