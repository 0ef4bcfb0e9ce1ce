"""Prove the money: the core's invariants, the accounts that money passes through (I16), and the bank (I18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.banking.checks import check_bank
from payments.clearing.checks import prove_clearing
from receivables.services.accounting.checks import run_checks

if TYPE_CHECKING:
    from receivables.services.accounting.checks import Finding
    from receivables.store.work import Work


def prove_money(work: Work) -> list[Finding]:
    """Every invariant over one supplier's books and money; a gap other than zero is a defect."""
    return [*run_checks(work), *prove_clearing(work), *check_bank(work)]
