"""Evidence bundles (dossiers de preuve): what an invoice was and what became of it, in one zip that can be checked."""

from __future__ import annotations
