"""A Stripe account as a payment provider: what each module of this package can do, together."""

from __future__ import annotations

from payments.gateways.port import Capability
from payments.gateways.stripe.checkouts import Checkouts
from payments.gateways.stripe.customers import Customers
from payments.gateways.stripe.disputes import Disputes
from payments.gateways.stripe.payments import Payments
from payments.gateways.stripe.rights import Rights
from payments.gateways.stripe.treasury import Treasury
from payments.gateways.stripe_reading import PROVIDER


class StripeGateway(Checkouts, Customers, Payments, Treasury, Disputes, Rights):
    """A `payments.gateways.port.Gateway` for one Stripe account; see `StripeCalls` for what it is made with."""

    provider = PROVIDER
    capabilities = frozenset(Capability)
    methods = frozenset({"card", "sepa_debit", "transfer", "paypal", "link"})
    """``card`` brings the wallets of phones (Apple Pay, Google Pay) with it, where the account has them."""
