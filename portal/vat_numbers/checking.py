"""Checks of VAT numbers, kept: an answer counts for a day, and stays as evidence of what was known when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now
from portal.documents.issuing import load_profile
from portal.vat_numbers.vies import MEMBERS, Vies
from receivables.store.customer_file.vat_checks import Answer, VatCheck, checks_of, keep_check

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services

FRESH = timedelta(hours=24)
"""How long an answer counts before somebody is asked again."""


def is_checkable(services: Services, vat_id: str | None) -> bool:
    """Whether VIES may be asked about this number."""
    return bool(services.settings.vies_url and vat_id and vat_id[:2] in MEMBERS)


def check_vat_number(services: Services, supplier_id: UUID, vat_id: str, actor: str) -> VatCheck:
    """What VIES says of a number: the answer kept where it is fresh, else asked now and kept.

    Nobody is asked while a transaction is open.
    """
    with services.works.begin(supplier_id) as work:
        known = next(iter(checks_of(work, vat_id)), None)
        profile = load_profile(work)
    if known and known.told.answer is not Answer.UNANSWERED and now() - known.asked_at < FRESH:
        return known
    told = Vies(services.settings.vies_url, services.reach).ask(vat_id, profile.vat_id if profile else None)
    check = VatCheck(vat_id, told, actor, now())
    with services.works.begin(supplier_id) as work:
        keep_check(work, check)
    return check
