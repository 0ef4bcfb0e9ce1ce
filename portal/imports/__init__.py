"""Files that a supplier brings: tables of invoices, archives of documents, read strictly and taken in line by line."""

from __future__ import annotations
