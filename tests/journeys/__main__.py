"""``make journeys``: what people come to do, on a phone and at a desk, timed and counted, every step with its picture.

The seconds are those of the machine; a person reads and types besides. One walk by name: ``ARGS=pay``.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from journeys.demo_house import demo_house
from journeys.hands import PATIENCE_MS, Hands
from journeys.walks import WALKS
from playwright.sync_api import sync_playwright

PICTURES = Path(".var/journeys")
CHROMIUM = "/usr/bin/chromium"
SIZES = {"phone": (390, 844), "desk": (1280, 800)}


def main() -> int:
    """Walk every walk; 1 where one did not arrive."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    chosen = sys.argv[1:] or list(WALKS)
    failed = 0
    with demo_house(PICTURES) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        print(f"{'walk':<12}{'screen':<8}{'seconds':>8}{'interactions':>14}")
        for walk in chosen:
            for screen, (width, height) in SIZES.items():
                context = browser.new_context(viewport={"width": width, "height": height}, locale="fr-FR")
                context.set_default_timeout(PATIENCE_MS)
                hands = Hands(context.new_page(), base, PICTURES, f"{walk}-{screen}")
                try:
                    WALKS[walk](hands)
                except Exception:  # noqa: BLE001 -- the other walks are walked all the same
                    failed += 1
                    hands.look()
                    traceback.print_exc()
                print(f"{walk:<12}{screen:<8}{hands.seconds:>8.1f}{hands.interactions:>14}", flush=True)
                context.close()
        browser.close()
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("QUITTANCE_DATA_DIR", str(PICTURES / "var"))
    sys.exit(main())
