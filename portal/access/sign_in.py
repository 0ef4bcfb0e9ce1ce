"""Sign-in by mail: a link for ten minutes, once, in the browser that asked; a typed code for any other browser.

Neither token nor code is stored: both are derived from the link's id, their hashes are compared. So the worker can
write the mail, and whoever reads the database cannot sign in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import new_id, now
from config.secrets import fingerprint, same, token_bytes, token_text
from portal.access.codes import read_code, spell_code
from portal.access.people import find_person, get_person, memberships_of
from receivables.domain.events import SIGN_IN_ASKED, Event

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Connection, RowMapping

    from config.secrets import Keyring
    from portal.access.people import Person
    from portal.wiring import Services

MAX_CODE_TRIES = 5


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link that may still be used; ``same_browser`` when this browser asked for it."""

    link_id: UUID
    person_id: UUID
    same_browser: bool


@dataclass(frozen=True, slots=True)
class SignInLetter:
    """What the mail of a link says: to whom, in which language, the secret address and the code."""

    person: Person
    address: str
    code: str
    asked_at: datetime
    minutes: int


def ask_link(services: Services, email: str, browser: bytes, language: str) -> None:
    """Make a link for the person with this address and announce it; nothing happens where there is none."""
    person = find_person(services.database, email)
    memberships = memberships_of(services.database, person.person_id) if person else ()
    if person is None or not memberships:
        return
    link_id, at = new_id(), now()
    with services.database.register() as connection:
        connection.execute(
            text(
                "INSERT INTO sign_in_links (link_id, token_hash, person_id, browser_hash, code_hash, asked_at, "
                "expires_at) VALUES (:id, :token, :person, :browser, :code, :at, :expires)"
            ),
            {
                "id": link_id,
                "token": fingerprint(link_token(services.keyring, link_id)),
                "person": person.person_id,
                "browser": fingerprint(browser),
                "code": _code_hash(services.keyring, link_code(services.keyring, link_id)),
                "at": at,
                "expires": at + timedelta(minutes=services.settings.sign_in_minutes),
            },
        )
    with services.works.begin(memberships[0].supplier_id) as work:
        work.emit([Event(SIGN_IN_ASKED, str(link_id), {"link_id": str(link_id), "language": language})])


def link_token(keyring: Keyring, link_id: UUID) -> bytes:
    """The secret of a link."""
    return keyring.derive("sign-in-link", link_id.bytes)


def link_code(keyring: Keyring, link_id: UUID) -> str:
    """The eight characters of a link: 39 bits, five tries, ten minutes."""
    return spell_code(keyring.derive("sign-in-code", link_id.bytes))


def look_at_link(services: Services, token: str, browser: bytes | None) -> LinkView | None:
    """The link behind ``token`` where it still may be used; looking changes nothing."""
    raw = token_bytes(token)
    if raw is None:
        return None
    with services.database.register() as connection:
        row = _live(connection, "token_hash = :key", fingerprint(raw))
    if row is None:
        return None
    return LinkView(row["link_id"], row["person_id"], _is_browser(row, browser))


def use_link(services: Services, token: str, browser: bytes | None) -> Person | None:
    """Use a link up in the browser that asked for it; ``None`` where it is not valid, used or another browser's."""
    raw = token_bytes(token)
    if raw is None:
        return None
    with services.database.register() as connection:
        row = _live(connection, "token_hash = :key", fingerprint(raw))
        person_id = _use(connection, row["link_id"]) if row and _is_browser(row, browser) else None
    return get_person(services.database, person_id) if person_id else None


def use_code(services: Services, code: str, *, token: str | None, browser: bytes | None) -> Person | None:
    """Use a link up by its code, typed where it was asked for (``browser``) or where it was opened (``token``).

    Each call is one of the five tries, right or wrong.
    """
    raw = token_bytes(token) if token else None
    key = fingerprint(raw) if raw else fingerprint(browser) if browser else None
    if key is None:
        return None
    column = "token_hash = :key" if raw else "browser_hash = :key"
    given = read_code(code)
    with services.database.register() as connection:
        row = _live(connection, column, key, lock=True)
        if row is None or row["code_tries"] >= MAX_CODE_TRIES:
            return None
        connection.execute(
            text("UPDATE sign_in_links SET code_tries = code_tries + 1 WHERE link_id = :id"), {"id": row["link_id"]}
        )
        right = same(bytes(row["code_hash"]), _code_hash(services.keyring, given))
        person_id = _use(connection, row["link_id"]) if right else None
    return get_person(services.database, person_id) if person_id else None


def letter_of(services: Services, link_id: UUID) -> SignInLetter | None:
    """What the mail of a link says, or ``None`` where the link is used up or too old to be sent."""
    with services.database.register() as connection:
        row = _live(connection, "link_id = :key", link_id)
    person = get_person(services.database, row["person_id"]) if row else None
    if row is None or person is None:
        return None
    token = token_text(link_token(services.keyring, link_id))
    return SignInLetter(
        person,
        f"{services.settings.public_url}/sign-in/{token}",
        link_code(services.keyring, link_id),
        row["asked_at"],
        services.settings.sign_in_minutes,
    )


def _live(connection: Connection, condition: str, key: object, *, lock: bool = False) -> RowMapping | None:
    return (
        connection.execute(
            text(
                "SELECT link_id, person_id, browser_hash, code_hash, code_tries, asked_at FROM sign_in_links "  # noqa: S608 -- fixed conditions
                f"WHERE {condition} AND used_at IS NULL AND expires_at > :at ORDER BY asked_at DESC LIMIT 1"
                + (" FOR UPDATE" if lock else "")
            ),
            {"key": key, "at": now()},
        )
        .mappings()
        .first()
    )


def _use(connection: Connection, link_id: UUID) -> UUID | None:
    """Mark a link as used; of two that try at once, one gets the person."""
    used: UUID | None = connection.scalar(
        text(
            "UPDATE sign_in_links SET used_at = :at WHERE link_id = :id AND used_at IS NULL AND expires_at > :at "
            "RETURNING person_id"
        ),
        {"at": now(), "id": link_id},
    )
    return used


def _is_browser(row: RowMapping, browser: bytes | None) -> bool:
    return browser is not None and same(bytes(row["browser_hash"]), fingerprint(browser))


def _code_hash(keyring: Keyring, code: str) -> bytes:
    """Keyed: 39 bits alone could be tried out by whoever reads the table."""
    return keyring.derive("sign-in-code-hash", code.encode())
