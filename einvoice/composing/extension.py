"""The French extension (EXT-FR-FE) of our own invoices: third parties, references by line, and the level they need.

The level (BT-24) is EN 16931 unless the invoice uses a term that only EXTENDED carries, or asks for another one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from einvoice.composing.parties import address_of, check_endpoint, check_siren, check_vat_id, identifier_of
from einvoice.composing.references import check_number
from einvoice.document import (
    SIREN_SCHEME,
    Contact,
    CurrencyExchange,
    DeliveryTerms,
    Identifier,
    LineDelivery,
    LineReference,
    Note,
    Payee,
    PrecedingInvoice,
    ThirdParty,
)
from einvoice.errors import BuildError
from einvoice.formats.profiles import Level, extended_terms, specification

if TYPE_CHECKING:
    from einvoice.document import Document
    from einvoice.request.extension import DeliveryTermsRequest, LineReferenceRequest, ThirdPartyRequest
    from einvoice.request.lines import LineRequest
    from einvoice.request.model import InvoiceRequest
    from einvoice.request.parties import ContactRequest, PayeeRequest

_PARTIES = ("payer", "buyer_agent", "seller_agent", "invoicer", "invoicee")


def at_level(document: Document, request: InvoiceRequest) -> Document:
    """``document`` with the BT-24 of the level that it needs or that the request asks for.

    Raises:
        BuildError: ``invoice.profile_too_small``.
    """
    used = extended_terms(document)
    level = Level(request.profile) if request.profile else (Level.EXTENDED if used else Level.EN16931)
    if used and level is not Level.EXTENDED:
        terms = ", ".join(used)
        raise BuildError(
            "invoice.profile_too_small",
            f"profile (BT-24) is {level.value}, but the invoice uses {terms}, which only the extended profile carries. "
            "Leave profile out, or remove these terms.",
            f"profile (BT-24) vaut {level.value}, mais la facture utilise {terms}, que seul le profil extended porte. "
            "Omettez profile, ou retirez ces termes.",
            term="BT-24",
            place="profile",
        )
    document = replace(document, profile=specification(level, "facturx"))
    rate = request.vat_exchange_rate
    if level is not Level.EXTENDED or rate is None:
        return document
    return replace(document, exchange=CurrencyExchange(request.currency, "EUR", rate.rate, rate.date))


def document_extension(request: InvoiceRequest) -> dict[str, Any]:
    """The fields of the document that are terms of the extension.

    Raises:
        BuildError: ``party.bad_siren``, ``party.bad_vat_id`` or ``party.bad_endpoint``.
    """
    parties = {name: _third_party(given, name) for name in _PARTIES if (given := getattr(request, name))}
    return {
        **parties,
        "purchase_order_on": request.purchase_order_date,
        "despatch_advice_on": request.despatch_advice_date,
        "contract_on": request.contract_date,
        "contract_type": request.contract_type,
        "more_object_ids": tuple(Identifier(each.value, each.scheme) for each in request.more_object_ids),
        "delivery_terms": _delivery_terms(request.delivery_terms),
    }


def line_extension(request: LineRequest, place: str) -> dict[str, Any]:
    """The fields of a line that are terms of the extension.

    Raises:
        BuildError: ``invoice.bad_number``.
    """
    preceding, delivery = request.preceding_invoice, request.delivery
    if preceding:
        check_number(preceding.number, f"{place}.preceding_invoice.number", "EXT-FR-FE-136")
    return {
        "kind": request.kind,
        "parent_line": request.parent_line,
        "more_notes": tuple(Note(each.text, each.subject) for each in request.notes),
        "more_object_ids": tuple(Identifier(each.value, each.scheme) for each in request.more_object_ids),
        "order_number": request.order_number,
        "order_on": request.order_date,
        "sales_order": _reference(request.sales_order),
        "despatch_advice": _reference(request.despatch_advice),
        "receiving_advice": _reference(request.receiving_advice),
        "preceding": PrecedingInvoice(preceding.number, preceding.issue_date, preceding.type_code, preceding.line)
        if preceding
        else None,
        "delivery": LineDelivery(
            name=delivery.name,
            location=identifier_of(delivery.location),
            delivered_on=delivery.date,
            address=address_of(delivery.address) if delivery.address else None,
        )
        if delivery
        else None,
        "delivery_terms": _delivery_terms(request.delivery_terms),
        "price_discount_reason": request.price_discount_reason,
        "price_discount_code": request.price_discount_code,
        "units_per_parent": request.units_per_parent,
        "units_per_parent_unit": (request.units_per_parent_unit or request.unit) if request.units_per_parent else None,
    }


def payee_of(request: PayeeRequest) -> Payee:
    """BG-10, with what EXTENDED adds.

    Raises:
        BuildError: ``party.bad_siren``, ``party.bad_vat_id`` or ``party.bad_endpoint``.
    """
    siren = check_siren(request.siren, "payee.siren", "BT-61") if request.siren else None
    return Payee(
        request.name,
        identifier_of(request.identifier),
        Identifier(siren, SIREN_SCHEME) if siren else None,
        role=request.role,
        more_identifiers=tuple(Identifier(each.value, each.scheme) for each in request.more_identifiers),
        vat_id=check_vat_id(request.vat_id, siren, "payee.vat_id", "EXT-FR-FE-27") if request.vat_id else None,
        endpoint=check_endpoint(identifier_of(request.endpoint), None, "payee.endpoint", "EXT-FR-FE-29"),
        address=address_of(request.address) if request.address else None,
        contact=_contact(request.contact),
    )


def _third_party(request: ThirdPartyRequest, place: str) -> ThirdParty:
    siren = check_siren(request.siren, f"{place}.siren", "EXT-FR-FE-49") if request.siren else None
    return ThirdParty(
        name=request.name,
        address=address_of(request.address) if request.address else None,
        role=request.role,
        trading_name=request.trading_name,
        identifiers=tuple(Identifier(each.value, each.scheme) for each in request.identifiers),
        legal_id=Identifier(siren, SIREN_SCHEME) if siren else None,
        vat_id=check_vat_id(request.vat_id, siren, f"{place}.vat_id", "EXT-FR-FE-51") if request.vat_id else None,
        endpoint=check_endpoint(identifier_of(request.endpoint), None, f"{place}.endpoint", "EXT-FR-FE-52"),
        contact=_contact(request.contact),
    )


def _contact(request: ContactRequest | None) -> Contact | None:
    return Contact(name=request.name, phone=request.phone, email=request.email) if request else None


def _reference(request: LineReferenceRequest | None) -> LineReference | None:
    return LineReference(request.number, request.line, request.issue_date) if request else None


def _delivery_terms(request: DeliveryTermsRequest | None) -> DeliveryTerms | None:
    return DeliveryTerms(request.code, request.place) if request else None
