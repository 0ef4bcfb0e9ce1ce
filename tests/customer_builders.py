"""What customers ask for and send in, for tests of pages: people, invitation, advice, requests, terms; made once."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import new_id, today
from config.secrets import fingerprint, token_text
from einvoice.archive import retention_end
from einvoice.keeping import KeptFile, keep_document
from payments.advices.keeping import Confirmed, confirm_advice, get_advice, keep_advice
from payments.advices.reading import read_table
from payments.advices.understanding import understand
from portal.access.people import add_membership, add_person
from portal.access.roles import Right, Role
from portal.customer.looks import look_of
from portal.customer.people.invitations import Guest, invitation_token, invite
from receivables.services.risk.company_changes import ask_change
from receivables.services.risk.opening import Opening, Wish, confirm_request, find_request, hold_request, set_opening
from receivables.store.customer_file.contacts import Contact, add_contact
from receivables.store.customer_file.desks import Desk, keep_desk
from receivables.store.settlement.terms_versions import publish_terms
from receivables.store.work import to_json

if TYPE_CHECKING:
    from portal_house import House

    from receivables.store.work import Work

LESSER = {
    "viewer": frozenset[Right](),
    "payer": frozenset({Right.PAY}),
    "disputer": frozenset({Right.DISPUTE}),
}
"""People of the customer who may do less than everything."""
THINGS: dict[UUID, dict[str, str]] = {}
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><rect width="40" height="40" rx="8" fill="#5b2a86"/>'
    '<path d="M20 8v24M8 20h24" stroke="#ffd54a" stroke-width="5"/><rect x="48" y="14" width="70" height="12" '
    'fill="#5b2a86"/></svg>'
)
COLOUR = "#c06a1f"
"""A colour in which text on white cannot be read as it is: its contrast is 3.9."""


def add_lesser_people(house: House) -> None:
    """Give the customer people with fewer rights."""
    for who, rights in LESSER.items():
        if who not in house.people:
            person = add_person(house.services.database, f"{who}@{house.supplier.siren}.example", f"Sam {who.title()}")
            supplier_id = house.supplier.supplier_id
            add_membership(
                house.services.database, person.person_id, supplier_id, Role.CUSTOMER, house.customer_id, rights=rights
            )
            house.people[who] = person


def customer_things(house: House) -> dict[str, str]:
    """Everything of this house that the pages of this area show, by name."""
    supplier_id = house.supplier.supplier_id
    if supplier_id in THINGS:
        return THINGS[supplier_id]
    add_lesser_people(house)
    spare = add_person(house.services.database, f"spare@{house.supplier.siren}.example", "Sacha Ancien")
    add_membership(house.services.database, spare.person_id, supplier_id, Role.CUSTOMER, house.customer_id)
    actor = f"person {house.people['customer'].person_id}"
    with house.services.works.begin(supplier_id) as work:
        terms = publish_terms(work, today() - timedelta(days=1), "test", wording="Paiement à 30 jours.\n\nMerci.")
        keep_desk(work, Desk(None, "Comptabilité clients", "01 23 45 67 89", None, "de 9 h à 12 h", "9 to 12"), "test")
        set_opening(work, Opening(is_open=True, welcome="Bienvenue chez nous."), "test")
        guest = Guest(f"guest@{house.supplier.siren}.example", "Nour Invitée", "fr", frozenset({Right.PAY}))
        invitation = invite(work, house.services.keyring, house.customer_id, guest, actor)
        change = ask_change(work, house.customer_id, {"city": "Nantes", "line1": "3, quai Est"}, "", actor)
        contact = add_contact(
            work, Contact(None, house.customer_id, "Lou", "billing", "lou@client.example", None, "fr"), actor
        )
        read, confirmed = (make_advice(work, house, f"F;{each}") for each in ("read", "confirmed"))
        advice = get_advice(work, house.customer_id, UUID(confirmed))
        confirm_advice(work, advice, Confirmed({house.invoices["due"].invoice_id: 500}, today()), actor)
        held, asked = _request(work, house, "held"), _request(work, house, "asked")
        work.execute(
            "UPDATE supplier_profiles SET profile = profile || CAST(:look AS jsonb) WHERE supplier_id = :supplier",
            look=to_json({"colour": COLOUR, "logo_svg": LOGO}),
        )
        look = look_of(work)
        THINGS[supplier_id] = {
            "supplier": str(supplier_id),
            "reference": house.supplier.reference,
            "terms": str(terms.version_id),
            "invitation": str(invitation.invitation_id),
            "joining": invitation_token(work, house.services.keyring, invitation.invitation_id),
            "member": str(spare.person_id),
            "own_contact": str(contact.contact_id),
            "change": str(change),
            "advice": read,
            "advice_done": confirmed,
            "asked_token": held[1],
            "account_request": asked[0],
            "look_sheet": str(look.sheet),
            "look_logo": str(look.logo),
        }
    return THINGS[supplier_id]


def make_advice(work: Work, house: House, reference: str) -> str:
    """An advice about two of the customer's invoices, read and kept."""
    due, part = (house.invoices[each].number for each in ("due", "part_paid"))
    content = f"Facture;Montant\n{due};1200,00\n{part};500,00\nX-9999-99;1,00\nTotal;1700,00\n{reference};\n".encode()
    house.services.archive.put(content, retention_end(today()))
    kept = KeptFile(content, f"{hashlib.sha256(content).hexdigest()[:8]}-avis.csv", "text/csv")
    document = keep_document(work, None, "attachment", kept, None, until=retention_end(today()))
    read = read_table(content)
    lines = understand(work, house.customer_id, read)
    actor = f"person {house.people['customer'].person_id}"
    return str(keep_advice(work, house.customer_id, read, lines, (document, kept.sha256), actor))


def _request(work: Work, house: House, state: str) -> tuple[str, str]:
    raw = work.supplier_id.bytes + house.services.keyring.derive("account-request", new_id().bytes)
    wish = Wish(
        f"Nouvelle {state} SARL",
        "Dominique Neuve",
        f"{state}@nouvelle-{house.supplier.siren}.example",
        "fr",
        address={"line1": "1, rue Neuve", "city": "Lyon", "country": "FR"},
        wanted_minor=500_000,
        said="Nous ouvrons en janvier.",
    )
    request_id = new_id()
    hold_request(work, wish, request_id, fingerprint(raw))
    if state == "asked":
        found = find_request(work, fingerprint(raw))
        assert found is not None
        confirm_request(work, found)
    return str(request_id), token_text(raw)
