"""Claims for late interest as documents and mails."""

from __future__ import annotations
