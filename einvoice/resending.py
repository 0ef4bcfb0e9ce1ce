"""Sending again without ever sending twice: a flow that waits is tried now, a refused one gets one next attempt.

A flow that waits has one row in the outbox: to try it now is to make that row due, never to send beside it. A refused
flow may be planned anew under the next tracking id, which follows from the flow itself: pressed twice, it is one flow.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import now
from einvoice.errors import EInvoiceError
from einvoice.flows import FLOW_PLANNED, FlowKind, PlannedFlow, plan_flow
from einvoice.lifecycle.history import codes_of
from einvoice.lifecycle.statuses import closed_by
from einvoice.platform.port import ProcessingRule, Profile, tracking_id_for
from receivables.domain.events import CASH_COLLECTED
from receivables.store.outbox import LEASE, announce_again

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

ALREADY_THERE = "AlreadyExistingFlow"
"""XP Z12-013: the platform has this file or this tracking id already."""
CLOCK_MARGIN = timedelta(seconds=5)
"""How far the clocks of two of our machines may lie apart."""
LONGEST_NOTE = 500


class CannotResendError(EInvoiceError):
    """This flow is not to be sent again: ``flow.*``; the sentence says why and what to do instead."""


def try_now(work: Work, tracking_id: str) -> bool:
    """Make a waiting flow due at once; whether that changed anything.

    What is due within the length of a lease is left alone: a worker may have it in hand this very moment, and a second
    one must not. It is tried by itself within that minute. A flow that nobody tries any more is taken up again.
    """
    return bool(
        work.execute(
            "UPDATE outbox SET state = 'new', next_try_at = :at, "
            "tries = CASE WHEN state = 'buried' THEN 0 ELSE tries END "
            "WHERE supplier_id = :supplier AND kind = :kind AND event_key = :tracking "
            "AND (state = 'buried' OR state = 'new' AND next_try_at > :leased) "
            "AND EXISTS (SELECT 1 FROM platform_flows WHERE supplier_id = :supplier "
            "AND tracking_id = :tracking AND platform_flows.state IN ('to_send', 'in_doubt'))",
            kind=FLOW_PLANNED,
            tracking=tracking_id,
            at=now(),
            leased=now() + LEASE + CLOCK_MARGIN,
        )
    )


def check_may_send_again(work: Work, tracking_id: str) -> None:
    """Whether a refused flow may get a next attempt.

    Raises:
        CannotResendError: ``flow.unknown``, ``flow.not_refused``, ``flow.already_there``, ``flow.report``,
            ``flow.has_successor``, ``flow.invoice_accepted``, ``flow.invoice_credited`` or ``flow.invoice_closed``.
    """
    row = _refused(work, tracking_id)
    _check(work, row)
    if _next_of(work, row):
        raise CannotResendError(
            "flow.has_successor",
            "This flow has been planned again already: open the newer attempt.",
            "Cet envoi a déjà été repris : ouvrez l'essai le plus récent.",
        )


def send_again(work: Work, tracking_id: str, account_id: UUID) -> str:
    """Plan the next attempt of a refused flow at ``account_id``; its tracking id. Asked again, it is the same one.

    Raises:
        CannotResendError: see :func:`check_may_send_again`.
    """
    row = _refused(work, tracking_id)
    known = _next_of(work, row)
    if known:
        return known
    _check(work, row)
    told: dict[str, Any] = row["told"]
    attempt = row["attempt"] + 1
    again = tracking_id_for(str(work.supplier_id), "again", tracking_id, str(attempt))
    plan_flow(
        work,
        PlannedFlow(
            tracking_id=again,
            kind=FlowKind(row["kind"]),
            account_id=account_id,
            document_id=row["document_id"],
            invoice_id=row["invoice_id"],
            subject_id=row["subject_id"],
            attempt=attempt,
            processing_rule=ProcessingRule(rule) if (rule := told.get("processing_rule")) else None,
            profile=Profile(profile) if (profile := told.get("profile")) else None,
        ),
    )
    if row["kind"] == FlowKind.INVOICE:  # cash that moved while no platform had it was told to nobody
        announce_again(work, CASH_COLLECTED, f"{row['invoice_id']}/")
    return again


def _refused(work: Work, tracking_id: str) -> RowMapping:
    """The flow, with every attempt at the same file or invoice locked: who asks at once is one after the other."""
    work.rows(
        "SELECT 1 FROM platform_flows AS flow JOIN platform_flows AS asked USING (supplier_id, kind) "
        "WHERE supplier_id = :supplier AND asked.tracking_id = :tracking AND (flow.document_id = asked.document_id "
        "OR kind = 'invoice' AND flow.invoice_id = asked.invoice_id) ORDER BY flow.tracking_id FOR UPDATE OF flow",
        tracking=tracking_id,
    )
    row = work.row(
        "SELECT tracking_id, kind, state, attempt, document_id, invoice_id, subject_id, told, refusal "
        "FROM platform_flows WHERE supplier_id = :supplier AND tracking_id = :tracking",
        tracking=tracking_id,
    )
    if row is None:
        raise CannotResendError(
            "flow.unknown", "No flow has this tracking id.", "Aucun envoi ne porte ce numéro de suivi."
        )
    return row


def _next_of(work: Work, row: RowMapping) -> str | None:
    """The attempt after this one, where there is one."""
    found: str | None = work.scalar(
        "SELECT tracking_id FROM platform_flows WHERE supplier_id = :supplier AND kind = :kind "
        "AND document_id = :document AND attempt > :attempt ORDER BY attempt LIMIT 1",
        kind=row["kind"],
        document=row["document_id"],
        attempt=row["attempt"],
    )
    return found


def _check(work: Work, row: RowMapping) -> None:
    if row["state"] != "refused":
        raise CannotResendError(
            "flow.not_refused",
            "The platform did not refuse this flow: there is nothing to send again.",
            "La plateforme n'a pas refusé cet envoi : il n'y a rien à renvoyer.",
        )
    if any(isinstance(each, dict) and each.get("reason") == ALREADY_THERE for each in row["refusal"] or ()):
        raise CannotResendError(
            "flow.already_there",
            "The platform says that it has this file already: sent again it would be refused again. Look for it there.",
            "La plateforme dit avoir déjà ce fichier : renvoyé, il serait refusé de nouveau. Cherchez-le chez elle.",
        )
    if row["kind"] == FlowKind.REPORT:
        raise CannotResendError(
            "flow.report",
            "A refused declaration is made anew from its period, on the page of declarations.",
            "Une déclaration refusée se refait depuis sa période, sur la page des déclarations.",
        )
    if row["kind"] == FlowKind.INVOICE:
        _check_invoice(work, row)


def _check_invoice(work: Work, row: RowMapping) -> None:
    """An invoice is sent again only while no platform has it and nothing closed it."""
    others = work.scalar(
        "SELECT 1 FROM platform_flows WHERE supplier_id = :supplier AND kind = 'invoice' AND invoice_id = :invoice "
        "AND tracking_id <> :tracking AND state <> 'refused' LIMIT 1",
        invoice=row["invoice_id"],
        tracking=row["tracking_id"],
    )
    if others:
        raise CannotResendError(
            "flow.invoice_accepted",
            "Another attempt of this invoice is on its way or accepted: a second one would be a double.",
            "Un autre envoi de cette facture est en route ou accepté : un second serait un doublon.",
        )
    credited = work.scalar(
        "SELECT note.number FROM invoices AS meant JOIN named_invoices AS named ON named.supplier_id = :supplier "
        "AND named.number = meant.number AND named.issue_year = meant.issue_year AND named.kind = 'credits' "
        "JOIN invoices AS note ON note.supplier_id = :supplier AND note.invoice_id = named.invoice_id "
        "WHERE meant.supplier_id = :supplier AND meant.invoice_id = :invoice AND NOT EXISTS (SELECT 1 "
        "FROM platform_flows AS flow WHERE flow.supplier_id = :supplier AND flow.invoice_id = note.invoice_id "
        "AND flow.kind = 'invoice') LIMIT 1",
        invoice=row["invoice_id"],
    )
    if credited:
        raise CannotResendError(
            "flow.invoice_credited",
            f"Credit note {credited} ended this invoice and was told to nobody: issue a new invoice instead.",
            f"L'avoir {credited} a annulé cette facture et n'a été transmis à personne : émettez une nouvelle facture.",
        )
    closing = closed_by(codes_of(work, row["invoice_id"]))
    if closing:
        raise CannotResendError(
            "flow.invoice_closed",
            f"Status {closing} closed this invoice: cancel it with a credit note and issue a new one.",
            f"Le statut {closing} a clos cette facture : annulez-la par un avoir et émettez-en une nouvelle.",
        )
