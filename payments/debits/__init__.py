"""Our own SEPA direct debits: mandates, files for the bank, what the bank answers, and what follows from it."""

from __future__ import annotations
