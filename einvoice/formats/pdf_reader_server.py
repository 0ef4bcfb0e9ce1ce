"""The process that has PDFs from outside read: it never opens one, but forks a child with limits for each.

The libraries are loaded once, before the first file, so that a file costs a fork and not the start of an interpreter.
What goes wrong in a child, also in the C++ below it, ends with the child: it has processor time and memory of its own,
cannot write files or start processes, and answers through a pipe that no other file's child ever sees.

Frames as in ``schematron_worker``: in comes a PDF, out comes one line of JSON and the XML behind it.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from einvoice.formats.pdf_reader_child import RefusedError, extract
from einvoice.validation.schematron_worker import frame, read_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[bytes, int], tuple[dict[str, Any], bytes]]
    """What is done with a PDF in the child: ``extract`` the invoice, or ``pdf_inspection.inspect`` the container."""

CPU_LIMIT_S = 5
"""Processor time of one file, in seconds: hundreds of times what an honest invoice takes."""
MEMORY_LIMIT_BYTES = 1024**3
"""Address space, in bytes: the interpreter and libraries map some 200 MiB, the rest is for the file."""
OPEN_FILES_LIMIT = 32
"""The interpreter's imports need a few at a time."""
_CHUNK_BYTES = 1 << 20


def main(most_xml_bytes: int, timeout_s: float, read: Read = extract) -> None:
    """Serve until the input ends."""
    _limit_all()
    import lxml.etree  # noqa: PLC0415 # the libraries are loaded here, below the limits, for every child to come
    import pikepdf  # noqa: PLC0415 # same

    import config.safe_xml  # noqa: F401, PLC0415 # same

    _ = lxml.etree, pikepdf
    gc.collect()
    gc.freeze()  # a child's collection must not copy what it shares with us
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while (pdf := read_frame(sys.stdin.buffer)) is not None:
        told = read_in_child(pdf, most_xml_bytes, timeout_s, keep_from_it=(0, answers.fileno()), read=read)
        answers.write(frame(told))
        answers.flush()


def read_in_child(
    pdf: bytes, most_xml_bytes: int, timeout_s: float, *, keep_from_it: tuple[int, ...], read: Read = extract
) -> bytes:
    """The answer of a child of its own for ``pdf``; ``pdf.reader_failed`` where it gives none in ``timeout_s``."""
    end, start = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            for descriptor in (end, *keep_from_it):
                os.close(descriptor)
            _limit_one()
            _write_all(start, answer(pdf, most_xml_bytes, read))
            os._exit(0)
        finally:
            os._exit(1)  # whatever it was: the parent's loop is not for the child
    os.close(start)
    try:
        found = _collect(end, time.monotonic() + timeout_s)
    finally:
        os.close(end)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if found is None:
        return _failed(f"more than {timeout_s:g} s")
    if status == -signal.SIGXCPU:
        return _failed(f"more than {CPU_LIMIT_S} s of processor time")
    return found or _failed(f"the reader ended with {status}")


def answer(pdf: bytes, most_xml_bytes: int, read: Read = extract) -> bytes:
    """One line of JSON and the XML; every expected failure is turned into its code."""
    try:
        head, xml = read(pdf, most_xml_bytes)
    except RefusedError as refused:
        return _line({"code": refused.code, "detail": refused.detail})
    except (MemoryError, RecursionError):
        return _failed("memory")
    return _line(head) + xml


def _collect(descriptor: int, deadline: float) -> bytes | None:
    """All that comes until the writer closes; ``None`` where that takes too long."""
    received = bytearray()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0 or not poll.poll(remaining_s * 1000):
            return None
        chunk = os.read(descriptor, _CHUNK_BYTES)
        if not chunk:
            return bytes(received)
        received += chunk


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _line(head: dict[str, object]) -> bytes:
    return json.dumps(head).encode() + b"\n"


def _failed(detail: str) -> bytes:
    return _line({"code": "pdf.reader_failed", "detail": detail})


def _limit_all() -> None:
    """For us and every child: nothing is written to disk, no core is dumped, memory and files are bounded."""
    _bound(resource.RLIMIT_AS, MEMORY_LIMIT_BYTES)
    _bound(resource.RLIMIT_FSIZE, 0)
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_NOFILE, OPEN_FILES_LIMIT)


def _limit_one() -> None:
    """For one child: processor time, which begins with it, and no process of its own."""
    _bound(resource.RLIMIT_CPU, CPU_LIMIT_S, hard_beyond=1)  # at the hard limit the signal would not say why
    _bound(resource.RLIMIT_NPROC, 0)


def _bound(what: int, most: int, *, hard_beyond: int = 0) -> None:
    _, hard = resource.getrlimit(what)
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (soft, soft + hard_beyond if soft == most else soft))


if __name__ == "__main__":
    timeout_s = int(sys.argv[2]) / 1000
    with suppress(BrokenPipeError):  # nobody is left to answer
        main(int(sys.argv[1]), timeout_s)
