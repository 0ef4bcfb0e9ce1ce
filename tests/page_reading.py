"""Pages as their readers get them: text without layout, and the structure a screen reader follows."""

from __future__ import annotations

import io
import re
from typing import Any

import pikepdf
import pypdf


def text_of(pdf: bytes) -> str:
    """The text of all pages without any white space, as a search that ignores layout sees it."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return squeeze("".join(page.extract_text() for page in pages))


def squeeze(text: str) -> str:
    return re.sub(r"\s", "", text)


def pages_of(pdf: bytes) -> list[str]:
    return [squeeze(page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def furthest_right(pdf: bytes) -> float:
    """Where the rightmost text of all pages begins, in points; A4 is 595 wide."""
    places: list[float] = []
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        page.extract_text(
            visitor_text=lambda text, user, matrix, _font, _size: (
                places.append(user[4] + matrix[4]) if text.strip() else None
            )
        )
    return max(places)


def structure_of(pdf: bytes) -> list[tuple[str, Any]]:
    """The structure elements in reading order: type, and the element."""
    found: list[tuple[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, pikepdf.Array):
            for below in node:
                walk(below)
        elif isinstance(node, pikepdf.Dictionary):
            if "/S" in node:
                found.append((str(node.S), node))
            if "/K" in node:
                walk(node.K)

    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert bool(opened.Root.MarkInfo.Marked)
        walk(opened.Root.StructTreeRoot)
        return [(kind, {str(key): str(value) for key, value in element.items() if key in {"/Alt", "/A"}})
                for kind, element in found]  # fmt: skip
