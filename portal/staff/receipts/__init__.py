"""Cheques, bills, cash and foreign transfers: written down by hand or from a list, brought to the bank together."""

from __future__ import annotations
