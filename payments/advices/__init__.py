"""Remittance advices (avis de paiement): what a customer says a payment is for, read, confirmed and kept."""

from __future__ import annotations
