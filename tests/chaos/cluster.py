"""A PostgreSQL to kill: the embedded server in a folder of its own, its processes found by that folder alone."""

from __future__ import annotations

import signal
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg

from config.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

ORPHANS_GONE_S = 10.0
"""A server started before the last one's processes are gone fails on their shared memory."""


@contextmanager
def temporary_cluster() -> Iterator[Cluster]:
    """A cluster in a folder below the system's own: pytest's is closed to the server's user by every other session."""
    with tempfile.TemporaryDirectory(prefix="quittance-chaos-") as folder:
        cluster = Cluster(Path(folder) / "postgres")
        try:
            yield cluster
        finally:
            cluster.stop()


class Cluster:
    """One server with many databases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.embedded = EmbeddedPostgres(self.folder)

    def database(self, name: str) -> str:
        """Start the server where needed; the URL of a database of this name, made where it is missing."""
        return self.embedded.start(name)

    def superuser(self, name: str) -> str:
        """The superuser's URL of a database."""
        return self.embedded._server.get_uri(database=name)

    def kill(self) -> None:
        """``kill -9`` of the postmaster and all its processes; returns when none is left."""
        processes = self.processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(processes, timeout=ORPHANS_GONE_S)

    def kill_backend(self, random: Random, name: str) -> None:
        """``kill -9`` of one connection's process: the server throws everyone out and recovers."""
        with suppress(psycopg.Error), psycopg.connect(self.superuser(name)) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", (name,)
            ).fetchall()
            if rows:
                psutil.Process(random.choice(rows)[0]).send_signal(signal.SIGKILL)

    def restart(self) -> None:
        """Start again after :meth:`kill`; the server replays its log."""
        self.embedded._server.ensure_postgres_running()
        self.wait()

    def wait(self, within_s: float = 30.0) -> None:
        """Wait until the server takes connections."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                psycopg.connect(self.superuser("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """Stop the server."""
        self.embedded.stop()

    def processes(self) -> list[psutil.Process]:
        """The postmaster that this folder's lock file names, and its children; its command line has to name it."""
        try:
            postmaster = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
            if str(self.folder) not in postmaster.cmdline():
                return []
            return [postmaster, *postmaster.children(recursive=True)]
        except (FileNotFoundError, psutil.NoSuchProcess):
            return []
