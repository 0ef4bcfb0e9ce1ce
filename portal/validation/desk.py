"""The desk at which strangers' files are judged, so that looking never holds up issuing.

It runs the house's own rules on the house's own engine, but as its *patient* caller: behind every invoice that is
being issued, and never on the last free worker. PDFs have readers of their own (``einvoice.validation.container``). And
only so many files are at the desk at once: more are sent away at once with a sentence instead of taking the threads
that serve payments. A second engine would cost its memory even where nobody validates, and share less.

Nothing is kept. What goes wrong unforeseen is logged by its kind and place in the code, without the values that an
error's own words might quote from the file.
"""

from __future__ import annotations

import logging
import threading
import traceback
from enum import Enum
from typing import TYPE_CHECKING

from einvoice.errors import EInvoiceError

if TYPE_CHECKING:
    from einvoice.validation.check import Validator
    from einvoice.validation.file_report import FileReport

log = logging.getLogger("quittance.validation")


class Queue(Enum):
    """Who comes to the desk, with how many of them may be there at once in one process.

    Few of the 32 threads of a web process, so that at the worst the others still take payments and webhooks.
    """

    PUBLIC = 4
    API = 6


class DeskError(EInvoiceError):
    """The file was not judged: ``validation.busy`` or ``validation.failed``."""


class Desk:
    """Judges files that nobody issues. Thread-safe."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self._places = {queue: threading.BoundedSemaphore(queue.value) for queue in Queue}

    def check(self, content: bytes, filename: str, queue: Queue) -> FileReport:
        """The report on a file.

        Raises:
            DeskError: ``validation.busy``, try again; ``validation.failed``, our fault.
        """
        places = self._places[queue]
        if not places.acquire(blocking=False):
            raise DeskError(
                "validation.busy",
                "Too many files are being checked just now. Try again in a few seconds.",
                "Trop de fichiers sont en cours de contrôle. Réessayez dans quelques secondes.",
            )
        try:
            return self._validator.check_file(content, filename)
        except Exception as error:  # noqa: BLE001 -- whatever a stranger's file provokes, its words stay out of the log
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("A file could not be judged: %s\n%s", type(error).__name__, where)  # noqa: TRY400 -- as above
            raise DeskError(
                "validation.failed",
                "This file could not be checked: a fault of ours. It is neither valid nor invalid.",
                "Ce fichier n'a pas pu être contrôlé, par notre faute : il n'est ni conforme ni non conforme.",
            ) from None
        finally:
            places.release()
