"""The statuses that we set as the seller: 209, 211, 220 and 225 to 228; composed, judged, kept and planned.

One status is one flow, planned in the transaction that decides it. What a customer is told travels through the account
that has the invoice; a status of an invoice that no platform has is told to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import legal_day, now
from einvoice.archive.retention import retain_until
from einvoice.declarants import self_billed_account
from einvoice.errors import EInvoiceError
from einvoice.flows import FlowKind, PlannedFlow, plan_flow
from einvoice.intake import file_stem
from einvoice.keeping import XML_MIME, KeptFile, keep_document
from einvoice.kept import issued_document
from einvoice.lifecycle.cdar import write_cdar
from einvoice.lifecycle.history import codes_of, note_status
from einvoice.lifecycle.message import (
    CONFIDENTIAL,
    PLATFORM,
    SELLER,
    InvoiceReference,
    StatusMessageError,
    StatusParty,
    compose,
)
from einvoice.lifecycle.parties import buyer_party, seller_party
from einvoice.lifecycle.statuses import check_sendable, has_reached_platform
from einvoice.platform.port import tracking_id_for
from einvoice.request.codes import SELF_BILLED
from einvoice.validation.verdict import Verdict
from receivables.store.customer_file.customers import lock_customers
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from einvoice.archive import ArchivePort
    from einvoice.document import Document
    from einvoice.lifecycle.message import AttachedFile, Detail, StatusMessage
    from einvoice.validation.check import Validator
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

COLLECTED = "212"
MAX_ATTACHED_BYTES = 7_000_000
"""Attachments of one message, in bytes: a careful XML parser reads ten million characters of text, base64 adds a third;
the files of a whole message stay under it together, since rules engines hold all of it at once."""
_ID_DIGITS = 12


class MessageInvalidError(EInvoiceError):
    """A message that we wrote breaks the rules (``status.invalid``): our defect, for a human."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What a message is to say."""

    code: str
    message_id: str
    details: tuple[Detail, ...]
    attachments: tuple[AttachedFile, ...]
    factor: StatusParty | None
    made_at: datetime
    set_at: datetime


@dataclass(frozen=True, slots=True)
class SellerStatuses:
    """Sends what a seller says of an invoice."""

    archive: ArchivePort
    validator: Validator

    def queue(
        self,
        work: Work,
        invoice_id: UUID,
        code: str,
        *,
        key: str,
        details: tuple[Detail, ...] = (),
        attachments: tuple[AttachedFile, ...] = (),
        factor: StatusParty | None = None,
        occurred_at: datetime | None = None,
    ) -> str | None:
        """Plan the message that ``code`` was set on an invoice; returns its id (MDT-4), the known one when repeated.

        ``key`` names the act behind it: the same key is the same message. ``attachments`` travel in the message
        (MDT-96): they answer a request for documents (209). A confidential 226 goes to ``factor``, or to our platform
        alone; everything else to the buyer. Returns None where no platform has the invoice, or where it went to
        Chorus Pro, which knows no such messages: nothing is told then.

        Raises:
            LifecycleError: ``lifecycle.*``: it may not be sent, or not yet (``lifecycle.not_deposited``).
            StatusMessageError: ``status.by_cash`` for 212, ``status.attachments_too_large``, ``status.no_siren``,
                ``status.no_address`` or ``cdar.*``.
            MessageInvalidError: it breaks the rules; nothing was planned.
            NotFoundError: ``invoice.not_found``.
        """
        _check_code(code)
        invoice = get_invoice(work, invoice_id)
        lock_customers(work, [invoice.customer_id])  # of two racers the second sees what the first has sent
        account_id = self._account_with(work, invoice)
        if account_id is None:
            return None
        tracking_id = tracking_id_for(str(work.supplier_id), code, str(invoice_id), key)
        short = tracking_id[:_ID_DIGITS]
        message_id = f"{invoice.number}_{code}_{short}#{invoice.type_code}_{invoice.issued_on:%Y%m%d}"
        if _is_planned(work, tracking_id):
            return message_id
        check_sendable(code, codes_of(work, invoice_id))
        _check_size(attachments)
        at = now()
        said = _Said(code, message_id, details, attachments, factor, at, occurred_at or at)
        message = _compose(work, invoice, said)
        document_id = self._keep(work, invoice, message, f"{file_stem(invoice.number)}-{code}-{short}.xml")
        plan_flow(work, PlannedFlow(tracking_id, FlowKind.STATUS, account_id, document_id, invoice_id))
        note_status(work, invoice_id, message, direction="out", flow_ref=None)
        return message_id

    def _keep(self, work: Work, invoice: Invoice, message: StatusMessage, filename: str) -> UUID:
        """The message as a file that passed its judges, kept with its invoice."""
        until = retain_until(work, legal_day(message.occurred_at))
        content = write_judged(self.archive, self.validator, message, until)
        return keep_document(work, invoice.invoice_id, "cdar", KeptFile(content, filename, XML_MIME), None, until=until)

    @staticmethod
    def _account_with(work: Work, invoice: Invoice) -> UUID | None:
        """The account through which a platform got the invoice; a self-billed one came from the customer's side."""
        if invoice.type_code in SELF_BILLED:
            reached = has_reached_platform(codes_of(work, invoice.invoice_id))
            return self_billed_account(work, invoice) if reached else None
        account_id: UUID | None = work.scalar(
            "SELECT account_id FROM platform_flows AS flow JOIN platform_accounts USING (supplier_id, account_id) "
            "WHERE supplier_id = :supplier AND flow.invoice_id = :invoice AND flow.kind = 'invoice' "
            "AND flow.state <> 'refused' AND driver #>> '{driver,kind}' IS DISTINCT FROM 'chorus_pro' "
            "ORDER BY flow.attempt DESC LIMIT 1",
            invoice=invoice.invoice_id,
        )
        return account_id


