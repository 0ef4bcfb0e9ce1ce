"""What lies with providers (511) until it is at the bank (512): movements, payouts, cash, and the daily comparison."""

from __future__ import annotations
