"""What an invoice says in Factur-X BASIC WL: everything but what that profile's schema has no place for.

Left out are, of EN 16931: the lines (BG-25), the supporting documents (BG-24), BT-7, BT-11, BT-14, BT-15, BT-17, BT-18,
the seller's legal form (BT-33), the contacts (BG-6, BG-9), BT-82, the name and BIC of an account (BT-85, BT-86), the
card (BG-18) and the rounding amount (BT-114); and every term of the French extension. The totals stay as they are, so
that an invoice with a rounding amount is refused in this profile (BR-CO-16).

Source: XSD of Factur-X 1.09 BASIC WL.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from einvoice.document import Document, Party, Payee, PaymentInstructions


def basic_wl(document: Document) -> Document:
    """``document`` without the terms that BASIC WL has no place for; BT-24 stays as it is."""
    return replace(
        document,
        lines=(),
        attachments=(),
        tax_point_date=None,
        project_reference=None,
        sales_order=None,
        receiving_advice=None,
        tender_reference=None,
        object_id=None,
        seller=_party(document.seller),
        buyer=_party(document.buyer),
        payee=_payee(document.payee) if document.payee else None,
        payment=_payment(document.payment) if document.payment else None,
        totals=replace(document.totals, rounding=None),
        preceding=tuple(replace(each, type_code=None, line=None) for each in document.preceding),
        allowances_charges=tuple(
            replace(each, exemption_reason=None, exemption_code=None) for each in document.allowances_charges
        ),
        payer=None,
        buyer_agent=None,
        seller_agent=None,
        invoicer=None,
        invoicee=None,
        purchase_order_on=None,
        despatch_advice_on=None,
        contract_on=None,
        contract_type=None,
        more_object_ids=(),
        delivery_terms=None,
        exchange=None,
    )


def _party(party: Party) -> Party:
    return replace(party, legal_form=None, contact=None)


def _payee(payee: Payee) -> Payee:
    return replace(payee, role=None, more_identifiers=(), vat_id=None, endpoint=None, address=None, contact=None)


def _payment(payment: PaymentInstructions) -> PaymentInstructions:
    accounts = tuple(replace(account, holder=None, bic=None) for account in payment.accounts)
    return replace(payment, means_text=None, card_number=None, card_holder=None, accounts=accounts)
