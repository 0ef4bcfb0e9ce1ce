"""Puts a bug into the product, in the process that imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def plant(owner: object, name: str, bug: Callable[..., Any]) -> Callable[..., Any]:
    """Replace ``owner.name`` by ``bug``; returns what was there."""
    original: Callable[..., Any] = getattr(owner, name)
    setattr(owner, name, bug)
    return original
