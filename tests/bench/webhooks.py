"""Webhooks answered and posted per second, each as a ratio to ``pgbench`` (TPC-B) on the same server in the same run.

Slices alternate: pgbench, then webhooks over as many connections, for 1, 8 and 32 clients. *Answered* counts what was
accepted with 200 while sending; *end to end* counts until the last of them is posted in the books.

    PYTHONPATH=tests SLICE_S=4 ROUNDS=3 SCALE=50 python -m bench.webhooks
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psutil
import psycopg
from bench.prepared_books import SUPPLIER, Magazine, prepare_books
from chaos.cluster import Cluster, temporary_cluster
from chaos.crash import QUITTANCE, SECRET, _free_port, _wait_for
from chaos.crew import Crew

from config.database import Database, migrate
from config.secrets import Keyring
from config.settings import Settings
from receivables.services.accounting.checks import run_checks
from receivables.services.accounting.sealing import seal_audit
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Callable

SLICE_S = float(os.environ.get("SLICE_S", "4"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SCALE = int(os.environ.get("SCALE", "50"))
WORKERS = int(os.environ.get("WORKERS", "2"))
CLIENTS = tuple(int(each) for each in os.environ.get("CLIENTS", "1,8,32").split(","))
MOST_PER_S = 5_000
"""Webhooks prepared per second of a slice."""
NAME = "bench"


@dataclass(frozen=True, slots=True)
class Slice:
    """One measurement of webhooks, and the TPC-B rate measured just before it; rates per second."""

    tpcb: float
    answered: float
    posted: float
    announced: float
    p50_ms: float
    p99_ms: float
    tpcb_cpu_ms: float
    web_cpu_ms: float
    worker_cpu_ms: float
    postgres_cpu_ms: float

    @property
    def cpu_ratio(self) -> float:
        """CPU of one TPC-B transaction over CPU of one event from webhook to announcement, whoever else computes."""
        return self.tpcb_cpu_ms / (self.web_cpu_ms + self.worker_cpu_ms + self.postgres_cpu_ms)


class Meter:
    """CPU seconds of the house's processes, summed by kind; children that ended are counted by their parents."""

    def __init__(self, cluster: Cluster, crew: Crew) -> None:
        self._cluster = cluster
        self._crew = crew

    def read(self) -> dict[str, float]:
        """CPU seconds since each process began."""
        used = {"postgres": sum(_cpu_s(each) for each in self._cluster.processes())}
        for name, family in self._crew.families().items():
            kind = name.split("-")[0]
            used[kind] = used.get(kind, 0) + sum(_cpu_s(each) for each in family)
        return used


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def pgbench(cluster: Cluster, clients: int) -> tuple[float, float]:
    """TPC-B (simple protocol, unix socket): transactions per second, and CPU milliseconds of one, client included."""
    programs = cluster.embedded.programs
    url = cluster.superuser("tpcb")
    command = [
        str(programs / "pgbench"),
        "-n",
        "-c",
        str(clients),
        "-j",
        str(min(clients, 2)),
        "-T",
        str(int(SLICE_S)),
        url,
    ]
    before_s = _cpu_s(cluster.processes()[0]) + _children_s()
    told = subprocess.run(command, check=False, capture_output=True, text=True)
    time.sleep(0.2)  # the server's processes of these connections end, and are counted by the postmaster
    used_s = _cpu_s(cluster.processes()[0]) + _children_s() - before_s
    found = re.search(r"tps = ([\d.]+) \(without", told.stdout)
    if found is None:
        raise SystemExit(told.stdout + told.stderr)
    return float(found[1]), 1000 * used_s / int(re.search(r"actually processed: (\d+)", told.stdout)[1])  # type: ignore[index]


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def send_webhooks(port: int, magazine: Magazine, folder: Path, clients: int) -> dict[str, float]:
    """Send webhooks for one slice over ``clients`` connections."""
    file = folder / "webhooks.txt"
    magazine.load(file, _shots(clients))
    command = ["wrk", "-t", "1", "-c", str(clients), "-d", f"{SLICE_S:.0f}s", "-s"]
    command += [str(Path(__file__).with_name("webhooks.lua")), f"http://127.0.0.1:{port}/hooks/stripe/{SUPPLIER}"]
    told = subprocess.run([*command, "--", str(file)], check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(told.strip().splitlines()[-1])
    if figures["refused"] or figures["errors"]:
        raise SystemExit(f"Webhooks were refused: {figures}")
    return figures


def measure(cluster: Cluster, meter: Meter, clients: int, send: Callable[[int], dict[str, float]]) -> Slice:
    """One pair of slices."""
    tpcb, tpcb_cpu_ms = pgbench(cluster, clients)
    with psycopg.connect(cluster.superuser(NAME), autocommit=True) as connection:
        before, used = _receipts(connection), meter.read()
        began = time.monotonic()
        figures = send(clients)
        loading_s = time.monotonic() - began - figures["seconds"]
        _until_none(connection, "SELECT 1 FROM inbox WHERE state IN ('new', 'waiting') LIMIT 1")
        posted_s = time.monotonic() - began - loading_s
        posted = _receipts(connection) - before
        _until_none(connection, "SELECT 1 FROM outbox WHERE state = 'new' LIMIT 1")
        announced_s = time.monotonic() - began - loading_s
        cpu_ms = {kind: 1000 * (seconds - used[kind]) / posted for kind, seconds in meter.read().items()}
    return Slice(
        tpcb,
        figures["answered"] / figures["seconds"],
        posted / posted_s,
        posted / announced_s,
        figures["p50_ms"],
        figures["p99_ms"],
        tpcb_cpu_ms,
        cpu_ms["web"],
        cpu_ms["worker"],
        cpu_ms["postgres"],
    )


def main() -> int:
    """Prepare, measure, print the table; exit 1 where the books do not add up afterwards."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing that was started is left behind
    if shutil.which("wrk") is None:
        print("This bench needs wrk (apt-get install wrk).")
        return 2
    with temporary_cluster() as cluster, tempfile.TemporaryDirectory(prefix="quittance-bench-") as name:
        folder = Path(name)
        works, keyring, environment = _house(cluster, folder)
        shots = sum(_shots(clients) for clients in CLIENTS) * ROUNDS + _shots(max(CLIENTS))
        prepare_books(works, keyring, cluster.superuser(NAME), shots)
        cluster.database("tpcb")
        subprocess.run(
            [cluster.embedded.programs / "pgbench", "-i", "-q", "-s", str(SCALE), cluster.superuser("tpcb")],
            check=True,
            capture_output=True,
        )
        print(f"{shots} invoices prepared, TPC-B at scale {SCALE}, {WORKERS} workers", flush=True)
        port, crew, magazine = _free_port(), Crew(folder, environment), Magazine(0, shots)
        crew.start(
            {"web": [*QUITTANCE, "web", "--port", str(port)]}
            | {f"worker-{number}": [*QUITTANCE, "worker"] for number in range(WORKERS)}
        )
        try:
            _wait_for(port)
            meter, send = Meter(cluster, crew), partial(send_webhooks, port, magazine, folder)
            _warm_up(cluster, meter, send)
            table: dict[int, list[Slice]] = {clients: [] for clients in CLIENTS}
            for _ in range(ROUNDS):
                for clients in CLIENTS:
                    table[clients].append(measure(cluster, meter, clients, send))
                    print(clients, table[clients][-1], flush=True)
        finally:
            crew.stop()
        _print(table)
        while works.run(SUPPLIER, seal_audit):
            continue
        with works.begin(SUPPLIER) as work:
            gaps = [finding for finding in run_checks(work) if finding.gap]
    print("books:", gaps or "every check passes")
    return bool(gaps)


def _shots(clients: int) -> int:
    """How many webhooks a slice may need: more than any run has answered."""
    return int(MOST_PER_S * SLICE_S * min(1, 0.3 + clients / 16))


def _warm_up(cluster: Cluster, meter: Meter, send: Callable[[int], dict[str, float]]) -> None:
    """One slice that does not count, then statistics: a house in its first minute still plans for empty tables."""
    measure(cluster, meter, max(CLIENTS), send)
    with psycopg.connect(cluster.superuser(NAME), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _house(cluster: Cluster, folder: Path) -> tuple[Works, Keyring, dict[str, str]]:
    url = cluster.database(NAME)
    migrate(url)
    settings = Settings(
        database_url=url,
        data_dir=folder,
        secret_key=SECRET,  # type: ignore[arg-type]
        statement_timeout_ms=600_000,
    )
    environment = {
        "DATABASE_URL": url,
        "QUITTANCE_SECRET_KEY": SECRET,
        "QUITTANCE_DATA_DIR": str(folder),
        "PYTHONWARNINGS": "ignore",
    }
    return Works(Database(url, settings)), Keyring.of(settings), environment


def _receipts(connection: psycopg.Connection[tuple[int]]) -> int:
    row = connection.execute("SELECT count(*) FROM entries WHERE source_kind = 'receipt'").fetchone()
    assert row is not None
    return row[0]


def _until_none(connection: psycopg.Connection[tuple[int]], query: LiteralString) -> None:
    """Look twenty times a second, at the index of what is to do."""
    while connection.execute(query).fetchone():
        time.sleep(0.05)


def _print(table: dict[int, list[Slice]]) -> None:
    """Medians over the rounds; ratios are taken within each round."""

    def middle(slices: list[Slice], value: str) -> float:
        return statistics.median([float(getattr(each, value)) for each in slices])

    def ratio(slices: list[Slice], value: str) -> float:
        return statistics.median([float(getattr(each, value)) / each.tpcb for each in slices])

    print("clients | TPC-B/s | answered/s ratio | posted/s ratio | announced/s | p50 ms | p99 ms | CPU ms of one event")
    for clients, slices in table.items():
        print(
            f"{clients:7} | {middle(slices, 'tpcb'):7.0f} | "
            f"{middle(slices, 'answered'):10.0f} {ratio(slices, 'answered'):5.2f} | "
            f"{middle(slices, 'posted'):8.0f} {ratio(slices, 'posted'):5.2f} | "
            f"{middle(slices, 'announced'):11.0f} | "
            f"{middle(slices, 'p50_ms'):6.1f} | {middle(slices, 'p99_ms'):6.1f} | "
            f"web {middle(slices, 'web_cpu_ms'):.2f} + worker {middle(slices, 'worker_cpu_ms'):.2f} "
            f"+ PostgreSQL {middle(slices, 'postgres_cpu_ms'):.2f} (TPC-B {middle(slices, 'tpcb_cpu_ms'):.2f}, "
            f"ratio {middle(slices, 'cpu_ratio'):.2f})"
        )


if __name__ == "__main__":
    sys.exit(main())
