"""Answers of the API: JSON, and problem+json (RFC 9457) with the code and the sentence in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Response

from config.safe_xml import UnsafeXmlError
from einvoice.errors import EInvoiceError
from einvoice.intake import InvalidInvoiceError
from payments.errors import PaymentError
from portal.documents.issuing import SupplierError
from portal.validation.told import tell_finding
from receivables.domain.money import MoneyError
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (NotFoundError, 404),
    (ConflictError, 409),
    (SupplierError, 409),
    (EInvoiceError, 422),
    (PaymentError, 422),
    (UnsafeXmlError, 422),
    (ReceivablesError, 422),
    (MoneyError, 422),
)
"""What refusing a call means in HTTP; the first that fits counts."""
TRY_AGAIN = frozenset({"invoice.not_checked", "pdf.reader_busy"})
"""Refusals that are ours, not the invoice's: 503."""
REFUSALS = tuple(kind for kind, _ in STATUSES)


FRENCH = {
    "request.key_reused": "Cette Idempotency-Key a servi avec un autre envoi. Renvoyez le même, ou changez de clé.",
    "credit.changed_meanwhile": "Un autre avoir de cette facture vient d'être émis. Regardez-le, puis recommencez.",
    "invoice.not_found": "Il n'y a pas de facture de ce numéro et de cette année.",
    "document.not_found": "Cette facture n'a pas de fichier de cette forme.",
}
"""Refusals of the core, which speaks English only."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a call, and where."""

    place: str
    sentence: str
    sentence_fr: str
    term: str | None = None


class CallRefusedError(ReceivablesError):
    """The call itself is wrong, whatever its invoice: ``api.unauthorised``, ``request.unknown_format`` ...

    ``problems`` are the single faults, where there may be several; ``headers`` go with the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        sentence_fr: str,
        *,
        problems: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, sentence)
        self.status = status
        self.sentence_fr = sentence_fr
        self.problems = tuple(problems)
        self.headers = dict(headers or {})


def answer(value: object, status: int = 200) -> Response:
    """``value`` as JSON; exact decimals become text."""
    return Response(to_json(value), status, mimetype="application/json")


def refuse(error: Exception) -> Response:
    """``error`` as problem+json; an invoice that breaks rules lists every one with its place."""
    code = str(getattr(error, "code", "error"))
    status = 503 if code in TRY_AGAIN else getattr(error, "status", None)
    status = status or next(each for kind, each in STATUSES if isinstance(error, kind))
    problem: dict[str, object] = {
        "type": f"urn:quittance:{code}",
        "code": code,
        "status": status,
        "detail": str(error),
        "detail_fr": getattr(error, "sentence_fr", None) or FRENCH.get(code) or str(error),
    }
    for name in ("term", "place"):
        if getattr(error, name, None):
            problem[name] = getattr(error, name)
    if isinstance(error, InvalidInvoiceError):
        problem["rules"] = [tell_finding(each) for each in error.report.findings]
    if problems := getattr(error, "problems", None):
        problem["problems"] = [
            {"place": e.place, "term": e.term, "detail": e.sentence, "detail_fr": e.sentence_fr} for e in problems
        ]
    response = Response(to_json(problem), status, mimetype="application/problem+json")
    response.headers.update(getattr(error, "headers", None) or {})
    return response
