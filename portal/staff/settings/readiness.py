"""Is a supplier ready to issue: what has to be there, what should be, and where it is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from config.clock import today
from einvoice.errors import EInvoiceError
from payments.bank_accounts import active_account_of
from portal.staff.company import judge_profile
from portal.words import gettext
from receivables.store.settlement.terms_versions import current_terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the list. Without a ``needed`` one nothing can be issued well; the others are advice."""

    name: str
    said: str
    href: str
    done: bool
    needed: bool = True


def points_of(work: Work) -> list[Point]:
    """What is there and what is missing, in the order in which one does it."""
    profile: Mapping[str, Any] = (
        work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    )
    return [*_needed(work, profile), *_advised(work, profile)]


def _needed(work: Work, profile: Mapping[str, Any]) -> list[Point]:
    fault = _fault(profile)
    return [
        Point(
            gettext("Identité et adresse"),
            fault or gettext("Tout ce que la loi veut sur une facture est là."),
            "/s/company/identity",
            done=not fault,
        ),
        Point(
            gettext("Compte bancaire"),
            gettext("Où vos clients virent ce qu'ils doivent."),
            "/s/iban" if active_account_of(work) else "/s/company/identity",
            done=active_account_of(work) is not None,
        ),
        Point(
            gettext("Taille et régime de TVA"),
            gettext("Votre calendrier et vos déclarations en dépendent."),
            "/s/company",
            done="size" in profile and "vat_regime" in profile,
        ),
        Point(
            gettext("Plateforme agréée"),
            gettext("Elle remet vos factures et reçoit celles de vos fournisseurs."),
            "/s/platform",
            done=_exists(work, "platform_accounts WHERE supplier_id = :supplier AND active"),
        ),
    ]


def _advised(work: Work, profile: Mapping[str, Any]) -> list[Point]:
    return [
        Point(
            gettext("Paiement en ligne"),
            gettext("Vos clients paient d'un clic depuis la facture."),
            "/s/treasury/accounts",
            done=_exists(work, "gateway_accounts WHERE supplier_id = :supplier AND active"),
            needed=False,
        ),
        Point(
            gettext("Conditions générales de vente"),
            gettext("La version en vigueur est notée avec chaque paiement."),
            "/s/settings/terms",
            done=current_terms(work, today()) is not None,
            needed=False,
        ),
        Point(
            gettext("Logo"),
            gettext("Votre facture se reconnaît au premier regard."),
            "/s/settings/branding",
            done=bool(profile.get("logo_svg")),
            needed=False,
        ),
        Point(
            gettext("Premier client"),
            gettext("Un SIREN suffit : l'annuaire remplit le reste."),
            "/s/clients",
            done=_exists(work, "customers WHERE supplier_id = :supplier"),
            needed=False,
        ),
    ]


def _fault(profile: Mapping[str, Any]) -> str:
    """What keeps the profile from standing on an invoice; nothing where it is right."""
    if not (profile.get("address") or {}).get("city") or not profile.get("siren"):
        return gettext("Il manque votre nom, votre SIREN ou votre adresse.")
    taxed = profile.get("vat_regime", "franchise") != "franchise" and not profile.get("vat_exemption")
    if taxed and not (profile.get("vat_id") or profile.get("vat_group")):  # BR-S-02: nothing with VAT can be issued
        return gettext("Il manque votre numéro de TVA. En franchise en base, choisissez ce régime.")
    try:
        judge_profile(dict(profile))
    except (EInvoiceError, ValidationError):
        return gettext("Quelque chose n'y est pas juste : ouvrez la page pour savoir quoi.")
    return ""


def _exists(work: Work, rows: str) -> bool:
    return bool(work.scalar(f"SELECT EXISTS (SELECT 1 FROM {rows})"))  # noqa: S608 -- our own words
