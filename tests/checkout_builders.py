"""A supplier that is paid through a running payment sandbox."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from payment_sandbox import KEY

from config.secrets import Keyring
from payments.accounts import active_account, open_account
from payments.checkout import start_checkout
from payments.gateways.stripe import StripeGateway
from payments.paying.plans import AimsPlan, CheckoutRequest

if TYPE_CHECKING:
    from uuid import UUID

    from payment_sandbox import Sandbox

    from payments.checkout import Started
    from payments.gateways.port import Gateway
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

KEYRING = Keyring(b"a root secret for tests, 32 bytes.")


class Till:
    """Where payers of one supplier press the button."""

    gateway_for_key = KEY

    def __init__(self, works: Works, supplier: Supplier, sandbox: Sandbox) -> None:
        self.works = works
        self.supplier = supplier
        self.sandbox = sandbox
        with works.begin(supplier.supplier_id) as work:
            self.account_id = open_account(
                work,
                KEYRING,
                provider="stripe",
                key=KEY,
                webhook_secret=sandbox.secret,
                base_url=sandbox.url,
                live=False,
            )

    def restore(self, work: Work) -> None:
        """Make the sandbox the provider again, after a builder opened an account of its own."""
        work.execute("UPDATE gateway_accounts SET active = false WHERE supplier_id = :supplier AND active")
        work.execute(
            "UPDATE gateway_accounts SET active = true WHERE supplier_id = :supplier AND account_id = :id",
            id=self.account_id,
        )

    def gateway_for(self, work: Work, account_id: UUID | None = None) -> Gateway:
        account = active_account(work, KEYRING, account_id)
        return StripeGateway(account.key, api_url=account.base_url, network_retries=0, timeout_s=2)

    def press(self, invoice: Invoice, **changes: Any) -> str:
        """Press the button of one invoice; returns the provider's page."""
        url = self.start(AimsPlan({invoice.invoice_id: None}), **changes).url
        assert url is not None
        return url

    def start(self, plan: AimsPlan, **changes: Any) -> Started:
        """Press the button of ``plan``."""
        fields: dict[str, Any] = {
            "supplier_id": self.supplier.supplier_id,
            "supplier_name": self.supplier.name,
            "plan": plan,
            "return_url": "https://portal.example/p/token",
            "language": "fr",
            "lifetime": timedelta(minutes=60),
        }
        return start_checkout(self.works, CheckoutRequest(**{**fields, **changes}), self.account_id, self.gateway_for)

    def attempts(self) -> list[dict[str, Any]]:
        """Attempts at this till and the state of what they reserve, oldest first; a shared supplier had others."""
        with self.works.begin(self.supplier.supplier_id) as work:
            return [
                dict(row)
                for row in work.rows(
                    "SELECT attempt_id, attempt.state, reservation.state AS reserved, attempt.amount_minor, "
                    "session_ref, checkout_url, payment_ref FROM payment_attempts AS attempt "
                    "JOIN reservations AS reservation USING (supplier_id, attempt_id) "
                    "WHERE supplier_id = :supplier AND account_id = :account ORDER BY attempt.created_at",
                    account=self.account_id,
                )
            ]

    def sessions(self) -> list[dict[str, Any]]:
        """This supplier's checkouts at the provider, newest first."""
        listed = self.sandbox.http.get("/v1/checkout/sessions", params={"limit": 100}).json()["data"]
        mine = str(self.supplier.supplier_id)
        return [session for session in listed if session["metadata"].get("supplier_id") == mine]
