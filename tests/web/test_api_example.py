"""The example at the beginning of docs/api.md works as it stands: its own lines are run, call by call."""

from __future__ import annotations

import base64
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from einvoice.composing.seller import SellerProfile
from einvoice.document import Address
from portal.api.blueprints import API_BLUEPRINTS
from portal.api.clients import create_client
from portal.app import create_app
from portal.profiles import save_profile

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from portal.wiring import Services
    from receivables.store.register import Supplier

PAGE = Path(__file__).parents[2] / "docs/api.md"


def example() -> str:
    """The first block of commands, in one line each."""
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)[:1]
    return block.replace("\\\n", " ")


def calls_of(block: str) -> list[str]:
    """The curl commands of a block, each to its end: a quoted body may go over several lines."""
    found, command = [], ""
    for line in block.splitlines():
        if command or "curl " in line:
            command = f"{command}\n{line}" if command else line
            if command.count("'") % 2 == 0:
                found.append(command)
                command = ""
    return found


def run(client: FlaskClient, command: str, known: dict[str, str]) -> TestResponse:
    """One curl command, as far as the page uses curl."""
    for name, value in known.items():
        command = command.replace(f"${name}", value)
    words = shlex.split(command.partition("curl")[2].partition(" | ")[0].removesuffix(")"))
    headers, body, address, given = {}, None, "", iter(words)
    for word in given:
        if word == "-H":
            name, _, value = next(given).partition(": ")
            headers[name] = value
        elif word == "-u":
            headers["Authorization"] = f"Basic {base64.b64encode(next(given).encode()).decode()}"
        elif word == "-d":
            body = next(given)
            headers["Content-Type"] = "application/x-www-form-urlencoded"  # what curl says
        elif word != "-s":
            address = word
    parts = urlsplit(address)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return client.open(path, method="POST" if body else "GET", data=body, headers=headers)


def test_the_first_five_minutes_of_the_page_work_line_by_line(services: Services, supplier: Supplier) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        save_profile(
            work,
            SellerProfile(
                name=supplier.name,
                siren="812345015",
                address=Address("FR", "12 quai de la Fosse", postcode="44000", city="Nantes"),
                vat_id="FR73812345015",
                iban="FR7630004000010008123450115",
            ),
        )
        scopes = ["invoices:read", "invoices:write", "customers:read", "customers:write", "credit:read"]
        program, secret = create_client(work, "ERP", scopes, "test")
    client = create_app(services, API_BLUEPRINTS).test_client()
    known = {"CLIENT_ID": program.public_id, "CLIENT_SECRET": secret, "BASE": "https://pay.example"}
    token, customer, invoice, listed, decided = calls_of(example())
    known["TOKEN"] = run(client, token, known).json["access_token"]
    opened = run(client, customer, known)
    assert (opened.status_code, opened.json["account_code"]) == (201, "C00001"), opened.text
    issued = run(client, invoice, known)
    assert (issued.status_code, issued.json["amount_due"]) == (201, "1200.00"), issued.text
    shown = run(client, listed, known).json["invoices"]
    assert [(each["number"], each["customer_name"]) for each in shown] == [
        (issued.json["number"], "Boulangerie Martin")
    ]
    assert run(client, decided, known).json["decision"] in {"OK", "WARN", "REVIEW", "BLOCK"}
    assert run(client, invoice, known).data == issued.data, "the same key, the same answer"
