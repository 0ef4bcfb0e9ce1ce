"""Our accounts at the bank: importing statements, and what each of their lines turned out to be."""

from __future__ import annotations
