"""How the platform sandbox behaves, and what it borrows to judge files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from einvoice.validation.verdict import Report

Check = Callable[[bytes], Report]
"""Judges the bytes of an XML file; ``Validator.check_invoice`` and ``Validator.check_cdar`` are such."""
Extract = Callable[[bytes], bytes]
"""Takes the XML out of a Factur-X PDF; any exception means that there is none."""


@dataclass(frozen=True, slots=True)
class PlatformSandboxOptions:
    """Knobs of the sandbox. Times are in seconds, sizes in bytes."""

    clients: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({"sandbox": "sandbox-secret"}))
    """Client ids and secrets that the token endpoint accepts."""
    acknowledge_after_s: float = 0.5
    """How long a flow stays Pending: long enough to be seen, short enough for a demonstration."""
    token_lifetime_s: int = 3600
    max_file_bytes: int = 100 * 1024 * 1024
    """The norm's limit for one flow."""
    max_flows: int = 20_000
    """The sandbox lives in memory: beyond this it asks to be emptied."""
    refuse_processing_rule: bool = False
    """Behave like platforms that accept no ``processingRule``."""
    hold_s: float = 60.0
    """Longest time that a held answer (fault ``timeout_after_effect``) waits."""
    unknown_buyer: Literal["delivered", "rejected"] = "delivered"
    """What becomes of an invoice whose buyer is not in the directory: delivered all the same, so that any test invoice
    passes, or 213 with ``DEST_INC``, as a strict platform does."""
    empty_directory_is_204: bool = False
    """Answer 204 where a search of the directory finds nothing, as some platforms do."""
    early_reports: bool = False
    """Take reports of periods that are not over."""
    call_webhooks: bool = True
    """Call the webhooks; off where the addresses are made up."""
    default_scenario: str | None = None
    """What happens to invoices for which nothing else is said; None: nothing after their delivery."""
