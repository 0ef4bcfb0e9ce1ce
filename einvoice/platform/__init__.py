"""Approved platforms (plateformes agréées): port and client."""

from __future__ import annotations
