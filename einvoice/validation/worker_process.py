"""A child process that answers framed requests over its pipes, each within a deadline."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from einvoice.validation.schematron_worker import LENGTH, frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_CHUNK_BYTES = 1 << 16
_MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""Largest answer taken, in bytes: the SVRL of an invoice of 20 MB stays under it."""
_STDERR_TAIL_BYTES = 500
_GRACE_S = 2.0
"""How long a child may take to leave after its input ended, in seconds, before it is killed."""
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "TMPDIR", "SYSTEMROOT")
"""What the child sees of our environment: it reads foreign documents and needs none of our secrets."""


class WorkerDiedError(Exception):
    """The child ended before it answered; ``exit_status`` as in :mod:`subprocess`, ``tail`` its last line of stderr."""

    def __init__(self, exit_status: int | None, tail: str) -> None:
        super().__init__(f"the worker ended with status {exit_status}: {tail or 'it said nothing'}")
        self.exit_status = exit_status
        self.tail = tail


class WorkerProcess:
    """One child, which answers one question at a time. Not thread-safe: a ``WorkerPool`` lends it in turn.

    Started with ``subprocess`` (never forked from a thread), in a session of its own so that a Ctrl-C meant for us does
    not hit it. Its input ends with us, however we end, and with its input it ends too.
    """

    def __init__(self, command: Sequence[str], *, folder: Path | None = None) -> None:
        self.answered = 0
        self.known: set[str] = set()
        """The keys of what it was asked before, e.g. the stylesheets that it has already compiled."""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                cwd=folder,
                env=environment | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
                start_new_session=True,
                bufsize=0,
            )
        except OSError:
            self._stderr.close()
            raise
        assert self._process.stdin is not None  # noqa: S101 - for the type checker: we asked for the pipes
        assert self._process.stdout is not None  # noqa: S101 - same
        self._to_child = self._process.stdin
        self._from_child = self._process.stdout
        os.set_blocking(self._to_child.fileno(), False)
        os.set_blocking(self._from_child.fileno(), False)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        return self._process.poll() is None

    def ask(self, *request: bytes, timeout_s: float) -> bytes:
        """Send the frames of ``request`` and return the frame that answers.

        Raises:
            TimeoutError: no whole answer within ``timeout_s`` seconds; the child is in an unknown state, kill it.
            WorkerDiedError: the child ended, or answered more than we take.
        """
        deadline = time.monotonic() + timeout_s
        self._send(b"".join(frame(body) for body in request), deadline)
        (length,) = LENGTH.unpack(self._receive(LENGTH.size, deadline))
        if length > _MAX_ANSWER_BYTES:
            raise WorkerDiedError(None, f"it announced an answer of {length} bytes")
        answer = self._receive(length, deadline)
        self.answered += 1
        return answer

    def kill(self) -> None:
        """End the child now, whatever it does."""
        self._process.kill()
        self._release()

    def close(self) -> None:
        """Let the child leave by ending its input; kill it if it stays."""
        self._to_child.close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._release()

    def abandon(self) -> None:
        """In a fork of us: close our copies of the pipes. The child is our parent's, to wait for and to kill."""
        self._process.returncode = 0
        self._close_streams()

    def _release(self) -> None:
        self._process.wait()
        self._close_streams()

    def _close_streams(self) -> None:
        for stream in (self._to_child, self._from_child, self._stderr):
            stream.close()

    def _send(self, data: bytes, deadline: float) -> None:
        rest = memoryview(data)
        while rest:
            self._wait(self._to_child.fileno(), select.POLLOUT, deadline)
            try:
                sent = os.write(self._to_child.fileno(), rest[:_CHUNK_BYTES])
            except BrokenPipeError as error:
                raise self._died() from error
            except BlockingIOError:
                continue  # the pipe filled between the poll and the write
            rest = rest[sent:]

    def _receive(self, count: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < count:
            self._wait(self._from_child.fileno(), select.POLLIN, deadline)
            try:
                chunk = os.read(self._from_child.fileno(), min(_CHUNK_BYTES, count - len(received)))
            except BlockingIOError:
                continue  # woken for nothing
            if not chunk:
                raise self._died()
            received += chunk
        return bytes(received)

    @staticmethod
    def _wait(descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0 or not poll.poll(remaining_s * 1000):
            raise TimeoutError

    def _died(self) -> WorkerDiedError:
        try:
            status: int | None = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            status = None  # it closed its pipes but still runs
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _STDERR_TAIL_BYTES))
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return WorkerDiedError(status, lines[-1] if lines else "")
