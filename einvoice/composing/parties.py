"""Seller and buyer of our own invoices: identifiers checked by their keys, addresses derived, French or not.

SIREN, SIRET and VAT numbers are checked with their control digits, which no published rule does.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.fr import siren as siren_numbers
from stdnum.fr import siret as siret_numbers

from einvoice.composing.public_buyers import with_public_address
from einvoice.document import (
    FRENCH_ADDRESS_SCHEME,
    FRENCH_VAT_TERRITORY,
    SIREN_SCHEME,
    SIRET_SCHEME,
    Address,
    Contact,
    CreditAccount,
    Identifier,
    Party,
    TaxRepresentative,
)
from einvoice.errors import BuildError

if TYPE_CHECKING:
    from einvoice.composing.seller import SellerProfile
    from einvoice.document import Document
    from einvoice.request.parties import AddressRequest, BuyerRequest, IdentifierRequest, PartyRequest

NOT_DOMESTIC = frozenset({"B2BINT", "B2C", "B2CINT", "OUTOFSCOPE", "ARCHIVEONLY"})
"""Values of the note BAR by which a seller says that the invoice is no domestic B2B invoice (BR-FR-20)."""

GROUP_SCHEME = "0231"
"""ISO 6523 scheme of a VAT group (assujetti unique); its value is the group's SIREN (BR-FR-32)."""

_ADDRESS_0225 = re.compile(r"[A-Za-z0-9\-_.]{1,125}")
_SIREN_DIGITS = 9


def is_french(party: Party) -> bool:
    """Whether the party has its address where French VAT applies (FR, Guadeloupe, Martinique, Réunion)."""
    return party.address.country in FRENCH_VAT_TERRITORY


def is_french_b2b(document: Document) -> bool:
    """Whether the French rules apply: both parties in France, and no BAR note that says otherwise.

    The country decides, not the SIREN: a buyer whose SIREN was forgotten must be found by the rules, not escape them.
    """
    declared = {note.text.strip() for note in document.notes if note.subject == "BAR"}
    return is_french(document.seller) and is_french(document.buyer) and not declared & NOT_DOMESTIC


def seller_party(profile: SellerProfile, request: PartyRequest | None) -> Party:
    """BG-4: the profile, or the request's own details under the profile's SIREN, VAT number and address for statuses.

    Raises:
        BuildError: ``party.bad_siren``, ``party.bad_siret``, ``party.siret_mismatch``, ``party.bad_vat_id``,
            ``party.vat_id_mismatch``, ``party.bad_endpoint`` or ``party.seller_mismatch``.
    """
    party = _seller_party(profile, request)
    group = profile.vat_group
    if group is None:
        return party
    member = Identifier(check_siren(group.siren, "seller.vat_group.siren", "BT-29"), GROUP_SCHEME)
    return replace(party, identifiers=(*party.identifiers, member))


def tax_representative_of(profile: SellerProfile) -> TaxRepresentative | None:
    """BG-11: who answers for the VAT of a VAT group (BR-FR-CO-15).

    Raises:
        BuildError: ``party.bad_vat_id``.
    """
    group = profile.vat_group
    if group is None:
        return None
    return TaxRepresentative(
        group.name, check_vat_id(group.vat_id, group.siren, "seller.vat_group.vat_id", "BT-63"), group.address
    )


def _seller_party(profile: SellerProfile, request: PartyRequest | None) -> Party:
    siren = check_siren(profile.siren, "seller.siren", "BT-30")
    if request is not None:
        party = party_of(request, "seller", siren)
        if party.siren != siren:
            raise BuildError(
                "party.seller_mismatch",
                f"seller.siren (BT-30) is {party.siren}, but you invoice as {siren}. Leave the seller out, or sign in "
                "as the right supplier.",
                f"seller.siren (BT-30) vaut {party.siren}, mais vous facturez en tant que {siren}. Omettez seller, ou "
                "connectez-vous avec le bon fournisseur.",
                term="BT-30",
                place="seller.siren",
            )
        own_address = Identifier(profile.endpoint or siren, FRENCH_ADDRESS_SCHEME)
        return replace(
            party,
            vat_id=party.vat_id or _profile_vat_id(profile, siren),
            endpoint=party.endpoint if request.endpoint else own_address,
        )
    siret = check_siret(profile.siret, siren, "seller.siret", "BT-29") if profile.siret else None
    return Party(
        name=profile.name,
        address=profile.address,
        trading_name=profile.trading_name,
        identifiers=(Identifier(siret, SIRET_SCHEME),) if siret else (),
        legal_id=Identifier(siren, SIREN_SCHEME),
        vat_id=_profile_vat_id(profile, siren),
        legal_form=profile.legal_form,
        endpoint=check_endpoint(
            Identifier(profile.endpoint or siren, FRENCH_ADDRESS_SCHEME), None, "seller.endpoint", "BT-34"
        ),
        contact=profile.contact,
    )


