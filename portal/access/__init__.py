"""Who may enter: principals, sessions, magic links."""

from __future__ import annotations
