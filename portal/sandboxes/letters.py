"""The letters of ids that a payment sandbox gives: unguessable, or the same sequence for the same seed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from config import clock

if TYPE_CHECKING:
    from collections.abc import Iterator


def draw_letters(seed: int | None, alphabet: str, length: int) -> Iterator[str]:
    """Words of ``length`` letters, one after the other, without end."""
    serial = 0
    while True:
        serial += 1
        source = clock.new_id().bytes if seed is None else f"{seed}:{serial}".encode()
        value = int.from_bytes(hashlib.sha256(source).digest(), "big")
        letters = []
        for _ in range(length):
            value, digit = divmod(value, len(alphabet))
            letters.append(alphabet[digit])
        yield "".join(letters)
