"""Invoicing: the invoice as the books need it, its number, and when it comes back; pure rules."""

from __future__ import annotations
