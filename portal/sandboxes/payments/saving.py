"""Means of payment as objects: made, saved for a customer, forgotten; mandates behind debits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import shapes_of_customers as shapes
from portal.sandboxes.payments.ibans import UNSUPPORTED
from portal.sandboxes.payments.means import PAYMENT_METHODS, means_named
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.means import Means


def make(books: Books, means: Means, billing: Mapping[str, Any] | None = None) -> Json:
    """A new payment method of ``means``; ``billing`` has the e-mail and name where they are known."""
    method = shapes.payment_method(books.new_id("pm"), books.now(), means, billing or {})
    method.update(_set_up=False, _gone=False)
    return books.add("pm", method)


def make_debited(books: Books, iban: str, billing: Mapping[str, Any]) -> Json:
    """A payment method for debits of a test account.

    Raises:
        StripeRefusal: The bank or the account cannot be debited, or this is no test account.
    """
    plain = iban.replace(" ", "").upper()
    if plain in UNSUPPORTED:
        raise StripeRefusal("This account cannot be debited.", code=UNSUPPORTED[plain], param="sepa_debit[iban]")
    means = means_named(plain)
    if means is None or means.method != "sepa_debit":
        raise StripeRefusal(
            "The IBAN you provided is not a test account of the provider.",
            code="invalid_bank_account_iban",
            param="sepa_debit[iban]",
        )
    for wanted in ("email", "name"):
        if wanted not in billing:
            name = f"billing_details[{wanted}]"
            raise StripeRefusal(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return make(books, means, billing)


def named(books: Books, identifier: str, param: str = "payment_method") -> Json:
    """The payment method with this id; one of the provider's test names stands for a new one.

    Raises:
        StripeRefusal: ``resource_missing``.
    """
    means = means_named(PAYMENT_METHODS.get(identifier, ""))
    if means is not None:
        return make(books, means, {"email": "payeur@example.fr", "name": "Payeur fictif"})
    return books.get("pm", identifier, param)


def means_of(method: Json) -> Means:
    """What a payment method does.

    Raises:
        StripeRefusal: It does nothing that the sandbox knows.
    """
    means = means_named(method["_means"])
    if means is None:
        raise StripeRefusal(f"{method['id']} cannot be used here.", param="payment_method")
    return means


def attach(books: Books, method: Json, customer_id: str) -> Json:
    """Save a payment method for a customer; nothing happens where it is saved for the same one.

    Raises:
        StripeRefusal: It belongs to another customer, or was forgotten.
    """
    books.get("cus", customer_id, "customer")
    if method["customer"] == customer_id:
        return method
    if method["_gone"] or method["customer"]:
        raise StripeRefusal(
            "The payment method you provided has already been attached to a customer, or was detached from one.",
            param="payment_method",
        )
    method.update(customer=customer_id, allow_redisplay="always")
    books.emit("payment_method.attached", method)
    return method


def detach(books: Books, method: Json) -> Json:
    """Forget a saved payment method for good; its mandate ends with it.

    Raises:
        StripeRefusal: It is not attached to a customer.
    """
    if not method["customer"]:
        raise StripeRefusal(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    before = {"customer": method["customer"]}
    method.update(customer=None, _gone=True)
    books.emit("payment_method.detached", method, before)
    if method["_mandate"]:
        end_mandate(books, books.get("mandate", method["_mandate"]))
    return method


def mandate_of(books: Books, method: Json, prefix: str = "") -> Json | None:
    """The mandate behind debits of ``method``, given now where there was none; None where none is needed.

    Raises:
        StripeRefusal: ``payment_intent_mandate_invalid``: it has ended.
    """
    if method["type"] != "sepa_debit":
        return None
    if method["_mandate"] is None:
        mandate = shapes.mandate(books.new_id("mandate"), books.now(), method, prefix)
        method["_mandate"] = books.add("mandate", mandate)["id"]
    mandate = books.get("mandate", method["_mandate"])
    if mandate["status"] != "active":
        raise StripeRefusal(
            "The mandate of this PaymentMethod is inactive; collect a new one.",
            code="payment_intent_mandate_invalid",
            param="payment_method",
        )
    return mandate


def end_mandate(books: Books, mandate: Json) -> Json:
    """A mandate becomes inactive; nothing happens where it is."""
    if mandate["status"] != "inactive":
        before = {"status": mandate["status"]}
        mandate["status"] = "inactive"
        books.emit("mandate.updated", mandate, before)
    return mandate


def open_setup(books: Books, params: Mapping[str, Any], methods: list[str]) -> Json:
    """A SetupIntent that waits for a means of payment."""
    setup = books.add("seti", shapes.setup_intent(books.new_id("seti"), books.now(), params, methods))
    books.emit("setup_intent.created", setup)
    return setup


def finish_setup(books: Books, setup: Json, method: Json, prefix: str = "") -> Json:
    """The payer has saved ``method``; a customer it is saved for keeps it."""
    mandate = mandate_of(books, method, prefix)
    method["_set_up"] = True
    if setup["customer"]:
        attach(books, method, setup["customer"])
    setup.update(
        status="succeeded",
        payment_method=method["id"],
        mandate=mandate["id"] if mandate else None,
        next_action=None,
        last_setup_error=None,
    )
    books.emit("setup_intent.succeeded", setup)
    return setup


def fail_setup(books: Books, setup: Json, means: Means) -> Json:
    """The bank did not let a means of payment be saved."""
    declined = means.outcome == "declined"
    setup.update(status="requires_payment_method", next_action=None)
    setup["last_setup_error"] = {
        "type": "card_error" if declined else "invalid_request_error",
        "code": "card_declined" if declined else "setup_intent_authentication_failure",
        "decline_code": means.decline,
        "message": "The payment method was not saved.",
        "payment_method_type": means.method,
    }
    books.emit("setup_intent.setup_failed", setup)
    return setup
