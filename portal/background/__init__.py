"""What runs without anybody looking: the worker, its duties, its chores, its turns."""

from __future__ import annotations
