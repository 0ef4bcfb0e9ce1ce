"""What the platform finds in a file before it looks at its own books: form, schema, rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config import safe_xml
from einvoice.lifecycle.cdar import read_cdar
from einvoice.lifecycle.message import BUYER, StatusMessage, StatusMessageError
from einvoice.platform.port import AckDetail, Syntax
from einvoice.reporting.judging import is_negative_receipt
from einvoice.validation.verdict import Layer, Report, Severity, Verdict
from portal.sandboxes.platform.invoice_facts import InvoiceFacts, UnreadableInvoiceError, read_facts
from portal.sandboxes.platform.report_facts import ReportFacts, UnreadableReportError, read_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

    from einvoice.validation.verdict import Finding
    from portal.sandboxes.platform.flows import StoredFlow
    from portal.sandboxes.platform.options import Check, Extract

_PDF = b"%PDF-"
_REPORT_KINDS = {
    "TransactionsReport/Invoice": "UnitaryCustomerTransactionReport",
    "TransactionsReport/Transactions": "AggregatedCustomerTransactionReport",
    "PaymentsReport/Invoice": "UnitaryCustomerPaymentReport",
    "PaymentsReport/Transactions": "AggregatedCustomerPaymentReport",
}


@dataclass(frozen=True, slots=True)
class Examination:
    """Remarks on a file, and what was read from it where it could be."""

    details: tuple[AckDetail, ...] = ()
    facts: InvoiceFacts | None = None
    message: StatusMessage | None = None
    report: ReportFacts | None = None
    flow_type: str = "Undefined"

    @property
    def passes(self) -> bool:
        """Whether no remark is an error."""
        return all(detail.level != "Error" for detail in self.details)


def failure(item: str, reason: str, message: str) -> AckDetail:
    """A remark that refuses the flow."""
    return AckDetail("Error", item, reason, message)


@dataclass(frozen=True, slots=True)
class Examiner:
    """Examines files with the checks that it was given."""

    check_invoice: Check
    check_cdar: Check
    extract_xml: Extract
    check_report: Check | None = None

    def examine(self, flow: StoredFlow) -> Examination:
        """Everything that can be said of the file alone. Never raises: a check that fails refuses the flow."""
        try:
            return self._examine(flow)
        except Exception as error:  # noqa: BLE001 - a platform answers for any file, and never calls unchecked valid
            return _refused(
                failure("file", "OtherTechnicalError", f"The file could not be checked: {type(error).__name__}.")
            )

    def _examine(self, flow: StoredFlow) -> Examination:
        content = flow.content
        is_pdf = content.startswith(_PDF)
        if is_pdf is not (flow.syntax == Syntax.FACTUR_X):
            return _refused(failure("file", "FlowTypeError", f"The file is not what {flow.syntax} announces."))
        try:
            xml = self.extract_xml(content) if is_pdf else content
            root = safe_xml.parse(xml)
        except safe_xml.UnsafeXmlError as error:
            return _refused(failure("file", "InvalidSchema", str(error)))
        except Exception as error:  # noqa: BLE001 - the extraction is injected: whatever it raises, there is no XML
            return _refused(failure("file", "AttachmentTypeError", f"The PDF holds no usable invoice: {error}"))
        if flow.syntax == Syntax.CDAR:
            return self._examine_message(xml, root)
        if flow.syntax == Syntax.FRR:
            return self._examine_report(xml, root)
        return self._examine_invoice(flow, xml, root)

    def _examine_invoice(self, flow: StoredFlow, xml: bytes, root: _Element) -> Examination:
        details = _remarks(self.check_invoice(xml))
        try:
            facts = read_facts(root)
        except UnreadableInvoiceError as error:
            return Examination((*details, failure("file", "InvalidSchema", str(error))))
        if flow.syntax in {Syntax.CII, Syntax.UBL} and facts.syntax != flow.syntax:
            details += (failure("flowSyntax", "FlowTypeError", f"The file is {facts.syntax}, not {flow.syntax}."),)
        return Examination(details, facts=facts, flow_type="CustomerInvoice")

    def _examine_message(self, xml: bytes, root: _Element) -> Examination:
        details = _remarks(self.check_cdar(xml))
        try:
            message = read_cdar(root)
        except StatusMessageError as error:
            return Examination((*details, failure("file", "InvalidSchema", error.sentence)))
        kind = "SupplierInvoiceLC" if message.issuer.role == "BY" else "CustomerInvoiceLC"
        return Examination(details, message=message, flow_type=kind)

    def _examine_report(self, xml: bytes, root: _Element) -> Examination:
        kinds = [kind for path, kind in _REPORT_KINDS.items() if root.find(path) is not None]
        details = _remarks(self.check_report(xml), is_negative_receipt) if self.check_report else ()
        if not kinds:
            return Examination((*details, failure("file", "FlowTypeError", "The file holds no Flux 10 report.")))
        try:
            report = read_report(root)
        except UnreadableReportError as error:
            return Examination((*details, failure("file", "InvalidSchema", str(error))))
        flow_type = kinds[0] if len(kinds) == 1 else "MultiFlowReport"
        if report.role == BUYER and flow_type == "UnitaryCustomerTransactionReport":
            flow_type = "UnitarySupplierTransactionReport"
        return Examination(details, report=report, flow_type=flow_type)


def _refused(detail: AckDetail) -> Examination:
    return Examination((detail,))


def _remarks(report: Report, tolerated: Callable[[Finding], bool] | None = None) -> tuple[AckDetail, ...]:
    """A report in the words of an acknowledgement; *not checked* refuses, as nothing unchecked is taken.

    A finding that is ``tolerated`` is only a warning: a receipt below zero, which annexe 6 v1.10 allows and FNFE's
    rules of Flux 10, made for its predecessor, do not.
    """
    details = tuple(
        AckDetail(
            level="Error"
            if finding.severity is Severity.FATAL and not (tolerated and tolerated(finding))
            else "Warning",
            item=finding.location or finding.layer.value,
            reason="InvalidSchema" if finding.layer is Layer.XSD else finding.rule,
            message=finding.message,
        )
        for finding in report.findings
    )
    if report.verdict is Verdict.NOT_CHECKED:
        reasons = "; ".join(result.reason for result in report.layers if result.reason) or "no reason given"
        details += (failure("file", "OtherTechnicalError", f"The rules did not run: {reasons}"),)
    return details
