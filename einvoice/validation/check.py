"""The verdict on a file: which rules apply to it, run in order, nothing skipped in silence.

The XSD comes first; where it fails, the rules behind it are not run, because they assume its number formats (a decimal
comma makes them stop). A layer whose rules did not run is *not checked*, and such a file is never valid.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from lxml import etree

from config import safe_xml
from einvoice.composing.parties import NOT_DOMESTIC
from einvoice.errors import EInvoiceError
from einvoice.formats.pdf_reader import PdfError
from einvoice.validation import container, house_rules
from einvoice.validation.file_report import FileKind, FileReport, is_pdf, is_xml, kind_of, rule_of_other_kind
from einvoice.validation.file_rules import file_finding
from einvoice.validation.invoice_facts import InvoiceFacts
from einvoice.validation.lines import with_lines
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
    from collections.abc import Iterable, Iterator

    from einvoice.validation.schematron import RulesEngine

_XSD_FAILED = "Not run: the XSD failed first."
_XSD_FAILED_FR = "Non exécuté : le contrôle XSD a échoué avant."
_NO_XML = "Not run: there is no invoice XML to judge."
_NO_XML_FR = "Non exécuté : il n'y a pas de facture XML à juger."
_EXPECTED = ("an invoice (CII, UBL), a CDAR message or a Flux 10 report", "une facture (CII, UBL), un CDAR, un Flux 10")
_LONGEST_NAME = 200
"""Characters of a stranger's name that a sentence repeats."""


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

    def with_engine(self, engine: RulesEngine) -> Validator:
        """The same rules and weights, run by another engine, e.g. ``SchematronEngine.patient()``."""
        return Validator(engine, self._standards, false_key=self._false_key)

    def check_file(self, content: bytes, filename: str) -> FileReport:
        """The verdict on a file of any kind: a PDF with its container, CII, UBL, CDAR, Flux 10, or why it is none.

        The French rules apply to an invoice between two French parties, unless its note BAR says that it is for a
        consumer or abroad. Nothing is kept: ``content`` and the XML in it stay in memory.
        """
        if is_pdf(content):
            return self._check_pdf(content, filename)
        if not is_xml(content):
            finding = file_finding(rule_of_other_kind(content), Layer.CONTAINER)
            report = Report((LayerResult(Layer.CONTAINER, Verdict.INVALID), *_not_run(_NO_XML, _NO_XML_FR)), (finding,))
            return FileReport(filename, FileKind.UNKNOWN, report)
        root = _parse(content)
        if isinstance(root, Report):
            return FileReport(filename, FileKind.UNKNOWN, root, content)
        kind = kind_of(ROOTS.get(str(root.tag)))
        return FileReport(filename, kind, self._check_root(root), content)

    def _check_pdf(self, content: bytes, filename: str) -> FileReport:
        try:
            found = container.look_into(content)
        except PdfError as error:
            report = container.unreadable(error).joined(Report(_not_run(_NO_XML, _NO_XML_FR), ()))
            return FileReport(filename, FileKind.PDF, report)
        root = _parse(found.xml) if found.invoices else None
        if root is None or isinstance(root, Report):
            inner = root or Report(_not_run(_NO_XML, _NO_XML_FR), ())
            report = container.judge_container(found, None).joined(inner)
            return FileReport(filename, FileKind.FACTURX if found.invoices else FileKind.PDF, report, found.xml or None)
        if ROOTS.get(str(root.tag)) is not Syntax.CII:
            finding = file_finding("QT-PDF-SYNTAX", Layer.CONTAINER, found=str(etree.QName(root).localname))
            layers = container.judge_container(found, None).joined(Report((), (finding,)))
        else:
            layers = container.judge_container(found, InvoiceFacts(root, Syntax.CII))
        return FileReport(filename, FileKind.FACTURX, layers.joined(self._check_root(root)), found.xml)

    def _check_root(self, root: etree._Element) -> Report:
        """The verdict on a parsed file of any syntax."""
        syntax = ROOTS.get(str(root.tag))
        if syntax is None:
            return _wrong_root(root, *_EXPECTED)
        if syntax not in INVOICE_SYNTAXES:
            return self._run(self._standards.demanded(syntax), root)
        return self._check_facts(InvoiceFacts(root, syntax), french=None)

    def check_invoice(self, xml: bytes, *, french: bool | None = None) -> Report:
        """The verdict on a CII or UBL invoice or credit note.

        ``french`` says whether the French rules apply; ``None`` applies them where seller and buyer are both in
        France (overseas departments with VAT included), unless the note BAR says that the invoice is for a consumer or
        abroad: it does not travel as an e-invoice then.
        """
        root = _parse(xml)
        if isinstance(root, Report):
            return root
        syntax = ROOTS.get(str(root.tag))
        if syntax not in INVOICE_SYNTAXES:
            return _wrong_root(root, "a CII or UBL invoice", "une facture CII ou UBL")
        return self._check_facts(InvoiceFacts(root, syntax), french=french)

    def _check_facts(self, facts: InvoiceFacts, *, french: bool | None) -> Report:
        profile = profile_of(facts.specification, facts.syntax)
        if profile is None:
            return Report(
                (LayerResult(Layer.HOUSE, Verdict.INVALID, house_rules.rule_set()),),
                (house_rules.unknown_specification(facts),),
            )
        applies = _is_domestic(facts) if french is None else french
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
        return self._run(self._standards.demanded(syntax), root)

    def _judge_invoice(self, facts: InvoiceFacts, profile: Profile, *, french: bool) -> Report:
        demands = self._standards.demanded(facts.syntax, profile, french=french)
        standard = profile is not Profile.EN16931 or facts.specification == EN16931
        with nullcontext() if standard else _as_en16931(facts):
            report = self._run(demands, facts.root)
        if _xsd_failed(report):
            own = Report(_not_run(_XSD_FAILED, _XSD_FAILED_FR, Layer.HOUSE), ())
        else:
            findings = house_rules.house_findings(
                facts, profile, standard=standard, french=french, false_key=self._false_key
            )
            own = Report((LayerResult(Layer.HOUSE, _outcome(findings), house_rules.rule_set()),), findings)
        return report.joined(own)

    def _run(self, demands: Iterable[Demand], document: etree._Element) -> Report:
        report = Report((), ())
        for demand in demands:
            if demand.kind is Kind.XSLT and _xsd_failed(report):
                report = report.joined(Report(_not_run(_XSD_FAILED, _XSD_FAILED_FR, demand.layer), ()))
            else:
                report = report.joined(self._run_one(demand, document))
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
            french = error.sentence_fr if isinstance(error, EInvoiceError) else None
            return Report((LayerResult(demand.layer, Verdict.NOT_CHECKED, rule_set, str(error), french),), ())
        return Report((LayerResult(demand.layer, _outcome(findings), rule_set),), findings)

    def _apply(self, artefact: Artefact, document: etree._Element) -> tuple[Finding, ...]:
        if artefact.kind is Kind.XSD:
            return self._schemas.check(artefact.path, document)
        findings = self._engine.check(artefact.path, document, artefact.layer)
        return with_lines(findings, document)


