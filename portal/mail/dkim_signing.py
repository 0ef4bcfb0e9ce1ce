"""Mails signed by the house's domain (DKIM, RFC 6376), so that mail servers know them as ours.

RSA with SHA-256 over relaxed headers and body (RFC 8301: at least 1,024 bits, we ask for 2,048). Every header that a
reader sees is covered, also where it is missing: nobody can add a Reply-To on the way. RFC 8058 wants the two headers
of one-click unsubscribing covered.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from email.utils import parseaddr
from functools import cache
from typing import TYPE_CHECKING

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import Settings

LEAST_BITS = 2048
PUBLIC_EXPONENT = 65537
SIGNED = (
    b"from",
    b"from",  # twice: no second one can be added
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"auto-submitted",
    b"mime-version",
    b"content-type",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
_RELAXED = (b"relaxed", b"relaxed")
_TXT = 255
"""Characters of one string of a TXT record (RFC 1035, 3.3.14)."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for ``domain`` with the key whose public half stands at ``selector._domainkey.domain``."""

    domain: str
    selector: str
    key: bytes

    def sign(self, message: bytes) -> bytes:
        """The mail with its signature before it; ``message`` is as it will be sent, with CRLF."""
        header: bytes = dkim.sign(
            message,
            self.selector.encode("ascii"),
            self.domain.encode("ascii"),
            self.key,
            canonicalize=_RELAXED,
            include_headers=list(SIGNED),
        )
        return header + message


def signer_of(settings: Settings) -> Signer | None:
    """Who signs the mails of this house; ``None`` where nothing is set: then the mail server may sign them.

    Raises:
        ReceivablesError: ``dkim.no_key``, ``dkim.weak_key``, ``dkim.foreign_domain``.
    """
    if settings.dkim_domain is None or settings.dkim_selector is None or settings.dkim_key_file is None:
        return None
    _check_domain(settings.dkim_domain, parseaddr(settings.mail_from)[1].rpartition("@")[2])
    return Signer(settings.dkim_domain, settings.dkim_selector, _read_key(settings.dkim_key_file))


def make_key() -> bytes:
    """A new private key, as PEM."""
    key = generate_private_key(public_exponent=PUBLIC_EXPONENT, key_size=LEAST_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def dns_record(signer: Signer) -> tuple[str, str]:
    """Name and value of the TXT record by which others check our signatures."""
    loaded = serialization.load_pem_private_key(signer.key, password=None)
    public = loaded.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"{signer.selector}._domainkey.{signer.domain}", f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def zone_line(name: str, value: str) -> str:
    """The record as a line of a zone: long values are several strings."""
    strings = " ".join(f'"{value[start : start + _TXT]}"' for start in range(0, len(value), _TXT))
    return f"{name}. IN TXT ( {strings} )"


def _check_domain(domain: str, sender: str) -> None:
    """DMARC (RFC 7489, 3.1) counts a signature of the sender's own domain, or of one above it."""
    if sender != domain and not sender.endswith(f".{domain}"):
        raise ReceivablesError(
            "dkim.foreign_domain",
            f"QUITTANCE_DKIM_DOMAIN is {domain}, but QUITTANCE_MAIL_FROM writes from {sender}: sign for that domain.",
            f"QUITTANCE_DKIM_DOMAIN vaut {domain}, mais QUITTANCE_MAIL_FROM écrit depuis {sender} : signez pour ce "
            "domaine.",
        )


@cache
def _read_key(path: Path) -> bytes:
    try:
        pem = path.read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ReceivablesError(
            "dkim.no_key",
            f"The key in {path} cannot be read ({error}): make one with `quittance mail-key`.",
            f"La clé dans {path} ne peut pas être lue ({error}) : créez-en une avec `quittance mail-key`.",
        ) from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise ReceivablesError(
            "dkim.weak_key",
            f"The key in {path} is not an RSA key of {LEAST_BITS} bits or more: make one with `quittance mail-key`.",
            f"La clé dans {path} n'est pas une clé RSA d'au moins {LEAST_BITS} bits : créez-en une avec "
            "`quittance mail-key`.",
        )
    return pem
