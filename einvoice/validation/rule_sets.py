"""The sets of rules that an operator installed: kept whole and unchanged, in force from a day on, newest in front.

``root/sets/<key>/`` holds one set in the folder names of ``standards``, written once; its key is the SHA-256 of its
content. ``root/uses.json`` says which sets are in force since when. A set that was withdrawn stays on disk: the reports
that name it must stay explainable for as long as the invoices are kept.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from einvoice.errors import EInvoiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MANIFEST = "set.json"
_USES = "uses.json"
_FOREVER = datetime.max.replace(tzinfo=UTC)
_SHORT_KEY = 12


class RulesError(EInvoiceError):
    """A set of rules cannot be installed or used.

    Codes: ``rules.not_a_set``, ``rules.unsafe_archive``, ``rules.too_large``, ``rules.nothing_recognised``,
    ``rules.ambiguous``, ``rules.side_file_missing``, ``rules.unsafe_stylesheet``, ``rules.does_not_compile``,
    ``rules.refuses_our_sample``, ``rules.nothing_new``, ``rules.name_taken`` or ``rules.unknown_set``.
    """


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One artefact of a set: what it is for, the version that it states, and the SHA-256 of it and what it loads."""

    name: str
    version: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class RuleFolder:
    """A set on disk; ``files`` are its artefacts by path inside ``path``. Its ``name`` is the operator's."""

    key: str
    name: str
    path: Path
    installed_at: datetime
    files: Mapping[str, RuleFile] = field(default_factory=dict)

    @property
    def short_key(self) -> str:
        """Enough of the key to name the set by."""
        return self.key[:_SHORT_KEY]


@dataclass(frozen=True, slots=True)
class Use:
    """That a set is in force since an instant, which may lie ahead."""

    key: str
    since: datetime


@dataclass(frozen=True, slots=True)
class _InForce:
    signature: tuple[int, ...]
    until: datetime
    folders: tuple[RuleFolder, ...]


