"""The signature of a platform's webhook (XP Z12-013 1.3.0).

``base64(HMAC-SHA-256(signing key, SHA-256(raw body + "@" + epoch seconds)))``. The norm does not say whether the HMAC
runs over the fingerprint's bytes or its hexadecimal text; we sign bytes and accept both.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

TOLERANCE_S = 300
"""Largest difference between the stamp and our clock, in seconds, both ways: a replayed call is refused."""
_MOST_DIGITS = 12
"""Of a stamp in seconds; Python refuses to read some thousand digits as a number."""


def sign(signing_key: bytes, body: bytes, epoch_s: int) -> str:
    """The ``Afnor-Signature`` of ``body`` sent at ``epoch_s``."""
    return _encode(signing_key, _fingerprint(body, epoch_s).digest())


def is_signed(signing_key: bytes, body: bytes, signature: str, timestamp: str, now_epoch_s: int) -> bool:
    """Whether ``signature`` and ``timestamp`` (``Afnor-Signature-Timestamp``) fit ``body`` and are fresh."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MOST_DIGITS):
        return False
    if abs(now_epoch_s - int(timestamp)) > TOLERANCE_S:
        return False
    fingerprint = _fingerprint(body, int(timestamp))
    expected = (_encode(signing_key, fingerprint.digest()), _encode(signing_key, fingerprint.hexdigest().encode()))
    given = signature.encode("utf-8", "replace")
    return any(hmac.compare_digest(given, candidate.encode()) for candidate in expected)


def signing_key_bytes(text: str) -> bytes:
    """The key as bytes: the platform hands it over once, as base64.

    Raises:
        ValueError: the text is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("The signing key is not base64; copy it again as the platform showed it.") from error


def _fingerprint(body: bytes, epoch_s: int) -> hashlib._Hash:
    return hashlib.sha256(body + b"@" + str(epoch_s).encode())


def _encode(signing_key: bytes, fingerprint: bytes) -> str:
    return base64.b64encode(hmac.new(signing_key, fingerprint, hashlib.sha256).digest()).decode()
