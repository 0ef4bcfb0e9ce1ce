"""Signatures of GoCardless' webhooks: ``Webhook-Signature`` is the hexadecimal HMAC-SHA-256 of the body.

The scheme carries no time, so that a captured delivery can be played again for ever: it does nothing, because every
event is taken once by its id, and what an event says is asked again where its order matters.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from payments.gateways.signatures import MOST_SECRETS, SignatureRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

HEX_DIGITS = 64
"""Of a SHA-256."""


def sign_body(secret: str, body: bytes) -> str:
    """The header that proves ``body`` with ``secret``."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def verify_body(secrets: Sequence[str], body: bytes, header: str | bytes | None, at: datetime) -> None:  # noqa: ARG001 -- the scheme has no time
    """Prove that ``body`` was signed with one of ``secrets``.

    Raises:
        SignatureRefusedError: ``signature.no_secret``, ``signature.missing``, ``signature.malformed``,
            ``signature.wrong``.
    """
    if not 0 < len(secrets) <= MOST_SECRETS or not all(secret.strip() for secret in secrets):
        raise SignatureRefusedError("signature.no_secret", "Configure one or two non-blank webhook secrets.")
    if not header:
        raise SignatureRefusedError("signature.missing", "The request carries no Webhook-Signature header.")
    candidate = header.encode("latin-1", "replace") if isinstance(header, str) else header
    if len(candidate) != HEX_DIGITS:
        raise SignatureRefusedError("signature.malformed", f"A Webhook-Signature has {HEX_DIGITS} hexadecimal digits.")
    proven = False
    for secret in secrets:
        proven |= hmac.compare_digest(sign_body(secret, body).encode(), candidate)
    if not proven:
        raise SignatureRefusedError("signature.wrong", "The Webhook-Signature does not fit the body and our secrets.")
