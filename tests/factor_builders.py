"""A factor for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import new_id
from receivables.store.accounting.factors import Factor, keep_factor

if TYPE_CHECKING:
    from receivables.store.work import Work

FACTOR_SIREN = "910007772"
FACTOR_IBAN = "FR7610107001011234567890129"
MENTION = "Créance cédée à Facto SA par subrogation : seul un paiement à son compte libère de la dette."


def factor_of(work: Work, *, confidential: bool = False, recourse: bool = True) -> Factor:
    """A factor that the supplier has a contract with."""
    factor = Factor(
        factor_id=new_id(),
        name="Facto SA",
        siren=FACTOR_SIREN,
        address=None,
        holder="Facto SA",
        iban=FACTOR_IBAN,
        bic="AGRIFRPP",
        mention=MENTION,
        advance_percent=90,
        recourse=recourse,
        confidential=confidential,
    )
    keep_factor(work, factor, "test")
    return factor
