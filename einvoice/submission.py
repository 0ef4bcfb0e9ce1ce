"""Hand flows to the supplier's platform: invoices, and the 212 of every movement of cash; once each, whatever fails.

The tracking id is deterministic, and a flow that may have been sent is asked for by it before it is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import legal_day, now
from einvoice.archive.retention import retain_until
from einvoice.cash_movement import message_of_movement, must_tell
from einvoice.errors import EInvoiceError
from einvoice.formats.profiles import in_form
from einvoice.intake import XML_MIME, Original, file_stem, keep_document
from einvoice.kept import issued_document
from einvoice.lifecycle.cdar import write_cdar
from einvoice.lifecycle.collected import COLLECTED_STATUS
from einvoice.lifecycle.statuses import closed_by
from einvoice.platform.port import (
    AckStatus,
    Flow,
    PlatformRefusedError,
    ProcessingRule,
    Profile,
    Syntax,
    tracking_id_for,
)
from einvoice.request.codes import SELF_BILLED
from einvoice.validation import standards as rules
from einvoice.validation.standards import profile_of
from einvoice.validation.verdict import Verdict
from receivables.domain.events import INVOICE_ISSUED
from receivables.domain.invoices import Routing
from receivables.store.invoices import get_invoice
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from einvoice.archive import ArchivePort
    from einvoice.document import Document
    from einvoice.lifecycle.message import StatusMessage
    from einvoice.platform.port import FlowState, Platform
    from einvoice.validation.check import Validator
    from receivables.domain.invoices import Invoice
    from receivables.store.work import Work, Works

FORMS = {"facturx": Syntax.FACTUR_X, "cii": Syntax.CII, "ubl": Syntax.UBL}
PREFERRED = ("facturx", "cii", "ubl")
PROCESSING = {Routing.B2B: ProcessingRule.B2B, Routing.B2G: ProcessingRule.B2G}
"""What a platform is told to do with an invoice; the other roads are reported (Flux 10), not sent."""
FLOW_PROFILES: dict[rules.Profile | None, Profile] = {
    rules.Profile.BASIC_WL: Profile.BASIC,
    rules.Profile.BASIC: Profile.BASIC,
    rules.Profile.EXTENDED: Profile.EXTENDED,
    rules.Profile.EXTENDED_CTC_FR: Profile.EXTENDED,
}
CHECK_AFTER = timedelta(seconds=2)
"""A platform needs a moment to acknowledge."""


class NotAcceptedYetError(EInvoiceError):
    """The platform has not accepted the invoice yet, so nothing can be told about it (``platform.invoice_pending``)."""


class MessageInvalidError(EInvoiceError):
    """A 212 that we wrote breaks the rules (``status.invalid``): our defect, for a human."""


@dataclass(frozen=True, slots=True)
class Submitter:
    """Sends and follows flows of all suppliers. ``platform_for`` is ``None`` for a supplier without a platform."""

    works: Works
    archive: ArchivePort
    validator: Validator
    platform_for: Callable[[Work], tuple[UUID, Platform] | None]

    def submit_invoice(self, supplier_id: UUID, invoice_id: UUID) -> None:
        """Send an issued invoice, where the law sends it through a platform and the supplier has one.

        A self-billed one (CGI 289, I-2) was sent by the customer who drew it up: a second one would be a double.

        Raises:
            PlatformError: to be tried again.
        """
        with self.works.begin(supplier_id) as work:
            connected = self.platform_for(work)
            invoice = get_invoice(work, invoice_id)
            rule = PROCESSING.get(invoice.routing)
            if connected is None or rule is None or invoice.type_code in SELF_BILLED:
                return
            document = _preferred(work, invoice_id)
            tracking_id = tracking_id_for(str(supplier_id), "invoice", str(invoice_id))
            _plan_flow(
                work,
                tracking_id,
                "invoice",
                account_id=connected[0],
                invoice_id=invoice_id,
                document_id=document["document_id"],
            )
        flow = Flow(
            tracking_id=tracking_id,
            name=document["filename"],
            syntax=FORMS[document["form"]],
            content=self.archive.get(document["sha256"]),
            processing_rule=rule,
            profile=profile_told(in_form(issued_document(invoice), document["form"])),
        )
        self._send(supplier_id, connected[1], flow)

    def tell_collected(self, supplier_id: UUID, invoice_id: UUID, sequence: int) -> None:
        """Tell the platform that cash moved on an invoice (status 212), where the law asks for it.

        Raises:
            NotAcceptedYetError: come back when the platform has the invoice.
            MessageInvalidError: the message was not sent.
            PlatformError: to be tried again.
        """
        with self.works.begin(supplier_id) as work:
            connected = self.platform_for(work)
            invoice = get_invoice(work, invoice_id)
            if connected is None or not must_tell(invoice) or not _was_accepted(work, invoice):
                return
            if _is_closed(work, invoice):
                return
            tracking_id = tracking_id_for(str(supplier_id), COLLECTED_STATUS, str(invoice_id), str(sequence))
            known = work.row(
                "SELECT sha256, filename FROM platform_flows JOIN documents USING (supplier_id, document_id) "
                "WHERE supplier_id = :supplier AND tracking_id = :tracking",
                tracking=tracking_id,
            )
            if known:
                content, name = self.archive.get(known["sha256"]), known["filename"]
            else:
                message = message_of_movement(work, invoice, sequence)
                until = retain_until(work, legal_day(message.occurred_at))
                content, name = self._write(invoice, message, until), f"{file_stem(invoice.number)}-212-{sequence}.xml"
                document_id = keep_document(work, invoice, "cdar", Original(content, name, XML_MIME), None, until=until)
                _plan_flow(
                    work, tracking_id, "status", account_id=connected[0], invoice_id=invoice_id, document_id=document_id
                )
                note_status(work, invoice_id, message, direction="out", flow_ref=None)
        self._send(supplier_id, connected[1], Flow(tracking_id, name, Syntax.CDAR, content))

    def follow(self, supplier_id: UUID) -> int:
        """Ask about the flows that are not acknowledged; returns how many changed.

        Raises:
            PlatformError: the platform did not answer; or it knows one of the flows no more, all others are asked.
        """
        with self.works.begin(supplier_id) as work:
            connected = self.platform_for(work)
            pending = work.rows(
                "SELECT tracking_id, flow_ref FROM platform_flows WHERE supplier_id = :supplier AND state = 'sent' "
                "AND changed_at < :before ORDER BY created_at LIMIT 200",
                before=now() - CHECK_AFTER,
            )
        if connected is None:
            return 0
        changed = 0
        failure: PlatformRefusedError | None = None
        for row in pending:
            try:
                state = connected[1].flow_state(row["flow_ref"])
            except PlatformRefusedError as error:  # one lost flow must not hide the others
                failure = failure or error
                continue
            if state.status is not AckStatus.PENDING:
                with self.works.begin(supplier_id) as work:
                    _acknowledge(work, row["tracking_id"], state)
                changed += 1
        if failure:
            raise failure
        return changed

    def _write(self, invoice: Invoice, message: StatusMessage, until: date) -> bytes:
        """Write, judge and archive a 212 before anything is sent."""
        content = write_cdar(message)
        report = self.validator.check_cdar(content)
        if report.verdict is not Verdict.VALID:
            rules = ", ".join(dict.fromkeys(each.rule for each in report.fatal)) or "not checked"
            raise MessageInvalidError(
                "status.invalid",
                f"The 212 of {invoice.number} breaks {rules}; it was not sent.",
                f"Le 212 de {invoice.number} enfreint {rules} ; il n'a pas été envoyé.",
            )
        self.archive.put(content, until)
        return content

    def _send(self, supplier_id: UUID, platform: Platform, flow: Flow) -> None:
        """Send once: what may have been sent is asked for first; doubt is written down before it can be forgotten."""
        row = self.works.run(supplier_id, lambda work: _begin_sending(work, flow.tracking_id))
        if row["state"] not in ("to_send", "in_doubt"):
            return
        sent = platform.find_flow(flow.tracking_id) if row["sends"] else None
        flow_ref = sent.flow_id if sent else platform.send_flow(flow).flow_id
        with self.works.begin(supplier_id) as work:
            work.execute(
                "UPDATE platform_flows SET state = 'sent', flow_ref = :ref, changed_at = :at "
                "WHERE supplier_id = :supplier AND tracking_id = :tracking AND state IN ('to_send', 'in_doubt')",
                ref=flow_ref,
                tracking=flow.tracking_id,
                at=now(),
            )


def profile_told(document: Document) -> Profile:
    """``flowProfile`` of an invoice, by its BT-24; what is built on EN 16931 without extending it is a CIUS."""
    return FLOW_PROFILES.get(profile_of(document.profile, rules.Syntax.CII), Profile.CIUS)


def note_status(work: Work, invoice_id: UUID, message: StatusMessage, *, direction: str, flow_ref: str | None) -> bool:
    """Append a status to an invoice's life; returns whether it was new."""
    return bool(
        work.execute(
            "INSERT INTO statuses (supplier_id, invoice_id, message_id, code, direction, set_at, reasons, amounts, "
            "note, flow_ref, created_at) VALUES (:supplier, :invoice, :message, :code, :direction, :set_at, "
            "CAST(:reasons AS jsonb), CAST(:amounts AS jsonb), :note, :flow, :at) ON CONFLICT DO NOTHING",
            invoice=invoice_id,
            message=message.message_id,
            code=message.status,
            direction=direction,
            set_at=message.occurred_at,
            reasons=to_json([{"code": each.code, "label": each.label} for each in message.reasons]),
            amounts=to_json(
                [{"kind": e.kind, "amount": e.amount, "currency": e.currency, "rate": e.rate} for e in message.amounts]
            ),
            note=message.note,
            flow=flow_ref,
            at=now(),
        )
    )


