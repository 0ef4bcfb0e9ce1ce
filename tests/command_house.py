"""Commands that work in a test's house, and leave it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from portal.wiring import Services


class Kept:
    """The services of the test's house, that a command may not close."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __getattr__(self, name: str) -> object:
        return getattr(self._services, name)

    def close(self) -> None:
        """Other tests still need them."""


def command_here(monkeypatch: pytest.MonkeyPatch, services: Services, data_dir: Path) -> None:
    """Have every command work with ``services``, and keep its files in ``data_dir``."""
    monkeypatch.setattr("portal.cli.house.build_services", lambda _: Kept(services))
    monkeypatch.setenv("QUITTANCE_DATA_DIR", str(data_dir))
