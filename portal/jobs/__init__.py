"""Long work on many lines: started at once, done in slices by the worker, watched on a page, reported line by line."""

from __future__ import annotations
