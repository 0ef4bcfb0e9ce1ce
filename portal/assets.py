"""Static files under names that hold the hash of their content: kept by browsers for a year, never stale."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from flask import Response, abort
from markupsafe import Markup

from portal.access.roles import public

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static/"
KEPT = "public, max-age=31536000, immutable"


@cache
def hashed_names() -> dict[str, Path]:
    """Every static file by the name under which it is served."""
    return {_hashed(path): path for path in sorted(FOLDER.iterdir()) if path.is_file() and path.suffix != ".py"}


@cache
def asset(name: str) -> str:
    """The address of a static file."""
    return PREFIX + _hashed(FOLDER / name)


@cache
def icon(name: str) -> Markup:
    """An icon as inline SVG, so that it takes the colour of the text beside it; hidden from screen readers."""
    return Markup((FOLDER / "icons" / f"{name}.svg").read_text().strip())  # noqa: S704 -- our own file


@public
def serve(name: str) -> Response:
    """One static file."""
    path = hashed_names().get(name)
    if path is None:
        abort(404)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    response = Response(path.read_bytes(), content_type=f"{kind}; charset=utf-8" if "text" in kind else kind)
    response.headers["Cache-Control"] = KEPT
    return response


def _hashed(path: Path) -> str:
    return f"{path.stem}.{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}{path.suffix}"
