"""What is refused before a dispute is opened: wrong words, a wrong amount, too many at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now
from receivables.domain.conversations.disputes import Scope
from receivables.domain.money import Money
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.services.conversations.disputing import OpenDispute
    from receivables.store.work import Work

MAX_OPEN_PER_CUSTOMER = 50
"""More open disputes of one customer are an accident or an attack; what platforms tell is not limited."""
MAX_CLAIMS_A_DAY = 60
"""Each may bring files and writes a mail: whoever holds a link that was passed on must not flood either side."""
MAX_SAID = 4000
"""Characters of one message."""


def check_claim(work: Work, invoice: Invoice, command: OpenDispute) -> None:
    """Refuse what cannot be a dispute of this invoice now; the customer is locked.

    Raises:
        ReceivablesError: ``dispute.credit_note``, ``dispute.too_long``, ``dispute.no_words``, ``dispute.bad_amount``,
            ``dispute.too_much``, ``dispute.too_many``.
    """
    if invoice.is_credit_note:
        raise ReceivablesError(
            "dispute.credit_note",
            "A credit note is in the customer's favour: dispute its invoice.",
            "Un avoir est en faveur du client : contestez plutôt sa facture.",
        )
    _check_words(command)
    if command.scope is not Scope.WHOLE:
        _check_amount(command.amount_minor, invoice)
    _check_room(work, invoice.customer_id)


def _check_words(command: OpenDispute) -> None:
    if len(command.said) > MAX_SAID:
        raise ReceivablesError(
            "dispute.too_long",
            f"The text is longer than {MAX_SAID} characters: shorten it.",
            f"Le texte dépasse {MAX_SAID} caractères : raccourcissez-le.",
        )
    if command.reason == "AUTRE" and not command.said.strip():
        raise ReceivablesError(
            "dispute.no_words",
            "Another reason needs a few words that say which.",
            "Un autre motif demande quelques mots qui disent lequel.",
        )


def _check_amount(amount_minor: int | None, invoice: Invoice) -> None:
    if amount_minor is None or amount_minor <= 0:
        raise ReceivablesError(
            "dispute.bad_amount",
            "Say which amount, more than zero, or which lines.",
            "Indiquez le montant contesté, supérieur à zéro, ou les lignes.",
        )
    if amount_minor > invoice.payable_minor:
        most = Money(invoice.payable_minor, invoice.currency)
        raise ReceivablesError(
            "dispute.too_much",
            f"The invoice is of {most}: no more of it can be disputed.",
            f"La facture est de {most} : on ne peut pas en contester davantage.",
        )


def _check_room(work: Work, customer_id: UUID) -> None:
    """Neither too many messages of a customer in a day, nor too many disputes open."""
    lately = work.scalar(
        "SELECT count(*) FROM dispute_events AS event JOIN disputes AS dispute USING (supplier_id, dispute_id) "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND event.kind = 'claimed' "
        "AND event.happened_at > :since",
        customer=customer_id,
        since=now() - timedelta(days=1),
    )
    if lately >= MAX_CLAIMS_A_DAY:
        raise ReceivablesError(
            "dispute.too_many",
            f"{MAX_CLAIMS_A_DAY} messages came today already: wait for their answers.",
            f"{MAX_CLAIMS_A_DAY} messages sont déjà venus aujourd'hui : attendez leurs réponses.",
        )
    open_now = work.scalar(
        "SELECT count(*) FROM disputes WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND closed_at IS NULL AND merged_into IS NULL",
        customer=customer_id,
    )
    if open_now >= MAX_OPEN_PER_CUSTOMER:
        raise ReceivablesError(
            "dispute.too_many",
            f"{MAX_OPEN_PER_CUSTOMER} disputes are open already: wait for their answers.",
            f"{MAX_OPEN_PER_CUSTOMER} litiges sont déjà ouverts : attendez leurs réponses.",
        )
