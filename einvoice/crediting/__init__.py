"""The credit note of an issued invoice, as a request like any other."""

from __future__ import annotations