class RuleSets:
    """The sets below ``root``. Safe for several threads and processes; a change shows at the next look."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, RuleFolder] = {}
        self._in_force: _InForce | None = None

    def in_force(self, at: datetime | None = None) -> tuple[RuleFolder, ...]:
        """The sets in force ``at`` an instant (now), the one that goes in front first.

        Costs one ``stat`` where nothing changed, so that every check may ask.
        """
        if at is not None:
            return self._at(at)[0]
        moment, signature = now(), self._signature()
        known = self._in_force
        if known is None or known.signature != signature or moment >= known.until:
            folders, until = self._at(moment)
            self._in_force = known = _InForce(signature, until, folders)
        return known.folders

    def installed(self) -> list[RuleFolder]:
        """Every set on disk, oldest first."""
        keys = [path.name for path in (self._root / "sets").glob("*") if (path / MANIFEST).is_file()]
        return sorted((self._folder(key) for key in keys), key=lambda each: (each.installed_at, each.key))

    def uses(self) -> list[Use]:
        """The sets in force now or later, the one that goes in front last."""
        try:
            text = (self._root / _USES).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        listed = [Use(item["set"], datetime.fromisoformat(item["since"])) for item in json.loads(text)["uses"]]
        return sorted(listed, key=lambda use: use.since)  # stable: of two of the same instant the later decision wins

    def find(self, named: str) -> RuleFolder:
        """The set of this name, or whose key begins like this.

        Raises:
            RulesError: ``rules.unknown_set``.
        """
        installed = self.installed()
        by_name = [each for each in installed if each.name == named]
        by_key = [each for each in installed if len(named) >= 6 and each.key.startswith(named)]  # noqa: PLR2004 -- fewer is a guess
        found = by_name or by_key
        if len(found) == 1:
            return found[0]
        names = ", ".join(f"{each.name} ({each.short_key})" for each in installed) or "-"
        raise RulesError(
            "rules.unknown_set",
            f"No single set of rules is called {named!r}. Installed: {names}.",
            f"Aucun jeu de règles ne s'appelle {named!r} sans ambiguïté. Installés : {names}.",
        )

    def use(self, folder: RuleFolder, since: datetime) -> None:
        """Put ``folder`` in front of all others from ``since`` on."""
        with self._lock():
            uses = [use for use in self.uses() if use.key != folder.key]
            self._write_uses([*uses, Use(folder.key, since)])

    def withdraw(self, folder: RuleFolder) -> None:
        """Take ``folder`` out of use from now on; its files stay.

        Raises:
            RulesError: ``rules.unknown_set``: it is not in use.
        """
        with self._lock():
            uses = self.uses()
            kept = [use for use in uses if use.key != folder.key]
            if len(kept) == len(uses):
                raise RulesError(
                    "rules.unknown_set",
                    f"The set {folder.name!r} is not in use: there is nothing to remove.",
                    f"Le jeu {folder.name!r} n'est pas en service : rien à retirer.",
                )
            self._write_uses(kept)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """An empty folder to build a set in; whatever is left of it goes at the end."""
        folder = self._root / "incoming" / new_id().hex
        folder.mkdir(parents=True, mode=0o700)
        try:
            yield folder
        finally:
            _remove(folder)

    def keep(self, staged: Path, key: str, name: str, files: Mapping[str, RuleFile]) -> RuleFolder:
        """Give a finished set its place: flushed to disk, then moved in one step; the same content twice is one set.

        Raises:
            RulesError: ``rules.name_taken`` by other content.
        """
        with self._lock():
            for each in self.installed():
                if each.key == key:
                    return each
                if each.name == name:
                    raise RulesError(
                        "rules.name_taken",
                        f"Another set is called {name!r} already. Give this one another name with --name.",
                        f"Un autre jeu s'appelle déjà {name!r}. Donnez un autre nom à celui-ci avec --name.",
                    )
            about = {"name": name, "installed_at": now().isoformat(), "files": {p: asdict(f) for p, f in files.items()}}
            _write(staged / MANIFEST, json.dumps(about, ensure_ascii=False, indent=1).encode())
            for path in sorted(staged.rglob("*"), reverse=True):
                _flush(path)
            _flush(staged)
            final = self._root / "sets" / key
            final.parent.mkdir(exist_ok=True)
            staged.rename(final)
            _flush(final.parent)
            return self._folder(key)

    def _at(self, moment: datetime) -> tuple[tuple[RuleFolder, ...], datetime]:
        """The sets in force, and the instant at which others will be."""
        uses = self.uses()
        ahead = [use.since for use in uses if use.since > moment]
        folders = tuple(self._folder(use.key) for use in reversed(uses) if use.since <= moment)
        return folders, min(ahead, default=_FOREVER)

    def _folder(self, key: str) -> RuleFolder:
        known = self._known.get(key)
        if known is None:
            path = self._root / "sets" / key
            about: dict[str, Any] = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
            files = {place: RuleFile(**item) for place, item in about["files"].items()}
            at = datetime.fromisoformat(about["installed_at"])
            known = self._known[key] = RuleFolder(key, about["name"], path, at, files)
        return known

    def _signature(self) -> tuple[int, ...]:
        try:
            found = (self._root / _USES).stat()
        except FileNotFoundError:
            return ()
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _write_uses(self, uses: list[Use]) -> None:
        content = {"uses": [{"set": use.key, "since": use.since.isoformat()} for use in uses]}
        draft = self._root / f"{_USES}.{new_id().hex}"
        _write(draft, json.dumps(content, indent=1).encode(), mode=0o600)
        _flush(draft)
        draft.replace(self._root / _USES)
        _flush(self._root)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._root / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _write(path: Path, content: bytes, mode: int = 0o400) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove a staged folder, unless it was moved to its place."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    if folder.is_dir():
        folder.rmdir()
