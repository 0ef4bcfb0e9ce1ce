"""Every object of the payment sandbox has the fields that the pinned client library declares for it, and no others."""

from __future__ import annotations

import ast
import importlib
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from payment_sandbox import running_sandbox
from sandbox_flows import CARD, DEBIT, Flows

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = {
    "balance": "stripe._balance",
    "balance_transaction": "stripe._balance_transaction",
    "cash_balance": "stripe._cash_balance",
    "charge": "stripe._charge",
    "checkout.session": "stripe.checkout._session",
    "customer": "stripe._customer",
    "customer_cash_balance_transaction": "stripe._customer_cash_balance_transaction",
    "dispute": "stripe._dispute",
    "event": "stripe._event",
    "file": "stripe._file",
    "funding_instructions": "stripe._funding_instructions",
    "mandate": "stripe._mandate",
    "payment_intent": "stripe._payment_intent",
    "payment_method": "stripe._payment_method",
    "payout": "stripe._payout",
    "refund": "stripe._refund",
    "setup_intent": "stripe._setup_intent",
    "webhook_endpoint": "stripe._webhook_endpoint",
}
UNDECLARED = {
    "charge": {"source"},
    "payment_intent": {"source"},
    "refund.destination_details": {"sepa_debit"},
}
"""Fields that the API sends and the library does not declare."""


class Declared:
    """What one class of the library declares: fields, which of them are always there, and nested classes."""

    def __init__(self, node: ast.ClassDef) -> None:
        self.nested = {part.name: Declared(part) for part in node.body if isinstance(part, ast.ClassDef)}
        self.fields = {
            part.target.id: ast.unparse(part.annotation)
            for part in node.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        }
        self.required = {
            name
            for name, kind in self.fields.items()
            if not kind.startswith(("Optional[", "ClassVar[", "NotRequired["))
        }

    def within(self, field: str) -> Declared | None:
        """The nested class that a field is of."""
        kind = self.fields[field].removeprefix("Optional[").removeprefix("List[").strip("[]'")
        return self.nested.get(kind)


def declared(kind: str) -> Declared:
    source = inspect.getsource(importlib.import_module(MODULES[kind]))
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    return Declared(classes[-1])


def differences(thing: Any, known: Declared, place: str) -> Iterator[str]:
    """What is missing in ``thing``, or not declared."""
    yield from (f"{place}.{name} is missing" for name in sorted(known.required - set(thing)))
    for name, value in thing.items():
        if name not in known.fields:
            if name not in UNDECLARED.get(place, ()):
                yield f"{place}.{name} is not declared"
            continue
        inner = known.within(name)
        for part in value if isinstance(value, list) else [value]:
            if inner is not None and isinstance(part, dict):
                yield from differences(part, inner, f"{place}.{name}")


@pytest.fixture(scope="module")
def things() -> dict[str, list[dict[str, Any]]]:
    """Objects of every kind, as the API answers them after a bit of everything."""
    with running_sandbox() as sandbox:
        flows = Flows(sandbox)
        customer, method = flows.saved(DEBIT)
        flows.charge(customer, method)
        session = flows.session(5_000, ("customer_balance",), customer=customer)
        sandbox.pay(session.id, "transfer")
        flows.transfer(customer, 2_000)
        flows.paid(7_000, CARD)
        sandbox.control(f"returns/{flows.paid(3_000, DEBIT)}", code="MD06")
        for means in ("4000000000000259", "4000000000001976"):
            flows.paid(4_000, means)
        for means in ("paypal", "link"):
            flows.sandbox.pay(flows.session(2_000, (means,)).id, means, confirm=True)
        sandbox.http.post("/v1/refunds", data={"payment_intent": flows.paid(), "amount": 100})
        sandbox.http.post("/v1/refunds", data={"payment_intent": flows.paid(900, DEBIT)})
        flows.evidence()
        sandbox.control("payouts", pending=True)
        paths = (
            "checkout/sessions payment_intents setup_intents charges refunds disputes balance_transactions payouts "
            f"customers customers/{customer}/cash_balance_transactions customers/{customer}/payment_methods events "
            f"webhook_endpoints files balance customers/{customer}/cash_balance"
        )
        answers = [
            sandbox.http.get(f"/v1/{path}", params={} if "balance" in path else {"limit": 100}).json()
            for path in paths.split()
        ]
        form = {"currency": "eur", "funding_type": "bank_transfer", "bank_transfer[type]": "eu_bank_transfer"}
        form["bank_transfer[eu_bank_transfer][country]"] = "FR"
        answers.append(sandbox.http.post(f"/v1/customers/{customer}/funding_instructions", data=form).json())
        mandate = flows.v1.setup_intents.list().data[0].mandate
        answers.append(sandbox.http.get(f"/v1/mandates/{mandate}").json())
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in MODULES}
    for answer in answers:
        for thing in answer["data"] if answer["object"] == "list" else [answer]:
            found[thing["object"]].append(thing)
    return found


@pytest.mark.parametrize("kind", sorted(MODULES))
def test_objects_have_the_declared_fields(things: dict[str, list[dict[str, Any]]], kind: str) -> None:
    assert things[kind], "nothing to compare"
    known = declared(kind)
    assert sorted({one for thing in things[kind] for one in differences(thing, known, kind)}) == []


def test_every_event_is_of_a_type_that_the_library_knows(things: dict[str, list[dict[str, Any]]]) -> None:
    known = inspect.getsource(importlib.import_module("stripe._event"))
    told = {event["type"] for event in things["event"]}
    assert len(told) > 20
    assert {kind for kind in told if f'"{kind}"' not in known} == set()


def test_a_missing_and_an_invented_field_would_be_seen(things: dict[str, list[dict[str, Any]]]) -> None:
    payout = {**things["payout"][0], "colour": "red"}
    del payout["arrival_date"]
    assert list(differences(payout, declared("payout"), "payout")) == [
        "payout.arrival_date is missing",
        "payout.colour is not declared",
    ]
