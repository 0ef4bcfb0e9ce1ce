"""The sandbox's directory (*annuaire*): companies, establishments, routing codes and electronic addresses."""

from __future__ import annotations
