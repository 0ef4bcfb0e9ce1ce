"""What we answer, as the buyer, to an invoice received: 204 to 208, 210 and 211, composed, judged, kept and planned.

We are the issuer (BY); the recipient is the seller (SE) at BT-34 of its invoice, the address where it expects statuses
(XP Z12-014 annex B; NOTE on BT-34). One answer is one message: the key of the form makes its tracking id.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from config.clock import PARIS, legal_day, now
from einvoice.archive.retention import retain_until
from einvoice.document import FRENCH_ADDRESS_SCHEME, SIREN_SCHEME, Identifier
from einvoice.errors import EInvoiceError
from einvoice.flows import FlowKind, PlannedFlow, plan_flow
from einvoice.intake import file_stem
from einvoice.keeping import XML_MIME, KeptFile, keep_document
from einvoice.lifecycle import reasons as reason_codes
from einvoice.lifecycle.message import (
    BUYER,
    PAID,
    SELLER,
    Datum,
    Detail,
    InvoiceReference,
    Note,
    Reason,
    StatusParty,
    compose,
)
from einvoice.lifecycle.parties import seller_party
from einvoice.lifecycle.sending import write_judged
from einvoice.lifecycle.statuses import check_sendable_by_buyer, status
from einvoice.platform.port import ProcessingRule, tracking_id_for
from einvoice.receiving.history import codes_of_received, note_received_status
from einvoice.receiving.purchases import get_purchase

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime
    from uuid import UUID

    from einvoice.archive import ArchivePort
    from einvoice.document import Document
    from einvoice.lifecycle.message import StatusMessage
    from einvoice.platform.port import Platform
    from einvoice.receiving.purchases import Purchase
    from einvoice.validation.check import Validator
    from receivables.domain.money import Money
    from receivables.store.work import Work

APPROVED, APPROVED_IN_PART, PAYMENT_SENT = "205", "206", "211"
APPROVED_AMOUNT, NOT_APPROVED_AMOUNT = "MAPTTC", "MNATTC"
"""MDT-207 of a partial approval, VAT included: what is approved and what is not."""
WITH_COMMENT = frozenset({"208", "210"})
"""Statuses whose comment (MDT-126) is wanted (A7, G7.25)."""
LONGEST_COMMENT = 1000


class AnswerError(EInvoiceError):
    """The answer cannot be sent as it is: ``purchase.*``; ``place`` names the field of the form."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a buyer says: a status, its reason (MDT-113), a comment (MDT-126), an amount in minor units, a day.

    ``amount`` is what is approved of it (206) or what was paid (211), ``on`` the day of that payment.
    """

    code: str
    reason: str | None = None
    comment: str | None = None
    amount: Money | None = None
    on: date | None = None


def reasons_for(code: str) -> tuple[str, ...]:
    """The reasons that a status may carry between private parties (BR-FR-CDV-CL-09)."""
    return tuple(sorted(reason_codes.ALLOWED.get(code, frozenset())))


def may_be_refused(purchase: Purchase) -> bool:
    """Whether the platform treats the invoice as other than domestic B2B, and may refuse 205 and 210 of it."""
    return purchase.processing_rule not in {None, ProcessingRule.B2B, ProcessingRule.B2G, ProcessingRule.UNDEFINED}


def why_unanswerable(work: Work, purchase: Purchase) -> AnswerError | None:
    """Why nothing can be answered to this invoice by status, or None."""
    document = purchase.document
    ours = work.scalar("SELECT siren FROM suppliers WHERE supplier_id = :supplier")
    if document is None or purchase.line.number is None:
        return AnswerError(
            "purchase.unreadable",
            "This file could not be read as an invoice, so no status can name it. Write to its sender.",
            "Ce fichier n'a pas pu être lu comme une facture : aucun statut ne peut la désigner. Écrivez à son "
            "expéditeur.",
        )
    if purchase.seller_ref == ours:
        return AnswerError(
            "purchase.our_own",
            "We are the seller of this invoice: the customer drew it up for us. A buyer's statuses are not for us.",
            "Nous sommes le vendeur de cette facture, établie par le client pour notre compte : les statuts d'acheteur "
            "ne nous appartiennent pas.",
        )
    if document.seller.siren is None:
        return AnswerError(
            "purchase.foreign_seller",
            "The seller has no SIREN: statuses travel between French companies only. Write to the seller.",
            "Le vendeur n'a pas de SIREN : les statuts ne circulent qu'entre entreprises françaises. Écrivez-lui.",
        )
    endpoint = document.seller.endpoint
    if endpoint is None or endpoint.scheme != FRENCH_ADDRESS_SCHEME:
        return AnswerError(
            "purchase.no_address",
            "The invoice gives no French electronic address of its seller (BT-34, scheme 0225) for statuses. Write to "
            "the seller.",
            "La facture ne donne pas d'adresse électronique française de son vendeur (BT-34, schéma 0225) pour les "
            "statuts. Écrivez au vendeur.",
        )
    return None


@dataclass(frozen=True, slots=True)
class BuyerStatuses:
    """Sends what a buyer says. ``platform_for`` gives the account in use, for what came through one that is closed."""

    archive: ArchivePort
    validator: Validator
    platform_for: Callable[[Work], tuple[UUID, Platform] | None]

    def send(self, work: Work, received_id: UUID, answer: Answer, *, key: str, actor: str) -> str:
        """Plan the answer; returns its message id (MDT-4), the known one where the same form was sent before.

        Raises:
            AnswerError: ``purchase.unreadable``, ``purchase.our_own``, ``purchase.foreign_seller``,
                ``purchase.no_address``, ``purchase.reason``, ``purchase.comment``, ``purchase.amount``,
                ``purchase.day`` or ``purchase.no_platform``.
            LifecycleError: the status is not allowed now; see ``check_sendable_by_buyer``.
            StatusMessageError, MessageInvalidError: the message cannot be made, or breaks the rules.
            NotFoundError: ``purchase.not_found``.
        """
        purchase = get_purchase(work, received_id)
        _lock(work, purchase)
        tracking_id = tracking_id_for(str(work.supplier_id), FlowKind.BUYER_STATUS, str(received_id), answer.code, key)
        known = _planned(work, tracking_id)
        if known is not None:
            return known
        refusal = why_unanswerable(work, purchase)
        document = purchase.document
        if refusal or document is None:
            raise refusal or AnswerError("purchase.unreadable", "It is not readable.", "Elle n'est pas lisible.")
        history = codes_of_received(work, received_id)
        check_sendable_by_buyer(answer.code, history)
        at = now().replace(microsecond=0)
        message = self._message(work, purchase, document, _detail(document, answer, legal_day(at)), (answer.code, at))
        until = retain_until(work, legal_day(at))
        content = write_judged(self.archive, self.validator, message, until)
        filename = f"{file_stem(document.number)}-{answer.code}-{tracking_id[:12]}.xml"
        document_id = keep_document(work, None, "cdar", KeptFile(content, filename, XML_MIME), None, until=until)
        plan_flow(
            work,
            PlannedFlow(
                tracking_id,
                FlowKind.BUYER_STATUS,
                self._account(work, purchase),
                document_id,
                subject_id=received_id,
            ),
        )
        note_received_status(work, received_id, message, direction="out", document_id=document_id)
        work.audit(actor, "purchase.answered", str(received_id), code=answer.code, message=message.message_id)
        return message.message_id

    def _account(self, work: Work, purchase: Purchase) -> UUID:
        """The account that the invoice came through; where that is closed, the one in use."""
        closed = work.scalar(
            "SELECT closed_at IS NOT NULL FROM platform_accounts WHERE supplier_id = :supplier AND account_id = :id",
            id=purchase.account_id,
        )
        if not closed:
            return purchase.account_id
        connected = self.platform_for(work)
        if connected is None:
            raise AnswerError(
                "purchase.no_platform",
                "The platform that brought this invoice is no longer ours. Connect one, then answer.",
                "La plateforme qui a apporté cette facture n'est plus la nôtre. Connectez-en une, puis répondez.",
            )
        return connected[0]

    def _message(
        self,
        work: Work,
        purchase: Purchase,
        document: Document,
        details: tuple[Detail, ...],
        said: tuple[str, datetime],
    ) -> StatusMessage:
        code, at = said
        seller = seller_party(document.seller)
        us = work.row("SELECT siren, name FROM suppliers WHERE supplier_id = :supplier")
        assert us is not None  # noqa: S101 -- the supplier of this work
        number = 1 + int(
            work.scalar(
                "SELECT count(*) FROM received_statuses WHERE supplier_id = :supplier AND received_id = :received "
                "AND direction = 'out'",
                received=purchase.line.received_id,
            )
        )
        return compose(
            code,
            message_id=(
                f"{document.number}_{code}_{at.astimezone(PARIS):%Y%m%d%H%M%S}-{number}"
                f"#{document.type_code}_{document.issued_on:%Y%m%d}"
            ),
            invoice=InvoiceReference(
                number=document.number,
                type_code=document.type_code,
                issued_on=document.issued_on,
                seller=StatusParty(SELLER, seller.identifiers),
                deposited_at=purchase.line.received_at.replace(microsecond=0),
            ),
            issuer=StatusParty(BUYER, (Identifier(us["siren"], SIREN_SCHEME),), us["name"]),
            recipients=(StatusParty(SELLER, seller.identifiers, seller.name, document.seller.endpoint),),
            made_at=at,
            set_at=at,
            details=details,
        )


def _lock(work: Work, purchase: Purchase) -> None:
    """One answer at a time for one invoice, also where it came twice."""
    key = f"purchase:{work.supplier_id}:{purchase.seller_ref}:{purchase.line.number}"
    work.scalar("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=key)


def _planned(work: Work, tracking_id: str) -> str | None:
    """The message that was planned under this tracking id."""
    found: str | None = work.scalar(
        "SELECT message_id FROM platform_flows AS flow JOIN received_statuses AS said "
        "ON said.supplier_id = flow.supplier_id AND said.received_id = flow.subject_id "
        "AND said.document_id = flow.document_id "
        "WHERE flow.supplier_id = :supplier AND flow.tracking_id = :tracking",
        tracking=tracking_id,
    )
    return found


def _detail(document: Document, answer: Answer, today: date) -> tuple[Detail, ...]:
    """Reason, comment and amounts, each where it belongs.

    Raises:
        AnswerError: ``purchase.reason``, ``purchase.comment``, ``purchase.amount`` or ``purchase.day``.
    """
    reason = _reason(answer)
    comment = (answer.comment or "").strip()
    if answer.code in WITH_COMMENT and not comment:
        raise AnswerError(
            "purchase.comment",
            f"Say what is wrong: a comment is wanted with {answer.code} {status(answer.code).english}.",
            f"Dites ce qui ne va pas : un commentaire est attendu avec {answer.code} {status(answer.code).french}.",
            place="comment",
        )
    if len(comment) > LONGEST_COMMENT:
        raise AnswerError(
            "purchase.comment",
            f"The comment has {len(comment)} characters; at most {LONGEST_COMMENT} are sent. Shorten it.",
            f"Le commentaire compte {len(comment)} caractères ; au plus {LONGEST_COMMENT} sont transmis. Abrégez-le.",
            place="comment",
        )
    data = _amounts(document, answer, today)
    if not (reason or comment or data):
        return ()
    return (Detail(1, reason, (Note(comment),) if comment else (), data),)


def _reason(answer: Answer) -> Reason | None:
    allowed = reasons_for(answer.code)
    if answer.reason in allowed:
        return Reason(answer.reason, reason_codes.reason(answer.reason or "").french)
    if not allowed and answer.reason is None:
        return None
    raise AnswerError(
        "purchase.reason",
        f"Choose one of the reasons of {answer.code} {status(answer.code).english}.",
        f"Choisissez l'un des motifs de {answer.code} {status(answer.code).french}.",
        place="reason",
    )


def _amounts(document: Document, answer: Answer, today: date) -> tuple[Datum, ...]:
    if answer.code not in {APPROVED_IN_PART, PAYMENT_SENT}:
        return ()
    total, currency = document.totals.with_vat, document.currency
    most = total - Decimal("0.01") if answer.code == APPROVED_IN_PART else total
    given = answer.amount
    if given is None or given.currency != currency or not 0 < given.decimal <= most:
        raise AnswerError(
            "purchase.amount",
            f"Give an amount above zero and at most {most} {currency}, VAT included.",
            f"Donnez un montant supérieur à zéro et d'au plus {most} {currency}, TVA comprise.",
            place="amount",
        )
    if answer.code == APPROVED_IN_PART:
        rest = total - given.decimal
        return (Datum(APPROVED_AMOUNT, given.decimal, currency), Datum(NOT_APPROVED_AMOUNT, rest, currency))
    if answer.on is None or answer.on > today or answer.on < document.issued_on:
        raise AnswerError(
            "purchase.day",
            f"Give the day of the payment, from {document.issued_on} to today.",
            f"Donnez le jour du paiement, du {document.issued_on} à aujourd'hui.",
            place="on",
        )
    return (Datum(PAID, given.decimal, currency, dated_on=answer.on),)
