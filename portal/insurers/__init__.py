"""Credit insurers: one port, files and calls behind it, drivers that are data; read like the agencies' ones."""

from __future__ import annotations
