"""A second payment provider to run against: a stateful simulator that speaks GoCardless' API, with faults on demand.

State lives in memory, behind one lock, and dies with the process. It moves no money and keeps no account number: it is
for demonstrations, development and tests, never reachable from outside. The API and the control routes want the key.
"""

from __future__ import annotations

from portal.sandboxes.gocardless.app import create_gocardless_sandbox
from portal.sandboxes.gocardless.books import GoCardlessSandboxSettings

__all__ = ["GoCardlessSandboxSettings", "create_gocardless_sandbox"]