def _is_domestic(facts: InvoiceFacts) -> bool:
    """Whether both parties are in France, and no note BAR says that the invoice is for a consumer or abroad."""
    declared = {note.text.strip() for note in facts.notes() if note.subject == "BAR"}
    return facts.between_french_parties and not declared & NOT_DOMESTIC


def _parse(xml: bytes) -> etree._Element | Report:
    """The root element, or the report that refuses the bytes with the parser's own code."""
    try:
        return safe_xml.parse(xml)
    except safe_xml.UnsafeXmlError as error:
        detail = str(error.__cause__) if error.__cause__ else None
        line = getattr(error.__cause__, "lineno", None)
        return _refusal(file_finding(error.code, Layer.XSD, detail=detail, line=line))


def _wrong_root(root: etree._Element, expected: str, expected_fr: str) -> Report:
    name = etree.QName(root)
    local, namespace = name.localname[:_LONGEST_NAME], (name.namespace or "")[:_LONGEST_NAME]
    found = f"{local} ({namespace})" if namespace else local
    return _refusal(file_finding("QT-ROOT", Layer.XSD, found=found, expected=expected, expected_fr=expected_fr))


def _refusal(finding: Finding) -> Report:
    return Report((LayerResult(Layer.XSD, Verdict.INVALID),), (finding,))


def _not_run(reason: str, reason_fr: str, *layers: Layer) -> tuple[LayerResult, ...]:
    """Layers whose rules did not run; the grammar and the norm where none is named."""
    return tuple(
        LayerResult(layer, Verdict.NOT_CHECKED, reason=reason, reason_fr=reason_fr)
        for layer in layers or (Layer.XSD, Layer.EN16931)
    )


def _refused(refusal: EngineRefusalError, layer: Layer) -> Finding:
    return Finding(refusal.code, Severity.FATAL, refusal.sentence, layer, message_fr=refusal.sentence_fr)


def _xsd_failed(report: Report) -> bool:
    return any(finding.layer is Layer.XSD for finding in report.fatal)


def _outcome(findings: tuple[Finding, ...]) -> Verdict:
    fatal = any(finding.severity is Severity.FATAL for finding in findings)
    return Verdict.INVALID if fatal else Verdict.VALID


@contextmanager
def _as_en16931(facts: InvoiceFacts) -> Iterator[None]:
    """BT-24 is that of the norm for a while: the Factur-X rules accept no other, whatever the content.

    In place: a copy would look for the namespace of every element among all that a hostile root declares.
    """
    element = facts.specification_element
    if element is None:
        yield
        return
    own, element.text = element.text, EN16931
    try:
        yield
    finally:
        element.text = own
