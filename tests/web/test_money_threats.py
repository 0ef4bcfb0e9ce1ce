"""Hostile callers on the pages of money: nothing typed breaks a page, nobody sees or moves what is not theirs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from debit_builders import debit_things
from matching_builders import ask_about, credit_line
from portal_house import form_token
from treasury_till import Till, build_till

from config.clock import new_id

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.routing import Rule

    from portal.wiring import Services

MONEY = re.compile(
    r"(basket|mandates|autopay|questions|customer_iban|bank|bank_lines|matching|matching_choice|receipts|iban|treasury|"
    r"payments|refunds|contests|provider_accounts|debits|debit_mandates|pay)\."
)
NASTY = ("\0", "a\0b", "-1", "NaN", "1e999", "9" * 400, "\u00b2", "\u0661", "%", "\\", "'", "0x10", "..", "{0}", "\ufffe")
FIELDS = ["accept_account", "after", "aimed", "allocate", "amendment", "amount", "anyway", "asked", "attempt", "back", "before", "bic", "charge", "code", "creditor", "credit", "credits", "currency", "cutoff", "customer", "day", "due", "fee", "format", "from", "holder", "how", "iban", "ics", "invoice", "key", "kind", "limit", "lines", "means", "method", "minor", "name", "note", "number", "oldest", "on", "once", "ours", "page", "paper", "payment", "pick", "planned", "propose", "provider", "q", "reason", "reference", "rejected", "rest", "road", "rum", "said", "scheme", "secret", "sent_on", "show", "state", "told", "why", "api_url", "choice", "confirmed", "retry_days", "notice_days", "core_days", "b2b_days", "account", "drawer", "type", "place", "all"]


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


def address(app: Flask, rule: Rule, method: str, known: dict[str, UUID], text: str, token: str) -> str | None:
    """An address of a route: real ids where it asks for some, ``text`` elsewhere."""
    values: dict[str, object] = {}
    for name in rule.arguments:
        kind = type(rule._converters[name]).__name__
        values[name] = known.get(name, new_id()) if "UUID" in kind else text
        if kind == "AnyConverter":
            values[name] = "back"
    if "token" in values:
        values["token"] = token
    return app.url_map.bind("localhost").build(rule.endpoint, values, method=method)


@pytest.mark.parametrize("who", ["owner", "customer"])
def test_no_page_of_money_breaks_whatever_is_typed(app: Flask, client: FlaskClient, till: Till, ids: dict[str, UUID], who: str) -> None:
    till.house.sign_in(client, who)
    token, broken = till.house.links["due"].rpartition("/")[2], []
    for rule in app.url_map.iter_rules():
        if not MONEY.match(rule.endpoint):
            continue
        for nasty in NASTY:
            method = "GET" if "GET" in (rule.methods or ()) else "POST"
            path = address(app, rule, method, ids, nasty, token)
            given = dict.fromkeys(FIELDS, nasty)
            if method == "GET":
                answer = client.get(path, query_string=given)
            else:
                some = dict(list(given.items())[:45])
                data = {"form_token": form_token(client), **some}
                answer = client.post(path, data=data, headers={"Sec-Fetch-Site": "same-origin"})
            if answer.status_code >= 500 and answer.status_code not in {502, 503}:
                broken.append((rule.endpoint, nasty[:10], answer.status_code))
    assert broken == []
