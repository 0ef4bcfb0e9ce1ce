"""Which explanation a finding calls for, and what to fill into it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Subject:
    """The key of a template, the terms that the finding itself names, and the words for the placeholders.

    ``words`` holds for each placeholder its French and its English text.
    """

    key: str
    terms: tuple[str, ...] = ()
    words: dict[str, tuple[str, str]] = field(default_factory=dict)
