"""Mail in PostgreSQL: the book of mails, its texts, and who wants none."""

from __future__ import annotations