def _profile_vat_id(profile: SellerProfile, siren: str) -> str | None:
    return check_vat_id(profile.vat_id, siren, "seller.vat_id", "BT-31") if profile.vat_id else None


def buyer_party(request: BuyerRequest) -> Party:
    """BG-7.

    Raises:
        BuildError: as ``seller_party``, and ``party.siren_missing`` for a French business without SIREN.
    """
    party = party_of(request, "buyer", None)
    if is_french(party) and party.siren is None and not request.consumer:
        raise BuildError(
            "party.siren_missing",
            "buyer.siren (BT-47) is missing: an invoice to a French business must carry its SIREN. Add it, or set "
            "buyer.consumer to true for a private person.",
            "buyer.siren (BT-47) manque : une facture à une entreprise française doit porter son SIREN. Ajoutez-le, "
            "ou mettez buyer.consumer à true pour un particulier.",
            term="BT-47",
            place="buyer.siren",
        )
    return with_public_address(party, request)


def party_of(request: PartyRequest, place: str, own_siren: str | None) -> Party:
    """A party of the request; ``own_siren`` stands in where a seller's is not repeated."""
    legal, ids, vat, endpoint = (
        ("BT-30", "BT-29", "BT-31", "BT-34") if place == "seller" else ("BT-47", "BT-46", "BT-48", "BT-49")
    )
    given = request.siren or (request.siret[:_SIREN_DIGITS] if request.siret else own_siren)
    siren = check_siren(given, f"{place}.siren", legal) if given else None
    siret = check_siret(request.siret, siren or "", f"{place}.siret", ids) if request.siret else None
    legal_id = Identifier(siren, SIREN_SCHEME) if siren else identifier_of(request.legal_id)
    address = address_of(request.address)
    routed = identifier_of(request.endpoint)
    if routed is None and siren and address.country in FRENCH_VAT_TERRITORY:
        routed = Identifier(siren, FRENCH_ADDRESS_SCHEME)
    identifiers = [Identifier(siret, SIRET_SCHEME)] if siret else []
    identifiers += [Identifier(each.value, each.scheme) for each in request.identifiers]
    contact = request.contact
    return Party(
        name=request.name,
        address=address,
        trading_name=request.trading_name,
        identifiers=tuple(identifiers),
        legal_id=legal_id,
        vat_id=check_vat_id(request.vat_id, siren, f"{place}.vat_id", vat) if request.vat_id else None,
        legal_form=request.legal_form,
        endpoint=check_endpoint(routed, siren if place == "buyer" else None, f"{place}.endpoint", endpoint),
        contact=Contact(name=contact.name, phone=contact.phone, email=contact.email) if contact else None,
    )


def address_of(request: AddressRequest) -> Address:
    """BG-5, BG-8 or BG-15."""
    return Address(
        country=request.country,
        line1=request.line1,
        line2=request.line2,
        line3=request.line3,
        postcode=request.postcode,
        city=request.city,
        subdivision=request.subdivision,
    )


def check_siren(number: str, place: str, term: str) -> str:
    """The nine digits of a SIREN whose key is right.

    Raises:
        BuildError: ``party.bad_siren``.
    """
    try:
        return str(siren_numbers.validate(number))
    except ValidationError as error:
        raise _bad(
            "party.bad_siren", number, place, term, ("a SIREN (nine digits with their key)", "un SIREN (neuf chiffres)")
        ) from error


