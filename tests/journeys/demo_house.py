"""The demonstration as a house to walk through: whole, with its worker, sandbox provider and sandbox platform."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

READY = "Ctrl-C"
STARTED_IN_S = 300
OUT = "demo.out"


@contextmanager
def demo_house(folder: Path, invoices: int = 30) -> Iterator[str]:
    """The address of a demonstration that runs as long as this lasts."""
    port = _free_ports()
    command = [sys.executable, "-m", "portal.cli", "demo", "--invoices", str(invoices), "--port", str(port)]
    out = folder / OUT
    with out.open("w") as told:
        running = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + STARTED_IN_S
            while READY not in out.read_text():
                if running.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"The demonstration did not start: {out.read_text()[-2000:]}")
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(60)


def sandbox_platform(folder: Path) -> str:
    """The address of the sandbox platform of the demonstration that runs."""
    found = re.search(r"Sandbox platform\s+(\S+)", (folder / OUT).read_text())
    if found is None:
        raise RuntimeError("The demonstration names no sandbox platform.")
    return found[1].rstrip("/")


def sign_in(page: Page, base: str, email: str) -> None:
    """Sign in by the link that the demonstration shows in its book of mails."""
    page.goto(f"{base}/sign-in")
    page.fill("input[type=email]", email)
    page.click("main button[type=submit]")
    page.goto(_link_for(page, base, email))
    page.click("main button[type=submit]")


def pay_links(page: Page, base: str) -> list[str]:
    """The payment links of invoices that customers were sent and can still pay, the newest first."""
    page.goto(f"{base}/demo/mails")
    found = []
    for href in page.eval_on_selector_all("main a.key", "all => all.map((each) => each.getAttribute('href'))"):
        page.goto(base + href)
        link = re.search(r"https?://[^\s\"<]+/p/[\w-]+", page.content())
        if link and link[0] not in found:
            found.append(link[0])
    return [each for each in found if _can_be_paid(page, each)]


def _can_be_paid(page: Page, link: str) -> bool:
    page.goto(link)
    return page.get_by_role("button", name=re.compile("^Payer")).count() > 0


def _link_for(page: Page, base: str, email: str) -> str:
    for _ in range(40):
        page.goto(f"{base}/demo/mails")
        for href in page.eval_on_selector_all(
            "main a.key", "all => all.slice(0, 6).map((e) => e.getAttribute('href'))"
        ):
            page.goto(base + href)
            content = page.content()
            link = re.search(r"https?://[^\s\"<]+/sign-in/[\w-]+", content)
            if link and email in content:
                return link[0]
        page.wait_for_timeout(500)
    raise AssertionError(f"No sign-in mail for {email}")


def _free_ports() -> int:
    """A port with two free ones after it, for the sandboxes."""
    for port in range(18_800, 19_800, 3):
        with socket.socket() as one, socket.socket() as two, socket.socket() as three:
            try:
                for offset, each in enumerate((one, two, three)):
                    each.bind(("127.0.0.1", port + offset))
            except OSError:
                continue
            return port
    raise RuntimeError("No three free ports.")
