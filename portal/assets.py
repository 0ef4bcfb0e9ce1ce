"""Static files under names that hold the hash of their content: kept by browsers for a year, never stale.

A folder of style sheets is served as one (``quittance/`` as ``quittance.css``), in the order of their names, without
comments and spaces, and packed for browsers that unpack: style sheets hold no secret, so that packing tells nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

import rcssmin
from flask import Response, abort, request
from markupsafe import Markup

from portal.access.roles import public

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static/"
KEPT = "public, max-age=31536000, immutable"
PICTURES = "icons"
"""The folder whose files stand in pages, not beside them."""
PACKED = frozenset({"text/css", "text/javascript", "image/svg+xml"})


@cache
def contents() -> dict[str, bytes]:
    """Every static file by the name under which it is served."""
    return {_hashed(name, content): content for name, content in _read().items()}


@cache
def asset(name: str) -> str:
    """The address of a static file."""
    return PREFIX + _hashed(name, _read()[name])


@cache
def icon(name: str) -> Markup:
    """An icon as inline SVG, so that it takes the colour of the text beside it; hidden from screen readers."""
    return Markup((FOLDER / PICTURES / f"{name}.svg").read_text().strip())  # noqa: S704 -- our own file


@public
def serve(name: str) -> Response:
    """One static file."""
    content = contents().get(name)
    if content is None:
        abort(404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = kind in PACKED and request.accept_encodings.quality("gzip") > 0
    response = Response(
        _pack(name) if packed else content, content_type=f"{kind}; charset=utf-8" if "text" in kind else kind
    )
    response.headers["Cache-Control"] = KEPT
    response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


@cache
def _read() -> dict[str, bytes]:
    """Every static file by its own name."""
    found = {}
    for path in sorted(FOLDER.iterdir()):
        if path.is_dir() and path.name != PICTURES:
            sheets = "\n".join(each.read_text() for each in sorted(path.glob("*.css")))
            found[f"{path.name}.css"] = _shrink(sheets)
        elif path.suffix == ".css":
            found[path.name] = _shrink(path.read_text())
        elif path.is_file():
            found[path.name] = path.read_bytes()
    return found


def _shrink(sheet: str) -> bytes:
    return str(rcssmin.cssmin(sheet)).encode()


@cache
def _pack(name: str) -> bytes:
    return gzip.compress(contents()[name], mtime=0)


def _hashed(name: str, content: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
