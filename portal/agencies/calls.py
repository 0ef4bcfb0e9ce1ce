"""Calls to an agency or insurer, as its driver describes them: guarded addresses, time-outs, no redirects."""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

from config.outgoing import AddressRefusedError
from einvoice.platform.transport import GuardedAdapter, watched
from portal.agencies.driver import BureauError
from portal.agencies.reading import at_path, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.outgoing import Reach
    from portal.agencies.driver import Call, Driver

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, LONGEST_ANSWER_S = 5.0, 20.0, 60.0
"""Somebody waits at a page: what takes longer is asked for again later."""
MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Largest answer, in bytes: a whole report with its balance sheets."""


class BureauClient:
    """One account at an agency or insurer; ``key`` is ``user:secret`` where the driver signs in, else the token."""

    def __init__(self, driver: Driver, base_url: str, key: str, reach: Reach) -> None:
        if driver.web is None:
            raise BureauError(
                "bureau.files_only",
                f"{driver.title} is read from files: no interface of its is known here.",
                f"{driver.title} se lit dans des fichiers : aucune interface n'est connue ici.",
            )
        self._driver, self._web, self._base, self._key = driver, driver.web, base_url.rstrip("/"), key
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc password, no proxy that nobody configured
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, GuardedAdapter(reach, READ_TIMEOUT_S, LONGEST_ANSWER_S))
        self._token: str | None = None
        self._lock = threading.Lock()

    def ask(self, call: str, **places: str) -> Any:
        """The answer to a call of the driver, ``None`` where the other side knows no such company.

        Raises:
            BureauError: ``bureau.unreachable``, ``bureau.unauthorised``, ``bureau.refused``, ``bureau.unreadable``,
                ``bureau.not_offered`` or ``bureau.address_refused``.
        """
        described = self._web.calls.get(call)
        if described is None:
            raise BureauError(
                "bureau.not_offered",
                f"The driver of {self._driver.title} knows no call for this ({call}).",
                f"Le connecteur de {self._driver.title} ne connaît pas cet appel ({call}).",
            )
        if self._web.find is not None and "{id}" in described.path:
            answer = self._authorised(self._web.find, places)
            found = at_path(answer, self._web.find_id)
            if found is None:
                return None
            places = {**places, "id": str(found)}
        return self._authorised(described, places)

    def _authorised(self, call: Call, places: Mapping[str, str]) -> Any:
        """A call with the token; one that was refused is renewed once."""
        for fresh in (False, True):
            status, content = self._send(call, places, self._headers(fresh=fresh))
            if status != HTTPStatus.UNAUTHORIZED:
                break
        if status == HTTPStatus.NOT_FOUND:
            return None
        self._check(status)
        return read_json(content, self._driver)

    def _headers(self, *, fresh: bool) -> dict[str, str]:
        kind, _, name = self._web.auth.partition(" ")
        token = self._signed_in(fresh=fresh) if self._web.login else self._key
        if kind == "header":
            return {name: token}
        return {"Authorization": {"bearer": f"Bearer {token}", "token": token}[kind]}

    def _signed_in(self, *, fresh: bool) -> str:
        with self._lock:
            if self._token is None or fresh:
                user, _, secret = self._key.partition(":")
                assert self._web.login is not None  # noqa: S101 -- asked before
                status, content = self._send(self._web.login, {"user": user, "secret": secret}, {})
                self._check(status)
                token = at_path(read_json(content, self._driver), self._web.login_token)
                if not isinstance(token, str) or not token.isprintable():
                    raise self._unauthorised()
                self._token = token
            return self._token

    def _send(self, call: Call, places: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
        path = call.path.format(**{name: quote(value, safe="") for name, value in places.items()})
        body = _filled(call.body, places) if call.body else None
        try:
            answer = self._session.request(
                call.method,
                self._base + path,
                json=body,
                headers={"Accept": "application/json", **headers},
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            )
            with watched(answer):
                content = answer.raw.read(MAX_ANSWER_BYTES + 1, decode_content=True)
        except AddressRefusedError as error:
            raise BureauError(
                "bureau.address_refused",
                f"The address of {self._driver.title} leads into this network: it is not called.",
                f"L'adresse de {self._driver.title} mène dans ce réseau : elle n'est pas appelée.",
            ) from error
        except (requests.RequestException, OSError) as error:
            raise BureauError(
                "bureau.unreachable",
                f"{self._driver.title} does not answer now: try again later.",
                f"{self._driver.title} ne répond pas : réessayez plus tard.",
            ) from error
        if len(content) > MAX_ANSWER_BYTES:
            raise BureauError(
                "bureau.unreadable",
                f"{self._driver.title} answered with more than {MAX_ANSWER_BYTES // 2**20} MiB.",
                f"{self._driver.title} a répondu plus de {MAX_ANSWER_BYTES // 2**20} Mio.",
            )
        return answer.status_code, content

    def _check(self, status: int) -> None:
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise self._unauthorised()
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise BureauError(
                "bureau.refused",
                f"{self._driver.title} refused the call with status {status}.",
                f"{self._driver.title} a refusé l'appel avec le statut {status}.",
            )

    def _unauthorised(self) -> BureauError:
        return BureauError(
            "bureau.unauthorised",
            f"{self._driver.title} does not accept the key: enter the one of your contract.",
            f"{self._driver.title} n'accepte pas la clé : saisissez celle de votre contrat.",
        )


def _filled(body: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """The body of a call with its places filled; what has no value is left out."""
    filled: dict[str, Any] = {}
    for name, value in body.items():
        if isinstance(value, dict):
            filled[name] = _filled(value, places)
        elif isinstance(value, str) and value.startswith("{") and value.endswith("}"):
            if value[1:-1] in places:
                filled[name] = places[value[1:-1]]
        else:
            filled[name] = value
    return filled
