"""The calls of the simulated API, one module per family of resources."""

from __future__ import annotations

from portal.sandboxes.payments.endpoints import checkout, customers, files, going_back, hooks, money, payments
from portal.sandboxes.payments.endpoints.calls import Call, Endpoint

__all__ = ["ENDPOINTS", "Call", "Endpoint"]

ENDPOINTS = (
    *customers.ENDPOINTS,
    *checkout.ENDPOINTS,
    *payments.ENDPOINTS,
    *going_back.ENDPOINTS,
    *files.ENDPOINTS,
    *money.ENDPOINTS,
    *hooks.ENDPOINTS,
)
