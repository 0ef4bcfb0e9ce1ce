"""Treasury pages: where the money is, payments, payouts, refunds, chargebacks, provider accounts."""

from __future__ import annotations
