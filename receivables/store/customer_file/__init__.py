"""The customer's file (fiche client) in PostgreSQL: who they are, what happened, whom they reach."""

from __future__ import annotations
