"""Matching in the collector's workspace: the queue of proposals, one line, other invoices, known payers."""

from __future__ import annotations
