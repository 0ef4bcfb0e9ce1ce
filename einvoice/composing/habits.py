"""What a supplier's profile may say of its habits, checked when the profile is kept and not first on an invoice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from config.law import term_sectors
from einvoice.codelists.exemptions import CREDIT_NOTES_ONLY, EXEMPTIONS
from einvoice.composing.parties import tax_representative_of
from einvoice.errors import BuildError
from einvoice.request.values import check_email

if TYPE_CHECKING:
    from einvoice.composing.seller import SellerProfile

MAX_PERCENT = 100
MAX_DISCOUNT_DAYS = 120
"""A discount for early payment is granted within weeks; more is a typing error."""


def check_habits(profile: SellerProfile) -> None:
    """Terms, trade, exemption, VAT group and e-mail of a profile.

    Raises:
        BuildError: ``profile.bad_penalty_rate``, ``profile.bad_discount``, ``profile.bad_sector``,
            ``profile.bad_exemption``, ``profile.bad_email`` or ``party.bad_vat_id``.
    """
    _check_terms(profile)
    if profile.sector is not None and profile.sector not in term_sectors():
        known = ", ".join(sorted(term_sectors()))
        raise _refusal(
            "profile.bad_sector",
            "sector",
            "BT-9",
            f"is {profile.sector!r}: it must be one of {known}",
            f"vaut {profile.sector!r} : il doit valoir l'un de {known}",
        )
    code = profile.vat_exemption
    if code is not None and (
        code in CREDIT_NOTES_ONLY or code not in EXEMPTIONS or "E" not in EXEMPTIONS[code].categories
    ):
        raise _refusal(
            "profile.bad_exemption",
            "vat_exemption",
            "BT-121",
            f"is {code!r}: give a VATEX code of category E, e.g. VATEX-FR-FRANCHISE",
            f"vaut {code!r} : donnez un code VATEX de catégorie E, par exemple VATEX-FR-FRANCHISE",
        )
    if profile.contact and profile.contact.email:
        try:
            check_email(profile.contact.email)
        except PydanticCustomError as error:
            told = error.context or {}
            raise _refusal(
                "profile.bad_email", "contact.email", "BT-43", str(told["english"]), str(told["french"])
            ) from error
    tax_representative_of(profile)


def _check_terms(profile: SellerProfile) -> None:
    rate, percent, days = profile.penalty_rate, profile.discount_percent, profile.discount_days
    if rate is not None and not 0 < rate <= MAX_PERCENT:
        raise _refusal(
            "profile.bad_penalty_rate",
            "penalty_rate",
            "BT-22",
            f"is {rate:f}: give percent a year, above 0, e.g. 12",
            f"vaut {rate:f} : donnez un pourcentage annuel supérieur à 0, par exemple 12",
        )
    complete = (percent is None) == (days is None)
    if not complete or not 0 <= (percent or 0) <= MAX_PERCENT or not 0 <= (days or 0) <= MAX_DISCOUNT_DAYS:
        raise _refusal(
            "profile.bad_discount",
            "discount_percent",
            "BT-22",
            f"and discount_days go together: 0 to {MAX_PERCENT} percent within 0 to {MAX_DISCOUNT_DAYS} days",
            f"et discount_days vont ensemble : 0 à {MAX_PERCENT} % sous 0 à {MAX_DISCOUNT_DAYS} jours",
        )


def _refusal(code: str, field: str, term: str, english: str, french: str) -> BuildError:
    return BuildError(code, f"{field} ({term}) {english}.", f"{field} ({term}) {french}.", term=term, place=field)
