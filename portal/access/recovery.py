"""Recovery codes: ten letters each, shown once, one use each, for the day when phone and keys are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import now
from config.secrets import new_token
from portal.access.codes import read_code, spell_code

if TYPE_CHECKING:
    from uuid import UUID

    from config.secrets import Keyring
    from portal.wiring import Services

HOW_MANY = 10
LENGTH = 10
"""49 bits: beyond guessing at the rate that is allowed, and still typed by hand."""


def make_recovery_codes(services: Services, person_id: UUID) -> tuple[str, ...]:
    """Ten new codes in place of those before. They are told here and kept nowhere."""
    codes = tuple(spell_code(new_token(), LENGTH) for _ in range(HOW_MANY))
    at = now()
    with services.database.register() as connection:
        connection.execute(
            text("UPDATE recovery_codes SET ended_at = :at WHERE person_id = :person AND ended_at IS NULL"),
            {"at": at, "person": person_id},
        )
        connection.execute(
            text("INSERT INTO recovery_codes (person_id, code_hash, made_at) VALUES (:person, :hash, :at)"),
            [{"person": person_id, "hash": _hash(services.keyring, person_id, code), "at": at} for code in codes],
        )
    return codes


def use_recovery_code(services: Services, person_id: UUID, typed: str) -> bool:
    """Use a code up; ``False`` where it is none of the person's, or used."""
    with services.database.register() as connection:
        used = connection.execute(
            text(
                "UPDATE recovery_codes SET used_at = :at WHERE person_id = :person AND code_hash = :hash "
                "AND used_at IS NULL AND ended_at IS NULL"
            ),
            {"at": now(), "person": person_id, "hash": _hash(services.keyring, person_id, read_code(typed))},
        ).rowcount
    return used == 1


def recovery_codes_left(services: Services, person_id: UUID) -> int:
    """How many codes may still be used."""
    with services.database.register() as connection:
        left: int = connection.scalar(
            text(
                "SELECT count(*) FROM recovery_codes WHERE person_id = :person AND used_at IS NULL AND ended_at IS NULL"
            ),
            {"person": person_id},
        )
    return left


def end_recovery_codes(services: Services, person_id: UUID) -> None:
    """Take every code back: nothing is left that they stand in for."""
    with services.database.register() as connection:
        connection.execute(
            text("UPDATE recovery_codes SET ended_at = :at WHERE person_id = :person AND ended_at IS NULL"),
            {"at": now(), "person": person_id},
        )


def _hash(keyring: Keyring, person_id: UUID, code: str) -> bytes:
    """Keyed and of one person: 49 bits alone could be tried out by whoever reads the table."""
    return keyring.derive("recovery-code", person_id.bytes + code.encode())
