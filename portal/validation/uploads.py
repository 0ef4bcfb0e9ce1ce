"""Files that come in by a form or a call: held in memory, never in a temporary file."""

from __future__ import annotations

from io import BytesIO
from typing import IO

from flask import Request

MAX_PUBLIC_BYTES = 10 * 1024 * 1024
"""Largest file that anybody may hand in, in bytes: an invoice with its attachments stays under it."""
MAX_FORM_BYTES = MAX_PUBLIC_BYTES + 64 * 1024
"""The same with the other fields of its form."""
MOST_NAME_CHARACTERS = 120


class MemoryRequest(Request):
    """A request whose files stay in memory, so that "nothing is kept" is true; their size is limited before."""

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002 -- as Werkzeug calls it
        content_type: str | None,  # noqa: ARG002 -- same
        filename: str | None = None,  # noqa: ARG002 -- same
        content_length: int | None = None,  # noqa: ARG002 -- same
    ) -> IO[bytes]:
        return BytesIO()


def clean_name(given: str | None) -> str:
    """The last part of a file's name as a person may read it: no path, no control characters, no end."""
    last = (given or "").replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[:MOST_NAME_CHARACTERS].strip()
