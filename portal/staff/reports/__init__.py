"""The pages of e-reporting: what is declared to the State, for which period, made of what."""

from __future__ import annotations
