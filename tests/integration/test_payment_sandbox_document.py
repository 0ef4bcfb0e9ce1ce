"""Every call of docs/payment-sandbox.md is made, in its order, and every route that it names exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from payment_sandbox import running_sandbox

from portal.sandboxes.payments import create_payment_sandbox

PAGE = Path(__file__).resolve().parents[2] / "docs/payment-sandbox.md"
BASE = "http://127.0.0.1:8001"


def test_every_call_of_the_page_works(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    with running_sandbox() as sandbox:
        script = "set -euo pipefail\n" + "".join(blocks).replace(BASE, sandbox.url)
        traced = script.replace("curl -sf ", "curl -sS --fail-with-body --noproxy '*' ")
        done = subprocess.run(
            ["bash", "-c", traced], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    shown = done.stdout.replace('": ', '":')
    for wanted in (
        '"network_reason_code":"MD06"',
        '"type":"funded"',
        '"acct_',
        '"rk_test_',
        '"lines":[',
        '"pending":0',
    ):
        assert wanted in shown, wanted


def test_the_page_names_every_control_route() -> None:
    app = create_payment_sandbox()
    try:
        rules = {str(rule) for rule in app.url_map.iter_rules() if str(rule).startswith("/_sandbox/")}
    finally:
        app.extensions["payment_sandbox"].close()
    page = PAGE.read_text(encoding="utf-8")
    assert {rule.split("/")[2] for rule in rules if rule.split("/")[2] not in page} == set()
