"""The independent judges: programs and rules that other people wrote, run on our files in as few starts as possible."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from conformance import tools

from config import safe_xml
from einvoice.validation.installing import install
from einvoice.validation.schematron import EngineRefusalError
from einvoice.validation.standards import ALL_DEMANDS, Standards
from einvoice.validation.verdict import Layer, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from einvoice.validation.rule_sets import RuleSets
    from einvoice.validation.schematron import SchematronEngine

TIMEOUT_S = 1200


@dataclass(frozen=True)
class Judged:
    """What a judge says of one file: rules broken, and rules that only warn."""

    path: Path
    errors: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class Judge(Protocol):
    """A judge of files."""

    name: str

    def judge(self, paths: Sequence[Path]) -> list[Judged]:
        """One answer per path.

        Raises:
            ToolMissingError: it cannot run here.
        """
        ...


class VeraPdf:
    """VeraPDF for one flavour: ``3a``, ``3b`` (ISO 19005-3) or ``ua1`` (ISO 14289-1)."""

    def __init__(self, flavour: str) -> None:
        self.flavour = flavour
        self.name = f"veraPDF {tools.VERAPDF.rsplit(':', 1)[1]}, {flavour.upper()}"

    def judge(self, paths: Sequence[Path]) -> list[Judged]:
        """A file passes or fails; a file that veraPDF does not mention has failed."""
        command = [
            tools.java(), "-cp", str(tools.jar(tools.VERAPDF)), "org.verapdf.apps.GreenfieldCliWrapper",
            "--format", "text", "--flavour", self.flavour, *map(str, paths),
        ]  # fmt: skip
        answer = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False).stdout
        lines = [line.split(" ", 1) for line in answer.splitlines() if line.startswith(("PASS ", "FAIL "))]
        passed = {rest.rsplit(" ", 1)[0] for verdict, rest in lines if verdict == "PASS"}
        return [Judged(path, () if str(path) in passed else (f"{self.flavour} failed",)) for path in paths]


_MESSAGE = re.compile(r"<(error|exception|warning)\b[^>]*>(.*?)</\1>", re.DOTALL)
_RULE_ID = re.compile(r"\[ID ([^\]\s]+)\]")
_SUMMARIES = re.compile(r'<summary status="(\w+)"')


class Mustang:
    """Mustang: PDF container, XSD and Schematron of Factur-X, recalculation. Its notices on XRechnung are off."""

    name = f"Mustang {tools.MUSTANG.rsplit(':', 1)[1]}"

    def judge(self, paths: Sequence[Path]) -> list[Judged]:
        """All files in one Java process; a file without a *valid* summary has failed."""
        source = Path(__file__).with_name("Mustang.java")
        command = [tools.java(), "-Xmx1g", "-cp", str(tools.jar(tools.MUSTANG)), str(source)]
        given = "".join(f"{path}\n" for path in paths)
        answer = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=paths[0].parent
        ).stdout
        reports = dict(line.split("\t", 1) for line in answer.splitlines() if "\t" in line)
        return [_read_mustang(path, reports.get(str(path), "")) for path in paths]


def _read_mustang(path: Path, report: str) -> Judged:
    messages = [(kind, _named(text)) for kind, text in _MESSAGE.findall(report)]
    errors = [name for kind, name in messages if kind != "warning"]
    summaries = _SUMMARIES.findall(report)
    if not summaries or set(summaries) != {"valid"}:
        errors = errors or [f"summary {summaries}"]
    return Judged(path, tuple(errors), tuple(name for kind, name in messages if kind == "warning"))


def _named(text: str) -> str:
    found = _RULE_ID.search(text)
    return found[1] if found else re.sub(r"[\d.,]+", "N", " ".join(text.split()))[:60].strip()


class Rules:
    """Published rules, installed as an operator would and run on one kind of file."""

    def __init__(self, name: str, rule: str, source: Path, sets: RuleSets, engine: SchematronEngine) -> None:
        self.name = name
        self._source = source
        self._rule = rule
        self._sets = sets
        self._engine = engine

    def judge(self, paths: Sequence[Path]) -> list[Judged]:
        """The findings of the rules; one that they stop on is an error."""
        if not any(each.name == self._source.name for each in self._sets.installed()):
            install(self._sets, self._source, self._engine)
        demand = next(each for each in ALL_DEMANDS if each.name == self._rule)
        artefact = Standards(self._sets).artefact(demand)
        return [self._one(path, artefact.path) for path in paths]

    def _one(self, path: Path, stylesheet: Path) -> Judged:
        try:
            findings = self._engine.check(stylesheet, safe_xml.parse(path.read_bytes()), Layer.EN16931)
        except EngineRefusalError as error:
            return Judged(path, (error.code,))
        return Judged(
            path,
            tuple(each.rule for each in findings if each.severity is Severity.FATAL),
            tuple(each.rule for each in findings if each.severity is Severity.WARNING),
        )


def unpacked(coordinates: str, folder: str, name: str, target: Path) -> Path:
    """A folder called ``name`` with the stylesheets that a jar of rules holds below ``folder``.

    Raises:
        ToolMissingError: the jar cannot be had, or holds none.
    """
    place = target / name
    with zipfile.ZipFile(tools.jar(coordinates)) as archive:
        for entry in archive.namelist():
            if entry.startswith(folder) and entry.endswith((".xslt", ".xsd", ".xml")):
                path = place / Path(entry).name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(entry))
    if not place.is_dir():
        raise tools.ToolMissingError(f"{coordinates} holds nothing below {folder}.")
    return place


def tally(kinds: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """In how many files each kind occurs."""
    counts: dict[str, int] = {}
    for names in kinds:
        for name in set(names):
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))
