"""The link that ends a kind of mail: one click for mail programs (RFC 8058), a page with a button for people.

A token holds 16 bytes of the supplier, 32 of the address's hash, the kind, and 16 bytes of an HMAC over them: nothing
is stored for it, nobody can make one, and it does nothing but end one kind of mail at one address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from config.secrets import same, token_bytes, token_text
from portal.mail.kinds import KINDS
from receivables.store.mail.wishes import address_hash, note_wish

if TYPE_CHECKING:
    from config.secrets import Keyring
    from portal.wiring import Services
    from receivables.store.work import Work

PURPOSE = "unsubscribe"
PATH = "/u/"
ACTOR = "link in a mail"
HALF, HASH = 16, 32


@dataclass(frozen=True, slots=True)
class Stop:
    """What a token ends: mails of a kind from a supplier to an address, known by its hash."""

    supplier_id: UUID
    address_hash: bytes
    kind: str


def unsubscribe_url(services: Services, supplier_id: UUID, email: str, kind: str) -> str:
    """Where one click ends mails of ``kind`` to ``email``."""
    said = supplier_id.bytes + address_hash(email) + kind.encode()
    token = token_text(said + services.keyring.derive(PURPOSE, said)[:HALF])
    return f"{services.settings.public_url}{PATH}{token}"


def read_token(keyring: Keyring, token: str) -> Stop | None:
    """What a token ends; ``None`` for one that we did not make."""
    raw = token_bytes(token) or b""
    said, seal = raw[:-HALF], raw[-HALF:]
    kind = said[HALF + HASH :].decode("ascii", errors="replace")
    if not same(seal, keyring.derive(PURPOSE, said)[:HALF]) or kind not in KINDS or not KINDS[kind].may_stop:
        return None
    return Stop(UUID(bytes=said[:HALF]), said[HALF : HALF + HASH], kind)


def stop_mails(services: Services, stop: Stop, *, wanted: bool = False) -> None:
    """End mails of a kind to an address, or have them sent again."""
    with services.works.begin(stop.supplier_id) as work:
        note_wish(work, stop.address_hash, stop.kind, ACTOR, wanted=wanted)


def has_stopped(work: Work, stop: Stop) -> bool:
    """Whether the address gets no mail of this kind any more."""
    return bool(
        work.scalar(
            "SELECT NOT wanted FROM mail_wishes WHERE supplier_id = :supplier AND address_hash = :hash "
            "AND kind = :kind",
            hash=stop.address_hash,
            kind=stop.kind,
        )
    )
