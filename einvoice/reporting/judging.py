"""A file of Flux 10 before it leaves: judged by the published XSD and rules; what they refuse is found and left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from einvoice.reporting import errors
from einvoice.reporting.lines import Untold, told
from einvoice.validation.verdict import Layer, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from einvoice.reporting.lines import ReportLine
    from einvoice.validation.verdict import Finding, Report

NEGATIVE_RECEIPT = "G1.16"
"""FNFE's rules (V1.0, on annexe 7 v1.8) refuse a receipt below zero. Annexe 6 v1.10 allows it (G7.07 in place of
G1.16), and so does the XSD: the one rule that a declaration of ours may break."""


def broken_rules(report: Report) -> list[str]:
    """The rules that forbid to send a file, each once; ``engine`` where a layer did not run.

    :data:`NEGATIVE_RECEIPT` on a receipt is none of them.
    """
    broken = list(dict.fromkeys(each.rule for each in report.fatal if not is_negative_receipt(each)))
    outcomes = {layer.layer: layer.outcome for layer in report.layers}
    ran = {outcomes.get(Layer.XSD), outcomes.get(Layer.BR_FR)} <= {Verdict.VALID, Verdict.INVALID}
    return broken if broken or ran else ["engine"]


def is_negative_receipt(finding: Finding) -> bool:
    """Whether a finding is the known contradiction between FNFE's rules and annexe 6 v1.10 (TT-95, TT-99)."""
    place = finding.location or ""
    return finding.rule == NEGATIVE_RECEIPT and "/PaymentsReport" in place and "/Amount" in place


def judged(
    lines: Sequence[ReportLine], write: Callable[[Sequence[ReportLine]], bytes], check: Callable[[bytes], Report]
) -> tuple[tuple[ReportLine, ...], bytes, Report]:
    """The lines, those of refused invoices marked; the file without them; what was found on it.

    Raises:
        ReportError: ``report.invalid``, where no single invoice is to blame.
    """
    content = write(lines)
    report = check(content)
    broken = broken_rules(report)
    if not broken:
        return tuple(lines), content, report
    refused = _culprits(
        list(dict.fromkeys(each.invoice_id for each in told(lines))),
        lambda some: bool(broken_rules(check(write([each for each in lines if each.invoice_id in some])))),
    )
    marked = tuple(
        replace(each, untold=Untold.RULES) if each.invoice_id in refused and each.untold is None else each
        for each in lines
    )
    content = write(marked)
    report = check(content)
    if not refused or broken_rules(report):
        raise errors.breaks_rules(broken)
    return marked, content, report


def _culprits(invoices: list[UUID], is_refused: Callable[[frozenset[UUID]], bool]) -> frozenset[UUID]:
    """The invoices with which a file is refused, found by halves: few are wrong among many."""
    if not is_refused(frozenset(invoices)):
        return frozenset()
    if len(invoices) == 1:
        return frozenset(invoices)
    middle = len(invoices) // 2
    return _culprits(invoices[:middle], is_refused) | _culprits(invoices[middle:], is_refused)
