"""What happened and where things stand, in the reader's words."""

from __future__ import annotations
