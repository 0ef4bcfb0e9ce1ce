"""References of payments as people read them: what stands on a cheque or a transfer, never the id at a provider."""

from __future__ import annotations

import re

from payments.banking.by_hand import printed_reference

_AT_PROVIDER = re.compile(r"(?:pi|py|ch|re|pyr|du)_[0-9A-Za-z]{8,}|PM(?=\d*[A-Z])(?:00[0-9A-Z]{7,}|[0-9A-Z]{16})")
"""Ids at Stripe and GoCardless: they say nothing to anybody, and stand in the facts of one payment alone. No more than
these: what a customer wrote on a transfer, and the number of an invoice on a statement, may begin like them."""


def told_reference(reference: str) -> str:
    """What a list says of a payment's reference; empty where it is only a provider's id."""
    return "" if _AT_PROVIDER.fullmatch(reference) else printed_reference(reference)
