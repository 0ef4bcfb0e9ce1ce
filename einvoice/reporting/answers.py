"""What comes back on a declaration: the platform's acknowledgement of its flow, and the State's 300 or 301."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now
from einvoice.reporting import errors, store
from receivables.store.work import to_json

if TYPE_CHECKING:
    from einvoice.lifecycle.message import StatusMessage
    from receivables.store.work import Work

DEPOSITED, REJECTED = "300", "301"
"""Statuses of a declaration (DG 3.7.9, table 14): *Déposée*, *Rejetée*."""
REASONS: dict[str, tuple[str, str]] = {
    "REJ_PER": (
        "The State does not accept this period: compare its dates with your VAT regime.",
        "L'État n'accepte pas cette période : comparez ses dates avec votre régime de TVA.",
    ),
    "REJ_SEMAN": (
        "The State found data that its rules refuse: read the comment, correct, and prepare the period again.",
        (
            "L'État a trouvé des données contraires à ses règles : lisez le commentaire, corrigez, puis préparez à "
            "nouveau la période."
        ),
    ),
    "REJ_UNI": (
        (
            "The State has a declaration of this number or period already: ask the platform which, then prepare the "
            "period again."
        ),
        (
            "L'État a déjà une déclaration de ce numéro ou de cette période : demandez laquelle à la plateforme, puis "
            "préparez à nouveau la période."
        ),
    ),
    "REJ_COH": (
        "The amounts do not agree for the State: look at the totals by rate, then prepare the period again.",
        "Les montants ne concordent pas pour l'État : vérifiez les totaux par taux, puis préparez à nouveau.",
    ),
}
"""What each reason of a 301 asks for (DG, table 14), in English and French."""


def receive_report_answer(work: Work, status: StatusMessage) -> str | None:
    """Note what the State said of a declaration; ``None`` when done, else why the message is kept for a human.

    The same message again changes nothing; of two, the one set later counts, in whatever order they come.
    """
    if status.status not in (DEPOSITED, REJECTED):
        return f"report.unknown_status: status {status.status} is none of a declaration ({DEPOSITED}, {REJECTED})."
    number = status.invoice.number
    known = work.scalar("SELECT 1 FROM reports WHERE supplier_id = :supplier AND number = :number", number=number)
    if not known:
        return f"report.unknown: status {status.status} for declaration {number}, which we never made."
    work.execute(
        "UPDATE reports SET state = :state, answer = CAST(:answer AS jsonb), changed_at = :at "
        "WHERE supplier_id = :supplier AND number = :number "
        "AND (answer IS NULL OR CAST(answer ->> 'set_at' AS timestamptz) < :set_at)",
        state="accepted" if status.status == DEPOSITED else "refused",
        answer=to_json(
            {
                "code": status.status,
                "set_at": status.occurred_at,
                "reasons": [{"code": each.code, "label": each.label} for each in status.reasons],
                "note": status.note,
            }
        ),
        number=number,
        set_at=status.occurred_at,
        at=now(),
    )
    _note_task(work, number)
    return None


def _note_task(work: Work, number: str) -> None:
    """A rejected declaration is a task until a next version is made; an accepted one is none."""
    row = work.row(
        "SELECT report_id, state, answer FROM reports WHERE supplier_id = :supplier AND number = :number", number=number
    )
    found = store.find_declaration(work, row["report_id"]) if row else None
    if found is None:
        return
    if found.state == store.REFUSED:
        codes = ", ".join(each["code"] or "?" for each in (found.answer or {}).get("reasons", [])) or REJECTED
        store.note_trouble(work, found.period, errors.rejected(number, codes))
    else:
        store.clear_troubles(work, found.period, "report.rejected")


def follow_flows(work: Work) -> int:
    """Take over what the platform acknowledged of the newest flow of each declaration; how many changed.

    What the State said stands above it.
    """
    return work.execute(
        "UPDATE reports SET state = CASE flow.state WHEN 'accepted' THEN 'handed' ELSE 'refused' END, changed_at = :at "
        "FROM (SELECT DISTINCT ON (subject_id) subject_id, state FROM platform_flows WHERE supplier_id = :supplier "
        "AND kind = 'report' ORDER BY subject_id, attempt DESC) AS flow "
        "WHERE reports.supplier_id = :supplier AND reports.report_id = flow.subject_id AND reports.answer IS NULL "
        "AND flow.state IN ('accepted', 'refused') "
        "AND reports.state <> CASE flow.state WHEN 'accepted' THEN 'handed' ELSE 'refused' END",
        at=now(),
    )
