"""Our JSON for the parties of an invoice: who sells, who buys, who is paid, where it is delivered."""

from __future__ import annotations

from pydantic import Field

from einvoice.request.group import Group
from einvoice.request.values import Code, Country, Day, Email, Many, Text


class IdentifierRequest(Group):
    """An identifier with its ISO 6523 or EAS scheme."""

    value: Code = Field(description="The identifier itself.")
    scheme: Code | None = Field(None, description="Its scheme, e.g. 0009 for a SIRET, 0088 for a GLN.")


class AddressRequest(Group):
    """BG-5, BG-8, BG-15: postal address."""

    line1: Text | None = Field(None, description="BT-35/BT-50/BT-75 First line of the address.")
    line2: Text | None = Field(None, description="BT-36/BT-51/BT-76 Second line.")
    line3: Text | None = Field(None, description="BT-162/BT-163/BT-165 Third line.")
    postcode: Text | None = Field(None, description="BT-38/BT-53/BT-78 Post code.")
    city: Text | None = Field(None, description="BT-37/BT-52/BT-77 City.")
    subdivision: Text | None = Field(None, description="BT-39/BT-54/BT-79 Region.")
    country: Country = Field("FR", description="BT-40/BT-55/BT-80 Country, ISO 3166-1 alpha-2.")


class ContactRequest(Group):
    """BG-6, BG-9: contact point."""

    name: Text | None = Field(None, description="BT-41/BT-56 Person or department.")
    phone: Text | None = Field(None, description="BT-42/BT-57 Telephone.")
    email: Email | None = Field(None, description="BT-43/BT-58 E-mail address.")


class PartyRequest(Group):
    """BG-4 seller or BG-7 buyer."""

    name: Text = Field(description="BT-27/BT-44 Official name.")
    address: AddressRequest = Field(description="BG-5/BG-8 Postal address.")
    trading_name: Text | None = Field(None, description="BT-28/BT-45 Trading name.")
    siren: Code | None = Field(None, description="BT-30/BT-47 SIREN (scheme 0002); follows from the SIRET if absent.")
    siret: Code | None = Field(None, description="BT-29/BT-46 SIRET (scheme 0009).")
    legal_id: IdentifierRequest | None = Field(None, description="BT-30/BT-47 Legal identifier of a foreign party.")
    identifiers: Many[IdentifierRequest] = Field((), description="BT-29/BT-46 Other identifiers.")
    vat_id: Code | None = Field(None, description="BT-31/BT-48 VAT number with its country prefix.")
    endpoint: IdentifierRequest | None = Field(
        None, description="BT-34/BT-49 Electronic address; a French party's SIREN (scheme 0225) if absent."
    )
    legal_form: Text | None = Field(None, description="BT-33 Legal form and capital (seller only).")
    contact: ContactRequest | None = Field(None, description="BG-6/BG-9 Contact point.")


class BuyerRequest(PartyRequest):
    """BG-7: the buyer, a business unless said otherwise."""

    consumer: bool = Field(
        default=False, description="BT-22 (BAR) True for a private person: no late-payment mentions."
    )
    public: bool = Field(
        default=False, description="BG-7 True for a public body (Chorus Pro): its SIRET is compulsory then."
    )
    service_code: Code | None = Field(None, description="BT-10 Public body: its service (code service exécutant).")
    engagement: Code | None = Field(
        None, description="BT-13 Public body: its legal commitment (numéro d'engagement juridique)."
    )


class PayeeRequest(Group):
    """BG-10: who is to be paid when it is not the seller, e.g. a factor."""

    name: Text = Field(description="BT-59 Name.")
    identifier: IdentifierRequest | None = Field(None, description="BT-60 Identifier.")
    siren: Code | None = Field(None, description="BT-61 SIREN.")
    role: Code | None = Field(None, description="EXT-FR-FE-26 Role, UNTDID 3035, e.g. DL for a factor.")
    more_identifiers: Many[IdentifierRequest] = Field((), description="BT-60 Further identifiers (EXTENDED).")
    vat_id: Code | None = Field(None, description="EXT-FR-FE-27 VAT number.")
    endpoint: IdentifierRequest | None = Field(None, description="EXT-FR-FE-29 Electronic address.")
    address: AddressRequest | None = Field(None, description="EXT-FR-FE-31 Postal address.")
    contact: ContactRequest | None = Field(None, description="EXT-FR-FE-39 Contact point.")


class DeliveryRequest(Group):
    """BG-13, BG-15: where and when the supply took place."""

    date: Day | None = Field(None, description="BT-72 Actual delivery date.")
    name: Text | None = Field(None, description="BT-70 Name of the party delivered to.")
    location: IdentifierRequest | None = Field(None, description="BT-71 Identifier of the place.")
    address: AddressRequest | None = Field(None, description="BG-15 Delivery address where it is not the buyer's.")
