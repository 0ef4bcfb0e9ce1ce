"""Reading SVRL, the report language of Schematron (ISO/IEC 19757-3, annex D), into findings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from config import safe_xml
from einvoice.errors import EInvoiceError
from einvoice.validation.location import readable_path
from einvoice.validation.verdict import Finding, Layer, Severity

if TYPE_CHECKING:
    from lxml import etree

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_MAX_SVRL_BYTES = 256 * 1024 * 1024
_MAX_SVRL_TAGS = 20_000_000
"""Our own engine wrote it: one tag and more for every rule that fires on every line."""
_MAX_MESSAGE_CHARACTERS = 1000
_WARNING_FLAGS = frozenset({"warning", "info", "information"})
_BRACKETED_RULE = re.compile(r"\s*\[([A-Z][A-Za-z0-9_.-]+)\]")

UNNAMED_RULE = "schematron.unnamed"
"""Rule id of a finding that has none, e.g. an element that the Factur-X profile does not use."""


class SvrlError(EInvoiceError):
    """What came back proves nothing: no SVRL (``engine.no_svrl``) or no rule fired (``engine.nothing_checked``)."""


def findings_of(svrl: bytes, layer: Layer) -> tuple[Finding, ...]:
    """The failed asserts and successful reports of ``svrl``. An empty tuple means that rules ran and all held.

    Raises:
        SvrlError: ``engine.no_svrl`` or ``engine.nothing_checked``: rules that match nothing in a document must not
            make it valid.
    """
    try:
        root = safe_xml.parse(svrl, max_bytes=_MAX_SVRL_BYTES, max_tags=_MAX_SVRL_TAGS)
    except safe_xml.UnsafeXmlError as error:
        raise _no_svrl(str(error)) from error
    if root.tag != f"{_SVRL}schematron-output":
        raise _no_svrl(f"The root element is {root.tag!r}.")
    if root.find(f"{_SVRL}fired-rule") is None:
        raise SvrlError(
            "engine.nothing_checked",
            "No rule of the stylesheet applies to this document: nothing was checked.",
            "Aucune règle de la feuille de style ne s'applique à ce document : rien n'a été contrôlé.",
        )
    return tuple(
        _finding(element, layer) for element in root.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report")
    )


def _finding(element: etree._Element, layer: Layer) -> Finding:
    text = " ".join("".join(element.itertext()).split())
    flag = (element.get("flag") or "").strip().lower()
    location = element.get("location")
    return Finding(
        rule=_rule(element.get("id"), text),
        severity=Severity.WARNING if flag in _WARNING_FLAGS else Severity.FATAL,
        message=text[:_MAX_MESSAGE_CHARACTERS],
        layer=layer,
        location=readable_path(location) if location else None,
    )


def _rule(rule_id: str | None, text: str) -> str:
    """The norm's own rule where the Factur-X stylesheets number it ``FX-SCH-A-...`` but name it in the text."""
    if rule_id and not rule_id.startswith("FX-SCH-"):
        return rule_id
    named = _BRACKETED_RULE.match(text)
    return named.group(1) if named else rule_id or UNNAMED_RULE


def _no_svrl(detail: str) -> SvrlError:
    return SvrlError(
        "engine.no_svrl",
        f"The rules engine returned no Schematron report. {detail}",
        f"Le moteur de règles n'a pas rendu de rapport Schematron. {detail}",
    )
