"""Files that are too long for a request: asked for, made by the worker, kept a week for whoever asked."""

from __future__ import annotations
