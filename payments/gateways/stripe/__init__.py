"""Stripe behind the port: the only package that imports the provider's library.

A request that makes something carries an idempotency key of ours, so that repeating it is safe; a request whose answer
is lost is *in doubt*, never assumed done or undone. Test and live money never mix: the key decides the mode.
"""

from __future__ import annotations

from payments.gateways.stripe.gateway import StripeGateway

__all__ = ["StripeGateway"]
