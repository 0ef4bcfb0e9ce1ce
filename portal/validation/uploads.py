"""Files that come in by a form or a call: held in memory, never in a temporary file."""

from __future__ import annotations

from io import BytesIO
from typing import IO

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.utils import cached_property

MAX_PUBLIC_BYTES = 10 * 1024 * 1024
"""Largest file that anybody may hand in, in bytes: an invoice with its attachments stays under it."""
MAX_FORM_BYTES = MAX_PUBLIC_BYTES + 64 * 1024
"""The same with the other fields of its form."""
MOST_NAME_CHARACTERS = 120


class MemoryRequest(Request):
    """A request whose files stay in memory, so that "nothing is kept" is true; their size is limited before.

    The sign NUL is left out of addresses and forms: nobody types it, and no text in the database can hold it.
    """

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """What the address asks for."""
        return _without_nul(super().args)

    def _load_form_data(self) -> None:
        super()._load_form_data()
        self.__dict__["form"] = _without_nul(self.__dict__["form"])

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002 -- as Werkzeug calls it
        content_type: str | None,  # noqa: ARG002 -- same
        filename: str | None = None,  # noqa: ARG002 -- same
        content_length: int | None = None,  # noqa: ARG002 -- same
    ) -> IO[bytes]:
        return BytesIO()


def _without_nul(given: MultiDict[str, str]) -> MultiDict[str, str]:
    return ImmutableMultiDict([(name, value.replace("\0", "")) for name, value in given.items(multi=True)])


def clean_name(given: str | None) -> str:
    """The last part of a file's name as a person may read it: no path, no control characters, no end."""
    last = (given or "").replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[:MOST_NAME_CHARACTERS].strip()
