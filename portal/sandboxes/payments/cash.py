"""Transfers to an account number of one customer alone: they wait as its cash balance until a payment uses them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import outcomes
from portal.sandboxes.payments import shapes_of_customers as shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.sandboxes.payments.books import Books, Json

COUNTRIES = {"DE": ("", 18), "FR": ("", 21), "IE": ("SAND", 14), "NL": ("SAND", 10)}
"""Countries that account numbers are given of: the letters of their bank, and how many digits follow."""

LEAST_CHECK = 98


def country_in(params: Mapping[str, Any]) -> str:
    """The country of the account number in parameters of a payment."""
    asked = params.get("payment_method_options", {}).get("customer_balance", {}).get("bank_transfer", {})
    return str(asked.get("eu_bank_transfer", {}).get("country", "FR"))


def account_of(books: Books, customer: Json, country: str) -> dict[str, str]:
    """The account number of a customer: always the same, with right check digits, of a bank that does not exist."""
    letters, length = COUNTRIES[country]
    value = int.from_bytes(hashlib.sha256(f"{customer['id']}:{country}".encode()).digest(), "big")
    number = letters + str(value)[:length]
    if country == "FR":
        number += f"{97 - int(number) * 100 % 97:02d}"  # the national key (RIB) of a number without letters
    digits = "".join(str(int(sign, 36)) for sign in f"{number}{country}00")
    iban = f"{country}{LEAST_CHECK - int(digits) % 97:02d}{number}"
    return {"country": country, "iban": iban, "bic": f"SAND{country}PPXXX", "holder": books.name}


def cash_of(customer: Json) -> dict[str, int]:
    """What lies for a customer, by currency, in minor units."""
    lying: dict[str, int] = customer.setdefault("_cash", {})
    return lying


def balance_of(customer: Json) -> Json:
    """The cash balance as the API tells it."""
    return shapes.cash_balance(customer["id"], cash_of(customer))


def ask(books: Books, payment: Json) -> bool:
    """Ask the payer of ``payment`` to transfer, less what lies there. Returns whether that paid everything.

    A payment that what lies there covers is never asked for.
    """
    customer = books.get("cus", payment["customer"] or "", "customer")
    if cash_of(customer).get(payment["currency"], 0) >= payment["amount"]:
        _apply(books, customer, payment)
        return True
    instructions = {
        "amount_remaining": payment["amount"],
        "currency": payment["currency"],
        "financial_addresses": [shapes.funding_address(account_of(books, customer, payment["_country"]))],
        "hosted_instructions_url": None,
        "reference": payment["id"][-12:].upper(),
        "type": "eu_bank_transfer",
    }
    action = {"type": "display_bank_transfer_instructions", "display_bank_transfer_instructions": instructions}
    payment.update(status="requires_action", next_action=action)
    books.emit("payment_intent.requires_action", payment)
    if cash_of(customer).get(payment["currency"], 0):
        _apply(books, customer, payment)
    return False


def fund(books: Books, customer: Json, amount: int, currency: str, *, reference: str, sender: str) -> Json:
    """A transfer arrives on a customer's account number, and goes to the payments that ask for it.

    First the payment whose reference it names, then the one of exactly this amount, then the oldest; what is left
    lies there.
    """
    told = {"bic": "AGRIFRPPXXX", "iban_last4": "0189", "sender_name": sender}
    transfer = {"eu_bank_transfer": told, "reference": reference or None, "type": "eu_bank_transfer"}
    movement = _record(books, customer, "funded", amount, currency, funded={"bank_transfer": transfer})
    while cash_of(customer).get(currency, 0):
        payment = _wanting(books, customer, currency, reference)
        if payment is None:
            books.emit("cash_balance.funds_available", balance_of(customer))
            break
        _apply(books, customer, payment)
    return movement


def give_back(books: Books, payment: Json) -> None:
    """What was transferred for a cancelled payment lies there for its customer again."""
    if payment["_funded"]:
        customer = books.get("cus", payment["customer"])
        amount, payment["_funded"] = payment["_funded"], 0
        told = {"payment_intent": payment["id"]}
        _record(books, customer, "unapplied_from_payment", amount, payment["currency"], unapplied_from_payment=told)


def send_back(books: Books, customer: Json, amount: int, currency: str) -> Json:
    """What lies there goes back to where it came from."""
    return _record(books, customer, "return_initiated", -amount, currency)


def take_back(books: Books, customer: Json, amount: int, currency: str) -> Json:
    """What was sent back did not arrive: it lies there again."""
    return _record(books, customer, "return_canceled", amount, currency)


def _wanting(books: Books, customer: Json, currency: str, reference: str) -> Json | None:
    """The open payment that lying money goes to."""
    wanting = [
        payment
        for payment in books.objects["pi"].values()
        if payment["customer"] == customer["id"]
        and payment["currency"] == currency
        and (payment["next_action"] or {}).get("type") == "display_bank_transfer_instructions"
    ]

    def rank(payment: Json) -> tuple[bool, bool]:
        told = payment["next_action"]["display_bank_transfer_instructions"]
        named = bool(reference) and told["reference"] in reference.upper().replace(" ", "")
        return not named, told["amount_remaining"] != cash_of(customer)[currency]

    return min(wanting, key=rank, default=None)


def _apply(books: Books, customer: Json, payment: Json) -> None:
    """Use what lies there for a payment."""
    currency = payment["currency"]
    amount = min(cash_of(customer)[currency], payment["amount"] - payment["_funded"])
    payment["_funded"] += amount
    told = {"payment_intent": payment["id"]}
    _record(books, customer, "applied_to_payment", -amount, currency, applied_to_payment=told)
    if payment["_funded"] == payment["amount"]:
        outcomes.charge_transfer(books, payment)
        return
    instructions = payment["next_action"]["display_bank_transfer_instructions"]
    instructions["amount_remaining"] = payment["amount"] - payment["_funded"]
    books.emit("payment_intent.partially_funded", payment)


def _record(books: Books, customer: Json, kind: str, net: int, currency: str, **told: Any) -> Json:
    lying = cash_of(customer)
    lying[currency] = lying.get(currency, 0) + net
    movement = shapes.cash_transaction(
        books.new_id("ccsbtxn"),
        books.now(),
        customer["id"],
        kind,
        net_amount=net,
        currency=currency,
        ending_balance=lying[currency],
        **told,
    )
    books.add("ccsbtxn", movement)
    books.emit("customer_cash_balance_transaction.created", movement)
    return movement
