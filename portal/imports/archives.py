"""A zip of documents: every UBL, CII, Factur-X or JSON in it is one invoice. Nothing is written to a disk."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO

from portal.validation.uploads import clean_name
from receivables.errors import ReceivablesError

MAX_MEMBERS = 10_000
MAX_MEMBER_BYTES = 20 * 1024 * 1024
MAX_BYTES = 400 * 1024 * 1024
"""What an archive may hold once unpacked, in bytes; a bomb is refused before it is read to its end."""
SUFFIXES = (".xml", ".pdf", ".json")


class ZipError(ReceivablesError):
    """The archive cannot be taken: ``zip.unreadable``, ``zip.too_large``, ``zip.too_many``, ``zip.empty``."""


@dataclass(frozen=True, slots=True)
class Member:
    """A document of an archive: its name without folders, and its bytes."""

    name: str
    content: bytes


def is_zip(content: bytes) -> bool:
    """Whether these bytes are a zip archive."""
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def members_of(content: bytes) -> list[Member]:
    """The documents of an archive, in the order of their names; what is no document by its suffix is left out.

    Raises:
        ZipError: with what to do.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            infos = sorted((each for each in archive.infolist() if _is_document(each)), key=lambda each: each.filename)
            if len(infos) > MAX_MEMBERS:
                raise ZipError(
                    "zip.too_many",
                    f"The archive holds {len(infos)} documents; at most {MAX_MEMBERS} are taken at once.",
                    f"L'archive contient {len(infos)} documents ; au plus {MAX_MEMBERS} sont pris à la fois.",
                )
            found = _read_all(archive, infos)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError, zlib.error) as error:
        raise ZipError(
            "zip.unreadable",
            "The archive is damaged or locked by a password. Make it again.",
            "L'archive est abîmée ou protégée par un mot de passe. Refaites-la.",
        ) from error
    if not found:
        raise ZipError(
            "zip.empty",
            "The archive holds no XML, PDF or JSON document.",
            "L'archive ne contient aucun document XML, PDF ou JSON.",
        )
    return found


def _is_document(info: zipfile.ZipInfo) -> bool:
    name = info.filename.rpartition("/")[2]
    return not info.is_dir() and name.lower().endswith(SUFFIXES) and not name.startswith((".", "__"))


def _read_all(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> list[Member]:
    found, size = [], 0
    for info in infos:
        with archive.open(info) as file:
            content = file.read(MAX_MEMBER_BYTES + 1)
        size += len(content)
        if len(content) > MAX_MEMBER_BYTES or size > MAX_BYTES:
            raise ZipError(
                "zip.too_large",
                "The archive unpacks to more than we take at once. Cut it in parts.",
                "L'archive, une fois ouverte, dépasse ce que nous prenons à la fois. Découpez-la.",
            )
        found.append(Member(clean_name(info.filename) or "document", content))
    return found
