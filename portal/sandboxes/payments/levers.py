"""The control page for people in a demonstration: play the banks and the payers, and move the clock, with buttons."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from babel.dates import format_datetime
from babel.numbers import format_decimal
from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from portal.sandboxes.dress import format_money, secure
from portal.sandboxes.payments import balance, bank, cash, claims
from portal.sandboxes.payments.acts import do_act
from portal.sandboxes.payments.refusals import StripeRefusal
from portal.sandboxes.payments.texts_of_levers import LEVER_TEXTS
from portal.sandboxes.payments.texts_of_levers import STATUSES as STATUS_TEXTS
from portal.sandboxes.strangers import refuse_strangers
from receivables.domain.money import Money

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from portal.sandboxes.payments.accounts import Accounts
    from portal.sandboxes.payments.books import Books, Json

SHOWN = 15
"""Objects of a kind on the page, the newest."""


def create_levers(accounts: Accounts) -> Blueprint:
    """The blueprint of the control page under /control; a form works only with the token that the page gave it."""
    page = Blueprint("payment_sandbox_levers", __name__)
    secure(page)
    refuse_strangers(page)
    token = accounts.mint.letters()

    @page.get("/control")
    def levers() -> AnyResponse:
        accounts.sweep()
        return make_response(_rendered(accounts, _chosen(accounts), token))

    @page.post("/control")
    def pull() -> AnyResponse:
        if not hmac.compare_digest(request.form.get("token", ""), token):
            abort(403)
        accounts.sweep()
        books = _chosen(accounts)
        try:
            do_act(accounts, books, request.form)
        except StripeRefusal as refusal:
            return make_response(_rendered(accounts, books, token, said=str(refusal)), 400)
        return redirect(url_for(".levers", account=books.account_id, lang=_language(), _anchor=_anchor()), 303)

    return page


def _anchor() -> str:
    place = request.form.get("place", "")
    return place if place.isalpha() else ""


def _chosen(accounts: Accounts) -> Books:
    return accounts.books(request.values.get("account", "")) or accounts.first


def _language() -> str:
    asked = request.values.get("lang", "")
    return asked if asked in LEVER_TEXTS else request.accept_languages.best_match(list(LEVER_TEXTS)) or "fr"


def _rendered(accounts: Accounts, books: Books, token: str, said: str = "") -> str:
    language = _language()
    with books.lock:
        return render_template(
            "payments/levers.html",
            lang=language,
            other="en" if language == "fr" else "fr",
            t=LEVER_TEXTS[language],
            merchant=books.name,
            token=token,
            said=said,
            account=books.account_id,
            accounts=[(one.account_id, one.name) for one in accounts],
            now=_moment(books.now(), language),
            sums=_sums(books, language),
            codes=sorted(claims.RETURNS),
            **_lists(books, language),
        )


def _lists(books: Books, language: str) -> dict[str, Any]:
    return {
        "payments": [_payment(books, one, language) for one in _newest(books, "pi")],
        "disputes": [_going_back(books, one, language) for one in _newest(books, "dp")],
        "refunds": [_going_back(books, one, language) for one in _newest(books, "re")],
        "payouts": [_row(one, language) for one in _newest(books, "po")],
        "customers": [_customer(books, one, language) for one in _newest(books, "cus")],
        "bank": [
            line | {"amount": format_money(line["amount_minor"], line["currency"], language)}
            for line in reversed(bank.view(books)["lines"][-SHOWN:])
        ],
    }


def _newest(books: Books, prefix: str) -> list[Json]:
    return list(reversed(list(books.objects[prefix].values())[-SHOWN:]))


def _row(thing: Json, language: str) -> dict[str, Any]:
    return {
        "id": thing["id"],
        "status": thing["status"],
        "said": STATUS_TEXTS[language].get(thing["status"], thing["status"]),
        "amount": format_money(thing["amount"], thing["currency"], language),
    }


def _payment(books: Books, payment: Json, language: str) -> dict[str, Any]:
    charge = books.objects["ch"].get(payment["latest_charge"])
    method = charge["payment_method_details"]["type"] if charge else ""
    texts = LEVER_TEXTS[language]
    return _row(payment, language) | {
        "name": _name(books, payment),
        "method": texts.get(method, method),
        "returnable": bool(charge and charge["captured"] and not charge["disputed"] and method == "sepa_debit"),
        "disputable": bool(charge and charge["captured"] and not charge["disputed"] and method in {"card", "paypal"}),
    }


def _name(books: Books, payment: Json) -> str:
    """What a payment is for."""
    session = books.objects["cs"].get(payment["_session"])
    lines = session["_lines"] if session else []
    return str(payment["description"] or (lines[0]["description"] if lines else payment["id"]))


def _going_back(books: Books, thing: Json, language: str) -> dict[str, Any]:
    """A dispute or a refund, with the payment it is of and the bank's reason."""
    payment = books.objects["pi"].get(thing["payment_intent"])
    returned = thing["object"] == "dispute" and thing["payment_method_details"] is None
    reason = (thing["network_reason_code"] if returned else thing["reason"]) or ""
    return _row(thing, language) | {"name": _name(books, payment) if payment else thing["id"], "reason": reason}


def _customer(books: Books, customer: Json, language: str) -> dict[str, Any]:
    asking = next(
        (
            payment["next_action"]["display_bank_transfer_instructions"]
            for payment in books.objects["pi"].values()
            if payment["customer"] == customer["id"]
            and (payment["next_action"] or {}).get("type") == "display_bank_transfer_instructions"
        ),
        None,
    )
    lying = cash.cash_of(customer).get("eur", 0)
    return {
        "id": customer["id"],
        "name": customer["name"] or customer["email"] or customer["id"],
        "iban": cash.account_of(books, customer, "FR")["iban"],
        "lying": format_money(lying, "eur", language),
        "reference": asking["reference"] if asking else "",
        "missing": format_decimal(Money(asking["amount_remaining"]).decimal, "0.00", language) if asking else "",
    }


def _sums(books: Books, language: str) -> dict[str, str]:
    told = balance.told(books)
    return {
        name: " + ".join(format_money(one["amount"], one["currency"], language) for one in told[name])
        for name in ("available", "pending")
    }


def _moment(now: int, language: str) -> str:
    return format_datetime(datetime.fromtimestamp(now, UTC), "EEEE d MMMM y, HH:mm 'UTC'", locale=language)
