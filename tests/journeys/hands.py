"""A person before a browser: all that they press, type or choose is counted, all that they see is kept."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

PATIENCE_MS = 20_000


@dataclass
class Hands:
    """One walk of one person; ``interactions`` are presses, typed fields, choices and files."""

    page: Page
    base: str
    pictures: Path
    name: str
    interactions: int = 0
    shots: int = 0
    begun: float = field(default_factory=time.monotonic)

    def begin(self, path: str) -> None:
        """Open the page from which the walk is counted."""
        self.page.goto(path if path.startswith("http") else self.base + path)
        self.interactions, self.begun = 0, time.monotonic()
        self.look()

    @property
    def seconds(self) -> float:
        """Since the walk began; a person reads and types besides."""
        return time.monotonic() - self.begun

    def press(self, name: str, *, kind: str = "button", within: Locator | None = None) -> None:
        """Press a button or link by what it says (the beginning of it)."""
        found = (within or self.page.locator("main")).get_by_role(kind, name=re.compile(f"^{name}"))  # type: ignore[arg-type]
        found.first.click()
        self._count()

    def open(self, name: str) -> None:
        """Unfold what stands behind a word."""
        self.page.locator("main summary", has_text=name).first.click()
        self._count()

    def type(self, label: str, text: str) -> None:
        """Fill a field."""
        self.page.get_by_label(label, exact=False).first.fill(text)
        self._count()

    def choose(self, label: str, option: str | int) -> None:
        """Choose from a list, by its words or its place."""
        field_ = self.page.get_by_label(label, exact=False).first
        if isinstance(option, int):
            field_.select_option(index=option)
        else:
            field_.select_option(label=option)
        self._count()

    def tick(self, label: str) -> None:
        """Tick a box or a choice."""
        self.page.get_by_label(label, exact=False).first.check()
        self._count()

    def give(self, label: str, file: Path) -> None:
        """Give a file."""
        self.page.get_by_label(label, exact=False).first.set_input_files(str(file))
        self._count()

    def see(self, text: str, *, within_s: float = PATIENCE_MS / 1000) -> None:
        """Wait until the page says something; pages of things that are under way are looked at again."""
        until = time.monotonic() + within_s
        while text not in self.page.locator("body").inner_text():
            if time.monotonic() > until:
                raise AssertionError(f"{self.name}: nothing says {text!r} at {self.page.url}")
            self.page.wait_for_timeout(1_000)  # as patient as a person: pages limit how often they are asked for
            self.page.reload()
        self.look()

    def look(self) -> None:
        """Keep what is on the screen."""
        self.shots += 1
        self.page.screenshot(path=self.pictures / f"{self.name}-{self.shots}.png", full_page=True)

    def _count(self) -> None:
        self.interactions += 1
        self.page.wait_for_load_state()
