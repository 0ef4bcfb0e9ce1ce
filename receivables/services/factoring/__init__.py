"""Factoring (affacturage): assign claims, keep their books, follow the factor's money."""

from __future__ import annotations
