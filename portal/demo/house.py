"""The processes of the demonstration: started together, stopped together, nothing left behind."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import IO, TYPE_CHECKING, Self

import httpx

from config.database import migrate
from config.embedded import EmbeddedPostgres
from config.settings import Settings
from portal.demo.cast import cast_of

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

START_WITHIN_S = 60.0
STOP_WITHIN_S = 20.0
HOST = "127.0.0.1"


class DemoError(Exception):
    """A part of the demonstration does not start or does not do its part; the sentence says which."""

    code = "demo.failed"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts listen."""

    portal: str
    payments: str
    platform: str
    receiver: str
    """Not one of the processes: the demonstration itself listens to its webhooks there."""


@dataclass(slots=True)
class DemoHouse:
    """Context manager around the processes. ``folder`` is emptied at the start: the sandboxes begin empty too."""

    folder: Path
    first_port: int = 8000
    settle_after_s: float = 600.0
    addresses: Addresses = field(init=False)
    settings: Settings = field(init=False)
    _postgres: EmbeddedPostgres = field(init=False)
    _lock: IO[str] = field(init=False)
    _processes: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._lock = _lock(self.folder.with_suffix(".lock"))
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        ports = _free_ports(self.first_port, 4)
        self.addresses = Addresses(*(f"http://{HOST}:{port}" for port in ports))
        self._postgres = EmbeddedPostgres(self.folder / "postgres")
        try:
            url = self._postgres.start()
            migrate(url)
            environment = {
                "DATABASE_URL": url,
                "QUITTANCE_SECRET_KEY": secrets.token_hex(32),
                "QUITTANCE_DATA_DIR": str(self.folder),
                "QUITTANCE_PUBLIC_URL": self.addresses.portal,
                "QUITTANCE_DEMO": "1",
                "QUITTANCE_PRIVATE_HOSTS_ALLOWED": "1",
                "QUITTANCE_PROVIDER_POLL_S": "60",
            }
            os.environ.update(environment)
            self.settings = Settings()
            self._start_all(ports)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop every process, the web first, the database last."""
        for _, process in reversed(self._processes):
            process.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        for _, process in reversed(self._processes):
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        self._postgres.stop()
        self._lock.close()

    def check_alive(self) -> None:
        """Raise where a process has ended.

        Raises:
            DemoError: with the end of its log.
        """
        for name, process in self._processes:
            if process.poll() is not None:
                log = (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]
                raise DemoError(f"{name} stopped with exit code {process.returncode}:\n{log}")

    def _start_all(self, ports: list[int]) -> None:
        portal, payments, platform, _ = (str(port) for port in ports)
        settle = str(self.settle_after_s)
        self._start("payments", "sandbox", "payments", "--port", payments, "--settle-after", settle)
        clients = ",".join(player.profile.siren for player in cast_of(Random()))  # noqa: S311 -- the suppliers are fixed
        self._start("platform", "sandbox", "platform", "--port", platform, "--clients", clients)
        self._start("worker", "worker")
        self._start("web", "web", "--port", portal)
        self._await("payments", f"{self.addresses.payments}/_sandbox/log", {401, 200})
        self._await("platform", f"{self.addresses.platform}/v1/healthcheck", {200, 401})
        self._await("web", f"{self.addresses.portal}/healthz", {200})

    def _start(self, name: str, *arguments: str) -> None:
        log = (self.folder / f"{name}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.cli", *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then stops the parts in order
        )
        self._processes.append((name, process))

    def _await(self, name: str, url: str, fine: set[int]) -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            self.check_alive()
            try:
                if httpx.get(url, timeout=2).status_code in fine:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise DemoError(f"{name} does not answer at {url} within {START_WITHIN_S:.0f} seconds.")


def _lock(path: Path) -> IO[str]:
    """Hold ``path`` until this process ends: two demonstrations in one folder would empty each other.

    Raises:
        DemoError: another one runs.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DemoError("A demonstration already runs in this folder (or is stopping): stop it first.") from error
    return file


def _free_ports(first: int, count: int) -> list[int]:
    """``count`` ports from ``first`` on that nobody listens at."""
    found: list[int] = []
    port = first
    while len(found) < count:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):  # somebody listens there: the next one
                probe.bind((HOST, port))
                found.append(port)
        port += 1
    return found
