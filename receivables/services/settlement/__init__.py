"""Settlement: money and credit meet invoices, are lettered, moved, given up and taken back."""

from __future__ import annotations
