"""The process that owns SaxonC: XML and a stylesheet's path in, SVRL out, until its input ends.

It stands alone (standard library and saxonche only) and is started by path, so that it neither loads nor holds anything
of the house. SaxonC failures abort the process instead of raising, its GIL is held through a whole transformation, and
two processors at once crash: hence one process, one processor, one check at a time.

Frames are a length (4 bytes, big-endian) and that many bytes. A request is two frames, the stylesheet's path and the
XML; an empty XML only compiles. An answer is one frame whose first byte is a status.
"""

from __future__ import annotations

import os
import resource
import signal
import struct
import sys
from typing import BinaryIO

SVRL = b"S"
"""Status: the rest of the frame is the SVRL."""
REFUSED = b"R"
"""Status: the stylesheet stopped on this document's data; the rest says why."""
UNAVAILABLE = b"U"
"""Status: the stylesheet cannot be used (missing, not compilable, a file of its own missing); the rest says why."""

LENGTH = struct.Struct(">I")
ADDRESS_SPACE_EXIT = 3
"""Exit status when the limit on address space is too low for SaxonC."""
ADDRESS_SPACE_BYTES = 33 * 2**30
"""GraalVM reserves 32 GiB of address space (not memory) per isolate and aborts where it cannot."""

MEMORY_BYTES = 2 * 2**30
"""Most memory of a worker: an ordinary check takes 0.2 GB, one of a file of 10,000 lines 0.5."""
LOG_BYTES = 16 * 2**20
"""Most that a worker may write, in all, to the file behind its standard error."""

CONFINEMENT = {
    "http://saxon.sf.net/feature/allowedProtocols": "file",
    "http://saxon.sf.net/feature/allow-external-functions": "off",
}
"""No network, no Java, no writing, no environment for a stylesheet. No switch keeps it from reading other files: see
``stylesheet_safety``."""

SHARED_CODE_LISTS = "http://saxon.sf.net/feature/preEvaluateDocFunction"
"""Read a stylesheet's own files (its code lists) when it is compiled, not again for every document: half the time."""


def lift_address_space_limit() -> bool:
    """Raise the soft ``RLIMIT_AS`` to the hard one; false where the hard one is lower than SaxonC needs."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    return hard == resource.RLIM_INFINITY or hard >= ADDRESS_SPACE_BYTES


def bound_the_rest() -> None:
    """Bound memory and what is written; no core file, which would hold an invoice."""
    for what, most in (
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, LOG_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame, or ``None`` where the stream ends."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None


def frame(body: bytes) -> bytes:
    """``body`` with its length in front."""
    return LENGTH.pack(len(body)) + body


class Stylesheets:
    """One Saxon processor for life, and the stylesheets that it has compiled."""

    def __init__(self) -> None:
        import saxonche  # noqa: PLC0415 - only after the limits are lifted: loading it reserves the address space

        self._error = saxonche.PySaxonApiError
        self._processor = saxonche.PySaxonProcessor(license=False)
        for name, value in CONFINEMENT.items():
            self._processor.set_configuration_property(name, value)
        self._processor.set_configuration_property(SHARED_CODE_LISTS, "true")
        self._xslt = self._processor.new_xslt30_processor()
        self._compiled: dict[str, saxonche.PyXsltExecutable] = {}

    def answer(self, path: str, xml: bytes) -> bytes:
        """Status and text for one request."""
        try:
            if path not in self._compiled:
                self._compiled[path] = self._xslt.compile_stylesheet(stylesheet_file=path, encoding="UTF-8")
        except self._error as error:
            return UNAVAILABLE + str(error).strip().encode()
        if not xml:
            return SVRL
        try:
            document = self._processor.parse_xml(xml_text=xml.decode())
            svrl = self._compiled[path].transform_to_string(xdm_node=document)
        except self._error as error:
            # Saxon says "I/O error" when a file of the stylesheet's own, such as its code list, cannot be read.
            status = UNAVAILABLE if "I/O error" in str(error) else REFUSED
            return status + str(error).strip().encode()
        return SVRL + str(svrl).encode()


def main(limit_s: int) -> int:
    """Serve until the input ends; a check longer than ``limit_s`` seconds ends the process: the parent may be gone."""
    if not lift_address_space_limit():
        sys.stderr.write(
            "The hard limit on address space (ulimit -Hv, LimitAS=) is below the 33 GiB SaxonC reserves.\n"
        )
        return ADDRESS_SPACE_EXIT
    bound_the_rest()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the engine prints must not end up between the frames
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    stylesheets = Stylesheets()
    while (path := read_frame(sys.stdin.buffer)) is not None:
        xml = read_frame(sys.stdin.buffer)
        if xml is None:
            break
        signal.alarm(limit_s)
        answers.write(frame(stylesheets.answer(path.decode(), xml)))
        answers.flush()
        signal.alarm(0)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(int(sys.argv[1])))
    except BrokenPipeError:
        os._exit(0)  # the parent is gone: there is no one left to answer
