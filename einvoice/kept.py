"""Documents and profiles as JSON, the way they are kept in the database: exact, and read back to the same value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from einvoice.composing.build import with_number
from einvoice.composing.seller import SellerProfile
from einvoice.document import Document  # noqa: TC001 -- the adapter reads it at run time
from einvoice.formats.profiles import Form  # noqa: TC001 -- same

if TYPE_CHECKING:
    from receivables.domain.invoicing.invoices import Invoice


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """An issued document: its model, the forms it was judged valid in, and the syntax of a finished one."""

    document: Document
    forms: tuple[Form, ...]
    finished_syntax: Literal["cii", "ubl"] | None = None
    natures: dict[str, Literal["goods", "services"]] = field(default_factory=dict)
    """Goods or services by line (BT-126) of an invoice of both (BT-23 M), which no term of the document tells."""


_KEPT = TypeAdapter(KeptDocument)
_PROFILE = TypeAdapter(SellerProfile)


def kept_to_json(kept: KeptDocument) -> dict[str, Any]:
    """``kept`` as JSON values."""
    value: dict[str, Any] = _KEPT.dump_python(kept, mode="json", exclude_defaults=True)
    return value


def kept_from_json(value: dict[str, Any]) -> KeptDocument:
    """The value that :func:`kept_to_json` wrote."""
    return _KEPT.validate_python(value)


def issued_document(invoice: Invoice) -> Document:
    """The legal document of an issued invoice, under its number."""
    kept = kept_from_json(invoice.document)
    return kept.document if kept.finished_syntax else with_number(kept.document, invoice.number)


def profile_to_json(profile: SellerProfile) -> dict[str, Any]:
    """``profile`` as JSON values."""
    value: dict[str, Any] = _PROFILE.dump_python(profile, mode="json", exclude_defaults=True)
    return value


def profile_from_json(value: dict[str, Any]) -> SellerProfile:
    """The profile that :func:`profile_to_json` wrote; other keys of the row (branding) are left alone."""
    known = {name: value[name] for name in SellerProfile.__dataclass_fields__ if name in value}
    return _PROFILE.validate_python(known)
