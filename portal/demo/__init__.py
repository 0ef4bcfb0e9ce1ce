"""The demonstration: a whole house with realistic data, a sandbox provider and a sandbox platform."""

from __future__ import annotations
