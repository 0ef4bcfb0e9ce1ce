"""Documents: issue, credit, correct, check, and the files that people bring or take."""

from __future__ import annotations
