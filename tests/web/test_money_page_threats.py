"""Hostile callers on the pages of money: nothing typed breaks a page, nobody sees or moves what is not theirs."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from debit_builders import PAYER_IBAN, debit_things
from matching_builders import ask_about, credit_line
from portal_house import build_house, press
from treasury_till import Till, build_till

from config.clock import new_id, today
from payments.refunds.orders import refunds_of
from portal.access.people import add_membership
from portal.access.roles import Role
from receivables.services.settlement.paying import RecordPayment, record_payment

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.routing import Rule

    from payments.refunds.orders import RefundOrder
    from portal.wiring import Services

MONEY = re.compile(
    r"(basket|mandates|autopay|questions|customer_iban|bank|bank_lines|matching|matching_choice|receipts|iban|treasury|"
    r"payments|refunds|contests|provider_accounts|debits|debit_mandates|pay)\."
)
NASTY = ("\0", "-1", "NaN", "9" * 400, "\u00b2", "\\", "\ufffe")
FIELDS = [
    "accept_account",
    "after",
    "amendment",
    "amount",
    "anyway",
    "before",
    "bic",
    "charge",
    "code",
    "credit",
    "credits",
    "currency",
    "cutoff",
    "customer",
    "due",
    "fee",
    "format",
    "from",
    "holder",
    "how",
    "iban",
    "ics",
    "invoice",
    "key",
    "kind",
    "limit",
    "lines",
    "means",
    "method",
    "minor",
    "number",
    "oldest",
    "on",
    "once",
    "ours",
    "paper",
    "payment",
    "pick",
    "provider",
    "q",
    "reason",
    "reference",
    "rejected",
    "rest",
    "rum",
    "said",
    "scheme",
    "secret",
    "sent_on",
    "show",
    "state",
    "told",
    "why",
    "api_url",
    "choice",
    "confirmed",
    "retry_days",
    "notice_days",
    "core_days",
    "b2b_days",
    "account",
    "drawer",
    "type",
    "all",
]
UNREACHABLE = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}
MOST_FIELDS = 45
"""Fields of one form, beside its token: the house takes fifty."""


@pytest.fixture(scope="module")
def till(services: Services) -> Till:
    return build_till(services)


@pytest.fixture(scope="module")
def ids(till: Till) -> dict[str, UUID]:
    """Something of each kind that addresses name."""
    with till.house.services.works.begin(till.supplier_id) as work:
        line_id = credit_line(work, 5_000, payer="PERSONNE")
        question_id = ask_about(work, line_id, till.house.customer_id)
        proposal_id = work.scalar("SELECT proposal_id FROM match_proposals WHERE supplier_id = :supplier LIMIT 1")
    things = {f"{name}_id": thing for name, thing in debit_things(till.house).items()}
    return {
        "attempt_id": till.treasure.attempt_id,
        "order_id": till.treasure.order_id,
        "customer_id": till.house.customer_id,
        "invoice_id": till.house.invoices["due"].invoice_id,
        "account_id": till.treasure.account_id,
        "line_id": line_id,
        "question_id": question_id,
        **({"proposal_id": proposal_id} if proposal_id else {}),
        **things,
    }


def address(app: Flask, rule: Rule, known: dict[str, UUID], text: str, token: str) -> str:
    """An address of a route: real ids where it asks for some, ``text`` elsewhere."""
    values: dict[str, object] = {}
    for name in rule.arguments:
        kind = type(rule._converters[name]).__name__
        values[name] = known.get(name, new_id()) if "UUID" in kind else text
        if kind == "AnyConverter":
            values[name] = "back"
    if "token" in values:
        values["token"] = token
    method = "GET" if "GET" in (rule.methods or ()) else "POST"
    return app.url_map.bind("localhost").build(rule.endpoint, values, method=method)


@pytest.mark.parametrize("who", ["owner", "customer"])
def test_no_page_of_money_breaks_whatever_is_typed(
    app: Flask, client: FlaskClient, till: Till, ids: dict[str, UUID], who: str
) -> None:
    till.house.sign_in(client, who)
    token, broken = till.house.links["due"].rpartition("/")[2], []
    for rule in app.url_map.iter_rules():
        if not MONEY.match(rule.endpoint):
            continue
        for nasty in NASTY:
            method = "GET" if "GET" in (rule.methods or ()) else "POST"
            path = address(app, rule, ids, nasty, token)
            if method == "GET":
                answers = [client.get(path, query_string=dict.fromkeys(FIELDS, nasty))]
            else:
                forms = (FIELDS[:MOST_FIELDS], FIELDS[MOST_FIELDS:])
                answers = [press(client, path, **dict.fromkeys(each, nasty)) for each in forms]
            told = {answer.status_code for answer in answers} - UNREACHABLE
            broken += [
                (rule.endpoint, nasty[:10], status) for status in told if status >= HTTPStatus.INTERNAL_SERVER_ERROR
            ]
    assert broken == []


def test_a_person_who_is_customer_and_staff_does_not_agree_to_their_own_refund(
    client: FlaskClient, services: Services
) -> None:
    house = build_house(services, "Deux Casquettes")
    person = house.people["owner"]
    add_membership(services.database, person.person_id, house.supplier.supplier_id, Role.CUSTOMER, house.customer_id)
    with services.works.begin(house.supplier.supplier_id) as work:
        attempt_id = record_payment(
            work,
            RecordPayment(
                payment_ref=f"stray-{new_id()}",
                customer_id=house.customer_id,
                amount_minor=5_000,
                currency="EUR",
                received_on=today(),
                method="transfer",
                road="bank",
                counter="bank",
                aims={},
                actor="person a",
                chosen_by="collector",
            ),
        )
    house.sign_in(client, "owner")
    assert press(client, f"/c/payments/{attempt_id}/refund", iban=PAYER_IBAN).status_code == HTTPStatus.SEE_OTHER

    def order() -> RefundOrder:
        with services.works.begin(house.supplier.supplier_id) as work:
            (found,) = refunds_of(work, attempt_id)
        return found

    assert press(client, f"/s/treasury/refunds/{order().order_id}/agree").status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert order().state == "to_agree"
    house.sign_in(client, "accountant")
    assert press(client, f"/s/treasury/refunds/{order().order_id}/agree").status_code == HTTPStatus.SEE_OTHER
    assert order().state == "to_send"


def test_nobody_floods_a_mailbox_with_codes_by_drafting_mandate_after_mandate(
    client: FlaskClient, till: Till, ids: dict[str, UUID]
) -> None:
    assert ids["mandate_id"]  # debits are set up
    till.house.sign_in(client, "customer")
    told = [
        press(client, "/c/mandates/new", scheme="core", holder="Camille", iban=PAYER_IBAN).status_code for _ in range(8)
    ]
    assert told.count(HTTPStatus.SEE_OTHER) == 5
    assert told[-1] == HTTPStatus.TOO_MANY_REQUESTS
