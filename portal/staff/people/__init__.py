"""The supplier's people: who may do what, invitations, sessions."""

from __future__ import annotations
