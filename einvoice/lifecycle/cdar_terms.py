"""Names and date formats of a CDAR message (UN/CEFACT D22B), shared by its writer and its reader."""

from __future__ import annotations

_UNECE = "urn:un:unece:uncefact:data:standard:"
NAMES = {
    "rsm": f"{_UNECE}CrossDomainAcknowledgementAndResponse:100",
    "ram": f"{_UNECE}ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_UNECE}UnqualifiedDataType:100",
    "qdt": f"{_UNECE}QualifiedDataType:100",
}
ROOT = f"{{{NAMES['rsm']}}}CrossDomainAcknowledgementAndResponse"
"""The root element of a CDAR message."""

SECONDS, MINUTES, DAY = "204", "203", "102"
"""Date formats of UNTDID 2379."""
PATTERNS = {SECONDS: "%Y%m%d%H%M%S", MINUTES: "%Y%m%d%H%M", DAY: "%Y%m%d"}
