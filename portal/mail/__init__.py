"""Mail: what the house writes to people, its one look, and the post that sends it."""

from __future__ import annotations
