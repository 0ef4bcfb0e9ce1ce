"""What a declaration needs to know of the company: its SIREN, its VAT regime, its platform, since when it declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import legal_day
from config.law import duty_of
from einvoice.composing.seller import SellerProfile
from einvoice.reporting import errors
from einvoice.reporting.periods import begin_of_law

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from uuid import UUID

    from einvoice.platform.accounts import PlatformAccount
    from receivables.store.work import Work

OWN = "own"
"""The setting ``reporting`` of a platform to which we send Flux 10 ourselves (design, decision 13)."""
_DEFAULTS = {name: str(SellerProfile.__dataclass_fields__[name].default) for name in ("vat_regime", "size")}
"""What the profile says where it says nothing."""
_OF_GROUPS = "large"
"""A member of a VAT group (CGI 256 C) has the dates of a large company (DG 2.3.5)."""


@dataclass(frozen=True, slots=True)
class Company:
    """Who declares, at which rhythm. ``is_assumed``: the profile names no regime, the most frequent rhythm is taken."""

    siren: str | None
    name: str
    regime: str
    size: str
    is_assumed: bool


@dataclass(frozen=True, slots=True)
class Declarant:
    """A company that declares by Flux 10 through ``account_id``, of the days from ``begins_on`` on."""

    siren: str
    name: str
    regime: str
    begins_on: date
    account_id: UUID
    platform_name: str
    platform_number: str


def company_of(work: Work) -> Company:
    """The company of this work.

    Raises:
        ReportError: ``report.no_profile``.
    """
    row = work.row(
        "SELECT siren, name, profile FROM suppliers LEFT JOIN supplier_profiles USING (supplier_id) "
        "WHERE supplier_id = :supplier"
    )
    if row is None or row["profile"] is None:
        raise errors.no_profile()
    profile = row["profile"]
    return Company(
        row["siren"],
        profile.get("name") or row["name"],
        profile.get("vat_regime") or _DEFAULTS["vat_regime"],
        _OF_GROUPS if profile.get("vat_group") else profile.get("size") or _DEFAULTS["size"],
        is_assumed=not profile.get("vat_regime"),
    )


def declarant_of(work: Work, account_for: Callable[[Work], PlatformAccount | None]) -> Declarant:
    """The company as declarant.

    It declares since the duty of its size, or since it connected the platform where that came first: early is allowed.

    Raises:
        ReportError: ``report.no_profile``, ``report.no_siren``, ``report.no_platform``, ``report.platform_reports`` or
            ``report.no_platform_number``.
    """
    company = company_of(work)
    if company.siren is None:
        raise errors.no_siren()
    account = account_for(work)
    if account is None:
        raise errors.no_platform()
    if account.settings.reporting != OWN:
        raise errors.platform_reports()
    driver = account.settings.driver
    if not driver.matricule:
        raise errors.no_platform_number(account.label)
    return Declarant(
        company.siren,
        company.name,
        company.regime,
        begin_of(work, company, account.account_id),
        account.account_id,
        account.label,
        driver.matricule,
    )


def begin_of(work: Work, company: Company, account_id: UUID | None) -> date:
    """The first day that is declared."""
    duty = duty_of("report", company.size).since
    connected_at = work.scalar(
        "SELECT created_at FROM platform_accounts WHERE supplier_id = :supplier AND account_id = :account",
        account=account_id,
    )
    connected_on = legal_day(connected_at) if connected_at else duty
    return max(begin_of_law(), min(duty, connected_on))
