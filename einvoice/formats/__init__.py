"""Syntaxes of the invoice: CII, UBL, Factur-X and the readable page."""

from __future__ import annotations
