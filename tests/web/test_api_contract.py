"""The published schema is kept: Schemathesis makes calls of it, right ones and wrong ones, on a house with everything.

Short by default; ``make api`` makes it long (``QUITTANCE_SCHEMATHESIS_EXAMPLES=100``).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from claim_builders import claim_of
from portal_house import build_house
from promise_builders import agreement_things

from einvoice.composing.seller import SellerProfile
from einvoice.document import Address
from portal.api.blueprints import API_BLUEPRINTS
from portal.api.door import RATES
from portal.api.invoices import SMALLEST
from portal.api.rates import Rates
from portal.api.schema import openapi
from portal.api.tokens import create_token
from portal.app import create_app
from portal.profiles import save_profile

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

if TYPE_CHECKING:
    from flask import Flask
    from portal_house import House
    from schemathesis import Case

    from portal.wiring import Services

EXAMPLES = int(os.environ.get("QUITTANCE_SCHEMATHESIS_EXAMPLES", "1"))
"""Examples per operation and mode."""
SLOW = frozenset({"create_invoice", "create_invoice_credit_note", "create_validation", "get_invoice_evidence"})
"""Operations that start judges or write PDF files: fewer examples of them."""
CALLS = 100_000
"""More than a program may call in a minute: this test is about answers."""


@schemathesis.serializer("application/x-ndjson")
def write_lines(_context: object, value: object) -> bytes:
    """A body of lines as it stands."""
    return str(value).encode()


@pytest.fixture(scope="module")
def app(services: Services) -> Flask:
    made = create_app(services, API_BLUEPRINTS)
    made.extensions[RATES] = Rates(services.counts, CALLS, failures=CALLS)
    return made


@pytest.fixture(scope="module")
def shop(services: Services) -> House:
    """A house of this test's own: random calls accept its disputes and issue in its name."""
    built = build_house(services, "Atelier des Contrats")
    with services.works.begin(built.supplier.supplier_id) as work:
        save_profile(
            work,
            SellerProfile(
                name=built.supplier.name,
                siren="812345015",
                address=Address("FR", "12 quai de la Fosse", postcode="44000", city="Nantes"),
                vat_id="FR73812345015",
                iban="FR7630004000010008123450115",
            ),
        )
    return built


@pytest.fixture(scope="module")
def known(app: Flask, shop: House) -> dict[str, Any]:
    """Ids of things that are there, so that not every answer is a 404."""
    house = shop
    things = agreement_things(house)
    with house.services.works.begin(house.supplier.supplier_id) as work:
        payment = work.scalar("SELECT attempt_id FROM payment_attempts WHERE supplier_id = :supplier LIMIT 1")
        thread = work.scalar("SELECT thread_id FROM message_threads WHERE supplier_id = :supplier LIMIT 1")
        code = work.scalar(
            "SELECT account_code FROM customers WHERE supplier_id = :supplier AND customer_id = :id",
            id=house.customer_id,
        )
        token = create_token(work, "schemathesis")
    issued = (
        app.test_client().post("/api/v1/invoices", json=SMALLEST, headers={"Authorization": f"Bearer {token}"}).json
    )
    return {
        "token": token,
        "account_code": code,
        "customer": code,
        "year": int(issued["issue_date"][:4]),
        "number": issued["number"],
        "invoice_id": issued["invoice_id"],
        "document_id": str(house.document_id),
        "dispute_id": str(house.dispute_id),
        "payment_id": str(payment),
        "claim_id": str(claim_of(house)),
        "form": "facturx",
        **({"thread_id": str(thread)} if thread else {}),
        **{f"{name}_id": str(things[name]) for name in ("promise", "plan")},
    }


def load(app: Flask, token: str) -> Any:
    config = schemathesis.Config.from_dict(
        {
            "auth": {"openapi": {"token": {"bearer": token}}},
            # what has the right form may still name nobody, clash with what is there, or be refused by a rule
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404", "409", "413", "415", "422"]},
                "negative_data_rejection": {
                    "expected-statuses": ["2xx", "400", "401", "403", "404", "405", "409", "413", "415", "422"]
                },
            },
        }
    )
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, config=config)


def test_every_operation_keeps_its_contract(app: Flask, known: dict[str, Any]) -> None:
    covered: dict[str, list[int]] = {}
    for result in load(app, known["token"]).get_all_operations():
        operation = result.ok()
        modes = [schemathesis.GenerationMode.POSITIVE]
        if operation.query or operation.body:
            modes.append(schemathesis.GenerationMode.NEGATIVE)
        most = 1 if operation.definition.raw["operationId"] in SLOW else EXAMPLES
        covered[operation.label] = [
            status
            for mode in modes
            for status in call_all(operation.as_strategy(generation_mode=mode), most, known, right=mode is modes[0])
        ]
    published = sum(len(methods) for methods in openapi()["paths"].values())
    assert len(covered) == published
    assert all(covered.values()), [label for label, statuses in covered.items() if not statuses]
    worked = [label for label, statuses in covered.items() if any(status < 300 for status in statuses)]
    print(f"{published} operations, {sum(map(len, covered.values()))} calls, {len(worked)} operations answered 2xx")
    assert len(worked) > published // 3, "most calls found nothing: the test looks at refusals alone"


def call_all(cases: Any, most: int, known: dict[str, Any], *, right: bool) -> list[int]:
    """Call ``most`` of ``cases``, the same ones every time, and check every answer; their HTTP statuses."""
    statuses = []

    def keeps(case: Case) -> None:
        if right:
            for name in set(case.path_parameters or {}) & known.keys():
                case.path_parameters[name] = known[name]
            if isinstance(case.body, dict) and "customer" in case.body:
                case.body["customer"] = known["customer"]
        statuses.append(case.call_and_validate().status_code)

    settings = hypothesis.settings(
        max_examples=most,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    settings(hypothesis.given(cases)(keeps))()
    return statuses
