"""The crash test: webhooks by the thousand, ``kill -9`` of everything in the middle, then the independent checker.

PYTHONPATH=tests N=20000 KILLS=40 SEED=7 python -m chaos.crash
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from catalogue import migrated_copy
from chaos.checker import Verdict, check
from chaos.cluster import temporary_cluster
from chaos.crew import Crew
from chaos.house import furnish
from chaos.sender import Sender, Sending
from chaos.traffic import WINDOW, Traffic, plan_traffic

from config.database import Database
from config.secrets import Keyring
from config.settings import Settings
from receivables.services.accounting.checks import run_checks
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.cluster import Cluster

    from receivables.services.accounting.checks import Finding

TESTS = Path(__file__).parent.parent
QUITTANCE = (str(Path(sys.executable).with_name("quittance")),)
HASTY = (sys.executable, "-m", "chaos.hasty")
SECRET = "chaos-" * 8
VICTIMS = ("worker", "backend", "worker", "web", "worker", "cluster")
"""Who is killed, in turn; the seed shuffles the order."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run: how much traffic, who dies how often, and which program runs."""

    name: str = "crash"
    deliveries: int = 4_000
    kills: int = 12
    window: int = WINDOW
    seed: int = 7
    rate: float = 150.0
    """Deliveries per second at most: kills need time to matter."""
    connections: int = 16
    processes: int = 2
    workers: int = 2
    victims: tuple[str, ...] = VICTIMS
    program: tuple[str, ...] = QUITTANCE
    schema: tuple[str, ...] = ()
    """Statements that weaken the schema for a planted bug."""
    settings: dict[str, str] = field(default_factory=dict)
    send_within_s: float = 120.0
    drain_within_s: float = 60.0
    stalled_s: float = 60.0
    """Draining is given up where nothing moves any more for so long: a planted bug may leave what never ends."""


@dataclass(slots=True)
class Outcome:
    """What came of a run."""

    verdict: Verdict
    findings: list[Finding]
    sending: Sending
    killed: dict[str, int]
    starts: dict[str, int]
    exit_codes: dict[str, int | None]
    sent: bool
    drained: bool
    seconds: dict[str, float]

    @property
    def gaps(self) -> list[str]:
        """What the product's own checks found."""
        return [f"{each.code} {each.title}: {each.gap}" for each in self.findings if each.gap]

    def describe(self) -> str:
        """The run in a few lines."""
        times = sorted(self.sending.times_s)
        share = {p: times[int(len(times) * p / 100)] * 1000 for p in (50, 99)} if times else {}
        lines = [
            f"{self.sending.answered} deliveries accepted in {self.sending.tries} tries "
            f"(refused: {self.sending.refusals or 'none'}), "
            + ", ".join(f"p{p} {ms:.0f} ms" for p, ms in share.items()),
            f"killed {self.killed}, started {self.starts}, exit codes {self.exit_codes}",
            ", ".join(f"{what} {s:.1f} s" for what, s in self.seconds.items()),
            "looked at " + ", ".join(f"{count} {what}" for what, count in self.verdict.looked_at.items()),
            *(f"PROBLEM {problem}" for problem in self.verdict.problems),
            *(f"GAP {gap}" for gap in self.gaps),
        ]
        return "\n".join(lines)


