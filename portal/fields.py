"""Fields of forms and addresses, read with care: an id, a day, a hash, and the word by which a form counts once."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from config.secrets import new_token, token_bytes, token_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ONCE = "once"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def id_in(text: str | None) -> UUID | None:
    """An id; ``None`` where it is none."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def ids_in(texts: Iterable[str]) -> list[UUID]:
    """The ids among what was ticked, each once, in order; what is none is left out."""
    return list(dict.fromkeys(found for each in texts if (found := id_in(each))))


def day_in(text: str) -> date | None:
    """A day as a browser sends it, ``2026-09-30``; ``None`` where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def is_sha256(text: str) -> bool:
    """Whether it is the name of a file kept under its SHA-256, in hexadecimal."""
    return _SHA256.fullmatch(text) is not None


def new_once() -> str:
    """The word for the field ``once`` of a form that is shown: sent twice, it is taken in once."""
    return token_text(new_token())


def read_once(form: Mapping[str, str]) -> str:
    """The word that came back with a form; a new one where it is none of ours."""
    given = form.get(ONCE, "")
    return given if len(token_bytes(given) or b"") == len(new_token()) else new_once()
