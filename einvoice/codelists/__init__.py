"""What the code lists of the norm say, in French and English: units, currencies, reasons for no VAT."""

from __future__ import annotations