def _preferred(work: Work, invoice_id: UUID) -> RowMapping:
    rows = work.rows(
        "SELECT document_id, form, filename, sha256 FROM documents WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice AND form IN ('facturx', 'cii', 'ubl')",
        invoice=invoice_id,
    )
    if not rows:
        raise NotAcceptedYetError(
            "platform.file_pending", "The invoice's file is not produced yet.", "Le fichier n'est pas encore produit."
        )
    return min(rows, key=lambda row: PREFERRED.index(row["form"]))


def _plan_flow(
    work: Work, tracking_id: str, kind: str, *, account_id: UUID, invoice_id: UUID, document_id: UUID
) -> None:
    work.execute(
        "INSERT INTO platform_flows (supplier_id, tracking_id, account_id, invoice_id, kind, document_id, state, "
        "created_at, changed_at) VALUES (:supplier, :tracking, :account, :invoice, :kind, :document, 'to_send', :at, "
        ":at) ON CONFLICT (supplier_id, tracking_id) DO NOTHING",
        tracking=tracking_id,
        account=account_id,
        invoice=invoice_id,
        kind=kind,
        document=document_id,
        at=now(),
    )


def _begin_sending(work: Work, tracking_id: str) -> RowMapping:
    """Count the try before it is made: a crash in the middle leaves the flow in doubt, not forgotten."""
    row = work.row(
        "SELECT state, sends FROM platform_flows WHERE supplier_id = :supplier AND tracking_id = :tracking FOR UPDATE",
        tracking=tracking_id,
    )
    assert row is not None  # noqa: S101 -- planned just before
    work.execute(
        "UPDATE platform_flows SET sends = sends + 1, state = CASE WHEN state = 'to_send' AND sends > 0 "
        "THEN 'in_doubt' ELSE state END, changed_at = :at "
        "WHERE supplier_id = :supplier AND tracking_id = :tracking AND state IN ('to_send', 'in_doubt')",
        tracking=tracking_id,
        at=now(),
    )
    return row


