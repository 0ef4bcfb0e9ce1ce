"""What a supplier says about itself: company, items, terms, numbers, looks, domain, and what the law wants when."""

from __future__ import annotations
