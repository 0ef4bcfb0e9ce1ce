"""Negative controls: a crash test that cannot see a planted bug proves nothing, so each bug is planted and seen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from chaos.cluster import temporary_cluster
from chaos.crash import Scenario, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chaos.cluster import Cluster

NO_BUSINESS_KEY = "ALTER TABLE entries DROP CONSTRAINT entries_supplier_id_source_kind_source_ref_key"
NO_SEQUENCE_KEY = "ALTER TABLE collections DROP CONSTRAINT collections_pkey"

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "event_id_only": ({"schema": (NO_BUSINESS_KEY,), "workers": 1}, "facts booked twice"),
    "check_then_insert": (
        {
            "schema": (NO_BUSINESS_KEY, NO_SEQUENCE_KEY),
            "deliveries": 900,
            "window": 12,
            "settings": {"QUITTANCE_INBOX_BATCH": "4"},
        },
        "facts booked twice",
    ),
    "swallow": ({"workers": 1}, "facts not booked"),
    "ack_first": ({"kills": 3, "victims": ("web",), "rate": 120.0}, "acknowledged events lost"),
    "float_cents": ({"workers": 1}, "entries of a wrong amount"),
    "split_transaction": ({"kills": 6, "victims": ("worker",), "rate": 60.0}, "facts not booked"),
    "outbox_after_commit": ({"kills": 6, "victims": ("worker",), "rate": 60.0}, "movements not announced"),
}
QUICK = ("event_id_only", "check_then_insert", "swallow", "ack_first")
"""Those that run with every change; the others with the long crash test. The second layer of the database (unique
keys) has to be taken away before a missing first layer can show."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One server, a database for each bug."""
    with temporary_cluster() as made:
        yield made


@pytest.mark.parametrize(
    "bug", [pytest.param(bug, marks=() if bug in QUICK else pytest.mark.slow) for bug in CASES], ids=str
)
def test_the_checker_sees_the_planted_bug(bug: str, cluster: Cluster, tmp_path: Path) -> None:
    changes, symptom = CASES[bug]
    scenario = Scenario(
        **{
            "name": bug,
            "deliveries": 600,
            "kills": 0,
            "rate": 300.0,
            "processes": 1,
            "program": (sys.executable, "-m", f"chaos.planted.{bug}"),
            "drain_within_s": 30.0,
            "stalled_s": 8.0,
            **changes,
        }
    )
    outcome = run(scenario, cluster, tmp_path)
    print(outcome.describe())
    assert any(symptom in problem for problem in outcome.verdict.problems), outcome.describe()
