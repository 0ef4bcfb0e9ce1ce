"""Accounting (comptabilité): prove, close, seal, export, and take over what was open before."""

from __future__ import annotations
