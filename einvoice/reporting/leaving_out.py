"""What could not be declared, as tasks: invoices whose data are not enough, and companies that cannot declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now
from config.law import LawUnknownError
from einvoice.reporting import errors, store
from einvoice.reporting.company import company_of
from einvoice.reporting.errors import ReportError
from einvoice.reporting.lines import Untold
from einvoice.reporting.periods import ReportKind, period_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from einvoice.reporting.facts import Facts
    from einvoice.reporting.lines import ReportLine
    from einvoice.reporting.periods import Period
    from receivables.store.work import Work

WHY: dict[Untold, tuple[str, str]] = {
    Untold.NO_EURO: (
        (
            "The invoice is in another currency and states neither its VAT in EUR (BT-6, BT-111) nor a rate (BT-167). "
            "Declare it with your platform, and give both on invoices to come."
        ),
        (
            "La facture est dans une autre devise et n'indique ni sa TVA en EUR (BT-6, BT-111) ni un taux de change "
            "(BT-167). Déclarez-la auprès de votre plateforme, et indiquez l'un des deux sur les prochaines factures."
        ),
    ),
    Untold.NO_NATURE: (
        (
            "The invoice sells goods and services (BT-23 M) and its lines do not say which is which. Declare it with "
            "your platform, and give the nature of each line on invoices to come."
        ),
        (
            "La facture vend des biens et des services (BT-23 M) et ses lignes ne disent pas lesquels. Déclarez-la "
            "auprès de votre plateforme, et indiquez la nature de chaque ligne sur les prochaines factures."
        ),
    ),
    Untold.NO_MARGIN: (
        (
            "The margin scheme declares the margin without VAT (A7 G1.57), which stands on no invoice. Declare it with "
            "your platform."
        ),
        (
            "Le régime de la marge déclare la marge hors taxe (A7 G1.57), qui ne figure sur aucune facture. "
            "Déclarez-la auprès de votre plateforme."
        ),
    ),
    Untold.RULES: (
        (
            "The rules of Flux 10 refuse it; everything else was declared. Look at its buyer's identifier, its rates "
            "and its BT-23, and correct it by a credit note and a new invoice."
        ),
        (
            "Les règles du flux 10 la refusent ; tout le reste a été déclaré. Regardez l'identifiant de l'acheteur, "
            "les taux et le cadre de facturation (BT-23), et corrigez par un avoir puis une nouvelle facture."
        ),
    ),
}
"""Why a line is left out and what to do, in English and French."""
STANDSTILLS = ("report.no_siren", "report.no_platform_number")
"""What keeps a company that chose to declare itself from declaring at all."""


def note_untold(work: Work, period: Period, lines: Iterable[ReportLine], facts: Facts) -> None:
    """A task per reason for which invoices of a period are left out of its file."""
    left: dict[Untold, dict[str, None]] = {}
    for line in lines:
        if line.untold:
            left.setdefault(line.untold, {})[facts.numbers[line.invoice_id][0]] = None
    for reason, numbers in left.items():
        store.note_trouble(work, period, errors.left_out(list(numbers), *WHY[reason], f"report.untold.{reason}"))


def note_standstill(work: Work, error: ReportError, today: date) -> None:
    """A task where the company chose to declare itself and cannot; nothing where it simply does not declare."""
    if error.code not in STANDSTILLS:
        return
    try:
        period = period_of(company_of(work).regime, ReportKind.PAYMENTS, today)
    except (ReportError, LawUnknownError):
        return  # the page says it: without periods there is none to hang a task on
    store.note_trouble(work, period, error)


def clear_standstill(work: Work) -> None:
    """The company can declare now."""
    work.execute(
        "UPDATE report_troubles SET cleared_at = :at WHERE supplier_id = :supplier AND code = ANY(:codes) "
        "AND cleared_at IS NULL",
        codes=list(STANDSTILLS),
        at=now(),
    )
