"""What an operator hands in to install, a folder or a zip, as plain files by path; nothing of it is trusted yet."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from einvoice.validation.rule_sets import RulesError

MAX_FILES = 10_000
"""The largest published set, FNFE's repository with its examples, has about a thousand files."""
MAX_TOTAL_BYTES = 300 * 2**20
"""All rule files of a set together, unpacked: FNFE's have 40 MB."""
MAX_FILE_BYTES = 32 * 2**20
WANTED = frozenset({".xslt", ".xsl", ".xsd", ".xml", ".sch"})
"""Everything else (examples, notes, PDF) stays unread."""

Bundle = dict[str, bytes]
"""Content by path with forward slashes, relative to the folder or the zip."""


def read_bundle(source: Path) -> Bundle:
    """The rule files in the folder or zip ``source``.

    Raises:
        RulesError: ``rules.not_a_set``, ``rules.unsafe_archive`` or ``rules.too_large``.
    """
    if source.is_dir():
        return _Reader().read_folder(source)
    try:
        with zipfile.ZipFile(source) as archive:
            return _Reader().read_zip(archive)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise RulesError(
            "rules.not_a_set",
            f"{source.name} is neither a folder nor a readable zip file: {error}.",
            f"{source.name} n'est ni un dossier ni un fichier zip lisible : {error}.",
        ) from error


class _Reader:
    def __init__(self) -> None:
        self._files: Bundle = {}
        self._seen = 0
        self._total = 0

    def read_folder(self, folder: Path) -> Bundle:
        for parent, _, names in os.walk(folder, followlinks=False):
            for name in sorted(names):
                path = Path(parent, name)
                place = path.relative_to(folder).as_posix()
                if not self._wants(place):
                    continue
                if not stat.S_ISREG(path.lstat().st_mode):
                    raise _unsafe(place, "it is a link or a special file", "c'est un lien ou un fichier spécial")
                with path.open("rb") as file:
                    self._take(place, file)
        return self._files

    def read_zip(self, archive: zipfile.ZipFile) -> Bundle:
        for entry in archive.infolist():
            place = entry.filename
            if entry.is_dir():
                continue
            _check_entry(entry)
            if self._wants(place):
                with archive.open(entry) as file:
                    self._take(place, file)
        return self._files

    def _wants(self, place: str) -> bool:
        self._seen += 1
        if self._seen > MAX_FILES:
            raise _too_large(f"more than {MAX_FILES} files", f"plus de {MAX_FILES} fichiers")
        return PurePosixPath(place).suffix.lower() in WANTED

    def _take(self, place: str, file: IO[bytes]) -> None:
        """Read up to the limit whatever the zip's directory says of the size: it may lie."""
        content = file.read(MAX_FILE_BYTES + 1)
        self._total += len(content)
        if len(content) > MAX_FILE_BYTES or self._total > MAX_TOTAL_BYTES:
            raise _too_large(f"{place} passes the limit", f"{place} dépasse la limite")
        if place in self._files:
            raise _unsafe(place, "it is there twice", "il y est deux fois")
        self._files[place] = content


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Refuse what could land elsewhere: absolute paths, climbing paths, other separators, links."""
    name = entry.filename
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or not parts or ":" in parts[0]:
        raise _unsafe(name, "its path leaves the archive", "son chemin sort de l'archive")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        raise _unsafe(name, "it is a link or a special file", "c'est un lien ou un fichier spécial")


def _unsafe(place: str, detail: str, detail_fr: str) -> RulesError:
    return RulesError(
        "rules.unsafe_archive",
        f"Nothing was installed: {place!r}: {detail}.",
        f"Rien n'a été installé : {place!r} : {detail_fr}.",
        place=place,
    )


def _too_large(detail: str, detail_fr: str) -> RulesError:
    return RulesError(
        "rules.too_large",
        f"Nothing was installed: {detail} (at most {MAX_FILE_BYTES >> 20} MiB per file, {MAX_TOTAL_BYTES >> 20} in "
        "all). Give the folder of the rules only.",
        f"Rien n'a été installé : {detail_fr} (au plus {MAX_FILE_BYTES >> 20} Mio par fichier, {MAX_TOTAL_BYTES >> 20} "
        "en tout). Indiquez le seul dossier des règles.",
    )
