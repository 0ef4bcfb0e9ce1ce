"""Invoices written by hand: what is typed, what it asks for, what is wrong with it, and what comes back."""

from __future__ import annotations
