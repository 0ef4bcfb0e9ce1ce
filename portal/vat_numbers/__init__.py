"""Whether the VAT number of a customer in another member state is valid: asked of VIES, and kept as evidence."""

from __future__ import annotations
