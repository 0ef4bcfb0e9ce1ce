"""A supplier who may write invoices by hand: a complete profile, a customer that was invoiced, a draft."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from config.clock import new_id, today
from einvoice.composing.seller import SellerProfile
from einvoice.document import Address
from einvoice.kept import profile_to_json
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from portal.documents.issuing import IssueOptions, issue_content
from portal.invoicing.buyers import buyer_of, french_vat_number
from portal.invoicing.copying import again
from portal.invoicing.recurring import plan_next
from portal.invoicing.typed import to_kept
from portal.profiles import save_profile
from receivables.domain.invoicing.recurrence import Rhythm
from receivables.store.invoicing.drafts import NewDraft, keep_template, open_draft
from receivables.store.invoicing.recurring import NewRecurring, begin_recurring
from receivables.store.register import Supplier, create_supplier

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House

    from portal.access.people import Person
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice

BUYER = {
    "name": "Boulangerie Moreau",
    "siren": "552100554",
    "vat_id": french_vat_number("552100554"),
    "address": {"line1": "12 rue des Lilas", "postcode": "69003", "city": "Lyon"},
    "contact": {"email": "compta@moreau.example"},
}
ADDRESS = Address(line1="1 quai du Port", postcode="69002", city="Lyon", country="FR")
LINES = [{"name": "Conseil en éclairage", "quantity": "2", "unit": "HUR", "net_price": "80.00", "vat_rate": "20"}]


def luhn_siren(number: int) -> str:
    """A SIREN that begins with the eight digits of ``number``, with its control digit (Luhn)."""
    digits = f"{number % 10**8:08d}"
    total = sum(sum(divmod(2 * int(each), 10)) if place % 2 else int(each) for place, each in enumerate(digits))
    return digits + str(-total % 10)


class Writer:
    """A supplier, its accountant, and the invoice that it issued first."""

    def __init__(self, services: Services, **profile: object) -> None:
        """Open it; ``profile`` changes what its profile says."""
        siren = luhn_siren(new_id().int)
        self.services = services
        self.supplier: Supplier = create_supplier(services.database, siren, "Atelier Claire")
        said = {"vat_id": french_vat_number(siren), **profile}
        with services.works.begin(self.supplier.supplier_id) as work:
            save_profile(
                work,
                SellerProfile(
                    name="Atelier Claire",
                    siren=siren,
                    address=ADDRESS,
                    legal_form="SARL au capital de 10 000 EUR",
                    registration="RCS Lyon",
                    iban="FR7630006000011234567890189",
                    **said,  # type: ignore[arg-type]
                ),
            )
        self.person: Person = add_person(services.database, f"claire@{siren}.example", "Claire")
        add_membership(services.database, self.person.person_id, self.supplier.supplier_id, Role.ACCOUNTANT)

    def sign_in(self, client: FlaskClient) -> None:
        """Give ``client`` the accountant's session."""
        token = open_session(self.services.database, self.services.settings, self.person.person_id)
        client.set_cookie("session", token)

    def issue(self, **request: object) -> Invoice:
        """Issue an invoice by our JSON."""
        content = json.dumps({"buyer": BUYER, "lines": LINES, **request}).encode()
        options = IssueOptions(self.supplier.reference, actor="test")
        return issue_content(self.services, content, "request", options).invoice


THINGS: dict[UUID, dict[str, UUID]] = {}


def invoicing_things(house: House) -> dict[str, UUID]:
    """A draft that is ready, one to throw away, a template, a recurring invoice and an invoice of the house."""
    supplier = house.supplier
    supplier_id = supplier.supplier_id
    if supplier_id not in THINGS:
        with house.services.works.begin(supplier_id) as work:
            kept = profile_to_json(
                SellerProfile(name=supplier.name, siren=luhn_siren(new_id().int), address=ADDRESS, legal_form="SARL")
            )
            work.execute(
                "UPDATE supplier_profiles SET profile = CAST(:more AS jsonb) || profile WHERE supplier_id = :supplier",
                more=json.dumps(kept | {"registration": "RCS Lyon"}),
            )
        lines = [{**LINES[0], "vat_category": "E", "vat_rate": "0"}]
        exempt = [{"vat_category": "E", "code": "VATEX-FR-FRANCHISE"}]
        content = json.dumps({"buyer": BUYER, "lines": lines, "vat_exemptions": exempt}).encode()
        invoice = issue_content(
            house.services, content, "request", IssueOptions(supplier.reference, actor="test")
        ).invoice
        with house.services.works.begin(supplier_id) as work:
            buyer = buyer_of(work, invoice.customer_id)
            typed = to_kept(again(invoice, buyer))
            written, discarded = (
                open_draft(work, NewDraft(typed, "blank", "test", buyer.name, invoice.customer_id)) for _ in range(2)
            )
            keep_template(work, "Forfait mensuel", typed, "test")
            plan = NewRecurring(
                invoice.customer_id, "Forfait", typed, Rhythm.MONTH, today(), None, automatic=False, actor="test"
            )
            recurring = begin_recurring(work, plan)
            plan_next(work, supplier, recurring, today())
        THINGS[supplier_id] = {
            "written": written,
            "discarded": discarded,
            "recurring": recurring,
            "written_before": invoice.invoice_id,
        }
    return THINGS[supplier_id]
