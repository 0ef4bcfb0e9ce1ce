"""Passkeys (WebAuthn level 3): a key pair whose private half never leaves the device, bound to this house's address.

To this address alone: suppliers' own hosts are no related origins (5.11), though browsers know them. A supplier points
its name where it likes, so a page there could ask anybody's device for an answer and hand it in here; and browsers
read five names at most, a house has more suppliers. Who comes from such a host signs in at the house's.

User verification (finger, face, PIN) is demanded, so that a passkey is two proofs at once. Attestation is not asked
for: who made the device says nothing about who holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import text
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from config.clock import new_id, now
from config.secrets import new_token, token_bytes, token_text
from portal.access.ceremonies import begin_ceremony, end_ceremony
from portal.access.people import get_person

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from portal.access.people import Person
    from portal.wiring import Services

ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
MOST = 10
"""Passkeys of one person."""
LONGEST_ANSWER = 16_384
ADD, PROVE, SIGN_IN = "passkey-add", "passkey-prove", "passkey-sign-in"
NOBODY = ""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its person sees it."""

    passkey_id: UUID
    label: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Question:
    """What a page asks the browser for: options for the device, and the sealed question they belong to."""

    options: str
    token: str


def passkeys_of(services: Services, person_id: UUID) -> list[Passkey]:
    """The passkeys of a person, oldest first."""
    with services.database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT passkey_id, label, created_at, used_at FROM passkeys WHERE person_id = :person "
                "AND ended_at IS NULL ORDER BY created_at"
            ),
            {"person": person_id},
        ).mappings()
        return [Passkey(**row) for row in rows]


def ask_new_passkey(services: Services, person: Person) -> Question:
    """Ask the device for a key of its own; devices that have one already do not make another."""
    challenge = new_token()
    options = generate_registration_options(
        rp_id=passkey_host(services),
        rp_name="Quittance",
        user_id=person.person_id.bytes,
        user_name=person.email,
        user_display_name=person.name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(services, person.person_id),
        supported_pub_key_algs=ALGORITHMS,
    )
    return Question(options_to_json(options), _begin(services, ADD, challenge, str(person.person_id)))


def add_passkey(services: Services, person: Person, token: str, answer: str, label: str) -> bool:
    """Keep the key that a device made; ``False`` where the answer does not fit the question."""
    challenge = _end(services, ADD, token, str(person.person_id))
    if challenge is None or len(answer) > LONGEST_ANSWER or len(passkeys_of(services, person.person_id)) >= MOST:
        return False
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=passkey_host(services),
            expected_origin=_origin(services),
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except (WebAuthnException, ValueError):
        return False
    with services.database.register() as connection:
        added = connection.execute(
            text(
                "INSERT INTO passkeys (credential_id, passkey_id, person_id, public_key, sign_count, label, "
                "created_at) VALUES (:credential, :id, :person, :key, :count, :label, :at) ON CONFLICT DO NOTHING"
            ),
            {
                "credential": made.credential_id,
                "id": new_id(),
                "person": person.person_id,
                "key": made.credential_public_key,
                "count": made.sign_count,
                "label": label,
                "at": now(),
            },
        ).rowcount
    return added == 1


def ask_passkey(services: Services, person_id: UUID | None) -> Question:
    """Ask for a passkey: of this person, or of whoever is there (``None``: the device knows who)."""
    challenge = new_token()
    options = generate_authentication_options(
        rp_id=passkey_host(services),
        challenge=challenge,
        allow_credentials=_descriptors(services, person_id) if person_id else [],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    kind = PROVE if person_id else SIGN_IN
    return Question(options_to_json(options), _begin(services, kind, challenge, str(person_id or NOBODY)))


def person_of_passkey(services: Services, token: str, answer: str, person_id: UUID | None = None) -> Person | None:
    """Whose passkey answered; ``None`` where it does not fit the question or is not (any more) one of ours.

    ``person_id`` is who was asked. A counter that went back tells of a copied key: nobody is let in by it.
    """
    challenge = _end(services, PROVE if person_id else SIGN_IN, token, str(person_id or NOBODY))
    if challenge is None or len(answer) > LONGEST_ANSWER:
        return None
    try:
        given = parse_authentication_credential_json(answer)
        row = _row(services, given.raw_id)
        if row is None or (person_id is not None and row["person_id"] != person_id):
            return None
        verified = verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=passkey_host(services),
            expected_origin=_origin(services),
            credential_public_key=bytes(row["public_key"]),
            credential_current_sign_count=row["sign_count"],
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        return None
    if given.response.user_handle not in {None, row["person_id"].bytes}:
        return None
    return get_person(services.database, row["person_id"]) if _count(services, row, verified.new_sign_count) else None


def end_passkey(services: Services, person_id: UUID, passkey_id: UUID) -> bool:
    """Take one passkey of a person back."""
    with services.database.register() as connection:
        ended = connection.execute(
            text(
                "UPDATE passkeys SET ended_at = :at WHERE person_id = :person AND passkey_id = :id AND ended_at IS NULL"
            ),
            {"at": now(), "person": person_id, "id": passkey_id},
        ).rowcount
    return ended == 1


def _row(services: Services, credential_id: bytes) -> RowMapping | None:
    with services.database.register() as connection:
        return (
            connection.execute(
                text("SELECT * FROM passkeys WHERE credential_id = :id AND ended_at IS NULL"), {"id": credential_id}
            )
            .mappings()
            .first()
        )


def _count(services: Services, row: RowMapping, count: int) -> bool:
    """Note a use; of two answers with the same count one is taken."""
    with services.database.register() as connection:
        noted = connection.execute(
            text(
                "UPDATE passkeys SET sign_count = :count, used_at = :at WHERE credential_id = :id "
                "AND sign_count = :before AND ended_at IS NULL"
            ),
            {"count": count, "at": now(), "id": row["credential_id"], "before": row["sign_count"]},
        ).rowcount
    return noted == 1


def _descriptors(services: Services, person_id: UUID) -> list[PublicKeyCredentialDescriptor]:
    with services.database.register() as connection:
        found = connection.scalars(
            text("SELECT credential_id FROM passkeys WHERE person_id = :person AND ended_at IS NULL"),
            {"person": person_id},
        ).all()
    return [PublicKeyCredentialDescriptor(id=bytes(each)) for each in found]


def _begin(services: Services, kind: str, challenge: bytes, person: str) -> str:
    return begin_ceremony(services.keyring, kind, challenge=token_text(challenge), person=person)


def _end(services: Services, kind: str, token: str, person: str) -> bytes | None:
    facts = end_ceremony(services, kind, token)
    return token_bytes(facts["challenge"]) if facts and facts["person"] == person else None


def passkey_host(services: Services) -> str:
    """The relying party: the host under which this house is reached, for which a passkey is good."""
    return urlsplit(services.settings.public_url).hostname or "localhost"


def _origin(services: Services) -> str:
    parts = urlsplit(services.settings.public_url)
    return f"{parts.scheme}://{parts.netloc}"
