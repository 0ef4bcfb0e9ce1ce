"""Money and fees between a factor and us: advances, commission, interest, and what we owe it paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import new_id
from receivables.domain.accounting.ledger import OTHER_JOURNAL, Entry, signed
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.settlement.settling import load_settling, write_settling
from receivables.store.accounting.factors import get_factor, insert_factor_move

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.accounting.factors import FactorMove
    from receivables.store.work import Work

FACTOR_ENTRY = "factor_move"
"""Source kind of the entries."""
ACCOUNTS = {"commission": "factor_commission", "interest": "factor_interest"}
"""The account of the chart that a factor's fee is booked on; money goes to or comes from the account that is named."""


def book_factor_move(work: Work, factor_id: UUID, move: FactorMove, actor: str, *, money: str = "bank") -> None:
    """Book an ``advance`` (467 to the bank), a ``commission`` (6225), ``interest`` (668) or money ``paid_to_factor``.

    ``money`` names the account of the chart on which the money lies: ``bank``, or ``suspense`` where the bank's line
    was read and not identified. The same kind and reference is booked once.

    Raises:
        NotFoundError: ``factor.not_found``.
        ReceivablesError: ``factor.not_above_zero``.
        ConflictError: ``factor.known_reference``.
    """
    factor = get_factor(work, factor_id)
    if move.amount_minor <= 0 or not move.reference.strip():
        raise ReceivablesError(
            "factor.not_above_zero",
            "Give an amount above zero and the reference of the factor's statement.",
            "Donnez un montant supérieur à zéro et la référence du relevé de l'affactureur.",
        )
    if work.scalar(
        "SELECT 1 FROM factor_moves WHERE supplier_id = :supplier AND factor_id = :factor AND kind = :kind "
        "AND reference = :reference",
        factor=factor_id,
        kind=move.kind,
        reference=move.reference,
    ):
        raise ConflictError(
            "factor.known_reference",
            f"{move.reference} of {factor.name} is booked already.",
            f"{move.reference} de {factor.name} est déjà comptabilisé.",
        )
    settling = load_settling(work, [])
    account = settling.chart.account(ACCOUNTS.get(move.kind, money))
    sense = -1 if move.kind == "paid_to_factor" else 1
    entry = Entry(
        entry_id=new_id(),
        journal=OTHER_JOURNAL,
        booked_on=settling.open_day(move.moved_on),
        source_kind=FACTOR_ENTRY,
        source_ref=f"{factor_id}/{move.kind}/{move.reference}",
        document_ref=move.reference,
        label=factor.name,
        currency=move.currency,
        postings=(
            signed(new_id(), account, sense * move.amount_minor),
            signed(new_id(), settling.chart.factor, -sense * move.amount_minor),
        ),
    )
    settling.entries.append(entry)
    write_settling(work, settling, actor)
    insert_factor_move(work, factor_id, move, entry.entry_id, actor)
