"""The company's bank account and its changes."""

from __future__ import annotations
