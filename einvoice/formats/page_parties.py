"""The parties of the page: seller, buyer, place of delivery, payee and tax representative (BG-4 to BG-15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.formats.page_wording import join

if TYPE_CHECKING:
    from collections.abc import Iterable

    from einvoice.document import Address, Delivery, Document, Party
    from einvoice.formats.page_wording import Wording


def describe_parties(document: Document, say: Wording) -> list[dict[str, Any]]:
    """One block per party that the document names, seller and buyer first."""
    blocks = [_party("seller", document.seller, say), _party("buyer", document.buyer, say)]
    if document.delivery:
        blocks += _delivery(document.delivery, say)
    if payee := document.payee:
        blocks.append(
            _block("payee", say, payee.name, [], [say.identifier(payee.legal_id), say.identifier(payee.identifier)])
        )
    if agent := document.tax_representative:
        ids = [say.named("vat_id", agent.vat_id)]
        blocks.append(_block("representative", say, agent.name, _address(agent.address, say), ids))
    return blocks


def identity_line(party: Party, say: Wording) -> str:
    """Name, SIREN and VAT number, for the foot of every page."""
    return join([party.name, say.identifier(party.legal_id), say.named("vat_id", party.vat_id)])


def _block(key: str, say: Wording, name: str | None, lines: Iterable[str], small: Iterable[str]) -> dict[str, Any]:
    return {
        "label": say.label(key),
        "name": name or "",
        "lines": [line for line in lines if line],
        "small": [line for line in small if line],
    }


def _party(key: str, party: Party, say: Wording) -> dict[str, Any]:
    trading = party.trading_name if party.trading_name != party.name else None
    contact = [party.contact.name, party.contact.department, party.contact.phone] if party.contact else []
    small = [
        join([say.identifier(party.legal_id), say.named("vat_id", party.vat_id)]),
        *(say.identifier(identifier) for identifier in party.identifiers),
        say.named("tax_id", party.tax_id),
        party.legal_form or "",
        join(contact),
        (party.contact.email or "") if party.contact else "",
    ]
    title = say.titled(say.label("trading_name"), trading) if trading else ""
    return _block(key, say, party.name, [title, *_address(party.address, say)], small)


def _delivery(delivery: Delivery, say: Wording) -> list[dict[str, Any]]:
    if not (delivery.name or delivery.address or delivery.location):
        return []
    lines = _address(delivery.address, say) if delivery.address else []
    return [_block("delivery", say, delivery.name, lines, [say.identifier(delivery.location)])]


def _address(address: Address, say: Wording) -> list[str]:
    """The lines of an address as a French envelope has them: street, then postcode and town, then country."""
    town = join([address.postcode, address.city], " ")
    place = join([town, address.subdivision, say.country(address.country)], ", ")
    lines = [address.line1, address.line2, address.line3, place]
    return [line for line in lines if line]
