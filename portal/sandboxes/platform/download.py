"""A file as an answer that no browser opens by itself."""

from __future__ import annotations

from flask import Response


def as_download(content: bytes, name: str) -> Response:
    """``content`` under ``name``; characters that no header may hold become underscores."""
    answer = Response(content, mimetype="application/octet-stream")
    shown = "".join(character if character.isprintable() else "_" for character in name)
    answer.headers.set("Content-Disposition", "attachment", filename=shown)
    return answer
