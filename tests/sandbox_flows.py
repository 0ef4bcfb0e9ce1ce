"""The payment sandbox through the provider's own client: flows that several test files begin with."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import stripe
from payment_sandbox import KEY

if TYPE_CHECKING:
    from payment_sandbox import Sandbox

CARD = "4242424242424242"
DEBIT = "FR1420041010050500013M02606"
DAY_S = 24 * 60 * 60
TRANSFER = {
    "funding_type": "bank_transfer",
    "bank_transfer": {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "FR"}},
}


def client_of(sandbox: Sandbox, key: str = KEY, account: str | None = None) -> stripe.StripeClient:
    """The official client; files go to the sandbox too."""
    addresses: Any = {"api": sandbox.url, "files": sandbox.url}
    return stripe.StripeClient(key, base_addresses=addresses, stripe_account=account, max_network_retries=0)


class Flows:
    """One account of a sandbox, driven by the official client where the API can, else by the control routes."""

    def __init__(self, sandbox: Sandbox, client: stripe.StripeClient | None = None) -> None:
        self.sandbox = sandbox
        self.v1 = (client or client_of(sandbox)).v1

    def customer(self, name: str = "Garage Lefèvre") -> str:
        """A customer's id."""
        return self.v1.customers.create(params={"name": name, "email": "compta@lefevre.example"}).id

    def session(
        self, amount: int = 12_000, methods: tuple[str, ...] = ("card",), **more: Any
    ) -> stripe.checkout.Session:
        """An open session; ``customer_balance`` gets the options it needs."""
        line = {"currency": "eur", "unit_amount": amount, "product_data": {"name": "F-2026-0042"}}
        params: Any = {
            "mode": "payment",
            "success_url": "https://shop.example/ok",
            "line_items": [{"quantity": 1, "price_data": line}],
            "allowed_payment_method_types": list(methods),
        }
        if "customer_balance" in methods:
            params["payment_method_options"] = {"customer_balance": TRANSFER}
        return self.v1.checkout.sessions.create(params=params | more)

    def paid(self, amount: int = 12_000, means: str = CARD, **more: Any) -> str:
        """The PaymentIntent of a session that was paid with ``means``; a debit is settled."""
        method = "sepa_debit" if means[:2].isalpha() else "card"
        session = self.session(amount, (method,), **more)
        payment = str(self.sandbox.pay(session.id, means)["payment_intent"])
        if method == "sepa_debit":
            self.sandbox.control(f"settle/{payment}")
        return payment

    def saved(self, means: str = DEBIT) -> tuple[str, str]:
        """A customer and the payment method that it saved on the hosted page."""
        customer = self.customer()
        method = "sepa_debit" if means[:2].isalpha() else "card"
        params: Any = {
            "mode": "setup",
            "customer": customer,
            "success_url": "https://shop.example/ok",
            "allowed_payment_method_types": [method],
        }
        session = self.v1.checkout.sessions.create(params=params)
        self.sandbox.pay(session.id, means, confirm=True)
        return customer, self.v1.payment_methods.list(params={"customer": customer}).data[0].id

    def charge(self, customer: str, method: str, amount: int = 9_900, **more: Any) -> stripe.PaymentIntent:
        """Charge a saved method with nobody there."""
        params: Any = {
            "amount": amount,
            "currency": "eur",
            "customer": customer,
            "payment_method": method,
            "confirm": True,
            "off_session": True,
        }
        return self.v1.payment_intents.create(params=params | more)

    def transfer(self, customer: str, amount: int, reference: str = "") -> Any:
        """The customer transfers to its own account number."""
        return self.sandbox.control("transfers", customer=customer, amount=amount, reference=reference)

    def claim(self, customer: str, amount: int) -> stripe.PaymentIntent:
        """A payment by transfer, confirmed at once."""
        params: Any = {
            "amount": amount,
            "currency": "eur",
            "customer": customer,
            "confirm": True,
            "allowed_payment_method_types": ["customer_balance"],
            "payment_method_data": {"type": "customer_balance"},
            "payment_method_options": {"customer_balance": TRANSFER},
        }
        return self.v1.payment_intents.create(params=params)

    def evidence(self, content: bytes = b"%PDF-1.7 preuve", name: str = "preuve.pdf") -> str:
        """An uploaded file's id; the library takes the name from the file object."""
        file = io.BytesIO(content)
        file.name = name
        return self.v1.files.create(params={"purpose": "dispute_evidence", "file": file}).id

    def advance(self, days: int) -> None:
        """Let days pass."""
        self.sandbox.control("clock", days=days)

    def events(self, *kinds: str) -> list[str]:
        """Types of all events so far (of those that begin like ``kinds``), oldest first."""
        found = [event.type for event in self.v1.events.list(params={"limit": 100}).auto_paging_iter()]
        return [kind for kind in reversed(found) if not kinds or kind.startswith(kinds)]
