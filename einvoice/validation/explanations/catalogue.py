"""The texts of the explanations, read once from the data files beside this module."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

_RULE_FILES = ("rules_norm.toml", "rules_french.toml", "rules_other.toml")


@dataclass(frozen=True, slots=True)
class Template:
    """The explanation of one rule or family, with ``{placeholders}`` for what only the finding knows.

    ``terms`` lists the main business term first; ``any_of`` means that the place in the file decides among them.
    """

    terms: tuple[str, ...]
    sentence_fr: str
    sentence_en: str
    fix_fr: str
    fix_en: str
    any_of: bool = False


def _read(name: str) -> dict[str, Any]:
    text = resources.files(__package__ or "").joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def templates() -> dict[str, Template]:
    """Every explanation by its key: a rule's own id, or that of its family."""
    entries: dict[str, Template] = {}
    for name in _RULE_FILES:
        for key, entry in _read(name).items():
            if key in entries:
                raise ValueError(f"{key} is explained twice, the second time in {name}.")
            entries[key] = Template(**{**entry, "terms": tuple(entry["terms"])})
    return entries


@cache
def term_names() -> dict[str, tuple[str, str]]:
    """French and English name of each business term."""
    return {term: (french, english) for term, (french, english) in _read("terms.toml").items()}


@cache
def element_names() -> dict[str, tuple[str, str]]:
    """French and English name of each XML element or attribute."""
    return {name: (french, english) for name, (french, english) in _read("elements.toml").items()}


@cache
def paths(syntax: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The terms that stand at the end of a path, for ``cii`` or ``ubl``."""
    return {tuple(path.split("/")): tuple(terms.split()) for path, terms in _read("paths.toml")[syntax].items()}