def _acknowledge(work: Work, tracking_id: str, state: FlowState) -> None:
    refusal: list[dict[str, Any]] = [
        {"level": each.level, "item": each.item, "reason": each.reason, "message": each.message}
        for each in state.details
    ]
    work.execute(
        "UPDATE platform_flows SET state = :state, refusal = CAST(:refusal AS jsonb), changed_at = :at "
        "WHERE supplier_id = :supplier AND tracking_id = :tracking AND state = 'sent'",
        state="accepted" if state.status is AckStatus.OK else "refused",
        refusal=to_json(refusal) if refusal else None,
        tracking=tracking_id,
        at=now(),
    )


def _was_accepted(work: Work, invoice: Invoice) -> bool:
    """Whether the platform has the invoice; a refused one is not told about, a self-billed one the customer sent.

    Raises:
        NotAcceptedYetError: it may still accept it.
    """
    if invoice.type_code in SELF_BILLED:
        return True
    state = work.scalar(
        "SELECT state FROM platform_flows WHERE supplier_id = :supplier AND invoice_id = :invoice AND kind = 'invoice'",
        invoice=invoice.invoice_id,
    )
    if state in ("accepted", "refused"):
        return bool(state == "accepted")
    if state is None and not _is_announced(work, invoice):
        return False  # it went out before this supplier had a platform: no platform knows of it
    raise NotAcceptedYetError(
        "platform.invoice_pending",
        f"The platform has not accepted invoice {invoice.number} yet.",
        f"La plateforme n'a pas encore accepté la facture {invoice.number}.",
    )


def _is_closed(work: Work, invoice: Invoice) -> bool:
    """Whether a status closed the invoice for the State (210, 213, 220): a 212 after it would be refused."""
    rows = work.rows(
        "SELECT code FROM statuses WHERE supplier_id = :supplier AND invoice_id = :invoice", invoice=invoice.invoice_id
    )
    return closed_by([row["code"] for row in rows]) is not None


def _is_announced(work: Work, invoice: Invoice) -> bool:
    """Whether the worker has still to act on the issue of an invoice."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE supplier_id = :supplier AND kind = :kind "
            "AND event_key = :key AND state = 'new')",
            kind=INVOICE_ISSUED,
            key=str(invoice.invoice_id),
        )
    )
