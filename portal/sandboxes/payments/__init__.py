"""A payment provider to run against: a stateful simulator that speaks Stripe's API, with faults on demand.

State lives in memory, behind one lock, and dies with the process. It moves no money and keeps no card: it is for
demonstrations, development and tests, never reachable from outside. The API and the control routes want the key.
"""

from __future__ import annotations

from portal.sandboxes.payments.app import create_payment_sandbox
from portal.sandboxes.payments.settings import PaymentSandboxSettings

__all__ = ["PaymentSandboxSettings", "create_payment_sandbox"]
