"""Hosts of suppliers' own (``factures.example.fr``): proven by DNS, and good for their payment pages alone.

A supplier can point its name elsewhere at any moment, and would then read whatever cookies browsers send there. So no
session ever begins on such a host: it shows payment pages, whose address is their key, and sends all else to the house.
"""

from __future__ import annotations
