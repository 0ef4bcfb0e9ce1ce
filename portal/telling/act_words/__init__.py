"""What every act of the audit trail is called, in French and English: one table per part of the house."""

from __future__ import annotations
