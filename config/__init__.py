"""How the house is run: settings, secrets, database, clock, shared engines. Imports nothing of ours."""

from __future__ import annotations