def check_siret(number: str, siren: str, place: str, term: str) -> str:
    """The fourteen digits of a SIRET whose key is right and which belongs to ``siren`` (BR-FR-09).

    Raises:
        BuildError: ``party.bad_siret`` or ``party.siret_mismatch``.
    """
    try:
        siret = str(siret_numbers.validate(number))
    except ValidationError as error:
        wanted = "a SIRET (14 digits with their key)", "un SIRET (14 chiffres avec leur clé)"
        raise _bad("party.bad_siret", number, place, term, wanted) from error
    if not siret.startswith(siren):
        raise BuildError(
            "party.siret_mismatch",
            f"{place} ({term}) is {siret}, which is no establishment of SIREN {siren}. Correct one of the two.",
            f"{place} ({term}) vaut {siret}, qui n'est pas un établissement du SIREN {siren}. Corrigez l'un des deux.",
            term=term,
            place=place,
        )
    return siret


def check_vat_id(number: str, siren: str | None, place: str, term: str) -> str:
    """A VAT number without blanks; of an EU country its key is checked, of a French one also its SIREN.

    Raises:
        BuildError: ``party.bad_vat_id`` or ``party.vat_id_mismatch``.
    """
    compact = "".join(number.split()).upper()
    prefix = compact[:2].lower().replace("el", "gr")  # Greece writes EL on invoices
    if prefix not in eu_vat.MEMBER_STATES:
        return compact
    try:
        eu_vat.validate(compact)
    except ValidationError as error:
        raise _bad("party.bad_vat_id", number, place, term, ("a VAT number", "un numéro de TVA")) from error
    if prefix == "fr" and siren is not None and not compact.endswith(siren):
        raise BuildError(
            "party.vat_id_mismatch",
            f"{place} ({term}) is {compact}, which does not belong to SIREN {siren}. Correct one of the two.",
            f"{place} ({term}) vaut {compact}, qui ne correspond pas au SIREN {siren}. Corrigez l'un des deux.",
            term=term,
            place=place,
        )
    return compact


def check_endpoint(endpoint: Identifier | None, siren: str | None, place: str, term: str) -> Identifier | None:
    """An electronic address with its scheme, 0225 where none is given; it begins with the buyer's ``siren``.

    Raises:
        BuildError: ``party.bad_endpoint`` (BR-FR-21, BR-FR-23, BR-FR-25).
    """
    if endpoint is None:
        return None
    checked = Identifier(endpoint.value, endpoint.scheme or FRENCH_ADDRESS_SCHEME)
    if checked.scheme != FRENCH_ADDRESS_SCHEME:
        return checked
    if not _ADDRESS_0225.fullmatch(checked.value) or (siren is not None and not checked.value.startswith(siren)):
        wanted = (
            "at most 125 letters, digits, '-', '_' or '.', beginning with the SIREN",
            "une adresse d'au plus 125 lettres, chiffres, « - », « _ » ou « . », commençant par le SIREN",
        )
        raise _bad("party.bad_endpoint", checked.value, place, term, wanted)
    return checked


def check_account(iban: str, bic: str | None, holder: str | None, place: str) -> CreditAccount:
    """BG-17: a bank account whose IBAN and BIC are right, without blanks.

    Raises:
        BuildError: ``party.bad_iban`` or ``party.bad_bic``.
    """
    return CreditAccount(check_iban(iban, f"{place}.iban", "BT-84"), holder, _check_bic(bic, f"{place}.bic"))


def check_iban(iban: str, place: str, term: str) -> str:
    """An IBAN whose key is right, without blanks.

    Raises:
        BuildError: ``party.bad_iban``.
    """
    try:
        return str(IBAN(iban).compact)
    except SchwiftyException as error:
        raise _bad("party.bad_iban", iban, place, term, ("an IBAN", "un IBAN")) from error


def _check_bic(bic: str | None, place: str) -> str | None:
    if bic is None:
        return None
    try:
        return str(BIC(bic).compact)
    except SchwiftyException as error:
        raise _bad("party.bad_bic", bic, place, "BT-86", ("a BIC", "un BIC")) from error


def identifier_of(request: IdentifierRequest | None) -> Identifier | None:
    """An identifier with its scheme."""
    return Identifier(request.value, request.scheme) if request else None


def _bad(code: str, value: str, place: str, term: str, wanted: tuple[str, str]) -> BuildError:
    return BuildError(
        code,
        f"{place} ({term}) is {value!r}, which is not {wanted[0]}. Check it for typing errors.",
        f"{place} ({term}) vaut {value!r}, qui n'est pas {wanted[1]}. Vérifiez la saisie.",
        term=term,
        place=place,
    )
