"""Every error as an answer: one table from stable codes to status and words; a page, or problem+json (RFC 9457)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Response, current_app, g, make_response, render_template, request
from sqlalchemy.exc import DataError
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

from config.clock import new_id
from config.secrets import SealBrokenError
from einvoice.errors import EInvoiceError
from payments.errors import PaymentError
from payments.gateways.port import GatewayError
from portal.access.principals import principal
from portal.access.roles import Door, access_of
from portal.navigation import opens
from portal.words import catalogue, gettext, note_text, number, suppose_language, told_by
from receivables.domain.money import MoneyError
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("quittance.portal")

_NUL = "cannot contain NUL"
"""What the database's driver says of a character that no browser sends and no text column holds."""
PROBLEM_JSON = "application/problem+json"
API_PREFIX = "/api/"
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it is answered: ``detail`` says what to do."""

    code: str
    status: int
    title: str
    detail: str


PROBLEMS: dict[str, tuple[int, str, str]] = {
    "http.400": (
        400,
        note_text("Demande illisible"),
        note_text("Revenez à la page précédente et recommencez."),
    ),
    "http.403": (403, note_text("Accès refusé"), note_text("Revenez à la page précédente et rechargez-la.")),
    "form.foreign": (
        403,
        note_text("Formulaire venu d'ailleurs"),
        note_text(
            "Ce formulaire a été envoyé depuis un autre site. Rien n'a été fait : recommencez depuis notre page."
        ),
    ),
    "form.stale": (
        403,
        note_text("Formulaire périmé"),
        note_text(
            "Rien n'a été fait. Revenez à la page précédente, rechargez-la et recommencez ; acceptez les cookies."
        ),
    ),
    "http.404": (
        404,
        note_text("Page introuvable"),
        note_text("L'adresse est peut-être incomplète. Copiez-la en entier depuis votre facture ou votre message."),
    ),
    "http.405": (405, note_text("Action impossible ici"), note_text("Revenez à la page précédente et recommencez.")),
    "http.413": (
        413,
        note_text("Envoi trop volumineux"),
        note_text("Rien n'a été gardé. Réduisez ce que vous envoyez, ou faites-en plusieurs envois."),
    ),
    "http.429": (
        429,
        note_text("Trop d'essais"),
        note_text("Patientez un moment avant de recommencer : c'est une protection, pas une panne."),
    ),
    "http.500": (
        500,
        note_text("Une erreur de notre côté"),
        note_text("Rien n'est perdu et rien n'a été payé deux fois. Réessayez dans un instant."),
    ),
    "http.503": (
        503,
        note_text("Un instant"),
        note_text("Cette page est fermée pour quelques secondes, par prudence. Rien n'est perdu : réessayez."),
    ),
    "payment.no_provider": (
        409,
        note_text("Pas de paiement en ligne"),
        note_text("Ce fournisseur n'accepte pas encore le paiement en ligne. Merci de payer par virement."),
    ),
    "payment.assigned": (
        409,
        note_text("À régler à l'affactureur"),
        note_text("Cette facture est cédée à un affactureur : réglez-la sur le compte qu'elle indique."),
    ),
    "payment.nothing_due": (
        409,
        note_text("Rien à payer"),
        note_text("Rien n'est à payer sur cette facture. Aucun paiement n'a été lancé."),
    ),
    "gateway.failed": (
        502,
        note_text("Le paiement n'a pas pu commencer"),
        note_text("Aucun montant n'a été débité. Vous pouvez réessayer sans risque de payer deux fois."),
    ),
    "gateway.unreachable": (
        502,
        note_text("Le prestataire de paiement ne répond pas"),
        note_text("Aucun montant n'a été débité. Vous pouvez réessayer sans risque de payer deux fois."),
    ),
    "gateway.in_doubt": (
        502,
        note_text("Le prestataire de paiement n'a pas répondu à temps"),
        note_text("Aucun montant n'a été débité. Réessayez : vous retrouverez la même demande, jamais une seconde."),
    ),
    "gateway.refused": (
        502,
        note_text("Le prestataire de paiement a refusé la demande"),
        note_text("Aucun montant n'a été débité. Payez par virement, ou prévenez votre fournisseur."),
    ),
    "secret.seal_broken": (
        502,
        note_text("Le paiement en ligne est indisponible"),
        note_text("Aucun montant n'a été débité. Payez par virement, ou prévenez votre fournisseur."),
    ),
    "archive.missing": (
        500,
        note_text("Fichier indisponible"),
        note_text(
            "Ce document n'est pas à sa place dans l'archive. Nous sommes prévenus ; demandez-le à votre fournisseur."
        ),
    ),
    "archive.corrupted": (
        500,
        note_text("Fichier indisponible"),
        note_text("Ce document ne correspond plus à son empreinte : nous refusons de le servir et sommes prévenus."),
    ),
}
"""Code: status, title and what to do, in French; other codes take the words of the error itself."""

FOR_PROGRAMS = {
    404: ("Nothing is at this address: see docs/issuing.md.", "Rien à cette adresse : voir docs/issuing.md."),
    405: ("This address does not take this method.", "Cette adresse n'accepte pas cette méthode."),
    413: ("The body is larger than this house accepts.", "Le corps dépasse ce que cette maison accepte."),
    429: ("Too many calls: wait before the next one.", "Trop d'appels : attendez avant le prochain."),
}
"""What a program is told, English and French, where the words for people speak of pages."""

_CLASSES: tuple[tuple[type[Exception], int], ...] = (
    (NotFoundError, 404),
    (ConflictError, 409),
    (ReceivablesError, 422),
    (MoneyError, 422),
    (PaymentError, 409),
    (GatewayError, 502),
    (SealBrokenError, 502),
    (EInvoiceError, 422),
)
OUR_ERRORS = tuple(each for each, _ in _CLASSES)


def problem_of(error: Exception) -> Problem:
    """The answer to an error; unknown errors tell nothing about the inside."""
    if isinstance(error, RequestEntityTooLarge):
        return _too_large()
    if isinstance(error, HTTPException):
        status = error.code or 500
        code = getattr(error, "code_name", f"http.{status}")
        return _known(code) or Problem(code, status, str(error.name), str(error.description or ""))
    known_status = next((each for kind, each in _CLASSES if isinstance(error, kind)), None)
    if known_status is None:
        return _known("http.500") or Problem("http.500", 500, "", "")
    code = str(getattr(error, "code", "error"))
    if isinstance(error, NotFoundError):
        known = _known("http.404")
        told = code if request.path.startswith(API_PREFIX) else "http.404"  # what is missing would tell what is not
        return Problem(told, 404, known.title if known else "", known.detail if known else "")
    return _known(code) or Problem(code, known_status, _title(error), _sentence(error))


def answer_errors(app: Flask) -> None:
    """Answer every error of ``app`` as a page or as problem+json."""
    app.register_error_handler(HTTPException, _answer_http)
    for kind in OUR_ERRORS:
        app.register_error_handler(kind, _answer)
    app.register_error_handler(Exception, _answer_unknown)


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """A problem in the form that the caller reads."""
    if _wants_json():
        body = {
            "type": f"urn:quittance:{problem.code}",
            "code": problem.code,
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail,
        }
        if request.path.startswith(API_PREFIX):
            body["detail"], body["detail_fr"] = _for_programs(problem)
        response = Response(to_json(body), problem.status, content_type=PROBLEM_JSON)
    else:
        response = make_response(render_template("problem.html", problem=problem, back=_way_back()), problem.status)
    response.headers.update(headers or {})
    return response


def _answer_http(error: HTTPException) -> Response:
    if error.code and error.code < 400:  # noqa: PLR2004 -- a redirect of the router is no error
        return make_response(error.get_response())
    kept = {name: value for name, value in error.get_headers(request.environ) if name in {"Allow", "Retry-After"}}
    if error.code and error.code < 500:  # noqa: PLR2004 -- what fails in the house may fail here again
        _speak_to_reader()
    return answer(problem_of(error), kept)


def _speak_to_reader() -> None:
    """Take the language of whoever is signed in, at addresses that no view of theirs answers."""
    if "place" not in g and not _wants_json():
        known = principal()
        suppose_language(known.person.language if known else None)


def _answer(error: Exception) -> Response:
    problem = problem_of(error)
    if problem.status >= 500:  # noqa: PLR2004 -- the house's own fault
        log.error("%s: %s", problem.code, error, exc_info=error)
    return answer(problem)


def _answer_unknown(error: Exception) -> Response:
    """An error that nobody foresaw: a reference for whoever calls, the rest for the log."""
    if isinstance(error, DataError) and _NUL in str(error.orig):
        return answer(problem_of(BadRequest()))
    reference = new_id().hex[-8:]
    log.error("Unforeseen error %s", reference, exc_info=error)
    problem = problem_of(error)
    named = gettext("Référence : %(reference)s") % {"reference": reference}
    return answer(Problem(problem.code, problem.status, problem.title, f"{problem.detail} {named}"))


def _too_large() -> Problem:
    """More came in than this form takes: how much it takes, where that is a file's size."""
    status, title, detail = PROBLEMS["http.413"]
    most_mib = (request.max_content_length or 0) // MIB
    limit = gettext("Ici, %(most)s Mo au plus.") % {"most": number(most_mib)} if most_mib else ""
    return Problem("http.413", status, gettext(title), f"{gettext(detail)} {limit}".strip())


