"""What invitations of a supplier's people and of a customer's have in common: days, the word in the link, refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from receivables.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from uuid import UUID

    from config.secrets import Keyring
    from receivables.store.work import Work

LASTS = timedelta(days=7)


def word_for(work: Work, keyring: Keyring, purpose: str, invitation_id: UUID) -> bytes:
    """The word in the address of an invitation: derived, so that nothing secret is stored; it carries the supplier."""
    return work.supplier_id.bytes + keyring.derive(purpose, invitation_id.bytes)


def check_room(waiting: int, most: int) -> None:
    """Refuse one more invitation than may wait for an answer.

    Raises:
        ConflictError: ``invitation.too_many``.
    """
    if waiting >= most:
        raise ConflictError(
            "invitation.too_many",
            f"{most} invitations wait for an answer. Withdraw some before you send more.",
            f"{most} invitations attendent une réponse. Retirez-en avant d'en envoyer d'autres.",
        )


def unknown() -> NotFoundError:
    """There is no such invitation here."""
    return NotFoundError("invitation.not_found", "There is no such invitation.", "Cette invitation n'existe pas.")


def over() -> ConflictError:
    """Nobody can accept this invitation any more."""
    return ConflictError(
        "invitation.over",
        "This invitation is used or too old. Ask your colleague for another one.",
        "Cette invitation a servi ou est trop ancienne. Demandez-en une autre à votre collègue.",
    )
