"""``/s/invoicing``: invoices written by hand, their drafts and templates, what comes back, what follows an invoice."""

from __future__ import annotations
