"""Signatures of webhooks: scheme ``v1`` of Stripe's ``Stripe-Signature`` header, over the raw bytes of the body.

``t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">``, several ``v1`` while a secret rotates. Written by hand, because
the provider's library accepts a time ten years ahead, raises other errors on odd bytes, and parses the body first.
Everything that is not a proven signature is one refusal, so that an attacker never reaches an unexpected error.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

TOLERANCE = timedelta(seconds=300)
"""How far a signature's time may be from ours, either way: a replay later than this is refused."""

MOST_HEADER_BYTES = 2_048
"""A real header has under 300 bytes; a longer one is not worth parsing."""

MOST_SECRETS = 2
"""The current secret and, while it rotates, the previous one."""

TIME_DIGITS = 11
"""Unix seconds have 10 digits until the year 2286."""


class SignatureRefusedError(Exception):
    """A webhook is not proven to come from the provider; answer 400 and keep nothing.

    Codes: ``signature.missing``, ``signature.malformed``, ``signature.stale``, ``signature.wrong``,
    ``signature.no_secret`` (none, a blank one, or more than two are configured).
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def sign(secret: str, body: bytes, at: datetime) -> str:
    """The header that proves ``body`` with ``secret`` at the aware instant ``at``."""
    seconds = b"%d" % int(at.timestamp())
    return f"t={seconds.decode()},v1={_digest(secret, seconds, body).decode()}"


def verify(secrets: Sequence[str], body: bytes, header: str | bytes | None, at: datetime) -> None:
    """Prove that ``body`` was signed with one of ``secrets`` within five minutes of the aware instant ``at``.

    Raises:
        SignatureRefusedError: With its code, for anything else.
    """
    if not 0 < len(secrets) <= MOST_SECRETS or not all(secret.strip() for secret in secrets):
        raise SignatureRefusedError("signature.no_secret", "Configure one or two non-blank webhook secrets.")
    seconds, candidates = _parts(_raw(header))
    if abs(at.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        raise SignatureRefusedError("signature.stale", "The signature's time is over five minutes from ours.")
    proven = False
    for secret in secrets:
        expected = _digest(secret, seconds, body)
        for candidate in candidates:
            proven |= hmac.compare_digest(expected, candidate)
    if not proven:
        raise SignatureRefusedError("signature.wrong", "No signature of the header fits the body and our secrets.")


def _digest(secret: str, seconds: bytes, body: bytes) -> bytes:
    return hmac.digest(secret.encode(), seconds + b"." + body, "sha256").hex().encode()


def _raw(header: str | bytes | None) -> bytes:
    """The header's bytes; a WSGI server hands them over decoded as Latin-1."""
    if not header:
        raise SignatureRefusedError("signature.missing", "The request carries no signature header.")
    if isinstance(header, str):
        try:
            header = header.encode("latin-1")
        except UnicodeEncodeError:
            raise _malformed() from None
    if len(header) > MOST_HEADER_BYTES:
        raise _malformed()
    return header


def _parts(header: bytes) -> tuple[bytes, list[bytes]]:
    """The signed time as written, and the ``v1`` candidates; unknown schemes are left aside."""
    seconds: list[bytes] = []
    candidates: list[bytes] = []
    for part in header.split(b","):
        name, _, value = part.partition(b"=")
        if name == b"t":
            seconds.append(value)
        elif name == b"v1":
            candidates.append(value)
    if len(seconds) != 1 or not candidates:
        raise _malformed()
    if not seconds[0].isdigit() or len(seconds[0]) > TIME_DIGITS:  # bytes.isdigit knows ASCII digits only
        raise _malformed()
    return seconds[0], candidates


def _malformed() -> SignatureRefusedError:
    return SignatureRefusedError(
        "signature.malformed", "The signature header is not of the form t=<unix seconds>,v1=<hex>."
    )