def run(scenario: Scenario, cluster: Cluster, folder: Path) -> Outcome:
    """Run one scenario in a fresh database of ``cluster``, with files and logs in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = _Stopwatch()
    traffic = plan_traffic(scenario.seed, scenario.deliveries, scenario.window)
    traffic.write(folder / "traffic.json")
    url, settings = _prepare(scenario, cluster, folder, traffic)
    clock.note("prepare")
    port = _free_port()
    crew = Crew(folder, _environment(scenario, url, folder))
    sender = Sender(traffic, port, connections=scenario.connections, rate=scenario.rate)
    killer = Killer(scenario, cluster, crew, sender.sending)
    crew.start(_members(scenario, port))
    try:
        _wait_for(port)
        clock.note("start")
        sender.start()
        killer.start()
        sent = sender.join(scenario.send_within_s)
        killer.end()
        cluster.restart()
        clock.note("send")
        drained = _drain(cluster.superuser(scenario.name), scenario)
        clock.note("drain")
    finally:
        killer.end()
        exit_codes = crew.stop()
    clock.note("stop")
    (folder / "acknowledged.txt").write_text("\n".join(sorted(sender.sending.acknowledged)))
    verdict = check(cluster.superuser(scenario.name), folder / "traffic.json", sender.sending.acknowledged)
    if not sent:
        verdict.problems.append("not everything was accepted in time")
    if not drained:
        verdict.problems.append("not everything was drained in time")
    findings = _own_checks(Database(url, settings), traffic)
    clock.note("check")
    return Outcome(
        verdict, findings, sender.sending, killer.killed, crew.starts, exit_codes, sent, drained, clock.seconds
    )


class Killer:
    """Kills a member or the cluster each time another part of the traffic has been accepted."""

    def __init__(self, scenario: Scenario, cluster: Cluster, crew: Crew, sending: Sending) -> None:
        self.killed: dict[str, int] = {}
        self._scenario = scenario
        self._cluster = cluster
        self._crew = crew
        self._sending = sending
        self._random = Random(scenario.seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Kill no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        scenario = self._scenario
        victims = [scenario.victims[i % len(scenario.victims)] for i in range(scenario.kills)]
        self._random.shuffle(victims)
        for number, victim in enumerate(victims, start=1):
            while self._sending.answered < number * scenario.deliveries / (scenario.kills + 1):
                if self._over.wait(0.02):
                    return
            self._kill(victim)

    def _kill(self, victim: str) -> None:
        self.killed[victim] = self.killed.get(victim, 0) + 1
        if victim == "cluster":
            self._cluster.kill()
            self._cluster.restart()
        elif victim == "backend":
            self._cluster.kill_backend(self._random, self._scenario.name)
        elif victim == "worker":
            self._crew.kill(f"worker-{self._random.randrange(self._scenario.workers)}", self._random)
        else:
            self._crew.kill(victim, self._random)


class _Stopwatch:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def note(self, what: str) -> None:
        now = time.monotonic()
        self.seconds[what] = now - self._last
        self._last = now


def _prepare(scenario: Scenario, cluster: Cluster, folder: Path, traffic: Traffic) -> tuple[str, Settings]:
    url = migrated_copy(cluster.embedded, scenario.name)
    with psycopg.connect(cluster.superuser(scenario.name), autocommit=True) as connection:
        for statement in scenario.schema:
            connection.execute(statement.encode())
    settings = Settings(
        database_url=url,
        data_dir=folder / "house",
        secret_key=SECRET,  # type: ignore[arg-type]
        private_hosts_allowed=True,
    )
    database = Database(url, settings)
    furnish(Works(database), Keyring.of(settings), traffic)
    database.dispose()
    return url, settings


def _environment(scenario: Scenario, url: str, folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "QUITTANCE_SECRET_KEY": SECRET,
        "QUITTANCE_DATA_DIR": str(folder / "house"),
        "QUITTANCE_PRIVATE_HOSTS_ALLOWED": "true",
        "PYTHONPATH": str(TESTS),
        "PYTHONWARNINGS": "ignore",
        **scenario.settings,
    }


def _members(scenario: Scenario, port: int) -> dict[str, list[str]]:
    members = {"web": [*scenario.program, "web", "--port", str(port), "--processes", str(scenario.processes)]}
    for number in range(scenario.workers):
        members[f"worker-{number}"] = [*scenario.program, "worker"]
    return members


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _drain(url: str, scenario: Scenario) -> bool:
    deadline = time.monotonic() + scenario.drain_within_s
    seen = moved_at = None  # a worker that is still starting has not stalled
    while time.monotonic() < min(deadline, (moved_at or deadline) + scenario.stalled_s):
        try:
            with psycopg.connect(url) as connection:
                left = connection.execute(
                    "SELECT (SELECT count(*) FROM inbox WHERE state IN ('new', 'waiting')) "
                    "+ (SELECT count(*) FROM outbox WHERE state = 'new')"
                ).fetchone()
            if left == (0,):
                return True
            if left != seen:
                moved_at = time.monotonic() if seen is not None else None
                seen = left
        except psycopg.OperationalError:
            pass  # still recovering from the last kill
        time.sleep(0.2)
    return False


def _own_checks(database: Database, traffic: Traffic) -> list[Finding]:
    """The product's own checks over every supplier (T3: they must agree with the independent checker)."""
    found: list[Finding] = []
    for supplier in traffic.suppliers:
        with Works(database).begin(UUID(supplier["supplier_id"])) as work:
            found += run_checks(work)
    database.dispose()
    return found


def main(arguments: Sequence[str] = ()) -> int:
    """The long version: ``N`` deliveries, ``KILLS`` kills, ``SEED``, ``RATE`` from the environment."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing that was started is left behind
    deliveries = int(os.environ.get("N", "20000"))
    scenario = Scenario(
        deliveries=deliveries,
        kills=int(os.environ.get("KILLS", str(max(12, deliveries // 500)))),
        seed=int(os.environ.get("SEED", str(int(time.time()) % 100_000))),
        rate=float(os.environ.get("RATE", "250")),
        send_within_s=max(120.0, deliveries / 25),
        drain_within_s=300.0,
    )
    print(f"seed {scenario.seed}, {scenario.deliveries} deliveries, {scenario.kills} kills", flush=True)
    with temporary_cluster() as cluster, tempfile.TemporaryDirectory(prefix="quittance-run-") as folder:
        outcome = run(scenario, cluster, Path(arguments[0]) if arguments else Path(folder))
    print(outcome.describe())
    return bool(outcome.verdict.problems or outcome.gaps)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
