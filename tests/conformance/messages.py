"""``make messages``: every CDAR and Flux 10 file that the test suite archived, before the rules as published.

While ``QUITTANCE_MESSAGES`` names a folder, the suite leaves a copy of each there (``tests/conftest.py``). Judges are
the XSD and Schematron of the installed packages and, where they are on the machine, those that the forum and the tax
office publish: other copies, and perhaps newer. Exit 1 on any error, on no file at all, and where a planted fault
passes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import shared_material
from lxml import etree

from config import safe_xml
from einvoice.reporting.judging import is_negative_receipt
from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine
from einvoice.validation.verdict import Layer, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FOLDER = "QUITTANCE_MESSAGES"
SHARED = shared_material.FOLDER / "standards"
KINDS = {"CrossDomainAcknowledgementAndResponse": "CDAR", "Report": "Flux 10"}
FORUM_XSD = "fnfe-france-rfe/CDAR/1xsd-CDAR_D22B_uncoupled/CrossDomainAcknowledgementAndResponse_100pD22B.xsd"
FORUM_RULES = "fnfe-france-rfe/CDAR/2xslt/BR-FR-CDV-Schematron-CDAR.xslt"
STATE_XSD = "dgfip-v3.2/xsd/ereporting.xsd"
EXCUSED = "excused"
"""A finding of the one rule of FNFE's Flux 10 set that annexe 6 v1.10 struck out: a receipt below zero."""
FAULTS = {
    "CDAR": (rb"<ram:SequenceNumeric>[^<]*</ram:SequenceNumeric>", b"", "CDAR without its sequence (BR-FR-CDV-16)"),
    "Flux 10": (rb"(</?)ReportPeriod>", rb"\1Period>", "Flux 10 without its period (TB-2, TB-3)"),
}
"""By kind: what is planted to see that the judges look."""


@dataclass
class Tally:
    """What one judge said of one kind of file."""

    files: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def kind_of(content: bytes) -> str | None:
    """``CDAR`` or ``Flux 10`` where ``content`` is one; read without a parser's trust in it."""
    head = re.search(rb"<(?:\w+:)?(\w+)[\s>]", content[:2000])
    return KINDS.get(head[1].decode()) if head else None


def judges(engine: SchematronEngine) -> Iterator[tuple[str, str, Callable[[bytes], Iterable[str]]]]:
    """Kind, name and judgement of every judge that can be had here."""
    validator = Validator(engine)
    yield "CDAR", "installed XSD and BR-FR-CDV", lambda xml: _named(validator.check_cdar(xml).fatal)
    yield "Flux 10", "installed XSD and FNFE's Flux 10", lambda xml: _named(validator.check_flux10(xml).fatal)
    for kind, name, path in (
        ("CDAR", "forum's XSD D22B", FORUM_XSD),
        ("Flux 10", "tax office's XSD 3.2", STATE_XSD),
    ):
        if (SHARED / path).exists():
            schema = etree.XMLSchema(etree.parse(SHARED / path))
            yield kind, name, lambda xml, schema=schema: _by_schema(schema, xml)
    if (SHARED / FORUM_RULES).exists():
        yield "CDAR", "forum's BR-FR-CDV 1.4.0.02", lambda xml: _by_rules(engine, SHARED / FORUM_RULES, xml)


def _named(findings: Iterable[object]) -> Iterator[str]:
    for each in findings:
        rule = getattr(each, "rule", "?")
        yield EXCUSED if is_negative_receipt(each) else rule  # type: ignore[arg-type] -- findings of the validator


def _by_schema(schema: etree.XMLSchema, xml: bytes) -> Iterator[str]:
    root = safe_xml.parse(xml)
    if not schema.validate(root):
        yield from (error.message for error in schema.error_log)


def _by_rules(engine: SchematronEngine, path: Path, xml: bytes) -> Iterator[str]:
    for finding in engine.check(path, safe_xml.parse(xml), Layer.BR_FR):
        if finding.severity is Severity.FATAL:
            yield finding.rule


def main() -> int:
    """Collect where asked, judge, print; the exit status."""
    given = sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary, SchematronEngine() as engine:
        folder = Path(given[0] if given else temporary)
        if not given:
            _run_the_suite(folder)
        found = {path: content for path in sorted(folder.glob("*.xml")) if kind_of(content := path.read_bytes())}
        wrong = []
        for kind, name, judge in judges(engine):
            files = {path: content for path, content in found.items() if kind_of(content) == kind}
            tally = _judge(files, judge)
            print(
                f"{kind}, {name}: {tally.files} files, {len(tally.wrong)} with errors, {tally.errors[EXCUSED]} excused"
            )
            wrong += [f"{kind}, {name}: {each}" for each in tally.wrong]
            wrong += [] if tally.files else [f"{kind}: no file was collected"]
            wrong += _blind(kind, name, judge, files)
        for each in wrong[:50]:
            print(f"WRONG {each}")
        return 1 if wrong else 0


def _judge(files: dict[Path, bytes], judge: Callable[[bytes], Iterable[str]]) -> Tally:
    tally = Tally()
    for path, content in files.items():
        said = list(judge(content))
        tally.files += 1
        tally.errors.update(said)
        bad = [each for each in said if each != EXCUSED]
        tally.wrong += [f"{path.name}: {', '.join(dict.fromkeys(bad))}"] if bad else []
    return tally


def _blind(kind: str, name: str, judge: Callable[[bytes], Iterable[str]], files: dict[Path, bytes]) -> list[str]:
    """A judge that accepts a planted fault is none; an XSD alone does not know of the sequence."""
    pattern, replacement, fault = FAULTS[kind]
    for content in files.values():
        planted = re.sub(pattern, replacement, content)
        if planted != content:
            blind = not list(judge(planted)) and not (kind == "CDAR" and "XSD D22B" in name)
            return [f"{kind}, {name}: did not see the planted fault: {fault}"] if blind else []
    return []


def _run_the_suite(folder: Path) -> None:
    """The tests of everything that sends, with the collection on; their failures are theirs to tell."""
    environment = {**os.environ, FOLDER: str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-m", "not slow", "-p",
               "no:cacheprovider", "tests/integration", "tests/web"]  # fmt: skip
    subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
