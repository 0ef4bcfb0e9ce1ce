"""The sandbox's contract: its own OpenAPI documents, and the checks of requests that are made of them."""

from __future__ import annotations
