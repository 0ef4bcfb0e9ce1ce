"""Who wants none of a kind of mail, by the hash of the address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now
from config.secrets import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from receivables.store.work import Work
EARLY = "reminder_before"
"""Reminders before the due date: who wants none gets the later ones all the same."""


def address_hash(email: str) -> bytes:
    """By what an address is known among wishes: its SHA-256, whatever its capital letters."""
    return fingerprint(email.strip().lower().encode())


def note_wish(work: Work, of_address: bytes, kind: str, actor: str, *, wanted: bool) -> bool:
    """Note whether mails of a kind are wanted at an address; whether that is new."""
    changed = work.execute(
        "INSERT INTO mail_wishes AS known (supplier_id, address_hash, kind, wanted, changed_by, changed_at) "
        "VALUES (:supplier, :hash, :kind, :wanted, :actor, :at) ON CONFLICT (supplier_id, address_hash, kind) "
        "DO UPDATE SET wanted = excluded.wanted, changed_by = excluded.changed_by, changed_at = excluded.changed_at "
        "WHERE known.wanted <> excluded.wanted",
        hash=of_address,
        kind=kind,
        wanted=wanted,
        actor=actor,
        at=now(),
    )
    if changed:
        work.audit(actor, "mail_wish.noted", kind, wanted=wanted, address=of_address.hex()[:16])
    return bool(changed)


def unwanted(work: Work, emails: Iterable[str], kind: str) -> frozenset[str]:
    """Those of these addresses that want no mail of this kind."""
    by_hash = {address_hash(email): email for email in emails}
    rows = work.rows(
        "SELECT address_hash FROM mail_wishes WHERE supplier_id = :supplier AND kind = :kind AND NOT wanted "
        "AND address_hash = ANY(:hashes)",
        kind=kind,
        hashes=list(by_hash),
    )
    return frozenset(by_hash[bytes(row["address_hash"])] for row in rows)
