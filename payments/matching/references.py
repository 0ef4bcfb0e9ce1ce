"""References that cannot be coincidence: the creditor reference of ISO 11649, our own payment ids, who the payer says.

Account codes, SIREN and VAT numbers in the text say who pays; they are looked up, never believed unseen.
"""

from __future__ import annotations

import re
from uuid import UUID

from stdnum import iso11649
from stdnum.fr import siren as siren_number

from payments.matching.texts import compact, plain

_RF = re.compile(r"R ?F ?\d ?\d(?: ?[A-Z0-9]){1,21}")
_LEAST_RF = 5
_PAYMENT_ID = re.compile(r"(?<![0-9A-F])[0-9A-F]{32}(?![0-9A-F])")
_ACCOUNT_CODE = re.compile(r"(?<![A-Z0-9])C[ -]?(\d{5,8})(?![A-Z0-9])")
_SIREN = re.compile(r"(?<!\d)(\d{3} ?\d{3} ?\d{3})(?: ?\d{5})?(?!\d)")
_VAT = re.compile(r"(?<![A-Z0-9])FR ?\d{2} ?(\d{3} ?\d{3} ?\d{3})(?!\d)")


def creditor_references(*texts: str) -> frozenset[str]:
    """What every right creditor reference (RF, two check digits) stands for: an invoice number, letters and digits.

    Where the reference ends is not said, so each end with right check digits is given; only one is an invoice's.
    """
    bodies = set()
    for text in texts:
        for found in _RF.finditer(plain(text)):
            signs = found.group().replace(" ", "")
            bodies |= {signs[4:end] for end in range(_LEAST_RF, len(signs) + 1) if iso11649.is_valid(signs[:end])}
    return frozenset(bodies)


def own_payment_ids(*texts: str) -> frozenset[UUID]:
    """Ids that may be of a payment of ours, as we write them: 32 hexadecimal digits, with dashes or without."""
    return frozenset(
        UUID(found) for text in texts for found in _PAYMENT_ID.findall(compact(text) if "-" in text else plain(text))
    )


def account_codes(text: str) -> frozenset[str]:
    """Auxiliary accounts that the text names: ``C00042``."""
    return frozenset(f"C{digits}" for digits in _ACCOUNT_CODE.findall(plain(text)))


def sirens(text: str) -> frozenset[str]:
    """SIREN in the text, also as the beginning of a SIRET or the end of a French VAT number, check digit right."""
    upper = plain(text)
    digits = {found.replace(" ", "") for found in (*_SIREN.findall(upper), *_VAT.findall(upper))}
    return frozenset(each for each in digits if siren_number.is_valid(each))
