"""Sessions on the server: 256-bit ids stored hashed, new at each sign-in, ended by sign-out, idle, age or a person.

A session also keeps how far it is proved: by what it was opened, when its person last showed to be there (step-up
asks for that again), and when they gave a second proof beside the link in the mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import new_id, now
from config.secrets import fingerprint, new_token, token_bytes, token_text
from portal.access.people import Person

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from uuid import UUID

    from config.database import Database
    from config.settings import Settings

HAS_KEYS = (
    "EXISTS (SELECT 1 FROM passkeys WHERE passkeys.person_id = {person} AND ended_at IS NULL) OR "
    "EXISTS (SELECT 1 FROM authenticators AS app WHERE app.person_id = {person} AND ended_at IS NULL "
    "AND confirmed_at IS NOT NULL)"
)
_FIND = text(
    "SELECT token_hash, session_id, proved_by, proved_at, second_at, seen_at, customers_only, person_id, email, "  # noqa: S608 -- fixed text
    "name, language, "
    f"{HAS_KEYS.format(person='sessions.person_id')} AS has_keys FROM sessions JOIN people USING (person_id) "
    "WHERE token_hash = :hash AND sessions.ended_at IS NULL AND expires_at > :at AND seen_at > :idle"
)
TOUCH_EVERY = timedelta(seconds=60)
"""How exact the last sight of a session is: a write per minute, not per page."""


class Proof(StrEnum):
    """By what somebody showed who they are."""

    MAIL = "mail"
    PASSKEY = "passkey"
    TOTP = "totp"
    RECOVERY = "recovery"
    OIDC = "oidc"


SECOND_PROOFS = frozenset({Proof.PASSKEY, Proof.TOTP, Proof.RECOVERY})
"""What counts besides a mailbox; a provider's word counts where it says by what it was given."""


@dataclass(frozen=True, slots=True)
class Session:
    """A live session; ``token_hash`` is how it is known to the tables, ``session_id`` how to people."""

    token_hash: bytes
    person: Person
    session_id: UUID
    proved_by: Proof
    proved_at: datetime
    second_at: datetime | None
    has_keys: bool
    """Whether its person has a passkey or an authenticator: then they are asked for it."""
    customers_only: bool = False
    """Whether a provider for customers opened it: it is nobody's of the staff, and that provider's word is no proof
    for acts of high risk."""


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A live session as its person sees it in a list."""

    session_id: UUID
    device: str
    proved_by: Proof
    second: bool
    started_at: datetime
    seen_at: datetime


def open_session(
    database: Database,
    settings: Settings,
    person_id: UUID,
    *,
    by: Proof = Proof.MAIL,
    second: bool = False,
    device: str = "",
    customers_only: bool = False,
) -> str:
    """Begin a session and return its id, which is told to the browser and kept nowhere.

    ``second`` says that ``by`` is a second proof in itself (a passkey, or a provider that asked for one);
    ``customers_only`` that it must never show the pages of staff.
    """
    raw, at = new_token(), now()
    with database.register() as connection:
        connection.execute(
            text(
                "INSERT INTO sessions (token_hash, session_id, person_id, device, proved_by, proved_at, second_at, "
                "started_at, seen_at, expires_at, customers_only) "
                "VALUES (:hash, :id, :person, :device, :by, :at, :second, :at, :at, :expires, :customers_only)"
            ),
            {
                "hash": fingerprint(raw),
                "id": new_id(),
                "person": person_id,
                "device": device,
                "by": by.value,
                "second": at if second or by in SECOND_PROOFS else None,
                "at": at,
                "expires": at + timedelta(hours=settings.session_hours),
                "customers_only": customers_only,
            },
        )
    return token_text(raw)


def find_session(database: Database, settings: Settings, given: str) -> Session | None:
    """The live session with this id; it is seen by this."""
    raw = token_bytes(given)
    if raw is None:
        return None
    at = now()
    with database.register() as connection:
        row = connection.execute(_FIND, {"hash": fingerprint(raw), **_life(settings, at)}).mappings().first()
        if row is None:
            return None
        if at - row["seen_at"] > TOUCH_EVERY:
            connection.execute(
                text("UPDATE sessions SET seen_at = :at WHERE token_hash = :hash"),
                {"at": at, "hash": row["token_hash"]},
            )
    return Session(
        bytes(row["token_hash"]),
        Person(row["person_id"], row["email"], row["name"], row["language"]),
        row["session_id"],
        Proof(row["proved_by"]),
        row["proved_at"],
        row["second_at"],
        row["has_keys"],
        row["customers_only"],
    )


def renew_session(database: Database, session_id: UUID, by: Proof) -> str:
    """Remember that the person of a session showed again who they are; its id is a new one from here (ASVS 7.2.4)."""
    raw = new_token()
    with database.register() as connection:
        connection.execute(
            text(
                "UPDATE sessions SET token_hash = :hash, proved_at = :at, proved_by = :by, "
                "second_at = CASE WHEN :second THEN :at ELSE second_at END WHERE session_id = :id AND ended_at IS NULL"
            ),
            {
                "hash": fingerprint(raw),
                "at": now(),
                "by": by.value,
                "second": by in SECOND_PROOFS,
                "id": session_id,
            },
        )
    return token_text(raw)


def live_sessions(database: Database, settings: Settings, person_id: UUID) -> list[SessionLine]:
    """The live sessions of a person, the last seen first."""
    with database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT session_id, device, proved_by, second_at IS NOT NULL AS second, started_at, seen_at "
                "FROM sessions WHERE person_id = :person AND ended_at IS NULL AND expires_at > :at "
                "AND seen_at > :idle ORDER BY seen_at DESC, session_id DESC LIMIT 100"
            ),
            {"person": person_id, **_life(settings, now())},
        ).mappings()
        return [SessionLine(**{**row, "proved_by": Proof(row["proved_by"])}) for row in rows]


def end_session(database: Database, token_hash: bytes) -> None:
    """End one session."""
    _end(database, "token_hash = :key", token_hash)


def end_session_of(database: Database, person_id: UUID, session_id: UUID) -> bool:
    """End one session of a person by the id that people see; returns whether it was theirs and live."""
    return _end(database, "session_id = :key AND person_id = :person", session_id, person=person_id) == 1


def end_sessions_of(database: Database, person_id: UUID, *, but: UUID | None = None) -> int:
    """End every session of a person, ``but`` one; returns how many were live."""
    return _end(database, "person_id = :key AND session_id IS DISTINCT FROM :but", person_id, but=but)


def _end(database: Database, condition: str, key: object, **values: object) -> int:
    with database.register() as connection:
        return connection.execute(
            text(f"UPDATE sessions SET ended_at = :at WHERE {condition} AND ended_at IS NULL"),  # noqa: S608 -- fixed conditions
            {"at": now(), "key": key, **values},
        ).rowcount


def _life(settings: Settings, at: datetime) -> Mapping[str, Any]:
    """The two limits of a session's life, seen from ``at``."""
    return {"at": at, "idle": at - timedelta(minutes=settings.session_idle_minutes)}
