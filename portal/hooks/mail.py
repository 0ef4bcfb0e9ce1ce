"""Mails that a mail service hands on: ``POST /hooks/mail``, the mail as it came (``message/rfc822``).

The service proves itself with the house's secret, as a bearer token or as the password of basic authentication. Which
supplier a mail is for stands in the address that it was sent to. A service that knows the envelope's recipient beside
the mail gives it in ``?to=``.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from sqlalchemy.exc import SQLAlchemyError

from config.secrets import same
from portal.hooks.refusals import HookRefusedError, answer_hook
from portal.mailbox.receiving import ENVELOPE, take_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from portal.wiring import Services

PATH = "/hooks/mail"
MOST_RECIPIENT = 320


class MailHook:
    """WSGI: takes mails in, passes everything else on."""

    def __init__(self, app: WSGIApplication, services: Services) -> None:
        self._app = app
        self._services = services

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        if environ["PATH_INFO"] != PATH:
            return self._app(environ, start_response)
        return answer_hook(lambda: self._take(environ), start_response)

    def _take(self, environ: WSGIEnvironment) -> None:
        """Prove, read and keep one mail.

        Raises:
            HookRefusedError: with the status to answer; 503 and 401 alone are worth another try.
        """
        self._prove(environ)
        raw = self._read(environ)
        try:
            why = take_in(self._services, raw).why
        except SQLAlchemyError as error:
            raise HookRefusedError(
                503, "Service Unavailable", "hook.not_stored", "The mail could not be stored; send it again."
            ) from error
        if why is not None:
            raise HookRefusedError(406, "Not Acceptable", f"mail.{why}", f"This mail is not taken: {why}.")

    def _prove(self, environ: WSGIEnvironment) -> None:
        secret = self._services.settings.mail_hook_secret
        if secret is None:
            raise HookRefusedError(404, "Not Found", "hook.unknown", "No mail is received here.")
        if environ["REQUEST_METHOD"] != "POST":
            raise HookRefusedError(405, "Method Not Allowed", "hook.post_only", "A webhook is a POST.")
        if not same(_given(environ.get("HTTP_AUTHORIZATION", "")), secret.get_secret_value().encode()):
            raise HookRefusedError(
                401, "Unauthorized", "hook.bad_secret", "The secret is missing or wrong: send it as a bearer token."
            )

    def _read(self, environ: WSGIEnvironment) -> bytes:
        most = self._services.settings.max_mail_bytes
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = -1
        if not 0 < length <= most:
            raise HookRefusedError(413, "Content Too Large", "hook.too_large", f"A mail of 1 to {most} bytes is taken.")
        raw: bytes = environ["wsgi.input"].read(length)
        to = parse_qs(environ.get("QUERY_STRING", "")).get("to", [""])[0][:MOST_RECIPIENT]
        return f"{ENVELOPE}: {to}\r\n".encode() + raw if to and to.isprintable() else raw


def _given(header: str) -> bytes:
    """The secret of a header: ``Bearer secret``, or ``Basic`` with any name."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""
