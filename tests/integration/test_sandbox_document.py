"""Every call of docs/sandbox.md is made, in its order, against the sandbox with the real rules."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hand_written_invoices import CII
from test_sandbox_deliveries import Platform
from werkzeug.serving import make_server

from einvoice.validation.check import Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.validation.schematron import SchematronEngine

PAGE = Path(__file__).resolve().parents[2] / "docs/sandbox.md"
BASE = "http://127.0.0.1:8002"


@pytest.fixture
def sandbox(shared_engine: SchematronEngine) -> Iterator[str]:
    clients = {"sandbox": "sandbox-secret", "910000009": "sandbox-secret"}
    built = Platform(Validator(shared_engine), clients=clients)
    server = make_server("127.0.0.1", 0, built.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    built.close()


def test_every_call_of_the_page_works(sandbox: str, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    script = "set -euo pipefail\n" + "".join(blocks).replace(BASE, sandbox)
    calls = len(re.findall(r"^(?:TOKEN=\$\()?curl|^curl", script, flags=re.MULTILINE))
    assert calls >= 20
    (tmp_path / "invoice.xml").write_text(CII, encoding="utf-8")
    (tmp_path / "purchase.xml").write_text(CII.replace("2026-0001", "2026-0002"), encoding="utf-8")
    traced = script.replace("curl -sf ", "curl -sS --fail-with-body --noproxy '*' ")
    done = subprocess.run(
        ["bash", "-c", traced], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    wanted = (
        '"flowId"',
        '"CustomerInvoiceLC"',
        "Papeteries de la Vilaine",
        '"dispute-then-approve"',
        '"skew_s":-3600.0',
    )
    for shown in wanted:
        assert shown in done.stdout.replace('": ', '":'), shown
