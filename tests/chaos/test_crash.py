"""The crash test: processes and database are killed under traffic, and an independent checker looks at every cent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from chaos.checker import check
from chaos.cluster import temporary_cluster
from chaos.crash import HASTY, Outcome, Scenario, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chaos.cluster import Cluster

SCENARIO = Scenario(
    deliveries=4_000,
    kills=12,
    seed=int(os.environ.get("SEED", "7")),
    victims=("worker", "worker", "backend", "cluster", "web", "worker") * 2,
    program=HASTY,
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A server to kill."""
    with temporary_cluster() as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run leaves its traffic and logs."""
    return tmp_path_factory.mktemp("crash")


@pytest.fixture(scope="module")
def outcome(cluster: Cluster, folder: Path) -> Outcome:
    """One run, looked at from several sides."""
    made = run(SCENARIO, cluster, folder)
    print(f"seed {SCENARIO.seed}\n{made.describe()}")
    return made


def test_nothing_is_lost_doubled_or_misplaced_when_processes_and_database_are_killed(outcome: Outcome) -> None:
    assert outcome.verdict.problems == [], outcome.describe()
    assert outcome.sending.answered == SCENARIO.deliveries
    assert outcome.verdict.looked_at["entries of money"] > SCENARIO.deliveries / 5


def test_the_kills_happened_and_what_died_was_started_again(outcome: Outcome) -> None:
    assert sum(outcome.killed.values()) == SCENARIO.kills, outcome.describe()
    assert outcome.killed.keys() == {"worker", "web", "backend", "cluster"}
    assert sum(outcome.starts.values()) > len(outcome.starts) + outcome.killed["web"]
    assert outcome.sending.refusals, "nobody noticed that the server was gone"


def test_the_products_own_checks_agree_with_the_independent_checker(outcome: Outcome) -> None:
    assert outcome.gaps == [], outcome.describe()
    assert sum(finding.looked_at for finding in outcome.findings) > SCENARIO.deliveries


def test_processes_stop_cleanly_when_asked(outcome: Outcome) -> None:
    assert set(outcome.exit_codes.values()) == {0}, outcome.describe()


def test_an_acknowledged_event_that_is_missing_is_noticed(outcome: Outcome, cluster: Cluster, folder: Path) -> None:
    """The checker itself, on the same books: an event that was never stored was answered 200."""
    url, plan = cluster.superuser(SCENARIO.name), folder / "traffic.json"
    with_one_more = check(url, plan, outcome.sending.acknowledged | {"evt_never_stored"})
    assert with_one_more.problems == [*outcome.verdict.problems, "1 acknowledged events lost: evt_never_stored"]
