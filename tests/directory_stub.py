"""A small directory service over HTTP, in the shapes of XP Z12-013 Directory 1.3.0, for tests: told what to know."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from payment_sandbox import Quiet
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from einvoice.platform.settings import PlatformDriver, PlatformSettings

KINDS = {
    "siren": "siren",
    "siret": "siret",
    "routing-code": "routingIdentifier",
    "directory-line": "addressingIdentifier",
}


class DirectoryStub:
    """Companies, establishments, codes and lines; ``fault`` makes it fail, ``calls`` tells what was asked."""

    def __init__(self) -> None:
        self.known: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.fault: tuple[int, dict[str, str]] | None = None
        self.slow_s = 0.0
        self.empty_status = 204
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self, **changes: Any) -> PlatformSettings:
        """A client of it; ``changes`` are those of the driver."""
        driver = PlatformDriver(
            "stub", f"{self.url}/flow", f"{self.url}/token", **{"directory_url": f"{self.url}/directory", **changes}
        )
        return PlatformSettings(driver, "client", "secret", read_timeout_s=2, connect_timeout_s=2)

    def company(self, siren: str, name: str = "Imprimerie du Port", **more: Any) -> None:
        """Know a company."""
        self.known["siren"].append(
            {
                "siren": siren,
                "businessName": name,
                "entityType": "PrivateVatRegistered",
                "administrativeStatus": "A",
                **more,
            }
        )

    def line(self, address: str, status: str | None = "Enabled", **more: Any) -> None:
        """Know a line."""
        told = {"addressingIdentifier": address, "siren": address[:9], "platformType": "WK", **more}
        self.known["directory-line"].append({**told, "directoryLineStatus": status} if status else told)

    def _answer(self, environ: dict[str, Any], start: Any) -> Any:
        request = Request(environ)
        if request.path == "/token":
            return self._json({"access_token": "t", "token_type": "Bearer", "expires_in": 3600})(environ, start)
        time.sleep(self.slow_s)
        body = json.loads(request.get_data() or b"{}")
        self.calls.append((request.method, request.path, body))
        if self.fault:
            status, headers = self.fault
            return Response(json.dumps({"errorCode": "FAULT"}), status, headers)(environ, start)
        assert request.headers["Authorization"] == "Bearer t"
        kind, _, rest = request.path.removeprefix("/directory/v1/").partition("/")
        return (self._search(kind, body) if rest == "search" else self._get(kind, rest))(environ, start)

    def _search(self, kind: str, body: dict[str, Any]) -> Response:
        found = [each for each in self.known[kind] if all(_fits(each, *pair) for pair in body["filters"].items())]
        page = found[body.get("ignore", 0) :][: body.get("limit", 50)]
        if not page:
            return Response(status=self.empty_status)
        return self._json({"search": body, "totalNumberOfResults": -1, "results": page})

    def _get(self, kind: str, rest: str) -> Response:
        wanted = rest.rpartition("code:")[2] if kind == "routing-code" else rest.rpartition(":")[2]
        found = next((each for each in self.known[kind] if each[KINDS[kind]] == wanted), None)
        return self._json(found) if found else Response(json.dumps({"errorCode": "MISSING_RESOURCE"}), 404)

    def _json(self, body: Any) -> Response:
        return Response(json.dumps(body), 200, mimetype="application/json")


def _fits(each: dict[str, Any], field: str, want: dict[str, str]) -> bool:
    value = str(each.get(field, ""))
    return want["value"] in value if want["op"] == "contains" else want["value"] == value
