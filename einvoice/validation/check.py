"""The verdict on a file: which rules apply to it, run in order, nothing skipped in silence.

The XSD comes first; where it fails, the rules behind it are not run, because they assume its number formats (a decimal
comma makes them stop). A layer whose rules did not run is *not checked*, and such a file is never valid.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from lxml import etree

from config import safe_xml
from einvoice.validation import house_rules
from einvoice.validation.invoice_facts import InvoiceFacts
from einvoice.validation.schematron import EngineRefusalError, EngineUnavailableError
from einvoice.validation.standards import (
    EN16931,
    INVOICE_SYNTAXES,
    ROOTS,
    Artefact,
    Demand,
    Kind,
    Profile,
    StandardMissingError,
    Standards,
    Syntax,
    profile_of,
)
from einvoice.validation.verdict import Finding, Layer, LayerResult, Report, Severity, Verdict
from einvoice.validation.xsd import Schemas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from einvoice.validation.schematron import RulesEngine

_XSD_FAILED = "Not run: the XSD failed first."


class Validator:
    """Judges files. Thread-safe as far as its ``engine`` is; schemas stay compiled between calls.

    ``false_key`` weighs a SIREN or SIRET whose check digit is wrong: fatal where we issue to real companies, a warning
    where the platform's test companies, whose numbers are made up, must pass.
    """

    def __init__(
        self, engine: RulesEngine, standards: Standards | None = None, *, false_key: Severity = Severity.WARNING
    ) -> None:
        self._engine = engine
        self._false_key = false_key
        self._standards = standards or Standards()
        self._schemas = Schemas()

    def check_invoice(self, xml: bytes, *, french: bool | None = None) -> Report:
        """The verdict on a CII or UBL invoice or credit note.

        ``french`` says whether the French rules apply; ``None`` applies them where seller and buyer are both in
        France (overseas departments with VAT included). Pass false for a sale to a consumer: it does not travel as an
        e-invoice.
        """
        root = _parse(xml)
        if isinstance(root, Report):
            return root
        syntax = ROOTS.get(str(root.tag))
        if syntax not in INVOICE_SYNTAXES:
            return _wrong_root(root, "a CII or UBL invoice", "une facture CII ou UBL")
        facts = InvoiceFacts(root, syntax)
        profile = profile_of(facts.specification, syntax)
        if profile is None:
            return Report(
                (LayerResult(Layer.HOUSE, Verdict.INVALID, house_rules.rule_set()),),
                (house_rules.unknown_specification(facts),),
            )
        applies = facts.between_french_parties if french is None else french
        return self._judge_invoice(facts, profile, french=applies)

    def check_cdar(self, xml: bytes) -> Report:
        """The verdict on a life-cycle message (CDAR, XP Z12-014): XSD, then the BR-FR-CDV rules."""
        return self._check_message(xml, Syntax.CDAR, "a CDAR message", "un message CDAR")

    def check_flux10(self, xml: bytes) -> Report:
        """The verdict on an e-reporting file (Flux 10): XSD, then the Flux 10 rules."""
        return self._check_message(xml, Syntax.FLUX10, "a Flux 10 report", "un rapport Flux 10")

    def _check_message(self, xml: bytes, syntax: Syntax, expected: str, expected_fr: str) -> Report:
        root = _parse(xml)
        if isinstance(root, Report):
            return root
        if ROOTS.get(str(root.tag)) is not syntax:
            return _wrong_root(root, expected, expected_fr)
        return self._run(self._standards.demanded(syntax), root, root)

    def _judge_invoice(self, facts: InvoiceFacts, profile: Profile, *, french: bool) -> Report:
        demands = self._standards.demanded(facts.syntax, profile, french=french)
        standard = profile is not Profile.EN16931 or facts.specification == EN16931
        judged = facts.root if standard else _as_en16931(facts)
        report = self._run(demands, facts.root, judged)
        if _xsd_failed(report):
            own = Report((LayerResult(Layer.HOUSE, Verdict.NOT_CHECKED, reason=_XSD_FAILED),), ())
        else:
            findings = house_rules.house_findings(
                facts, profile, standard=standard, french=french, false_key=self._false_key
            )
            own = Report((LayerResult(Layer.HOUSE, _outcome(findings), house_rules.rule_set()),), findings)
        return report.joined(own)

    def _run(self, demands: Iterable[Demand], document: etree._Element, judged: etree._Element) -> Report:
        """Run the XSD on ``document`` and the rules on ``judged``."""
        report = Report((), ())
        for demand in demands:
            if demand.kind is Kind.XSLT and _xsd_failed(report):
                result = LayerResult(demand.layer, Verdict.NOT_CHECKED, reason=_XSD_FAILED)
                report = report.joined(Report((result,), ()))
            else:
                report = report.joined(self._run_one(demand, document if demand.kind is Kind.XSD else judged))
        return report

    def _run_one(self, demand: Demand, document: etree._Element) -> Report:
        rule_set = None
        try:
            artefact = self._standards.artefact(demand)
            rule_set = artefact.rule_set
            findings = self._apply(artefact, document)
        except EngineRefusalError as refusal:
            findings = (_refused(refusal, demand.layer),)
        except (StandardMissingError, EngineUnavailableError, etree.LxmlError, OSError) as error:
            return Report((LayerResult(demand.layer, Verdict.NOT_CHECKED, rule_set, str(error)),), ())
        return Report((LayerResult(demand.layer, _outcome(findings), rule_set),), findings)

    def _apply(self, artefact: Artefact, document: etree._Element) -> tuple[Finding, ...]:
        if artefact.kind is Kind.XSD:
            return self._schemas.check(artefact.path, document)
        return self._engine.check(artefact.path, document, artefact.layer)


def _parse(xml: bytes) -> etree._Element | Report:
    """The root element, or the report that refuses the bytes with the parser's own code."""
    try:
        return safe_xml.parse(xml)
    except safe_xml.UnsafeXmlError as error:
        return _refusal(error.code, str(error), f"Ce XML est refusé ({error.code}).")


def _wrong_root(root: etree._Element, expected: str, expected_fr: str) -> Report:
    name = etree.QName(root)
    found = f"{name.localname} ({name.namespace or 'no namespace'})"
    return _refusal(
        "QT-ROOT",
        f"The root element is {found}: this is not {expected}.",
        f"L'élément racine est {found} : ce n'est pas {expected_fr}.",
    )


def _refusal(rule: str, message: str, message_fr: str) -> Report:
    finding = Finding(rule, Severity.FATAL, message, Layer.XSD, message_fr=message_fr)
    return Report((LayerResult(Layer.XSD, Verdict.INVALID),), (finding,))


def _refused(refusal: EngineRefusalError, layer: Layer) -> Finding:
    return Finding(refusal.code, Severity.FATAL, refusal.sentence, layer, message_fr=refusal.sentence_fr)


def _xsd_failed(report: Report) -> bool:
    return any(finding.layer is Layer.XSD for finding in report.fatal)


def _outcome(findings: tuple[Finding, ...]) -> Verdict:
    fatal = any(finding.severity is Severity.FATAL for finding in findings)
    return Verdict.INVALID if fatal else Verdict.VALID


def _as_en16931(facts: InvoiceFacts) -> etree._Element:
    """A copy whose BT-24 is that of the norm: the Factur-X rules accept no other, whatever the content."""
    root = copy.deepcopy(facts.root)
    specification = InvoiceFacts(root, facts.syntax).specification_element
    if specification is not None:
        specification.text = EN16931
    return root
