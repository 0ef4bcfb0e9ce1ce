"""What a validation says: three verdicts, per layer, with every finding and the exact rules that were used.

A file is *valid* only if every demanded layer ran and none holds a fatal finding. A layer that could not run leaves the
file *not checked*: the absence of a finding is never taken for its innocence.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The outcome of a layer or of the whole file."""

    VALID = "valid"
    INVALID = "invalid"
    NOT_CHECKED = "not_checked"
    """The rules did not run (no engine, time-out, rules missing): not to be sent, not to be called valid."""


class Severity(StrEnum):
    """How much a finding weighs. A rule that states no severity is fatal."""

    FATAL = "fatal"
    WARNING = "warning"


class Layer(StrEnum):
    """The layers of control, in the order in which they run."""

    CONTAINER = "container"
    """The PDF/A-3 around the XML of a Factur-X file."""
    XSD = "xsd"
    """The grammar: element names, order, number formats."""
    EN16931 = "en16931"
    """The European semantic norm."""
    PROFILE = "profile"
    """The rules of a narrower or wider profile (BASIC, EXTENDED, EXTENDED-CTC-FR)."""
    BR_FR = "br_fr"
    """The French rules of XP Z12-012 (Flux 2), XP Z12-014 (CDAR) or Flux 10."""
    HOUSE = "house"
    """Our own rules ``QT-...``, for what the published rules leave untested."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The artefact that judged: ``sha256`` covers the file and the files that it loads, in hexadecimal."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule.

    ``rule`` is the published id (``BR-CO-10``, ``BR-FR-05_BT-22_PMT``), one of ours (``QT-SIREN``), ``xsd`` or
    ``engine.refused``. ``location`` is an XPath of local names with positions; ``line`` counts from 1 in the file as
    received. ``message`` is the rule set's own text; our rules also have ``message_fr``.
    """

    rule: str
    severity: Severity
    message: str
    layer: Layer
    location: str | None = None
    line: int | None = None
    message_fr: str | None = None


@dataclass(frozen=True, slots=True)
class LayerResult:
    """How one layer ended; ``reason`` says why it did not run, or under which assumption it did."""

    layer: Layer
    outcome: Verdict
    rule_set: RuleSet | None = None
    reason: str | None = None
    reason_fr: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The layers that were demanded, each with its outcome, and all findings. The verdict follows from them."""

    layers: tuple[LayerResult, ...]
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """Invalid if anything is fatal; else valid if every demanded layer ran; else not checked."""
        outcomes = {result.outcome for result in self.layers}
        if Verdict.INVALID in outcomes or any(finding.severity is Severity.FATAL for finding in self.findings):
            return Verdict.INVALID
        return Verdict.VALID if outcomes == {Verdict.VALID} else Verdict.NOT_CHECKED

    @property
    def fatal(self) -> tuple[Finding, ...]:
        """The findings that make the file invalid."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.FATAL)

    def joined(self, other: Report) -> Report:
        """This report and ``other`` as one, e.g. the container's layer before those of its XML."""
        return Report(self.layers + other.layers, self.findings + other.findings)

    def to_json(self) -> str:
        """The report as JSON text, with its verdict for readers that only want that."""
        content = {"verdict": self.verdict} | asdict(self)
        return json.dumps(content, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: it is no report, or its verdict does not follow from its layers and findings.
        """
        try:
            content = json.loads(text)
            report = cls(
                layers=tuple(_layer_result(item) for item in content["layers"]),
                findings=tuple(_finding(item) for item in content["findings"]),
            )
            stated = Verdict(content["verdict"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"This is no validation report: {error!r}.") from error
        if stated is not report.verdict:
            raise ValueError(f"The report states {stated} but its findings say {report.verdict}.")
        return report


def _layer_result(item: dict[str, object]) -> LayerResult:
    rule_set = item["rule_set"]
    return LayerResult(
        layer=Layer(str(item["layer"])),
        outcome=Verdict(str(item["outcome"])),
        rule_set=RuleSet(**rule_set) if isinstance(rule_set, dict) else None,
        reason=_text(item["reason"]),
        reason_fr=_text(item.get("reason_fr")),  # reports of the first version have none
    )


def _finding(item: dict[str, object]) -> Finding:
    line = item["line"]
    return Finding(
        rule=str(item["rule"]),
        severity=Severity(str(item["severity"])),
        message=str(item["message"]),
        layer=Layer(str(item["layer"])),
        location=_text(item["location"]),
        line=line if isinstance(line, int) else None,
        message_fr=_text(item["message_fr"]),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
