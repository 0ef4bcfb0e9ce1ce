"""A customer's account lived at random: issue, pay, refund, credit, letter, dispute, promise, plan, close.

``QUITTANCE_MACHINE_RUNS`` and ``QUITTANCE_MACHINE_STEPS`` make it long: docs/proofs.md tells of 2,000 x 50.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from books_machine import AccountMachine
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from receivables.store.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from books_machine import Model

    from receivables.store.register import Supplier
    from receivables.store.work import Works

RUNS = int(os.environ.get("QUITTANCE_MACHINE_RUNS", "6"))
STEPS = int(os.environ.get("QUITTANCE_MACHINE_STEPS", "30"))


def play(works: Works, supplier: Supplier, runs: int, fault: Callable[..., object] | None = None) -> None:
    """Let the machine run, each time in a transaction that is rolled back."""
    with works.database.begin(supplier.supplier_id) as connection:
        work = Work(connection, supplier.supplier_id)

        class Run(AccountMachine):
            def __init__(self) -> None:
                super().__init__()
                self.work, self.fault = work, fault
                self.point = connection.begin_nested()

            def teardown(self) -> None:
                try:
                    super().teardown()
                finally:
                    self.point.rollback()
                    work.execute("SET CONSTRAINTS ALL DEFERRED")

        run_state_machine_as_test(
            Run,
            settings=settings(
                max_examples=runs,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize="QUITTANCE_MACHINE_RUNS"
                not in os.environ,  # the same in every `make test`, new ones when asked
                database=None,
                print_blob=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_whatever_happens_to_an_account_the_books_say_what_a_small_model_says(works: Works, supplier: Supplier) -> None:
    play(works, supplier, RUNS)


def test_the_machine_finds_a_model_that_forgets_refunds(works: Works, supplier: Supplier) -> None:
    def forget_refunds(model: Model, opened: dict[UUID, int]) -> dict[UUID, int]:
        kept = [(payment, dict(payment.returned)) for payment in model.paid]
        for payment in model.paid:
            payment.returned.clear()
        found = model.open()
        for payment, returned in kept:
            payment.returned.update(returned)
        return found if opened else opened

    with pytest.raises(AssertionError):
        play(works, supplier, 40, forget_refunds)
