"""Sessions on the server: 256-bit ids stored hashed, new at each sign-in, ended by sign-out, idle or age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import now
from config.secrets import fingerprint, new_token, token_bytes, token_text
from portal.access.people import Person

if TYPE_CHECKING:
    from uuid import UUID

    from config.database import Database
    from config.settings import Settings

TOUCH_EVERY = timedelta(seconds=60)
"""How exact the last sight of a session is: a write per minute, not per page."""


@dataclass(frozen=True, slots=True)
class Session:
    """A live session; ``token_hash`` is how it is known to the tables."""

    token_hash: bytes
    person: Person


def open_session(database: Database, settings: Settings, person_id: UUID) -> str:
    """Begin a session and return its id, which is told to the browser and kept nowhere."""
    raw, at = new_token(), now()
    with database.register() as connection:
        connection.execute(
            text(
                "INSERT INTO sessions (token_hash, person_id, started_at, seen_at, expires_at) "
                "VALUES (:hash, :person, :at, :at, :expires)"
            ),
            {
                "hash": fingerprint(raw),
                "person": person_id,
                "at": at,
                "expires": at + timedelta(hours=settings.session_hours),
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
        row = (
            connection.execute(
                text(
                    "SELECT token_hash, seen_at, person_id, email, name, language FROM sessions "
                    "JOIN people USING (person_id) WHERE token_hash = :hash AND ended_at IS NULL "
                    "AND expires_at > :at AND seen_at > :idle"
                ),
                {
                    "hash": fingerprint(raw),
                    "at": at,
                    "idle": at - timedelta(minutes=settings.session_idle_minutes),
                },
            )
            .mappings()
            .first()
        )
        if row is None:
            return None
        if at - row["seen_at"] > TOUCH_EVERY:
            connection.execute(
                text("UPDATE sessions SET seen_at = :at WHERE token_hash = :hash"),
                {"at": at, "hash": row["token_hash"]},
            )
    return Session(bytes(row["token_hash"]), Person(row["person_id"], row["email"], row["name"], row["language"]))


def end_session(database: Database, token_hash: bytes) -> None:
    """End one session."""
    with database.register() as connection:
        connection.execute(
            text("UPDATE sessions SET ended_at = :at WHERE token_hash = :hash AND ended_at IS NULL"),
            {"at": now(), "hash": token_hash},
        )


def end_sessions_of(database: Database, person_id: UUID) -> int:
    """End every session of a person; returns how many were live."""
    with database.register() as connection:
        return connection.execute(
            text("UPDATE sessions SET ended_at = :at WHERE person_id = :person AND ended_at IS NULL"),
            {"at": now(), "person": person_id},
        ).rowcount
