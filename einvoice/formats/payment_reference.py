"""The structured creditor reference (ISO 11649, *RF*) by which a transfer finds its invoice.

Two check digits tell a mistyped reference from a right one, and the reference travels through SEPA unharmed
(at most 25 characters of ``A-Z0-9``).
"""

from __future__ import annotations

from stdnum import iso11649
from stdnum.iso7064 import mod_97_10

from einvoice.errors import EInvoiceError

PREFIX = "RF"
MOST_CHARACTERS = 21
"""Characters behind the prefix and the two check digits (ISO 11649)."""


class PaymentReferenceError(EInvoiceError):
    """No reference follows from this number: ``payment.reference_too_long`` or ``payment.reference_empty``."""


def rf_reference(number: str) -> str:
    """The ISO 11649 reference of an invoice number: ``F-2026-004217`` gives ``RF46F2026004217``.

    Letters count as capitals and separators are left out, so that two numbers of one supplier that differ only in
    those have the same reference; the series of this project never do.

    Raises:
        PaymentReferenceError: more than 21 letters and digits, or none.
    """
    body = "".join(character for character in number.upper() if character.isascii() and character.isalnum())
    if not body:
        raise PaymentReferenceError(
            "payment.reference_empty",
            f"The number {number!r} has no letter or digit to make a payment reference of.",
            f"Le numéro {number!r} n'a ni lettre ni chiffre dont tirer une référence de paiement.",
            term="BT-83",
        )
    if len(body) > MOST_CHARACTERS:
        raise PaymentReferenceError(
            "payment.reference_too_long",
            f"The number {number!r} has more than {MOST_CHARACTERS} letters and digits, too many for an ISO 11649"
            " reference; quote the number itself.",
            f"Le numéro {number!r} a plus de {MOST_CHARACTERS} lettres et chiffres, trop pour une référence ISO 11649 ;"
            " rappeler le numéro lui-même.",
            term="BT-83",
        )
    return PREFIX + mod_97_10.calc_check_digits(body + PREFIX) + body


def remittance_of(number: str) -> str:
    """What a transfer for this invoice quotes (BT-83): its creditor reference, or the number where that is too long."""
    try:
        return rf_reference(number)
    except PaymentReferenceError:
        return number


def is_rf(reference: str) -> bool:
    """Whether ``reference`` is a creditor reference with the right check digits; spaces do not matter."""
    plain = "".join(reference.split())
    return plain.isascii() and plain.isalnum() and iso11649.is_valid(plain)


def group_reference(reference: str) -> str:
    """A creditor reference by fours, as payment forms print it; any other reference as it is."""
    return iso11649.format(reference).replace(" ", "\u00a0") if is_rf(reference) else reference
