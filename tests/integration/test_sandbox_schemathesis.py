"""Schemathesis on the sandbox, in process: calls made from its own documents, right ones and wrong ones.

Short by default; ``QUITTANCE_SCHEMATHESIS_EXAMPLES=200`` makes it long.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from test_platform_sandbox import bearer, build

from portal.sandboxes.platform import PlatformSandboxOptions

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from schemathesis import Case

EXAMPLES = int(os.environ.get("QUITTANCE_SCHEMATHESIS_EXAMPLES", "8"))
"""Examples per operation."""
OPERATIONS = {"flow": 7, "directory": 9}
"""How many operations XP Z12-013 1.3.0 has."""


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """Nobody listens at the addresses that are made up: webhooks are not called."""
    options = PlatformSandboxOptions(acknowledge_after_s=0, call_webhooks=False)
    built = build(options=options)
    yield built
    built.extensions["platform_sandbox"].close()


def load(app: Flask, name: str) -> Any:
    token = bearer(app.test_client())["Authorization"].removeprefix("Bearer ")
    config = schemathesis.Config.from_dict(
        {
            "auth": {"openapi": {"BearerAuth": {"bearer": token}}},
            "checks": {
                # a checksum that does not fit its file, an empty file or a tracking id seen before have the right form
                "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "422"]},
            },
        }
    )
    return schemathesis.openapi.from_wsgi(f"/openapi/{name}.json", app, config=config)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_keeps_its_contract(app: Flask, name: str) -> None:
    covered = []
    for result in load(app, name).get_all_operations():
        operation = result.ok()
        modes = [schemathesis.GenerationMode.POSITIVE]
        # the norm lets the health check answer 200, 500 or 503 alone: it cannot refuse a wrong Request-Id
        has_input = operation.path_parameters or operation.query or operation.headers or operation.body
        if has_input and not operation.path.endswith("/healthcheck"):
            modes.append(schemathesis.GenerationMode.NEGATIVE)
        answers = [call_all(app, operation.as_strategy(generation_mode=mode)) for mode in modes]
        covered.append((operation.label, answers))
    assert len(covered) == OPERATIONS[name]
    for label, answers in covered:
        assert all(answers), f"{label} was never called"


def call_all(app: Flask, cases: Any) -> list[int]:
    """Call ``EXAMPLES`` of ``cases``, the same ones every time, and check every answer; their HTTP statuses."""
    statuses = []

    def keeps(case: Case) -> None:
        app.test_client().delete("/_sandbox/webhooks")  # a client may have twenty
        statuses.append(case.call_and_validate().status_code)

    settings = hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    settings(hypothesis.given(cases)(keeps))()
    return statuses
