"""The QR codes of the page: the pay link, and the SEPA transfer of EPC069-12."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import zxingcpp

from einvoice.formats.page_figures import compact, is_iban, printable
from einvoice.formats.payment_reference import is_rf

if TYPE_CHECKING:
    from einvoice.document import Document

INK = "#14181f"
"""Nearly black: what a phone reads, and the ink of the page."""
TRANSFER_MEANS = frozenset({"30", "42", "58"})
"""BT-81 codes of a transfer that the buyer makes; a debit (49, 59) must not be paid twice."""
SEPA_LEAST, SEPA_MOST = Decimal("0.01"), Decimal("999999999.99")
"""Amounts of EPC069-12, in euros."""
SEPA_NAME_LENGTH, SEPA_TEXT_LENGTH = 70, 140
BIC_LENGTHS = frozenset({8, 11})
SEPA_PAYLOAD_BYTES = 329
"""What a code of version 13, the largest that EPC069-12 allows, holds at level M beside its character set."""


def draw_link(url: str) -> str:
    """The QR code of ``url``, as SVG."""
    return _draw(url)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A SEPA transfer in euros, as a payer's bank wants to know it; ``reference`` is an RF reference or plain text."""

    holder: str
    iban: str
    bic: str | None
    amount: Decimal
    reference: str


def draw_transfer(document: Document) -> str | None:
    """The EPC069-12 code of the SEPA transfer that pays ``document``, as SVG.

    None where there is nothing to transfer (no IBAN, another currency, a debit, a credit note) and where ``draw_epc``
    has none. The page prints the bank details in any case.
    """
    payment = document.payment
    if document.currency != "EUR" or document.is_credit_note:
        return None
    if payment is None or payment.means_code not in TRANSFER_MEANS:
        return None
    account = next((account for account in payment.accounts if is_iban(account.number)), None)
    if account is None:
        return None
    holder = account.holder or (document.payee or document.seller).name
    reference = payment.remittance or document.number
    return draw_epc(Transfer(holder, account.number, account.bic, document.totals.payable, reference))


def draw_epc(transfer: Transfer, *, quiet_zone: bool = False) -> str | None:
    """The code of a SEPA transfer (EPC069-12 version 002, UTF-8, level M) as SVG.

    None where a term does not fit: an amount out of range, no name, a BIC that is none, or a reference of more than 140
    characters, because a shortened one would not be matched.
    """
    name = _one_line(transfer.holder)[:SEPA_NAME_LENGTH].strip()
    bic = compact(transfer.bic or "")
    reference = compact(transfer.reference)
    text = _one_line(transfer.reference)
    if not SEPA_LEAST <= transfer.amount <= SEPA_MOST:
        return None
    if not name or len(text) > SEPA_TEXT_LENGTH or (bic and len(bic) not in BIC_LENGTHS):
        return None
    amount = f"EUR{transfer.amount:.2f}".rstrip("0").rstrip(".")
    fields = ["BCD", "002", "1", "SCT", bic, name, compact(transfer.iban), amount, ""]
    payload = "\n".join([*fields, reference] if is_rf(reference) else [*fields, "", text])
    return _draw(payload, quiet_zone=quiet_zone) if len(payload.encode()) <= SEPA_PAYLOAD_BYTES else None


def _one_line(text: str) -> str:
    """``text`` without line breaks: in EPC069-12 a line is a field, so that a break in a name would be another IBAN."""
    return " ".join(printable(text).split())


def _draw(text: str, *, quiet_zone: bool = False) -> str:
    """The QR code of ``text`` at level M as SVG, without border: the printed page leaves the quiet zone.

    Where it is not ASCII the code says that it is UTF-8 (ECI 26): ISO/IEC 18004 takes unmarked bytes for ISO 8859-1.
    """
    charset = {} if text.isascii() else {"eci": "UTF-8"}
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M", **charset)
    return code.to_svg(add_quiet_zones=quiet_zone).replace("#000000", INK)
