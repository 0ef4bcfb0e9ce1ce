"""A report as programs and people read it: every layer and every broken rule, in French and in English.

The same content is what ``quittance validate --json`` prints, what the API answers, and what the page shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from einvoice.validation.explanations import explain, place_of
from einvoice.validation.file_rules import FILE_RULES
from einvoice.validation.verdict import Layer, Verdict

if TYPE_CHECKING:
    from einvoice.validation.file_report import FileReport
    from einvoice.validation.verdict import Finding, LayerResult

LAYERS = {
    Layer.CONTAINER: ("Fichier et conteneur PDF", "File and PDF container"),
    Layer.XSD: ("Grammaire XML (XSD)", "XML grammar (XSD)"),
    Layer.EN16931: ("Norme européenne EN 16931", "European standard EN 16931"),
    Layer.PROFILE: ("Règles du profil", "Rules of the profile"),
    Layer.BR_FR: ("Règles françaises (BR-FR)", "French rules (BR-FR)"),
    Layer.HOUSE: ("Contrôles de Quittance", "Quittance's own checks"),
}
"""What the layers are called, in French and in English."""
OUTCOMES = {
    Verdict.VALID: ("conforme", "valid"),
    Verdict.INVALID: ("non conforme", "invalid"),
    Verdict.NOT_CHECKED: ("non contrôlé", "not checked"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A text in both languages."""

    fr: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.fr if language == "fr" else self.en

    def to_json(self) -> dict[str, str]:
        """As programs read it."""
        return {"fr": self.fr, "en": self.en}


@dataclass(frozen=True, slots=True)
class ToldLayer:
    """One layer: its name, how it ended, which rules judged, and why not where none did."""

    result: LayerResult
    name: Told
    outcome: Told
    reason: Told | None


@dataclass(frozen=True, slots=True)
class ToldRule:
    """One broken rule: what it means, which term it is about, where it is, and what to do."""

    finding: Finding
    terms: tuple[str, ...]
    term_name: Told | None
    place: Told | None
    sentence: Told
    fix: Told | None


def tell_layers(report: FileReport) -> list[ToldLayer]:
    """The layers in the order in which they ran."""
    return [
        ToldLayer(
            each,
            Told(*LAYERS[each.layer]),
            Told(*OUTCOMES[each.outcome]),
            Told(each.reason_fr or each.reason, each.reason) if each.reason else None,
        )
        for each in report.report.layers
    ]


def tell_rules(report: FileReport) -> list[ToldRule]:
    """Every broken rule, what is fatal first, otherwise as found."""
    found = sorted(report.report.findings, key=lambda each: each.severity != "fatal")
    return [tell_rule(each) for each in found]


def tell(report: FileReport) -> dict[str, Any]:
    """The whole report as JSON values."""
    return {
        "file": report.filename,
        "kind": str(report.kind),
        "verdict": str(report.verdict),
        "layers": [_layer_json(each) for each in tell_layers(report)],
        "rules": [_rule_json(each) for each in tell_rules(report)],
    }


def tell_finding(finding: Finding) -> dict[str, Any]:
    """One broken rule as JSON values."""
    return _rule_json(tell_rule(finding))


def tell_rule(finding: Finding) -> ToldRule:
    """One broken rule, explained."""
    french, english = place_of(finding, "fr"), place_of(finding, "en")
    place = Told(french, english or french) if french else None
    own = FILE_RULES.get(finding.rule)
    if own is not None:
        sentence = finding.message if "{" in own.sentence else own.sentence
        return ToldRule(
            finding, (), None, place, Told(finding.message_fr or own.sentence_fr, sentence), Told(own.fix_fr, own.fix)
        )
    explained = explain(finding)
    return ToldRule(
        finding,
        tuple(explained.terms),
        Told(explained.term_fr, explained.term_en or explained.term_fr) if explained.term_fr else None,
        place,
        Told(explained.sentence_fr, explained.sentence_en),
        Told(explained.fix_fr, explained.fix_en) if explained.fix_fr else None,
    )


def _layer_json(told: ToldLayer) -> dict[str, Any]:
    rules = told.result.rule_set
    return {
        "layer": str(told.result.layer),
        "name": told.name.to_json(),
        "outcome": str(told.result.outcome),
        "rule_set": {"name": rules.name, "version": rules.version, "sha256": rules.sha256} if rules else None,
        "reason": _json(told.reason),
    }


def _rule_json(told: ToldRule) -> dict[str, Any]:
    finding = told.finding
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "layer": str(finding.layer),
        "term": told.terms[0] if told.terms else None,
        "terms": list(told.terms),
        "term_name": _json(told.term_name),
        "place": _json(told.place),
        "location": finding.location,
        "line": finding.line,
        "message": finding.message,
        "sentence": told.sentence.to_json(),
        "fix": _json(told.fix),
    }


def _json(text: Told | None) -> dict[str, str] | None:
    return text.to_json() if text else None
