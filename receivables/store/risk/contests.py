"""Disputed payments (litiges de paiement) in PostgreSQL, as the exposure needs them."""

from __future__ import annotations

CONTESTED = (
    "SELECT customer_id, contest.currency, contest.amount_minor AS minor FROM provider_disputes AS contest "
    "JOIN payment_attempts AS paid USING (supplier_id, attempt_id) WHERE contest.supplier_id = :supplier "
    "AND contest.state IN ('open', 'answered')"
)
"""Money of paid invoices that a provider took until a dispute is decided, by customer."""
