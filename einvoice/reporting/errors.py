"""Why a period cannot be declared, in words, with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.errors import EInvoiceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


class ReportError(EInvoiceError):
    """A declaration that cannot be made now: ``report.*``."""


def no_profile() -> ReportError:
    """``report.no_profile``."""
    return ReportError(
        "report.no_profile",
        "The company's profile is missing, and with it the VAT regime that gives the periods. Complete it with "
        "`quittance supplier profile.json`.",
        "Il manque le profil de l'entreprise, et avec lui le régime de TVA qui fixe les périodes. Complétez-le avec "
        "« quittance supplier profil.json ».",
    )


def no_siren() -> ReportError:
    """``report.no_siren``."""
    return ReportError(
        "report.no_siren",
        "Only a company with a SIREN declares by Flux 10 (A7 G6.26); this one has another identifier.",
        "Seule une entreprise qui a un SIREN déclare par le flux 10 (A7 G6.26) ; celle-ci a un autre identifiant.",
    )


def no_platform() -> ReportError:
    """``report.no_platform``."""
    return ReportError(
        "report.no_platform",
        "No approved platform is connected: only one may hand a declaration to the State. Connect a platform.",
        "Aucune plateforme agréée n'est connectée : elle seule peut transmettre une déclaration à l'État. "
        "Connectez une plateforme.",
    )


def platform_reports() -> ReportError:
    """``report.platform_reports``."""
    return ReportError(
        "report.platform_reports",
        "The platform makes these declarations itself, of the invoices and receipts handed to it. Nothing is sent "
        "from here; to declare yourself, change who declares in the access to the platform.",
        "La plateforme fait elle-même ces déclarations, à partir des factures et des encaissements qui lui sont "
        "transmis. Rien ne part d'ici ; pour déclarer vous-même, changez qui déclare dans l'accès à la plateforme.",
    )


def no_platform_number(platform: str) -> ReportError:
    """``report.no_platform_number``."""
    return ReportError(
        "report.no_platform_number",
        f"The registration number (matricule, 4 characters) of {platform} is not known, and every declaration names "
        "it (A7 G6.22). Ask the platform for it and give it with the connection.",
        f"Le matricule (4 caractères) de {platform} n'est pas connu, or chaque déclaration le porte (A7 G6.22). "
        "Demandez-le à la plateforme et indiquez-le dans la connexion.",
    )


def not_over(ends_on: date) -> ReportError:
    """``report.not_over``."""
    return ReportError(
        "report.not_over",
        f"The period lasts until {ends_on}: it is declared when it is over (A7 G7.43).",
        f"La période court jusqu'au {ends_on:%d/%m/%Y} : elle se déclare une fois terminée (A7 G7.43).",
    )


def nothing_new() -> ReportError:
    """``report.nothing_new``."""
    return ReportError(
        "report.nothing_new",
        "Nothing changed since the last version of this period, and nothing refused it.",
        "Rien n'a changé depuis la dernière version de cette période, et personne ne l'a refusée.",
    )


def nothing_to_declare() -> ReportError:
    """``report.nothing_to_declare``."""
    return ReportError(
        "report.nothing_to_declare",
        "There is no operation in this period, and an empty declaration is not asked for (DG 2.3.3).",
        "Il n'y a aucune opération dans cette période, et une déclaration vide n'est pas demandée (DG 2.3.3).",
    )


def not_settled(number: str) -> ReportError:
    """``report.not_settled``."""
    return ReportError(
        "report.not_settled",
        f"{number} is still on its way to the platform: a next version is made when it has answered.",
        f"{number} est encore en route vers la plateforme : une version suivante se fait quand elle aura répondu.",
    )


def other_periods(starts_on: date, ends_on: date) -> ReportError:
    """``report.other_periods``."""
    return ReportError(
        "report.other_periods",
        f"Days of the period {starts_on} to {ends_on} were declared in periods of another VAT regime. Set the regime "
        "back until they are complete, or declare the rest with your platform.",
        f"Des jours de la période du {starts_on:%d/%m/%Y} au {ends_on:%d/%m/%Y} ont été déclarés selon un autre régime "
        "de TVA. Rétablissez ce régime le temps de les compléter, ou déclarez le reste avec votre plateforme.",
    )


def breaks_rules(rules: Sequence[str]) -> ReportError:
    """``report.invalid``: our own defect, or data that no rule of ours foresaw."""
    named = ", ".join(rules) or "not checked"
    return ReportError(
        "report.invalid",
        f"The file of this period breaks {named}; it was not sent. Report this with the number of the period.",
        f"Le fichier de cette période enfreint {named} ; il n'a pas été envoyé. Signalez-le avec la période.",
    )


def rejected(number: str, reasons: str) -> ReportError:
    """``report.rejected``: the State answered 301."""
    return ReportError(
        "report.rejected",
        f"The State rejected {number} ({reasons}). Open it, correct what they name, and prepare the period again.",
        f"L'État a rejeté {number} ({reasons}). Ouvrez-la, corrigez ce que disent ses motifs, puis préparez à nouveau "
        "la période.",
    )


def left_out(numbers: Sequence[str], why: str, why_fr: str, code: str) -> ReportError:
    """``report.untold.*``: invoices whose data are not enough."""
    shown = ", ".join(numbers[:_SHOWN]) + (" …" if len(numbers) > _SHOWN else "")
    return ReportError(code, f"Not declared: {shown}. {why}", f"Non déclaré : {shown}. {why_fr}")


_SHOWN = 10
