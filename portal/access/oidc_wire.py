"""What is asked of a sign-in provider: its description, its keys, its answers; believed no further than the settings.

Addresses lie on the issuer's host or on one that the settings name, calls have time limits and follow no redirect, and
what is signed is read under the provider's public keys by our algorithms alone.
"""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import orjson
import requests
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from config.outgoing import AddressRefusedError
from einvoice.platform.transport import GuardedAdapter
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwt import Token

    from config.outgoing import Reach
    from config.sign_in_providers import SignInProvider

TIMEOUT_S, LONGEST_S = 5.0, 10.0
FRESH_S = 3600.0
"""How long the provider's description and keys are believed."""
KEYS_AGAIN_S = 60.0
"""Unknown keys make us ask again at most once in this time."""
KEY_TYPES = frozenset({"RSA", "EC"})
SIGNED = "application/jwt"


class ProviderError(ReceivablesError):
    """The sign-in at the provider did not end well; ``code`` begins with ``oidc.``."""


@dataclass
class Wire:
    """The way to one provider."""

    config: SignInProvider
    reach: Reach
    _known: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def endpoint(self, name: str) -> str:
        """An address of the provider, on a host that may be called.

        Raises:
            ProviderError: it names none, or one elsewhere.
        """
        found = self.optional_endpoint(name)
        if found is None:
            raise refused("oidc.address", f"the provider names no {name}")
        return found

    def optional_endpoint(self, name: str) -> str | None:
        """The same, ``None`` where the provider does not have it.

        Raises:
            ProviderError: it lies elsewhere.
        """
        told = self.described(name)
        if told is None:
            return None
        parts, own = urlsplit(told if isinstance(told, str) else ""), urlsplit(self.config.issuer)
        if parts.scheme != own.scheme or parts.netloc not in {own.netloc, *self.config.hosts.split()}:
            raise refused("oidc.address", f"{name} lies on a host that is not allowed")
        return str(told)

    def described(self, name: str) -> object:
        """A word of the provider's description of itself."""
        return self._remembered("description", FRESH_S, self._describe).get(name)

    def tokens(self, asked: dict[str, str]) -> dict[str, Any]:
        """The tokens for a code, asked for with our secret (RFC 6749, 2.3.1)."""
        secret = self.config.client_secret.get_secret_value()
        if self.config.secret_in == "body":  # noqa: S105 -- a place, no secret
            proof = {"client_id": self.config.client_id, "client_secret": secret}
            return self._json("POST", self.endpoint("token_endpoint"), data={**asked, **proof})
        pair = f"{quote(self.config.client_id, safe='')}:{quote(secret, safe='')}"
        headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        return self._json("POST", self.endpoint("token_endpoint"), data=asked, headers=headers)

    def user_info(self, access_token: str) -> dict[str, Any] | Token | None:
        """What the provider says about a person, signed or not; ``None`` where it has no such address."""
        where = self.optional_endpoint("userinfo_endpoint")
        if where is None:
            return None
        content, kind = self._call("GET", where, headers={"Authorization": f"Bearer {access_token}"})
        return self.decode(content.decode("ascii", "replace").strip()) if kind == SIGNED else _object(content)

    def decode(self, raw: str) -> Token:
        """A signed token under the provider's keys, by our algorithms; unknown keys are asked for once more."""
        rules = JWSRegistry(algorithms=self.config.algorithms.split(), strict_check_header=False)
        try:
            return jwt.decode(raw, self._keys(FRESH_S), None, rules)
        except InvalidKeyIdError:
            return jwt.decode(raw, self._keys(KEYS_AGAIN_S), None, rules)

    def _keys(self, fresh_s: float) -> KeySet:
        """The provider's public keys; a shared secret among them would be no signature."""
        told = self._remembered("keys", fresh_s, lambda: self._json("GET", self.endpoint("jwks_uri")))
        keys = [each for each in told.get("keys", ()) if isinstance(each, dict) and each.get("kty") in KEY_TYPES]
        if not keys:
            raise refused("oidc.no_keys", "the provider names no key")
        return KeySet.import_key_set({"keys": keys})

    def _describe(self) -> dict[str, Any]:
        found = self._json("GET", f"{self.config.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.config.issuer:
            raise refused("oidc.issuer", "the provider calls itself something else")
        return found

    def _remembered(self, name: str, fresh_s: float, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        with self._lock:
            known = self._known.get(name)
        if known is not None and time.monotonic() - known[0] < fresh_s:
            return dict(known[1])
        found = ask()
        with self._lock:
            self._known[name] = (time.monotonic(), found)
        return dict(found)

    def _json(self, method: str, url: str, **given: Any) -> dict[str, Any]:
        return _object(self._call(method, url, **given)[0])

    def _call(self, method: str, url: str, **given: Any) -> tuple[bytes, str]:
        """What a call brings, and its kind; redirects are not followed, and no ``.netrc`` is read."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                for scheme in ("https://", "http://"):
                    session.mount(scheme, GuardedAdapter(self.reach, TIMEOUT_S, LONGEST_S))
                answer = session.request(method, url, timeout=TIMEOUT_S, allow_redirects=False, **given)
                content, status = answer.content, answer.status_code
        except (requests.RequestException, AddressRefusedError, OSError) as error:
            raise ProviderError(
                "oidc.unreachable",
                "The sign-in provider does not answer: use the link by mail, or try again later.",
                "Le fournisseur d'identité ne répond pas : passez par le lien par courriel, ou réessayez plus tard.",
            ) from error
        if status != HTTPStatus.OK:
            raise refused("oidc.refused", f"the provider answered with status {status}")
        return content, answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def refused(code: str, why: str) -> ProviderError:
    """A refusal: people read what to do, the code and the reason are for the log."""
    return ProviderError(
        code,
        f"The sign-in at the provider did not succeed ({why}). Begin again, or use the link by mail.",
        "La connexion par le fournisseur d'identité n'a pas abouti. Recommencez, ou passez par le lien par courriel.",
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise refused("oidc.refused", "the provider's answer is no JSON object")
    return found
