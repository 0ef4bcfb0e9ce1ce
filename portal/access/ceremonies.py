"""Questions put to a browser that wait for its answer: sealed into the page or a cookie, answered once, in time.

Nothing is stored until an answer comes, so that looking at a page changes nothing; then the question is noted as
answered, and a second answer to it finds nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import text

from config.clock import now
from config.secrets import SealBrokenError, fingerprint, new_token, token_text

if TYPE_CHECKING:
    from config.secrets import Keyring
    from portal.wiring import Services

LASTS = timedelta(minutes=10)
LONGEST = 4096
"""Characters: no question of ours is longer."""


def begin_ceremony(keyring: Keyring, kind: str, **facts: str) -> str:
    """A question of ``kind`` with its ``facts``, as a text that only this house can read."""
    sealed = {**facts, "until": (now() + LASTS).isoformat(), "once": token_text(new_token())}
    return keyring.seal(orjson.dumps(sealed).decode(), f"ceremony-{kind}").decode()


def end_ceremony(services: Services, kind: str, given: str) -> dict[str, str] | None:
    """The facts of a question that is answered now; ``None`` where it is none of ours, too old or answered already."""
    if not given.isascii() or len(given) > LONGEST:
        return None
    try:
        facts: dict[str, str] = orjson.loads(services.keyring.unseal(given.encode(), f"ceremony-{kind}"))
    except SealBrokenError:
        return None
    if datetime.fromisoformat(facts.pop("until")) < now():
        return None
    with services.database.register() as connection:
        first = connection.execute(
            text(
                "INSERT INTO answered_ceremonies (token_hash, answered_at) VALUES (:hash, :at) ON CONFLICT DO NOTHING"
            ),
            {"hash": fingerprint(facts.pop("once").encode()), "at": now()},
        ).rowcount
    return facts if first else None
