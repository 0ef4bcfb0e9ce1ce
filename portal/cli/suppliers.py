"""Set a supplier up: profile, people, API tokens, payment links.

Secrets are typed or come from the environment: on the command line every process would see them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from pydantic_core import from_json
from rich.markup import escape

from einvoice.errors import EInvoiceError
from einvoice.kept import profile_from_json
from payments.links import revoke_links
from portal.access.members import IN_PORTFOLIO
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.api.tokens import create_token
from portal.cli.house import err, fail, named_invoice, named_supplier, out, services_of_house
from portal.documents.issuing import BRANDING, CHOICES, check_choices, check_profile
from portal.profiles import save_profile
from receivables.store.register import create_supplier


@click.command()
@click.argument("profile", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def supplier(profile: Path) -> None:
    """Open a supplier, or change it, from a JSON profile (docs/issuing.md)."""
    try:
        given = _json_object(profile.read_bytes())
        check_choices(given)
        read = profile_from_json(given)
    except EInvoiceError as error:
        fail(error)
        raise SystemExit(1) from error
    except ValidationError as error:
        for each in error.errors():
            err.print(f"[red]profile.invalid[/] {escape('.'.join(map(str, each['loc'])))}: {escape(each['msg'])}")
        raise SystemExit(1) from error
    except (ValueError, TypeError) as error:
        err.print(f"[red]profile.not_json[/] {escape(profile.name)}: {escape(str(error))}")
        raise SystemExit(1) from error
    try:
        check_profile(read, given)
    except EInvoiceError as error:
        fail(error)
        raise SystemExit(1) from error
    with services_of_house() as services:
        found = create_supplier(services.database, read.siren, read.name)
        with services.works.begin(found.supplier_id) as work:
            change = save_profile(
                work, read, {name: given[name] for name in sorted((BRANDING | CHOICES.keys()) & set(given))}
            )
            work.audit("command line", "supplier.profile_saved", found.reference)
        out.print(f"{found.name}, {found.reference}: {found.supplier_id}")
        if change is not None:
            out.print(f"Account {escape(change.printed)} is in quarantine until {change.active_from:%F %R} UTC.")
            out.print("It counts then, once an owner or accountant has confirmed it (docs/iban.md).")


@click.command()
@click.argument("email")
@click.argument("name")
@click.option("--supplier", "reference", metavar="SIREN", required=True)
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--customer", metavar="ACCOUNT", help="The customer account (C00012) that a customer's person acts for.")
@click.option("--portfolio", is_flag=True, help="They see only the customers whom they look after.")
def invite(*, email: str, name: str, reference: str, role: str, customer: str | None, portfolio: bool) -> None:
    """Let a person sign in at a supplier."""
    with services_of_house() as services:
        found = named_supplier(services, reference)
        with services.works.begin(found.supplier_id) as work:
            customer_id = work.scalar(
                "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND account_code = :code",
                code=customer,
            )
        if customer and customer_id is None:
            err.print(f"[red]customer.not_found[/] {found.name} has no customer account {customer}.")
            raise SystemExit(1)
        if (role == Role.CUSTOMER.value) != (customer_id is not None):
            err.print("[red]person.invalid[/] Role customer needs --customer; the other roles have none.")
            raise SystemExit(1)
        if not name.strip():
            err.print("[red]person.invalid[/] The name is empty.")
            raise SystemExit(1)
        try:
            person = add_person(services.database, email, name)
            held = portfolio and Role(role) in IN_PORTFOLIO
            add_membership(
                services.database, person.person_id, found.supplier_id, Role(role), customer_id, portfolio=held
            )
        except ValueError as error:
            err.print(f"[red]person.invalid[/] {escape(str(error))}")
            raise SystemExit(1) from error
        with services.works.begin(found.supplier_id) as work:
            work.audit("command line", "person.invited", str(person.person_id), role=role, portfolio=held)
        out.print(f"{name} may sign in at {services.settings.public_url}/sign-in")


@click.command()
@click.argument("reference", metavar="SIREN")
@click.option("--label", default="command line", help="What the token is for.")
def token(reference: str, label: str) -> None:
    """Make an API token for a supplier. It is shown once."""
    with services_of_house() as services:
        with services.works.begin(named_supplier(services, reference).supplier_id) as work:
            made = create_token(work, label)
        out.print(made)


@click.command()
@click.argument("reference", metavar="SIREN")
@click.argument("number")
@click.argument("year", type=int)
@click.option("--revoke", is_flag=True, help="Revoke every link of the invoice instead; a new one is made on demand.")
def link(*, reference: str, number: str, year: int, revoke: bool) -> None:
    """Print the payment page of an invoice, or revoke its links."""
    with services_of_house() as services:
        with services.works.begin(named_supplier(services, reference).supplier_id) as work:
            invoice = named_invoice(work, number, year)
            if revoke:
                said = f"{revoke_links(work, invoice.invoice_id, 'command line')} link(s) revoked."
            else:
                said = services.pay_link(work, invoice.invoice_id, "document")
        out.print(said)


def _json_object(content: bytes) -> dict[str, Any]:
    given = from_json(content)
    if not isinstance(given, dict):
        raise TypeError("a JSON object with name, siren and address is wanted.")
    return given
