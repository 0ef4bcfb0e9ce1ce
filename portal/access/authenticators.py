"""Authenticator apps: six digits that change every 30 seconds (TOTP, RFC 6238), each taken once.

The secret is sealed in the database, because both sides need it in clear. A step that was used, or lies before one
that was, is refused (RFC 6238, 5.2); after five wrong codes nothing is taken for half an hour.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pyotp import TOTP
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import text

from config.clock import new_id, now
from config.secrets import new_token
from einvoice.formats.page_qr import draw_link

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection, RowMapping

    from portal.access.people import Person
    from portal.wiring import Services

ISSUER = "Quittance"
SEAL = "authenticator"
SECRET_BYTES = 20
"""RFC 4226, 4: 160 bits are recommended."""
DRIFT = 1
"""Steps before and after the present one that are taken: a phone may be half a minute off."""
MOST_TRIES = 5
TRIES_PER = timedelta(minutes=30)
OFFERED_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Offer:
    """An authenticator that waits for its first code: the secret as text and as a picture to be scanned."""

    secret: str
    picture: str

    @property
    def grouped(self) -> str:
        """The secret in groups of four, for whoever types it."""
        return " ".join(self.secret[place : place + 4] for place in range(0, len(self.secret), 4))


def offer_authenticator(services: Services, person: Person) -> None:
    """Make a secret for a person; it counts once a code of it was typed."""
    secret = base64.b32encode(new_token()[:SECRET_BYTES]).decode()
    at = now()
    with services.database.register() as connection:
        _end(connection, person.person_id, "confirmed_at IS NULL", at)
        connection.execute(
            text(
                "INSERT INTO authenticators (authenticator_id, person_id, sealed_secret, tries_since, created_at) "
                "VALUES (:id, :person, :secret, :at, :at)"
            ),
            {
                "id": new_id(),
                "person": person.person_id,
                "secret": services.keyring.seal(secret, SEAL),
                "at": at,
            },
        )


def offered_authenticator(services: Services, person: Person) -> Offer | None:
    """The authenticator that waits for its first code."""
    with services.database.register() as connection:
        row = _offered(connection, person.person_id)
    if row is None:
        return None
    secret = services.keyring.unseal(row["sealed_secret"], SEAL)
    address = TOTP(secret, name=person.email, issuer=ISSUER).provisioning_uri()
    return Offer(secret, draw_link(address))


def confirm_authenticator(services: Services, person_id: UUID, code: str) -> bool:
    """Let the waiting authenticator count, in place of the one before, where ``code`` is of it."""
    with services.database.register() as connection:
        row = _offered(connection, person_id, lock=True)
        step = _take(services, connection, row, code) if row else None
        if row is None or step is None:
            return False
        at = now()
        _end(connection, person_id, "confirmed_at IS NOT NULL", at)
        connection.execute(
            text("UPDATE authenticators SET confirmed_at = :at WHERE authenticator_id = :id"),
            {"at": at, "id": row["authenticator_id"]},
        )
    return True


def check_authenticator(services: Services, person_id: UUID, code: str) -> bool:
    """Whether ``code`` is one of the person's authenticator that was not taken yet; each call is a try."""
    with services.database.register() as connection:
        row = (
            connection.execute(
                text(
                    "SELECT * FROM authenticators WHERE person_id = :person AND ended_at IS NULL "
                    "AND confirmed_at IS NOT NULL FOR UPDATE"
                ),
                {"person": person_id},
            )
            .mappings()
            .first()
        )
        return row is not None and _take(services, connection, row, code) is not None


def authenticator_since(services: Services, person_id: UUID) -> datetime | None:
    """Since when the person has an authenticator."""
    with services.database.register() as connection:
        since: datetime | None = connection.scalar(
            text(
                "SELECT confirmed_at FROM authenticators WHERE person_id = :person AND ended_at IS NULL "
                "AND confirmed_at IS NOT NULL"
            ),
            {"person": person_id},
        )
    return since


def end_authenticator(services: Services, person_id: UUID) -> None:
    """Take the person's authenticator back."""
    with services.database.register() as connection:
        _end(connection, person_id, "true", now())


def _take(services: Services, connection: Connection, row: RowMapping, code: str) -> int | None:
    """The step of which ``code`` is, noted as used; the row is locked, so that of two at once one gets it."""
    at = now()
    tries = 0 if at - row["tries_since"] > TRIES_PER else row["tries"]
    if tries >= MOST_TRIES:
        return None
    step = _step_of(services.keyring.unseal(row["sealed_secret"], SEAL), code, at)
    right = step is not None and step > row["last_step"]
    connection.execute(
        text(
            "UPDATE authenticators SET tries = :tries, last_step = :step, "
            "tries_since = CASE WHEN :fresh THEN :at ELSE tries_since END WHERE authenticator_id = :id"
        ),
        {
            "tries": 0 if right else tries + 1,
            "fresh": tries == 0,
            "step": step if right else row["last_step"],
            "at": at,
            "id": row["authenticator_id"],
        },
    )
    return step if right else None


def _step_of(secret: str, code: str, at: datetime) -> int | None:
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdigit()):
        return None
    try:
        return TOTP(secret).verify_and_get_timecode(typed, for_time=at, valid_window=DRIFT)
    except OTPVerificationError:
        return None


def _offered(connection: Connection, person_id: UUID, *, lock: bool = False) -> RowMapping | None:
    wanted = (
        "SELECT * FROM authenticators WHERE person_id = :person AND ended_at IS NULL AND confirmed_at IS NULL "
        "AND created_at > :since ORDER BY created_at DESC LIMIT 1"
    )
    return (
        connection.execute(
            text(f"{wanted} FOR UPDATE" if lock else wanted),
            {"person": person_id, "since": now() - OFFERED_FOR},
        )
        .mappings()
        .first()
    )


def _end(connection: Connection, person_id: UUID, condition: str, at: datetime) -> None:
    connection.execute(
        text(
            "UPDATE authenticators SET ended_at = :at WHERE person_id = :person AND ended_at IS NULL "  # noqa: S608 -- fixed conditions
            f"AND {condition}"
        ),
        {"at": at, "person": person_id},
    )
