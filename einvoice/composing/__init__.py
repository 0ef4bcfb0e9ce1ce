"""From a request to the legal document: terms derived, totals computed, French mentions added."""

from __future__ import annotations
