"""The collector's workspace: whom to call, what to do today, views kept, everything found."""

from __future__ import annotations
