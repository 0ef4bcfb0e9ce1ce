"""The status 212 *Encaissée*: one message per receipt, its money split by VAT rate, negative when money goes back.

Sources: BR-FR-CDV-14 (each MEN has an amount and a rate), rules P1.15 to P1.17 (net, partial, cancelled), CGI 290 A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import PARIS
from einvoice.lifecycle.message import (
    COLLECTED,
    PLATFORM,
    REGULATED,
    REMAINING,
    SELLER,
    Datum,
    Detail,
    InvoiceReference,
    Note,
    StatusMessage,
    StatusMessageError,
    StatusParty,
    compose,
)
from einvoice.lifecycle.parties import buyer_party, seller_party

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from einvoice.document import Party
    from receivables.domain.money import Money

COLLECTED_STATUS = "212"


@dataclass(frozen=True, slots=True)
class CollectedInvoice:
    """What a 212 says of its invoice: BT-1, BT-3, BT-2 and when the platform took it (MDT-95, of its status 200)."""

    number: str
    type_code: str
    issued_on: date
    deposited_at: datetime | None = None


def collected_message(
    *,
    seller: Party,
    buyer: Party | None,
    invoice: CollectedInvoice,
    split: Sequence[tuple[Decimal, Money]],
    sequence: int,
    collected_at: datetime,
    made_at: datetime,
    remaining: Money | None = None,
    comment: str | None = None,
    process: str = REGULATED,
) -> StatusMessage:
    """The 212 of one receipt of ``invoice``, or of money given back.

    Args:
        seller: Issuer; needs a SIREN (BT-30).
        buyer: Recipient; needs an electronic address (BT-49). ``None`` addresses our platform alone (BR-FR-CDV-08).
        invoice: The invoice that the money belongs to.
        split: VAT rate in percent and money received, VAT included; negative where it went back. Parts of one rate are
            added up, parts of zero left out.
        sequence: Number of this receipt on the invoice, from 1; it tells apart receipts of the same second.
        collected_at: When the money came in or went back (MDT-78); it must not change when the message is built again.
        made_at: When the message is made (MDT-8).
        remaining: What is still to be paid (RAP), left out at zero.
        comment: Why money went back (MDT-126); compulsory with a negative part (P1.17).
        process: MDT-2, ``REGULATED`` inside the mandate.

    Raises:
        StatusMessageError: ``status.no_siren``, ``status.no_address``, ``collected.nothing``,
            ``collected.bad_sequence``, ``collected.currencies_differ`` or ``collected.no_comment``.
    """
    _check_sequence(invoice, sequence)
    issuer = seller_party(seller)
    return compose(
        COLLECTED_STATUS,
        message_id=message_id(invoice, sequence, collected_at),
        invoice=_reference(invoice, StatusParty(SELLER, issuer.identifiers)),
        issuer=issuer,
        recipients=(buyer_party(buyer) if buyer else StatusParty(PLATFORM),),
        made_at=made_at,
        set_at=collected_at,
        details=(_detail(invoice.number, split, remaining, comment),),
        process=process,
    )


def _reference(invoice: CollectedInvoice, seller: StatusParty) -> InvoiceReference:
    return InvoiceReference(
        number=invoice.number,
        type_code=invoice.type_code,
        issued_on=invoice.issued_on,
        seller=seller,
        deposited_at=invoice.deposited_at.replace(microsecond=0) if invoice.deposited_at else None,
    )


def _check_sequence(invoice: CollectedInvoice, sequence: int) -> None:
    if sequence < 1:
        raise StatusMessageError(
            "collected.bad_sequence",
            f"Receipt number {sequence} of {invoice.number}: count receipts from 1.",
            f"Encaissement numéro {sequence} de {invoice.number} : comptez à partir de 1.",
        )


def message_id(invoice: CollectedInvoice, sequence: int, collected_at: datetime) -> str:
    """MDT-4: ``{BT-1}_212_{time}-{sequence}#{BT-3}_{BT-2}``, the same each time a receipt's message is built.

    The official pattern takes the time from MDT-95, which all statuses of a seller share: two receipts would collide.
    """
    moment = collected_at.astimezone(PARIS)
    return (
        f"{invoice.number}_{COLLECTED_STATUS}_{moment:%Y%m%d%H%M%S}-{sequence}"
        f"#{invoice.type_code}_{invoice.issued_on:%Y%m%d}"
    )


def _detail(
    number: str, split: Sequence[tuple[Decimal, Money]], remaining: Money | None, comment: str | None
) -> Detail:
    parts = _by_rate(number, split, remaining)
    if any(money.minor < 0 for _, money in parts) and not comment:
        raise StatusMessageError(
            "collected.no_comment",
            f"Money of {number} went back: say why, the comment MDT-126 is compulsory (P1.17).",
            f"De l'argent de {number} est reparti : dites pourquoi, le commentaire MDT-126 est obligatoire (P1.17).",
        )
    data = [Datum(COLLECTED, money.decimal, money.currency, rate) for rate, money in parts]
    if remaining:
        data.append(Datum(REMAINING, remaining.decimal, remaining.currency))
    return Detail(sequence=1, notes=(Note(comment),) if comment else (), data=tuple(data))


def _by_rate(
    number: str, split: Sequence[tuple[Decimal, Money]], remaining: Money | None
) -> list[tuple[Decimal, Money]]:
    """One part per rate, in the order given, without zeros."""
    monies = [money for _, money in split] + ([remaining] if remaining else [])
    currencies = sorted({money.currency for money in monies})
    if len(currencies) > 1:
        raise StatusMessageError(
            "collected.currencies_differ",
            f"The receipt of {number} mixes {', '.join(currencies)}; send one currency.",
            f"L'encaissement de {number} mêle {', '.join(currencies)} ; envoyez une seule devise.",
        )
    parts: dict[Decimal, Money] = {}
    for rate, money in split:
        parts[rate] = parts[rate] + money if rate in parts else money
    kept = [(rate, money) for rate, money in parts.items() if money]
    if not kept:
        raise StatusMessageError(
            "collected.nothing",
            f"The receipt of {number} moves no money: no 212 is to be sent.",
            f"L'encaissement de {number} ne porte aucun montant : aucun 212 n'est à envoyer.",
        )
    return kept
