"""Our JSON for the French extension (EXT-FR-FE): what only the EXTENDED profiles carry."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from einvoice.request.codes import AnyTypeCode
from einvoice.request.group import Group
from einvoice.request.parties import AddressRequest, ContactRequest, IdentifierRequest
from einvoice.request.values import Code, Day, Many, Text

LineKind = Literal["GROUP", "DETAIL", "INFORMATION"]
Role = Annotated[str, Field(pattern=r"^[A-Z]{1,3}$")]
"""A code of UNTDID 3035, e.g. DL for a factor."""


class ThirdPartyRequest(Group):
    """EXT-FR-FE-BG-01 to -05: a party beside seller and buyer."""

    name: Text = Field(description="EXT-FR-FE-48 Name.")
    role: Role | None = Field(None, description="EXT-FR-FE-44 Role, UNTDID 3035.")
    trading_name: Text | None = Field(None, description="EXT-FR-FE-45 Trading name.")
    siren: Code | None = Field(None, description="EXT-FR-FE-49 SIREN (scheme 0002).")
    identifiers: Many[IdentifierRequest] = Field((), description="EXT-FR-FE-46 Identifiers with scheme.")
    vat_id: Code | None = Field(None, description="EXT-FR-FE-51 VAT number.")
    endpoint: IdentifierRequest | None = Field(None, description="EXT-FR-FE-52 Electronic address.")
    address: AddressRequest | None = Field(None, description="EXT-FR-FE-54 Postal address.")
    contact: ContactRequest | None = Field(None, description="EXT-FR-FE-62 Contact point.")


class DeliveryTermsRequest(Group):
    """EXT-FR-FE-BG-14: delivery terms (Incoterms)."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field(description="EXT-FR-FE-185/EXT-FR-FE-193 E.g. DAP.")
    place: Text | None = Field(None, description="EXT-FR-FE-186/EXT-FR-FE-194 Named place.")


class LineReferenceRequest(Group):
    """EXT-FR-FE-140 to -145: a document that a line refers to."""

    number: Code = Field(description="EXT-FR-FE-140/EXT-FR-FE-142/EXT-FR-FE-144 Its number.")
    line: Code | None = Field(None, description="EXT-FR-FE-141/EXT-FR-FE-143/EXT-FR-FE-145 The line in it.")
    issue_date: Day | None = Field(None, description="EXT-FR-FE-201 Its date (despatch advice only).")


class LinePrecedingRequest(Group):
    """EXT-FR-FE-136 to -139: the earlier invoice that a line credits or completes."""

    number: Code = Field(description="EXT-FR-FE-136 Its number.")
    issue_date: Day = Field(description="EXT-FR-FE-138 Its date.")
    type_code: AnyTypeCode | None = Field(None, description="EXT-FR-FE-137 Its kind (BT-3).")
    line: Code | None = Field(None, description="EXT-FR-FE-139 The line in it.")


class LineDeliveryRequest(Group):
    """EXT-FR-FE-BG-10, -BG-11: where and when one line was delivered."""

    date: Day | None = Field(None, description="EXT-FR-FE-158 Delivery date.")
    name: Text | None = Field(None, description="EXT-FR-FE-149 Name of the party delivered to.")
    location: IdentifierRequest | None = Field(None, description="EXT-FR-FE-146 Identifier of the place.")
    address: AddressRequest | None = Field(None, description="EXT-FR-FE-150 Delivery address.")
