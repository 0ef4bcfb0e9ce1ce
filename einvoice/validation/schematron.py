"""The Schematron engine: long-lived worker processes behind a fair queue and a time-out.

An answer is findings (perhaps none), a refusal of the document, or *unavailable*. There is no fourth: a dead, hung or
missing worker never looks like a document without findings.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, Self

from config import safe_xml
from einvoice.errors import EInvoiceError
from einvoice.validation import schematron_worker
from einvoice.validation.svrl import SvrlError, findings_of
from einvoice.validation.worker_pool import PoolBusyError, PoolClosedError, Rank, WorkerPool
from einvoice.validation.worker_process import WorkerDiedError

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
    """SaxonC in ``workers`` processes, one check at a time each. Safe to share between threads and across forks.

    Nothing starts before the first check, and a second worker only when two checks meet; each takes 130 to 220 MB.
    Close it, or use it as a context manager; a worker whose parent vanished leaves by itself.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        timeout_s: float = TIMEOUT_S,
        compile_allowance_s: float = COMPILE_ALLOWANCE_S,
        queue_timeout_s: float = QUEUE_TIMEOUT_S,
        recycle_after: int = RECYCLE_AFTER,
        command: Sequence[str] | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._compile_allowance_s = compile_allowance_s
        self._queue_timeout_s = queue_timeout_s
        # Past this the worker ends itself: we may have been killed in the middle of a check.
        orphan_limit_s = int(timeout_s + compile_allowance_s) + 1
        worker = tuple(command or (sys.executable, "-P", schematron_worker.__file__, str(orphan_limit_s)))
        self._pool = WorkerPool(worker, size=workers, recycle_after=recycle_after)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker that was used last, for monitoring."""
        return next(iter(self._pool.pids), None)

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of all present workers, for monitoring."""
        return self._pool.pids

    def patient(self) -> RulesEngine:
        """The same workers for callers who can wait: behind every other check, and never on the last free worker.

        Meant for files that strangers hand in, so that they cannot hold up an invoice.
        """
        return _PatientEngine(self)

    def check(
        self, stylesheet: Path, document: etree._Element, layer: Layer, *, rank: Rank = Rank.URGENT
    ) -> tuple[Finding, ...]:
        """The findings of the compiled Schematron ``stylesheet`` on ``document``, filed under ``layer``.

        Takes a parsed tree and serialises it again, so that no DOCTYPE or entity of the original reaches SaxonC,
        which would resolve it.

        Raises:
            EngineUnavailableError: the rules did not run.
            EngineRefusalError: the rules stopped on the document's data.
        """
        answer = self._ask(str(stylesheet), safe_xml.to_bytes(document), rank)
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
        """Start a worker and compile ``stylesheet`` ahead of the first document.

        Raises:
            EngineUnavailableError: it cannot be compiled.
        """
        answer = self._ask(str(stylesheet), b"", Rank.URGENT)
        if answer[:1] != schematron_worker.SVRL:
            detail = answer[1:].decode(errors="replace")
            raise _unavailable("engine.stylesheet", f"{stylesheet.name} cannot be used: {detail}")

    def close(self) -> None:
        """End the workers, after the checks under way; every later check raises ``engine.closed``."""
        self._pool.close()

    def _ask(self, stylesheet: str, xml: bytes, rank: Rank) -> bytes:
        try:
            return self._pool.ask(
                stylesheet.encode(),
                xml,
                within_s=self._queue_timeout_s,
                timeout_s=self._timeout_s,
                first_s=self._compile_allowance_s,
                key=stylesheet,
                rank=rank,
            )
        except PoolBusyError as error:
            raise _unavailable("engine.busy", f"no turn within {self._queue_timeout_s:g} s") from error
        except PoolClosedError as error:
            raise _unavailable("engine.closed", "the engine was closed") from error
        except TimeoutError as error:
            raise _unavailable("engine.timeout", str(error)) from error
        except WorkerDiedError as error:
            if error.exit_status == schematron_worker.ADDRESS_SPACE_EXIT:
                raise _unavailable("engine.address_space", error.tail) from error
            raise _unavailable("engine.died", str(error)) from error
        except OSError as error:
            raise _unavailable("engine.not_started", str(error)) from error


class _PatientEngine:
    """An engine's workers, asked patiently."""

    def __init__(self, engine: SchematronEngine) -> None:
        self._engine = engine

    def check(self, stylesheet: Path, document: etree._Element, layer: Layer) -> tuple[Finding, ...]:
        """See :meth:`SchematronEngine.check`."""
        return self._engine.check(stylesheet, document, layer, rank=Rank.PATIENT)


def _unavailable(code: str, detail: str) -> EngineUnavailableError:
    return EngineUnavailableError(
        code,
        f"The rules engine did not check the document: {detail}.",
        f"Le moteur de règles n'a pas contrôlé le document : {detail}.",
    )
