"""Matching (rapprochement): which open invoices a credit of the bank's pays, with its reasons, or nobody's guess."""

from __future__ import annotations
