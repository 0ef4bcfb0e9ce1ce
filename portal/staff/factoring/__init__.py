"""Factoring: factors and their contracts, claims in their hands, money and fees between them and us."""

from __future__ import annotations