def _way_back() -> str:
    """The page of the form that was refused: its own address, or the nearest one above that the caller may open."""
    path = request.path if request.method == "POST" and "place" in g else ""
    while path and not opens(path):
        path = path.rpartition("/")[0]
    return path


def _for_programs(problem: Problem) -> tuple[str, str]:
    """The sentence of a problem, in English and French."""
    if problem.code == f"http.{problem.status}" and problem.status in FOR_PROGRAMS:
        return FOR_PROGRAMS[problem.status]
    french = PROBLEMS[problem.code][2] if problem.code in PROBLEMS else problem.detail
    return catalogue("en").gettext(french), french


def _known(code: str) -> Problem | None:
    found = PROBLEMS.get(code)
    if found is None:
        return None
    status, title, detail = found
    return Problem(code, status, gettext(title), gettext(detail))


def _title(error: Exception) -> str:
    known = _known("gateway.failed") if isinstance(error, GatewayError) else None
    return known.title if known else gettext("Cela n'est pas possible")


def _sentence(error: Exception) -> str:
    """What the error says, in the reader's language where it can; a provider's words are not for payers."""
    if isinstance(error, GatewayError):
        known = _known("gateway.failed")
        return known.detail if known else ""
    return told_by(error)


def _wants_json() -> bool:
    access = access_of(current_app.view_functions.get(request.endpoint or ""))
    if request.path.startswith(API_PREFIX) or (access is not None and access.door is Door.API_TOKEN):
        return True
    accepted = request.accept_mimetypes
    return accepted.best_match(["text/html", "application/json", PROBLEM_JSON]) != "text/html" and bool(accepted)
