"""The processes of a house under a supervisor that starts again whatever dies, and a killer that makes them die."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random

LOOK_EVERY_S = 0.1
STOP_WITHIN_S = 15.0
STARTED_WITHIN_S = 15.0
"""Importing and connecting takes a few seconds on a full machine."""


@dataclass(slots=True)
class Member:
    """One process with its children; ``starts`` counts how often it had to be started."""

    name: str
    arguments: list[str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    family: list[psutil.Process] = field(default_factory=list)


class Crew:
    """Starts members, restarts the dead, stops all at the end."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, **environment}
        self._members: dict[str, Member] = {}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, name="supervisor")

    def start(self, members: Mapping[str, list[str]]) -> None:
        """Start these command lines under these names."""
        for name, arguments in members.items():
            self._members[name] = Member(name, arguments)
            self._start(self._members[name])
        self._watcher.start()

    def kill(self, name: str, random: Random) -> None:
        """``kill -9`` of one member: of one server process where it has several."""
        with self._lock:
            member = self._members[name]
            family = _family(member.process)
            servers = [each for each in family[1:] if _serves(each)]
            victim = random.choice(servers) if servers else family[0] if family else None
            if victim is not None:
                member.family = family
                with suppress(psutil.NoSuchProcess):
                    victim.send_signal(signal.SIGKILL)

    def families(self) -> dict[str, list[psutil.Process]]:
        """The processes of each member."""
        return {name: _family(member.process) for name, member in self._members.items()}

    @property
    def starts(self) -> dict[str, int]:
        """How often each member was started."""
        return {name: member.starts for name, member in self._members.items()}

    def stop(self) -> dict[str, int | None]:
        """SIGTERM to all; returns their exit codes, ``None`` for one that had to be killed."""
        self._over.set()
        self._watcher.join()
        codes: dict[str, int | None] = {}
        for member in self._members.values():
            if member.process is not None and member.process.poll() is None:
                _let_start(member.process)
                member.process.send_signal(signal.SIGTERM)
        for member in self._members.values():
            if member.process is None:
                continue
            family = _family(member.process)
            try:
                codes[member.name] = member.process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                codes[member.name] = None
            _end([*family, *member.family])
        return codes

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            with self._lock:
                for member in self._members.values():
                    if member.process is not None and member.process.poll() is not None:
                        _end(member.family)
                        self._start(member)

    def _start(self, member: Member) -> None:
        member.starts += 1
        with (self._folder / f"{member.name}.log").open("ab") as log:
            member.process = subprocess.Popen(
                member.arguments,
                env=self._environment,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )


def _let_start(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process that was just started can hear a signal: before, SIGTERM ends it as any program."""
    age_s = time.time() - psutil.Process(process.pid).create_time()
    time.sleep(max(0.0, STARTED_WITHIN_S - age_s))


def _family(process: subprocess.Popen[bytes] | None) -> list[psutil.Process]:
    if process is None:
        return []
    try:
        head = psutil.Process(process.pid)
        return [head, *head.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _serves(process: psutil.Process) -> bool:
    """Whether a child is one of the web server's workers, which are spawned by multiprocessing."""
    with suppress(psutil.NoSuchProcess):
        return any("spawn_main" in part for part in process.cmdline())
    return False


def _end(processes: list[psutil.Process]) -> None:
    """Whoever outlived the head of its family: nobody may hold the port or a lock of a dead member."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=STOP_WITHIN_S)
