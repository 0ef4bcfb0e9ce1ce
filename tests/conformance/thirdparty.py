"""Files of others: what is correct must be accepted, what is wrong refused for the right rule, all of it readable."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import tools
from integration.test_validation import REFUSED, fatal_rules, judge
from shared_material import FOLDER

from config import safe_xml
from einvoice.errors import EInvoiceError
from einvoice.formats.reader import read_xml
from einvoice.validation.verdict import Verdict

if TYPE_CHECKING:
    from einvoice.validation.check import Validator

SAMPLES = FOLDER / "samples"
GOOD = ("cii", "ubl", "cdar", "facturx")


@dataclass
class Tried:
    """How many files were as they should be, of how many; the names of the others."""

    name: str
    good: int = 0
    of: int = 0
    wrong: list[str] = field(default_factory=list)

    def count(self, name: str, *, right: bool) -> None:
        self.of += 1
        self.good += right
        if not right:
            self.wrong.append(name)


def try_all(validator: Validator) -> list[Tried]:
    """Accepted, refused and read, where the files are given or can be fetched."""
    return [*_samples(validator), *_read_samples_of_central()]


def _samples(validator: Validator) -> list[Tried]:
    if not SAMPLES.is_dir():
        return []
    accepted, refused = Tried("third-party files accepted"), Tried("third-party files refused for the right rule")
    for folder in GOOD:
        for path in sorted((SAMPLES / folder).iterdir()):
            accepted.count(path.name, right=judge(validator, path).verdict is Verdict.VALID)
    for name, rule in REFUSED.items():
        report = judge(validator, SAMPLES / "refused" / name)
        refused.count(name, right=report.verdict is Verdict.INVALID and rule in fatal_rules(report))
    return [accepted, refused]


def _read_samples_of_central() -> list[Tried]:
    """The EU project's CII examples in D16B, the norm's own binding, and D22B."""
    tried = Tried(f"CII examples of {tools.CII_SAMPLES.split(':')[1]} read")
    try:
        archive = zipfile.ZipFile(tools.jar(tools.CII_SAMPLES))
    except tools.ToolMissingError:
        return []
    with archive:
        for name in archive.namelist():
            if name.startswith(("external/test-cii/d16b", "external/test-cii/d22b")) and name.endswith(".xml"):
                tried.count(name, right=_readable(archive.read(name)))
    return [tried]


def _readable(xml: bytes) -> bool:
    try:
        read_xml(safe_xml.parse(xml))
    except (EInvoiceError, safe_xml.UnsafeXmlError):
        return False
    return True
