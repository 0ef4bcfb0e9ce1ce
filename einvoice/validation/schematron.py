"""The Schematron engine: a long-lived worker process behind a lock and a time-out.

An answer is findings (perhaps none), a refusal of the document, or *unavailable*. There is no fourth: a dead, hung or
missing worker never looks like a document without findings.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Protocol, Self

from config import safe_xml
from einvoice.errors import EInvoiceError
from einvoice.validation import schematron_worker
from einvoice.validation.svrl import SvrlError, findings_of
from einvoice.validation.worker_process import WorkerDiedError, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lxml import etree

    from einvoice.validation.verdict import Finding, Layer

TIMEOUT_S = 10.0
"""A check of 200 lines takes 0.3 s: ten seconds mean that something is wrong."""
COMPILE_ALLOWANCE_S = 60.0
"""Added when the worker must start or compile first: at most 2 s alone, much more on a machine under load."""
QUEUE_TIMEOUT_S = 30.0
"""Longest wait for other threads' checks: beyond, say so instead of piling up."""
RECYCLE_AFTER = 5000
"""Checks per worker: a fresh one now and then bounds whatever might leak (none was measured in 12,000 checks)."""


class EngineUnavailableError(EInvoiceError):
    """The rules did not run, and this says nothing about the document.

    Codes: ``engine.not_started``, ``engine.address_space``, ``engine.timeout``, ``engine.died``, ``engine.busy``,
    ``engine.stylesheet``, ``engine.no_svrl``, ``engine.nothing_checked``, ``engine.closed``.
    """


class EngineRefusalError(EInvoiceError):
    """The rules stopped on this document's data, e.g. a decimal comma in an amount (``engine.refused``)."""


class RulesEngine(Protocol):
    """What judges a document by a stylesheet."""

    def check(self, stylesheet: Path, document: etree._Element, layer: Layer) -> tuple[Finding, ...]:
        """The findings of ``stylesheet`` on ``document``; see :class:`SchematronEngine`."""
        ...


class SchematronEngine:
    """SaxonC in a worker process. Safe to share between threads; checks run one at a time.

    Nothing starts before the first check. Close it, or use it as a context manager; a worker whose parent vanished
    leaves by itself.
    """

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        compile_allowance_s: float = COMPILE_ALLOWANCE_S,
        queue_timeout_s: float = QUEUE_TIMEOUT_S,
        recycle_after: int = RECYCLE_AFTER,
        command: Sequence[str] | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._compile_allowance_s = compile_allowance_s
        self._queue_timeout_s = queue_timeout_s
        self._recycle_after = recycle_after
        # Past this the worker ends itself: we may have been killed in the middle of a check.
        orphan_limit_s = int(timeout_s + compile_allowance_s) + 1
        self._command = tuple(command or (sys.executable, "-P", schematron_worker.__file__, str(orphan_limit_s)))
        self._lock = threading.Lock()
        self._worker: WorkerProcess | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the present worker, for monitoring."""
        worker = self._worker
        return worker.pid if worker else None

    def check(self, stylesheet: Path, document: etree._Element, layer: Layer) -> tuple[Finding, ...]:
        """The findings of the compiled Schematron ``stylesheet`` on ``document``, filed under ``layer``.

        Takes a parsed tree and serialises it again, so that no DOCTYPE or entity of the original reaches SaxonC,
        which would resolve it.

        Raises:
            EngineUnavailableError: the rules did not run.
            EngineRefusalError: the rules stopped on the document's data.
        """
        answer = self._ask(str(stylesheet), safe_xml.to_bytes(document))
        status, text = answer[:1], answer[1:]
        if status == schematron_worker.SVRL:
            try:
                return findings_of(text, layer)
            except SvrlError as error:
                raise EngineUnavailableError(error.code, error.sentence, error.sentence_fr) from error
        detail = text.decode(errors="replace")
        if status == schematron_worker.REFUSED:
            raise EngineRefusalError(
                "engine.refused",
                f"The rules of {stylesheet.name} cannot read the data: {detail}",
                f"Les règles de {stylesheet.name} ne peuvent pas lire les données : {detail}",
            )
        raise _unavailable("engine.stylesheet", f"{stylesheet.name} cannot be used: {detail}")

    def warm(self, stylesheet: Path) -> None:
        """Start the worker and compile ``stylesheet`` ahead of the first document.

        Raises:
            EngineUnavailableError: it cannot be compiled.
        """
        answer = self._ask(str(stylesheet), b"")
        if answer[:1] != schematron_worker.SVRL:
            detail = answer[1:].decode(errors="replace")
            raise _unavailable("engine.stylesheet", f"{stylesheet.name} cannot be used: {detail}")

    def close(self) -> None:
        """End the worker; every later check raises ``engine.closed``."""
        with self._lock:
            self._closed = True
            if self._worker is not None:
                self._drop()

    def _ask(self, stylesheet: str, xml: bytes) -> bytes:
        if not self._lock.acquire(timeout=self._queue_timeout_s):
            raise _unavailable("engine.busy", f"no turn within {self._queue_timeout_s:g} s")
        try:
            try:
                return self._ask_worker(stylesheet, xml)
            except WorkerDiedError:
                # It may have been killed between two checks, or by a passing shortage: once more with a fresh one.
                return self._ask_worker(stylesheet, xml)
        except WorkerDiedError as error:
            if error.exit_status == schematron_worker.ADDRESS_SPACE_EXIT:
                raise _unavailable("engine.address_space", error.tail) from error
            raise _unavailable("engine.died", str(error)) from error
        finally:
            self._lock.release()

    def _ask_worker(self, stylesheet: str, xml: bytes) -> bytes:
        """One exchange with the present worker. The lock is held."""
        worker = self._ready_worker()
        timeout_s = self._timeout_s + (0 if stylesheet in worker.known else self._compile_allowance_s)
        try:
            answer = worker.ask(stylesheet.encode(), xml, timeout_s=timeout_s)
        except TimeoutError as error:
            self._drop(at_once=True)
            raise _unavailable("engine.timeout", f"no answer within {timeout_s:g} s") from error
        except WorkerDiedError:
            self._drop(at_once=True)
            raise
        worker.known.add(stylesheet)
        return answer

    def _ready_worker(self) -> WorkerProcess:
        if self._closed:
            raise _unavailable("engine.closed", "the engine was closed")
        worker = self._worker
        if worker is not None and (worker.answered >= self._recycle_after or not worker.alive):
            self._drop()
            worker = None
        if worker is None:
            try:
                self._worker = worker = WorkerProcess(self._command)
            except OSError as error:
                raise _unavailable("engine.not_started", str(error)) from error
        return worker

    def _drop(self, *, at_once: bool = False) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            if at_once:
                worker.kill()
            else:
                worker.close()


def _unavailable(code: str, detail: str) -> EngineUnavailableError:
    return EngineUnavailableError(
        code,
        f"The rules engine did not check the document: {detail}.",
        f"Le moteur de règles n'a pas contrôlé le document : {detail}.",
    )
