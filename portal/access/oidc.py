"""Staff sign in at the house's own provider (OpenID Connect Core 1.0, code flow with PKCE), trusted no further.

What decides is set here, never by the provider's own words: the issuer, the signature algorithms, the hosts that are
called. Every call has a time limit and follows no redirect. State, nonce and PKCE verifier live in a sealed cookie of
the browser that began, and are taken once. Sources: OpenID Connect Core 3.1.3.7, RFC 7636, RFC 9207, RFC 9700.
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
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from config.outgoing import AddressRefusedError
from config.secrets import same
from einvoice.platform.transport import GuardedAdapter
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.outgoing import Reach
    from config.settings import Settings

TIMEOUT_S, LONGEST_S = 5.0, 10.0
FRESH_S = 3600.0
"""How long the provider's description and keys are believed."""
KEYS_AGAIN_S = 60.0
"""Unknown keys make us ask again at most once in this time."""
LEEWAY_S = 60
"""How far the provider's clock may be off."""
KEY_TYPES = frozenset({"RSA", "EC"})


class ProviderError(ReceivablesError):
    """The sign-in at the provider did not end well; ``code`` begins with ``oidc.``."""


@dataclass(frozen=True, slots=True)
class Journey:
    """What a browser takes along to the provider and must bring back."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is; ``second`` where it says that two proofs were given."""

    issuer: str
    subject: str
    email: str | None
    second: bool


@dataclass
class Provider:
    """The provider that the settings name; ``back`` is the address that it sends browsers back to."""

    settings: Settings
    reach: Reach
    back: str
    _known: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def address(self, journey: Journey) -> str:
        """Where to send the browser.

        Raises:
            ProviderError: the provider cannot be asked, or is not the one that the settings name.
        """
        where = self._endpoint("authorization_endpoint")
        wanted = {
            "response_type": "code",
            "client_id": self.settings.oidc_client_id,
            "redirect_uri": self.back,
            "scope": self.settings.oidc_scopes,
            "state": journey.state,
            "nonce": journey.nonce,
            "code_challenge": create_s256_code_challenge(journey.verifier),
            "code_challenge_method": "S256",
        }
        return str(add_params_to_uri(where, list(wanted.items())))

    def identity(self, journey: Journey, answer: Mapping[str, str]) -> Identity:
        """Who came back with ``answer``, the parameters of the address.

        Raises:
            ProviderError: anything that does not fit.
        """
        if not same(answer.get("state", "").encode(), journey.state.encode()):
            raise _refused("oidc.state", "the answer belongs to another sign-in")
        if answer.get("iss", self._issuer) != self._issuer:  # RFC 9207
            raise _refused("oidc.issuer", "another provider answered")
        if "error" in answer or not answer.get("code"):
            raise _refused("oidc.denied", "the provider let nobody in")
        token = self._exchange(answer["code"], journey.verifier)
        claims = self._claims(token, journey.nonce)
        told = {str(claims.get("acr", "")), *map(str, claims.get("amr") or ())}
        verified = claims.get("email") if claims.get("email_verified") is True else None
        return Identity(
            self._issuer,
            str(claims["sub"]),
            str(verified) if verified else None,
            bool(told & set(self.settings.oidc_second_proofs.split())),
        )

    @property
    def _issuer(self) -> str:
        assert self.settings.oidc_issuer is not None  # noqa: S101 -- there is no provider without
        return self.settings.oidc_issuer

    def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        """The tokens for a code, asked for with our secret."""
        secret = self.settings.oidc_client_secret
        assert secret is not None  # noqa: S101 -- the settings' validator has made sure
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": verifier,
        }
        pair = f"{quote(self.settings.oidc_client_id, safe='')}:{quote(secret.get_secret_value(), safe='')}"
        headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        return self._call("POST", self._endpoint("token_endpoint"), data=asked, headers=headers)

    def _claims(self, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """What a checked ID token says (Core 3.1.3.7)."""
        raw = token.get("id_token")
        if not isinstance(raw, str):
            raise _refused("oidc.no_id_token", "the answer holds no ID token")
        try:
            decoded = self._decode(raw)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self.settings.oidc_client_id},
                    "sub": {"essential": True},
                },
                {
                    "nonce": nonce,
                    "client_id": self.settings.oidc_client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise _refused("oidc.bad_token", "the ID token does not hold") from error
        found: Mapping[str, Any] = decoded.claims
        return found

    def _decode(self, raw: str) -> Any:
        """The token under the provider's keys, by our algorithms; unknown keys are asked for once more."""
        rules = JWSRegistry(algorithms=self.settings.oidc_algorithms.split(), strict_check_header=False)
        try:
            return jwt.decode(raw, self._keys(FRESH_S), registry=rules)
        except InvalidKeyIdError:
            return jwt.decode(raw, self._keys(KEYS_AGAIN_S), registry=rules)

    def _keys(self, fresh_s: float) -> KeySet:
        """The provider's public keys; a shared secret among them would be no signature."""
        told = self._remembered("keys", fresh_s, lambda: self._call("GET", self._endpoint("jwks_uri")))
        keys = [each for each in told.get("keys", ()) if isinstance(each, dict) and each.get("kty") in KEY_TYPES]
        if not keys:
            raise _refused("oidc.no_keys", "the provider names no key")
        return KeySet.import_key_set({"keys": keys})

    def _endpoint(self, name: str) -> str:
        """An address of the provider, on a host that may be called."""
        told = self._remembered("description", FRESH_S, self._describe).get(name)
        parts = urlsplit(told if isinstance(told, str) else "")
        own = urlsplit(self._issuer)
        if parts.scheme != own.scheme or parts.netloc not in {own.netloc, *self.settings.oidc_hosts.split()}:
            raise _refused("oidc.address", f"{name} lies on a host that is not allowed")
        return str(told)

    def _describe(self) -> dict[str, Any]:
        found = self._call("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise _refused("oidc.issuer", "the provider calls itself something else")
        return found

    def _remembered(self, name: str, fresh_s: float, ask: Any) -> dict[str, Any]:
        with self._lock:
            known = self._known.get(name)
        if known is not None and time.monotonic() - known[0] < fresh_s:
            return dict(known[1])
        found = ask()
        with self._lock:
            self._known[name] = (time.monotonic(), found)
        return dict(found)

    def _call(self, method: str, url: str, **given: Any) -> dict[str, Any]:
        """The JSON object that a call brings; redirects are not followed, and no ``.netrc`` is read."""
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
        try:
            found = orjson.loads(content)
        except ValueError:
            found = None
        if status != HTTPStatus.OK or not isinstance(found, dict):
            raise _refused("oidc.refused", f"the provider answered with status {status}")
        return found


def _refused(code: str, why: str) -> ProviderError:
    """A refusal: people read what to do, the code and the reason are for the log."""
    return ProviderError(
        code,
        f"The sign-in at the provider did not succeed ({why}). Begin again, or use the link by mail.",
        "La connexion par le fournisseur d'identité n'a pas abouti. Recommencez, ou passez par le lien par courriel.",
    )
