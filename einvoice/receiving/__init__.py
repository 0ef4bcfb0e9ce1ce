"""Invoices that the supplier receives as a buyer: kept as they came, judged, read, and answered by status."""

from __future__ import annotations
