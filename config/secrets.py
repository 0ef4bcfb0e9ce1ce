"""Secrets: keys derived per purpose, current and previous at once, constant-time compare, sealing at rest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

if TYPE_CHECKING:
    from config.settings import Settings

TOKEN_BYTES = 32
"""256 bits: a token cannot be guessed, so that a plain SHA-256 of it may be stored (ASVS 6.5.2)."""


class SealBrokenError(Exception):
    """A sealed value was sealed under a secret that this house no longer has."""

    code = "secret.seal_broken"


def new_token() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(TOKEN_BYTES)


def token_text(raw: bytes) -> str:
    """``raw`` as URL-safe text without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token_bytes(text: str) -> bytes | None:
    """The bytes of ``token_text``, or ``None`` where the text is no such thing."""
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return raw if token_text(raw) == text else None


def fingerprint(raw: bytes) -> bytes:
    """SHA-256 of a token: what is stored in its place."""
    return hashlib.sha256(raw).digest()


def same(left: bytes, right: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left, right)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The root secret and the one before it."""

    current: bytes = field(repr=False)
    previous: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Keyring:
        """The keyring that ``settings`` hold."""
        assert settings.secret_key is not None  # noqa: S101 -- the settings' validator has made sure
        before = settings.previous_secret_key
        return cls(
            settings.secret_key.get_secret_value().encode(), before.get_secret_value().encode() if before else None
        )

    def derive(self, purpose: str, message: bytes = b"") -> bytes:
        """32 bytes for ``purpose`` and ``message`` from the current root (HMAC-SHA-256)."""
        return _derive(self.current, purpose, message)

    def seal(self, value: str, purpose: str) -> bytes:
        """Encrypt ``value`` for storage."""
        return self._box(purpose).encrypt(value.encode())

    def unseal(self, sealed: bytes, purpose: str) -> str:
        """Decrypt what :meth:`seal` wrote, under the current or the previous root.

        Raises:
            SealBrokenError: neither root opens it.
        """
        try:
            return self._box(purpose).decrypt(bytes(sealed)).decode()
        except InvalidToken as error:
            message = f"A stored secret ({purpose}) does not open: give back the root secret it was sealed with."
            raise SealBrokenError(message) from error

    def _box(self, purpose: str) -> MultiFernet:
        roots = [self.current] + ([self.previous] if self.previous else [])
        return MultiFernet([Fernet(base64.urlsafe_b64encode(_derive(root, purpose, b"seal"))) for root in roots])


def _derive(root: bytes, purpose: str, message: bytes) -> bytes:
    return hmac.digest(hmac.digest(root, purpose.encode(), "sha256"), message, "sha256")
