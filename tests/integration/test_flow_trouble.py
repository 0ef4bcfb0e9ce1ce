"""The short version of ``chaos.flows``: sixty flows, two workers, a fifth of all calls goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chaos.flows import TroubledHouse, run

from einvoice.validation.check import Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.platform.breaker import GuardedPlatform
    from einvoice.validation.schematron import SchematronEngine
    from portal.wiring import Services

FLOWS = 60


@pytest.fixture
def troubled(shared_engine: SchematronEngine) -> Iterator[TroubledHouse]:
    running = TroubledHouse(Validator(shared_engine), seed=7)
    yield running
    running.close()


def test_every_flow_arrives_once_though_a_fifth_of_the_calls_goes_wrong(
    services: Services, troubled: TroubledHouse
) -> None:
    outcome = run(services, troubled, FLOWS, patience_s=90)
    print(outcome.describe())
    assert outcome.is_good, outcome.describe()
    assert sum(outcome.faults.values()) > FLOWS / 10
    assert {"late", "lost", "failed_after"} & set(outcome.faults)


def test_the_planted_sender_that_never_asks_is_seen_to_send_again(
    services: Services, troubled: TroubledHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: in doubt it just sends once more; the platform refuses the double, and we count the sending."""

    def never_asks(self: GuardedPlatform, tracking_id: str, number: str | None = None) -> None:
        del self, tracking_id, number

    monkeypatch.setattr("einvoice.platform.breaker.GuardedPlatform.find_flow", never_asks)
    outcome = run(services, troubled, FLOWS, patience_s=8)
    assert outcome.resent > 0, outcome.describe()
    assert not outcome.is_good
