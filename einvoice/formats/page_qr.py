"""The QR codes of the page: the pay link, and the SEPA transfer of EPC069-12."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import segno
from segno.helpers import make_epc_qr

from einvoice.formats.page_figures import compact, is_iban, printable
from einvoice.formats.payment_reference import is_rf

if TYPE_CHECKING:
    from einvoice.document import Document

INK = "#14181f"
"""Nearly black: what a phone reads, and the ink of the page."""
TRANSFER_MEANS = frozenset({"30", "42", "58"})
"""BT-81 codes of a transfer that the buyer makes; a debit (49, 59) must not be paid twice."""
SEPA_MOST = Decimal("999999999.99")
SEPA_NAME_LENGTH = 70
"""Limits of EPC069-12, in euros and in characters."""


def draw_link(url: str) -> str:
    """The QR code of ``url``, as SVG."""
    return _draw(segno.make_qr(url, error="m"))


def draw_transfer(document: Document) -> str | None:
    """The EPC069-12 code (version 002, UTF-8, level M) of the SEPA transfer that pays ``document``, as SVG.

    None where there is nothing to transfer (no IBAN, another currency, a debit, a credit note, an amount out of range)
    and where a term does not fit into the code, e.g. a reference of more than 140 characters: a shortened one would
    not be matched. The page prints the bank details in any case.
    """
    payment, payable = document.payment, document.totals.payable
    if document.currency != "EUR" or document.is_credit_note or not 0 < payable <= SEPA_MOST:
        return None
    if payment is None or payment.means_code not in TRANSFER_MEANS:
        return None
    account = next((account for account in payment.accounts if is_iban(account.number)), None)
    if account is None:
        return None
    payee = document.payee or document.seller
    reference = compact(payment.remittance or "")
    structured = is_rf(reference)
    try:
        code = make_epc_qr(
            name=_one_line(account.holder or payee.name)[:SEPA_NAME_LENGTH],
            iban=compact(account.number),
            amount=payable,
            bic=compact(account.bic) if account.bic else None,
            reference=reference if structured else None,
            text=None if structured else _one_line(payment.remittance or document.number),
            encoding="utf-8",
        )
    except ValueError:
        return None
    return _draw(code)


def _one_line(text: str) -> str:
    """``text`` without line breaks: in EPC069-12 a line is a field, so that a break in a name would be another IBAN."""
    return " ".join(printable(text).split())


def _draw(code: segno.QRCode) -> str:
    """A QR code as SVG, without border: the page leaves the quiet zone."""
    return str(code.svg_inline(border=0, dark=INK))
