"""Keeping a supplier's profile, whose account number is guarded: it follows `payments.bank_accounts`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from config.clock import now
from einvoice.kept import profile_to_json
from payments.bank_accounts import (
    PROFILE,
    NewAccount,
    active_account_of,
    adopt_account,
    change_under_way,
    plain_iban,
    propose_account,
)
from receivables.store.work import to_json

if TYPE_CHECKING:
    from einvoice.composing.seller import SellerProfile
    from payments.bank_accounts import BankAccount
    from receivables.store.work import Work


def save_profile(
    work: Work, profile: SellerProfile, extra: dict[str, Any] | None = None, *, actor: str = "command line"
) -> BankAccount | None:
    """Keep the supplier's profile; ``extra`` holds branding (``colour``, ``logo_svg``).

    The first account number counts at once. Another one is not kept but proposed, and comes back here: it counts after
    its quarantine (`payments.bank_accounts`), and until then the profile names the one before.
    """
    known = active_account_of(work)
    given = NewAccount(profile.iban, profile.bic, profile.holder or profile.name) if profile.iban else None
    is_same = given is not None and known is not None and plain_iban(given.iban) == known.iban
    if known is not None and not (is_same and known.bank_account_id is None):
        profile = replace(profile, iban=known.iban, bic=known.bic, holder=known.holder)
    work.execute(
        "INSERT INTO supplier_profiles (supplier_id, profile, changed_at) VALUES (:supplier, CAST(:profile AS jsonb), "
        ":at) ON CONFLICT (supplier_id) DO UPDATE SET profile = excluded.profile, changed_at = excluded.changed_at",
        profile=to_json({**profile_to_json(profile), **(extra or {})}),
        at=now(),
    )
    if given is not None and known is not None and is_same and known.bank_account_id is None:
        adopt_account(work, given, PROFILE, known.active_from)  # so that its age does not follow the profile's
    if given is None or is_same:
        return None
    if known is None:
        adopt_account(work, given, actor)
        return None
    under_way = change_under_way(work)
    if under_way is None or under_way.iban != plain_iban(given.iban):
        propose_account(work, given, actor)
    return change_under_way(work)
