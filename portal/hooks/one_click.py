"""One click in a mail program ends a kind of mail: ``POST /u/<token>`` with ``List-Unsubscribe=One-Click`` (RFC 8058).

Mail programs send no cookie and know no form token; the address in the mail is all they have, and all it can do is end
one kind of mail at one address. There is no redirect in the answer, as the RFC asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from portal.mail.unsubscribing import PATH, read_token, stop_mails

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from portal.wiring import Services

SAID = b"One-Click"
MOST_BYTES = 1024
"""The form has one field, also as multipart."""


class OneClick:
    """WSGI: ends mails on one click, passes everything else on."""

    def __init__(self, app: WSGIApplication, services: Services) -> None:
        self._app = app
        self._services = services

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        path = environ["PATH_INFO"]
        token = path.removeprefix(PATH)
        if environ["REQUEST_METHOD"] != "POST" or not path.startswith(PATH) or "/" in token:
            return self._app(environ, start_response)
        status = self._answer(environ, token)
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]

    def _answer(self, environ: WSGIEnvironment, token: str) -> str:
        found = read_token(self._services.keyring, token)
        if found is None:
            return "404 Not Found"
        if not _says_so(environ):
            return "400 Bad Request"
        try:
            stop_mails(self._services, found)
        except SQLAlchemyError:
            return "503 Service Unavailable"
        return "200 OK"


def _says_so(environ: WSGIEnvironment) -> bool:
    """Whether the form is the one of the RFC: a scanner that posts anything at all ends nothing."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return False
    return 0 < length <= MOST_BYTES and SAID in environ["wsgi.input"].read(length)
