"""Decide what goes to the supplier's platform: invoices, and the 212 of every movement of cash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import legal_day
from einvoice.archive.retention import retain_until
from einvoice.cash_movement import message_of_movement, must_tell
from einvoice.declarants import is_platforms, processing_of, self_billed_account, serving_account
from einvoice.errors import EInvoiceError
from einvoice.flows import FlowKind, PlannedFlow, announce_flow, plan_flow
from einvoice.formats.profiles import in_form
from einvoice.intake import file_stem
from einvoice.keeping import XML_MIME, KeptFile, keep_document
from einvoice.kept import issued_document
from einvoice.lifecycle.collected import COLLECTED_STATUS
from einvoice.lifecycle.history import note_status
from einvoice.lifecycle.sending import write_judged
from einvoice.lifecycle.statuses import closed_by
from einvoice.platform.port import Profile, tracking_id_for
from einvoice.request.codes import SELF_BILLED
from einvoice.validation import standards as rules
from einvoice.validation.standards import profile_of
from receivables.store.accounting.openings import receipts_told_here
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import RowMapping

    from einvoice.archive import ArchivePort
    from einvoice.document import Document
    from einvoice.validation.check import Validator
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work, Works

PREFERRED = ("facturx", "cii", "ubl")
FLOW_PROFILES: dict[rules.Profile | None, Profile] = {
    rules.Profile.BASIC_WL: Profile.BASIC,
    rules.Profile.BASIC: Profile.BASIC,
    rules.Profile.EXTENDED: Profile.EXTENDED,
    rules.Profile.EXTENDED_CTC_FR: Profile.EXTENDED,
}


class NotAcceptedYetError(EInvoiceError):
    """The platform has not accepted the invoice yet, so nothing can be told about it (``platform.invoice_pending``)."""


@dataclass(frozen=True, slots=True)
class Submitter:
    """Plans the flows of all suppliers; the worker sends them."""

    works: Works
    archive: ArchivePort
    validator: Validator

    def submit_invoice(self, supplier_id: UUID, invoice_id: UUID) -> None:
        """Plan the flow of an issued invoice, where a platform is to carry or to declare it.

        Raises:
            NotAcceptedYetError: come back when its file is produced.
        """
        with self.works.begin(supplier_id) as work:
            invoice = get_invoice(work, invoice_id)
            account_id = serving_account(work, invoice.routing)
            rule = processing_of(work, invoice, account_id) if account_id else None
            if account_id is None or rule is None:
                return
            document = _preferred(work, invoice_id)
            plan_flow(
                work,
                PlannedFlow(
                    tracking_id=tracking_id_for(str(supplier_id), "invoice", str(invoice_id)),
                    kind=FlowKind.INVOICE,
                    account_id=account_id,
                    document_id=document["document_id"],
                    invoice_id=invoice_id,
                    processing_rule=rule,
                    profile=profile_told(in_form(issued_document(invoice), document["form"])),
                ),
            )

    def tell_collected(self, supplier_id: UUID, invoice_id: UUID, sequence: int) -> None:
        """Plan the message that cash moved on an invoice (status 212), where the law asks for it.

        It goes to the platform that has the invoice, whichever is the active one by now.

        Raises:
            NotAcceptedYetError: come back when the platform has the invoice.
            MessageInvalidError: ``status.invalid``: our defect, for a human; nothing was planned.
        """
        with self.works.begin(supplier_id) as work:
            invoice = get_invoice(work, invoice_id)
            tracking_id = tracking_id_for(str(supplier_id), COLLECTED_STATUS, str(invoice_id), str(sequence))
            if not must_tell(invoice) or _is_planned(work, tracking_id):
                return
            account_id = _account_that_has(work, invoice)
            if account_id is None or not _hears_of_receipts(work, account_id) or _is_closed(work, invoice):
                return
            message = message_of_movement(work, invoice, sequence)
            until = retain_until(work, legal_day(message.occurred_at))
            file = KeptFile(
                write_judged(self.archive, self.validator, message, until),
                f"{file_stem(invoice.number)}-212-{sequence}.xml",
                XML_MIME,
            )
            plan_flow(
                work,
                PlannedFlow(
                    tracking_id=tracking_id,
                    kind=FlowKind.STATUS,
                    account_id=account_id,
                    document_id=keep_document(work, invoice_id, "cdar", file, None, until=until),
                    invoice_id=invoice_id,
                ),
            )
            note_status(work, invoice_id, message, direction="out", flow_ref=None)


def profile_told(document: Document) -> Profile:
    """``flowProfile`` of an invoice, by its BT-24; what is built on EN 16931 without extending it is a CIUS."""
    return FLOW_PROFILES.get(profile_of(document.profile, rules.Syntax.CII), Profile.CIUS)


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


def _is_planned(work: Work, tracking_id: str) -> bool:
    """Whether this message was made already; one of before the worker sent flows by themselves is announced to it."""
    state = work.scalar(
        "SELECT state FROM platform_flows WHERE supplier_id = :supplier AND tracking_id = :tracking",
        tracking=tracking_id,
    )
    if state in ("to_send", "in_doubt"):
        announce_flow(work, tracking_id)
    return state is not None


def _account_that_has(work: Work, invoice: Invoice) -> UUID | None:
    """The account where a platform accepted the invoice; ``None`` where none has it, or the last one refused it.

    A self-billed one the customer sent: a platform of ours has it from there. Of one that was taken over, the platform
    of before tells, unless the supplier said that the one here does.

    Raises:
        NotAcceptedYetError: it may still be accepted.
    """
    if invoice.type_code in SELF_BILLED:
        return self_billed_account(work, invoice)
    if invoice.is_taken_over and receipts_told_here(work, invoice):
        return _serving(work, invoice)
    flows = work.rows(
        "SELECT state, account_id FROM platform_flows WHERE supplier_id = :supplier AND invoice_id = :invoice "
        "AND kind = 'invoice' ORDER BY attempt",
        invoice=invoice.invoice_id,
    )
    accepted: list[UUID] = [flow["account_id"] for flow in flows if flow["state"] == "accepted"]
    if accepted:
        return accepted[-1]
    if not flows and not is_platforms(work, invoice):
        return None  # it went out before this supplier had a platform, or we declare it ourselves
    if flows and flows[-1]["state"] == "refused":
        return None
    raise NotAcceptedYetError(
        "platform.invoice_pending",
        f"The platform has not accepted invoice {invoice.number} yet.",
        f"La plateforme n'a pas encore accepté la facture {invoice.number}.",
    )


def _serving(work: Work, invoice: Invoice) -> UUID:
    """The account that tells of a taken-over invoice.

    Raises:
        NotAcceptedYetError: there is none yet: a house goes live with its books first.
    """
    account_id = serving_account(work, invoice.routing)
    if account_id is None:
        raise NotAcceptedYetError(
            "platform.no_account",
            f"The receipts of {invoice.number} are to be told from here, and no platform is connected yet.",
            f"Les encaissements de {invoice.number} se déclarent d'ici, et aucune plateforme n'est encore reliée.",
        )
    return account_id


def _hears_of_receipts(work: Work, account_id: UUID) -> bool:
    """Chorus Pro makes the 212 of its invoices itself and expects none (external specification 1.1, 3.4.1.1.1)."""
    kind = work.scalar(
        "SELECT driver->'driver'->>'kind' FROM platform_accounts WHERE supplier_id = :supplier "
        "AND account_id = :account",
        account=account_id,
    )
    return bool(kind != "chorus_pro")


def _is_closed(work: Work, invoice: Invoice) -> bool:
    """Whether a status closed the invoice for the State (210, 213, 220): a 212 after it would be refused."""
    rows = work.rows(
        "SELECT code FROM statuses WHERE supplier_id = :supplier AND invoice_id = :invoice", invoice=invoice.invoice_id
    )
    return closed_by([row["code"] for row in rows]) is not None