def write_judged(archive: ArchivePort, validator: Validator, message: StatusMessage, until: date) -> bytes:
    """Write a message, judge it, and archive it to the end of ``until`` before anything is sent.

    Raises:
        MessageInvalidError: ``status.invalid``.
    """
    content = write_cdar(message)
    report = validator.check_cdar(content)
    if report.verdict is not Verdict.VALID:
        broken = ", ".join(dict.fromkeys(each.rule for each in report.fatal))
        what, quoi = (f"breaks {broken}", f"enfreint {broken}") if broken else ("was not checked", "est sans contrôle")
        raise MessageInvalidError(
            "status.invalid",
            f"The {message.status} of {message.invoice.number} {what}; it was not sent.",
            f"Le {message.status} de {message.invoice.number} {quoi} ; il n'a pas été envoyé.",
        )
    archive.put(content, until)
    return content


def _compose(work: Work, invoice: Invoice, said: _Said) -> StatusMessage:
    document = issued_document(invoice)
    issuer = seller_party(document.seller)
    return compose(
        said.code,
        message_id=said.message_id,
        invoice=InvoiceReference(
            number=invoice.number,
            type_code=invoice.type_code,
            issued_on=invoice.issued_on,
            seller=StatusParty(SELLER, issuer.identifiers),
            deposited_at=_deposited_at(work, invoice),
        ),
        issuer=issuer,
        recipients=_recipients(said.code, document, said.factor),
        made_at=said.made_at,
        set_at=said.set_at,
        details=said.details,
        attachments=said.attachments,
    )


def _recipients(code: str, document: Document, factor: StatusParty | None) -> tuple[StatusParty, ...]:
    """The buyer at its electronic address (MDT-73); for a confidential status the factor, or our platform alone."""
    if code != CONFIDENTIAL:
        return (buyer_party(document.buyer),)
    if factor and _is_buyer(factor, document):
        raise _error(
            "cdar.confidential",
            f"{factor.name or 'The factor'} is the buyer itself, who must not hear of status 226. Name the factor.",
            f"{factor.name or 'Ce tiers'} est l'acheteur, qui ne doit pas recevoir le 226. Nommez l'affactureur.",
        )
    return (factor or StatusParty(PLATFORM),)


def _is_buyer(party: StatusParty, document: Document) -> bool:
    buyer = document.buyer
    same_company = buyer.siren is not None and party.siren == buyer.siren
    return same_company or (buyer.endpoint is not None and party.address == buyer.endpoint)


def _deposited_at(work: Work, invoice: Invoice) -> datetime | None:
    """MDT-95: when the platform said that it has the invoice (200)."""
    instant: datetime | None = work.scalar(
        "SELECT min(set_at) FROM statuses WHERE supplier_id = :supplier AND invoice_id = :invoice AND code = '200'",
        invoice=invoice.invoice_id,
    )
    return instant.replace(microsecond=0) if instant else None


def _is_planned(work: Work, tracking_id: str) -> bool:
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM platform_flows WHERE supplier_id = :supplier AND tracking_id = :tracking)",
            tracking=tracking_id,
        )
    )


def _check_size(attachments: tuple[AttachedFile, ...]) -> None:
    size = sum(len(each.content) for each in attachments)
    if size > MAX_ATTACHED_BYTES:
        raise _error(
            "status.attachments_too_large",
            f"The attachments have {size} bytes; one message takes {MAX_ATTACHED_BYTES}. Send fewer or smaller files.",
            f"Les pièces jointes font {size} octets ; un message en admet {MAX_ATTACHED_BYTES}. Envoyez moins de "
            "fichiers, ou de plus petits.",
        )


def _check_code(code: str) -> None:
    """Whether somebody may say this status: the 212 is said by the books alone."""
    if code == COLLECTED:
        raise _error(
            "status.by_cash",
            "Status 212 follows the cash that the books hold; record the receipt instead.",
            "Le statut 212 suit l'encaissement des livres ; enregistrez plutôt l'encaissement.",
        )


def _error(code: str, sentence: str, sentence_fr: str) -> StatusMessageError:
    return StatusMessageError(code, sentence, sentence_fr)
