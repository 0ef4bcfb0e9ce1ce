"""Where the third-party samples and standards are, for tests that can use them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("QUITTANCE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared(path: str) -> Path:
    """The file or folder ``path`` of the shared material; skips the test where it is absent."""
    found = FOLDER / path
    if not found.exists():
        pytest.skip(f"shared material {path} is not on this machine (set QUITTANCE_SHARED)")
    return found
